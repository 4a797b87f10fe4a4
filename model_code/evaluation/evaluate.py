"""The evaluation job: measures a trained artefact, as it will be served, on the test split."""

from __future__ import annotations

import argparse
import base64
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from model_code.data.archives import ArchiveRefused, opened, unpack_files
from model_code.evaluation.drift import baseline_of
from model_code.evaluation.files import BASELINE_FILE, FOLDER, KNOWN_INPUT_FILE, SAMPLES_FILE, write_report
from model_code.evaluation.known_input import known_input_of
from model_code.evaluation.plots import write_plots
from model_code.failures import JobFailed, write_failure_reason
from model_code.light_import import import_tensorflow

if TYPE_CHECKING:
    from model_code.data.records import Split

BATCH_SIZE = 250
RESAMPLES = 1000
CALIBRATION_BINS = 15
SAMPLE_COUNT = 24


def run() -> None:
    """Runs the job and ends the process: 0, or 1 with a failure reason."""
    parser = argparse.ArgumentParser(
        description="Measures a model on a test split.",
        epilog="Example: python3 -m model_code.evaluation.evaluate --model model.tar.gz --test test --output out",
    )
    parser.add_argument("--model", type=Path, required=True, help="model.tar.gz or its directory")
    parser.add_argument("--test", type=Path, required=True, help="the test channel")
    parser.add_argument(
        "--output", type=Path, required=True, help="where evaluation.json and samples.json go"
    )
    parser.add_argument("--plots", action="store_true", help="write pictures beside evaluation.json as well")
    words = parser.parse_args()
    try:
        evaluate(words.model, words.test, words.output, plots=words.plots)
    except JobFailed as failure:
        write_failure_reason(str(failure))
        print(f"The evaluation failed: {failure}", flush=True)
        sys.exit(1)


def evaluate(model: Path, test: Path, output: Path, *, plots: bool = False) -> None:
    """Writes `evaluation.json` (SageMaker's model quality statistics) and `samples.json` to `output`.

    Beside them `baseline.json`, which the drift job holds later inputs against, and `known_input.json`, which a release
    asks, where the model answers anything rightly. With `plots`, the pictures of `model_code.evaluation.plots` too.

    Raises:
        JobFailed: when the artefact or the channel cannot be read, or `output` holds anything but an earlier
            evaluation, which is replaced.
    """
    FOLDER.check(output)
    with tempfile.TemporaryDirectory() as scratch:
        directory = unpack(find_archive(model), Path(scratch))
        # TensorFlow takes seconds to import: a model that is not there is reported before that.
        import_tensorflow()
        import tensorflow as tf

        from model_code.data.records import read_split

        card = json.loads((directory / "model_card.json").read_text())
        split = read_split(test, card["kind"])
        labels = json.loads((directory / "labels.json").read_text())
        if labels != split.labels:
            raise JobFailed(
                "The test channel names other classes in its labels.json than the model was trained on."
            )
        loaded = tf.saved_model.load(str(directory / "1"))
        probabilities = predict(loaded.signatures["serving_default"], split)
    report = {
        **quality(probabilities, split.targets, labels),
        "labels": labels,
        "samples": len(split.samples),
    }
    FOLDER.prepare(output)
    write_report(report, output)
    chosen = sample_answers(split, probabilities)
    (output / SAMPLES_FILE).write_text(json.dumps(chosen))
    (output / BASELINE_FILE).write_text(json.dumps(baseline_of(split, probabilities)))
    if known := known_input_of(split, probabilities):
        (output / KNOWN_INPUT_FILE).write_text(json.dumps(known))
    if plots:
        answers = probabilities.argmax(axis=1)
        matrix = confusion_matrix(answers, split.targets, len(labels))
        write_plots(matrix, probabilities.max(axis=1), answers == split.targets, labels, output)
    print(f"accuracy={report['gate']['accuracy']:.4f} on {len(split.samples)} test samples", flush=True)


def find_archive(model: Path) -> Path:
    """The archive itself, or the one in the directory that a processing input makes of it."""
    return model / "model.tar.gz" if (model / "model.tar.gz").is_file() else model


def unpack(model: Path, scratch: Path) -> Path:
    """The artefact's directory.

    Raises:
        JobFailed: when it is no readable archive or lacks the SavedModel.
    """
    directory = model
    if model.is_file():
        directory = scratch
        try:
            with model.open("rb") as file, opened(file, model.stat().st_size) as archive:
                unpack_files(archive, scratch)
        except ArchiveRefused as error:
            raise JobFailed(f"{model.name} is no readable tar archive: {error}.") from error
    for needed in ("1/saved_model.pb", "model_card.json", "labels.json"):
        if not (directory / needed).is_file():
            raise JobFailed(f"The model {model} holds no {needed}.")
    return directory


def predict(signature, split: Split) -> np.ndarray:
    """Probabilities [N, C] by the serving signature; prints its progress."""
    import tensorflow as tf

    from model_code.networks.preprocessing import stack_sequences

    (name,) = signature.structured_input_signature[1]
    if name != split.feature:
        raise JobFailed(f"The model reads a {name}, but the test channel's records hold a {split.feature}.")
    samples = split.samples
    stack = stack_sequences if name == "sequence" else list
    parts = []
    for start in range(0, len(samples), BATCH_SIZE):
        batch = tf.constant(stack(samples[start : start + BATCH_SIZE]))
        try:
            parts.append(signature(**{name: batch})["probabilities"].numpy())
        except tf.errors.InvalidArgumentError as error:
            raise JobFailed(
                f"The model refuses a test sample in batch {start // BATCH_SIZE}: {error.message}"
            ) from error
        if start % (BATCH_SIZE * 10) == 0:
            print(f"evaluated {start} of {len(samples)} samples", flush=True)
    return np.concatenate(parts)


