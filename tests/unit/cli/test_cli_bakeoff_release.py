"""A bake-off ends with the artefact of what to take, its evaluation, and the command that releases it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from advisor import Problem
from bakeoff import contest
from bakeoff.artefact import Artefact, why_none
from bakeoff.candidates import BOOSTING, CONV1D, GRU, LOGISTIC, MAJORITY, MINIROCKET, Competitor
from bakeoff.contest import Contest, ContestSettings
from bakeoff.examples import Examples
from bakeoff.results import Result
from bakeoff.statistics import Score
from cli import main
from cli.bakeoff import commands as bakeoff_commands
from cli.bakeoff import winner
from cli.shared.errors import CommandFailed
from cli.shared.progress import Progress
from cli.shared.target import Target
from model_code.evaluation.files import BASELINE_FILE, EVALUATION_FILE, KNOWN_INPUT_FILE

SERVICE = Competitor("comprehend", "DetectSentiment", "managed", "comprehend.detect_sentiment", 1.0, print)


class Silent:
    """An observer that is told for nothing."""

    def started(self, *_): ...
    def progressed(self, *_): ...
    def ended(self, *_): ...


def reviews(count: int = 120) -> Examples:
    """Texts whose first word says their class, two thirds of the time in another word's company."""
    texts = [f"{('bad', 'good')[i % 2]} number {i} of many" for i in range(count)]
    return Examples("text", texts, (np.arange(count) % 2).astype(np.int32), ("neg", "pos"))


def held_with(examples: Examples, limits: ContestSettings, directory, *entrants: Competitor) -> Contest:
    problem = Problem(modality=examples.modality, task="classification")
    return contest.run(examples, problem, limits, directory, Silent(), entrants=([*entrants], []))


def test_the_regression_that_wins_on_texts_becomes_an_artefact_with_its_evaluation(tmp_path):
    limits, examples = ContestSettings(200.0), reviews()
    held = held_with(examples, limits, tmp_path, MAJORITY, LOGISTIC)

    best = winner.winner_of(held, examples, limits, tmp_path, Progress())

    assert best.artefact is not None and best.kind == "rnn"
    card = json.loads((best.artefact.model / "model_card.json").read_text())
    assert (card["family"], card["feature"]) == ("logistic_regression", "text")
    report = json.loads((best.artefact.evaluation / EVALUATION_FILE).read_text())
    measured = next(one for one in held.results if one.candidate.id == "logistic_regression")
    assert report["gate"]["accuracy"] == pytest.approx(measured.accuracy.value)
    assert report["samples"] == held.parts["test"]
    assert (best.artefact.evaluation / BASELINE_FILE).is_file()
    assert (best.artefact.evaluation / KNOWN_INPUT_FILE).is_file()
    folder = tmp_path / "logistic_regression"
    assert best.line(None, "dev") == (
        f"recognition release rnn --from {folder / 'model'} --evaluation {folder / 'evaluation'}"
    )


def of(modality: str) -> Examples:
    """Some examples of a modality; a table is of numbers."""
    numeric, columns = ((True,), ("age",)) if modality == "tabular" else ((), ())
    contents = np.array([[1.0], [2.0]], object)
    return Examples(modality, contents, np.array([0, 1], np.int32), ("a", "b"), None, numeric, columns)


@pytest.mark.parametrize(
    ("candidate", "modality", "sentence"),
    [
        (MAJORITY, "text", "Majority class of text data has no artefact."),
        (SERVICE, "text", "DetectSentiment is a service that the API asks already"),
    ],
)
def test_what_cannot_be_released_is_said_with_its_reason(candidate, modality, sentence):
    assert why_none(candidate, of(modality)).startswith(sentence)


def test_what_is_no_reason_has_an_artefact():
    assert all(why_none(GRU, of(modality)) == "" for modality in ("text", "time_series"))
    assert why_none(CONV1D, of("time_series")) == ""
    assert why_none(MINIROCKET, of("time_series")) == ""
    assert all(
        why_none(one, of(modality)) == ""
        for one in (LOGISTIC, BOOSTING)
        for modality in ("image", "text", "time_series", "tabular")
    )


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        (False, "by sequences/class: one step with the numbers of age, height, in this order"),
        (True, "by texts/class: a line of CSV with age, height, in this order; what is missing stays empty"),
    ],
)
def test_whoever_releases_a_table_is_told_how_a_row_is_asked_for(tmp_path, monkeypatch, missing, sentence):
    contents, targets = np.arange(120.0).reshape(60, 2).astype(object), (np.arange(60) % 2).astype(np.int32)
    contents[7, 1] = np.nan if missing else 3.0
    table = Examples("tabular", contents, targets, ("a", "b"), None, (True, True), ("age", "height"))
    left = SimpleNamespace(answers=Artefact(tmp_path, tmp_path))
    monkeypatch.setattr(winner, "chosen", lambda *_: (SimpleNamespace(candidate=LOGISTIC), []))
    monkeypatch.setattr(winner, "run_isolated", lambda *_: left)

    held = SimpleNamespace(modality="tabular")
    best = winner.winner_of(held, table, ContestSettings(200.0), tmp_path, Progress())

    assert best.kind == "rnn"
    assert sentence in best.sentences[0]


