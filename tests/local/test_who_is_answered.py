"""The embedded AWS answers its user's own programs and nobody else: by host, origin, key and signature."""

from __future__ import annotations

import datetime
import json
import socket
import urllib.error
import urllib.request
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlparse

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from console import LESSONS, SITE, SITE_PATH, SITE_POLICY
from local_aws.keys import Keys
from local_aws.launcher import EmbeddedAws, console_url, environment

from .conftest import client_of, start_with_role
from .roles import document

CONTENT = b"what is in the object"


def sent(aws: EmbeddedAws, *lines: str) -> tuple[int, dict[str, str], bytes]:
    """What comes back for a request of these lines; nothing is sent beyond its headers."""
    place = urlparse(aws.endpoint_url)
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = HTTPResponse(connection)
        answer.begin()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def host_of(aws: EmbeddedAws) -> str:
    """The value of the header."""
    return urlparse(aws.endpoint_url).netloc


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "127.0.0.2",
        "0.0.0.0",
        "",
        "localhost:x",
        "bucket.localhost",
    ],
)
def test_another_host_is_refused_before_the_body_comes(aws, host):
    status, headers, body = sent(aws, "POST /bucket HTTP/1.1", f"Host: {host}", "Content-Length: 1000000000")
    assert (status, headers["connection"]) == (403, "close")
    assert "the loopback's own names only" in json.loads(body)["message"]


def test_a_request_without_a_host_is_refused(aws):
    assert sent(aws, "GET /_ministack/health HTTP/1.0")[0] == 403


def test_the_lessons_are_read_without_a_key_and_run_no_script(aws):
    lines = [f"GET /_console/{LESSONS} HTTP/1.1", f"Host: {host_of(aws)}", "Connection: close"]
    status, headers, body = sent(aws, *lines)
    page = SITE / LESSONS.removeprefix(SITE_PATH)
    if page.is_file():
        assert (status, body, headers["content-security-policy"]) == (200, page.read_bytes(), SITE_POLICY)
    else:
        assert (status, body.rpartition(b": ")[2]) == (404, b"make docs")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_every_name_of_the_loopback_is_answered(aws, name):
    port = urlparse(aws.endpoint_url).port
    lines = ["GET /_ministack/health HTTP/1.1", f"Host: {name}:{port}", "Connection: close"]
    assert sent(aws, *lines)[0] == 200


@pytest.mark.parametrize(
    "line",
    [
        "Origin: null",
        "Origin: http://evil.example",
        "Origin: http://127.0.0.1:1",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ],
)
def test_another_origin_is_refused_before_the_body_comes(aws, line):
    start = ["POST /bucket HTTP/1.1", f"Host: {host_of(aws)}", "Content-Length: 1000000000"]
    status, headers, body = sent(aws, *start, line)
    assert (status, headers["connection"]) == (403, "close")
    assert "answers no page of another" in json.loads(body)["message"]


def test_its_own_origin_is_answered_and_no_other_may_read_it(aws):
    lines = [f"Host: {host_of(aws)}", f"Origin: {aws.endpoint_url}", "Connection: close"]
    status, headers, _ = sent(aws, "GET /_ministack/health HTTP/1.1", *lines)
    assert status == 200
    assert not [name for name in headers if name.startswith("access-control-")]


def test_nothing_but_the_console_may_run_scripts_of_its_origin(aws):
    lines = [f"Host: {host_of(aws)}", "Connection: close"]
    for path, policy in (("/_ministack/health", "sandbox"), ("/bucket/page.html", "sandbox")):
        assert sent(aws, f"GET {path} HTTP/1.1", *lines)[1]["content-security-policy"] == policy
    assert "script-src 'self'" in sent(aws, "GET /_console/ HTTP/1.1", *lines)[1]["content-security-policy"]


def test_a_preflight_is_refused(aws):
    lines = [f"Host: {host_of(aws)}", "Origin: http://evil.example", "Access-Control-Request-Method: PUT"]
    assert sent(aws, "OPTIONS /bucket HTTP/1.1", *lines)[0] == 403


