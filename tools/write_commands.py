"""Writes docs/reference/commands.md from the command line itself: `python -m tools.write_commands`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from cli.main import app
from cli.shared.options import INTERRUPTED
from tools.arguments import refuse_arguments
from tools.markdown import REFERENCE, code, table

PAGE = REFERENCE / "commands.md"
HEAD = """# Commands

Written by `make generate` from [cli](../../cli). [How commands behave](../commands.md) says what holds for all of them:
`--json`, progress, Ctrl-C. Each ends with one of these exit statuses:

"""
# What `cli.main.run` ends with.
STATUSES = (
    ("0", "done"),
    ("1", "not done, or not all of it; the sentence says why and what to do"),
    ("2", "the words of the command are wrong"),
    (str(INTERRUPTED), "interrupted, by Ctrl-C or SIGTERM"),
)
TYPES = {"boolean": "", "int": "whole number", "float": "number", "path": "path"}


def commands_of(command: Any, path: str = "recognition") -> Iterator[tuple[str, Any]]:
    """Every command that does something, with the words by which it is called."""
    inside = getattr(command, "commands", {})
    if not inside or getattr(command, "invoke_without_command", False):
        yield path, command
    for name, child in sorted(inside.items()):
        if not child.hidden:
            yield from commands_of(child, f"{path} {name}")


def row(parameter: Any) -> list[str]:
    """A line for an argument or an option."""
    names = (*parameter.opts, *parameter.secondary_opts)
    is_option = names[0].startswith("-")
    return [
        ", ".join(map(code, names)) if is_option else code(names[0].upper()),
        takes(parameter),
        "required" if parameter.required else default(parameter.default),
        plain(parameter.help or ""),
    ]


def takes(parameter: Any) -> str:
    """Which values; nothing where the word alone says it."""
    kind = parameter.type
    if parameter.metavar:
        words = code(parameter.metavar)
    elif choices := getattr(kind, "choices", None):
        words = ", ".join(map(code, choices))
    else:
        words = TYPES.get(kind.name.removesuffix(" range"), "text")
    least, most = getattr(kind, "min", None), getattr(kind, "max", None)
    low = f" from {least:,}" if least is not None else ""
    high = f" to {most:,}" if most is not None else ""
    return words + low + high + (", again and again" if parameter.multiple else "")


def default(value: Any) -> str:
    """What holds where the option is left out, if that is a word."""
    value = getattr(value, "value", value)
    return code(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def plain(words: str) -> str:
    """Help without what a terminal makes colours of."""
    return re.sub(r"\[/?[a-z ]+\]", "", words)


def section(path: str, command: Any) -> str:
    """A command's purpose, and its words."""
    purpose, *more = plain(command.help or "").strip().split("\n\n")
    rows = [row(parameter) for parameter in command.params if not parameter.hidden]
    words = "\n\n".join(" ".join(part.split()) for part in (purpose, *more))
    return f"## {path}\n\n{words}\n" + (
        f"\n{table(('word', 'takes', 'default', 'meaning'), rows)}" if rows else ""
    )


def page() -> str:
    """The whole page."""
    statuses = table(("exit status", "means"), [list(status) for status in STATUSES])
    return (
        HEAD
        + statuses
        + "\n"
        + "\n".join(section(path, command) for path, command in commands_of(get_command(app)))
    )


if __name__ == "__main__":
    refuse_arguments(__doc__)
    PAGE.write_text(page(), encoding="utf-8")
