"""The `recognition` command line: its groups of commands, and how a failure ends."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from importlib import metadata
from types import TracebackType
from typing import Annotated

import typer
from rich.text import Text
from typer.exceptions import TyperException

from cli.advise import commands as advise_commands
from cli.bakeoff import commands as bakeoff_commands
from cli.bulk import commands as bulk_commands
from cli.load import commands as load_commands
from cli.local import commands as local_commands
from cli.models import commands as model_commands
from cli.models import label_commands, removal_commands, transform_commands
from cli.plan import commands as plan_commands
from cli.recognize import commands as recognize_commands
from cli.shared.command_group import Commands, Stopped
from cli.shared.consoles import Console, say, say_document
from cli.shared.disks import told
from cli.shared.errors import CommandFailed
from cli.shared.options import INTERRUPTED, document
from cli.shared.project import BUILD
from cli.shared.terminal import prepare, require_utf8
from definitions.refused_files import FIRST_STEPS, first_step

ENDED_BY_SIGPIPE = 128 + signal.SIGPIPE

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Recognition on AWS: decide, build and deploy, in an AWS account or on this machine.",
)
for group in (
    local_commands,
    model_commands,
    recognize_commands,
    label_commands,
    transform_commands,
    bulk_commands,
    load_commands,
    plan_commands,
    advise_commands,
    bakeoff_commands,
    removal_commands,
):
    app.add_typer(group.app)


def tell_version(wanted: bool) -> None:
    """Ends the command with the project's version."""
    if wanted:
        say(f"recognition {metadata.version('recognition-on-aws')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=tell_version, help="Show the version.")
    ] = False,
) -> None:
    """What may stand before every command."""


def run() -> None:
    """Runs the command line; a failure ends in a sentence on standard error and a non-zero exit status.

    With --json the same is one document on standard output. A fault of our own leaves its trace in a file. Where
    whoever reads the output has gone, it ends without a word.
    """
    require_utf8()
    try:
        status = status_of_command()
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
    except BrokenPipeError:
        # Python writes what is left when it ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for number in (1, 2):
            os.dup2(nowhere, number)
        status = ENDED_BY_SIGPIPE
    sys.exit(status or 0)


def status_of_command() -> int | None:
    """Runs the command line and tells of a failure; the exit status, which may be None for 0."""

    from botocore.exceptions import BotoCoreError, ClientError

    from local_aws.launcher import EmbeddedAwsFailed, loopback_without_proxy
    from model_code.outputs import OutputRefused

    os.environ.update(loopback_without_proxy())
    prepare()
    sys.excepthook = tell_fault
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        status = typer.main.get_command(app).main(prog_name="recognition", standalone_mode=False)
    except TyperException as error:
        from typer.rich_utils import rich_format_error

        # It is declared for the class that typer carries of click, and formats typer's own too.
        rich_format_error(error)  # pyright: ignore[reportArgumentType]
        status = refuse(error.format_message(), error.exit_code)
    except (Stopped, typer.Abort) as error:
        sentence = str(error) or "Stopped: nothing was done."
        tell(Text(), sentence)
        status = refuse(sentence, INTERRUPTED)
    except (CommandFailed, EmbeddedAwsFailed, OutputRefused) as error:
        status = fail(str(error))
    except ModuleNotFoundError as error:
        status = fail(
            f"This command needs {error.name}, which is not installed. In a checkout of the project, "
            "`make demo` installs it, or: pip install '.[local]'"
        )
    except ClientError as error:
        status = fail(f"AWS refused a call. {error}")
    except BotoCoreError as error:
        from cli.shared.embedded import unreachable

        status = fail(
            unreachable(error.kwargs.get("endpoint_url") or "") or f"AWS could not be asked. {error}"
        )
    # Behind botocore's, some of which are of this class too.
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename else f"{error.strerror or error}"
        status = fail(f"{reason}. {first_step(error)}." if error.errno in FIRST_STEPS else f"{reason}.")
    finally:
        signal.signal(signal.SIGTERM, before)
    return status


def fail(sentence: str) -> int:
    """Tells why a command failed, and of a full disk where that is behind it; its exit status."""
    sentence += told(sentence)
    tell(Text("Failed: ", "bold red"), sentence)
    return refuse(sentence, 1)


def tell(head: Text, sentence: str) -> None:
    """Prints a sentence on standard error as it is, behind a head with its style."""
    errors = Console(stderr=True, highlight=False)
    errors.print(head, end="")
    errors.print(sentence, soft_wrap=True)


def refuse(sentence: str, status: int) -> int:
    """The exit status of a failed command, which with --json also prints its document."""
    words = sys.argv[1:]
    if "--json" in words[: words.index("--") if "--" in words else None]:
        say_document(document(None, sentence))
    return status


def tell_fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """For `sys.excepthook`: the trace of a fault of our own goes into a file, and a sentence says where it is."""
    file = BUILD / "fault.txt"
    words = "".join(traceback.format_exception(kind, error, trace))
    try:
        BUILD.mkdir(exist_ok=True)
        file.write_text(words, encoding="utf-8")
        where = f"Its trace is in {file}."
    except OSError as refusal:
        where = f"{file} cannot be written ({refusal.strerror}), so here is its trace:\n{words}"
    fail(f"This is a fault of `recognition` itself: {kind.__name__}. {where}")
