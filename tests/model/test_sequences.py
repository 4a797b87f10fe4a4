"""Sensor sequences: what is refused, and random changes of training samples that leave their meaning alone."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from model_code.data import records
from model_code.data.records import read_split, write_split
from model_code.failures import JobFailed
from model_code.hyperparameters import RnnHyperparameters
from model_code.networks.preprocessing import augment_sequences, stack_sequences
from model_code.training.tasks import load_task, spread_of

LABELS = ["slow", "fast"]


def windows(count: int = 64, length: int = 20, padding: int = 4) -> np.ndarray:
    """Sequences of six channels with padding behind them."""
    values = np.random.default_rng(0).normal(size=(count, length, 6)).astype(np.float32)
    values[:, length - padding :] = np.nan
    return values


def changed(values: np.ndarray, seed: int = 1, **settings) -> np.ndarray:
    """What augmentation makes of sequences."""
    return augment_sequences(
        tf.constant(values), tf.constant([0, seed]), RnnHyperparameters(**settings)
    ).numpy()


ALL = {
    "rotation_degrees": 20.0,
    "mirrored_channels": "0,4,5",
    "scale_spread": 0.1,
    "warp_spread": 0.1,
    "jitter_spread": 0.1,
}


def test_without_settings_nothing_is_changed():
    np.testing.assert_array_equal(changed(windows()), windows())


@pytest.mark.parametrize("name", ALL)
def test_every_change_depends_on_the_seed_alone(name):
    settings = {name: ALL[name]}

    first = changed(windows(), **settings)

    np.testing.assert_array_equal(changed(windows(), **settings), first)
    assert not np.array_equal(changed(windows(), seed=2, **settings), first, equal_nan=True)


@pytest.mark.parametrize("name", [name for name in ALL if name != "warp_spread"])
def test_padding_stays_padding(name):
    np.testing.assert_array_equal(np.isnan(changed(windows(), **{name: ALL[name]})), np.isnan(windows()))


def test_a_turn_keeps_the_lengths_and_angles_of_vectors():
    before = windows(padding=0).reshape(64, 40, 3)
    after = changed(windows(padding=0), rotation_degrees=30.0).reshape(64, 40, 3)

    np.testing.assert_allclose(
        after @ after.transpose(0, 2, 1), before @ before.transpose(0, 2, 1), atol=1e-4
    )
    turned = np.einsum("nvi,nvi->nv", before, after) / (np.linalg.norm(before, axis=2) ** 2)
    assert (turned < 0.999).any(axis=1).mean() > 0.8


def test_about_half_of_the_sequences_are_mirrored_and_only_in_the_named_channels():
    before, after = windows(padding=0), changed(windows(padding=0), mirrored_channels="0,4,5")

    signs = np.sign(after * before)
    mirrored = signs[:, 0, 0] < 0
    assert 0.3 < mirrored.mean() < 0.7
    expected = np.where(mirrored[:, None, None], [-1, 1, 1, 1, -1, -1], 1)
    np.testing.assert_array_equal(signs, np.broadcast_to(expected, signs.shape))


def test_a_sequence_played_faster_or_slower_keeps_its_middle_and_its_range():
    line = np.broadcast_to(np.linspace(-1, 1, 21, dtype=np.float32)[None, :, None], (50, 21, 6)).copy()

    after = changed(line, warp_spread=0.3)

    np.testing.assert_allclose(after[:, 10], 0, atol=1e-6)
    assert np.abs(after).max() <= 1 + 1e-6
    slopes = (after[:, 11] - after[:, 10])[:, 0] / 0.1
    assert slopes.min() < 0.9
    assert slopes.max() > 1.1
    assert 0.15 < np.log(slopes).std() < 0.45


def test_scale_and_noise_have_the_spread_that_was_asked_for():
    ones = np.ones((400, 5, 6), np.float32)

    scales = np.log(changed(ones, scale_spread=0.2))
    assert np.ptp(scales, axis=1).max() < 1e-6, "one factor for all steps of a channel"
    assert scales[:, 0].std() == pytest.approx(0.2, rel=0.1)
    assert (changed(ones, jitter_spread=0.5) - 1).std() == pytest.approx(0.5, rel=0.1)


def test_what_was_written_is_read_back(tmp_path):
    sequences = [np.arange(n * 2, dtype=np.float32).reshape(n, 2) / 7 for n in (3, 1, 5)]
    write_split(tmp_path / "train", "sequence", sequences, [0, 1, 0], LABELS)

    split = read_split(tmp_path / "train", "rnn")

    assert split.feature == "sequence"
    assert split.targets.tolist() == [0, 1, 0]
    for read, written in zip(split.samples, sequences, strict=True):
        np.testing.assert_array_equal(read, written)


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        (np.zeros((0, 2)), "Record 1 of {} is a sequence of length 0."),
        (np.ones((4, 3)), "Record 1 of {} has 3 channels, but the first record has 2."),
        (np.array([[1.0, 2.0], [3.0, np.nan]]), "Record 1 of {} holds no number at step 2."),
        (np.array([[1.0, np.inf]]), "Record 1 of {} holds no number at step 1."),
    ],
)
def test_a_bad_sequence_is_named(tmp_path, second, sentence):
    write_split(tmp_path / "train", "sequence", [np.ones((4, 2)), second], [0, 1], LABELS)

    with pytest.raises(JobFailed) as failure:
        read_split(tmp_path / "train", "rnn")
    assert str(failure.value).startswith(sentence.format(tmp_path / "train"))


def test_values_that_fill_no_whole_step_are_named(tmp_path, monkeypatch):
    def cut_short(feature, sample, target):
        record = make(feature, sample, target)
        del record.features.feature["sequence"].float_list.value[-1]
        return record

    make = records.example
    monkeypatch.setattr(records, "example", cut_short)
    write_split(tmp_path / "train", "sequence", [np.ones((4, 2))], [0], LABELS)

    with pytest.raises(JobFailed, match="Record 0 of .* holds 7 values, which fill no whole steps"):
        read_split(tmp_path / "train", "rnn")


def problem_of(tmp_path, sequences, channels_of_validation: int = 3, **settings):
    """The problem of a small channel of sequences."""
    validation = [np.ones((4, channels_of_validation), np.float32)] * 2
    write_split(tmp_path / "train", "sequence", sequences, [0, 1] * (len(sequences) // 2), LABELS)
    write_split(tmp_path / "validation", "sequence", validation, [0, 1], LABELS)
    words = {"batch_size": 8, "sequence_length": 6, **settings}
    return load_task(RnnHyperparameters(**words), tmp_path / "train", tmp_path / "validation")


@pytest.mark.parametrize(
    ("longest", "settings", "sentence"),
    [
        (100_000, {}, "Record 7 of the channel train has 100,000 steps, but the network reads 6."),
        (
            4,
            {"mirrored_channels": "0,3"},
            "mirrored_channels names the channel 3, but the sequences have 3, 0 to 2.",
        ),
        (
            4,
            {"channels_of_validation": 2},
            "The channel validation has sequences of 2 channels, the channel train of 3.",
        ),
    ],
)
def test_what_does_not_fit_the_network_is_refused(tmp_path, longest, settings, sentence):
    sequences = [np.ones((4, 3), np.float32)] * 7 + [np.ones((longest, 3), np.float32)]

    with pytest.raises(JobFailed) as failure:
        problem_of(tmp_path, sequences, **settings)
    assert str(failure.value).startswith(sentence)


def test_channels_that_are_no_vectors_are_not_turned(tmp_path):
    with pytest.raises(JobFailed, match="rotation_degrees turns channels three by three"):
        problem_of(tmp_path, [np.ones((4, 2), np.float32)] * 8, rotation_degrees=5.0)


def test_texts_and_sequences_are_not_mixed(tmp_path, channels):
    with pytest.raises(
        JobFailed, match="The channel train holds a sequence in each record, the channel validation a text"
    ):
        write_split(
            tmp_path / "train", "sequence", [np.ones((4, 2))] * 8, [0, 1] * 4, ["negative", "positive"]
        )
        load_task(RnnHyperparameters(batch_size=8), tmp_path / "train", channels["rnn"] / "validation")


def test_the_training_steps_are_normalised_whatever_their_padding(tmp_path):
    generator = np.random.default_rng(0)
    sequences = [generator.normal((5, -2, 0), (1, 10, 0.1), (n, 3)).astype(np.float32) for n in (2, 6) * 40]
    task = problem_of(tmp_path, sequences)

    normalised, present = task.build_network().layers[1](tf.constant(stack_sequences(sequences, 6)))

    assert present.numpy().sum(axis=1).tolist() == [2, 6] * 40
    values = normalised.numpy()[present.numpy()]
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(values.std(axis=0), 1, atol=1e-4)
    assert not normalised.numpy()[~present.numpy()].any()


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_a_channel_is_normalised_whatever_its_unit(unit):
    values = np.random.default_rng(0).normal(3, 2, 5000) * unit

    spread = spread_of(np.array([values.mean()]), np.array([values.var()]))

    assert spread == pytest.approx([(2 * unit) ** 2], rel=0.05)


def test_a_channel_that_does_not_move_is_divided_by_one():
    assert spread_of(np.array([0.0, 5e6]), np.array([0.0, 0.1])).tolist() == [1.0, 1.0]
