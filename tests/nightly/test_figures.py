"""The table of figures is what the results say."""

from __future__ import annotations

import json
import math
import re
from argparse import Namespace
from pathlib import Path

import pytest

from benchmarks import __main__ as everything
from benchmarks import interleaved, time_to_accuracy
from tools import write_examples_curve, write_figures
from tools.write_figures import FIGURES, PAGE, Figure, with_table

MACHINE = {"processor": "a processor (avx2)", "processor_cores": 2}


@pytest.fixture
def figure_of(tmp_path, monkeypatch):
    """A figure of a result that holds `value`; of none where that is left out."""
    monkeypatch.setattr(write_figures, "RESULTS", tmp_path)

    def make(**result) -> Figure:
        if result:
            (tmp_path / "speed.json").write_text(json.dumps({**MACHINE, **result}))
        return Figure("speed", "others", "speed", lambda found: found["value"], " ×")

    return make


def test_the_page_of_the_models_has_the_table_that_the_results_make():
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page), "Run: make generate"
    assert all(row in page for figure in FIGURES for row in figure.rows())


@pytest.mark.parametrize(("value", "shown"), [(2.9871, "2.987 ×"), (math.inf, "never reached")])
def test_a_figure_is_shown_with_the_machine_that_it_is_of(figure_of, value, shown):
    (row,) = figure_of(value=value).rows()
    assert row.startswith(f"| speed | others | {shown} |")
    assert row.endswith("2 cores, a processor (avx2) |")


@pytest.mark.parametrize("result", [{}, {"value": None}])
def test_what_was_not_measured_is_said_to_be_so(figure_of, result):
    assert figure_of(**result).rows() == ["| speed | others | not measured |  |"]


def test_the_figures_of_another_processor_stand_beside_the_first(figure_of, tmp_path, capsys):
    figure = figure_of(value=2.0)
    interleaved.write(tmp_path / "speed.json", {**MACHINE, "processor": "Another (amx)", "value": 3.0})
    interleaved.write(tmp_path / "speed.json", {**MACHINE, "value": 2.5})
    first, second = figure.rows()
    assert "| 2.5 × |" in first and "results/speed.json" in first and first.endswith("a processor (avx2) |")
    assert "| 3 × |" in second and "results/speed.another-amx.json" in second


def test_a_part_that_fails_costs_the_others_nothing(tmp_path, capsys):
    file = tmp_path / "speed.json"
    parts = interleaved.Parts(file, dict(MACHINE))
    with parts.part("first"):
        parts.result["first"] = 1
    with parts.part("second"):
        raise SystemExit("A contender ended.")
    with parts.part("third"):
        parts.result["third"] = 3
    with pytest.raises(
        SystemExit, match=r"These failed: second\. The others are in .*speed\.unfinished\.json"
    ):
        parts.finish()
    kept = json.loads(parts.unfinished.read_text())
    assert (kept["first"], kept["third"], kept["failed"]) == (1, 3, {"second": "A contender ended."})
    assert not file.exists()


def test_a_result_whose_parts_are_all_there_is_whole(tmp_path, capsys):
    parts = interleaved.Parts(tmp_path / "speed.json", dict(MACHINE))
    with parts.part("first"):
        parts.result["first"] = 1
    parts.finish()
    assert json.loads((tmp_path / "speed.json").read_text()) == {**MACHINE, "first": 1}
    assert not parts.unfinished.exists()


def test_every_part_of_the_measurement_is_described_in_order_with_its_command():
    folder = Path(everything.__file__).parent
    words = Namespace(cache=Path("cache"), torch_python="a", litert_python="b", older_python="c", only=None)
    parts = list(everything.programs(words))

    described = re.findall(r"^\| `(\w+)` \|", (folder / "README.md").read_text(), re.MULTILINE)

    assert described == parts
    for part in [*parts, "gpu"]:
        assert re.search(
            rf"^Example: python -m benchmarks\.{part}\b", (folder / f"{part}.py").read_text(), re.M
        )
    files = {figure.file.removesuffix("_cnn").removesuffix("_rnn") for figure in FIGURES}
    assert files == {*parts, "gpu"}


def test_a_part_whose_python_is_not_named_is_left_out():
    words = Namespace(
        cache=Path("cache"), torch_python=None, litert_python=None, older_python=None, only=None
    )
    programs = everything.programs(words)
    assert "lambda_artefact" not in programs and "serving_versions" not in programs
    assert programs["training_speed"] == []
    words.only = ["smartwatch", "lambda_artefact"]
    assert list(everything.programs(words)) == ["smartwatch"]


def run(epochs: int, seed: int, seconds: float, accuracy: float) -> dict:
    return {"epochs": epochs, "seed": seed, "seconds": seconds, "accuracy": accuracy}


def test_an_accuracy_is_reached_when_every_seed_does_and_the_slowest_counts():
    keras = run(5, 0, 100.0, 0.8)
    runs = [run(1, 0, 10.0, 0.7), run(2, 0, 20.0, 0.81), run(2, 1, 21.0, 0.79)]
    assert time_to_accuracy.summary(keras, runs, 2) == {"seconds": None, "share_of_keras": None}
    runs += [run(3, 0, 33.0, 0.8), run(3, 1, 30.0, 0.9)]
    assert time_to_accuracy.summary(keras, runs, 2) == {"seconds": 33.0, "share_of_keras": 0.33}


def test_a_result_says_what_it_was_measured_with():
    found = interleaved.environment()
    assert found["processor_cores"] >= 1
    assert {"tensorflow", "keras"} <= set(found["versions"])


def test_the_page_has_the_curve_that_the_result_makes():
    page = write_examples_curve.PAGE.read_text(encoding="utf-8")
    assert page == write_examples_curve.page(page), "Run: make generate"
    assert "| CIFAR-10, cats and dogs | 200 |" in page
