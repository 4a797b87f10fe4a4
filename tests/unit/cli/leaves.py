"""Goes over the commands of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def leaves(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its words, such as `bulk` and `bulk status`."""
    commands = getattr(command, "commands", {})
    if path and (not commands or command.invoke_without_command):
        yield path, command
    for name, one in commands.items():
        yield from leaves(one, f"{path} {name}".strip())
