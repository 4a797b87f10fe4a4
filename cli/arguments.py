"""What the commands have in common: their options, how a wrong value is refused, and how a result is shown."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from cli.errors import CommandFailed
from cli.project import environments

INTERRUPTED = 130


def require_environment(name: str) -> str:
    """The environment, which cdk.json has; asked while the words are read, so that nothing has been started yet.

    Raises:
        CommandFailed: when it has none of this name.
    """
    known = environments()
    if name not in known:
        raise CommandFailed(
            f"There is no environment '{name}' in cdk.json; it has: {', '.join(sorted(known)) or 'none'}."
        )
    return name


EnvironmentOption = Annotated[
    str,
    typer.Option(
        "--environment", callback=require_environment, help="The app's environment in cdk.json: dev or prod."
    ),
]
OwnAccountOption = Annotated[bool, typer.Option("--aws", help="Use your AWS account, not the embedded AWS.")]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace the file that is to be written, if it is there.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
KindArgument = Annotated[
    str, typer.Argument(metavar="cnn|rnn", help="Which network: cnn for images, rnn for texts.")
]


def example(text: str) -> str:
    """The epilogue of a command's help."""
    return f"[bold]Example:[/bold] {text}"


def require_kind(kind: str | None) -> str:
    """The kind of network, checked.

    Raises:
        CommandFailed: when it is neither cnn nor rnn.
    """
    if kind not in ("cnn", "rnn"):
        raise CommandFailed(f"'{kind or ''}' is no kind of network: say cnn (images) or rnn (texts).")
    return kind


def parse_settings(settings: Iterable[str], option: str = "--set") -> dict[str, str]:
    """What the NAME=VALUE words of an option say.

    Raises:
        CommandFailed: when a word has no '='.
    """
    pairs = [setting.partition("=") for setting in settings]
    for name, equals, _ in pairs:
        if not equals or not name:
            raise CommandFailed(f"{option} wants NAME=VALUE, and '{name}' has no value.")
    return {name: value for name, _, value in pairs}


def show(facts: Any, as_json: bool, text: str) -> None:
    """Prints a result: JSON for a program, else the text."""
    typer.echo(json.dumps(facts, indent=2, default=str) if as_json else text)
