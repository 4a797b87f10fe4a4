"""What is exported is the best epoch's network, and an interruption does not forget it."""

from __future__ import annotations

import numpy as np
import pytest

from model_code.train import TrainingState, end_epoch, resume, save
from model_code.training.cluster import Cluster
from model_code.training.trainer import Trainer

ALONE = Cluster(["localhost"], "localhost")


@pytest.fixture
def trainer(trained) -> Trainer:
    """A network of its own, as it was before training."""
    if trained.kind != "cnn":
        pytest.skip("one network is enough")
    task = trained.task
    return Trainer(task.build_network, trained.trainer.settings, task.train, len(task.labels))


def after_an_epoch(trainer, state: TrainingState, task, weights: list[np.ndarray]) -> None:
    """Ends an epoch with these weights."""
    trainer.network.set_weights(weights)
    state.step += trainer.steps_per_epoch
    end_epoch(trainer, state, task, len(state.history), 1.0, ALONE)


def test_the_weights_of_the_epoch_with_the_least_loss_are_kept(trained, trainer):
    state, generator = TrainingState(), np.random.default_rng(0)
    best = trained.trainer.network.get_weights()
    worse = [one + generator.normal(0, 1, one.shape) for one in best]
    for weights in (trainer.network.get_weights(), best, worse):
        after_an_epoch(trainer, state, trained.task, weights)

    assert state.epochs_without_better == 1
    for ours, theirs in zip(trainer.best_weights, best, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_handful_of_validation_samples_chooses_no_epoch(trained, trainer, monkeypatch):
    """By five of them, the network before it had learnt anything may look best."""
    monkeypatch.setattr("model_code.train.LEAST_TO_CHOOSE", len(trained.task.validation) + 1)
    state, best = TrainingState(), trained.trainer.network.get_weights()
    last = [one * 0 for one in best]
    for weights in (best, last):
        after_an_epoch(trainer, state, trained.task, weights)

    assert state.epochs_without_better == 0
    assert not any(weight.any() for weight in trainer.best_weights)


def test_a_checkpoint_keeps_the_best_weights_beside_the_present_ones(trained, trainer, tmp_path):
    state, best = TrainingState(), trained.trainer.network.get_weights()
    after_an_epoch(trainer, state, trained.task, best)
    trainer.network.set_weights([one * 0 for one in best])
    save(trainer, state, tmp_path, "run")
    trainer.network.set_weights(best)
    trainer.best_weights = []

    assert resume(trainer, tmp_path, "run").best_loss == state.best_loss

    for ours, theirs in zip(trainer.best_weights, best, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not any(weight.any() for weight in trainer.network.get_weights())
