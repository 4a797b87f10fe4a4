"""The problem of a network that starts from another's weights: a classifier on its features, or all of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from model_code.data.batches import Arrays, Batch, Shards
from model_code.data.pretrained import read_weights
from model_code.data.records import Split
from model_code.data.shards import ShardedSplit
from model_code.data.weights import LICENCE, TRAINED_ON, WEIGHTS
from model_code.failures import JobFailed
from model_code.hyperparameters import PretrainedHyperparameters
from model_code.networks.efficientnet import build_backbone, joined, set_weights_of
from model_code.networks.preprocessing import decode_all_images, decode_images
from model_code.training.tasks import ENCODED, Task, images_of, mean_and_variance, not_decoded
from model_code.training.trainer import Trainer, class_weights_of

FEATURE_BATCH = 128
TOLD_EVERY = 2_000
# Of the mean over all features: what hardly varies is not blown up, which 8 bits could not hold.
LEAST_VARIANCE_SHARE = 0.01


def pretrained_problem(
    settings: PretrainedHyperparameters,
    train: Split | ShardedSplit,
    validation: Split | ShardedSplit,
    channel: Path | None,
) -> Task:
    """The classifier's problem, whose inputs are features; or the whole network's where it is fine-tuned.

    Raises:
        JobFailed: when the channel with the weights was not given or holds others, or an image cannot be decoded.
    """
    if channel is None:
        raise JobFailed(
            "A pretrained network wants its weights in the channel pretrained, which this job has not. Train from "
            "scratch, or give it one."
        )
    weights = read_weights(channel)
    backbone = backbone_of(settings.image_size, weights)
    try:
        train_features, validation_features = (
            features_of(split, settings, backbone) for split in (train, validation)
        )
        images = cast(Iterable[bytes], train)
        first = decode_all_images(list(itertools.islice(images, FEATURE_BATCH)), settings.image_size)
    except tf.errors.InvalidArgumentError as error:
        raise not_decoded(error) from error
    mean, variance = mean_and_variance(train_features)
    statistics = mean.tolist(), np.maximum(variance, LEAST_VARIANCE_SHARE * variance.mean()).tolist()
    size = settings.image_size
    problem = Task(
        labels=train.labels,
        feature=train.feature,
        train=train_features,
        validation=validation_features,
        build_network=lambda: build_classifier(len(train.labels), *statistics),
        preprocess=lambda encoded: tf.cast(decode_images(encoded, size), tf.float32),
        preprocessing={"feature": train.feature, "image_size": size},
        resources=[],
        class_counts=train.class_counts,
        backbone=backbone,
        served_inputs=first,
        origin={"package": WEIGHTS.title, "licence": LICENCE, "trained_on": TRAINED_ON},
    )
    return (
        fine_tuning(problem, backbone, settings, train, validation)
        if settings.fine_tuning_epochs
        else problem
    )


def fine_tuning(
    problem: Task,
    backbone: keras.Model,
    settings: PretrainedHyperparameters,
    train: Split | ShardedSplit,
    validation: Split | ShardedSplit,
) -> Task:
    """The whole network's problem, in which the classifier has learnt already.

    One that has not would spoil the other layers with its first gradients (Kumar et al. 2022, arXiv 2202.10054).
    """
    weights = class_weights_of(settings, problem.class_counts)
    probe = Trainer(problem.build_network, settings, problem.train, len(problem.labels), weights)
    for epoch in range(settings.epochs):
        probe.advance(probe.batches_of_epoch(epoch)[:], epoch * probe.steps_per_epoch)
    of_backbone, of_classifier = backbone.get_weights(), probe.network.get_weights()

    def build_network() -> keras.Model:
        backbone, classifier = build_backbone(settings.image_size), problem.build_network()
        backbone.set_weights(of_backbone)
        classifier.set_weights(of_classifier)
        return joined(backbone, classifier)

    return replace(
        problem,
        train=images_of(train, settings),
        validation=images_of(validation, settings),
        build_network=build_network,
        backbone=None,
        served_inputs=None,
    )


def backbone_of(image_size: int, weights: dict[str, np.ndarray]) -> keras.Model:
    """The network in front of the classifier, in float32."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        backbone = build_backbone(image_size)
    finally:
        keras.config.set_dtype_policy(policy)
    set_weights_of(backbone, weights)
    backbone.trainable = False
    return backbone


def features_of(
    split: Split | ShardedSplit, settings: PretrainedHyperparameters, backbone: keras.Model
) -> Arrays:
    """Each image's features, computed once: float32 [N, FEATURES]."""

    def encode(encoded: tf.Tensor) -> tf.Tensor:
        images = decode_images(encoded, settings.image_size)
        return backbone(tf.cast(images, tf.float32), training=False)

    features, targets, told = [], [], 0
    for of_images, of_targets in feature_batches(split, settings, encode):
        features.append(of_images)
        targets.append(of_targets)
        done = sum(map(len, targets))
        if done - told >= TOLD_EVERY:
            told = done
            print(f"features of {done:,} of {len(split):,} images", flush=True)
    return Arrays(np.concatenate(features), np.concatenate(targets))


def feature_batches(
    split: Split | ShardedSplit,
    settings: PretrainedHyperparameters,
    encode: Callable[[tf.Tensor], tf.Tensor],
) -> Iterator[Batch]:
    """What `encode` makes of the split's images, a batch at a time: not all of them would fit into memory."""
    if isinstance(split, ShardedSplit):
        yield from Shards(split, encode, settings.memory_limit_megabytes).in_order(FEATURE_BATCH)
        return
    answer = tf.function(encode, autograph=False, input_signature=[ENCODED])
    for start in range(0, len(split), FEATURE_BATCH):
        part = slice(start, start + FEATURE_BATCH)
        yield answer(tf.constant(split.samples[part])).numpy(), split.targets[part]


def build_classifier(class_count: int, mean: list[float], variance: list[float]) -> keras.Model:
    """From features to float32 logits [N, class_count]: one linear layer, on features of one size."""
    features = layers.Input((len(mean),))
    hidden = layers.Normalization(mean=mean, variance=variance)(features)
    return keras.Model(features, layers.Dense(class_count, dtype="float32")(hidden), name="classifier")
