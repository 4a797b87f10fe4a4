"""The second part of the evaluation job: the new model against the released one, sample by sample."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from model_code.evaluation.evaluate import find_archive, predict, unpack
from model_code.evaluation.files import write_report
from model_code.evaluation.quality import RESAMPLES, interval_95, resamples_of, spread
from model_code.failures import JobFailed, reported
from model_code.light_import import import_tensorflow
from model_code.scores import RANKINGS, Answered, score_of

if TYPE_CHECKING:
    from model_code.data.records import Split


def run() -> None:
    """Runs the comparison and ends the process: 0, or 1 with a failure reason."""
    parser = argparse.ArgumentParser(
        description="Compares a model with the released one on the same test split.",
        epilog="Example: python3 -m model_code.evaluation.comparison --model new.tar.gz --champion old.tar.gz "
        "--test test --evaluation out/evaluation.json",
    )
    parser.add_argument("--model", type=Path, required=True, help="model.tar.gz or its directory")
    parser.add_argument("--champion", type=Path, required=True, help="the released one, likewise")
    parser.add_argument("--test", type=Path, required=True, help="the test channel")
    parser.add_argument(
        "--evaluation", type=Path, required=True, help="evaluation.json, which gets `champion`"
    )
    words = parser.parse_args()
    with reported("The comparison"):
        report = read_evaluation(words.evaluation)
        comparison = compare(words.model, words.champion, words.test, report["metric"])
    write_report({**report, "champion": comparison}, words.evaluation.parent)
    print(f"comparison with the champion: {json.dumps(comparison)}", flush=True)


def read_evaluation(file: Path) -> dict:
    """The evaluation that gets the comparison.

    Raises:
        JobFailed: when the file is none: nothing else is written over.
    """
    try:
        report = json.loads(file.read_bytes())
        if "metric" in report and "labels" in report:
            return report
    except (OSError, ValueError, TypeError) as error:
        raise JobFailed(f"{file} cannot be read as an evaluation ({type(error).__name__}).") from error
    raise JobFailed(f"{file} is no evaluation of model_code.evaluation.evaluate, so it is left as it is.")


def compare(model: Path, champion: Path, test: Path, metric: str) -> dict:
    """The champion's score by a metric, and by how much the model's differs, over the same samples.

    Returns:
        `comparable` True with `score` (the champion's), and `difference`: the model's less the champion's with its
        95 % interval; or `comparable` False with a `reason`, when the champion cannot answer this test split.

    Raises:
        JobFailed: when the model or the channel cannot be read.
    """
    import_tensorflow()
    from model_code.data.records import read_labels, read_split

    labels = read_labels(test)
    with tempfile.TemporaryDirectory() as scratch:
        directory = unpack(find_archive(model), Path(scratch))
        split = read_split(test, json.loads((directory / "model_card.json").read_bytes())["kind"])
        answered = measured(directory, split)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            directory = unpack(find_archive(champion), Path(scratch))
            if json.loads((directory / "labels.json").read_bytes()) != labels:
                return {"comparable": False, "reason": "The champion was trained on other classes."}
            champion_answered = measured(directory, split)
        except JobFailed as failure:
            return {"comparable": False, "reason": f"The champion cannot be measured: {failure}"}
    return {"comparable": True, **difference(answered, champion_answered, metric)}


def measured(directory: Path, split: Split) -> Answered:
    """What a model in `directory` answers to the split's samples."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(directory / "1"))
    return Answered(predict(loaded.signatures["serving_default"], split), split.targets)


def difference(answered: Answered, champion: Answered, metric: str) -> dict:
    """Scores by a metric of two models on the same samples; paired, so what is hard for both cancels out."""

    def score(model: Answered, counts: np.ndarray | None = None) -> float:
        figures_of = model.rankings if metric in RANKINGS else model.figures
        return score_of(metric, figures_of(counts))

    def gain(counts: np.ndarray | None = None) -> dict[str, float]:
        return {"gain": score(answered, counts) - score(champion, counts)}

    resamples = resamples_of(answered) if metric in RANKINGS else RESAMPLES
    gains = spread(gain, len(answered.targets), resamples)["gain"]
    return {
        "score": score(champion),
        "difference": {"value": gain()["gain"], "interval_95": interval_95(gains)},
    }


if __name__ == "__main__":
    run()
