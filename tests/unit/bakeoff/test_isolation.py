"""A candidate's process: whatever happens in it, the bake-off learns what and goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psutil
import pytest

from bakeoff.examples import Examples
from bakeoff.isolation import run_isolated
from bakeoff.tasks import LOG_FILE, Trial


def task(directory, seconds: float = 120.0) -> Trial:
    part = Examples("text", [f"text {i}" for i in range(8)], np.arange(8, dtype=np.int32) % 2, ("a", "b"))
    return Trial(part, part, part, seconds, 0, directory)


def test_answers_and_progress_come_back(misbehaving, tmp_path):
    told = []
    outcome = run_isolated(misbehaving.right, task(tmp_path), lambda *words: told.append(words))
    assert outcome.answers.predictions.tolist() == [0, 1] * 4
    assert told == [(0.5, "half way")]


def test_what_a_library_prints_is_in_the_log_and_no_message(misbehaving, tmp_path):
    outcome = run_isolated(misbehaving.prints, task(tmp_path), print)
    assert outcome.answers is not None
    assert b"not a message" in (tmp_path / LOG_FILE).read_bytes()


def test_its_temporary_files_are_where_no_other_account_writes_and_go_with_it(misbehaving, tmp_path):
    told = []
    run_isolated(misbehaving.leaves_a_file, task(tmp_path), lambda _, words: told.append(words))
    folder, mode = told
    assert mode == "0o700"
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        ("raises", "ValueError: the matrix is singular"),
        ("gives_up", "There is no such machine."),
        ("dies", "Its process ended with the status 9. It printed last: Fatal: out of memory"),
    ],
)
def test_a_failure_is_a_reason(misbehaving, tmp_path, candidate, reason):
    outcome = run_isolated(getattr(misbehaving, candidate), task(tmp_path), print)
    assert (outcome.answers, outcome.reason) == (None, reason)


def test_an_interruption_ends_the_process_and_its_children(misbehaving, tmp_path, gone):
    children = []

    def interrupt(share: float, words: str) -> None:
        children.append(psutil.Process(int(words)))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_isolated(misbehaving.hangs, task(tmp_path), interrupt)
    assert len(children) == 1
    assert gone(children)


def test_a_candidate_that_is_not_done_at_its_deadline_is_ended(misbehaving, tmp_path):
    outcome = run_isolated(misbehaving.hangs, task(tmp_path, seconds=0.5), lambda *_: None)
    assert outcome.answers is None
    assert "not done within its 0 s" in outcome.reason or "not done within its 1 s" in outcome.reason
