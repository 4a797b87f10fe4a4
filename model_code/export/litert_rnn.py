"""The RNN's forward pass in the form that LiteRT runs fast: few operations a step, and any number of samples.

Keras's own graph has two loops, one for each direction, which copy all hidden states so far at every step. Here one
loop takes both directions at once and a block of steps in each turn, and ends with the longest sample; what the inputs
contribute to the gates is computed before it, for words even before export; and of the hidden states only their maximum
and sum are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from model_code.networks.networks import ChannelNormalization

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
    """A function from the inputs [N, L, …] of a network that `networks.build_rnn` made to probabilities [N, C].

    Args:
        network: the RNN.
        eight_bit: whether tables of words are rounded to 8 bits.
    """
    recurrence = recurrence_of(only(network, keras.layers.Bidirectional))
    classifier = only(network, keras.layers.Dense)
    kernel, bias = np.asarray(classifier.kernel), np.asarray(classifier.bias)
    scalings = [layer for layer in network.layers if isinstance(layer, keras.layers.Rescaling)]
    of_words = network.inputs[0].dtype == "int32"
    read = word_reader(network, recurrence, eight_bit) if of_words else channel_reader(network, recurrence)

    def probabilities(inputs: tf.Tensor) -> tf.Tensor:
        features = maximum_and_mean(recurrence, read(inputs))
        logits = tf.matmul(features, kernel) + bias
        for scaling in scalings:
            logits = scaling(logits)
        return tf.nn.softmax(logits)

    return probabilities


@dataclass(frozen=True)
class Steps:
    """What the loop takes, L steps of N samples; the backward direction's begin with each sample's last step.

    Attributes:
        gate_inputs: contributions to z and r, [L, 2, N, 2 U].
        candidate_inputs: contributions to the candidate, [L, 2, N, U].
        start: the hidden states before the first step, [2, N, U].
        present: 1 or 0, [L, N].
        lengths: of the samples, up to their last step that is present, int32 [N].
    """

    gate_inputs: tf.Tensor
    candidate_inputs: tf.Tensor
    start: tf.Tensor
    present: tf.Tensor
    lengths: tf.Tensor


def lengths_of(present: tf.Tensor) -> tf.Tensor:
    """How many steps each sample has up to its last one, int32 [N], from present float [L, N]."""
    numbers = np.arange(1, present.shape[0] + 1, dtype=np.float32)[:, None]
    return tf.cast(tf.reduce_max(present * numbers, 0), tf.int32)


def backward(steps: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """Steps [L, N, …] with each sample's in the opposite order; the padding stays behind them."""
    return tf.reverse_sequence(steps, lengths, seq_axis=0, batch_axis=1)


def only(network: keras.Model, kind: type) -> Any:
    """The network's one layer of a kind.

    Raises:
        ValueError: when it has several, or none.
    """
    (layer,) = [layer for layer in network.layers if isinstance(layer, kind)]
    return layer


def word_reader(
    network: keras.Model, recurrence: Recurrence, eight_bit: bool
) -> Callable[[tf.Tensor], Steps]:
    """From word numbers [N, L], 0 for padding."""
    table = np.asarray(only(network, keras.layers.Embedding).embeddings)
    units, words, length = recurrence.units, len(table), network.inputs[0].shape[1]
    behind = states_of_padding(side(table[0], recurrence, 1), recurrence, length)
    is_folded = 6 * units <= LARGEST_GROWTH * table.shape[1]
    if is_folded:
        table = np.concatenate([side(table, recurrence, direction) for direction in (0, 1)])

    def read(inputs: tf.Tensor) -> Steps:
        numbers = tf.transpose(inputs)
        present = tf.cast(tf.not_equal(numbers, 0), tf.float32)
        lengths = lengths_of(present)
        both = [numbers, backward(numbers, lengths)]
        if is_folded:
            # The backward direction's rows lie behind the forward one's.
            places = tf.stack([both[0], both[1] + words], 1)
            gates, candidates = (
                rows_of(part, places, eight_bit) for part in (table[:, : 2 * units], table[:, 2 * units :])
            )
        else:
            gates, candidates = contributions(
                [rows_of(table, direction, eight_bit) for direction in both], recurrence
            )
        last = tf.gather(behind, length - lengths)
        return Steps(gates, candidates, tf.stack([last * 0, last]), present, lengths)

    return read


def states_of_padding(inputs: np.ndarray, recurrence: Recurrence, length: int) -> np.ndarray:
    """The backward direction's hidden state after 0 to `length` steps of a text's padding, float32 [length + 1, U].

    Keras reads a text's padding like words, the backward direction before all others; its inputs [3 U] are always the
    same.
    """
    split = 2 * recurrence.units
    gates, candidates = (
        tf.constant(np.stack([part, part])[:, None]) for part in (inputs[:split], inputs[split:])
    )
    states = [np.zeros((2, 1, recurrence.units), np.float32)]
    for _ in range(length):
        states.append(recurrence.step(tf.constant(states[-1]), gates, candidates).numpy())
    return np.stack([state[1, 0] for state in states])


