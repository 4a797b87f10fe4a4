"""`recognition bakeoff`: the caller's data becomes examples, a comparison becomes a report, a mistake a sentence."""

from __future__ import annotations

import json
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_wine
from typer.testing import CliRunner

from advisor import Problem
from bakeoff.candidates import Absent, Competitor
from bakeoff.contest import Contest
from bakeoff.results import Result
from bakeoff.statistics import Score
from cli import main
from cli.advise.profiling import profile
from cli.bakeoff import commands as bakeoff_commands
from cli.bakeoff import publish
from cli.bakeoff import report as bakeoff_report
from cli.bakeoff.examples import read_examples
from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from model_code.data.columns import Columns


def examples_in(path):
    """The examples of a data set, as the command takes them."""
    return read_examples(profile(path))


def write_csv(path, header, rows):
    path.write_text("\n".join([",".join(header), *(",".join(map(str, row)) for row in rows)]))
    return path


def test_a_table_keeps_numbers_words_and_what_is_missing(tmp_path):
    path = write_csv(
        tmp_path / "a.csv", ["age", "town", "label"], [[3, "Ulm", "x"], ["", "?", "y"], [5, "Bonn", "x"]]
    )
    examples = examples_in(path)
    assert (examples.modality, examples.numeric, examples.labels) == ("tabular", (True, False), ("x", "y"))
    assert examples.targets.tolist() == [0, 1, 0]
    assert examples.contents[0].tolist() == [3.0, "Ulm"]
    assert np.isnan(examples.contents[1, 0]) and examples.contents[1, 1] is None


def test_a_group_keeps_examples_together_and_is_no_feature(tmp_path):
    rows = [{"text": f"a text of number {i}", "label": i % 2, "group": f"person {i // 3}"} for i in range(9)]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    examples = examples_in(path)
    assert examples.sources.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert examples.contents[4] == "a text of number 4"


def test_images_and_arrays(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for i in range(2):
            Image.new("RGB", (4, 4), (i, 0, 0)).save(tmp_path / "images" / name / f"{i}.png")
    images = examples_in(tmp_path / "images")
    assert (images.labels, images.targets.tolist()) == (("cat", "dog"), [0, 0, 1, 1])
    np.savez(tmp_path / "a.npz", x=np.zeros((6, 30, 2)), y=[0, 1] * 3, group=[7, 7, 8, 8, 9, 9])
    series = examples_in(tmp_path / "a.npz")
    assert (series.modality, series.contents.shape) == ("time_series", (6, 30, 2))
    assert series.sources.tolist() == [0, 0, 1, 1, 2, 2]
    np.savez(tmp_path / "b.npz", x=np.zeros((6, 8, 8, 1), np.uint8), y=[0, 1] * 3)
    assert examples_in(tmp_path / "b.npz").contents[0].startswith(b"\x89PNG")


def test_samples_have_a_time_where_one_is_named(tmp_path):
    rows = [{"text": f"a text of number {i}", "label": i % 2, "day": f"2025-01-{9 - i:02}"} for i in range(9)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))

    assert examples_in(tmp_path / "a.jsonl").times is None
    timed = read_examples(profile(tmp_path / "a.jsonl", Columns(time="day")))
    assert np.diff(timed.times).tolist() == [-86_400.0] * 8


def test_windows_of_one_recording_are_of_one_source(tmp_path):
    rows = [{"sequence": [[i, step] for step in range(4 + i)], "label": i % 2} for i in range(4)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))

    examples = read_examples(profile(tmp_path / "a.jsonl", window=4))

    assert np.shape(examples.contents) == (6, 4, 2)
    assert examples.sources.tolist() == [0, 1, 2, 2, 3, 3]


def test_series_of_any_lengths_with_their_sources(tmp_path):
    rows = [{"sequence": [[i, 1.0]] * (2 + i), "label": i % 2, "group": f"person {i // 2}"} for i in range(6)]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    series = examples_in(path)
    assert series.modality == "time_series"
    assert [content.shape for content in series.contents] == [(2 + i, 2) for i in range(6)]
    assert series.sources.tolist() == [0, 0, 1, 1, 2, 2]
    del rows[3]["group"]
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(CommandFailed, match="line 4 has no group"):
        examples_in(path)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "a.csv",
            "age,label\n" + "\n".join(f"{i},{i % 2}" for i in range(20)) + "\nold,1\n",
            "line 22 holds 'old' in 'age'",
        ),
        (
            "a.csv",
            "age,label\n" + "\n".join(f"{i},{i % 2}" for i in range(20)) + "\ninf,1\n",
            "is not finite",
        ),
        ("a.csv", "age,label\n" + "\n".join(f"{i},{i * 1.5}" for i in range(60)), "make classes of it"),
        ("a.jsonl", '{"a": [1], "label": "x"}\n' * 2 + '{"a": [1], "label": "y"}', "no plain value"),
        (
            "a.jsonl",
            '{"a": "one two three four", "label": "x"}\n' * 2 + '{"a": "", "label": "y"}',
            "line 3 has no text",
        ),
    ],
)
def test_what_cannot_be_compared_is_named_by_its_row(tmp_path, name, content, sentence):
    (tmp_path / name).write_text(content)
    with pytest.raises(CommandFailed, match=sentence):
        examples_in(tmp_path / name)


