"""What is exported is the best epoch's network, and an interruption does not forget it."""

from __future__ import annotations

import numpy as np
import pytest

from model_code.train import Course, end_epoch, resume, save
from model_code.training.cluster import Cluster
from model_code.training.trainer import Learner

ALONE = Cluster(["localhost"], "localhost")


@pytest.fixture
def learner(trained) -> Learner:
    """A network of its own, as it was before training."""
    if trained.kind != "cnn":
        pytest.skip("one network is enough")
    problem = trained.problem
    return Learner(problem.build_network, trained.learner.settings, problem.train, len(problem.labels))


def after_an_epoch(learner, course: Course, problem, weights: list[np.ndarray]) -> None:
    """Ends an epoch with these weights."""
    learner.network.set_weights(weights)
    course.step += learner.steps_per_epoch
    end_epoch(learner, course, problem, len(course.history), 1.0, ALONE)


def test_the_weights_of_the_epoch_with_the_least_loss_are_kept(trained, learner):
    course, generator = Course(), np.random.default_rng(0)
    best = trained.learner.network.get_weights()
    worse = [one + generator.normal(0, 1, one.shape) for one in best]
    for weights in (learner.network.get_weights(), best, worse):
        after_an_epoch(learner, course, trained.problem, weights)

    assert course.epochs_without_better == 1
    for ours, theirs in zip(learner.best_weights, best, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_checkpoint_keeps_the_best_weights_beside_the_present_ones(trained, learner, tmp_path):
    course, best = Course(), trained.learner.network.get_weights()
    after_an_epoch(learner, course, trained.problem, best)
    learner.network.set_weights([one * 0 for one in best])
    save(learner, course, tmp_path, "run")
    learner.network.set_weights(best)
    learner.best_weights = []

    assert resume(learner, tmp_path, "run").best_loss == course.best_loss

    for ours, theirs in zip(learner.best_weights, best, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not any(one.any() for one in learner.network.get_weights())
