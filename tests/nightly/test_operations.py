"""The operations that the speed benchmarks count are those of the networks' products."""

from __future__ import annotations

from benchmarks.operations import operations_of
from model_code.hyperparameters import CnnHyperparameters, RnnHyperparameters
from model_code.networks.networks import build_cnn, build_rnn


def test_of_a_cnn_each_place_of_each_convolution_counts_and_the_classifier():
    network = build_cnn(CnnHyperparameters(width=4, depth=1, image_size=16), 10)
    stem, blocks = 15**2 * 2 * 2 * 3 * 4, 15**2 * 9 * 4 * 4 + 7**2 * 9 * 4 * 16 + 3**2 * 9 * 16 * 16
    assert operations_of(network) == 2 * (stem + blocks + 16 * 10)


def test_of_an_rnn_three_gates_of_both_directions_count_at_each_step():
    network = build_rnn(
        RnnHyperparameters(units=4, embedding_size=3, sequence_length=7), 2, vocabulary_numbers=5
    )
    assert operations_of(network) == 2 * (2 * 7 * 3 * (3 * 4 + 4 * 4) + 2 * 2 * 4 * 2)
