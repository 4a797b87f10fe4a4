"""The baselines as SavedModels: features and classifiers in TensorFlow's graph, served exactly as the networks are.

Nothing is pickled: an artefact holds the fitted numbers among TensorFlow's own operations. The features are those of
`model_code.baselines.train`, once more for the graph; a test holds the two to the same probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import sklearn
import tensorflow as tf
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from definitions.networks import kind_of_feature
from model_code.baselines.features import BANDS, CELL_PIXELS, COLOUR_BINS, IMAGE_SIZE, ORIENTATIONS
from model_code.data.records import Split
from model_code.export.saved_model import ServingModule, source_digest, write_artefact
from model_code.networks.preprocessing import decode_images
from model_code.networks.words import split_words

# What Python's str.split takes for white space, in the words of RE2.
WHITE_SPACE = r"[\s\v\x1c-\x1f\x{85}\pZ]+"
# So many a column of scikit-learn's boosted trees may have.
CATEGORIES_MOST = 256


Graph = tuple[Callable[[tf.Tensor], tf.Tensor], list[object]]
"""From samples to float32 probabilities [N, C]; and the tables that this needs."""


def graph_of(model: Pipeline, feature: str) -> Graph:
    """The graph of a fitted model of `model_code.baselines.train`."""
    if feature == "text":
        return text_classifier(model)
    features_of = {"image": image_features, "sequence": sequence_features}[feature]
    classify = feature_classifier(model)
    return lambda samples: classify(features_of(samples)), []


def export_baseline(name: str, model: Pipeline, train: Split, directory: Path) -> None:
    """Writes a fitted model of `model_code.baselines.train`; see `export_graph`."""
    export_graph(name, graph_of(model, train.feature), train, directory)


def export_graph(name: str, graph: Graph, train: Split, directory: Path, columns: Sequence[str] = ()) -> None:
    """Writes a fitted baseline as an artefact like a network's, but without LiteRT files.

    Args:
        name: of the baseline, for the card.
        graph: see `graph_of`.
        train: what it was fitted to; every class occurs in it.
        directory: where `1/`, `code/inference.py`, `labels.json` and `model_card.json` go.
        columns: of a table, in the order of a row's numbers, for the card.
    """
    spec = tf.TensorSpec([None], tf.string, name=train.feature)
    if train.feature == "sequence":
        spec = tf.TensorSpec([None, None, train.sequences[0].shape[1]], tf.float32, name=train.feature)
    card = {
        "kind": kind_of_feature(train.feature),
        "family": name,
        "feature": train.feature,
        "tensorflow": tf.__version__,
        "scikit-learn": sklearn.__version__,
        "source_sha256": source_digest(),
        # What a request has to have, where no evaluation says it.
        **({"channels": train.sequences[0].shape[1]} if train.feature == "sequence" else {}),
        **({"columns": list(columns)} if columns else {}),
    }
    module = ServingModule(graph[0], spec, train.labels, graph[1])
    # Of a table's row all values are missing.
    row = {"warm_up_text": b",".join([b'""'] * len(columns))} if columns else {}
    write_artefact(directory, module, train.labels, card, **row)


def feature_classifier(model: Pipeline, inverse_temperature: float = 1.0) -> Callable[[tf.Tensor], tf.Tensor]:
    """From float32 features [N, F] to float32 probabilities [N, C]: the pipeline's steps behind its features.

    The logits are multiplied by `inverse_temperature`.
    """
    *between, classifier = [step for _, step in model.steps[1:]]
    scalers = [step for step in between if isinstance(step, StandardScaler)]
    is_of_trees = isinstance(classifier, HistGradientBoostingClassifier)
    logits_of = trees(classifier) if is_of_trees else linear(classifier)

    def classify(features: tf.Tensor) -> tf.Tensor:
        values = tf.cast(features, tf.float64)
        for scaler in scalers:
            values = (values - scaler.mean_) / scaler.scale_
        return probabilities(logits_of(values) * inverse_temperature)

    return classify


def probabilities(logits: tf.Tensor) -> tf.Tensor:
    """Float32 probabilities [N, C] of logits [N, C], or of the second of two classes [N, 1]."""
    if logits.shape[1] == 1:
        second = tf.sigmoid(logits)
        return tf.cast(tf.concat([1 - second, second], axis=1), tf.float32)
    return tf.cast(tf.nn.softmax(logits), tf.float32)


def linear(model: LogisticRegression | RidgeClassifierCV) -> Callable[[tf.Tensor], tf.Tensor]:
    """The logits of a linear classifier."""
    weights = np.atleast_2d(np.asarray(model.coef_)).T
    return lambda features: features @ weights + model.intercept_


def trees(model: HistGradientBoostingClassifier) -> Callable[[tf.Tensor], tf.Tensor]:
    """The logits of boosted trees: every tree walked at once, one level at a time.

    scikit-learn has no public access to the trees; these are its attributes in the locked version.
    """
    predictors = [tree for iteration in model._predictors for tree in iteration]
    nodes, bits = [tree.nodes for tree in predictors], [tree.raw_left_cat_bitsets for tree in predictors]
    width = max(len(node) for node in nodes)
    depth = max(int(node["depth"].max()) for node in nodes)
    column, left, right, categories = (np.zeros((len(nodes), width), np.int32) for _ in range(4))
    threshold, value = np.zeros((len(nodes), width)), np.zeros((len(nodes), width))
    missing_left = np.zeros((len(nodes), width), bool)
    # Which categories go to the left, a row for each split of categories; the first is that of the others.
    sets = [np.zeros(CATEGORIES_MOST, bool)]
    for tree, node in enumerate(nodes):
        own = np.arange(len(node)) + tree * width
        leaf = node["is_leaf"].astype(bool)
        column[tree, : len(node)] = np.where(leaf, 0, node["feature_idx"])
        # A leaf leads to itself, so that all trees can be walked for as long as the deepest one.
        left[tree, : len(node)] = np.where(leaf, own, node["left"].astype(np.int64) + tree * width)
        right[tree, : len(node)] = np.where(leaf, own, node["right"].astype(np.int64) + tree * width)
        threshold[tree, : len(node)] = node["num_threshold"]
        value[tree, : len(node)] = node["value"]
        missing_left[tree, : len(node)] = node["missing_go_to_left"].astype(bool)
        for place in np.flatnonzero(node["is_categorical"]):
            categories[tree, place] = len(sets)
            sets.append(categories_in(bits[tree][node["bitset_idx"][place]]))
    roots = tf.constant(np.arange(len(nodes), dtype=np.int32) * width)
    column, left, right, threshold, value, categories, missing_left = (
        tf.constant(array.ravel())
        for array in (column, left, right, threshold, value, categories, missing_left)
    )
    goes_left = tf.constant(np.stack(sets))
    classes = model._baseline_prediction.shape[1]

    def logits_of(features: tf.Tensor) -> tf.Tensor:
        position = tf.tile(roots[None], [tf.shape(features)[0], 1])
        for _ in range(depth):
            values = tf.gather(features, tf.gather(column, position), batch_dims=1)
            is_left, is_missing = values <= tf.gather(threshold, position), tf.math.is_nan(values)
            if len(sets) > 1:
                row = tf.gather(categories, position)
                within = tf.clip_by_value(values, 0.0, CATEGORIES_MOST - 1.0)
                known = tf.where(is_missing, tf.zeros_like(values), within)
                category = tf.cast(known, tf.int32)
                is_left = tf.where(
                    row > 0, tf.gather_nd(goes_left, tf.stack([row, category], axis=-1)), is_left
                )
            is_left = tf.where(is_missing, tf.gather(missing_left, position), is_left)
            position = tf.where(is_left, tf.gather(left, position), tf.gather(right, position))
        votes = tf.reshape(tf.gather(value, position), [-1, len(nodes) // classes, classes])
        return tf.reduce_sum(votes, axis=1) + model._baseline_prediction

    return logits_of


def categories_in(bits: np.ndarray) -> np.ndarray:
    """Which of CATEGORIES_MOST categories a set of scikit-learn's holds, bool; it is of eight numbers of 32 bits."""
    return np.unpackbits(bits.astype("<u4").view(np.uint8), bitorder="little").astype(bool)


