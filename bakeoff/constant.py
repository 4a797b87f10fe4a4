"""The baselines, which look at no example: what every other candidate has to beat."""

from __future__ import annotations

import time

import numpy as np

from bakeoff.tasks import Answers, Report, Trial, time_single_answers


def majority_class(task: Trial, report: Report) -> Answers:
    """Always answers the most frequent class of the training part."""
    report(0.5, "counting")
    started = time.perf_counter()
    answer = int(np.bincount(task.train.targets).argmax())
    seconds = time.perf_counter() - started
    latencies = time_single_answers(lambda _: answer, task.test.contents)
    return Answers(np.full(len(task.test), answer, np.int64), seconds, latencies, 0)


def class_shares(task: Trial, report: Report) -> Answers:
    """Draws each answer by the classes' shares of the training part."""
    report(0.5, "counting")
    started = time.perf_counter()
    shares = np.bincount(task.train.targets, minlength=len(task.train.labels)) / len(task.train)
    generator = np.random.default_rng(task.seed)
    seconds = time.perf_counter() - started
    latencies = time_single_answers(lambda _: generator.choice(len(shares), p=shares), task.test.contents)
    drawn = generator.choice(len(shares), len(task.test), p=shares)
    return Answers(drawn.astype(np.int64), seconds, latencies, 0)
