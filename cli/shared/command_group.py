"""The group that holds the commands: what it proposes for a mistyped one, and how an interruption leaves it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from typer.core import TyperGroup

from cli.shared.errors import CommandFailed, Interrupted

# What takes something away is done by whoever writes its name in full.
NEVER_PROPOSED = frozenset({"down", "remove-versions", "rollback", "stop"})


class Stopped(CommandFailed):
    """An interruption on its way through Typer, which turns a KeyboardInterrupt into an exit without a word."""


class Commands(TyperGroup):
    """A group of commands."""

    def __init__(self, **options: Any) -> None:
        # Its own proposals are made of every command.
        super().__init__(**{**options, "suggest_commands": False})

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the words name; the refusal of an unknown one proposes the nearest harmless ones."""
        if not ctx.resilient_parsing and args[0] not in self.commands and not args[0].startswith("-"):
            ctx.fail(f"There is no command '{args[0]}'. {self.proposal(args[0], ctx.command_path)}")
        return super().resolve_command(ctx, args)

    def proposal(self, word: str, path: str) -> str:
        """What somebody who wrote `word` may have meant."""
        near = get_close_matches(word, sorted(set(self.commands) - NEVER_PROPOSED))
        if not near:
            return f"`{path} --help` lists them all."
        return f"Did you mean {' or '.join(f'`{path} {name}`' for name in near)}?"

    def invoke(self, ctx: Any) -> Any:
        """Runs a command.

        Raises:
            Stopped: when it is interrupted, with what was stopped and what goes on.
        """
        try:
            return super().invoke(ctx)
        except Interrupted as interrupt:
            raise Stopped(str(interrupt)) from interrupt
        except KeyboardInterrupt as interrupt:
            raise Stopped("Stopped.") from interrupt
