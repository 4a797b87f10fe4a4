"""Words that are made unknown while training: as many as asked for, others in every step, and padding never."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from model_code.data.batches import Arrays
from model_code.hyperparameters import RnnHyperparameters
from model_code.networks.networks import build_rnn
from model_code.networks.preprocessing import FIRST_WORD, PADDING, UNKNOWN, word_dropout
from model_code.training import trainer

WORDS = np.tile(np.array([FIRST_WORD, FIRST_WORD + 1, FIRST_WORD + 2, PADDING], np.int32), (100, 25))


def dropped(seed: int, share: float = 0.2) -> np.ndarray:
    """What is left of WORDS."""
    return word_dropout(tf.constant(WORDS), tf.constant([0, seed]), share).numpy()


def test_the_share_of_the_words_becomes_unknown_and_the_others_stay():
    words = WORDS != PADDING
    unknown = dropped(1) == UNKNOWN
    assert unknown[words].mean() == pytest.approx(0.2, abs=0.02)
    np.testing.assert_array_equal(dropped(1)[~unknown], WORDS[~unknown])


def test_padding_stays_padding():
    np.testing.assert_array_equal(dropped(1, share=0.9) == PADDING, WORDS == PADDING)


def test_it_depends_on_the_seed_alone():
    np.testing.assert_array_equal(dropped(1), dropped(1))
    assert not np.array_equal(dropped(1), dropped(2))


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_only_a_run_that_asks_for_it_trains_with_unknown_words(share, monkeypatch):
    asked = []
    monkeypatch.setattr(
        trainer,
        "word_dropout",
        lambda inputs, seed, share: asked.append(share) or word_dropout(inputs, seed, share),
    )
    settings = RnnHyperparameters(
        units=2, embedding_size=2, sequence_length=100, batch_size=8, word_dropout=share
    )
    build = lambda: build_rnn(settings, 2, vocabulary_numbers=5)  # noqa: E731
    rnn_trainer = trainer.Trainer(build, settings, Arrays(WORDS, np.arange(100, dtype=np.int32) % 2), 2)
    rnn_trainer.advance(rnn_trainer.batches_of_epoch(0)[:1], 0)
    assert asked == [share] * bool(share)
