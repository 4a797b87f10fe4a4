"""The evaluation job: measures a trained artefact, as it will be served, on the test split."""

from __future__ import annotations

import argparse
import base64
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from definitions.metrics import METRICS, metric_for
from definitions.names import SUMMARY_FILE
from model_code.data.archives import ArchiveRefused, opened, sha256_of, unpack_files
from model_code.data.own_splits import GROUPS_FILE, PLACES_FILE
from model_code.evaluation.drift import baseline_of
from model_code.evaluation.files import (
    BASELINE_FILE,
    FOLDER,
    KNOWN_INPUT_FILE,
    SAMPLES_FILE,
    write_report,
)
from model_code.evaluation.group_scores import group_scores
from model_code.evaluation.known_input import known_input_of
from model_code.evaluation.mistakes import listed
from model_code.evaluation.plots import write_plots
from model_code.evaluation.quality import quality
from model_code.evaluation.report_page import Evaluated, write_page
from model_code.evaluation.summary import summary_of
from model_code.failures import JobFailed, reported
from model_code.light_import import import_tensorflow
from model_code.scores import Predictions, confusion_matrix

if TYPE_CHECKING:
    from model_code.data.records import Split

BATCH_SIZE = 250
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
    parser.add_argument(
        "--plots", action="store_true", help="write pictures and a page beside evaluation.json"
    )
    words = parser.parse_args()
    with reported("The evaluation"):
        evaluate(words.model, words.test, words.output, plots=words.plots)


def evaluate(model: Path, test: Path, output: Path, *, plots: bool = False) -> None:
    """Writes `evaluation.json` (SageMaker's model quality statistics) and `samples.json` to `output`.

    Beside them `summary.json`, which a page shows to people, `baseline.json`, which the drift job holds later inputs
    against, and `known_input.json`, which a release asks; that is empty where no sample is small enough. With `plots`,
    the pictures of `model_code.evaluation.plots` and the page of `model_code.evaluation.report_page` too.

    Raises:
        JobFailed: when the artefact or the channel cannot be read, or `output` holds anything but an earlier
            evaluation, which is replaced.
    """
    FOLDER.check(output)
    with tempfile.TemporaryDirectory() as scratch:
        archive = find_archive(model)
        digest = sha256_of(archive) if archive.is_file() else ""
        directory = unpack(archive, Path(scratch))
        # TensorFlow takes seconds to import: a model that is not there is reported before that.
        import_tensorflow()
        import tensorflow as tf

        from model_code.data.records import read_split

        card = json.loads((directory / "model_card.json").read_bytes())
        split = read_split(test, card["kind"])
        labels = json.loads((directory / "labels.json").read_bytes())
        if labels != split.labels:
            raise JobFailed(
                "The test channel names other classes in its labels.json than the model was trained on."
            )
        loaded = tf.saved_model.load(str(directory / "1"))
        signature = loaded.signatures["serving_default"]
        predictions = predict(signature, split)
    # A baseline's card names no metric.
    metric = card.get("metric") or metric_for(np.bincount(split.targets, minlength=len(labels)).tolist())
    # Of the very bytes that were measured; empty for a folder.
    report = {**report_of(split, predictions, metric, test), "artefact_sha256": digest}
    FOLDER.prepare(output)
    write_report(report, output)
    chosen = sample_answers(split, predictions)
    (output / SAMPLES_FILE).write_text(json.dumps(chosen), encoding="utf-8")
    (output / SUMMARY_FILE).write_text(json.dumps(summary_of(report, split)), encoding="utf-8")
    (output / BASELINE_FILE).write_text(json.dumps(baseline_of(split, predictions)), encoding="utf-8")
    (output / KNOWN_INPUT_FILE).write_text(
        json.dumps(known_input_of(split, predictions) or {}), encoding="utf-8"
    )
    if plots:
        matrix = confusion_matrix(predictions.answers, split.targets, len(labels))
        right = predictions.answers == split.targets
        write_plots(matrix, predictions.scores, right, labels, card, output)

        def ask(samples: list[bytes]) -> np.ndarray:
            return answered(signature, split.feature, samples)["probabilities"].numpy()

        is_table = split.feature == "text" and "columns" in card
        title = f"Evaluation of the {card['kind'].upper()}"
        write_page(Evaluated(split, report, ask, title, is_table), output)
    print(
        f"{METRICS[metric]} {report['score']:.4f} on {len(split.samples)} test samples, which decides; "
        f"accuracy={report['gate']['accuracy']:.4f}",
        flush=True,
    )


