"""Steps that are seen to go on: in a terminal by their seconds, in a pipe or a CI job by a line a minute."""

from __future__ import annotations

import io
import threading

import pytest

from bakeoff.candidates import LOGISTIC, MAJORITY
from cli.bakeoff.progress import Bars
from cli.shared.consoles import Console
from cli.shared.progress import SPEAKER, Progress, Step, every_minute, is_live


class Minutes:
    """A clock that goes a minute further at each wait; once so many are over, the step may end."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.now = 0.0
        self.begun = threading.Event()
        self.over = threading.Event()

    def clock(self) -> float:
        return self.now

    def wait(self, ended: threading.Event, seconds: float) -> bool:
        self.begun.wait()
        if not self.count:
            self.over.set()
            return ended.wait()
        self.count -= 1
        self.now += seconds
        return False


def piped() -> Console:
    return Console(file=io.StringIO(), width=200)


def terminal(**options) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=200, **options)


def test_a_piped_step_is_a_line_at_its_start_one_a_minute_and_one_at_its_end():
    console, minutes = piped(), Minutes(3)
    with Progress(console, minutes.clock, minutes.wait).step("Training the [cnn]") as say:
        say("epoch 2")
        minutes.begun.set()
        assert minutes.over.wait(60)
    assert console.file.getvalue().splitlines() == [
        "… Training the [cnn]",
        "… Training the [cnn] · epoch 2 · 60 s",
        "… Training the [cnn] · epoch 2 · 120 s",
        "… Training the [cnn] · epoch 2 · 180 s",
        "✓ Training the [cnn] · 180 s",
    ]


def test_a_step_that_fails_says_so_in_its_last_line():
    console = piped()
    with pytest.raises(ValueError), Progress(console, lambda: 0.0).step("Training"):
        raise ValueError
    assert console.file.getvalue().splitlines() == ["… Training", "✗ Training · 0 s"]


def test_in_a_terminal_the_seconds_go_on_without_any_news():
    minutes = Minutes(0)
    step = Step("Training", minutes.clock)
    step.say("epoch 1")
    assert step.__rich__().plain == "Training · epoch 1 · 0 s"
    minutes.now = 7.0
    assert step.__rich__().plain == "Training · epoch 1 · 7 s"


def test_in_a_terminal_no_line_a_minute_is_left_behind():
    console, minutes = terminal(), Minutes(3)
    with Progress(console, minutes.clock, minutes.wait).step("Training"):
        pass
    assert minutes.count == 3
    assert "Training" in console.file.getvalue()


def test_a_long_detail_is_cut():
    step = Step("Training", lambda: 0.0)
    step.say("x" * 500)
    assert step.detail == "x" * 99 + "…"


@pytest.mark.parametrize(
    ("console", "live"),
    [
        (piped(), False),
        (terminal(), True),
        # Emacs' shell and some CI jobs: a terminal that cannot go back over what it has written.
        (terminal(_environ={"TERM": "dumb"}), False),
    ],
)
def test_only_a_terminal_that_can_redraw_gets_a_spinner(console, live):
    assert is_live(console) is live


def test_the_minutes_end_with_the_body_whatever_ends_it():
    def names() -> list[str]:
        return [thread.name for thread in threading.enumerate()]

    with pytest.raises(KeyboardInterrupt), every_minute(lambda: None):
        assert SPEAKER in names()
        raise KeyboardInterrupt
    assert SPEAKER not in names()


def test_a_piped_bakeoff_tells_of_the_candidates_at_work():
    console = piped()
    bars = Bars(console)
    with bars.showing([MAJORITY, LOGISTIC]):
        bars.started(LOGISTIC, 30.0)
        bars.progressed(LOGISTIC, 0.5, "epoch 3")
        bars.tell()
    begun, told = console.file.getvalue().splitlines()
    assert begun == "… logistic regression"
    assert told.startswith("… logistic regression · epoch 3 · ")
