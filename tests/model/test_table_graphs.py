"""A classifier of a table with words, dates or values missing is released as one that reads a row as a line of CSV."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf

from bakeoff.artefact import served_as, write_artefact
from bakeoff.candidates import BOOSTING, LOGISTIC
from bakeoff.estimators import boosted_model, linear_model
from bakeoff.examples import Examples
from bakeoff.table_graphs import table_of_lines
from bakeoff.tasks import Trial
from model_code.data.tables import csv_line
from model_code.export.warm_up import FILE

GENERATOR = np.random.default_rng(8)
PLANS = ["monthly", "one, year", 'two "years"', "zwölf\nMonate", None]


def lines_of(table: Examples) -> list[bytes]:
    """The rows as requests hold them."""
    return [csv_line(row) for row in table.contents]


def customers(count: int, classes: int = 2) -> Examples:
    """A table of numbers and words, of both of which some are missing, and whose words need quotes."""
    targets = np.arange(count) % classes
    contents = np.empty((count, 4), object)
    contents[:, 0] = [PLANS[(target + GENERATOR.integers(3)) % 5] for target in targets]
    contents[:, 1] = GENERATOR.normal(targets * 1e3, 400)
    contents[::7, 1] = np.nan
    # More words than the encoders keep apart.
    contents[:, 2] = [f"town {GENERATOR.integers(150)}" for _ in targets]
    contents[:, 3] = GENERATOR.normal(0, 1e-9, count)
    names = tuple(f"class {number}" for number in range(classes))
    columns = ("plan", "paid", "town", "drift")
    return Examples(
        "tabular", contents, targets.astype(np.int32), names, None, (False, True, False, True), columns
    )


@pytest.mark.parametrize("untrained", [linear_model, boosted_model])
@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_scikit_learn_also_of_words_it_does_not_know(untrained, classes):
    train, asked = customers(400, classes), customers(150, classes)
    asked.contents[:5, 0] = "never heard of"
    model = untrained(train, 0).fit(train.contents, train.targets)
    probabilities_of, _ = table_of_lines(model, train)

    served = probabilities_of(tf.constant(lines_of(asked))).numpy()

    np.testing.assert_allclose(served, model.predict_proba(asked.contents), atol=1e-5)


@pytest.mark.parametrize("numeric", [True, False])
@pytest.mark.parametrize("untrained", [linear_model, boosted_model])
def test_a_table_of_one_kind_of_columns_is_read_too(untrained, numeric):
    train = customers(200)
    chosen = [i for i, is_numeric in enumerate(train.numeric) if is_numeric == numeric]
    table = Examples(
        "tabular", train.contents[:, chosen], train.targets, train.labels, None, (numeric,) * 2, ("a", "b")
    )
    model = untrained(table, 0).fit(table.contents, table.targets)

    served = table_of_lines(model, table)[0](tf.constant(lines_of(table))).numpy()

    np.testing.assert_allclose(served, model.predict_proba(table.contents), atol=1e-5)


def test_a_line_may_be_written_as_people_write_them_and_what_is_no_row_is_refused():
    train = customers(200)
    model = linear_model(train, 0).fit(train.contents, train.targets)
    probabilities_of, _ = table_of_lines(model, train)

    quoted, plain = probabilities_of(
        tf.constant([b'"monthly","12.5","","1e-9"', b"monthly, 12.5 ,n/a,1e-9\r\n"])
    ).numpy()

    np.testing.assert_allclose(quoted, plain)
    for wrong in (b"monthly,12.5,", b"monthly,twelve,Ulm,0", b"", b"a review"):
        with pytest.raises(tf.errors.InvalidArgumentError):
            probabilities_of(tf.constant([wrong]))


@pytest.mark.parametrize("candidate", [LOGISTIC, BOOSTING], ids=lambda one: one.id)
def test_what_is_released_is_the_candidate_that_was_measured(tmp_path, candidate):
    train, validation, test = (customers(count) for count in (160, 40, 80))
    (tmp_path / "work").mkdir()
    trial = Trial(train, validation, test, 60.0, 0, tmp_path / "work")
    measured = candidate.run(trial, lambda *_: None)

    artefact = write_artefact(candidate, trial, lambda *_: None)

    report = json.loads((artefact.evaluation / "evaluation.json").read_text())
    assert report["gate"]["accuracy"] == pytest.approx((measured.predictions == test.targets).mean())
    card = json.loads((artefact.model / "model_card.json").read_text())
    assert (card["kind"], card["feature"]) == ("rnn", "text")
    assert card["columns"] == ["plan", "paid", "town", "drift"]
    served = tf.saved_model.load(str(artefact.model / "1")).signatures["serving_default"]
    answers = served(text=tf.constant(lines_of(test)))["label"].numpy().astype(str)
    warm_up = (artefact.model / "1" / FILE).read_bytes()
    assert b'"","","",""' in warm_up, "a row of which every value is missing is a row"
    served(text=tf.constant([b'"","","",""']))
    assert answers.tolist() == [test.labels[answer] for answer in measured.predictions]


def test_only_numbers_of_32_bits_of_which_none_is_missing_are_a_sequence():
    targets, names = np.array([0, 1], np.int32), ("a", "b")
    for value, numeric, feature in (
        (1.0, True, "sequence"),
        (np.nan, True, "text"),
        (1e39, True, "text"),
        ("x", False, "text"),
    ):
        contents = np.array([[1.0, value], [2.0, value]], object)
        assert (
            served_as(Examples("tabular", contents, targets, names, None, (True, numeric), ("a", "b")))
            == feature
        )