def rows_of(table: np.ndarray, places: tf.Tensor, eight_bit: bool) -> tf.Tensor:
    """Rows of a float table [K, D] as [..., D]; with `eight_bit` each is stored as bytes and a scale of its own."""
    if not eight_bit:
        return tf.gather(table, places)
    # A row of zeros has any scale.
    scales = np.maximum(np.abs(table).max(axis=1), np.finfo(np.float32).tiny) / 127
    rounded = np.round(table / scales[:, None]).astype(np.int8)
    rows = tf.cast(tf.gather(rounded, places), tf.float32)
    return rows * tf.gather(scales.astype(np.float32), places)[..., None]


def channel_reader(network: keras.Model, recurrence: Recurrence) -> Callable[[tf.Tensor], Steps]:
    """From steps [N, L, C], NaN for padding. The state passes a step that is not present unchanged."""
    normalization = only(network, ChannelNormalization)
    mean = np.array(normalization.mean, np.float32)
    deviation = np.sqrt(np.array(normalization.variance, np.float32))

    def read(inputs: tf.Tensor) -> Steps:
        steps = tf.transpose(inputs, [1, 0, 2])
        known = tf.equal(steps, steps)
        present = tf.reduce_min(tf.cast(known, tf.float32), axis=-1)
        lengths = lengths_of(present)
        normal = (tf.where(known, steps, mean) - mean) / deviation
        gates, candidates = contributions([normal, backward(normal, lengths)], recurrence)
        absent = 1 - tf.stack([present, backward(present, lengths)], 1)
        is_update = (np.arange(2 * recurrence.units) < recurrence.units).astype(np.float32)
        return Steps(
            gates + STAYS * is_update * absent[..., None],
            candidates,
            candidates[0] * 0,
            present,
            lengths,
        )

    return read


def side(inputs: Any, recurrence: Recurrence, direction: int) -> Any:
    """What inputs [..., C] contribute to one direction's gates, [..., 3 U]."""
    return inputs @ recurrence.kernels[direction] + recurrence.input_biases[direction]


def contributions(both: list[tf.Tensor], recurrence: Recurrence) -> tuple[tf.Tensor, tf.Tensor]:
    """What both directions' inputs [L, N, C] contribute: to z and r [L, 2, N, 2 U], to the candidate [L, 2, N, U]."""
    sides = tf.stack([side(inputs, recurrence, direction) for direction, inputs in enumerate(both)], 1)
    return sides[..., : 2 * recurrence.units], sides[..., 2 * recurrence.units :]


def maximum_and_mean(recurrence: Recurrence, steps: Steps) -> tf.Tensor:
    """The features [N, 4 U] of `model_code.networks.networks.MaximumAndMean`."""
    length, units, present = steps.present.shape[0], recurrence.units, steps.present
    block = max(size for size in range(1, MOST_STEPS_A_TURN + 1) if length % size == 0)
    turns = length // block
    gate_blocks = tf.reshape(steps.gate_inputs, [turns, block, 2, -1, 2 * units])
    candidate_blocks = tf.reshape(steps.candidate_inputs, [turns, block, 2, -1, units])
    # In the order in which a turn's hidden states are joined: direction, step, sample.
    counted = tf.stack([present, backward(present, steps.lengths)], 0)
    counted = tf.reshape(counted, [2, turns, block, -1])
    counted = tf.reshape(tf.transpose(counted, [1, 0, 2, 3]), [turns, 2, -1, 1])
    longest = tf.reduce_max(steps.lengths)

    def turn(number, hidden, maximum, total):
        inputs = tf.unstack(tf.gather(gate_blocks, number), block)
        candidates = tf.unstack(tf.gather(candidate_blocks, number), block)
        hiddens = []
        for step_inputs, step_candidates in zip(inputs, candidates, strict=True):
            hidden = recurrence.step(hidden, step_inputs, step_candidates)
            hiddens.append(hidden)
        counts = tf.gather(counted, number)
        states = tf.concat(hiddens, 1) * counts
        return number + 1, hidden, tf.maximum(maximum, states + (counts - 1)), total + states

    # Zeros of a shape that follows the inputs' when a caller asks for more samples than one.
    none_yet = tf.concat([steps.start * 0] * block, 1)
    _, _, maximum, total = tf.while_loop(
        lambda number, *_: number * block < longest, turn, [0, steps.start, none_yet - 1, none_yet]
    )
    maximum = tf.reduce_max(tf.reshape(maximum, [2, block, -1, units]), 1)
    total = tf.reduce_sum(tf.reshape(total, [2, block, -1, units]), 1)
    count = tf.maximum(tf.reduce_sum(present, 0), 1)[:, None]
    return tf.concat([maximum[0], maximum[1], total[0] / count, total[1] / count], -1)
