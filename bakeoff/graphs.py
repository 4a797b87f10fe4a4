"""The bake-off's own classifiers in TensorFlow's graph: boosted texts, and series by their features or by MiniRocket.

What `bakeoff.features` and `bakeoff.minirocket` say once more; a test holds the two to the same answers. Series of
another length than those that were learnt are cut, or lengthened by their last step, as MiniRocket has them.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
import tensorflow as tf
from sklearn.pipeline import Pipeline

from bakeoff.examples import Examples
from bakeoff.features import BANDS, LAGS, SEGMENTS
from bakeoff.minirocket import KERNEL_STEPS, KERNELS, Convolution, MiniRocket
from bakeoff.table_graphs import table_of_lines, table_of_numbers
from model_code.baselines.export import Grams, Graph, feature_classifier, graph_of, probabilities, trees
from model_code.training.calibration import inverse_temperature


def graph_of_candidate(model: Pipeline, train: Examples, validation: Examples, feature: str) -> Graph:
    """The graph of a candidate's fitted pipeline.

    Args:
        model: of `bakeoff.estimators`.
        train: what it was fitted to.
        validation: fits the temperature of a classifier that has no probabilities of its own.
        feature: what the artefact's samples are called.
    """
    if train.modality == "tabular":
        return table_of_lines(model, train) if feature == "text" else table_of_numbers(model)
    if feature == "text" and len(model.steps) > 2:
        return boosted_texts(model)
    features = model.steps[0][1]
    if isinstance(features, MiniRocket):
        classify = feature_classifier(model, temperature_of(model, validation))
        return lambda series: classify(minirocket(features, series)), []
    if feature == "sequence" and isinstance(train.contents, np.ndarray):
        steps, classify = train.contents.shape[1], feature_classifier(model)
        return lambda series: classify(series_features(brought_to(series, steps))), []
    return graph_of(model, feature)


def temperature_of(model: Pipeline, validation: Examples) -> float:
    """The inverse temperature with which a ridge classifier's decisions are the best logits of the validation part."""
    decisions = model.decision_function(validation.contents)
    logits = np.stack([np.zeros_like(decisions), decisions], axis=1) if decisions.ndim == 1 else decisions
    return inverse_temperature(logits, validation.targets, np.zeros(logits.shape[1]))


def boosted_texts(model: Pipeline) -> Graph:
    """From UTF-8 texts, string [N], to the probabilities of boosted trees over some of their words."""
    (_, vectorizer), (_, selection), _, (_, classifier) = model.steps
    chosen, grams = selection.get_support(indices=True), Grams(vectorizer)
    columns = np.full(grams.count, -1, np.int64)
    columns[chosen] = np.arange(len(chosen))
    logits_of = trees(classifier)

    def probabilities_of(texts: tf.Tensor) -> tf.Tensor:
        row, term, values = grams.terms_of(tf.strings.lower(texts, encoding="utf-8"))
        column = tf.gather(tf.constant(columns), term)
        kept = column >= 0
        places = tf.stack([tf.boolean_mask(row, kept), tf.boolean_mask(column, kept)], axis=1)
        shape = tf.stack([tf.shape(texts, tf.int64)[0], len(chosen)])
        return probabilities(logits_of(tf.scatter_nd(places, tf.boolean_mask(values, kept), shape)))

    return probabilities_of, [grams.table]


def brought_to(series: tf.Tensor, steps: int) -> tf.Tensor:
    """Series, float32 [N, any, channels] padded behind with NaN, as float32 [N, steps, channels]."""
    is_step = ~tf.reduce_any(tf.math.is_nan(series), axis=2)
    last = tf.maximum(tf.reduce_sum(tf.cast(is_step, tf.int32), axis=1) - 1, 0)
    taken = tf.gather(series, tf.minimum(tf.range(steps)[None], last[:, None]), batch_dims=1)
    return tf.ensure_shape(taken, [None, steps, series.shape[2]])


def series_features(series: tf.Tensor) -> tf.Tensor:
    """`bakeoff.features.series_features` of float32 [N, steps, channels]."""
    values = tf.cast(series, tf.float64)
    steps = values.shape[1]
    mean, spread = tf.reduce_mean(values, axis=1), tf.math.reduce_std(values, axis=1)
    centred = (values - mean[:, None]) / tf.maximum(spread, 1e-9)[:, None]
    nothing = tf.zeros_like(mean)
    changes = values[:, 1:] - values[:, :-1] if steps > 1 else values * 0
    is_crossing = tf.sign(centred[:, 1:]) != tf.sign(centred[:, :-1])
    ordered = tf.sort(values, axis=1)
    pieces = np.array_split(np.arange(steps), min(SEGMENTS, steps))
    parts = [
        mean,
        spread,
        ordered[:, 0],
        ordered[:, -1],
        *(percentile(ordered, share) for share in (0.10, 0.25, 0.50, 0.75, 0.90)),
        tf.reduce_mean(centred**3, axis=1),
        tf.reduce_mean(centred**4, axis=1),
        tf.reduce_mean(tf.abs(changes), axis=1),
        tf.math.reduce_std(changes, axis=1),
        tf.reduce_mean(tf.cast(is_crossing, tf.float64), axis=1) if steps > 1 else nothing,
        *(
            tf.reduce_mean(centred[:, lag:] * centred[:, :-lag], axis=1) if steps > lag else nothing
            for lag in LAGS
        ),
        *(tf.reduce_mean(values[:, piece[0] : piece[-1] + 1], axis=1) for piece in pieces),
        *spectrum(centred),
        correlations(centred),
    ]
    return tf.cast(tf.concat(parts, axis=1), tf.float32)


