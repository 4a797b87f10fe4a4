"""MiniRocket: series by how often 84 fixed kernels, widened by dilations, answer above thresholds, in NumPy.

Dempster, Schmidt and Webb 2021, "MiniRocket: a very fast (almost) deterministic transform for time series
classification", KDD, arXiv 2012.08791; series of several channels as its authors' program takes them, each kernel over
a random choice of channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

KERNEL_STEPS = 9
KERNELS = tuple(combinations(range(KERNEL_STEPS), 3))
"""Of each kernel the three places whose weight is 2; the other six weigh -1."""
FEATURES_MOST = 9_996
DILATIONS_MOST = 32
CHANNELS_MOST = 9
GOLDEN_RATIO = (5**0.5 + 1) / 2
# Answers are counted in bytes, so many steps at a time.
BYTE_MOST = 255
BLOCK_VALUES = 2_000_000


@dataclass(frozen=True)
class Convolution:
    """One kernel with one dilation, and its features' thresholds.

    Attributes:
        places: one of KERNELS.
        channels: that it reads, int [channels].
        is_padded: whether it looks beyond both ends, at zeros.
        biases: the thresholds, float32 [features].
    """

    places: tuple[int, ...]
    dilation: int
    channels: np.ndarray
    is_padded: bool
    biases: np.ndarray

    def answers(self, series: np.ndarray) -> np.ndarray:
        """What the kernel answers at each step, from float32 [steps, N, channels] to [steps, N]."""
        read = series[..., self.channels].sum(axis=-1)
        reach = self.dilation * (KERNEL_STEPS // 2)
        padded = np.pad(read, ((reach, reach), (0, 0)))
        taps = [padded[place * self.dilation :][: len(read)] for place in range(KERNEL_STEPS)]
        answered = 3 * reduce(np.add, [taps[place] for place in self.places]) - reduce(np.add, taps)
        return answered if self.is_padded else answered[reach : len(read) - reach]

    def shares(self, series: np.ndarray) -> np.ndarray:
        """The share of steps at which the answer is above each threshold, float32 [N, features]."""
        answered = self.answers(series)
        counts = np.zeros((len(self.biases), answered.shape[1]), np.int64)
        for counted, bias in zip(counts, self.biases, strict=True):
            above = (answered > bias).view(np.uint8)
            for start in range(0, len(above), BYTE_MOST):
                counted += above[start : start + BYTE_MOST].sum(axis=0, dtype=np.uint8)
        return (counts / len(answered)).T.astype(np.float32)


class MiniRocket(TransformerMixin, BaseEstimator):
    """Float series [N, steps, channels], or N of [steps, channels], to shares [N, features] for a linear classifier.

    Shorter series are lengthened by their last step and longer ones cut, to the training series' longest.
    """

    def __init__(self, features_most: int = FEATURES_MOST, random_state: int = 0) -> None:
        """Neither is read before `fit`."""
        self.features_most = features_most
        self.random_state = random_state

    def fit(self, series: np.ndarray | Sequence[np.ndarray], targets: object = None) -> MiniRocket:
        """Chooses dilations by the series' length, and thresholds from what the kernels answer to single series."""
        generator = np.random.default_rng(self.random_state)
        self.steps_ = max(KERNEL_STEPS, max(map(len, series)))
        self.convolutions_ = list(self.chosen(series, generator))
        return self

    def chosen(
        self, series: np.ndarray | Sequence[np.ndarray], generator: np.random.Generator
    ) -> Iterator[Convolution]:
        """Every kernel with every dilation."""
        channel_count, position = np.shape(series[0])[1], 0
        for number, (dilation, count) in enumerate(dilations(self.steps_, self.features_most)):
            for kernel, places in enumerate(KERNELS):
                most = np.log2(min(channel_count, CHANNELS_MOST) + 1)
                channels = generator.choice(
                    channel_count, max(1, int(2 ** generator.uniform(0, most))), replace=False
                )
                one = Convolution(places, dilation, channels, (number + kernel) % 2 == 0, np.zeros(0))
                example = self.arranged([series[int(generator.integers(len(series)))]])
                shares = np.arange(position + 1, position + 1 + count) * GOLDEN_RATIO % 1
                biases = np.quantile(one.answers(example), shares).astype(np.float32)
                position += count
                yield Convolution(places, dilation, channels, one.is_padded, biases)

    def transform(self, series: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
        """The features, some series at a time, so that the answers in between take little memory."""
        block = max(1, BLOCK_VALUES // self.steps_)
        return np.concatenate(
            [self.shares_of(series[start : start + block]) for start in range(0, len(series), block)]
        )

    def shares_of(self, series: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
        """The features of a few series."""
        arranged = self.arranged(series)
        return np.concatenate([one.shares(arranged) for one in self.convolutions_], axis=1)

    def arranged(self, series: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
        """Series as the kernels take them, finite float32 [steps, N, channels]."""
        equal = [
            np.pad(one[: self.steps_], ((0, max(0, self.steps_ - len(one))), (0, 0)), mode="edge")
            for one in series
        ]
        return np.nan_to_num(np.stack(equal, axis=1).astype(np.float32))


def dilations(steps: int, features_most: int) -> list[tuple[int, int]]:
    """Each dilation with the features that a kernel has of it; the widest kernel is as long as the series."""
    wanted = features_most // len(KERNELS)
    kinds = min(wanted, DILATIONS_MOST)
    exponent = np.log2((steps - 1) / (KERNEL_STEPS - 1))
    found, counts = np.unique(np.logspace(0, exponent, kinds, base=2).astype(int), return_counts=True)
    counts = (counts * (wanted / kinds)).astype(int)
    # What rounding left over goes to the first ones.
    counts[: wanted - counts.sum()] += 1
    return list(zip(found.tolist(), counts.tolist(), strict=True))
