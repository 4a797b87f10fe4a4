"""The second part of the evaluation job: the new model against the released one, sample by sample."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from model_code.evaluation.evaluate import RESAMPLES, find_archive, predict, unpack
from model_code.evaluation.files import write_report
from model_code.failures import JobFailed, write_failure_reason
from model_code.light_import import import_tensorflow

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
    try:
        report = read_evaluation(words.evaluation)
        found = compare(words.model, words.champion, words.test)
    except JobFailed as failure:
        write_failure_reason(str(failure))
        print(f"The comparison failed: {failure}", flush=True)
        sys.exit(1)
    write_report({**report, "champion": found}, words.evaluation.parent)
    print(f"comparison with the champion: {json.dumps(found)}", flush=True)


def read_evaluation(file: Path) -> dict:
    """The evaluation that gets the comparison.

    Raises:
        JobFailed: when the file is none: nothing else is written over.
    """
    try:
        report = json.loads(file.read_text())
        if "gate" in report and "labels" in report:
            return report
    except (OSError, ValueError, TypeError) as error:
        raise JobFailed(f"{file} cannot be read as an evaluation ({type(error).__name__}).") from error
    raise JobFailed(f"{file} is no evaluation of model_code.evaluation.evaluate, so it is left as it is.")


def compare(model: Path, champion: Path, test: Path) -> dict:
    """The champion's accuracy, and by how much the model's differs, over the same samples.

    Returns:
        `comparable` True with `accuracy` (the champion's), and `difference`: the model's less the champion's with its
        95 % interval; or `comparable` False with a `reason`, when the champion cannot answer this test split.

    Raises:
        JobFailed: when the model or the channel cannot be read.
    """
    import_tensorflow()
    from model_code.data.records import read_labels, read_split

    labels = read_labels(test)
    with tempfile.TemporaryDirectory() as scratch:
        directory = unpack(find_archive(model), Path(scratch))
        split = read_split(test, json.loads((directory / "model_card.json").read_text())["kind"])
        right = answers(directory, split) == split.targets
    with tempfile.TemporaryDirectory() as scratch:
        try:
            directory = unpack(find_archive(champion), Path(scratch))
            if json.loads((directory / "labels.json").read_text()) != labels:
                return {"comparable": False, "reason": "The champion was trained on other classes."}
            champion_right = answers(directory, split) == split.targets
        except JobFailed as failure:
            return {"comparable": False, "reason": f"The champion cannot be measured: {failure}"}
    return {"comparable": True, **difference(right, champion_right)}


def answers(directory: Path, split: Split) -> np.ndarray:
    """The classes that a model in `directory` answers to the split's samples: int [N]."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(directory / "1"))
    return predict(loaded.signatures["serving_default"], split).argmax(axis=1)


def difference(right: np.ndarray, champion_right: np.ndarray) -> dict:
    """Accuracies from which answers were right, both bool [N]; paired, so what is hard for both cancels out.

    The interval is the bootstrap's percentile interval over resampled test samples (Efron and Tibshirani, An
    Introduction to the Bootstrap, 1993, chapter 13), drawn with a fixed seed.
    """
    gains = right.astype(float) - champion_right.astype(float)
    generator = np.random.default_rng(0)
    means = [gains[generator.integers(0, len(gains), len(gains))].mean() for _ in range(RESAMPLES)]
    return {
        "accuracy": float(champion_right.mean()),
        "difference": {
            "value": float(gains.mean()),
            "interval_95": [float(bound) for bound in np.percentile(means, [2.5, 97.5])],
        },
    }


if __name__ == "__main__":
    run()
