"""Shows that steps go on, on standard error: a spinner with its seconds in a terminal, elsewhere a line a minute."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.text import Text

from cli.shared.consoles import Console

LINE_SECONDS = 60
DETAIL_CHARACTERS = 100
SPEAKER = "a line a minute"

Wait = Callable[[threading.Event, float], bool]
"""Waits for an event, so many seconds at most; whether it came."""


def is_live(console: Console) -> bool:
    """Whether a console can draw over what it has drawn: a file, a pipe, a CI job and Emacs' shell cannot."""
    return console.is_terminal and not console.is_dumb_terminal


@contextmanager
def every_minute(say: Callable[[], None], wait: Wait = threading.Event.wait) -> Iterator[None]:
    """Calls `say` once a minute while the body runs, from a thread of its own."""
    ended = threading.Event()

    def go_on() -> None:
        while not wait(ended, LINE_SECONDS):
            say()

    speaker = threading.Thread(target=go_on, name=SPEAKER, daemon=True)
    speaker.start()
    try:
        yield
    finally:
        ended.set()
        speaker.join()


class Step:
    """One step: drawn at any time, it shows its title, its last detail and the seconds since it began."""

    def __init__(self, title: str, clock: Callable[[], float]) -> None:
        self.title = title
        self.detail = ""
        self.clock = clock
        self.started = clock()

    def say(self, detail: str) -> None:
        """Replaces the detail."""
        self.detail = detail if len(detail) <= DETAIL_CHARACTERS else f"{detail[: DETAIL_CHARACTERS - 1]}…"

    def seconds(self) -> float:
        """Since it began."""
        return self.clock() - self.started

    def ended(self, mark: str, style: str) -> Text:
        """Its last line, which needs no detail any more."""
        return Text.assemble((mark, style), f" {self.title} · {self.seconds():.0f} s")

    def __rich__(self) -> Text:
        detail = [(self.detail, "dim"), " · "] if self.detail else []
        return Text.assemble(f"{self.title} · ", *detail, f"{self.seconds():.0f} s")


class Progress:
    """Shows one step at a time.

    Attributes:
        console: where; standard error by default.
        clock: seconds, from any start.
        wait: how the minutes between two lines pass.
        seconds: what each step took, by its title.
    """

    def __init__(
        self,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Wait = threading.Event.wait,
    ) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self.clock = clock
        self.wait = wait
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Runs the body as the step `title`; the yielded function replaces the detail beside it."""
        step = Step(title, self.clock)
        with self.showing(step):
            try:
                yield step.say
            except BaseException:
                self.console.print(step.ended("✗", "red"), soft_wrap=True)
                raise
        self.seconds[title] = round(step.seconds(), 1)
        self.console.print(step.ended("✓", "green"), soft_wrap=True)

    @contextmanager
    def showing(self, step: Step) -> Iterator[None]:
        """Shows a step while the body runs."""
        if is_live(self.console):
            spinner = "line" if self.console.options.ascii_only else "dots"
            with self.console.status(step, spinner=spinner):
                yield
            return
        self.console.print(f"… {step.title}", soft_wrap=True)

        def say() -> None:
            self.console.print(Text.assemble("… ", step.__rich__()), soft_wrap=True)

        with every_minute(say, self.wait):
            yield


def money(usd: float | None) -> str:
    """Dollars, or that they are unknown."""
    if usd is None:
        return "unknown"
    return f"{usd:,.0f}" if usd >= 100 else f"{usd:.2f}"
