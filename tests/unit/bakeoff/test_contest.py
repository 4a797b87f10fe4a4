"""The contest: what is kept when one fails or a user interrupts, what it costs, and the verdict."""

from __future__ import annotations

import numpy as np
import pytest

from advisor import Problem
from bakeoff import contest
from bakeoff.candidates import Competitor, candidates_for
from bakeoff.errors import ComparisonRefused
from bakeoff.examples import Examples

TRAINED_FAST = ("majority_class", "logistic_regression")
PROBLEM = Problem(modality="tabular", task="classification", predictions_per_month=1_000_000)


class Listener:
    """Notes what it is told; interrupts when a candidate of this name begins."""

    def __init__(self, interrupt_at: str = "") -> None:
        self.interrupt_at = interrupt_at
        self.ended_ids: list[str] = []
        self.seconds: dict[str, float] = {}

    def started(self, candidate, seconds):
        self.seconds[candidate.id] = seconds

    def progressed(self, candidate, share, words):
        if candidate.id == self.interrupt_at:
            raise KeyboardInterrupt

    def ended(self, result):
        self.ended_ids.append(result.candidate.id)


def table(count: int = 600) -> Examples:
    rows = np.arange(count, dtype=np.float64).reshape(-1, 1).astype(object)
    return Examples("tabular", rows, (np.arange(count) % 2).astype(np.int32), ("no", "yes"), None, (True,))


def candidate(
    name: str, run, advised_as: str = "traditional_ml", family: str = "traditional", **more
) -> Competitor:
    return Competitor(name, name.replace("_", " "), family, advised_as, 1.0, run, **more)


def hold(entrants, tmp_path, listener=None, **settings) -> contest.Contest:
    limits = contest.ContestSettings(**{"seconds": 1_000.0, **settings})
    return contest.run(table(), PROBLEM, limits, tmp_path, listener or Listener(), entrants=(entrants, []))


def test_a_candidate_that_fails_is_reported_and_the_others_go_on(misbehaving, tmp_path):
    entrants = [
        candidate(name, getattr(misbehaving, name)) for name in ("right", "dies", "too_few", "nearly_right")
    ]
    held = hold(entrants, tmp_path)
    assert [result.status for result in held.results] == ["finished", "failed", "failed", "finished"]
    assert "out of memory" in held.results[1].reason
    assert held.results[2].reason == "It gave 1 answers to 200 test examples."
    assert (held.verdict.winner, held.verdict.runner_up) == ("right", "nearly_right")


def test_figures_are_those_of_the_answers(misbehaving, tmp_path):
    (result,) = hold([candidate("nearly_right", misbehaving.nearly_right)], tmp_path).results
    assert result.accuracy.value == pytest.approx(199 / 200)
    assert (result.p50_ms, result.p99_ms) == (2.0, pytest.approx(2.98))
    assert np.array(result.confusion).sum() == 200
    assert result.usd_per_thousand == pytest.approx(result.usd_per_month / 1_000)
    assert (result.training_seconds, result.artefact_bytes) == (0.5, 1_000)


def test_few_examples_are_tested_in_rounds_and_the_winners_rounds_are_counted(misbehaving, tmp_path):
    entrants = [candidate(name, getattr(misbehaving, name)) for name in ("nearly_right", "wrong")]
    limits = contest.ContestSettings(1_000.0)
    listener = Listener()
    held = contest.run(table(400), PROBLEM, limits, tmp_path, listener, entrants=(entrants, []))
    (best, _) = held.results
    # One of 80 is wrong in each round.
    assert best.accuracy.value == pytest.approx(395 / 400) and len(best.predictions) == 400
    assert "It was the best in 5 of 5 rounds." in held.verdict.sentences
    assert listener.ended_ids == ["nearly_right", "wrong"]
    assert len(list(tmp_path.glob("nearly_right*/log.txt"))) == 5


def test_candidates_that_are_right_as_often_are_said_to_be_so(misbehaving, tmp_path):
    entrants = [candidate(name, misbehaving.right) for name in ("one", "other")]
    limits = contest.ContestSettings(1_000.0)
    held = contest.run(table(400), PROBLEM, limits, tmp_path, Listener(), entrants=(entrants, []))
    winner, rounds, *_ = held.verdict.sentences
    assert winner.startswith("One is right most often (1.0000), and other just as well: +0.00 points")
    assert rounds == "It was the best in 5 of 5 rounds, in 5 of them beside another."


def test_a_candidate_that_fails_in_a_round_says_which(misbehaving, tmp_path):
    limits = contest.ContestSettings(1_000.0)
    entrants = ([candidate("dies", misbehaving.dies)], [])
    (result,) = contest.run(table(400), PROBLEM, limits, tmp_path, Listener(), entrants=entrants).results
    assert result.status == "failed" and result.reason.startswith("In round 1 of 5: ")


def test_an_interruption_keeps_what_is_finished(misbehaving, tmp_path):
    entrants = [candidate(name, getattr(misbehaving, name)) for name in ("nearly_right", "hangs", "right")]
    held = hold(entrants, tmp_path, Listener(interrupt_at="hangs"))
    assert held.interrupted
    assert [result.status for result in held.results] == ["finished", "not run", "not run"]
    assert held.verdict.winner == "nearly_right"


def test_time_that_is_left_goes_to_those_that_come_after(misbehaving, tmp_path):
    listener = Listener()
    entrants = [candidate(name, getattr(misbehaving, name)) for name in ("right", "wrong")]
    hold(entrants, tmp_path, listener, seconds=200.0)
    assert listener.seconds["right"] == pytest.approx(100, abs=1)
    assert 100 < listener.seconds["wrong"] <= 200


