"""A candidate of a bake-off as an artefact that a release takes, with its evaluation on the bake-off's test part."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import RidgeClassifierCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from bakeoff import estimators
from bakeoff.candidates import Competitor
from bakeoff.errors import CandidateFailed
from bakeoff.estimators import (
    FEW_FOR_THREADS,
    STRENGTHS,
    boosted_model,
    fit,
    linear_model,
    minding_rare_classes,
)
from bakeoff.examples import Examples
from bakeoff.features import as_numbers
from bakeoff.minirocket import MiniRocket
from bakeoff.network import FEATURE_OF_MODALITY, samples_of
from bakeoff.tasks import Report, Trial
from model_code.baselines.features import IMAGE_SIZE
from model_code.data.splits import NAMES
from model_code.data.tables import csv_line
from model_code.light_import import import_tensorflow

MODEL_FOLDER, EVALUATION_FOLDER = "model", "evaluation"


def minirocket_model(train: Examples, seed: int) -> Pipeline:
    """An untrained pipeline like the one of `bakeoff.estimators.minirocket`."""
    few = len(train) < estimators.MANY_SERIES
    features = estimators.FEATURES_MOST if few else estimators.FEATURES_MOST // 4
    return make_pipeline(
        MiniRocket(features, seed), StandardScaler(), RidgeClassifierCV(alphas=estimators.PENALTIES)
    )


FITTED = {
    "logistic_regression": (linear_model, STRENGTHS),
    "gradient_boosting": (boosted_model, ()),
    "minirocket": (minirocket_model, ()),
}
EXPORTED = {
    ("logistic_regression", "image"),
    ("gradient_boosting", "image"),
    ("logistic_regression", "text"),
    ("gradient_boosting", "text"),
    ("logistic_regression", "time_series"),
    ("gradient_boosting", "time_series"),
    ("minirocket", "time_series"),
    ("logistic_regression", "tabular"),
    ("gradient_boosting", "tabular"),
    ("cnn", "image"),
    ("pretrained_cnn", "image"),
    ("conv1d", "time_series"),
    ("rnn", "text"),
    ("rnn", "time_series"),
}
"""Candidates by their id, with the modality of which they become an artefact."""


@dataclass(frozen=True)
class Artefact:
    """What a candidate left.

    Attributes:
        model: the artefact's folder.
        evaluation: the folder with what the evaluation job would leave.
    """

    model: Path
    evaluation: Path


def why_none(candidate: Competitor, examples: Examples) -> str:
    """Why a candidate for such examples cannot be released, as a sentence; empty where it can."""
    modality = examples.modality
    if (candidate.id, modality) in EXPORTED:
        return ""
    if candidate.family == "managed":
        return f"{candidate.title} is a service that the API asks already, so there is nothing to release."
    return f"{candidate.title[:1].upper()}{candidate.title[1:]} of {modality.replace('_', ' ')} data has no artefact."


def served_as(examples: Examples) -> str:
    """What a request holds of such examples: `image`, `text` or `sequence`.

    A row of a table is a sequence of one step, its columns the channels, where all its values are numbers of 32 bits;
    else it is a line of text (see `bakeoff.table_graphs`).
    """
    if examples.modality != "tabular":
        return FEATURE_OF_MODALITY[examples.modality]
    return "sequence" if all(examples.numeric) and np.isfinite(numbers_of(examples)).all() else "text"


def numbers_of(table: Examples) -> np.ndarray:
    """A table's rows as requests hold them, float32 [N, columns]; what is beyond 32 bits is infinite."""
    with np.errstate(over="ignore"):
        return as_numbers(np.asarray(table.contents)).astype(np.float32)


def as_served(examples: Examples, feature: str) -> Examples:
    """A table of numbers with its numbers in 32 bits, as requests hold them; all else as it is."""
    if examples.modality != "tabular" or feature == "text":
        return examples
    contents = numbers_of(examples).astype(np.float64).astype(object)
    return dataclasses.replace(examples, contents=contents)


def served_samples(examples: Examples, feature: str) -> list[bytes] | list[np.ndarray]:
    """The contents as records hold them; of a table's rows float32 [1, columns], or lines of text."""
    if examples.modality != "tabular":
        return samples_of(examples)
    return (
        [csv_line(row) for row in np.asarray(examples.contents)]
        if feature == "text"
        else list(numbers_of(examples)[:, None, :])
    )


def write_artefact(candidate: Competitor, task: Trial, report: Report) -> Artefact:
    """Writes the artefact, where training has not left it yet, and evaluates it on the test part.

    A network's is the one that was measured. An estimator is fitted once more to the same part with the same seed,
    which makes the same model, but of images that are larger than the IMAGE_SIZE pixels that the artefact reads, and of
    tables whose numbers 32 bits do not hold exactly.

    Args:
        candidate: one of EXPORTED.
        task: with the parts as the candidate was given them; its directory lies in the candidate's.
        report: is told how far it is.

    Raises:
        CandidateFailed: with the reason of the evaluation.
    """
    import_tensorflow()
    from bakeoff.graphs import graph_of_candidate
    from model_code.baselines.export import export_graph
    from model_code.data.records import Split, write_split
    from model_code.evaluation.evaluate import evaluate
    from model_code.failures import JobFailed

    parts = {name: getattr(task, name) for name in NAMES}
    features = {served_as(part) for part in parts.values()}
    feature = features.pop() if len(features) == 1 else "text"
    task = dataclasses.replace(task, **{name: as_served(part, feature) for name, part in parts.items()})
    train, test = task.train, task.test
    folder = task.directory.parent
    artefact = Artefact(folder / MODEL_FOLDER, folder / EVALUATION_FOLDER)
    if candidate.id in FITTED:
        report(0.1, "fitting")
        untrained, strengths = FITTED[candidate.id]
        model = minding_rare_classes(untrained(train, task.seed), task)
        with threadpool_limits(1 if len(train) < FEW_FOR_THREADS else None):
            fit(model, task, IMAGE_SIZE, strengths)
        report(0.5, "writing its artefact")
        split = Split(
            served_samples(train, feature), train.targets.astype(np.int32), list(train.labels), feature
        )
        graph = graph_of_candidate(model, train, task.validation, feature)
        export_graph(candidate.id, graph, split, artefact.model, train.columns)
    report(0.7, "evaluating its artefact")
    channel = folder / "test"
    write_split(channel, feature, served_samples(test, feature), test.targets.tolist(), test.labels)
    try:
        evaluate(artefact.model, channel, artefact.evaluation)
    except JobFailed as failure:
        raise CandidateFailed(str(failure)) from failure
    return artefact