def test_a_group_that_does_not_fit_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((6, 3)), y=[0, 1] * 3, group=[1, 2])
    with pytest.raises(CommandFailed, match="of one length"):
        examples_in(tmp_path / "a.npz")


def test_the_command_compares_reports_and_judges_the_advice(tmp_path, monkeypatch):
    wine = load_wine()
    rows = [[*map(str, row), f"kind {label}"] for row, label in zip(wine.data, wine.target, strict=True)]
    path = write_csv(tmp_path / "wine.csv", [*wine.feature_names, "label"], rows)
    monkeypatch.setattr(bakeoff_commands, "BUILD", tmp_path / "build")
    left = []

    def leave(target, held, data) -> str:
        left.append((target.description, len(held.results), data))
        return "The figures are left."

    monkeypatch.setattr(publish, "publish_figures", leave)
    monkeypatch.setattr(Target, "require_account", lambda _: None)
    words = ["bakeoff", "--data", str(path), "--volume", "50000", "--minutes", "4", "--aws", "--json"]
    result = CliRunner().invoke(main.app, words)
    assert result.exit_code == 0, result.output
    assert "The figures are left." in result.stderr
    report = json.loads((tmp_path / "build" / "bakeoff" / "report.json").read_text())
    shown = json.loads(result.stdout)["result"]
    line, released = shown.pop("release"), shown.pop("released")
    assert " release rnn --from " in line and released is None
    assert report == shown
    assert left == [("your AWS account", len(report["results"]), "wine.csv")]
    figures = {result["id"]: result for result in report["results"]}
    assert (
        figures["logistic_regression"]["accuracy"]["value"]
        > 0.9
        > figures["majority_class"]["accuracy"]["value"]
    )
    assert figures["gradient_boosting"]["usd_per_month"] > 0
    assert report["verdict"]["advised"] == "traditional" and report["verdict"]["advice_holds"]
    page = (tmp_path / "build" / "bakeoff" / "report.html").read_text()
    assert page.count("<svg") == 3 and "take this" in page


def test_a_comparison_without_meaning_is_refused_with_a_sentence(tmp_path, monkeypatch):
    path = write_csv(tmp_path / "a.csv", ["age", "label"], [[1, i % 2] for i in range(100)])
    monkeypatch.setattr(bakeoff_commands, "BUILD", tmp_path / "build")
    result = CliRunner().invoke(main.app, ["bakeoff", "--data", str(path)])
    assert isinstance(result.exception, CommandFailed)
    assert "All 100 examples are the same" in str(result.exception)


def test_a_place_that_is_none_is_refused(tmp_path):
    result = CliRunner().invoke(main.app, ["bakeoff", "--data", str(tmp_path), "--on", "moon"])
    assert isinstance(result.exception, CommandFailed)
    assert "'moon' is neither" in str(result.exception)


def test_the_page_says_what_failed_what_took_no_part_and_what_is_a_stand_in():
    def entrant(name: str, **more) -> Competitor:
        return Competitor(name, name, "managed", "comprehend.detect_sentiment", 1.0, print, **more)

    scores = {"accuracy": Score(0.5, 0.4, 0.6), "macro_f1": Score(0.5, 0.4, 0.6)}
    figures = {"training_seconds": 0.0, "p50_ms": 1.0, "p99_ms": 2.0, "artefact_bytes": 0}
    held = Contest(
        labels=("<b>bad</b>", "good"),
        modality="text",
        parts={"train": 10, "validation": 2, "test": 4},
        notes=("A note.",),
        results=(
            Result(
                entrant("asked", stand_in=True),
                "finished",
                **scores,
                **figures,
                confusion=((1, 0, 1), (1, 1, 0)),
            ),
            Result(entrant("broken"), "failed", "It had <no> memory."),
        ),
        absent=(Absent("network", "There is none."),),
        verdict=None,
        interrupted=True,
        seconds=3.0,
    )
    page = bakeoff_report.render(held, Problem(modality="text", task="sentiment"), "a.csv")
    for words in (
        "stand-in",
        "failed: It had &lt;no&gt; memory.",
        "network took no part",
        "none of them",
        "A note.",
    ):
        assert words in page
    assert "stopped before it was done" in page and "<b>bad</b>" not in page


def test_data_in_s3_is_copied_for_the_bakeoff_and_read_by_the_same_reader(tmp_path, monkeypatch):
    asked = []

    @contextmanager
    def copied(source, choose, on_detail):
        asked.append(source)
        yield write_csv(tmp_path / "a.csv", ["age", "label"], [[1, i % 2] for i in range(100)])

    monkeypatch.setattr("cli.shared.local_copies.on_this_machine", copied)
    monkeypatch.setattr(bakeoff_commands, "BUILD", tmp_path / "build")

    refusal = CliRunner().invoke(main.app, ["bakeoff", "--data", "s3://bucket/raw/a.csv"]).exception

    assert asked == ["s3://bucket/raw/a.csv"]
    assert "All 100 examples are the same" in str(refusal)
