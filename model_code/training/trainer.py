"""One network's training steps: schedule, augmentation, loss, gradients and update, compiled where that is faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras.layers import BatchNormalization

from definitions.metrics import AUTO, has_rare_class
from model_code.data.batches import ArrayEpoch, Arrays, Batch, ShardEpoch, Shards
from model_code.failures import JobFailed
from model_code.hyperparameters import Hyperparameters, ImageHyperparameters, SequenceHyperparameters
from model_code.networks.preprocessing import augment, augment_sequences, cutout, word_dropout
from model_code.training.calibration import mean_loss

# Steps that run inside one TensorFlow call; between calls a stop is noticed and a checkpoint can be written.
STEPS_PER_CALL = 20
EVALUATION_BATCH = 500


class Sums(NamedTuple):
    """Over some steps, of each step's mean: the plain loss and what was lowered; and the number of right answers.

    The plain loss is without smoothing and weights, as validation's is.
    """

    loss: float
    objective: float
    right: float


def learning_rate_at(step: tf.Tensor, total_steps: tf.Tensor | int, settings: Hyperparameters) -> tf.Tensor:
    """The one-cycle schedule: from 0 up to the peak over `warmup_share` of the steps, then down to 0."""
    step, total = tf.cast(step, tf.float32), tf.cast(total_steps, tf.float32)
    warmup = tf.maximum(1.0, settings.warmup_share * total)
    rising = (step + 1.0) / warmup
    falling = (total - step) / tf.maximum(1.0, total - warmup)
    return settings.learning_rate * tf.minimum(1.0, tf.minimum(rising, falling))


def make_optimizer(settings: Hyperparameters) -> keras.optimizers.Optimizer:
    """SGD with Nesterov momentum, or Adam, as the kind of network wants it."""
    if settings.optimizer == "sgd":
        return keras.optimizers.SGD(settings.learning_rate, momentum=0.9, nesterov=True)
    return keras.optimizers.Adam(settings.learning_rate)


class Trainer:
    """A network with its optimiser and its data, advanced by whole steps that depend on nothing but their number."""

    def __init__(
        self,
        build_network: Callable[[], keras.Model],
        settings: Hyperparameters,
        samples: Arrays | Shards,
        class_count: int,
        class_weights: np.ndarray | None = None,
    ) -> None:
        """Builds network and optimiser under the strategy whose scope it is called in.

        Args:
            build_network: makes the untrained network.
            settings: the run's hyperparameters.
            samples: of the training split.
            class_count: number of classes.
            class_weights: of the classes in the loss, float [class_count]; 1 each where they are not given.

        Raises:
            JobFailed: when a batch cannot be shared evenly by the strategy's replicas.
        """
        self.strategy = tf.distribute.get_strategy()
        self.network = build_network()
        self.settings = settings
        self.class_count = class_count
        self.class_weights = class_weights
        # What a loss with weights added to the logits is taken back where they are measured and served.
        self.offsets = np.zeros(class_count) if class_weights is None else -np.log(class_weights)
        # The network's weights after its best epoch; none before the first one has ended.
        self.best_weights: list[np.ndarray] = []
        self.samples = samples
        # The classifier of a frozen network learns from features, which are no images.
        self.reads_images = len(samples.input_spec.shape) == 3
        self.sample_count = len(samples)
        self.batch_size = min(settings.batch_size, self.sample_count)
        replicas = self.strategy.num_replicas_in_sync
        if self.batch_size % replicas:
            raise JobFailed(
                f"A batch of {self.batch_size} cannot be shared evenly by {replicas} devices. Make batch_size a "
                f"multiple of {replicas}."
            )
        self.steps_per_epoch = self.sample_count // self.batch_size
        self.total_steps = self.steps_per_epoch * settings.epochs
        self.optimizer = make_optimizer(settings)
        # Its variables have to exist before the first traced step.
        self.optimizer.build(self.network.trainable_variables)
        self.decayed = [
            variable for variable in self.network.trainable_variables if variable.path.endswith("kernel")
        ]
        self.trace(replicas)

    def trace(self, replicas: int) -> None:
        """Makes functions of what is computed in every step."""
        # Where several replicas exchange something there may be no function around the exchange: neither of gradients
        # nor, inside the network, of the averages of batch normalisation.
        compile_options = {"jit_compile": self.settings.jit_compile, "autograph": False}
        normalises = any(isinstance(layer, BatchNormalization) for layer in self.network.layers)
        exchanges_averages = normalises and replicas > 1
        self.gradients = (
            self.plain_gradients
            if exchanges_averages
            else tf.function(self.plain_gradients, **compile_options)
        )
        self.step = tf.function(self.plain_step, **compile_options) if replicas == 1 else self.plain_step
        shape, inputs = [None, self.batch_size], self.samples.input_spec
        self.run_steps = tf.function(
            self.plain_run_steps,
            input_signature=[
                tf.TensorSpec([*shape, *inputs.shape], inputs.dtype),
                tf.TensorSpec(shape, tf.int32),
                tf.TensorSpec([], tf.int32),
                tf.TensorSpec([], tf.int32),
            ],
        )
        self.answer_batch = tf.function(self.plain_answer_batch, reduce_retracing=True, **compile_options)
        self.has_finite_weights = tf.function(self.plain_has_finite_weights, autograph=False)

    def variables(self) -> list[keras.Variable]:
        """Everything that changes while training: weights, averages, dropout's random state, optimiser slots."""
        return [*self.network.variables, *self.optimizer.variables]

    def batches_of_epoch(self, epoch: int) -> ArrayEpoch | ShardEpoch:
        """The batches of each step of an epoch; a slice of it gives those of some steps."""
        return self.samples.epoch(epoch, batch_size=self.batch_size, seed=self.settings.seed)

    def learning_rate(self, step: int) -> float:
        """The schedule's rate in a step."""
        return float(learning_rate_at(tf.constant(step), self.total_steps, self.settings))

    def advance(self, batches: Batch, first_step: int) -> Sums:
        """Takes the steps first_step, first_step + 1, … on inputs [steps, batch_size, …] with their targets."""
        inputs, targets = batches
        sums = self.run_steps(
            tf.constant(inputs),
            tf.constant(targets),
            tf.constant(first_step, tf.int32),
            tf.constant(self.total_steps, tf.int32),
        )
        return Sums(*map(float, sums))

    def plain_run_steps(
        self, inputs: tf.Tensor, targets: tf.Tensor, first_step: tf.Tensor, total_steps: tf.Tensor
    ) -> tf.Tensor:
        """Runs inputs [steps, batch, …] with their targets as consecutive steps, each batch shared by the replicas.

        Returns:
            The members of `Sums`.
        """
        sums = tf.zeros([3])
        # AutoGraph makes a loop of the `for`; looking for one in all of Keras as well takes seconds.
        replica_step = tf.autograph.experimental.do_not_convert(self.replica_step)
        for offset in tf.range(tf.shape(inputs)[0]):
            step = first_step + offset
            rate = learning_rate_at(step, total_steps, self.settings)
            self.optimizer.learning_rate.assign(rate)
            parts = self.strategy.run(replica_step, args=(inputs[offset], targets[offset], step))
            sums += self.strategy.reduce(tf.distribute.ReduceOp.SUM, parts, axis=None)
        return sums

    def replica_step(self, inputs: tf.Tensor, targets: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """One replica's part of a step: every so manieth sample of the batch, which all replicas are given whole."""
        replicas = self.strategy.num_replicas_in_sync
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group if replicas > 1 else 0
        seed = tf.stack([self.settings.seed, step])
        settings = self.settings
        if self.reads_images and isinstance(settings, ImageHyperparameters):
            inputs = augment(inputs, seed, settings.shift_pixels, settings.mirror)
            if settings.cutout_pixels:
                inputs = cutout(inputs, seed, settings.cutout_pixels)
            inputs = tf.cast(inputs, self.network.compute_dtype)
        elif isinstance(settings, SequenceHyperparameters) and inputs.dtype.is_floating:
            inputs = augment_sequences(inputs, seed, settings)
        elif isinstance(settings, SequenceHyperparameters) and settings.word_dropout:
            inputs = word_dropout(inputs, seed, settings.word_dropout)
        return self.step(inputs[replica::replicas], targets[replica::replicas])

    def plain_step(self, inputs: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        """One update; returns this replica's part of the members of `Sums`."""
        parts, gradients = self.gradients(inputs, targets)
        # The optimiser adds up the replicas' gradients.
        self.optimizer.apply(gradients)
        return parts

    def plain_gradients(self, inputs: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """The members of `Sums`, and the gradients, of one replica's samples, scaled to add up to the batch's."""
        smoothing = self.settings.label_smoothing
        wanted = tf.one_hot(targets, self.class_count) * (1 - smoothing) + smoothing / self.class_count
        with tf.GradientTape() as tape:
            logits = self.network(inputs, training=True)
            losses = tf.nn.softmax_cross_entropy_with_logits(wanted, logits)
            if self.class_weights is not None:
                losses *= tf.gather(tf.constant(self.class_weights, tf.float32), targets)
            objective = penalised = tf.reduce_sum(losses) / self.batch_size
            if self.settings.weight_decay:
                squares = [tf.nn.l2_loss(variable.value) for variable in self.decayed]
                share = self.settings.weight_decay / self.strategy.num_replicas_in_sync
                penalised += share * tf.add_n(squares)
        gradients = tape.gradient(penalised, self.network.trainable_variables)
        plain = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
        loss = tf.reduce_sum(plain) / self.batch_size
        right = tf.reduce_sum(tf.cast(tf.argmax(logits, 1, output_type=tf.int32) == targets, tf.float32))
        return tf.stack([loss, objective, right]), [tf.convert_to_tensor(gradient) for gradient in gradients]

    def plain_has_finite_weights(self) -> tf.Tensor:
        """Whether every weight is a number. A loss does not tell: ReLU makes 0 of a NaN, so it can stay finite."""
        finite = [
            tf.reduce_all(tf.math.is_finite(weight.value)) for weight in self.network.trainable_variables
        ]
        return tf.reduce_all(tf.stack(finite))

    def plain_answer_batch(self, inputs: tf.Tensor) -> tf.Tensor:
        """The batch's logits, without dropout and with the moving averages."""
        return self.network(tf.cast(inputs, tf.float32) if self.reads_images else inputs, training=False)

    def answer(self, samples: Arrays | Shards) -> tuple[np.ndarray, np.ndarray]:
        """Logits float [N, C] and targets int [N] of other samples of the training samples' form."""
        parts = [
            (self.answer_batch(tf.constant(inputs)).numpy(), targets)
            for inputs, targets in samples.in_order(EVALUATION_BATCH)
        ]
        logits, targets = (np.concatenate(batches) for batches in zip(*parts, strict=True))
        return logits, targets

    def measure(self, samples: Arrays | Shards) -> tuple[float, float]:
        """Mean loss and accuracy on such samples."""
        logits, targets = self.answer(samples)
        logits = logits + self.offsets
        return mean_loss(logits, targets), float(np.mean(logits.argmax(axis=1) == targets))


def class_weights_of(settings: Hyperparameters, class_counts: np.ndarray) -> np.ndarray | None:
    """The weights of the classes in the loss, of a mean of 1 over the samples; None where every class counts alike.

    They go by the root of a class's rarity: by the whole of it, the steps of a few rare samples were so large that an
    RNN on reviews, of which 4 % were positive, ranked them worse than without any weights.
    """
    is_rare = has_rare_class(class_counts.tolist())
    if settings.class_weights == "none" or (settings.class_weights == AUTO and not is_rare):
        return None
    weights = class_counts**-0.5
    return weights * class_counts.sum() / (weights @ class_counts)
