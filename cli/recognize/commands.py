"""The commands that ask models: recognize and replay."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from cli.shared.consoles import Console
from cli.shared.errors import CommandFailed, interruption_says
from cli.shared.options import (
    DEFAULT_ENVIRONMENT,
    MOST,
    EnvironmentOption,
    JsonOption,
    OverwriteOption,
    OwnAccountOption,
    example,
    show,
)
from cli.shared.tables import new_table
from definitions.counts import counted

app = typer.Typer()


class WithWords(TyperCommand):
    """A command that is given texts; the refusal of one that begins with a dash says how it is given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Reads the words of the command."""
        texts = [word for word in args if word.startswith("-") and any(map(str.isspace, word))]
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            if texts:
                error.message += f'. If "{texts[0]}" is a text, give it behind --text.'
            raise


@app.command(cls=WithWords, epilog=example("recognition recognize photo.jpg --show found.png"))
def recognize(
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE|TEXT|-]",
            help="A file of an image, a text or readings; where there is no such file, a text; - reads standard input.",
        ),
    ] = None,
    text: Annotated[str | None, typer.Option("--text", help="A text, whatever it looks like.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="A file, whatever its name looks like.")] = None,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    own_account: OwnAccountOption = False,
    picture: Annotated[
        Path | None, typer.Option("--show", help="Draw boxes and labels into this .png or .jpg file.")
    ] = None,
    overwrite: OverwriteOption = False,
    entities: Annotated[
        bool, typer.Option("--entities", help="Print a text with its entities marked.")
    ] = False,
    watch: Annotated[
        Path | None, typer.Option(help="Ask about every file that appears in this folder.")
    ] = None,
    asynchronous: Annotated[
        bool, typer.Option("--asynchronous", help="Ask our network's asynchronous endpoint, and no other.")
    ] = False,
    to_zero: Annotated[
        bool, typer.Option("--to-zero", help="Ask our network's endpoint that scales to zero, and no other.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Ask the managed service and our own model about an image or a text, or our own about a sensor's readings."""
    from cli.recognize import subjects
    from cli.recognize.request import ask_own_and_show, recognize_and_show, require_options
    from cli.recognize.watch import new_files
    from cli.shared.embedded import choose_target

    if sum(given is not None for given in (subject, text, file, watch)) != 1:
        raise CommandFailed(
            "Say what to recognize, once: a file or a text, --file, --text, or --watch with a folder."
        )
    if watch is None:
        if subject is not None:
            chosen = subjects.subject_of(subject)
        else:
            chosen = subjects.subject_in_file(file) if file else subjects.subject_in_words(text or "")
        require_options(chosen, picture=picture, overwrite=overwrite, entities=entities)
        target = choose_target(environment, own_account=own_account)
        if asynchronous or to_zero:
            if (asynchronous and to_zero) or picture or entities:
                raise CommandFailed(
                    "--asynchronous and --to-zero stand alone, without --show and --entities."
                )
            ask_own_and_show(target, chosen, "asynchronous" if asynchronous else "to-zero", as_json=as_json)
            return
        if not recognize_and_show(
            target, chosen, picture=picture, overwrite=overwrite, entities=entities, as_json=as_json
        ):
            raise typer.Exit(1)
        return
    if picture or asynchronous or to_zero:
        raise CommandFailed(
            "--show, --asynchronous and --to-zero are of one subject, and do not go with --watch."
        )
    target = choose_target(environment, own_account=own_account)
    Console(stderr=True).print(f"Watching {watch} for {', '.join(subjects.CONTENT_TYPES)}; Ctrl-C ends it.")
    with interruption_says(f"Stopped watching {watch}: nothing goes on."):
        for appeared in new_files(watch, subjects.CONTENT_TYPES):
            try:
                chosen = subjects.subject_in_file(appeared)
                require_options(chosen, entities=entities)
                recognize_and_show(target, chosen, entities=entities, as_json=as_json)
            except CommandFailed as error:
                # One file that cannot be asked about is no reason to leave the next ones alone.
                Console(stderr=True).print(str(error), soft_wrap=True)
                if as_json:
                    show(None, True, "", problem=str(error))


@app.command(epilog=example("recognition replay answers.jsonl --requests-per-month 100000"))
def replay(
    records: Annotated[
        Path, typer.Argument(help="JSON Lines: truth, and label and score of own and managed.")
    ],
    first: Annotated[str, typer.Option(help="Which is asked first: own or managed.")] = "own",
    requests_per_month: Annotated[
        int, typer.Option(min=1, max=MOST, help="For the cost of a month.")
    ] = 100_000,
    as_json: JsonOption = False,
) -> None:
    """Show what each threshold of a cascade would have done to accuracy and cost."""
    from cli.recognize.replay import effects, read_records

    if first not in ("own", "managed"):
        raise CommandFailed(f"--first is own or managed, and not '{first}'.")
    recorded = read_records(records)
    rows = effects(recorded, first)
    if as_json:
        show([vars(effect) for effect in rows], True, "")
        return
    table = new_table(
        "Threshold", "Accuracy", "Second asked", "US$ a month", title=counted(len(recorded), "record")
    )
    for effect in rows:
        usd = effect.usd_per_request
        table.add_row(
            f"{effect.threshold:.2f}",
            f"{effect.accuracy:.4f}",
            f"{effect.second_share:.1%}",
            "unknown" if usd is None else f"{usd * requests_per_month:,.2f}",
        )
    Console().print(table)
