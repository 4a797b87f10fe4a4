"""The steps from a model on this machine to an endpoint that serves it, each with its progress."""

from __future__ import annotations

from pathlib import Path

from cli.models import own_model
from cli.models import release as releases
from cli.models.archive import Model
from cli.shared.errors import CommandFailed, interruption_says
from cli.shared.progress import Progress
from cli.shared.target import Target
from stacks.settings import EnvironmentSettings


def register(
    target: Target,
    kind: str,
    model: Model,
    settings: EnvironmentSettings,
    progress: Progress,
    *,
    approve: bool,
    evaluation: Path | None = None,
) -> str:
    """Registers a model, with its evaluation where there is one; returns its version.

    Raises:
        CommandFailed: when it waits for an approval that `approve` does not give; see `own_model.register` besides.
    """
    approval = settings.training.approval
    nothing = interruption_says("Stopped before the release: the endpoint keeps what it serves.")
    with nothing, progress.step(f"Registering the {kind.upper()} in {model.place}") as detail:
        version = own_model.register(target, kind, model, approval, detail, evaluation)
    if approval != releases.APPROVED and not approve:
        raise CommandFailed(own_model.waits(target, kind, version, on_approval=settings.release.on_approval))
    return version


def release(target: Target, kind: str, version: str, progress: Progress, *, approve: bool) -> dict[str, str]:
    """Releases a registered version; returns the endpoint and the version. See `releases.release` for errors."""
    if approve:
        releases.approve(target, kind, version)
    goes_on = interruption_says(releases.what_goes_on(target, kind))
    with (
        goes_on,
        progress.step(f"Releasing the {kind.upper()} version {version} by a stack update") as detail,
    ):
        releases.release(target, kind, version, detail)
    return {"endpoint": releases.endpoint_name(target, kind), "version": version}


def sentence(released: dict[str, str]) -> str:
    """What was released, in words."""
    return f"The endpoint {released['endpoint']} serves version {released['version']}."