def quality(probabilities: np.ndarray, targets: np.ndarray, labels: Sequence[str]) -> dict:
    """Every figure, in the form that SageMaker's model registry shows.

    Args:
        probabilities: [N, C].
        targets: int [N].
        labels: C names.

    Returns:
        `multiclass_classification_metrics` or `binary_classification_metrics`, each metric with its value and the
        standard deviation and 95 % interval over bootstrap resamples; and `gate`, the values alone.
    """
    predictions = probabilities.argmax(axis=1)
    matrix = confusion_matrix(predictions, targets, len(labels))
    metrics = bootstrap(probabilities, targets, len(labels))
    # SageMaker names its F1 field for two classes f1 and for more weighted_f1; macro F1 is kept under its own name.
    problem = "binary" if len(labels) == 2 else "multiclass"
    return {
        f"{problem}_classification_metrics": {
            **metrics,
            "confusion_matrix": {
                truth: {label: int(matrix[row, column]) for column, label in enumerate(labels)}
                for row, truth in enumerate(labels)
            },
            "per_class": per_class(matrix, labels),
        },
        "gate": {name: metric["value"] for name, metric in metrics.items()},
    }


def bootstrap(probabilities: np.ndarray, targets: np.ndarray, class_count: int) -> dict[str, dict]:
    """The scalar figures with their spread over resamples of the test set, drawn with a fixed seed."""
    predictions = probabilities.argmax(axis=1)
    losses = -np.log(np.clip(probabilities[np.arange(len(targets)), targets], 1e-12, 1.0))
    right = (predictions == targets).astype(float)
    pairs = targets * class_count + predictions
    generator = np.random.default_rng(0)
    resampled: dict[str, list[float]] = {
        "accuracy": [],
        "macro_f1": [],
        "log_loss": [],
        "calibration_error": [],
    }
    confidence = probabilities.max(axis=1)
    for _ in range(RESAMPLES):
        drawn = generator.integers(0, len(targets), len(targets))
        counts = np.bincount(pairs[drawn], minlength=class_count**2).reshape(class_count, class_count)
        resampled["accuracy"].append(right[drawn].mean())
        resampled["macro_f1"].append(macro_f1(counts))
        resampled["log_loss"].append(losses[drawn].mean())
        resampled["calibration_error"].append(calibration_error(confidence[drawn], right[drawn]))
    counts = np.bincount(pairs, minlength=class_count**2).reshape(class_count, class_count)
    values = {
        "accuracy": right.mean(),
        "macro_f1": macro_f1(counts),
        "log_loss": losses.mean(),
        "calibration_error": calibration_error(confidence, right),
    }
    return {
        name: {
            "value": float(value),
            "standard_deviation": float(np.std(resampled[name])),
            "interval_95": [float(bound) for bound in np.percentile(resampled[name], [2.5, 97.5])],
        }
        for name, value in values.items()
    }


def confusion_matrix(predictions: np.ndarray, targets: np.ndarray, class_count: int) -> np.ndarray:
    """Counts [C, C]: rows are the truth, columns the answers."""
    pairs = targets.astype(np.int64) * class_count + predictions
    return np.bincount(pairs, minlength=class_count**2).reshape(class_count, class_count)


def macro_f1(matrix: np.ndarray) -> float:
    """The mean over classes of 2 TP / (2 TP + FP + FN); a class that neither occurs nor is answered counts 0."""
    true_positives = np.diag(matrix)
    denominators = matrix.sum(axis=0) + matrix.sum(axis=1)
    return float(
        np.mean(
            np.divide(2 * true_positives, denominators, out=np.zeros(len(matrix)), where=denominators > 0)
        )
    )


def per_class(matrix: np.ndarray, labels: Sequence[str]) -> dict[str, dict[str, float]]:
    """Precision, recall and support of each class; 0 where the denominator is 0."""
    answered, actual, right = matrix.sum(axis=0), matrix.sum(axis=1), np.diag(matrix)
    return {
        label: {
            "precision": float(right[i] / answered[i]) if answered[i] else 0.0,
            "recall": float(right[i] / actual[i]) if actual[i] else 0.0,
            "support": int(actual[i]),
        }
        for i, label in enumerate(labels)
    }


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error over CALIBRATION_BINS equal bins (Guo et al. 2017, arXiv 1706.04599)."""
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    counts = np.bincount(bins, minlength=CALIBRATION_BINS)
    gaps = np.bincount(bins, weights=confidence - right, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / counts.sum())


def sample_answers(split: Split, probabilities: np.ndarray) -> list[dict]:
    """A seeded choice of test samples, by their place in the split, with truth and answer, to be asked again."""
    generator = np.random.default_rng(0)
    count = len(split.samples)
    chosen = generator.choice(count, min(SAMPLE_COUNT, count), replace=False)
    answers = []
    for i in chosen:
        best = int(probabilities[i].argmax())
        answers.append(
            {
                **shown(split.samples[i], split.feature),
                "position": int(i),
                "truth": split.labels[split.targets[i]],
                "prediction": split.labels[best],
                "score": float(probabilities[i, best]),
            }
        )
    return answers


def shown(sample: bytes | np.ndarray, feature: str) -> dict:
    """A sample as JSON takes it."""
    if feature == "image":
        return {"image_png_base64": base64.b64encode(sample).decode()}
    if feature == "text":
        return {"text": sample.decode("utf-8", "replace")}
    return {"sequence": sample.tolist()}


if __name__ == "__main__":
    run()
