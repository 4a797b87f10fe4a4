"""Checkpoints: what was saved is read back, a damaged one is passed over with a warning, few are kept."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from model_code import train
from model_code.hyperparameters import KINDS, build
from model_code.training.checkpoints import (
    KEPT,
    Checkpoint,
    Due,
    load_newest,
    newest_first,
    read,
    remove,
    save,
)

ARRAYS = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array(7, np.int64)]


def save_step(directory, step: int, fingerprint: str = "run"):
    """Saves a checkpoint of `step`."""
    return save(
        directory, Checkpoint([array + step for array in ARRAYS], {"step": step, "fingerprint": fingerprint})
    )


def test_the_newest_checkpoint_is_read_back_whole(tmp_path):
    save_step(tmp_path, 9)
    save_step(tmp_path, 10)

    checkpoint = load_newest(tmp_path, "run")

    assert checkpoint.state == {"step": 10, "fingerprint": "run"}
    for array, expected in zip(checkpoint.arrays, ARRAYS, strict=True):
        np.testing.assert_array_equal(array, expected + 10)
        assert array.dtype == expected.dtype


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: b"",
    ],
    ids=["truncated", "one bit flipped", "empty"],
)
def test_a_damaged_checkpoint_is_skipped_with_a_warning(tmp_path, capsys, damage):
    save_step(tmp_path, 1)
    newest = save_step(tmp_path, 2)
    newest.write_bytes(damage(newest.read_bytes()))

    assert load_newest(tmp_path, "run").state["step"] == 1
    assert (
        f"warning: skipping the damaged checkpoint {newest.name}: its checksum does not fit"
        in capsys.readouterr().out
    )


def test_a_checkpoint_of_another_run_is_not_taken(tmp_path, capsys):
    save_step(tmp_path, 1, fingerprint="other data")

    assert load_newest(tmp_path, "run") is None
    assert "which is of other data, hyperparameters or code" in capsys.readouterr().out


def test_an_unfinished_file_is_not_a_checkpoint(tmp_path):
    save_step(tmp_path, 1)
    (tmp_path / "step-000000002.unfinished").write_bytes(b"half of it")

    assert load_newest(tmp_path, "run").state["step"] == 1


def test_only_the_newest_are_kept(tmp_path):
    for step in range(1, 6):
        save_step(tmp_path, step)

    assert [read(path).state["step"] for path in newest_first(tmp_path)] == [5, 4][:KEPT]


def test_another_runs_checkpoints_are_neither_replaced_nor_dropped(tmp_path):
    others = [save_step(tmp_path, step, fingerprint="other data") for step in (3, 90)]
    contents = [path.read_bytes() for path in others]
    for step in range(1, 6):
        save_step(tmp_path, step)
    assert [path.read_bytes() for path in others] == contents
    assert load_newest(tmp_path, "run").state["step"] == 5


def test_a_place_without_checkpoints_has_none(tmp_path):
    assert load_newest(tmp_path / "none", "run") is None


def test_a_checkpoint_is_due_after_its_steps_or_its_seconds():
    seconds = 0.0
    due = Due(0, 200, 60, now=lambda: seconds)
    assert not due.is_due(199)
    assert due.is_due(200)
    seconds = 60.0
    assert due.is_due(1)
    due.saved(1)
    assert not due.is_due(200)
    assert due.is_due(201)


def test_zero_seconds_leave_checkpoints_to_the_steps():
    seconds = 0.0
    due = Due(0, 200, 0, now=lambda: seconds)
    seconds = 1e6
    assert not due.is_due(1)


def test_the_code_and_the_network_are_part_of_what_a_checkpoint_is_of(monkeypatch):
    settings = build(KINDS["cnn"], {})
    samples = SimpleNamespace(digest="data")

    def of(*shapes: tuple[int, ...], code: str = "code") -> str:
        monkeypatch.setattr(train, "code_digest", lambda: code)
        network = SimpleNamespace(variables=[SimpleNamespace(shape=shape) for shape in shapes])
        return train.fingerprint(settings, samples, network)

    assert of((2, 3)) == of((2, 3))
    assert len({of((2, 3)), of((2, 4)), of((2, 3), (1,)), of((2, 3), code="changed")}) == 4


def test_removing_a_runs_checkpoints_leaves_others(tmp_path):
    ours, theirs = save_step(tmp_path, 1), save_step(tmp_path, 2, fingerprint="another")

    remove(tmp_path, "run")

    assert not ours.exists() and theirs.exists()
