"""The square that is hidden in a training image: its size, its place, and only where a run asks for it."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from model_code.data.batches import Arrays
from model_code.hyperparameters import CnnHyperparameters
from model_code.networks.networks import build_cnn
from model_code.networks.preprocessing import GREY, cutout
from model_code.training import trainer


@given(side=st.integers(1, 24), seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=20)
def test_the_hidden_part_of_an_image_is_one_grey_square_cut_only_by_the_edges(side, seed):
    height, width = 9, 12
    images = tf.zeros([16, height, width, 3], tf.uint8)

    hidden = cutout(images, tf.constant([seed, 0]), side).numpy()

    assert set(np.unique(hidden)) <= {0, GREY}
    for image in hidden:
        rows, columns = np.nonzero(image.all(axis=-1))
        assert len(rows) > 0 and (image.any(axis=-1) == image.all(axis=-1)).all()
        for places, size in ((rows, height), (columns, width)):
            length = places.max() - places.min() + 1
            cut = places.min() == 0 or places.max() == size - 1
            assert length == side or (cut and length < side)
        assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)


def test_each_image_hides_a_square_of_its_own():
    hidden = cutout(tf.zeros([16, 32, 32, 3], tf.uint8), tf.constant([0, 5]), 8).numpy()
    assert len({image.tobytes() for image in hidden}) > 8


@pytest.mark.parametrize("side", [0, 6])
def test_only_a_run_that_asks_for_it_trains_with_hidden_squares(side, monkeypatch):
    asked = []
    monkeypatch.setattr(
        trainer,
        "cutout",
        lambda images, seed, side: asked.append(side) or cutout(images, seed, side),
    )
    chosen = CnnHyperparameters(width=4, image_size=16, batch_size=8, cutout_pixels=side)
    data = Arrays(np.zeros((16, 16, 16, 3), np.uint8), np.arange(16, dtype=np.int32) % 2)
    cnn_trainer = trainer.Trainer(lambda: build_cnn(chosen, 2), chosen, data, 2)
    cnn_trainer.advance(cnn_trainer.batches_of_epoch(0)[:1], 0)
    assert asked == [side] * bool(side)
