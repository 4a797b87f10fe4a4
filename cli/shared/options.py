"""What the commands have in common: their options, how a wrong value is refused, and how a result is shown."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from cli.shared.consoles import say, say_document
from cli.shared.errors import CommandFailed
from cli.shared.project import default_environment, environments
from definitions.metrics import AUTO, METRICS
from definitions.networks import KINDS, NETWORKS
from model_code.markup import visible

RegionOption = Annotated[
    str | None, typer.Option(help="The AWS region whose prices count; us-east-1 by default.")
]

INTERRUPTED = 130
MOST = 1_000_000_000_000
"""What an option that counts takes at most where nothing else limits it; more is a slip of the finger."""
MOST_USD = 1_000_000
KINDS_IN_WORDS = ", ".join(f"{kind} for {network.reads}" for kind, network in NETWORKS.items())


DEFAULT_ENVIRONMENT = ""
"""Stands for the environment that cdk.json names as the default."""


def require_environment(name: str) -> str:
    """The environment, which cdk.json has; asked while the words are read, so that nothing has been started yet.

    Raises:
        CommandFailed: when it has none of this name, or names no default.
    """
    name, known = name or default_environment(), environments()
    if not name:
        raise CommandFailed("cdk.json names no `environment` as the default: say which with --environment.")
    if name not in known:
        raise CommandFailed(
            f"There is no environment '{name}' in cdk.json; it has: {', '.join(sorted(known)) or 'none'}."
        )
    return name


def finite(value: Any) -> Any:
    """A number, or several, from the command line; `nan` is within all bounds and none.

    Raises:
        typer.BadParameter: for what is no number.
    """
    if any(math.isnan(number) for number in (value if isinstance(value, list) else [value or 0])):
        raise typer.BadParameter("'nan' is no number.")
    return value


EnvironmentOption = Annotated[
    str,
    typer.Option(
        "--environment",
        callback=require_environment,
        help="The app's environment, one of those in cdk.json.",
        show_default="the one that cdk.json names",
    ),
]
OwnAccountOption = Annotated[bool, typer.Option("--aws", help="Use your AWS account, not the embedded AWS.")]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace the file that is to be written, if it is there.")
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document, on one line, and no more.")
]
DATA_HELP = (
    "Your own data: folders of images or recordings, a table (.csv, .tsv, .jsonl, .json, .parquet) or an .npz"
)
LabelOption = Annotated[str | None, typer.Option("--label", help="With --data: the column of the classes.")]
TextOption = Annotated[str | None, typer.Option("--text", help="With --data: the column of the texts.")]
ImageOption = Annotated[
    str | None, typer.Option("--image", help="With --data: the column of the images' paths.")
]
GroupOption = Annotated[
    str | None,
    typer.Option("--group", help="With --data: the column of what belongs together, such as a person."),
]
TimeOption = Annotated[
    str | None, typer.Option("--time", help="With --data: the column that orders steps, or else the samples.")
]
WindowOption = Annotated[
    int | None,
    typer.Option(min=1, max=MOST, help="With --data: cut sequences into windows of so many steps."),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]


def require_metric(name: str) -> str:
    """The metric, checked while the words are read.

    Raises:
        CommandFailed: when there is none of this name.
    """
    if name not in (AUTO, *METRICS):
        raise CommandFailed(f"There is no metric '{name}'; there are: {', '.join((AUTO, *METRICS))}.")
    return name


MetricOption = Annotated[
    str,
    typer.Option(
        "--metric",
        callback=require_metric,
        help=f"What decides: {', '.join(METRICS)}; auto is balanced accuracy where a class is rare, else accuracy.",
    ),
]
KindArgument = Annotated[
    str, typer.Argument(metavar="|".join(KINDS), help=f"Which network: {KINDS_IN_WORDS}.")
]


def example(text: str) -> str:
    """The epilogue of a command's help."""
    return f"[bold]Example:[/bold] {text}"


def require_kind(kind: str | None) -> str:
    """The kind of network, checked.

    Raises:
        CommandFailed: when there is no such network.
    """
    if kind not in NETWORKS:
        raise CommandFailed(f"'{kind or ''}' is no kind of network: say one of {KINDS_IN_WORDS}.")
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


def show(facts: Any, as_json: bool, text: str, problem: str | None = None) -> None:
    """Prints a result: a document for a program, else the text.

    Args:
        facts: the result, whatever `json` can write.
        as_json: print the document.
        text: what a person is shown.
        problem: why the command is going to end with another status than 0 in spite of its result.
    """
    if as_json:
        say_document(document(facts, problem))
    else:
        say(text)


def document(result: Any, problem: str | None = None) -> dict[str, Any]:
    """What every command prints with --json: whether its status is 0, the result, and why the status is not 0."""
    error = {"error": {"message": problem}} if problem else {}
    return {"ok": not problem, **error, **({} if result is None else {"result": result})}


def confirm(deed: str, place: str, is_sure: bool) -> None:
    """Asks before something is taken away, and names the AWS in which that is going to happen.

    Args:
        deed: what is going to be done.
        place: which AWS it is done in; see `Target.place`.
        is_sure: whether the person said so already.

    Raises:
        CommandFailed: when the answer is no, or there is nobody to ask.
    """
    if is_sure:
        return
    question = f"{deed} in {place}?"
    if not sys.stdin.isatty():
        raise CommandFailed(f"{question} There is no terminal to ask in: --yes says so. Nothing was done.")
    if not typer.confirm(visible(question), err=True):
        raise CommandFailed("Nothing was done.")
