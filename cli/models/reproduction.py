"""A run as a registered version was trained, with its data, hyperparameters and gate; and what has changed since."""

from __future__ import annotations

import hashlib

from cli.models import release as releases
from cli.models.training import MakeReady, Ready, checked
from cli.shared.consoles import say
from cli.shared.errors import CommandFailed
from cli.shared.progress import Progress
from cli.shared.target import Target
from definitions.names import LISTED_OBJECTS
from definitions.parameters import DATA_BUCKET, TRAINING_STATE_MACHINE

HYPERPARAMETER = "hyperparameter."


def ready_as(kind: str, version: str, changes: dict[str, str]) -> MakeReady:
    """What finds out how a version was trained, and tells where the code or the data are no longer the same.

    Args:
        kind: of network.
        version: in the registry.
        changes: of its hyperparameters.
    """

    def make_ready(target: Target, progress: Progress) -> Ready:
        with progress.step(f"Reading how version {version} of the {kind.upper()} was trained"):
            ready, differences = run_of(target, kind, version, changes)
        for sentence in differences:
            say(sentence, err=True)
        return ready

    return make_ready


def run_of(target: Target, kind: str, version: str, changes: dict[str, str]) -> tuple[Ready, list[str]]:
    """The run, and a sentence for each thing that differs from the version's.

    Raises:
        CommandFailed: when there is no such version, or it was registered by hand and does not say.
    """
    if not version.isdecimal():
        raise CommandFailed(f"--like wants the number of a registered version, and '{version}' is none.")
    properties = releases.describe_version(target, kind, version).get("CustomerMetadataProperties", {})
    if "training_data" not in properties:
        raise CommandFailed(
            f"Version {version} of {releases.endpoint_name(target, kind)} was registered by hand, and does not say how "
            "it was trained."
        )
    hyperparameters = {
        name.removeprefix(HYPERPARAMETER): value
        for name, value in properties.items()
        if name.startswith(HYPERPARAMETER)
    }
    uri = properties.get("data_source", properties["training_data"]).rstrip("/")
    ready = Ready(
        kind, uri, checked(kind, {**hyperparameters, **changes}), float(properties["minimum_accuracy"])
    )
    differences = []
    if digest_of(target, uri) != properties["data_version"]:
        differences.append(f"The objects below {uri} are not those that version {version} was trained on.")
    code = properties["source_archive"]
    machine = target.client("stepfunctions").describe_state_machine(
        stateMachineArn=target.parameter(TRAINING_STATE_MACHINE)
    )
    if code not in machine["definition"]:
        differences.append(
            f"The code that is deployed is not that of version {version}, which is {code}: deploy that one first to "
            "train the same model."
        )
    return ready, differences


def digest_of(target: Target, uri: str) -> str:
    """The digest over names and entity tags below a place of the data bucket, as the state machine makes it."""
    bucket = target.parameter(DATA_BUCKET)
    listed = target.client("s3").list_objects_v2(
        Bucket=bucket, Prefix=f"{uri.removeprefix(f's3://{bucket}/')}/", MaxKeys=LISTED_OBJECTS
    )
    tags = " ".join(f"{entry['Key']} {entry['ETag']}" for entry in listed.get("Contents", []))
    return hashlib.sha256(tags.encode()).hexdigest()
