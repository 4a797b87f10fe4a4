"""A model's server reaches AWS as its container does: by its role, in its region, and not at all in isolation."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local_aws.sagemaker import models
from local_aws.sagemaker.container_logs import LogPlace
from local_aws.sagemaker.names import Names

IMAGE = "763104351884.dkr.ecr.eu-west-3.amazonaws.com/tensorflow-inference:2.20-cpu-py312"
ROLE = "arn:aws:iam::000000000000:role/of-the-model"
URL = "http://127.0.0.1:4566"


@pytest.fixture
def environment_of(tmp_path: Path, monkeypatch):
    """Starts a model's server, of which nothing but the environment is made."""
    taken: dict[str, str] = {}

    def take(module: str, folder: Path, environment: dict[str, str], follow: Any) -> None:
        taken.update(environment)

    monkeypatch.setattr(models, "download_archive", lambda *_: None)
    monkeypatch.setattr(models, "start_process", take)
    client = SimpleNamespace(meta=SimpleNamespace(endpoint_url=URL))
    made = models.Models(Names(region="eu-west-3"), None, tmp_path, lambda service, role=None: client)
    made.require = lambda *_: None

    def start(**members: Any) -> dict[str, str]:
        container = {
            "Image": IMAGE,
            "ModelDataUrl": "s3://bucket/model.tar.gz",
            "Environment": {"MODEL_VERSION": "7"},
        }
        made.create_model(
            {"ModelName": "one", "PrimaryContainer": container, "ExecutionRoleArn": ROLE, **members}
        )
        made.start_server("endpoint", {"ModelName": "one"}, LogPlace.of_endpoint("endpoint", "primary"))
        return taken

    return start


def test_a_server_has_its_roles_credentials_and_its_region(environment_of):
    environment = environment_of()
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert environment["AWS_SESSION_TOKEN"]
    assert (environment["AWS_REGION"], environment["AWS_ENDPOINT_URL"]) == ("eu-west-3", URL)
    assert environment["MODEL_VERSION"] == "7"


def test_a_server_in_isolation_has_no_credentials(environment_of):
    environment = environment_of(EnableNetworkIsolation=True)
    assert {name for name in environment if name.startswith("AWS_")} == {"AWS_REGION"}
