"""`recognition bakeoff`: progress bars while the candidates run, and the result as a table."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from advisor import Problem
from bakeoff import contest
from bakeoff.candidates import Competitor, candidates_for
from bakeoff.contest import Contest, ContestSettings, Runner
from bakeoff.errors import ComparisonRefused
from bakeoff.examples import Examples
from bakeoff.results import Result, known
from bakeoff.tasks import LOG_FILE
from cli.shared.consoles import Console
from cli.shared.errors import CommandFailed
from cli.shared.progress import every_minute, is_live, money
from cli.shared.tables import new_table
from definitions.metrics import METRICS

WORDS_SHOWN = 60
MARKS = {"✓": "green", "✗": "red"}
"""How a candidate ended, and in which colour."""


def shown_metrics(held: Contest) -> tuple[str, str]:
    """The two that a reader sees: accuracy, and the one that decides or macro F1."""
    return "accuracy", "macro_f1" if held.metric == "accuracy" else held.metric


def headings(held: Contest) -> tuple[str, ...]:
    """Of the columns that `row` fills, for the terminal and for the page."""
    scores = [f"{METRICS[name].capitalize().replace('f1', 'F1')}\n95 %" for name in shown_metrics(held)]
    return ("Candidate", *scores, "Training\nseconds", "p50\np99 ms", "Size", "US$ a month\nper 1,000")


def clear(directory: Path) -> None:
    """Deletes what the candidates of the last bake-off left in the build folder: each began with its log."""
    for log in directory.glob(f"*/{LOG_FILE}"):
        shutil.rmtree(log.parent)


class MarkColumn(TextColumn):
    """A column of words behind the mark of how it ended, in the mark's colour."""

    def render(self, task: Task) -> Text:
        """The words of a task."""
        words, mark = super().render(task), task.fields["mark"]
        return Text.assemble((mark, MARKS[mark]), " ", words) if mark else words


class Bars:
    """One bar a candidate on standard error; lines where that is no terminal, one a minute at least."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bars = Progress(
            MarkColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("{task.fields[words]}", style="dim", markup=False),
            console=console,
            disable=not is_live(console),
        )
        self.tasks: dict[str, TaskID] = {}
        self.started_at: dict[str, float] = {}

    @contextmanager
    def showing(self, candidates: list[Competitor]) -> Iterator[Bars]:
        """Shows a bar that waits for each candidate."""
        with self.bars, nullcontext() if is_live(self.console) else every_minute(self.tell):
            for candidate in candidates:
                self.tasks[candidate.id] = self.bars.add_task(
                    candidate.title, total=1.0, start=False, words="waits", mark=""
                )
            yield self

    def tell(self) -> None:
        """A line for each candidate that is at work."""
        for task in list(self.bars.tasks):
            if task.started and not task.finished:
                words = f"… {task.description} · {task.fields['words']} · {task.elapsed:.0f} s"
                self.console.print(words, soft_wrap=True)

    def started(self, candidate: Competitor, seconds: float) -> None:
        """A candidate begins."""
        self.started_at[candidate.id] = time.monotonic()
        self.bars.start_task(self.tasks[candidate.id])
        self.bars.update(self.tasks[candidate.id], words=f"has {seconds:.0f} s")
        if not is_live(self.console):
            self.console.print(f"… {candidate.title}", soft_wrap=True)

    def progressed(self, candidate: Competitor, share: float, words: str) -> None:
        """So much of a candidate's work is done."""
        self.bars.update(self.tasks[candidate.id], completed=share, words=words[:WORDS_SHOWN])

    def ended(self, result: Result) -> None:
        """A candidate has its result."""
        task = self.tasks[result.candidate.id]
        words = f"accuracy {known(result.accuracy).value:.4f}" if result.finished else result.reason
        mark = "✓" if result.finished else "✗"
        self.bars.update(
            task,
            completed=1.0,
            mark=mark,
            words=words[:WORDS_SHOWN],
        )
        self.bars.stop_task(task)
        if not is_live(self.console):
            seconds = time.monotonic() - self.started_at[result.candidate.id]
            line = f" {result.candidate.title} · {seconds:.0f} s · {words}"
            self.console.print(Text.assemble((mark, MARKS[mark]), line), soft_wrap=True)


def run(
    examples: Examples,
    problem: Problem,
    settings: ContestSettings,
    directory: Path,
    runner: Runner | None = None,
) -> Contest:
    """Runs the bake-off with its progress on standard error; `runner` says where, this machine by default.

    Raises:
        CommandFailed: when no comparison on this data would mean anything, or when it was stopped before any
            candidate had finished.
    """
    bars = Bars(Console(stderr=True, highlight=False))
    entrants = candidates_for(examples, own_account=settings.own_account)
    try:
        with bars.showing(entrants[0]):
            held = contest.run(examples, problem, settings, directory, bars, entrants=entrants, runner=runner)
    except ComparisonRefused as refusal:
        raise CommandFailed(str(refusal)) from refusal
    if held.interrupted and not any(result.finished for result in held.results):
        raise CommandFailed(
            "The bake-off was stopped before any candidate had finished, so there is no report."
        )
    return held


def render(held: Contest) -> Group:
    """The result for a terminal."""
    table = new_table(*headings(held), box=None, padding=(0, 1, 0, 0))
    for result in ranked(held):
        table.add_row(*row(result, shown_metrics(held)))
    parts: list[Any] = [table]
    for result in held.results:
        if not result.finished:
            parts.append(Text(f"{result.candidate.title}: {result.reason}", style="red"))
    parts += [
        Text(f"{absentee.title} takes no part: {absentee.reason}", style="dim") for absentee in held.absent
    ]
    parts += [Text(note, style="dim") for note in notes(held)]
    parts += [Text(sentence, style="bold") for sentence in (held.verdict.sentences if held.verdict else ())]
    if held.interrupted:
        parts.append(Text("It was stopped: what had finished is here and in the report.", style="yellow"))
    return Group(*parts)


def ranked(held: Contest) -> list[Result]:
    """The finished results, the best first."""
    return sorted(
        (result for result in held.results if result.finished),
        key=lambda result: -result.score(held.metric).value,
    )


def notes(held: Contest) -> list[str]:
    """What a reader should know: of the data, of each candidate, and of the prices."""
    sentences = list(held.notes)
    for result in held.results:
        sentences += [f"{result.candidate.title}: {note}" for note in result.notes]
        if result.unknown_price:
            sentences.append(f"{result.candidate.title}: the price {result.unknown_price} is unknown.")
    return sentences


def row(result: Result, metrics: tuple[str, ...]) -> list[str]:
    """One result's cells, of one line or two, with its scores by these metrics."""
    return [
        result.candidate.title,
        *(f"{score.value:.4f}\n{score.low:.3f}–{score.high:.3f}" for score in map(result.score, metrics)),
        f"{result.training_seconds:.1f}",
        f"{result.p50_ms:.2f}\n{result.p99_ms:.2f}",
        size(known(result.artefact_bytes)),
        f"{money(result.usd_per_month)}\n{money(result.usd_per_thousand)}"
        if result.candidate.advised_as
        else "–",
    ]


def size(count: int) -> str:
    """Bytes in the unit that suits them; a service has none."""
    if not count:
        return "–"
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"
