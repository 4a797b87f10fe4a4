"""Traditional machine learning on the same channels: the opponents that the networks have to beat.

Example: python -m model_code.baselines --kind rnn --train data/imdb/train --test data/imdb/test --output out
It writes `evaluation.json` with the figures of `model_code.evaluate`, so that both can be laid side by side. With
`--models DIRECTORY` each baseline becomes an artefact that is evaluated, released and served as a network's is.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from model_code.evaluation_files import EVALUATION_FILE, FOLDER
from model_code.failures import JobFailed
from model_code.light_import import import_tensorflow
from model_code.outputs import MODEL_FOLDER

if TYPE_CHECKING:
    from model_code.records import Split

IMAGE_SIZE = 32
CELL_PIXELS = 8
ORIENTATIONS = 9
COLOUR_BINS = 4
# Bounds of the bands of a sequence's spectrum, as shares of half the sampling rate: at 50 Hz 0, 1, 3 and 25 Hz.
BANDS = ((0.0, 0.04), (0.04, 0.12), (0.12, 1.0))


def image_features(images: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients and of colours.

    Args:
        images: uint8 [N, H, W, 3]; H and W are multiples of CELL_PIXELS.

    Returns:
        float32 [N, features].
    """
    return np.concatenate([oriented_gradients(images), colour_histogram(images)], axis=1)


def oriented_gradients(images: np.ndarray) -> np.ndarray:
    """How strongly the grey image changes in each of ORIENTATIONS directions, cell by cell (Dalal and Triggs 2005).

    Each cell's histogram is divided by the length of its 2×2 block, once for every block that it lies in.
    """
    grey = images.astype(np.float32).mean(axis=3) / 255.0
    down, right = np.gradient(grey, axis=(1, 2))
    strength = np.hypot(down, right)
    direction = (np.arctan2(down, right) % np.pi) / np.pi * ORIENTATIONS
    lower = np.floor(direction).astype(int) % ORIENTATIONS
    share = direction - np.floor(direction)
    count, height, width = grey.shape
    rows, columns = height // CELL_PIXELS, width // CELL_PIXELS
    cells = np.zeros((count, rows, columns, ORIENTATIONS), np.float32)
    for orientation in range(ORIENTATIONS):
        # A direction between two bins is shared by both.
        upper = (lower + 1) % ORIENTATIONS == orientation
        part = strength * ((lower == orientation) * (1 - share) + upper * share)
        blocks = part.reshape(count, rows, CELL_PIXELS, columns, CELL_PIXELS)
        cells[..., orientation] = blocks.sum(axis=(2, 4))
    neighbours = [cells[:, r : rows - 1 + r, c : columns - 1 + c] for r in (0, 1) for c in (0, 1)]
    blocks = np.concatenate(neighbours, axis=-1)
    blocks /= np.linalg.norm(blocks, axis=-1, keepdims=True) + 1e-3
    return blocks.reshape(count, -1)


def colour_histogram(images: np.ndarray) -> np.ndarray:
    """The share of pixels in each of COLOUR_BINS³ colours."""
    levels = images.astype(np.int64) * COLOUR_BINS // 256
    colours = (levels[..., 0] * COLOUR_BINS + levels[..., 1]) * COLOUR_BINS + levels[..., 2]
    bins = COLOUR_BINS**3
    offsets = np.arange(len(images))[:, None] * bins
    counts = np.bincount((colours.reshape(len(images), -1) + offsets).ravel(), minlength=len(images) * bins)
    return (counts.reshape(len(images), bins) / colours[0].size).astype(np.float32)


def sequence_features(sequences: Sequence[np.ndarray]) -> np.ndarray:
    """Statistics and spectrum of each channel, and how the channels move together.

    For each channel: mean, deviation, minimum, maximum, quartiles, skewness, kurtosis, mean change from step to step,
    share of steps that cross the mean, strongest frequency, spectral entropy and each band's share of the power; for
    each pair of channels their correlation. With six channels that makes 111.

    Args:
        sequences: N of float [steps, channels], of any lengths.

    Returns:
        float32 [N, features].
    """
    return np.stack([features_of_sequence(sequence) for sequence in sequences])


def features_of_sequence(sequence: np.ndarray) -> np.ndarray:
    """`sequence_features` of one."""
    values = sequence.astype(np.float64)
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    standard = (values - mean) / np.maximum(deviation, 1e-9)
    changes = np.abs(np.diff(values, axis=0, append=values[-1:])).mean(axis=0)
    crossings = (np.diff(np.sign(standard), axis=0) != 0).sum(axis=0) / len(values)
    statistics = [mean, deviation, values.min(axis=0), values.max(axis=0)]
    statistics += [*np.quantile(values, (0.25, 0.5, 0.75), axis=0), (standard**3).mean(axis=0)]
    statistics += [(standard**4).mean(axis=0), changes, crossings, *spectrum_features(standard)]
    pairs = np.triu_indices(values.shape[1], 1)
    correlations = (standard.T @ standard / len(values))[pairs]
    return np.concatenate([*statistics, correlations]).astype(np.float32)


def spectrum_features(standard: np.ndarray) -> list[np.ndarray]:
    """Strongest frequency, spectral entropy and the share of each of BANDS, one number a channel each."""
    power = np.abs(np.fft.rfft(standard, axis=0)) ** 2
    frequency = np.linspace(0.0, 1.0, len(power))
    share = power / np.maximum(power.sum(axis=0), 1e-12)
    entropy = -(share * np.log(share + 1e-12)).sum(axis=0) / np.log(len(power) + 1)
    bands = [share[(frequency > low) & (frequency <= high)].sum(axis=0) for low, high in BANDS]
    return [frequency[power.argmax(axis=0)], entropy, *bands]


