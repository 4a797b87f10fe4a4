"""A bake-off whose candidates are jobs of the deployment."""

from __future__ import annotations

import random

import numpy as np

from advisor import Problem
from bakeoff import contest
from bakeoff.candidates import GRU, LOGISTIC, MAJORITY
from bakeoff.examples import Examples
from cli.bakeoff import jobs, publish
from cli.shared.project import settings_of
from console.watch import watch

from .reviews import BAD, GOOD


class Watcher:
    """Is told how a bake-off goes, and notes who ended."""

    def __init__(self) -> None:
        self.ended_ids: set[str] = set()

    def started(self, candidate, seconds: float) -> None:
        """Nothing to note."""

    def progressed(self, candidate, share: float, words: str) -> None:
        """Nothing to note."""

    def ended(self, result: contest.Result) -> None:
        """One is done."""
        self.ended_ids.add(result.candidate.id)


def test_a_bake_off_runs_candidates_as_jobs_and_one_that_fails_stops_no_other(target, tmp_path):
    generator = random.Random(0)
    targets = np.array([generator.randrange(2) for _ in range(200)], np.int32)
    texts = [
        f"A {generator.choice((BAD, GOOD)[target])} film, number {i}." for i, target in enumerate(targets)
    ]
    examples = Examples("text", texts, targets, ("negative", "positive"))
    watcher = Watcher()
    held = contest.run(
        examples,
        Problem(modality="text", task="classification", labels="own"),
        # So little time that the network says so before it starts TensorFlow.
        contest.ContestSettings(31.0),
        tmp_path,
        watcher,
        entrants=([MAJORITY, LOGISTIC, GRU], []),
        runner=jobs.jobs_of(target, settings_of("dev")),
    )
    majority, logistic, rnn = held.results
    assert watcher.ended_ids == {"majority_class", "logistic_regression", "rnn"}
    assert majority.accuracy.value < 0.8 < logistic.accuracy.value
    assert held.verdict.winner == "logistic_regression"
    assert (rnn.status, "s were left for its training" in rnn.reason) == ("failed", True), rnn.reason
    name = logistic.notes[-1].split("the job ")[1].split(" ")[0]
    job = target.client("sagemaker").describe_training_job(TrainingJobName=name)
    assert job["ResourceConfig"]["InstanceType"] == settings_of("dev").training.evaluation_instance_type
    assert "JobRole" in job["RoleArn"]
    bucket = target.parameter("data-bucket")
    assert target.client("s3").list_objects_v2(Bucket=bucket, Prefix="bakeoffs/")["KeyCount"] == 0
    publish.publish_figures(target, held, "reviews.csv")
    shown = watch.bakeoff(target.client, "dev")
    assert (shown["data"], tuple(shown["verdict"]["sentences"])) == ("reviews.csv", held.verdict.sentences)
