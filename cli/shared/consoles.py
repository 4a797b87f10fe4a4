"""All that the command line says: words as they are, markup is nobody's, and no name controls the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import typer
from rich import console as rich_console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from model_code.markup import visible

# Rich ends lines itself, and puts spaces for tabs.
LAYOUT = "\n\t"


def say(words: str, err: bool = False) -> None:
    """Prints plain lines, which no width of a terminal breaks; what would control it is made visible.

    Args:
        words: that may be anybody's.
        err: on standard error.
    """
    typer.echo(visible(words, "\n"), err=err)


def say_document(facts: Any) -> None:
    """Prints JSON for a program on one line; it has escapes of its own for what would control a terminal."""
    typer.echo(json.dumps(facts, default=str))


class Console(rich_console.Console):
    """Rich's console for words that may be anybody's: names of files and classes, answers, messages of services.

    Styles are for `rich.text.Text`; square brackets and names of emojis in a plain string mean nothing.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, **options})

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of what is shown; only Rich's own may control the terminal."""
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else visible(segment.text, LAYOUT)
            yield segment if text is segment.text else Segment(text, segment.style)