def image_features(encoded: tf.Tensor) -> tf.Tensor:
    """`baselines.image_features` of PNG or JPEG files, string [N]."""
    images = decode_images(encoded, IMAGE_SIZE)
    return tf.concat([oriented_gradients(images), colour_histogram(images)], axis=1)


def oriented_gradients(images: tf.Tensor) -> tf.Tensor:
    """`baselines.oriented_gradients`."""
    grey = tf.reduce_mean(tf.cast(images, tf.float32), axis=3) / 255.0
    down, right = slopes(grey, 1), slopes(grey, 2)
    direction = tf.math.floormod(tf.atan2(down, right), np.pi) / np.pi * ORIENTATIONS
    share = (direction - tf.floor(direction))[..., None]
    lower = tf.cast(direction, tf.int32) % ORIENTATIONS
    bins = tf.one_hot(lower, ORIENTATIONS) * (1 - share)
    bins += tf.one_hot((lower + 1) % ORIENTATIONS, ORIENTATIONS) * share
    strength = tf.sqrt(down**2 + right**2)[..., None]
    cells_a_side = IMAGE_SIZE // CELL_PIXELS
    shape = [-1, cells_a_side, CELL_PIXELS, cells_a_side, CELL_PIXELS, ORIENTATIONS]
    cells = tf.reduce_sum(tf.reshape(strength * bins, shape), axis=[2, 4])
    last = cells_a_side - 1
    blocks = tf.concat([cells[:, r : last + r, c : last + c] for r in (0, 1) for c in (0, 1)], axis=-1)
    blocks /= tf.norm(blocks, axis=-1, keepdims=True) + 1e-3
    return tf.reshape(blocks, [-1, last * last * 4 * ORIENTATIONS])