def report_of(split: Split, predictions: Predictions, metric: str, test: Path) -> dict[str, Any]:
    """What `evaluation.json` says of the predictions, with the worst mistakes and the groups that the channel tells."""
    places, groups = (told_of_samples(test, file, len(split)) for file in (PLACES_FILE, GROUPS_FILE))
    report = {
        **quality(predictions, split.targets, split.labels, metric),
        "labels": split.labels,
        "samples": len(split.samples),
        **listed(predictions, split.targets, split.labels, places),
    }
    if groups:
        report["by_group"] = group_scores(predictions, split.targets, groups, metric)
        report["group_gap"] = report["by_group"]["gap"]
    return report


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


def predict(signature, split: Split) -> Predictions:
    """The split's predictions by the serving signature; prints its progress.

    Raises:
        JobFailed: when the model reads another feature, refuses a sample, or answers a class that the split has not.
    """
    import tensorflow as tf

    (name,) = signature.structured_input_signature[1]
    if name != split.feature:
        raise JobFailed(f"The model reads a {name}, but the test channel's records hold a {split.feature}.")
    samples, numbers = split.samples, {label.encode(): number for number, label in enumerate(split.labels)}
    probabilities, answers = [], []
    for start in range(0, len(samples), BATCH_SIZE):
        try:
            answer = answered(signature, name, samples[start : start + BATCH_SIZE])
        except tf.errors.InvalidArgumentError as error:
            raise JobFailed(
                f"The model refuses a test sample in batch {start // BATCH_SIZE}: {error.message}"
            ) from error
        probabilities.append(answer["probabilities"].numpy())
        answers += [numbers[label] for label in answer["label"].numpy()]
        if start % (BATCH_SIZE * 10) == 0:
            print(f"evaluated {start} of {len(samples)} samples", flush=True)
    return Predictions(np.concatenate(probabilities), np.array(answers, np.int64))


def answered(signature, feature: str, samples: list) -> dict[str, Any]:
    """What the serving signature answers to samples."""
    import tensorflow as tf

    from model_code.networks.preprocessing import stack_sequences

    stack = stack_sequences if feature == "sequence" else list
    return signature(**{feature: tf.constant(stack(samples))})


def told_of_samples(channel: Path, name: str, count: int) -> list[str] | None:
    """What a channel's file says of each sample, such as its group; None where it does not say it of all of them."""
    file = channel / name
    told = json.loads(file.read_bytes()) if file.is_file() else []
    return told if len(told) == count else None


def sample_answers(split: Split, predictions: Predictions) -> list[dict]:
    """A seeded choice of test samples, by their place in the split, with truth and answer, to be asked again."""
    generator = np.random.default_rng(0)
    count = len(split.samples)
    chosen = generator.choice(count, min(SAMPLE_COUNT, count), replace=False)
    answers = []
    for i in chosen:
        answers.append(
            {
                **shown(split.samples[i], split.feature),
                "position": int(i),
                "truth": split.labels[split.targets[i]],
                "prediction": split.labels[predictions.answers[i]],
                "score": float(predictions.scores[i]),
            }
        )
    return answers


def shown(sample: bytes | np.ndarray, feature: str) -> dict:
    """A sample as JSON takes it."""
    if isinstance(sample, np.ndarray):
        return {"sequence": sample.tolist()}
    if feature == "image":
        return {"image_png_base64": base64.b64encode(sample).decode()}
    return {"text": sample.decode("utf-8", "replace")}


if __name__ == "__main__":
    run()
