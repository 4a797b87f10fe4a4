"""Traditional machine learning on the same channels: the opponents that the networks have to beat.

Example: python -m model_code.baselines.train --kind rnn --train data/imdb/train --test data/imdb/test --output out
It writes `evaluation.json` with the figures of `model_code.evaluation.quality`, so that both can be laid side by
side. With `--models DIRECTORY` each baseline becomes an artefact that is evaluated, released and served as a
network's is.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from definitions.metrics import metric_for
from definitions.networks import KINDS
from definitions.words import words_of
from model_code.baselines.features import IMAGE_SIZE, image_features, sequence_features
from model_code.evaluation.files import EVALUATION_FILE, FOLDER
from model_code.failures import JobFailed
from model_code.light_import import import_tensorflow
from model_code.outputs import MODEL_FOLDER
from model_code.scores import Predictions

if TYPE_CHECKING:
    from model_code.data.records import Split


# From so many texts on, a word of one or two of them is left out.
MANY_TEXTS = 2_000


def sequence_models(seed: int) -> dict[str, Pipeline]:
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


def image_models(seed: int) -> dict[str, Pipeline]:
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


def text_models(seed: int, count: int) -> dict[str, Pipeline]:
    """Untrained classifiers of `count` texts in any language."""
    many = count >= MANY_TEXTS
    # scikit-learn's code suggests narrower types than its documents name.
    common: dict[str, Any] = {"sublinear_tf": True, "dtype": np.float32}
    of_words: dict[str, Any] = {"tokenizer": words_of, "token_pattern": None, **common}
    features: BaseEstimator = make_union(
        TfidfVectorizer(
            lowercase=False,
            ngram_range=(1, 2),
            min_df=3 if many else 1,
            max_features=200_000,
            **of_words,
        ),
        TfidfVectorizer(
            analyzer="char_wb",
            ngram_range=(3, 4),
            min_df=5 if many else 1,
            max_features=50_000,
            **common,
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
    from model_code.evaluation.quality import quality

    split, test_split = comparable_splits(kind, train, test)
    inputs, test_inputs = inputs_of(split), inputs_of(test_split)
    if split.feature == "text":
        models = text_models(seed, len(split))
    else:
        models = {"image": image_models, "sequence": sequence_models}[split.feature](seed)
    if models_directory is not None:
        for name in models:
            MODEL_FOLDER.check(models_directory / name)
    reports, metric = {}, metric_for(np.bincount(split.targets).tolist())
    for name, model in models.items():
        model.fit(inputs, split.targets)
        predictions = Predictions.likeliest(model.predict_proba(test_inputs))
        reports[name] = quality(predictions, test_split.targets, split.labels, metric)
        print(f"{name} accuracy={reports[name]['gate']['accuracy']:.4f}", flush=True)
        if models_directory is not None:
            from model_code.baselines.export import export_baseline

            export_baseline(name, model, split, models_directory / name)
    return reports


def comparable_splits(kind: str, train: Path, test: Path) -> tuple[Split, Split]:
    """Both channels, of one feature and the same classes; see `measure` for what is raised."""
    import_tensorflow()
    from model_code.data.records import read_split

    splits = read_split(train, kind), read_split(test, kind)
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
        from model_code.networks.preprocessing import decode_all_images

        return decode_all_images(split.encoded, IMAGE_SIZE)
    if split.feature == "sequence":
        return split.sequences
    return [sample.decode("utf-8", "replace") for sample in split.encoded]


def run() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kind", choices=KINDS, required=True, help="the network whose channels these are")
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
    (words.output / EVALUATION_FILE).write_text(json.dumps(reports, indent=1), encoding="utf-8")


if __name__ == "__main__":
    run()