def slopes(values: tf.Tensor, axis: int) -> tf.Tensor:
    """`numpy.gradient` along one axis of [N, H, W]."""
    places = np.arange(values.shape[axis])
    before, after = np.maximum(places - 1, 0), np.minimum(places + 1, len(places) - 1)
    gaps = (after - before).astype(np.float32).reshape([-1 if i == axis else 1 for i in range(3)])
    return (tf.gather(values, after, axis=axis) - tf.gather(values, before, axis=axis)) / gaps


def colour_histogram(images: tf.Tensor) -> tf.Tensor:
    """`baselines.colour_histogram`."""
    levels = tf.cast(images, tf.int32) * COLOUR_BINS // 256
    colours = (levels[..., 0] * COLOUR_BINS + levels[..., 1]) * COLOUR_BINS + levels[..., 2]
    bins = COLOUR_BINS**3
    flat = tf.reshape(colours, [-1, IMAGE_SIZE**2])
    counts = tf.math.bincount(flat, minlength=bins, maxlength=bins, axis=-1)
    return tf.cast(counts, tf.float32) / IMAGE_SIZE**2


def sequence_features(sequences: tf.Tensor) -> tf.Tensor:
    """`baselines.sequence_features` of float32 [N, steps, channels], padded behind with NaN."""
    lengths = tf.reduce_sum(tf.cast(~tf.reduce_any(tf.math.is_nan(sequences), axis=2), tf.int32), axis=1)
    channels = sequences.shape[2]
    count = channels * (13 + len(BANDS)) + channels * (channels - 1) // 2
    return tf.map_fn(
        lambda pair: features_of_sequence(pair[0][: pair[1]]),
        (sequences, lengths),
        fn_output_signature=tf.TensorSpec([count], tf.float32),
    )


def features_of_sequence(sequence: tf.Tensor) -> tf.Tensor:
    """`baselines.features_of_sequence`."""
    values = tf.cast(sequence, tf.float64)
    steps = tf.cast(tf.shape(values)[0], tf.float64)
    mean, deviation = tf.reduce_mean(values, axis=0), tf.math.reduce_std(values, axis=0)
    standard = (values - mean) / tf.maximum(deviation, 1e-9)
    changes = tf.reduce_sum(tf.abs(values[1:] - values[:-1]), axis=0) / steps
    is_crossing = tf.sign(standard[1:]) != tf.sign(standard[:-1])
    crossings = tf.reduce_sum(tf.cast(is_crossing, tf.float64), axis=0) / steps
    statistics = [mean, deviation, tf.reduce_min(values, axis=0), tf.reduce_max(values, axis=0)]
    statistics += [*quartiles(values), tf.reduce_mean(standard**3, axis=0)]
    statistics += [tf.reduce_mean(standard**4, axis=0), changes, crossings, *spectrum_features(standard)]
    pairs = np.stack(np.triu_indices(sequence.shape[1], 1), axis=1)
    correlations = tf.gather_nd(tf.matmul(standard, standard, transpose_a=True) / steps, pairs)
    return tf.cast(tf.concat([*statistics, correlations], axis=0), tf.float32)


