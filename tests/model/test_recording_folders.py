"""Recordings in folders of classes, a table each, are read and cut as those of one table are."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from model_code.data.columns import Columns
from model_code.data.own_data import Plan, import_own
from model_code.data.splits import NAMES
from model_code.data.user_files import read_data
from model_code.failures import JobFailed


def recording(
    file: Path, times: list[int], *, start: float = 0.0, header: str = "timestamp,x,worker"
) -> Path:
    """A table of one channel that grows by one each step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{time},{start + step}e-9,kim" for step, time in enumerate(times)]
    file.write_text("\n".join([header, *rows]))
    return file


@pytest.fixture
def logs(tmp_path) -> Path:
    """Six recordings of 40 steps of each of two classes, each with a gap behind its thirtieth."""
    for name, start in (("ok", 0), ("worn", 1_000)):
        for number in range(6):
            times = [1_700_000_000_000 + 20 * step + 9_000 * (step >= 30) for step in range(40)]
            recording(tmp_path / "logs" / name / f"{number}.csv", times, start=start + 100 * number)
    return tmp_path / "logs"


def test_a_link_to_a_folder_in_which_it_lies_is_refused(logs):
    (logs / "ok" / "again").symlink_to(logs)
    with pytest.raises(JobFailed, match="is a link to a folder in which it lies. Remove it."):
        read_data(logs)


def test_a_link_to_another_folder_is_read(logs, tmp_path):
    (logs / "ok").rename(tmp_path / "elsewhere")
    (logs / "ok").symlink_to(tmp_path / "elsewhere")
    assert len(read_data(logs).samples) == 12


@pytest.mark.parametrize("name", ["7.csv", "7.png"])
def test_what_may_have_no_end_is_refused_and_not_waited_for(logs, name):
    os.mkfifo(logs / "worn" / name)
    with pytest.raises(JobFailed, match=f"{name} is neither a file nor a folder. Remove it."):
        read_data(logs)


def test_a_folder_that_cannot_be_read_is_named(logs, monkeypatch):
    def refuse(self: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(JobFailed, match="logs cannot be read: Permission denied."):
        read_data(logs)


def test_the_folder_says_the_class_and_each_table_is_a_recording(logs):
    (logs / "ok" / "._0.csv").write_bytes(b"\0\5\x16\7")
    (logs / "ok" / "notes.txt").write_text("x")

    data = read_data(logs)

    assert data.feature == "sequence"
    assert [sample.label for sample in data.samples] == ["ok"] * 6 + ["worn"] * 6
    assert data.samples[1].sequence[:2, 0] == pytest.approx([100e-9, 101e-9])
    assert {sample.sequence.shape for sample in data.samples} == {(40, 1)}
    assert "1 file is no recording, passed over: ok/notes.txt." in data.notes
    assert "No channels, because they hold no measured numbers: worker." in data.notes


def test_windows_hold_no_gap_and_a_recording_is_in_one_split(logs, tmp_path):
    card = import_own(logs, out=tmp_path / "out", plan=Plan(window=10))

    # Five windows before the gap and one behind it.
    assert sum(card["counts"].values()) == 72
    groups = [set(json.loads((tmp_path / "out" / name / "groups.json").read_text())) for name in NAMES]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 12


def test_recordings_below_train_and_test_stay_in_their_splits(logs, tmp_path):
    for split in ("train", "test"):
        for name in ("ok", "worn"):
            recording(tmp_path / "parts" / split / name / "a.csv", [0, 20, 40])

    assert [sample.split for sample in read_data(tmp_path / "parts").samples] == ["test"] * 2 + ["train"] * 2


def test_steps_of_a_table_are_in_the_split_that_it_names_by_any_of_its_names(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("sequence,split,x,label\na,Training,1,up\nb,val,2,up\nc,testing,3,up\n")

    assert [sample.split for sample in read_data(file).samples] == ["train", "validation", "test"]


def test_a_label_in_the_tables_is_no_channel(tmp_path):
    for name in ("ok", "worn"):
        recording(tmp_path / name / "a.csv", [0, 20], header="time,x,Label")

    data = read_data(tmp_path)

    assert data.samples[0].sequence.shape == (2, 1)
    assert "The folders say the class, so these are no channels: Label." in data.notes


def test_a_recording_with_other_columns_is_named_and_so_is_a_class_without_any(logs):
    recording(logs / "worn" / "7.csv", [0, 20], header="timestamp,y,worker")
    with pytest.raises(JobFailed, match=r"7\.csv has the columns timestamp, y, worker, and .*0\.csv has"):
        read_data(logs)
    (logs / "new").mkdir()
    with pytest.raises(JobFailed, match="The class 'new' is empty: .* holds no table"):
        read_data(logs)


def test_of_many_recordings_one_that_cannot_be_read_is_left_out_and_named(logs):
    for number in range(7, 150):
        recording(logs / "ok" / f"{number}.csv", [0, 20], start=number)
    (logs / "worn" / "3.csv").write_text("")

    data = read_data(logs)

    assert len(data.samples) == 154
    assert [str(one) for one in data.left_out] == [
        f"{logs / 'worn' / '3.csv'} holds no sample: it has no rows."
    ]


def test_with_windows_the_time_of_a_table_is_found_by_its_name(tmp_path):
    rows = [f"{20 * step},{step},{'ok' if step < 30 else 'worn'}" for step in range(60)]
    file = tmp_path / "a.csv"
    file.write_text("\n".join(["timestamp,x,state", *rows]))

    data = read_data(file, Columns(label="state"), as_recordings=True)

    assert [len(sample.sequence) for sample in data.samples] == [30, 30]


def test_short_pieces_of_recordings_are_left_out_and_told(logs, tmp_path):
    card = import_own(logs, out=tmp_path / "out", plan=Plan(window=20))

    # Behind the gap there are ten steps.
    assert sum(card["counts"].values()) == 24
    assert any(
        note.startswith("12 of 24 sequences are shorter than one window of 20 and left out, with 25.0% of")
        for note in card["profile"]["notes"]
    )


def test_where_most_is_shorter_than_a_window_it_is_said_what_ends_a_recording(logs, tmp_path):
    for name in ("ok", "worn"):
        recording(logs / name / "whole.csv", [20 * step for step in range(100)])

    with pytest.raises(
        JobFailed, match=r"24 of 26 sequences are shorter than one window of 31, such as .*--group"
    ):
        import_own(logs, out=tmp_path / "out", plan=Plan(window=31))


def test_a_class_of_which_no_sequence_is_long_enough_is_named(logs, tmp_path):
    recording(logs / "new" / "0.csv", [20 * step for step in range(19)])

    with pytest.raises(
        JobFailed, match="No sequence of the class 'new' is as long as one window of 20 steps"
    ):
        import_own(logs, out=tmp_path / "out", plan=Plan(window=20))