def sequence_models(seed: int) -> dict[str, ClassifierMixin]:
    """Untrained classifiers of sequences [steps, channels]."""
    features = FunctionTransformer(sequence_features)
    return {
        "logistic_regression": make_pipeline(
            features, StandardScaler(), LogisticRegression(C=1.0, max_iter=300, random_state=seed)
        ),
        "gradient_boosting": make_pipeline(
            features, HistGradientBoostingClassifier(max_iter=100, learning_rate=0.1, random_state=seed)
        ),
    }


def image_models(seed: int) -> dict[str, ClassifierMixin]:
    """Untrained classifiers of uint8 images [N, H, W, 3]."""
    features = FunctionTransformer(image_features)
    return {
        "logistic_regression": make_pipeline(
            features, StandardScaler(), LogisticRegression(C=0.01, max_iter=300, random_state=seed)
        ),
        "gradient_boosting": make_pipeline(
            features, HistGradientBoostingClassifier(max_iter=100, learning_rate=0.1, random_state=seed)
        ),
    }


def text_models(seed: int) -> dict[str, ClassifierMixin]:
    """Untrained classifiers of texts."""
    features: BaseEstimator = make_union(
        TfidfVectorizer(
            ngram_range=(1, 2), min_df=3, sublinear_tf=True, max_features=200_000, dtype=np.float32
        ),
        TfidfVectorizer(
            analyzer="char_wb",
            ngram_range=(3, 4),
            min_df=5,
            sublinear_tf=True,
            max_features=50_000,
            dtype=np.float32,
        ),
    )
    return {
        "logistic_regression": make_pipeline(
            features, LogisticRegression(C=10.0, max_iter=300, random_state=seed)
        )
    }


def measure(
    kind: str, train: Path, test: Path, *, seed: int = 0, models_directory: Path | None = None
) -> dict[str, dict]:
    """Trains every baseline of a kind; returns the evaluation of each, by its name.

    Args:
        kind: `cnn` for images, `rnn` for texts and sequences.
        train: the training channel.
        test: the test channel.
        seed: of the classifiers.
        models_directory: where each baseline's artefact goes, in a folder of its name; None writes none.

    Raises:
        JobFailed: naming what is wrong with a channel, or a file in the way of an artefact.
    """
    from model_code.evaluate import quality

    split, test_split = comparable_splits(kind, train, test)
    inputs, test_inputs = inputs_of(split), inputs_of(test_split)
    models = {"image": image_models, "text": text_models, "sequence": sequence_models}[split.feature](seed)
    if models_directory is not None:
        for name in models:
            MODEL_FOLDER.check(models_directory / name)
    reports = {}
    for name, model in models.items():
        model.fit(inputs, split.targets)
        reports[name] = quality(model.predict_proba(test_inputs), test_split.targets, split.labels)
        print(f"{name} accuracy={reports[name]['gate']['accuracy']:.4f}", flush=True)
        if models_directory is not None:
            from model_code.baseline_export import export_baseline

            export_baseline(name, model, split, models_directory / name)
    return reports


def comparable_splits(kind: str, train: Path, test: Path) -> tuple[Split, Split]:
    """Both channels, of one feature and the same classes; see `measure` for what is raised."""
    import_tensorflow()
    from model_code.records import read_split

    splits = tuple(read_split(directory, kind) for directory in (train, test))
    if splits[0].labels != splits[1].labels:
        raise JobFailed("The channels train and test name different classes in their labels.json.")
    if splits[0].feature != splits[1].feature:
        raise JobFailed(
            f"The channel train holds a {splits[0].feature} in each record, test a {splits[1].feature}."
        )
    if not splits[0].class_counts.all():
        missing = splits[0].labels[int(splits[0].class_counts.argmin())]
        raise JobFailed(
            f"The channel train has no sample of the class '{missing}'. Add some, or take it out."
        )
    return splits


def inputs_of(split: Split) -> np.ndarray | list[np.ndarray] | list[str]:
    """A split's samples as the classifiers take them."""
    if split.feature == "image":
        from model_code.preprocessing import decode_all_images

        return decode_all_images(split.samples, IMAGE_SIZE)
    if split.feature == "sequence":
        return split.samples
    return [sample.decode("utf-8", "replace") for sample in split.samples]


def run() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--kind", choices=("cnn", "rnn"), required=True, help="cnn: images; rnn: texts, sequences"
    )
    parser.add_argument("--train", type=Path, required=True, help="the training channel")
    parser.add_argument("--test", type=Path, required=True, help="the test channel")
    parser.add_argument("--output", type=Path, required=True, help="where evaluation.json goes")
    parser.add_argument("--models", type=Path, help="where artefacts go, a folder for each; none by default")
    words = parser.parse_args()
    try:
        FOLDER.check(words.output)
        reports = measure(words.kind, words.train, words.test, models_directory=words.models)
    except JobFailed as failure:
        print(failure, file=sys.stderr)
        sys.exit(1)
    FOLDER.prepare(words.output)
    (words.output / EVALUATION_FILE).write_text(json.dumps(reports, indent=1))


if __name__ == "__main__":
    run()
