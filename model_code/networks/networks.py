"""The networks, a CNN of images and a GRU or a 1-D CNN of steps, each a function of its hyperparameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from model_code.hyperparameters import CnnHyperparameters, RnnHyperparameters

# A logit scale below 1 keeps the untrained network's probabilities even, so that a high learning rate can start.
LOGIT_SCALE = 0.125
# Added to the variance along a direction of image patches, so that noise is not blown up.
LEAST_VARIANCE = 5e-4
# Patches whose covariance is taken; four times as many at most.
MOST_PATCHES = 250_000


@keras.saving.register_keras_serializable("recognition")
class FusedBatchNormalization(layers.BatchNormalization):
    """Batch normalisation of images and sequences by TensorFlow's fused kernel; on other backends Keras's own.

    Keras computes moments and scaling as separate operations, which costs a CPU most of a small network's step.
    """

    def add_weight(self, *args, trainable=True, **options):
        """Makes a variable; replicas that train together keep the mean of their moving averages."""
        aggregation = "none" if trainable else "mean"
        return super().add_weight(*args, trainable=trainable, aggregation=aggregation, **options)

    def call(self, inputs, training=None, mask=None):
        """Normalises float inputs of shape [N, H, W, C] or [N, L, C]."""
        if keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training, mask=mask)
        if len(inputs.shape) == 3:
            return self.call(inputs[:, :, None], training)[:, :, 0]
        import tensorflow as tf

        from model_code.networks.processor_kernels import batch_normalization

        if not training:
            return tf.compat.v1.nn.fused_batch_norm(
                inputs,
                self.gamma,
                self.beta,
                mean=self.moving_mean,
                variance=self.moving_variance,
                epsilon=self.epsilon,
                is_training=False,
            )[0]
        gamma, beta = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        outputs, mean, variance = batch_normalization(inputs, gamma, beta, self.epsilon)
        for average, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average * self.momentum + batch * (1.0 - self.momentum))
        return outputs


@keras.saving.register_keras_serializable("recognition")
class FusedGelu(layers.Layer):
    """The Gaussian error linear unit; training on a processor with TensorFlow computes it in a single pass.

    An operation at a time, it costs a quarter of a small network's step.
    """

    def call(self, inputs, training=None):
        """Takes and returns floats of any shape."""
        if training and keras.backend.backend() == "tensorflow" and inputs.dtype == "bfloat16":
            from model_code.networks.processor_kernels import gelu, has_gpu

            if not has_gpu():
                return gelu(inputs)
        return keras.activations.gelu(inputs)


def convolution(before, channels: int, *, pool: bool = False, residual: bool = False):
    """3×3 convolution, optional halving of height and width, batch normalisation, optional shortcut, ReLU."""
    hidden = layers.Conv2D(channels, 3, padding="same", use_bias=False)(before)
    if pool:
        hidden = layers.MaxPooling2D()(hidden)
    hidden = FusedBatchNormalization(momentum=0.9)(hidden)
    if residual:
        hidden = layers.Add()([hidden, before])
    return layers.Activation("relu")(hidden)


def build_cnn(
    settings: CnnHyperparameters,
    class_count: int,
    *,
    mean: list[float] | None = None,
    variance: list[float] | None = None,
    whitening: np.ndarray | None = None,
) -> keras.Model:
    """The CNN: a 2×2 stem and three blocks, each of a convolution that halves the image and further ones of its size.

    With `residual`, each of the further ones adds to what it gets (He et al. 2015, arXiv 1512.03385): a shortcut
    around a single convolution, without weights of its own.

    Args:
        settings: width, depth, shortcuts and image size.
        class_count: number of classes.
        mean: of the training images' channels, 0 to 255; 127.5 where it is not given.
        variance: of the same.
        whitening: the first layer's fixed kernel, from `whitening_kernel`; None lets it learn one.

    Returns:
        A model from float images [N, H, W, 3] in 0..255 to float32 logits [N, class_count].
    """
    images = layers.Input((settings.image_size, settings.image_size, 3))
    hidden = layers.Normalization(mean=mean or [127.5] * 3, variance=variance or [4096.0] * 3)(images)
    if whitening is None:
        hidden = layers.Conv2D(settings.width, 2)(hidden)
    else:
        stem = layers.Conv2D(whitening.shape[-1], 2, use_bias=False, trainable=False)
        hidden = stem(hidden)
        stem.kernel.assign(whitening)
    hidden = FusedGelu()(hidden)
    for channels in (settings.width, 4 * settings.width, 4 * settings.width):
        hidden = convolution(hidden, channels, pool=True)
        for _ in range(settings.depth - 1):
            hidden = convolution(hidden, channels, residual=settings.residual)
    hidden = layers.GlobalMaxPooling2D()(hidden)
    logits = layers.Dense(class_count, use_bias=False, dtype="float32")(hidden)
    return keras.Model(images, layers.Rescaling(LOGIT_SCALE, dtype="float32")(logits), name="cnn")


def whitening_kernel(images: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """A first layer whose outputs are uncorrelated and of like size, so that the layers behind it learn sooner.

    The eigenvectors of the covariance of all 2×2 patches, each divided by the deviation along it, and their negatives
    (Page 2018, "How to train your ResNet"; Jordan 2024, arXiv 2404.00498).

    Args:
        images: [N, H, W, 3]; of many or large ones some patches are left out.
        variance: of their channels [3], as the network normalises by it.

    Returns:
        float32 [2, 2, 3, 24].
    """
    windows = np.lib.stride_tricks.sliding_window_view(images, (2, 2), axis=(1, 2))
    stride = max(1, math.isqrt(math.prod(windows.shape[:3]) // MOST_PATCHES))
    patches = windows[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3) / np.sqrt(variance)
    sizes, directions = np.linalg.eigh(np.cov(patches.reshape(-1, 12), rowvar=False))
    kernel = (directions / np.sqrt(np.maximum(sizes, 0.0) + LEAST_VARIANCE)).reshape(2, 2, 3, 12)
    return np.concatenate([kernel, -kernel], axis=-1).astype(np.float32)


@keras.saving.register_keras_serializable("recognition")
class ChannelNormalization(layers.Layer):
    """Sensor channels brought to mean 0 and variance 1; a step of NaN, which is padding, becomes zeros."""

    def __init__(self, mean: Sequence[float], variance: Sequence[float], **keywords) -> None:
        super().__init__(**keywords)
        self.mean, self.variance = list(mean), list(variance)

    def call(self, steps):
        """Takes float steps [N, L, C]; returns their normalised values and bool [N, L], true where a step is one."""
        present = keras.ops.logical_not(keras.ops.any(keras.ops.isnan(steps), axis=-1))
        mean = keras.ops.convert_to_tensor(self.mean, steps.dtype)
        deviation = keras.ops.sqrt(keras.ops.convert_to_tensor(self.variance, steps.dtype))
        filled = keras.ops.where(keras.ops.expand_dims(present, -1), steps, mean)
        return (filled - mean) / deviation, present

    def get_config(self) -> dict:
        """What makes an equal layer."""
        return {**super().get_config(), "mean": self.mean, "variance": self.variance}


@keras.saving.register_keras_serializable("recognition")
class MaximumAndMean(layers.Layer):
    """The maximum and the mean of the hidden states over the steps that are present; -1 and 0 where none is.

    A GRU's states lie between -1 and 1, and what comes from a ReLU is 0 at least, so -1 is no one's maximum but where
    there is nothing to see.
    """

    def call(self, hidden, present):
        """Takes hidden states [N, L, D] and bool [N, L]; returns [N, 2 D]."""
        present = keras.ops.expand_dims(keras.ops.cast(present, hidden.dtype), -1)
        maximum = keras.ops.max(hidden * present + (present - 1), axis=1)
        count = keras.ops.maximum(keras.ops.sum(present, axis=1), 1)
        return keras.ops.concatenate([maximum, keras.ops.sum(hidden * present, axis=1) / count], axis=-1)

    def compute_mask(self, *_) -> None:
        """There are no steps behind this layer that could be masked."""


@keras.saving.register_keras_serializable("recognition")
class FusedGRU(layers.GRU):
    """A `keras.layers.GRU`, with equal weights and answers, that trains several times as fast on TensorFlow.

    What TensorFlow derives keeps every value of every step in a list of its own, and adds to each weight's gradient in
    every step. This one projects all inputs at once, keeps the gates alone, and takes the gradients of the weights from
    one matrix product over all steps. Prediction, and training on another backend, is Keras's.
    """

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """Takes [N, L, D] and perhaps bool [N, L]; returns the last state [N, units], all states and the last again."""
        if not training or keras.backend.backend() != "tensorflow":
            return super().inner_loop(sequences, initial_state, mask, training)
        import tensorflow as tf

        from model_code.networks.gru_gradient import loop

        (start,), (present,) = keras.tree.flatten(initial_state), keras.tree.flatten(mask) or [None]
        steps = tf.transpose(sequences, [1, 0, 2])
        if present is not None:
            present = tf.cast(tf.transpose(present), steps.dtype)[..., None]
        if self.go_backwards:
            steps = tf.reverse(steps, [0])
            present = None if present is None else tf.reverse(present, [0])
        input_bias, recurrent_bias = tf.unstack(tf.convert_to_tensor(self.cell.bias))
        projected = tf.matmul(steps, self.cell.kernel) + input_bias
        kernel = tf.convert_to_tensor(self.cell.recurrent_kernel)
        states = loop(projected, kernel, recurrent_bias, start, present)
        return states[-1], tf.transpose(states, [1, 0, 2]), [states[-1]]


@dataclass(frozen=True)
class Channels:
    """What the RNN has to know of a sensor's channels.

    Attributes:
        mean: of each channel over the training steps.
        variance: of the same, above 0.
    """

    mean: Sequence[float]
    variance: Sequence[float]


def convolutions(hidden, present, filters: int):
    """Three convolutions over the steps, each with batch normalisation and ReLU; padding stays zeros.

    The fully convolutional network of Wang, Yan and Oates 2017 ("Time series classification from scratch with deep
    neural networks: a strong baseline", arXiv 1611.06455).

    Args:
        hidden: float [N, L, D].
        present: bool [N, L], true where a step is no padding.
        filters: of the first and the last convolution; the middle one has twice as many.

    Returns:
        Float [N, L, filters], 0 and above.
    """
    present = keras.ops.expand_dims(present, -1)
    for channels, steps in ((filters, 8), (2 * filters, 5), (filters, 3)):
        hidden = layers.Conv1D(channels, steps, padding="same", use_bias=False)(hidden)
        hidden = layers.Activation("relu")(FusedBatchNormalization(momentum=0.9)(hidden))
        hidden = keras.ops.where(present, hidden, 0.0)
    return hidden


def build_rnn(
    settings: RnnHyperparameters,
    class_count: int,
    *,
    vocabulary_numbers: int | None = None,
    channels: Channels | None = None,
) -> keras.Model:
    """The network for texts and sensor sequences: GRU or convolutions, maximum and mean over the steps, classifier.

    Words enter through an embedding, sensor channels normalised; from there on the network is the same. The padding
    behind a sensor sequence is skipped, so that it changes no answer; a text's padding is a word with an embedding.
    `use_cudnn=False` keeps operations out of the graph that a CPU cannot run (keras issue 18504).

    Args:
        settings: layers, sizes and dropout.
        class_count: number of classes.
        vocabulary_numbers: of the words, with padding and the unknown word; for texts.
        channels: for sensor sequences; one of the two is given.

    Returns:
        A model to float32 logits [N, class_count], from int32 word numbers [N, sequence_length], 0 for padding, or from
        float steps [N, sequence_length, channels], NaN for padding.
    """
    if channels is None:
        inputs = layers.Input((settings.sequence_length,), dtype="int32")
        hidden = layers.Embedding(vocabulary_numbers, settings.embedding_size)(inputs)
        present, mask = keras.ops.not_equal(inputs, 0), None
    else:
        inputs = layers.Input((settings.sequence_length, len(channels.mean)))
        hidden, present = ChannelNormalization(channels.mean, channels.variance)(inputs)
        mask = present
    if settings.layers_for("sequence" if channels else "text") == "conv1d":
        hidden = convolutions(hidden, present, settings.filters)
    else:
        hidden = layers.SpatialDropout1D(settings.dropout)(hidden)
        gru = FusedGRU(settings.units, return_sequences=True, use_cudnn=False)
        hidden = layers.Bidirectional(gru)(hidden, mask=mask)
    features = layers.Dropout(settings.dropout)(MaximumAndMean()(hidden, present))
    logits = layers.Dense(class_count, dtype="float32")(features)
    return keras.Model(inputs, logits, name="rnn")


BUILDERS: dict[str, Callable[..., keras.Model]] = {"cnn": build_cnn, "rnn": build_rnn}
"""By kind: from hyperparameters, the number of classes, and what the task knows of the inputs, to the network."""
