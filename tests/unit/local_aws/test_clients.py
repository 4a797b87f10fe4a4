"""Clients that several threads share."""

from __future__ import annotations

import boto3
import pytest
from botocore.errorfactory import ClientExceptionsFactory

from local_aws.iam.clients import Clients
from local_aws.keys import Keys


def test_a_clients_error_classes_are_there_before_two_threads_make_them_twice(monkeypatch):
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    client = Clients("http://127.0.0.1:1", Keys.made())("logs")
    monkeypatch.setattr(
        ClientExceptionsFactory, "_create_client_exceptions", lambda *_: pytest.fail("They are made anew.")
    )
    assert issubclass(client.exceptions.ResourceAlreadyExistsException, client.exceptions.ClientError)