def test_no_websocket_is_opened_not_even_one_that_is_deployed(aws):
    gateway = client_of(aws, "apigatewayv2")
    made = gateway.create_api(
        Name="sockets", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.a"
    )
    gateway.create_stage(ApiId=made["ApiId"], StageName="dev")
    status, _, _ = sent(
        aws,
        f"GET /_aws/execute-api/{made['ApiId']}/dev HTTP/1.1",
        f"Host: {host_of(aws)}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    )
    gateway.delete_api(ApiId=made["ApiId"])
    assert status == 403


def code_for(aws: EmbeddedAws, service: str, operation: str, keys: Keys) -> str:
    """The error code that a call with these keys gets."""
    variables = environment(aws.endpoint_url, keys)
    client = boto3.client(
        service,
        endpoint_url=aws.endpoint_url,
        region_name=variables["AWS_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )
    with pytest.raises(ClientError) as raised:
        getattr(client, operation)()
    return raised.value.response["Error"]["Code"]


CALLS = {
    "s3": ("list_buckets", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
    "sts": ("get_caller_identity", "InvalidClientTokenId", "SignatureDoesNotMatch"),
    "lambda": ("list_functions", "UnrecognizedClientException", "InvalidSignatureException"),
    "sagemaker": ("list_endpoints", "UnrecognizedClientException", "InvalidSignatureException"),
    "cloudformation": ("list_stacks", "InvalidClientTokenId", "SignatureDoesNotMatch"),
}


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize("key_id", ["AKIAIOSFODNN7EXAMPLE", "test", "000000000000"])
def test_an_unknown_key_is_refused_as_aws_refuses_it(aws, service, key_id):
    operation, unknown, _ = CALLS[service]
    keys = Keys(key_id, aws.keys.secret_access_key, "")
    assert code_for(aws, service, operation, keys) == unknown


@pytest.mark.parametrize("service", CALLS)
def test_a_wrong_secret_is_refused_as_aws_refuses_it(aws, service):
    operation, _, mismatch = CALLS[service]
    keys = Keys(aws.keys.access_key_id, "test", "")
    assert code_for(aws, service, operation, keys) == mismatch


def test_the_keys_of_the_last_start_are_refused(aws, tmp_path):
    with start_with_role(tmp_path) as last:
        old = last.keys
    assert not (tmp_path / "state" / "ready.json").exists()
    assert code_for(aws, "sts", "get_caller_identity", old) == "InvalidClientTokenId"


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/2015-03-31/functions", "MissingAuthenticationToken"),
        ("/_aws/execute-api/abc/dev/advise", '{"message": "Request is missing Authentication Token"}'),
        ("/_console/watch.json", "AccessDenied"),
        ("/_ministack/reset", "AccessDenied"),
        ("/bucket/object", "AccessDenied"),
    ],
)
def test_what_is_not_signed_is_refused(aws, path, word):
    status, _, body = sent(aws, f"POST {path} HTTP/1.1", f"Host: {host_of(aws)}", "Content-Length: 0")
    assert status == 403
    assert word in body.decode()


@pytest.mark.parametrize("path", ["/_ministack/cfn-response/" + "0" * 36, "/_console/"])
def test_of_an_unsigned_body_no_more_is_read_than_a_custom_resource_answers(aws, path):
    lines = [f"Host: {host_of(aws)}", "Content-Length: 4097", "", "x" * 4097]
    assert sent(aws, f"PUT {path} HTTP/1.1", *lines)[0] in (405, 500)


def signed(aws: EmbeddedAws, path: str, body: bytes, **headers: str) -> AWSRequest:
    """A request to STS that is right."""
    request = AWSRequest("POST", aws.endpoint_url + path, data=body, headers=headers)
    keys = Credentials(aws.keys.access_key_id, aws.keys.secret_access_key)
    SigV4Auth(keys, "sts", "us-east-1").add_auth(request)
    return request


def status_of(url: str, *, method: str, headers: Any, body: bytes | None = None) -> int:
    """The status of an answer."""
    try:
        request = urllib.request.Request(url, data=body, headers=dict(headers), method=method)
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


IDENTITY = b"Action=GetCallerIdentity&Version=2011-06-15"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_a_signature_holds_for_its_body_its_path_and_its_headers(aws):
    right = signed(aws, "/", IDENTITY, **FORM)
    given = {"method": "POST", "headers": right.headers, "body": IDENTITY}
    assert status_of(right.url, **given) == 200
    assert status_of(right.url, **{**given, "body": IDENTITY.replace(b"Get", b"Put")}) == 403
    assert status_of(right.url + "?Action=GetSessionToken", **given) == 403
    assert status_of(right.url + "bucket", **given) == 403
    added = {**right.headers, "X-Amz-Target": "SageMaker.ListEndpoints"}
    assert status_of(right.url, **{**given, "headers": added}) == 403


@pytest.mark.parametrize(("minutes", "status"), [(-20, 403), (-10, 200), (10, 200), (20, 403)])
def test_a_signature_holds_for_a_quarter_of_an_hour(aws, monkeypatch, minutes, status):
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: moment)
    right = signed(aws, "/", IDENTITY, **FORM)
    assert status_of(right.url, method="POST", headers=right.headers, body=IDENTITY) == status


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic dGVzdDp0ZXN0",
        "Bearer test",
        "AWS4-HMAC-SHA256 ",
        "AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential={key}, SignedHeaders=host, Signature=\u00e9",
        "AWS {key}:00",
    ],
)
def test_what_only_looks_like_a_signature_is_refused(aws, authorization):
    given = f"Authorization: {authorization.format(key=aws.keys.access_key_id)}"
    status, _, _ = sent(aws, "GET /bucket HTTP/1.1", f"Host: {host_of(aws)}", given)
    assert status in (400, 403)  # both are AWS's own, for a form that is wrong and for a key that is


