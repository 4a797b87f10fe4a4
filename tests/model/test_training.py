"""The training step: schedule, batches and augmentation are what they say, and the networks learn."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from model_code.data.batches import Arrays
from model_code.failures import JobFailed
from model_code.hyperparameters import CnnHyperparameters, RnnHyperparameters
from model_code.networks.preprocessing import augment
from model_code.train import TrainingState, advance, fingerprint, has_stalled
from model_code.training.trainer import Trainer, learning_rate_at


@given(total=st.integers(2, 5000), warmup=st.floats(0, 0.9))
@settings(deadline=None, max_examples=40)
def test_the_learning_rate_rises_once_to_its_peak_and_falls_towards_zero(total, warmup):
    chosen = CnnHyperparameters(learning_rate=0.4, warmup_share=warmup)

    rates = learning_rate_at(tf.range(total), total, chosen).numpy()

    assert rates.min() > 0
    assert rates.max() <= 0.4 * (1 + 1e-6)
    top = int(rates.argmax())
    assert (np.diff(rates[: top + 1]) >= 0).all()
    assert (np.diff(rates[top:]) <= 0).all()
    assert rates[-1] <= 0.4 / max(1, total - max(1, warmup * total)) * (1 + 1e-4)


def test_an_epoch_takes_each_sample_at_most_once_and_in_another_order_than_the_last(trained):
    first, second = (trained.trainer.batches_of_epoch(epoch).positions for epoch in (0, 1))

    assert len(np.unique(first)) == first.size
    assert first.max() < trained.trainer.sample_count
    assert (first != second).any()
    np.testing.assert_array_equal(first, trained.trainer.batches_of_epoch(0).positions)


@given(seed=st.integers(0, 1000), count=st.integers(1, 20), most_pixels=st.integers(0, 3))
@settings(deadline=None, max_examples=20)
def test_an_augmented_image_is_a_window_of_its_padded_image_or_the_mirror_of_it(seed, count, most_pixels):
    size = 4
    images = np.random.default_rng(seed).integers(0, 256, (count, size, size, 3)).astype(np.uint8)
    edges = [(0, 0), (most_pixels, most_pixels), (most_pixels, most_pixels), (0, 0)]
    padded = np.pad(images, edges, mode="reflect")

    augmented = augment(tf.constant(images), tf.constant([seed, 0]), most_pixels, mirror=True).numpy()

    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2)).transpose(
        0, 1, 2, 4, 5, 3
    )
    for image, candidates in zip(augmented, windows.reshape(count, -1, size, size, 3), strict=True):
        same = (candidates == image).all(axis=(1, 2, 3)).any()
        mirrored = (candidates == image[:, ::-1]).all(axis=(1, 2, 3)).any()
        assert same or mirrored


def test_no_image_is_mirrored_unasked():
    arrow = np.arange(5 * 5 * 3, dtype=np.uint8).reshape(1, 5, 5, 3)

    for step in range(20):
        np.testing.assert_array_equal(augment(tf.constant(arrow), tf.constant([0, step]), 0), arrow)


def test_the_same_step_is_augmented_alike_and_another_step_otherwise():
    images = tf.random.stateless_uniform([16, 12, 12, 3], [0, 0])

    first, again, other = (augment(images, tf.constant([0, step]), 4).numpy() for step in (5, 5, 6))

    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_the_networks_learn_their_classes(trained):
    task = trained.task
    chosen = dataclasses.replace(trained.trainer.settings, epochs=20, batch_size=16)
    trainer = Trainer(task.build_network, chosen, task.train, len(task.labels))
    before, _ = trainer.measure(task.validation)
    for epoch in range(chosen.epochs):
        sums = trainer.advance(trainer.batches_of_epoch(epoch)[:], epoch * trainer.steps_per_epoch)
    # What is lowered has label smoothing in it, of which something is left however right the answers are.
    assert sums.objective > sums.loss + 0.1 * chosen.label_smoothing * trainer.steps_per_epoch

    loss, accuracy = trainer.measure(task.validation)

    # A third of the validation samples would be right by chance; the CNN is 4 channels wide and sees shifted digits.
    assert accuracy >= 0.8
    assert loss < before


@pytest.mark.parametrize("trained", ["cnn"], indirect=True)
def test_a_set_that_is_smaller_than_a_batch_is_one_batch(trained):
    task, chosen = trained.task, dataclasses.replace(trained.trainer.settings, batch_size=4096)

    trainer = Trainer(task.build_network, chosen, task.train, len(task.labels))

    assert (trainer.batch_size, trainer.steps_per_epoch) == (200, 1)


@pytest.mark.parametrize("position", [0, -1])
def test_a_weight_that_is_no_number_ends_the_job_with_a_sentence(trained, position):
    """Also one in the CNN's first layer, whose ReLUs keep the loss finite."""
    healthy = [variable.numpy() for variable in trained.trainer.variables()]
    variable = trained.trainer.network.trainable_variables[position]
    variable.assign(np.full_like(variable.numpy(), np.nan))
    try:
        with pytest.raises(
            JobFailed, match=r"^The loss or a weight was no longer a number by step \d+\. Lower"
        ):
            advance(trained.trainer, TrainingState(), trained.trainer.batches_of_epoch(0))
    finally:
        for variable, value in zip(trained.trainer.variables(), healthy, strict=True):
            variable.assign(value)


@pytest.mark.parametrize(
    ("patience", "epochs_without_better", "stalled"),
    [(0, 50, False), (2, 1, False), (2, 2, True), (2, 3, True)],
)
def test_training_stops_early_only_when_asked_to(patience, epochs_without_better, stalled):
    state = TrainingState(epochs_without_better=epochs_without_better)

    assert has_stalled(state, CnnHyperparameters(patience_epochs=patience)) is stalled


def test_another_run_has_another_fingerprint():
    inputs, targets = np.zeros((4, 2), np.int32), np.zeros(4, np.int32)
    own, network = RnnHyperparameters(), SimpleNamespace(variables=[])
    prints = {
        fingerprint(own, Arrays(inputs, targets), network),
        fingerprint(dataclasses.replace(own, seed=1), Arrays(inputs, targets), network),
        fingerprint(own, Arrays(inputs + 1, targets), network),
        fingerprint(own, Arrays(inputs, targets + 1), network),
    }

    assert len(prints) == 4
    assert fingerprint(RnnHyperparameters(), Arrays(inputs.copy(), targets.copy()), network) in prints
