"""Deletes the registered versions of an environment whose data goes with its stacks, so that nothing of it is left."""

from __future__ import annotations

from collections.abc import Callable

from cli.models.release import VERSION_PARAMETER, stack_parameters, versions_of
from cli.shared.errors import CommandFailed
from cli.shared.project import settings_of
from cli.shared.target import Target


def require_removable(target: Target) -> None:
    """Refuses what would take away a version that is kept or serves.

    Raises:
        CommandFailed: for an environment that keeps its data, and where an endpoint still serves one of them.
    """
    if settings_of(target.environment).storage.keep_data_when_destroyed:
        raise CommandFailed(
            f"{target.environment} keeps its registered versions, as storage.keep_data_when_destroyed in cdk.json "
            "says: delete them one by one in the model registry."
        )
    serving = served_kinds(target)
    if serving:
        destroy = target.cdk_command(f"destroy {target.stack_name('Inference')}")
        raise CommandFailed(
            f"Still serving: {', '.join(kind.upper() for kind in serving)}. "
            + (
                "The embedded AWS goes with everything in it: recognition down"
                if target.is_embedded
                else f"Take the endpoints away first: {destroy}"
            )
        )


def remove_versions(target: Target, on_detail: Callable[[str], None]) -> dict[str, int]:
    """Deletes every version of both kinds; returns how many of each. SageMaker deletes no group that still has some.

    Raises:
        CommandFailed: as `require_removable` does.
    """
    require_removable(target)
    removed = {}
    for kind in VERSION_PARAMETER:
        packages = versions_of(target, kind)
        for package in packages:
            on_detail(f"deleting version {package['ModelPackageVersion']} of the {kind.upper()}")
            target.client("sagemaker").delete_model_package(ModelPackageName=package["ModelPackageArn"])
        removed[kind] = len(packages)
    return removed


def served_kinds(target: Target) -> list[str]:
    """The kinds of which the inference stack says that a version serves; none without the stack."""
    try:
        parameters = stack_parameters(target.client("cloudformation"), target.stack_name("Inference"))
    except CommandFailed:
        return []
    return [kind for kind, name in VERSION_PARAMETER.items() if parameters.get(name)]
