"""The deployment and its first version; the fixtures, not a test's place, say in which state it begins."""

from __future__ import annotations

import io
import json
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.models import release, training
from cli.recognize.request import Reply
from cli.shared import deploy
from cli.shared.embedded import embedded_target
from cli.shared.target import Target
from local_aws.launcher import EmbeddedAws
from model_code.data.archives import opened, unpack_files

from .reviews import SMALL, classify, serve, silent, train, write_reviews


@pytest.fixture(autouse=True)
def noted(permissions, request) -> None:
    """Notes that a file of these tests had its turn; see tests/permissions.py."""
    permissions.files.add(request.path.name)


@pytest.fixture(scope="package")
def state_directory(tmp_path_factory) -> Path:
    """Where the embedded AWS of these tests keeps what it has."""
    return tmp_path_factory.mktemp("deployed") / "state"


@pytest.fixture(scope="package")
def running(state_directory):
    """The embedded AWS of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        # ministack shortens the waits of state machines by this factor.
        patch.setenv("SFN_WAIT_SCALE", "0.05")
        running = EmbeddedAws.start(state_directory, log_file=state_directory.with_name("aws.log"))
    with running:
        yield running


@pytest.fixture(scope="package")
def target(permissions, running, state_directory, tmp_path_factory) -> Iterator[Target]:
    """The app, freshly deployed; nothing is trained yet. In the end it is taken away, and what is left is noted."""
    with pytest.MonkeyPatch.context() as patch:
        # Another process of the tests may deploy at the same time.
        patch.setattr(deploy, "BUILD", tmp_path_factory.mktemp("build"))
        made = embedded_target("dev", running.endpoint_url, running.keys)
        deploy.deploy(made, silent)
        yield made
    permissions.end(made, state_directory)


@dataclass(frozen=True)
class Unreleased:
    """What was to be seen of our network before any version of it was there."""

    reply: Reply
    served: str | None


@pytest.fixture(scope="package")
def unreleased(target) -> Unreleased:
    """How the deployment was before its first version, which comes after this."""
    served = release.served_version(target.client("sagemaker"), release.endpoint_name(target, "rnn"))
    return Unreleased(classify(target, "A film."), served)


@pytest.fixture(scope="package")
def first_version(target, unreleased, tmp_path_factory) -> training.Registered:
    """A model that passed the gate and is registered; every other version comes after it."""
    return train(target, write_reviews(tmp_path_factory.mktemp("told"), told_by_words=True), SMALL)


@pytest.fixture
def released(target, first_version) -> str:
    """The first version, which serves when the test begins, whatever the test before it left."""
    serve(target, first_version.version)
    return first_version.version


@dataclass(frozen=True)
class Upgrade:
    """What was there before the app was deployed again with other settings, what after, and what is captured since."""

    before: dict[str, Any]
    after: dict[str, Any]
    captured: int


@pytest.fixture(scope="package")
def upgrade(target, first_version, tmp_path_factory) -> Upgrade:
    """The first version serves, and the app gets what is watched, what scales, a canary, a place for a shadow."""
    serve(target, first_version.version)
    before = what_stays(target)
    folder = tmp_path_factory.mktemp("upgrade")
    changed = json.loads((deploy.ROOT / "cdk.json").read_text())
    changed["app"] = shlex.join([sys.executable, str(deploy.ROOT / "app.py")])
    dev = changed["context"]["environments"]["dev"]
    drift = {"labels": {}, "retrain_on": {"cnn": "no-pictures-yet", "rnn": "no-reviews-yet"}}
    dev["monitoring"] = {"dashboard": True, "capture": {}, "drift": drift}
    # A fleet of one would not be split; at the embedded AWS's pace the wait is a bit more than a second.
    canary = {"canary_percent": 50, "canary_wait_seconds": 600}
    scaling = {"minimum_instances": 2, "maximum_instances": 4}
    dev["inference"] |= {"autoscaling": scaling, "shadow_percent": 100, **canary}
    (folder / "cdk.json").write_text(json.dumps(changed))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deploy, "ROOT", folder)
        deploy.deploy(target, silent)
    # What the autoscaling would bring at its next look, in the middle of a test.
    least = {"VariantName": "primary", "DesiredInstanceCount": scaling["minimum_instances"]}
    target.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName=release.endpoint_name(target, "rnn"), DesiredWeightsAndCapacities=[least]
    )
    after = what_stays(target)
    listed = target.client("s3").list_objects_v2(
        Bucket=target.parameter("data-bucket"), Prefix="captured/recognition-dev-rnn/primary/"
    )
    return Upgrade(before, after, listed["KeyCount"])


def what_stays(target: Target) -> dict[str, Any]:
    """What no deployment may change, and whom the API asks."""
    return {
        "buckets": [target.parameter(name) for name in ("data-bucket", "model-bucket")],
        "versions": release.list_versions(target, "rnn"),
        "serves": classify(target, "A film.").body["model"]["version"],
    }


@pytest.fixture(scope="package")
def local_model(target, first_version, tmp_path_factory) -> Path:
    """The first version's artefact unpacked, as training on this machine leaves it."""
    package = target.client("sagemaker").describe_model_package(
        ModelPackageName=first_version.model_package_arn
    )
    (container,) = package["InferenceSpecification"]["Containers"]
    bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    content = target.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    folder = tmp_path_factory.mktemp("local") / "model"
    with opened(io.BytesIO(content)) as archive:
        unpack_files(archive, folder)
    return folder