def quartiles(values: tf.Tensor) -> list[tf.Tensor]:
    """The quartiles over the steps, linear between values."""
    ordered = tf.sort(values, axis=0)
    last = tf.shape(values)[0] - 1
    quantiles = []
    for share in (0.25, 0.5, 0.75):
        place = share * tf.cast(last, tf.float64)
        lower = tf.cast(place, tf.int32)
        part = place - tf.floor(place)
        quantiles.append(ordered[lower] * (1 - part) + ordered[tf.minimum(lower + 1, last)] * part)
    return quantiles


def spectrum_features(standard: tf.Tensor) -> list[tf.Tensor]:
    """`baselines.spectrum_features`."""
    power = tf.abs(tf.signal.rfft(tf.transpose(standard))) ** 2
    count = tf.shape(power)[1]
    frequency = tf.linspace(tf.constant(0.0, tf.float64), tf.constant(1.0, tf.float64), count)
    share = power / tf.maximum(tf.reduce_sum(power, axis=1, keepdims=True), 1e-12)
    entropy = -tf.reduce_sum(share * tf.math.log(share + 1e-12), axis=1)
    entropy /= tf.math.log(tf.cast(count, tf.float64) + 1)
    bands = [
        tf.reduce_sum(share * tf.cast((frequency > low) & (frequency <= high), tf.float64), axis=1)
        for low, high in BANDS
    ]
    return [tf.gather(frequency, tf.argmax(power, axis=1)), entropy, *bands]


def text_classifier(model: Pipeline) -> Graph:
    """From UTF-8 texts, string [N], to probabilities; and the tables of words and characters that it needs."""
    union, classifier = (step for _, step in model.steps)
    parts, first = [], 0
    for _, vectorizer in union.transformer_list:
        count = len(vectorizer.vocabulary_)
        parts.append(
            (Grams(vectorizer), tf.constant(classifier.coef_[:, first : first + count].T, tf.float64))
        )
        first += count

    def logits_of(texts: tf.Tensor, grams: Grams, weights: tf.Tensor) -> tf.Tensor:
        row, term, values = grams.terms_of(texts)
        weighted = values[:, None] * tf.gather(weights, term)
        return tf.math.unsorted_segment_sum(weighted, row, tf.shape(texts, tf.int64)[0])

    def probabilities_of(texts: tf.Tensor) -> tf.Tensor:
        lower = tf.strings.lower(texts, encoding="utf-8")
        return probabilities(tf.add_n([logits_of(lower, *part) for part in parts]) + classifier.intercept_)

    return probabilities_of, [grams.table for grams, _ in parts]


class Grams:
    """A TfidfVectorizer with sublinear counts and rows of length 1."""

    def __init__(self, vectorizer: TfidfVectorizer) -> None:
        """Takes the terms over of one that is fitted to words or to `char_wb`."""
        self.split = split_words if vectorizer.analyzer == "word" else padded_characters_of
        self.separator = " " if vectorizer.analyzer == "word" else ""
        self.widths = list(range(vectorizer.ngram_range[0], vectorizer.ngram_range[1] + 1))
        terms = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__)
        numbers = tf.range(len(terms), dtype=tf.int64)
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(tf.constant(terms), numbers), default_value=-1
        )
        self.count = len(terms)
        self.rarities = tf.constant(vectorizer.idf_, tf.float64)

    def terms_of(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The terms of lower-cased texts [N]: the text's row and the term's number, int64, and its value, float64."""
        rows = tf.shape(texts, tf.int64)[0]
        grams = tf.strings.ngrams(self.split(texts), self.widths, separator=self.separator)
        grams = grams.merge_dims(1, -1) if grams.ragged_rank > 1 else grams
        numbers = self.table.lookup(grams.flat_values)
        places = tf.boolean_mask(grams.value_rowids() * self.count + numbers, numbers >= 0)
        positions, _, counts = tf.unique_with_counts(places)
        row, term = positions // self.count, positions % self.count
        values = (1 + tf.math.log(tf.cast(counts, tf.float64))) * tf.gather(self.rarities, term)
        lengths = tf.sqrt(tf.math.unsorted_segment_sum(values**2, row, rows))
        return row, term, values / tf.gather(lengths, row)


def padded_characters_of(texts: tf.Tensor) -> tf.RaggedTensor:
    """The characters of each word with a space before and behind it, string [N, (words), (characters)]."""
    words = tf.strings.split(tf.strings.regex_replace(texts, WHITE_SPACE, " "))
    padded = words.with_flat_values(tf.strings.join([" ", words.flat_values, " "]))
    return tf.strings.unicode_split(padded, "UTF-8")
