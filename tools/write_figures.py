"""Writes the table of docs/figures.md from benchmarks/results: `python -m tools.write_figures`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.arguments import refuse_arguments

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "figures.md"
RESULTS = ROOT / "benchmarks" / "results"
PLACE = re.compile(r"(<!-- figures: [^\n]* -->\n).*?(?=<!-- end of the figures -->)", re.DOTALL)
Result = dict[str, Any]
NEVER = math.inf


@dataclass(frozen=True)
class Figure:
    """A row of the table.

    Attributes:
        name: what is measured.
        against: what it is held against.
        file: of the result, by its name in benchmarks/results without ending.
        value: reads the figure from the result.
        unit: behind the number.
    """

    name: str
    against: str
    file: str
    value: Callable[[Result], float | None]
    unit: str = ""

    def results(self) -> dict[str, Result]:
        """What was measured, by the file's name; those of other processors lie beside the first."""
        files = [RESULTS / f"{self.file}.json", *sorted(RESULTS.glob(f"{self.file}.*.json"))]
        return {file.name: json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()}

    def rows(self) -> list[str]:
        """The table's rows, one for each processor: NEVER where no run came to the figure."""
        rows = [
            self.row(name, result, value)
            for name, result in self.results().items()
            if (value := self.value(result)) is not None
        ]
        return rows or [f"| {self.name} | {self.against} | not measured |  |"]

    def row(self, file: str, result: Result, value: float) -> str:
        """A result's row."""
        shown = "never reached" if value == NEVER else f"{value:.4g}{self.unit}"
        place = f"[{self.file}](../benchmarks/results/{file})"
        return f"| {self.name} | {self.against} | {shown} | {place}, {where(result)} |"


def where(result: Result) -> str:
    """The machine that a result is of."""
    return result.get("device") or f"{result['processor_cores']} cores, {result['processor']}"


def against_torch(result: Result, kind: str) -> float | None:
    """Against the faster of PyTorch's two formats; a processor without bfloat16 instructions is slow in that."""
    rates = result[kind]["ours_against"]
    torch_rates = [value for name, value in rates.items() if name.startswith("torch")]
    return min(torch_rates, default=None)


def against_airbench(result: Result) -> float | None:
    """Of the seconds of airbench94 on the same GPU, where somebody measured them."""
    if result["airbench_seconds"] is None:
        return None
    seconds = [result[run]["seconds_to_0.94"] or NEVER for run in ("cnn_quick", "cnn_thorough")]
    return min(seconds) / result["airbench_seconds"]


def worst(values: Any) -> float:
    """The largest."""
    return max(values)


def mean_accuracy(result: Result) -> float:
    """Over the runs of one network with their seeds."""
    values = [run["accuracy"]["value"] for run in result["networks"]]
    return sum(values) / len(values)


FIGURES = (
    Figure(
        "CNN, training on 32×32×3, samples a second",
        "Keras `fit` with defaults",
        "training_speed",
        lambda result: result["cnn"]["ours_against"]["keras"],
        " ×",
    ),
    Figure(
        "the same",
        "PyTorch, channels last, the same network, the faster of float32 and bfloat16",
        "training_speed",
        lambda result: against_torch(result, "cnn"),
        " ×",
    ),
    Figure(
        "the same, as a share of what a matrix product in the same format reaches",
        "",
        "training_speed",
        lambda result: result["cnn"]["share_of_matrix_peak"],
    ),
    Figure(
        "RNN, training, samples a second",
        "Keras `fit` with defaults",
        "training_speed",
        lambda result: result["rnn"]["ours_against"]["keras"],
        " ×",
    ),
    Figure(
        "the same",
        "PyTorch, the same network, the faster of float32 and bfloat16",
        "training_speed",
        lambda result: against_torch(result, "rnn"),
        " ×",
    ),
    *(
        Figure(
            f"{kind.upper()}, time to the validation accuracy of 5 default epochs",
            "Keras `fit` with defaults",
            f"time_to_accuracy_{kind}",
            lambda result: result["share_of_keras"] or NEVER,
            " of its time",
        )
        for kind in ("cnn", "rnn")
    ),
    Figure(
        "CNN on CIFAR-10, all 50,000 images, 291 s on a CPU",
        "0.806, a small CNN in the same time",
        "accuracy_cnn",
        mean_accuracy,
    ),
    Figure(
        "CNN on CIFAR-10 on a GPU, test accuracy",
        "",
        "gpu",
        lambda result: result["cnn_thorough"]["accuracy"]["value"],
    ),
    Figure(
        "CNN on CIFAR-10 on a GPU, seconds to 0.94",
        "airbench94 on the same GPU",
        "gpu",
        against_airbench,
        " ×",
    ),
    Figure(
        "RNN on IMDb, from scratch",
        "0.9125, TF-IDF and logistic regression",
        "accuracy_rnn",
        mean_accuracy,
    ),
    Figure(
        "RNN on the smartwatch exercises, people held out",
        "0.909, boosting on 111 features",
        "smartwatch",
        lambda result: result["results"]["gru_augmented"]["mean"],
    ),
    *(
        Figure(
            f"{kind.upper()}, one sample, LiteRT in float32, as the function answers",
            "`model.predict`",
            "lambda_artefact",
            lambda result, kind=kind: result[kind]["litert_float32_against"]["predict"],
            " ×",
        )
        for kind in ("cnn", "rnn")
    ),
    Figure(
        "the float32 LiteRT model's probabilities",
        "the Keras network's",
        "lambda_artefact",
        lambda result: worst(
            result[kind]["largest_difference_of_a_probability"]["litert float32"] for kind in ("cnn", "rnn")
        ),
        " apart",
    ),
    Figure(
        "points of accuracy that the 8-bit LiteRT model loses, the worse network",
        "the float32 LiteRT model",
        "eight_bits",
        lambda result: worst(result[kind]["lost_points"] for kind in ("cnn", "rnn")),
    ),
    Figure(
        "process start to first prediction, the slower network",
        "TensorFlow's SavedModel",
        "lambda_artefact",
        lambda result: worst(
            result[kind]["seconds_to_first_answer"]["litert float32"] for kind in ("cnn", "rnn")
        ),
        " s",
    ),
    Figure(
        "peak of resident memory then, the larger network",
        "",
        "lambda_artefact",
        lambda result: worst(
            result[kind]["mebibytes_at_first_answer"]["litert float32"] for kind in ("cnn", "rnn")
        ),
        " MiB",
    ),
    Figure(
        "peak of memory while training, with 16 times as many shards",
        "the same with 1",
        "training_memory",
        lambda result: result["largest_against_smallest"],
        " ×",
    ),
    Figure(
        "probabilities of an artefact that TensorFlow 2.21 exported, in 2.20",
        "in 2.21",
        "serving_versions",
        lambda result: worst(
            figures["largest_difference_of_a_probability"] for figures in result["sets"].values()
        ),
        " apart",
    ),
)


def table() -> str:
    """A row for each figure and processor."""
    rows = ["| figure | against | measured | result |", "|---|---|---|---|"]
    rows += [row for figure in FIGURES for row in figure.rows()]
    return "\n".join(rows) + "\n"


def with_table(page: str) -> str:
    """The page with the table in its place."""
    return PLACE.sub(lambda results: f"{results[1]}\n{table()}\n", page, count=1)


if __name__ == "__main__":
    refuse_arguments(__doc__)
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
