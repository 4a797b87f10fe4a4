"""A state directory belongs to one living process, starts and ends empty, and never takes a user's file with it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from local_aws.keys import Keys
from local_aws.state import (
    READY_FILE,
    Ready,
    StateRefused,
    announce,
    claimed,
    kept_port,
    process_of,
    ready_in,
)

KEYS = Keys("AKIA", "secret", "of the console")
HOLDER = """
import os, sys, time
from pathlib import Path
from local_aws.keys import Keys
from local_aws.state import Ready, announce, claimed

with claimed(Path(sys.argv[1])):
    (Path(sys.argv[1]) / "sagemaker" / "endpoints").mkdir(parents=True)
    keys = Keys("AKIA", "secret", "of the console")
    announce(Path(sys.argv[1]), Ready("http://127.0.0.1:1", os.getpid(), "first", keys))
    print("up", flush=True)
    time.sleep(300)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that has the state directory `tmp_path / "state"`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "state")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "up\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_process_is_refused_by_a_sentence_that_names_the_first(tmp_path, holder):
    sentence = f"process {holder.pid} has the state directory .* Stop it first"
    with pytest.raises(StateRefused, match=sentence), claimed(tmp_path / "state"):
        pytest.fail("both have it")
    assert ready_in(tmp_path / "state") == Ready("http://127.0.0.1:1", holder.pid, "first", KEYS)


def test_what_a_killed_process_left_is_gone_at_the_next_start(tmp_path, holder):
    holder.kill()
    holder.wait()
    assert (tmp_path / "state" / READY_FILE).exists()
    with claimed(tmp_path / "state"):
        assert [path.name for path in (tmp_path / "state").iterdir()] == ["lock"]
        assert process_of(tmp_path / "state") == os.getpid()


def test_the_address_of_a_killed_process_is_not_told(tmp_path, holder):
    holder.kill()
    holder.wait()
    assert process_of(tmp_path / "state") is None
    assert ready_in(tmp_path / "state") is None


def test_a_process_number_that_was_given_anew_is_not_taken_for_it(tmp_path):
    with claimed(tmp_path / "state"):
        pass
    (tmp_path / "state" / "lock").write_text(str(os.getpid()))
    announce(tmp_path / "state", Ready("http://127.0.0.1:1", os.getpid(), "old", KEYS))
    assert ready_in(tmp_path / "state") is None


@pytest.mark.parametrize("content", ["", "{", '{"endpoint_url": "http://127.0.0.1:1"}', "[]", "3"])
def test_a_damaged_address_counts_as_nothing_running(tmp_path, content):
    with claimed(tmp_path / "state"):
        (tmp_path / "state" / READY_FILE).write_text(content)
        assert ready_in(tmp_path / "state") is None


def test_it_is_empty_again_after_an_orderly_end(tmp_path):
    with claimed(tmp_path / "state"):
        (tmp_path / "state" / "s3" / "bucket").mkdir(parents=True)
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["lock"]


@pytest.mark.parametrize("name", ["holiday.jpg", "temporary", "s3", READY_FILE])
def test_a_directory_with_anything_of_a_user_is_refused_and_kept(tmp_path, name):
    (tmp_path / name).write_bytes(b"a photo")
    with pytest.raises(StateRefused, match=f"holds {name}.*Name a new one"), claimed(tmp_path):
        pytest.fail("it was taken")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"a photo"


def test_a_file_that_a_user_put_beside_ours_is_refused_and_kept(tmp_path):
    with claimed(tmp_path / "state"):
        pass
    (tmp_path / "state" / "holiday.jpg").write_bytes(b"a photo")
    with pytest.raises(StateRefused, match="holds holiday.jpg"), claimed(tmp_path / "state"):
        pytest.fail("it was taken")
    assert (tmp_path / "state" / "holiday.jpg").read_bytes() == b"a photo"


def names_in(state) -> set[str]:
    return {path.name for path in state.iterdir()}


def test_what_is_kept_stays_and_what_belongs_to_the_process_goes(tmp_path):
    for _ in range(2):
        with claimed(tmp_path / "state", keep=True):
            for name in ("s3", "ministack", "sagemaker", "temporary"):
                (tmp_path / "state" / name).mkdir(exist_ok=True)
            (tmp_path / "state" / "kept.json").write_text('{"port": 4566}')
        assert names_in(tmp_path / "state") == {"lock", "kept.json", "s3", "ministack"}
    assert kept_port(tmp_path / "state") == 4566


def test_what_never_came_to_an_orderly_end_is_not_kept(tmp_path):
    with claimed(tmp_path / "state", keep=True):
        (tmp_path / "state" / "s3").mkdir()
    assert names_in(tmp_path / "state") == {"lock"}
    assert kept_port(tmp_path / "state") is None


def test_what_is_kept_is_not_emptied_by_a_start_that_does_not_keep(tmp_path):
    with claimed(tmp_path / "state", keep=True):
        (tmp_path / "state" / "kept.json").write_text('{"port": 4566}')
    with pytest.raises(StateRefused, match="Go on with it by --keep"), claimed(tmp_path / "state"):
        pytest.fail("it was taken")
    assert names_in(tmp_path / "state") == {"lock", "kept.json"}


def test_a_link_to_elsewhere_loses_only_the_link(tmp_path):
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "holiday.jpg").write_bytes(b"a photo")
    with claimed(tmp_path / "state"):
        (tmp_path / "state" / "s3").symlink_to(tmp_path / "album")
    assert (tmp_path / "album" / "holiday.jpg").read_bytes() == b"a photo"


def test_a_full_disk_is_a_sentence_and_no_trace(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("local_aws.state.os.write", full)
    with (
        pytest.raises(StateRefused, match="cannot be written: No space left on device. Free some space"),
        claimed(tmp_path / "state"),
    ):
        pytest.fail("it was claimed")