def percentile(ordered: tf.Tensor, share: float) -> tf.Tensor:
    """A percentile over ordered steps, linear between values, [N, channels]."""
    place = share * (ordered.shape[1] - 1)
    lower = int(place)
    upper = min(lower + 1, ordered.shape[1] - 1)
    return ordered[:, lower] * (1 - (place - lower)) + ordered[:, upper] * (place - lower)


def spectrum(centred: tf.Tensor) -> list[tf.Tensor]:
    """`bakeoff.features.spectrum`, in parts of [N, channels]."""
    power = tf.abs(tf.signal.rfft(tf.transpose(centred, [0, 2, 1])))[..., 1:] ** 2
    count = centred.shape[1] // 2
    if not count:
        return []
    total = tf.maximum(tf.reduce_sum(power, axis=2), 1e-12)
    edges = np.unique(np.round(np.geomspace(1, count + 1, BANDS + 1)).astype(int) - 1)
    bands = [
        tf.reduce_sum(power[..., low:high], axis=2) / total
        for low, high in zip(edges[:-1], edges[1:], strict=True)
    ]
    return [tf.cast(tf.argmax(power, axis=2), tf.float64) / count, *bands]


def correlations(centred: tf.Tensor) -> tf.Tensor:
    """`bakeoff.features.correlations`."""
    matrix = tf.matmul(centred, centred, transpose_a=True) / centred.shape[1]
    first, second = np.triu_indices(centred.shape[2], 1)
    flat = tf.reshape(matrix, [-1, centred.shape[2] ** 2])
    return tf.gather(flat, first * centred.shape[2] + second, axis=1)


def minirocket(model: MiniRocket, series: tf.Tensor) -> tf.Tensor:
    """`MiniRocket.transform` of float32 [N, any, channels], padded behind with NaN."""
    arranged = brought_to(series, model.steps_)
    groups = [
        model.convolutions_[start : start + len(KERNELS)]
        for start in range(0, len(model.convolutions_), len(KERNELS))
    ]
    return tf.concat([shares_of(group, arranged) for group in groups], axis=1)


def shares_of(group: list[Convolution], series: tf.Tensor) -> tf.Tensor:
    """The features of all kernels with one dilation, of float32 [N, steps, channels]."""
    steps, dilation = series.shape[1], group[0].dilation
    read = channels_of(group, series)
    reach = dilation * (KERNEL_STEPS // 2)
    padded = tf.pad(read, [[0, 0], [reach, reach], [0, 0]])
    taps = [padded[:, place * dilation : place * dilation + steps] for place in range(KERNEL_STEPS)]
    # The sums are in the order of `Convolution.answers`, so that they are the same to the last bit.
    is_place = np.array([[place in one.places for one in group] for place in range(KERNEL_STEPS)])
    answered = 3 * reduce(tf.add, [tap * is_place[place] for place, tap in enumerate(taps)]) - reduce(
        tf.add, taps
    )
    inside = slice(reach, steps - reach)
    is_padded = np.array([one.is_padded for one in group])
    biases = np.stack([one.biases for one in group])

    def shares(bias: np.ndarray) -> tf.Tensor:
        above = tf.cast(answered > bias, tf.float64)
        everywhere = tf.reduce_sum(above, axis=1) / steps
        return tf.where(is_padded, everywhere, tf.reduce_sum(above[:, inside], axis=1) / (steps - 2 * reach))

    found = tf.stack([shares(bias) for bias in biases.T], axis=2)
    return tf.reshape(tf.cast(found, tf.float32), [-1, biases.size])


def channels_of(group: list[Convolution], series: tf.Tensor) -> tf.Tensor:
    """What each kernel reads, the sum of its channels, float32 [N, steps, kernels]."""
    # Kernels of fewer channels than others add a channel of zeros.
    none, most = series.shape[2], max(len(one.channels) for one in group)
    places = np.array([[*one.channels, *[none] * (most - len(one.channels))] for one in group])
    wider = tf.pad(series, [[0, 0], [0, 0], [0, 1]])
    return reduce(tf.add, [tf.gather(wider, places[:, i], axis=2) for i in range(most)])
