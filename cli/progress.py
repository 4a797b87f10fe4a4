"""Live status lines for steps that take a while, on standard error so that standard output stays readable."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape


class Progress:
    """Shows one step at a time: a spinner with a detail while it runs, a line with its seconds when it ends."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Runs the body as the step `title`; the yielded function replaces the detail beside the spinner."""
        started = time.monotonic()
        if not self.console.is_terminal:
            self.console.print(f"… {escape(title)}", soft_wrap=True)

        def elapsed() -> str:
            return f"{time.monotonic() - started:.0f} s"

        with self.console.status(escape(title)) as status:

            def detail(text: str) -> None:
                line = text if len(text) <= 100 else text[:99] + "…"
                status.update(f"{escape(title)} · [dim]{escape(line)}[/dim] · {elapsed()}")

            try:
                yield detail
            except BaseException:
                self.console.print(f"[red]✗[/red] {escape(title)} · {elapsed()}", soft_wrap=True)
                raise
        self.seconds[title] = round(time.monotonic() - started, 1)
        self.console.print(f"[green]✓[/green] {escape(title)} · {elapsed()}", soft_wrap=True)
