"""The command that tells what answers should have been."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from cli.shared.errors import CommandFailed
from cli.shared.options import (
    DEFAULT_ENVIRONMENT,
    EnvironmentOption,
    JsonOption,
    KindArgument,
    OwnAccountOption,
    example,
    require_kind,
    show,
)
from cli.shared.progress import Progress
from cli.shared.project import settings_of
from definitions.counts import counted

app = typer.Typer()


@app.command(
    epilog=example("recognition label cnn --data labels.csv; recognition label cnn c6af9ac6-7b61=horse")
)
def label(
    kind: KindArgument,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID=LABEL]...", help="A request's id, as its answer's details name it."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--data", help="A table of them (.csv, .tsv, .jsonl, .json, .parquet), here or below s3://."
        ),
    ] = None,
    request: Annotated[
        str | None, typer.Option("--request", help="With --data: the column of the requests' ids.")
    ] = None,
    label_column: Annotated[
        str | None, typer.Option("--label", help="With --data: the column of the labels.")
    ] = None,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Tell what answers should have been, once it is known; a daily job holds the network's answers against it."""
    from cli.models import labels
    from cli.shared.embedded import choose_target
    from cli.shared.local_copies import on_this_machine

    require_kind(kind)
    if bool(words) == bool(source):
        raise CommandFailed("Say either labels as ID=LABEL or a table of them with --data.")
    expected = labels.expected_by(settings_of(environment))
    given = labels.of_words(words or [])
    target = choose_target(environment, own_account=own_account)
    if source:
        with (
            Progress().step(f"Reading {source}") as detail,
            on_this_machine(source, partial(lambda there: there, target), detail) as file,
        ):
            given = labels.of_table(file, request, label_column)
    place = labels.send(target, kind, given)
    show(
        {"labels": len(given), "place": place},
        as_json,
        f"{counted(len(given), 'label')} in {place}. A day's answers are held against their labels "
        f"{expected.after_days} days later.",
    )
