"""Classifiers of tables in TensorFlow's graph: of rows of numbers, and of rows with words or with values missing.

A row of numbers is a sequence of one step. Any other row is a text: a line of CSV (RFC 4180) in the order of the
table's columns, whose missing values are empty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from bakeoff.examples import Examples
from model_code.baselines.export import Graph, feature_classifier, linear, probabilities, trees
from model_code.data.values import MISSING

# What `model_code.data.values.is_missing` takes for nothing, in the words of RE2.
NOTHING = rf"(?i)\s*({'|'.join(word.replace('?', '[?]') for word in MISSING)})\s*"


def table_of_numbers(model: Pipeline) -> Graph:
    """From rows, float32 [N, 1, columns], to the probabilities of a classifier of numbers of which none is missing."""
    of_numbers = model.steps[0][1].named_transformers_["numbers"]
    # Boosted trees take the numbers as they are. Where none was missing, the imputer before a scaler does nothing.
    scaler = of_numbers.steps[-1][1] if isinstance(of_numbers, Pipeline) else None
    classify = feature_classifier(model)

    def probabilities_of(rows: tf.Tensor) -> tf.Tensor:
        # A row is one step: what has more is refused, and not cut.
        values = tf.cast(tf.ensure_shape(rows, [None, 1, None])[:, 0], tf.float64)
        if scaler is not None:
            values = (values - scaler.mean_) / scaler.scale_
        return classify(values)

    return probabilities_of, []


def table_of_lines(model: Pipeline, train: Examples) -> Graph:
    """From rows, lines of CSV as string [N], to the probabilities of a classifier of numbers and words.

    A line with another number of values, or with what is no number in a column of numbers, is refused.
    """
    columns, classifier = model.steps[0][1], model.steps[-1][1]
    numeric = list(train.numeric)
    numbers_of = number_features(columns.named_transformers_["numbers"]) if any(numeric) else None
    words_of, tables = (None, [])
    if not all(numeric):
        words_of, tables = word_features(columns.named_transformers_["words"])
    is_of_trees = isinstance(classifier, HistGradientBoostingClassifier)
    logits_of = trees(classifier) if is_of_trees else linear(classifier)

    def probabilities_of(lines: tf.Tensor) -> tf.Tensor:
        without_end = tf.strings.regex_replace(lines, r"[\r\n]+$", "")
        fields = tf.io.decode_csv(without_end, [[""]] * len(numeric))
        given = [tf.where(tf.strings.regex_full_match(field, NOTHING), "", field) for field in fields]
        parts = []
        if numbers_of:
            parts.append(
                numbers_of([field for field, is_number in zip(given, numeric, strict=True) if is_number])
            )
        if words_of:
            parts.append(
                words_of([field for field, is_number in zip(given, numeric, strict=True) if not is_number])
            )
        # The trees of scikit-learn put categories before numbers.
        return probabilities(logits_of(tf.concat(parts[::-1] if is_of_trees else parts, axis=1)))

    return probabilities_of, tables


def number_features(transformer: Any) -> Callable[[Sequence[tf.Tensor]], tf.Tensor]:
    """From fields of numbers, string [N] each, to what the classifier takes of them, float64 [N, features]."""
    steps = [step for _, step in transformer.steps] if isinstance(transformer, Pipeline) else []
    imputer = next((step for step in steps if isinstance(step, SimpleImputer)), None)
    # Of which columns it says beside their values whether one was missing.
    indicated = [] if imputer is None or imputer.indicator_ is None else imputer.indicator_.features_.tolist()

    def features(fields: Sequence[tf.Tensor]) -> tf.Tensor:
        filled = [tf.where(field == "", "nan", tf.strings.strip(field)) for field in fields]
        values = tf.stack([tf.strings.to_number(field, tf.float64) for field in filled], axis=1)
        if imputer is None:
            return values
        is_missing = tf.math.is_nan(values)
        known = tf.where(is_missing, tf.constant(imputer.statistics_, tf.float64), values)
        told = tf.gather(tf.cast(is_missing, tf.float64), tf.constant(indicated, tf.int32), axis=1)
        scaler = steps[-1]
        return (tf.concat([known, told], axis=1) - scaler.mean_) / scaler.scale_

    return features


def word_features(transformer: Pipeline) -> tuple[Callable[[Sequence[tf.Tensor]], tf.Tensor], list[object]]:
    """From fields of words, string [N] each, to what the classifier takes of them, float64 [N, features]; and tables.

    What the encoder makes of a word is read off it, one known word of one column at a time, beside words that it does
    not know: its columns do not touch each other. NaN stands for what it does not know.
    """
    known = [list(words) for words in transformer.steps[-1][1].categories_]
    # Longer than any known word of its column, so it is none of them.
    strange = [max([*words, ""], key=len) + "." for words in known]
    encoded = []
    for column, words in enumerate(known):
        rows = np.array([strange] * (len(words) + 1), object)
        rows[: len(words), column] = words
        found = transformer.transform(rows)
        dense = found.toarray() if hasattr(found, "toarray") else found
        encoded.append(np.nan_to_num(np.asarray(dense, np.float64), nan=-1.0))
    nothing = encoded[0][-1]
    changes = [tf.constant(rows - nothing) for rows in encoded]
    tables = [
        tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(tf.constant(words), tf.range(len(words), dtype=tf.int64)),
            default_value=len(words),
        )
        for words in known
    ]

    def features(fields: Sequence[tf.Tensor]) -> tf.Tensor:
        given = [tf.where(field == "", "missing", field) for field in fields]
        looked_up = [
            tf.gather(change, table.lookup(field))
            for change, table, field in zip(changes, tables, given, strict=True)
        ]
        found = tf.add_n(looked_up) + nothing
        return tf.where(found < 0, tf.constant(np.nan, tf.float64), found)

    return features, tables
