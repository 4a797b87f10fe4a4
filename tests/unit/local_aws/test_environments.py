"""Children see a few variables of the user's; npm alone sees all."""

from __future__ import annotations

import os

import pytest

from local_aws import environments
from local_aws.sagemaker.containers import process_environment

USERS = {
    "PATH": "/usr/bin",
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "GITHUB_TOKEN": "secret",
    "HTTP_PROXY": "http://user:secret@proxy.example",
}


@pytest.fixture
def environment(monkeypatch) -> dict[str, str]:
    """The user's, as the embedded AWS finds it when it starts."""
    monkeypatch.setattr(os, "environ", dict(USERS))
    monkeypatch.setattr(environments, "withheld", {})
    return os.environ


def test_what_is_not_named_is_taken_out(environment):
    environments.keep_what_children_may_see(environment)
    assert environment == {"PATH": "/usr/bin", "LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1"}


def test_npm_gets_all_of_it_back(environment):
    environments.keep_what_children_may_see(environment)
    assert USERS.items() <= environments.of_the_user().items()


def test_a_container_sees_what_is_allowed_and_its_own(environment):
    seen = process_environment({"SM_HOSTS": "[]"})
    assert (seen["OMP_NUM_THREADS"], seen["SM_HOSTS"]) == ("1", "[]")
    assert not [value for value in seen.values() if "secret" in value]


def test_a_container_finds_no_profile_of_the_users(environment):
    seen = process_environment({})
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        assert seen[name] == os.devnull
