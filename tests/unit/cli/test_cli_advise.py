"""`recognition advise`: answers from words, ten questions at most, advice to read or for a program."""

from __future__ import annotations

import io
import itertools
import json
from contextlib import contextmanager

import pytest
from rich.console import Console
from typer.testing import CliRunner

from advisor import recommend
from cli.advise import advice, tree_picture
from cli.main import app
from cli.shared.errors import CommandFailed


def test_answers_given_as_words_have_their_types():
    words = {"modality": "text", "task": "sentiment", "labelled_examples": "12,000", "offline": "no"}
    problem = advice.problem_of({**words, "max_latency_ms": "20.5", "budget_usd_per_month": "1,234,567.25"})
    assert (problem.labelled_examples, problem.offline, problem.max_latency_ms) == (12_000, False, 20.5)
    assert problem.budget_usd_per_month == 1_234_567.25


@pytest.mark.parametrize(
    ("name", "words", "sentence"),
    [
        ("classes", "many", "classes wants a whole number, such as 12,000, and 'many' is none"),
        ("classes", "20.000", "classes wants a whole number"),
        ("accuracy_needed", "0,9", "accuracy_needed wants a number, such as 12,000.5, and '0,9' is none"),
        ("budget_usd_per_month", "12,50", "budget_usd_per_month wants a number"),
        ("budget_usd_per_month", "1,0000", "budget_usd_per_month wants a number"),
        ("offline", "perhaps", "offline wants yes or no"),
        ("modality", "smell", "modality: must be one of image"),
        ("predictions_per_month", "-3", "predictions_per_month: must lie between"),
    ],
)
def test_a_wrong_answer_is_a_sentence_with_its_name(name, words, sentence):
    with pytest.raises(CommandFailed, match=sentence):
        advice.problem_of({name: words})


def test_at_most_eleven_questions_are_asked_and_a_wrong_answer_again(capsys):
    replies = iter(["text", "mood", "sentiment", "generic", "", "", "", "100000", "", "", "", "software"])
    asked = []

    def prompt(question: str) -> str:
        asked.append(question)
        return next(replies)

    answers = advice.ask_questions({}, prompt)
    assert answers == {
        "modality": "text",
        "task": "sentiment",
        "labels": "generic",
        "predictions_per_month": "100000",
        "team": "software",
    }
    assert len(set(asked)) == 11
    assert "must be one of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("modality", "families"),
    [
        ("text", {"managed", "managed_custom", "foundation", "traditional", "rnn"}),
        ("time_series", {"traditional", "rnn"}),
        ("image", {"managed", "managed_custom", "foundation", "traditional", "cnn"}),
    ],
)
def test_the_questions_that_are_asked_can_put_every_family_first(modality, families):
    values = {
        "task": ["classification", "entities"] if modality == "text" else ["classification"],
        "labels": ["generic", "own"],
        "labelled_examples": ["20", "300", "20000"],
        "classes": ["2"],
        "image_kind": ["natural", "uniform"],
        "dependence": ["no", "long"],
        "features": ["no", "available"],
        "predictions_per_month": ["", "10000"],
        "offline": ["no", "yes"],
    }
    first = set()
    for words in itertools.product(*values.values()):
        told = dict(zip(values, words, strict=True)) | {"modality": modality}

        def prompt(question: str, told: dict[str, str] = told) -> str:
            (name,) = (name for name, text in advice.QUESTIONS.items() if question.startswith(text))
            return told.get(name, "")

        first.add(recommend(advice.problem_of(advice.ask_questions({}, prompt))).options[0].family)
    assert families <= first


def test_no_is_no_and_services_in_use_are_named_by_commas():
    assert advice.value_of("explainability", "no") == "none"
    assert advice.value_of("offline", "No") is False
    assert advice.value_of("existing_customer_of", "forecast, lex") == ("forecast", "lex")


def test_the_advice_is_shown_with_reasons_costs_and_what_would_change_it():
    words = {"modality": "image", "task": "classification", "labels": "own", "labelled_examples": "20000"}
    problem = advice.problem_of({**words, "classes": "10", "predictions_per_month": "100000"})
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(advice.render(recommend(problem)))
    shown = console.export_text()
    assert "Convolutional network" in shown and "US$ a month" in shown
    assert "Rekognition DetectLabels: The labels are the caller's own" in " ".join(shown.split())
    assert "rekognition.detect_labels" not in shown and "traditional_ml" not in shown
    assert "would come first" in " ".join(shown.split())


def test_a_program_gets_json():
    words = ["--set", "modality=image", "--set", "task=text_in_image", "--json"]
    result = CliRunner().invoke(app, ["advise", *words])
    assert json.loads(result.stdout)["result"]["options"][0]["id"] == "rekognition.detect_text"


def test_another_regions_prices_count_and_one_without_any_says_so():
    words = ["--set", "modality=image", "--set", "task=text_in_image", "--set", "predictions_per_month=1000"]
    dollars, told = {}, {}
    for region in ("us-east-1", "eu-central-1", "sa-east-1"):
        result = CliRunner().invoke(app, ["advise", *words, "--region", region, "--json"])
        dollars[region] = json.loads(result.stdout)["result"]["options"][0]["usd_per_month"]
        told[region] = result.stderr
    assert dollars == {"us-east-1": 1.0, "eu-central-1": 1.2, "sa-east-1": None}
    assert "No price of the region 'sa-east-1' is known" in told["sa-east-1"]
    assert "No price" not in told["eu-central-1"]


def test_data_in_s3_are_measured_as_those_of_this_machine(tmp_path, monkeypatch):
    (tmp_path / "reviews.csv").write_text(
        "label,text\n" + "".join(f"{'good' if i % 2 else 'bad'},a film of {i} parts\n" for i in range(60))
    )
    asked = []

    @contextmanager
    def copied(source, choose, on_detail):
        asked.append((source, choose()))
        yield tmp_path / "reviews.csv"

    monkeypatch.setattr("cli.shared.local_copies.on_this_machine", copied)
    monkeypatch.setattr(
        "cli.shared.embedded.choose_target", lambda name, *, own_account, **_: (name, own_account)
    )
    result = CliRunner().invoke(app, ["advise", "--data", "s3://bucket/raw/reviews.csv", "--aws", "--json"])
    assert result.exit_code == 0, result.output
    assert asked == [("s3://bucket/raw/reviews.csv", ("dev", True))]
    assert "Measured: modality text, task classification, labelled_examples 60, classes 2" in result.stderr


def test_the_tree_is_drawn_with_the_way_of_the_answers(tmp_path):
    picture = tmp_path / "tree.svg"
    words = ["advise", "--set", "modality=image", "--set", "task=classification", "--set", "labels=own"]
    drawn = CliRunner().invoke(app, [*words, "--set", "image_kind=natural", "--tree", str(picture)])
    assert drawn.exit_code == 0, drawn.output
    assert tree_picture.TAKEN in picture.read_text()
    other = CliRunner().invoke(app, [*words, "--tree", str(tmp_path / "tree.bmp")])
    assert other.exit_code == 1 and "--tree draws .svg" in str(other.exception)
