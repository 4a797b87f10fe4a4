"""The `recognition` command line: its groups of commands, and how a failure ends."""

from __future__ import annotations

import os
import sys

import typer
from rich.console import Console

from cli import (
    bulk_commands,
    decision_commands,
    local_commands,
    model_commands,
    removal_commands,
    transform_commands,
)
from cli.arguments import INTERRUPTED
from cli.errors import CommandFailed

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Recognition on AWS: decide, build and deploy, in an AWS account or on this machine.",
)
for group in (
    local_commands,
    model_commands,
    transform_commands,
    bulk_commands,
    decision_commands,
    removal_commands,
):
    app.add_typer(group.app)


def run() -> None:
    """Runs the command line; a failure ends in a sentence on standard error and a non-zero exit status."""
    from botocore.exceptions import BotoCoreError, ClientError

    from local_aws.launcher import EmbeddedAwsFailed, loopback_without_proxy
    from model_code.outputs import OutputRefused

    os.environ.update(loopback_without_proxy())
    errors = Console(stderr=True, highlight=False)
    try:
        app()
    except (CommandFailed, EmbeddedAwsFailed, OutputRefused) as error:
        errors.print("[bold red]Failed:[/bold red]", end=" ")
        errors.print(str(error), markup=False, soft_wrap=True)
        sys.exit(1)
    except ModuleNotFoundError as error:
        errors.print("[bold red]Failed:[/bold red]", end=" ")
        errors.print(
            f"This command needs {error.name}, which is not installed. In a checkout of the project, "
            "`make demo` installs it, or: pip install '.[local]'",
            markup=False,
            soft_wrap=True,
        )
        sys.exit(1)
    except OSError as error:
        errors.print("[bold red]Failed:[/bold red]", end=" ")
        reason = f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror or error}."
        errors.print(reason, markup=False, soft_wrap=True)
        sys.exit(1)
    except (ClientError, BotoCoreError) as error:
        errors.print("[bold red]Failed:[/bold red] AWS refused a call.", end=" ")
        errors.print(str(error), markup=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        errors.print("Stopped.")
        sys.exit(INTERRUPTED)
