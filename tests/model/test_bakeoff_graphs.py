"""The bake-off's classifiers in TensorFlow's graph answer as scikit-learn's pipelines do."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf

from bakeoff import estimators, features
from bakeoff.artefact import minirocket_model, write_artefact
from bakeoff.candidates import BOOSTING, LOGISTIC, MINIROCKET
from bakeoff.estimators import boosted_model, linear_model
from bakeoff.examples import Examples
from bakeoff.graphs import brought_to, graph_of_candidate, minirocket, series_features
from bakeoff.minirocket import MiniRocket
from bakeoff.tasks import Trial

GENERATOR = np.random.default_rng(3)


def waves(count: int, steps: int, channels: int, classes: int = 2) -> Examples:
    """Noisy waves whose frequency says their class."""
    targets = np.arange(count) % classes
    time = np.arange(steps)[None, :, None] * (1 + targets)[:, None, None] * 2 * np.pi / max(steps, 12)
    series = np.sin(time + GENERATOR.uniform(0, 6, (count, 1, channels))) + GENERATOR.normal(
        0, 0.4, (count, steps, channels)
    )
    names = tuple(f"class {number}" for number in range(classes))
    return Examples("time_series", series.astype(np.float32), targets.astype(np.int32), names)


def reviews(count: int) -> Examples:
    """Texts of which some words tell the class."""
    words = ["fine", "GREAT", "dull", "poor", "film", "the", "plot", "naïve", "映画", "2nd"]
    targets = np.arange(count) % 2
    texts = [
        " ".join([*GENERATOR.choice(words, 6), "great" if target and i % 5 else "dull", "!" * (i % 3)])
        for i, target in enumerate(targets)
    ]
    return Examples("text", texts, targets.astype(np.int32), ("bad", "good"))


def asked(examples: Examples) -> tf.Tensor:
    """The samples as a request holds them."""
    if examples.modality == "text":
        return tf.constant([text.encode() for text in examples.contents])
    return tf.constant(examples.contents)


@pytest.mark.parametrize(
    ("examples", "untrained"),
    [
        (reviews(160), boosted_model),
        (waves(120, 40, 3), linear_model),
        (waves(120, 40, 3, classes=3), boosted_model),
    ],
    ids=["boosted texts", "regression of series", "boosted series"],
)
def test_probabilities_are_those_of_scikit_learn(examples, untrained):
    model = untrained(examples, 0)
    if untrained is boosted_model:
        model.set_params(histgradientboostingclassifier__max_iter=15)
    model.fit(examples.contents, examples.targets)
    feature = "text" if examples.modality == "text" else "sequence"
    probabilities_of, _ = graph_of_candidate(model, examples, examples, feature)

    served = probabilities_of(asked(examples)).numpy()

    np.testing.assert_allclose(served, model.predict_proba(examples.contents), atol=1e-4)


@pytest.mark.parametrize("classes", [2, 3])
def test_minirocket_decides_as_scikit_learn_and_says_how_sure_it_is(classes):
    examples = waves(90, 30, 2, classes)
    model = minirocket_model(examples, 0).set_params(minirocket__features_most=840)
    model.fit(examples.contents, examples.targets)
    checked = waves(60, 30, 2, classes)
    probabilities_of, _ = graph_of_candidate(model, examples, checked, "sequence")

    served = probabilities_of(asked(checked)).numpy()

    np.testing.assert_array_equal(served.argmax(axis=1), model.predict(checked.contents))
    np.testing.assert_allclose(served.sum(axis=1), 1.0, rtol=1e-5)
    right = served.argmax(axis=1) == checked.targets
    assert abs(served.max(axis=1).mean() - right.mean()) < 0.15, (
        "one temperature makes the scores probabilities"
    )


def test_what_is_released_is_the_candidate_that_was_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(estimators, "FEATURES_MOST", 840)
    train, validation, test = (waves(count, 30, 2) for count in (60, 20, 40))
    (tmp_path / "work").mkdir()
    trial = Trial(train, validation, test, 60.0, 0, tmp_path / "work")
    measured = estimators.minirocket(trial, lambda *_: None)

    artefact = write_artefact(MINIROCKET, trial, lambda *_: None)

    report = json.loads((artefact.evaluation / "evaluation.json").read_text())
    assert report["gate"]["accuracy"] == pytest.approx((measured.predictions == test.targets).mean())
    card = json.loads((artefact.model / "model_card.json").read_text())
    assert (card["family"], card["channels"]) == ("minirocket", 2)


def rows(count: int, classes: int) -> Examples:
    """A table of numbers of several sizes, whose first two columns tell the class."""
    targets = np.arange(count) % classes
    values = GENERATOR.normal(0, 1, (count, 3)) * (1, 1e6, 1e-6)
    values[:, 0] += 2 * targets
    names = tuple(f"class {number}" for number in range(classes))
    contents, columns = values.astype(object), ("age", "income", "share")
    return Examples("tabular", contents, targets.astype(np.int32), names, None, (True,) * 3, columns)


@pytest.mark.parametrize("candidate", [LOGISTIC, BOOSTING], ids=lambda one: one.id)
@pytest.mark.parametrize("classes", [2, 3])
def test_a_table_of_numbers_is_released_as_sequences_of_one_step(tmp_path, candidate, classes):
    train, validation, test = (rows(count, classes) for count in (120, 30, 60))
    (tmp_path / "work").mkdir()
    trial = Trial(train, validation, test, 60.0, 0, tmp_path / "work")
    measured = candidate.run(trial, lambda *_: None)

    artefact = write_artefact(candidate, trial, lambda *_: None)

    report = json.loads((artefact.evaluation / "evaluation.json").read_text())
    assert report["gate"]["accuracy"] == pytest.approx((measured.predictions == test.targets).mean())
    assert {"baseline.json", "known_input.json"} <= {file.name for file in artefact.evaluation.iterdir()}
    card = json.loads((artefact.model / "model_card.json").read_text())
    assert (card["feature"], card["channels"], card["columns"]) == ("sequence", 3, ["age", "income", "share"])
    served = tf.saved_model.load(str(artefact.model / "1")).signatures["serving_default"]
    asked_for = test.contents.astype(np.float32)[:, None]
    answers = served(sequence=tf.constant(asked_for))["label"].numpy()
    found = np.array([test.labels[answer] for answer in measured.predictions])
    assert np.mean(answers.astype(str) == found) > 0.98
    with pytest.raises(tf.errors.InvalidArgumentError):
        served(sequence=tf.constant(np.repeat(asked_for, 2, axis=1)))


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (9, 1), (17, 3), (200, 12)])
def test_the_graph_describes_series_of_any_size_as_numpy_does(shape):
    series = GENERATOR.normal(5, 3, (6, *shape)).astype(np.float32)
    series[1] = 2.5

    np.testing.assert_allclose(
        series_features(tf.constant(series)), features.series_features(series), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("shape", [(9, 1), (40, 3), (300, 12)])
def test_the_graphs_kernels_answer_as_numpys(shape):
    series = GENERATOR.normal(0, 1, (20, *shape)).astype(np.float32)
    rocket = MiniRocket(features_most=1_000).fit(series)

    np.testing.assert_allclose(minirocket(rocket, tf.constant(series)), rocket.transform(series), atol=1e-6)


def test_series_of_another_length_are_cut_or_lengthened_by_their_last_step():
    told = np.full((2, 5, 1), np.nan, np.float32)
    told[0, :, 0], told[1, :2, 0] = [1, 2, 3, 4, 5], [7, 8]

    brought = brought_to(tf.constant(told), 4)

    assert brought[..., 0].numpy().tolist() == [[1, 2, 3, 4], [7, 8, 8, 8]]
