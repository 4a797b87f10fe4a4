"""Features that a person would derive by hand: of series windows, and the columns of a table."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from model_code.baselines.features import sequence_features
from model_code.data.image_files import eight_bits

SEGMENTS = 16
BANDS = 8
LAGS = (1, 2, 4, 8, 16)


def series_features(series: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
    """Level, spread, shape, change, rhythm and spectrum of each channel, and how the channels go together.

    Args:
        series: float [N, T, D]; or N of [steps, D], whose lengths differ, which have the fewer features that a served
            baseline has.

    Returns:
        float32 [N, features], all finite.
    """
    if not isinstance(series, np.ndarray):
        return sequence_features(series)
    values = np.nan_to_num(np.asarray(series, np.float64))
    mean, spread = values.mean(axis=1), values.std(axis=1)
    # A channel that does not move has no shape.
    centred = (values - mean[:, None]) / np.maximum(spread, 1e-9)[:, None]
    steps = np.diff(values, axis=1) if values.shape[1] > 1 else np.zeros_like(values)
    parts = [
        mean,
        spread,
        values.min(axis=1),
        values.max(axis=1),
        *np.percentile(values, [10, 25, 50, 75, 90], axis=1),
        (centred**3).mean(axis=1),
        (centred**4).mean(axis=1),
        np.abs(steps).mean(axis=1),
        steps.std(axis=1),
        (np.diff(np.sign(centred), axis=1) != 0).mean(axis=1) if values.shape[1] > 1 else np.zeros_like(mean),
        *(autocorrelation(centred, lag) for lag in LAGS),
        *segment_means(values),
        spectrum(centred),
        correlations(centred),
    ]
    return np.nan_to_num(np.concatenate(parts, axis=1)).astype(np.float32)


def autocorrelation(centred: np.ndarray, lag: int) -> np.ndarray:
    """How alike a channel is to itself `lag` steps later, [N, D]; 0 for a series that is not longer."""
    if centred.shape[1] <= lag:
        return np.zeros((len(centred), centred.shape[2]))
    return (centred[:, lag:] * centred[:, :-lag]).mean(axis=1)


def segment_means(values: np.ndarray) -> list[np.ndarray]:
    """The means of SEGMENTS pieces of equal length (piecewise aggregate approximation, Keogh 2001), [N, D] each."""
    pieces = np.array_split(np.arange(values.shape[1]), min(SEGMENTS, values.shape[1]))
    return [values[:, piece].mean(axis=1) for piece in pieces]


def spectrum(centred: np.ndarray) -> np.ndarray:
    """Where the strongest frequency is and the share of the power in BANDS bands, each twice as wide, [N, features]."""
    power = np.abs(np.fft.rfft(centred, axis=1))[:, 1:] ** 2
    count = power.shape[1]
    if not count:
        return np.zeros((len(centred), 0))
    total = np.maximum(power.sum(axis=1), 1e-12)
    edges = np.unique(np.round(np.geomspace(1, count + 1, BANDS + 1)).astype(int) - 1)
    bands = [power[:, low:high].sum(axis=1) / total for low, high in zip(edges[:-1], edges[1:], strict=True)]
    return np.concatenate([power.argmax(axis=1) / count, *bands], axis=1)


def correlations(centred: np.ndarray) -> np.ndarray:
    """The correlation of every pair of channels, [N, D (D - 1) / 2]."""
    channels = centred.shape[2]
    matrix = np.einsum("ntc,ntd->ncd", centred, centred) / centred.shape[1]
    first, second = np.triu_indices(channels, 1)
    return matrix[:, first, second]


def as_numbers(rows: np.ndarray) -> np.ndarray:
    """Numeric columns of a table as float64; NaN where a value is missing."""
    return rows.astype(np.float64)


def as_words(rows: np.ndarray) -> np.ndarray:
    """Other columns as words; a missing value is a word of its own."""
    return np.where(rows == None, "missing", rows).astype(str).astype(object)  # noqa: E711 - element by element


def decode_images(files: list[bytes], side: int) -> np.ndarray:
    """PNG or JPEG files as uint8 [N, side, side, 3]."""
    from PIL import Image

    size = (side, side)
    opened = (eight_bits(Image.open(io.BytesIO(file))) for file in files)
    return np.stack([np.asarray(image.resize(size)) for image in opened])