def test_without_time_nothing_is_started(misbehaving, tmp_path):
    (result,) = hold([candidate("right", misbehaving.right)], tmp_path, seconds=1.0).results
    assert (result.status, result.reason[:11]) == ("not run", "No time was")


def test_the_choice_is_the_cheaper_of_two_that_are_not_told_apart(misbehaving, tmp_path):
    dear = candidate("right", misbehaving.right, "hybrid_cascade", "hybrid")
    held = contest.run(
        table(),
        Problem(modality="text", task="classification", predictions_per_month=1_000_000),
        contest.ContestSettings(1_000.0),
        tmp_path,
        Listener(),
        entrants=([dear, candidate("nearly_right", misbehaving.nearly_right)], []),
    )
    assert (held.verdict.winner, held.verdict.choice) == ("right", "nearly_right")
    assert not held.verdict.comparison.told_apart
    assert any("Take nearly right" in sentence for sentence in held.verdict.sentences)


@pytest.mark.parametrize(
    ("traditional", "network", "holds"), [("right", "wrong", True), ("wrong", "right", False)]
)
def test_the_advice_is_held_against_the_result(misbehaving, tmp_path, traditional, network, holds):
    entrants = [
        candidate("features", getattr(misbehaving, traditional)),
        candidate("rnn", getattr(misbehaving, network), "rnn", "rnn"),
    ]
    verdict = hold(entrants, tmp_path).verdict
    assert (verdict.advised, verdict.advice_holds) == ("traditional", holds)
    assert ("does not hold" in verdict.sentences[-1]) is not holds


def test_a_winner_that_is_no_better_than_the_majority_class_is_named_so(misbehaving, tmp_path):
    entrants = [
        candidate("majority", misbehaving.right, "", "constant"),
        candidate("nearly_right", misbehaving.nearly_right),
    ]
    assert any("Nothing beats" in sentence for sentence in hold(entrants, tmp_path).verdict.sentences)


def with_frauds(count: int = 1_000) -> Examples:
    """One example in twenty is of the class yes, which the first column tells well."""
    generator = np.random.default_rng(0)
    targets = (np.arange(count) % 20 == 0).astype(np.int32)
    rows = (generator.normal(size=count) + 2.0 * targets).reshape(-1, 1).astype(object)
    return Examples("tabular", rows, targets, ("no", "yes"), None, (True,))


@pytest.mark.parametrize(
    ("metric", "decides", "beaten"), [("auto", "balanced_accuracy", False), ("accuracy", "accuracy", True)]
)
def test_a_rare_class_found_beats_the_most_frequent_unless_accuracy_is_asked_for(
    tmp_path, metric, decides, beaten
):
    entrants = [one for one in candidates_for(with_frauds(), own_account=False)[0] if one.id in TRAINED_FAST]
    limits = contest.ContestSettings(1_000.0, metric=metric)

    held = contest.run(with_frauds(), PROBLEM, limits, tmp_path, Listener(), entrants=(entrants, []))

    assert held.metric == decides
    assert any("Nothing beats" in sentence for sentence in held.verdict.sentences) is beaten
    assert any("A class is rare" in note for note in held.notes) is not beaten


def test_a_stand_in_is_measured_and_neither_wins_nor_is_chosen(misbehaving, tmp_path):
    entrants = [
        candidate("right", misbehaving.right, "comprehend.detect_sentiment", "managed", stand_in=True),
        candidate("nearly_right", misbehaving.nearly_right),
    ]
    held = hold(entrants, tmp_path)
    assert held.results[0].accuracy.value == 1.0
    assert (held.verdict.winner, held.verdict.choice, held.verdict.runner_up) == (
        "nearly_right",
        "nearly_right",
        "",
    )


def test_what_cannot_be_compared_starts_nothing(misbehaving, tmp_path):
    alike = table().take(np.zeros(100, int))
    with pytest.raises(ComparisonRefused):
        contest.run(alike, PROBLEM, contest.ContestSettings(60.0), tmp_path, Listener())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("modality", "labels", "present", "absent"),
    [
        ("tabular", ("a", "b"), {"gradient_boosting"}, "No managed operation reads tabular data"),
        ("text", ("pos", "neg"), {"comprehend_detect_sentiment", "rnn"}, ""),
        ("text", ("spam", "ham"), {"rnn"}, "'spam' is none of them"),
        ("image", ("cat", "automobile"), {"rekognition_detect_labels", "cnn"}, ""),
        ("image", ("cat", "frog"), {"cnn", "pretrained_cnn"}, "'frog' is none of them"),
    ],
)
def test_the_managed_service_takes_part_where_its_vocabulary_has_the_classes(
    modality, labels, present, absent
):
    examples = Examples(modality, [], np.zeros(0, np.int32), labels)
    entrants, left_out = candidates_for(examples, own_account=False)
    assert present <= {entrant.id for entrant in entrants}
    assert {"majority_class", "logistic_regression", "gradient_boosting"} <= {
        entrant.id for entrant in entrants
    }
    assert absent in " ".join(one.reason for one in left_out)
    assert all(entrant.stand_in for entrant in entrants if entrant.family == "managed")


def test_rekognition_itself_is_asked_about_classes_that_its_stand_in_does_not_know():
    examples = Examples("image", [], np.zeros(0, np.int32), ("cat", "frog"))
    entrants, _ = candidates_for(examples, own_account=True)
    assert [entrant.stand_in for entrant in entrants if entrant.family == "managed"] == [False]
