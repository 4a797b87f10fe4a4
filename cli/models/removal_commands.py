"""The command that clears an environment's registry before its stacks are destroyed."""

from __future__ import annotations

import typer

from cli.shared.options import (
    DEFAULT_ENVIRONMENT,
    EnvironmentOption,
    JsonOption,
    OwnAccountOption,
    YesOption,
    confirm,
    example,
    show,
)
from cli.shared.progress import Progress

app = typer.Typer()


@app.command(epilog=example("recognition remove-versions --aws"))
def remove_versions(
    is_sure: YesOption = False,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Delete the versions of an environment that keeps no data, so that `cdk destroy --all` leaves nothing."""
    from cli.models import removal
    from cli.shared.embedded import choose_target

    target = choose_target(environment, own_account=own_account, needs_app=False)
    removal.require_removable(target)
    confirm(f"Delete every registered version of {environment}", target.place(), is_sure)
    with Progress().step(f"Deleting the registered versions of {environment}") as detail:
        removed = removal.remove_versions(target, detail)
    counts = " and ".join(f"{count} of the {kind.upper()}" for kind, count in removed.items())
    show(removed, as_json, f"Deleted: {counts}.")