def test_a_body_must_be_the_one_whose_digest_is_signed(aws):
    right = signed(aws, "/", IDENTITY, **FORM, **{"X-Amz-Content-SHA256": "0" * 64})
    assert status_of(right.url, method="POST", headers=right.headers, body=IDENTITY) == 403


@pytest.mark.parametrize("version", ["s3v4", None], ids=["version 4", "boto3's own choice"])
def test_a_presigned_address_gives_its_object_and_nothing_else(aws, version):
    s3 = boto3.client(
        "s3",
        endpoint_url=aws.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=aws.keys.access_key_id,
        aws_secret_access_key=aws.keys.secret_access_key,
        config=Config(signature_version=version),
    )
    s3.create_bucket(Bucket="presigned")
    s3.put_object(Bucket="presigned", Key="a b/ü+%.txt", Body=CONTENT)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "presigned", "Key": "a b/ü+%.txt"})
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == CONTENT
    get = {"method": "GET", "headers": {}}
    assert status_of(url.replace("/a%20b/", "/other/"), **get) == 403
    assert status_of(url + "&Action=ListUsers&Version=2010-05-08", **get) == 403
    assert status_of(url, method="DELETE", headers={}) == 403
    target = {"X-Amz-Target": "SageMaker.ListEndpoints"}
    assert status_of(url, method="GET", headers=target) == 403
    past = s3.generate_presigned_url(
        "get_object", Params={"Bucket": "presigned", "Key": "a b/ü+%.txt"}, ExpiresIn=-1
    )
    assert status_of(past, **get) == 403
    s3.delete_object(Bucket="presigned", Key="a b/ü+%.txt")
    s3.delete_bucket(Bucket="presigned")


@pytest.mark.parametrize(("seconds", "status"), [(60, 200), (0, 403), (-1, 403), (604_801, 403)])
def test_a_presigned_address_of_any_service_ends(aws, seconds, status):
    sts = client_of(aws, "sts")
    url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=seconds, HttpMethod="GET")
    assert status_of(url, method="GET", headers={}) == status


def test_the_console_is_told_the_keys_for_the_key_in_its_address_alone(aws):
    address, _, fragment = console_url(aws.endpoint_url, aws.keys).partition("#key=")
    assert status_of(address, method="GET", headers={}) == 200
    configuration = f"{address}config.json"
    assert status_of(configuration, method="GET", headers={}) == 403
    wrong = {"Authorization": f"Bearer {Keys.made().console_key}"}
    assert status_of(configuration, method="GET", headers=wrong) == 403
    # Nothing is deployed there, which nobody else is told.
    assert status_of(configuration, method="GET", headers={"Authorization": f"Bearer {fragment}"}) == 503


def test_a_role_that_is_assumed_may_call_and_not_without_its_token(aws):
    iam, sts = client_of(aws, "iam"), client_of(aws, "sts")
    root = {"AWS": "arn:aws:iam::000000000000:root"}
    trust = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": root})
    iam.create_role(RoleName="assumed", AssumeRolePolicyDocument=trust)
    session = sts.assume_role(RoleArn="arn:aws:iam::000000000000:role/assumed", RoleSessionName="session")[
        "Credentials"
    ]

    def caller(token: str | None) -> str:
        return boto3.client(
            "sts",
            endpoint_url=aws.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=token,
        ).get_caller_identity()["Arn"]

    assert caller(session["SessionToken"]).endswith(":assumed-role/assumed/session")
    for token in (None, "another"):
        with pytest.raises(ClientError, match="InvalidClientTokenId"):
            caller(token)
