"""The RNN's forward pass in the form that LiteRT runs fast: few operations a step, and any number of samples.

Keras's own graph has two loops, one for each direction, which copy all hidden states so far at every step. Here one
loop takes both directions at once and a block of steps in each turn; what the inputs contribute to the gates is
computed before it, for words even before export; and of the hidden states only their maximum and sum are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from model_code.networks import ChannelNormalization

# More steps a turn save little of the loop's own time, and LiteRT packs the weights anew for each of them.
MOST_STEPS_A_TURN = 8
# A word's contribution to the gates replaces its embedding unless it is larger than this many times the embedding.
LARGEST_GROWTH = 4
# An update gate's input at which the gate is 1: the hidden state stays.
STAYS = 1e4


@dataclass(frozen=True)
class Recurrence:
    """The weights of a bidirectional GRU, forward and backward; the gates are update z, reset r and candidate.

    Attributes:
        kernels: of the inputs, two of [C, 3 U].
        input_biases: two of [3 U]; what is added to z and r on the hidden state's side is in it.
        gate_kernels: of the hidden state, to z and r, [2, U, 2 U].
        candidate_kernels: of the hidden state, to the candidate, [2, U, U].
        candidate_biases: on the hidden state's side, [2, 1, U].
    """

    kernels: list[np.ndarray]
    input_biases: list[np.ndarray]
    gate_kernels: np.ndarray
    candidate_kernels: np.ndarray
    candidate_biases: np.ndarray

    @property
    def units(self) -> int:
        """U."""
        return self.candidate_kernels.shape[-1]

    def step(self, hidden: tf.Tensor, gate_inputs: tf.Tensor, candidate_inputs: tf.Tensor) -> tf.Tensor:
        """The next hidden state [2, N, U] from the one before, and from inputs [2, N, 2 U] and [2, N, U]."""
        gates = tf.sigmoid(gate_inputs + tf.matmul(hidden, self.gate_kernels))
        update, reset = tf.split(gates, 2, -1)
        recalled = tf.matmul(hidden, self.candidate_kernels) + self.candidate_biases
        candidate = tf.tanh(candidate_inputs + reset * recalled)
        return candidate + update * (hidden - candidate)


def recurrence_of(layer: keras.layers.Bidirectional) -> Recurrence:
    """The weights of a bidirectional layer of GRUs."""
    cells = [layer.forward_layer.cell, layer.backward_layer.cell]
    units = cells[0].units
    kernels, recurrent, biases = (
        [np.asarray(getattr(cell, name)) for cell in cells] for name in ("kernel", "recurrent_kernel", "bias")
    )
    apart = np.stack(recurrent)
    both = [bias[0] + np.where(np.arange(3 * units) < 2 * units, bias[1], 0) for bias in biases]
    return Recurrence(
        kernels=kernels,
        input_biases=[bias.astype(np.float32) for bias in both],
        gate_kernels=apart[..., : 2 * units],
        candidate_kernels=apart[..., 2 * units :],
        candidate_biases=np.stack([bias[1:, 2 * units :] for bias in biases]),
    )


def probabilities_of(network: keras.Model, *, eight_bit: bool = False) -> Callable[[tf.Tensor], tf.Tensor]:
    """A function from the inputs [N, L, …] of a network of `model_code.networks.build_rnn` to probabilities [N, C].

    Args:
        network: the RNN.
        eight_bit: whether tables of words are rounded to 8 bits.
    """
    recurrence = recurrence_of(only(network, keras.layers.Bidirectional))
    classifier = only(network, keras.layers.Dense)
    kernel, bias = np.asarray(classifier.kernel), np.asarray(classifier.bias)
    of_words = network.inputs[0].dtype == "int32"
    read = word_reader(network, recurrence, eight_bit) if of_words else channel_reader(network, recurrence)

    def probabilities(inputs: tf.Tensor) -> tf.Tensor:
        gate_inputs, candidate_inputs, present = read(inputs)
        features = maximum_and_mean(recurrence, gate_inputs, candidate_inputs, present)
        return tf.nn.softmax(tf.matmul(features, kernel) + bias)

    return probabilities


def only(network: keras.Model, kind: type) -> Any:
    """The network's one layer of a kind.

    Raises:
        ValueError: when it has several, or none.
    """
    (layer,) = [layer for layer in network.layers if isinstance(layer, kind)]
    return layer


def word_reader(
    network: keras.Model, recurrence: Recurrence, eight_bit: bool
) -> Callable[[tf.Tensor], tuple[tf.Tensor, ...]]:
    """From word numbers [N, L] to the contributions [L, 2, N, 2 U] and [L, 2, N, U], and present float [L, N]."""
    table = np.asarray(only(network, keras.layers.Embedding).embeddings)
    units, words = recurrence.units, len(table)
    is_folded = 6 * units <= LARGEST_GROWTH * table.shape[1]
    if is_folded:
        table = np.concatenate([side(table, recurrence, direction) for direction in (0, 1)])

    def read(inputs: tf.Tensor) -> tuple[tf.Tensor, ...]:
        numbers = tf.transpose(inputs)
        present = tf.cast(tf.not_equal(numbers, 0), tf.float32)
        if not is_folded:
            return *contributions(rows_of(table, numbers, eight_bit), recurrence), present
        # The backward direction's rows lie behind the forward one's.
        places = tf.stack([numbers, tf.reverse(numbers, [0]) + words], 1)
        gates, candidates = (
            rows_of(part, places, eight_bit) for part in (table[:, : 2 * units], table[:, 2 * units :])
        )
        return gates, candidates, present

    return read


def rows_of(table: np.ndarray, places: tf.Tensor, eight_bit: bool) -> tf.Tensor:
    """Rows of a float table [K, D] as [..., D]; with `eight_bit` each is stored as bytes and a scale of its own."""
    if not eight_bit:
        return tf.gather(table, places)
    # A row of zeros has any scale.
    scales = np.maximum(np.abs(table).max(axis=1), np.finfo(np.float32).tiny) / 127
    rounded = np.round(table / scales[:, None]).astype(np.int8)
    rows = tf.cast(tf.gather(rounded, places), tf.float32)
    return rows * tf.gather(scales.astype(np.float32), places)[..., None]


def channel_reader(
    network: keras.Model, recurrence: Recurrence
) -> Callable[[tf.Tensor], tuple[tf.Tensor, ...]]:
    """From steps [N, L, C], NaN for padding; returns what `word_reader` does. The state passes padding unchanged."""
    normalization = only(network, ChannelNormalization)
    mean = np.array(normalization.mean, np.float32)
    deviation = np.sqrt(np.array(normalization.variance, np.float32))

    def read(inputs: tf.Tensor) -> tuple[tf.Tensor, ...]:
        steps = tf.transpose(inputs, [1, 0, 2])
        known = tf.equal(steps, steps)
        present = tf.reduce_min(tf.cast(known, tf.float32), axis=-1)
        filled = tf.where(known, steps, mean)
        gates, candidates = contributions((filled - mean) / deviation, recurrence)
        absent = 1 - tf.stack([present, tf.reverse(present, [0])], 1)
        is_update = (np.arange(2 * recurrence.units) < recurrence.units).astype(np.float32)
        return gates + STAYS * is_update * absent[..., None], candidates, present

    return read


def side(inputs: Any, recurrence: Recurrence, direction: int) -> Any:
    """What inputs [..., C] contribute to one direction's gates, [..., 3 U]."""
    return inputs @ recurrence.kernels[direction] + recurrence.input_biases[direction]


