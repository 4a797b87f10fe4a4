"""The exceptions that end a command with a sentence instead of a stack trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class CommandFailed(Exception):
    """A command cannot go on; the message says what was wrong, where, and what to do."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM, whose message says what it stopped, what goes on, and how to look at that."""


@contextmanager
def interruption_says(sentence: str) -> Iterator[None]:
    """Gives an interruption of the body its sentence; one that has its own from further inside keeps it.

    Raises:
        Interrupted: in place of KeyboardInterrupt.
    """
    try:
        yield
    except Interrupted:
        raise
    except KeyboardInterrupt as interrupt:
        raise Interrupted(sentence) from interrupt