def test_the_next_best_is_offered_where_the_best_cannot_be_released():
    scores = {MAJORITY: 0.5, LOGISTIC: 0.8, SERVICE: 0.9}
    results = tuple(
        Result(one, "finished", accuracy=Score(score, score, score)) for one, score in scores.items()
    )
    held = Contest(
        labels=("neg", "pos"),
        modality="text",
        parts={},
        notes=(),
        results=results,
        absent=(),
        verdict=SimpleNamespace(choice=SERVICE.id),
        interrupted=False,
        seconds=1.0,
    )

    best, sentences = winner.chosen(held, reviews())

    assert best is not None and best.candidate is LOGISTIC
    assert sentences == [
        "DetectSentiment is a service that the API asks already, so there is nothing to release."
    ]


def test_a_bakeoff_of_jobs_releases_nothing_and_says_how_to():
    refusal = (
        CliRunner()
        .invoke(main.app, ["bakeoff", "--data", "a.csv", "--on", "sagemaker", "--release"])
        .exception
    )

    assert isinstance(refusal, CommandFailed)
    assert "The candidates' jobs keep no artefact" in str(refusal)


@pytest.fixture
def command(monkeypatch, tmp_path):
    """The command with --release, over a bake-off that was held: what it was to release, by its words and steps."""
    table = tmp_path / "a.csv"
    table.write_text("age,label\n" + "\n".join(f"{i},{i % 2}" for i in range(60)))
    done: list[tuple] = []
    monkeypatch.setattr(
        "cli.shared.embedded.choose_target", lambda *_, **__: Target("dev", {"AWS_REGION": "us-east-1"})
    )
    monkeypatch.setattr("cli.bakeoff.publish.publish_figures", lambda *_: "left")
    monkeypatch.setattr("cli.bakeoff.progress.run", lambda *_: SimpleNamespace(interrupted=False))
    monkeypatch.setattr("cli.bakeoff.report.write", lambda *_: "report.html")
    monkeypatch.setattr("cli.bakeoff.report.facts", lambda *_: {})
    monkeypatch.setattr(bakeoff_commands, "BUILD", tmp_path / "build")

    def register(_, kind, model, *__, approve, evaluation) -> str:
        done.append(("registered", kind, model.place, evaluation))
        return "4"

    def release(_, kind, version, __, *, approve) -> dict[str, str]:
        done.append(("released", kind, version))
        return {"endpoint": "recognition-dev-rnn", "version": version}

    monkeypatch.setattr("cli.models.release_steps.register", register)
    monkeypatch.setattr("cli.models.release_steps.release", release)

    def run(best: winner.Winner):
        monkeypatch.setattr(winner, "winner_of", lambda *_: best)
        result = CliRunner().invoke(main.app, ["bakeoff", "--data", str(table), "--release", "--json"])
        return result, done

    return run


def test_the_winner_is_registered_with_its_evaluation_and_released(command, tmp_path):
    artefact = Artefact(tmp_path / "model", tmp_path / "evaluation")
    artefact.model.mkdir()

    result, done = command(winner.Winner((), "rnn", artefact))

    assert result.exit_code == 0, result.output
    assert done == [
        ("registered", "rnn", artefact.model, artefact.evaluation),
        ("released", "rnn", "4"),
    ]
    assert json.loads(result.stdout)["result"]["released"]["version"] == "4"


def test_a_bakeoff_that_was_to_release_and_cannot_ends_with_another_status(command):
    result, done = command(winner.Winner(("Classifiers of tables cannot be released.",)))

    assert (result.exit_code, done) == (1, [])
    document = json.loads(result.stdout)
    assert document["error"]["message"] == "Nothing was released."
    assert document["result"]["release"] is None
