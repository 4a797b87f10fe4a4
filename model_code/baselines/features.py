"""The features of images and sequences that the baselines learn from, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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
