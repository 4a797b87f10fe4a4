"""The traditional candidates: linear models and gradient boosting on features that suit the modality."""

from __future__ import annotations

import pickle
import time
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from bakeoff.examples import Examples
from bakeoff.features import as_numbers, as_words, decode_images, series_features
from bakeoff.minirocket import FEATURES_MOST, MiniRocket
from bakeoff.tasks import LATENCY_SAMPLES, Answers, Report, Trial, time_single_answers
from definitions.metrics import has_rare_class
from definitions.words import words_of
from model_code.baselines.features import IMAGE_SIZE
from model_code.baselines.train import MANY_TEXTS, image_models, text_models
from model_code.data.image_files import longer_side_of
from model_code.fitted import fitted

FEW_FOR_THREADS = 5_000
# Below this, a word that stands in one text only may still tell something.
WORDS_FOR_BOOSTING = 600
CATEGORIES_MOST = 100
# From so many on the penalty's choice takes a matrix as wide as the features, and a quarter of them is enough.
MANY_SERIES = 4_000
PENALTIES = tuple(np.logspace(-3, 3, 10))
# How much weaker and stronger than a model's own the penalties are that the validation part chooses among.
STRENGTHS = (1.0, 0.1, 10.0)


def logistic_regression(task: Trial, report: Report) -> Answers:
    """Logistic regression on the modality's features, its penalty chosen by the validation part."""
    model = minding_rare_classes(linear_model(task.train, task.seed), task)
    return train_and_answer(model, task, report, strengths=STRENGTHS)


def gradient_boosting(task: Trial, report: Report) -> Answers:
    """Gradient boosting on the modality's features."""
    return train_and_answer(minding_rare_classes(boosted_model(task.train, task.seed), task), task, report)


def minirocket(task: Trial, report: Report) -> Answers:
    """MiniRocket's features of series, and a ridge classifier whose penalty leave-one-out errors choose."""
    features = FEATURES_MOST if len(task.train) < MANY_SERIES else FEATURES_MOST // 4
    model = make_pipeline(
        MiniRocket(features, task.seed), StandardScaler(), RidgeClassifierCV(alphas=PENALTIES)
    )
    return train_and_answer(minding_rare_classes(model, task), task, report)


def minding_rare_classes(model: Pipeline, task: Trial) -> Pipeline:
    """The untrained model, with the classes weighted by their rarity where one of them is rare."""
    counts = np.bincount(task.train.targets, minlength=len(task.train.labels))
    if has_rare_class(counts.tolist()):
        weights = [name for name in model.get_params() if name.endswith("__class_weight")]
        model.set_params(**dict.fromkeys(weights, "balanced"))
    return model


def train_and_answer(
    model: Pipeline, task: Trial, report: Report, strengths: tuple[float, ...] = ()
) -> Answers:
    """Fits, answers the test part, then single examples of it.

    Args:
        model: an untrained pipeline.
        task: what to train on.
        report: is told how it goes.
        strengths: what the last step's C is multiplied by, in turn; the best on the validation part answers.
    """
    # Threads that meet after every few rows of a small set take longer to meet than to work.
    with threadpool_limits(1 if len(task.train) < FEW_FOR_THREADS else None):
        report(0.1, "training")
        side = side_of(task.train)
        started = time.perf_counter()
        fit(model, task, side, strengths)
        seconds = time.perf_counter() - started
        report(0.8, "answering the test part")
        predictions = model.predict(inputs(task.test, side))
        report(0.9, "timing single answers")
        count = min(len(task.test), LATENCY_SAMPLES)
        singles = [task.test.take(np.array([position])) for position in range(count)]
        latencies = time_single_answers(lambda sample: model.predict(inputs(sample, side)), singles)
    return Answers(predictions.astype(np.int64), seconds, latencies, len(pickle.dumps(model)))


def fit(model: Pipeline, task: Trial, side: int, strengths: tuple[float, ...]) -> None:
    """Fits a pipeline to the training part, and chooses its penalty by the validation part where there is a choice."""
    if strengths:
        choose_penalty(model, task, side, strengths)
    else:
        model.fit(inputs(task.train, side), task.train.targets)


