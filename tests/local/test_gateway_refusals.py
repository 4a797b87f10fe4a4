"""Whatever the embedded AWS refuses before a method runs has the form that the API's gateway responses give it."""

from __future__ import annotations

import datetime
import gzip
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local_aws.compressed_requests import MOST_BYTES

from .roles import create_role

KINDS = (
    *("DEFAULT_4XX", "MISSING_AUTHENTICATION_TOKEN", "INVALID_SIGNATURE", "ACCESS_DENIED"),
    *("REQUEST_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"),
)


@pytest.fixture(scope="module")
def url(client, aws) -> str:
    """The address of an API that wants signed requests, and says of each refusal what kind it is."""
    gateway = client("apigateway")
    api = gateway.create_rest_api(name="refusing")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    place = {"restApiId": api, "resourceId": root, "httpMethod": "POST"}
    gateway.put_method(**place, authorizationType="AWS_IAM")
    gateway.put_integration(**place, type="MOCK")
    for kind in KINDS:
        gateway.put_gateway_response(
            restApiId=api,
            responseType=kind,
            responseTemplates={"application/json": json.dumps({"kind": kind})},
        )
    gateway.create_deployment(restApiId=api, stageName="dev")
    return f"{aws.endpoint_url}/_aws/execute-api/{api}/dev/"


@pytest.fixture(scope="module")
def send(url, aws) -> Callable[..., tuple[int, Any]]:
    """Sends a signed request; returns its status and what the answer says."""

    def ask(
        method: str = "POST",
        keys: Credentials | None = None,
        body: bytes = b"",
        place: str = url,
        region: str = "us-east-1",
        service: str = "execute-api",
        **headers: str,
    ) -> tuple[int, Any]:
        request = AWSRequest(method, place, headers, body)
        keys = keys or Credentials(aws.keys.access_key_id, aws.keys.secret_access_key)
        SigV4Auth(keys, service, region).add_auth(request)
        answer = requests.request(method, place, data=body, headers=dict(request.headers), timeout=60)
        return answer.status_code, answer.json()

    return ask


def test_what_is_not_signed_is_refused_in_the_apis_form(url):
    answer = requests.post(url, timeout=60)
    assert (answer.status_code, answer.json()) == (403, {"kind": "MISSING_AUTHENTICATION_TOKEN"})
    assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"


def test_another_method_or_path_is_refused_in_the_apis_form(send, url):
    assert send("GET") == (403, {"kind": "MISSING_AUTHENTICATION_TOKEN"})
    assert send(place=f"{url}elsewhere") == (403, {"kind": "MISSING_AUTHENTICATION_TOKEN"})


def test_a_wrong_secret_is_refused_in_the_apis_form(send, aws):
    wrong = Credentials(aws.keys.access_key_id, "x" * 40)
    assert send(keys=wrong) == (403, {"kind": "INVALID_SIGNATURE"})


@pytest.mark.parametrize(
    "scope", [{"region": "eu-west-1"}, {"service": "lambda"}], ids=lambda scope: next(iter(scope))
)
def test_who_signs_for_another_region_or_service_is_refused(send, scope):
    assert send(**scope) == (403, {"kind": "INVALID_SIGNATURE"})


def test_an_unknown_key_is_refused_in_the_apis_form(send):
    assert send(keys=Credentials("AKIAIOSFODNN7EXAMPLE", "x" * 40)) == (403, {"kind": "DEFAULT_4XX"})


def test_a_clock_that_is_off_is_refused_in_the_apis_form(send, monkeypatch):
    hours_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=3)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: hours_ago)
    assert send() == (403, {"kind": "INVALID_SIGNATURE"})


@pytest.fixture
def ask_by_address(url, aws) -> Callable[[Credentials | None], requests.Response]:
    """Asks by an address with a signature in it that holds for a minute."""

    def ask(keys: Credentials | None = None) -> requests.Response:
        request = AWSRequest("POST", url)
        keys = keys or Credentials(aws.keys.access_key_id, aws.keys.secret_access_key)
        SigV4QueryAuth(keys, "execute-api", "us-east-1", expires=60).add_auth(request)
        return requests.post(request.url, timeout=60)

    return ask


def test_an_address_that_has_expired_is_refused_in_the_apis_form(ask_by_address, monkeypatch):
    hours_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=3)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: hours_ago)
    answer = ask_by_address()
    assert (answer.status_code, answer.json()) == (403, {"kind": "INVALID_SIGNATURE"})


def test_the_header_names_the_error_where_the_case_is_of_several(ask_by_address):
    answer = ask_by_address(Credentials("AKIAIOSFODNN7EXAMPLE", "x" * 40))
    assert answer.json() == {"kind": "DEFAULT_4XX"}
    assert answer.headers["x-amzn-errortype"] == "UnrecognizedClientException"


def test_who_may_not_call_the_path_is_refused_in_the_apis_form(send, client):
    name = f"nobody-{uuid.uuid4().hex[:8]}"
    role = create_role(client("iam"), name, "s3:ListAllMyBuckets")
    lent = client("sts").assume_role(RoleArn=role, RoleSessionName="asks")["Credentials"]
    keys = Credentials(lent["AccessKeyId"], lent["SecretAccessKey"], lent["SessionToken"])
    assert send(keys=keys) == (403, {"kind": "ACCESS_DENIED"})


@pytest.mark.parametrize(
    ("body", "coding", "refused"),
    [
        (b"x" * (MOST_BYTES + 1), "identity", (413, {"kind": "REQUEST_TOO_LARGE"})),
        (gzip.compress(b"x" * (MOST_BYTES + 1)), "gzip", (413, {"kind": "REQUEST_TOO_LARGE"})),
        (b"text", "br", (415, {"kind": "UNSUPPORTED_MEDIA_TYPE"})),
        (b"text", "gzip", (415, {"kind": "UNSUPPORTED_MEDIA_TYPE"})),
    ],
    ids=["large", "unpacks to much", "unknown coding", "not of its coding"],
)
def test_a_body_that_is_not_passed_on_is_refused_in_the_apis_form(send, body, coding, refused):
    assert send(body=body, **{"Content-Encoding": coding}) == refused


def test_where_no_api_is_the_refusal_is_api_gateways_own(aws):
    answer = requests.post(f"{aws.endpoint_url}/_aws/execute-api/nowhere/dev/", timeout=60)
    assert (answer.status_code, list(answer.json())) == (403, ["message"])


def test_where_no_stage_is_the_refusal_is_api_gateways_own(url):
    answer = requests.post(url.replace("/dev/", "/nowhere/"), timeout=60)
    assert (answer.status_code, list(answer.json())) == (403, ["message"])