def contributions(inputs: tf.Tensor, recurrence: Recurrence) -> tuple[tf.Tensor, tf.Tensor]:
    """What inputs [L, N, C] contribute to z and r, [L, 2, N, 2 U], and to the candidate, [L, 2, N, U]."""
    both = tf.stack([side(inputs, recurrence, 0), tf.reverse(side(inputs, recurrence, 1), [0])], 1)
    return both[..., : 2 * recurrence.units], both[..., 2 * recurrence.units :]


def maximum_and_mean(
    recurrence: Recurrence, gate_inputs: tf.Tensor, candidate_inputs: tf.Tensor, present: tf.Tensor
) -> tf.Tensor:
    """The features [N, 4 U] of `model_code.networks.MaximumAndMean`.

    Args:
        recurrence: the weights.
        gate_inputs: contributions [L, 2, N, 2 U]; the backward direction's begin with the last step.
        candidate_inputs: contributions [L, 2, N, U].
        present: 1 or 0, [L, N].
    """
    length, units = gate_inputs.shape[0], recurrence.units
    block = max(size for size in range(1, MOST_STEPS_A_TURN + 1) if length % size == 0)
    turns = length // block
    gate_blocks = tf.reshape(gate_inputs, [turns, block, 2, -1, 2 * units])
    candidate_blocks = tf.reshape(candidate_inputs, [turns, block, 2, -1, units])
    # In the order in which a turn's hidden states are joined: direction, step, sample.
    counted = tf.stack([present, tf.reverse(present, [0])], 0)
    counted = tf.reshape(counted, [2, turns, block, -1])
    counted = tf.reshape(tf.transpose(counted, [1, 0, 2, 3]), [turns, 2, -1, 1])

    def turn(number, hidden, maximum, total):
        inputs = tf.unstack(tf.gather(gate_blocks, number), block)
        candidates = tf.unstack(tf.gather(candidate_blocks, number), block)
        found = []
        for step_inputs, step_candidates in zip(inputs, candidates, strict=True):
            hidden = recurrence.step(hidden, step_inputs, step_candidates)
            found.append(hidden)
        counts = tf.gather(counted, number)
        states = tf.concat(found, 1) * counts
        return number + 1, hidden, tf.maximum(maximum, states + (counts - 1)), total + states

    # Zeros of a shape that follows the inputs' when a caller asks for more samples than one.
    nothing = candidate_inputs[0] * 0
    none_yet = tf.concat([nothing] * block, 1)
    _, _, maximum, total = tf.while_loop(
        lambda number, *_: number < turns, turn, [0, nothing, none_yet - 1, none_yet]
    )
    maximum = tf.reduce_max(tf.reshape(maximum, [2, block, -1, units]), 1)
    total = tf.reduce_sum(tf.reshape(total, [2, block, -1, units]), 1)
    count = tf.maximum(tf.reduce_sum(present, 0), 1)[:, None]
    return tf.concat([maximum[0], maximum[1], total[0] / count, total[1] / count], -1)