def choose_penalty(model: Pipeline, task: Trial, side: int, strengths: tuple[float, ...]) -> None:
    """Fits the features once and the classifier for each penalty; the model keeps the best on the validation part."""
    features, classifier = Pipeline(model.steps[:-1]), model.steps[-1][1]
    learnt = features.fit_transform(inputs(task.train, side), task.train.targets)
    checked = features.transform(inputs(task.validation, side))
    rare = has_rare_class(np.bincount(task.train.targets, minlength=len(task.train.labels)).tolist())
    measure = balanced_accuracy_score if rare else accuracy_score
    trained = []
    for strength in strengths:
        one = clone(classifier).set_params(C=classifier.C * strength).fit(learnt, task.train.targets)
        trained.append((measure(task.validation.targets, one.predict(checked)), one))
    model.steps[-1] = (model.steps[-1][0], max(trained, key=lambda pair: pair[0])[1])


def side_of(train: Examples) -> int:
    """To how many pixels a side images are brought: to the size that the network would have, and no fewer than 32."""
    if train.modality != "image":
        return 0
    size = float(np.median([longer_side_of(file) for file in train.contents[:200]]))
    return max(IMAGE_SIZE, int(fitted("image", len(train), size)["image_size"]))


def inputs(examples: Examples, side: int) -> Any:
    """What the pipelines take: texts, series and rows as they are, images decoded to `side` pixels."""
    return decode_images(list(examples.contents), side) if examples.modality == "image" else examples.contents


def linear_model(train: Examples, seed: int) -> Pipeline:
    """An untrained logistic regression for examples like these."""
    classifier = LogisticRegression(max_iter=500, random_state=seed)
    if train.modality == "image":
        return image_models(seed)["logistic_regression"]
    if train.modality == "text":
        return text_models(seed, len(train))["logistic_regression"]
    if train.modality == "time_series":
        return make_pipeline(FunctionTransformer(series_features), StandardScaler(), classifier)
    return make_pipeline(
        table_columns(
            train,
            make_pipeline(
                FunctionTransformer(as_numbers),
                SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
                StandardScaler(),
            ),
            OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=CATEGORIES_MOST),
        ),
        classifier,
    )


def boosted_model(train: Examples, seed: int) -> Pipeline:
    """Untrained gradient boosting for examples like these."""
    # With the default of 20 examples a leaf, a set of a few dozen cannot be divided once.
    leaf = min(20, max(2, len(train) // 20))
    classifier = HistGradientBoostingClassifier(max_iter=150, min_samples_leaf=leaf, random_state=seed)
    if train.modality == "image":
        return image_models(seed)["gradient_boosting"]
    if train.modality == "text":
        least = 1 if len(train) < MANY_TEXTS else 3
        return make_pipeline(
            TfidfVectorizer(
                tokenizer=words_of,
                token_pattern=None,  # pyright: ignore[reportArgumentType]  # its default says text
                lowercase=False,
                min_df=least,
                sublinear_tf=True,
                max_features=50_000,
                dtype=np.float32,  # pyright: ignore[reportArgumentType]  # its default says float64
            ),
            SelectKBest(chi2, k=WORDS_FOR_BOOSTING),
            FunctionTransformer(as_dense, accept_sparse=True),
            classifier,
        )
    if train.modality == "time_series":
        return make_pipeline(FunctionTransformer(series_features), classifier)
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=CATEGORIES_MOST
    )
    # Behind the numbers come the words, which are categories without an order.
    count = sum(train.numeric)
    classifier.set_params(categorical_features=list(range(count, len(train.numeric))) or None)
    return make_pipeline(table_columns(train, FunctionTransformer(as_numbers), encoder), classifier)


def table_columns(train: Examples, for_numbers: Any, for_words: Any) -> ColumnTransformer:
    """Applies each transformer to its columns; a table may have columns of one kind only."""
    numbers = [i for i, is_numeric in enumerate(train.numeric) if is_numeric]
    words = [i for i, is_numeric in enumerate(train.numeric) if not is_numeric]
    chosen = [("numbers", for_numbers, numbers)] if numbers else []
    if words:
        chosen.append(("words", make_pipeline(FunctionTransformer(as_words), for_words), words))
    return ColumnTransformer(chosen, sparse_threshold=0.0)


def as_dense(matrix: Any) -> np.ndarray:
    """Boosting takes no sparse matrix."""
    return matrix.toarray()
