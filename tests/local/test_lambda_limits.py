"""A function and the API before it meet Lambda's and API Gateway's limits on the embedded AWS."""

from __future__ import annotations

import gzip
import io
import json
import uuid
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, WaiterError

from local_aws import lambda_limits
from local_aws.compressed_requests import MOST_BYTES

from .conftest import ROLE

CODE = """
import json

def handler(event, context):
    if "httpMethod" in event:
        return {"statusCode": 200, "body": json.dumps({"body": event["body"][:20], "size": len(event["body"])})}
    return "x" * event.get("answer", 0)
"""
LARGEST = {"A": "x" * (lambda_limits.VARIABLES_BYTES - 1)}
ONE_MORE = {"A": "x" * lambda_limits.VARIABLES_BYTES}
FOUR_KILOBYTES = "exceeded the 4KB limit"


def specification(name: str, variables: dict[str, str] | None = None) -> dict[str, Any]:
    """What CreateFunction is asked for."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("limited.py", CODE)
    return {
        "FunctionName": name,
        "Runtime": "python3.12",
        "Handler": "limited.handler",
        "Role": ROLE,
        "Code": {"ZipFile": content.getvalue()},
        "Timeout": 60,
        "Environment": {"Variables": variables or {}},
    }


@pytest.fixture(scope="module")
def function(client) -> str:
    """The name of a function."""
    return client("lambda").create_function(**specification("limited"))["FunctionName"]


def refusal(call: Callable[..., Any], **words: Any) -> tuple[str, str]:
    """The code and the message with which a call is refused."""
    with pytest.raises(ClientError) as refused:
        call(**words)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def event_of(size: int) -> bytes:
    """An event of so many bytes."""
    frame = json.dumps({"filler": ""})
    return frame.replace('""', f'"{"x" * (size - len(frame))}"').encode()


def test_the_limits_are_those_of_the_guides():
    assert (MOST_BYTES, lambda_limits.EVENT_BYTES) == (10_485_760, 6_291_456)
    assert lambda_limits.ANSWER_BYTES == 6_291_556
    assert (lambda_limits.VARIABLES_BYTES, lambda_limits.POLICY_BYTES) == (4_096, 20_480)


def test_a_synchronous_event_has_six_megabytes(client, function):
    invoke = client("lambda").invoke
    assert invoke(FunctionName=function, Payload=event_of(lambda_limits.EVENT_BYTES))["StatusCode"] == 200
    code, message = refusal(invoke, FunctionName=function, Payload=event_of(lambda_limits.EVENT_BYTES + 1))
    assert code == "RequestEntityTooLargeException"
    assert message == "Request must be smaller than 6291456 bytes for the InvokeFunction operation"


@pytest.mark.parametrize("more", [0, 1])
def test_an_answer_has_six_megabytes_and_a_hundred_bytes(client, function, more):
    # The two quotation marks count.
    event = json.dumps({"answer": lambda_limits.ANSWER_BYTES - 2 + more})
    answer = client("lambda").invoke(FunctionName=function, Payload=event)
    told = json.loads(answer["Payload"].read())
    assert ("FunctionError" in answer) is bool(more)
    if more:
        assert told["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_function_has_four_kilobytes_of_variables(client):
    lambdas, name = client("lambda"), f"limited-{uuid.uuid4().hex[:8]}"
    code, message = refusal(lambdas.create_function, **specification(name, ONE_MORE))
    assert (code, FOUR_KILOBYTES in message) == ("InvalidParameterValueException", True)
    lambdas.create_function(**specification(name, LARGEST))
    code, message = refusal(
        lambdas.update_function_configuration, FunctionName=name, Environment={"Variables": ONE_MORE}
    )
    assert (code, FOUR_KILOBYTES in message) == ("InvalidParameterValueException", True)


def test_cloudformation_makes_no_function_with_more_variables(client):
    code = {"ZipFile": "def handler(event, context): pass"}
    wanted = {"Runtime": "python3.12", "Handler": "index.handler", "Role": ROLE, "Code": code}
    properties = {**wanted, "Environment": {"Variables": ONE_MORE}}
    template = {"Resources": {"One": {"Type": "AWS::Lambda::Function", "Properties": properties}}}
    stack, stacks = f"limited-{uuid.uuid4().hex[:8]}", client("cloudformation")
    stacks.create_stack(StackName=stack, TemplateBody=json.dumps(template), OnFailure="DO_NOTHING")
    waiter = stacks.get_waiter("stack_create_complete")
    waiter.config.delay = 1
    with pytest.raises(WaiterError):
        waiter.wait(StackName=stack)
    reasons = [
        event.get("ResourceStatusReason", "")
        for page in stacks.get_paginator("describe_stack_events").paginate(StackName=stack)
        for event in page["StackEvents"]
    ]
    assert any(FOUR_KILOBYTES in reason for reason in reasons)


def test_a_functions_policy_has_twenty_kilobytes(client):
    lambdas, name = client("lambda"), f"limited-{uuid.uuid4().hex[:8]}"
    lambdas.create_function(**specification(name))

    def permit(number: int) -> None:
        source = f"arn:aws:execute-api:us-east-1:000000000000:api/{'x' * 1_000}"
        lambdas.add_permission(
            FunctionName=name,
            StatementId=str(number),
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=source,
        )

    with pytest.raises(
        lambdas.exceptions.PolicyLengthExceededException, match=r"bigger than the limit \(20480\)"
    ):
        for number in range(25):
            permit(number)
    policy = lambdas.get_policy(FunctionName=name)["Policy"]
    assert 15_000 < len(policy) <= lambda_limits.POLICY_BYTES


@pytest.fixture(scope="module")
def post(client, aws, function) -> Callable[..., requests.Response]:
    """Posts to an API whose only path a function answers."""
    gateway, lambdas = client("apigateway"), client("lambda")
    api = gateway.create_rest_api(name="limited")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    place = {"restApiId": api, "resourceId": root, "httpMethod": "POST"}
    gateway.put_method(**place, authorizationType="NONE")
    arn = lambdas.get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
    gateway.put_integration(**place, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    gateway.create_deployment(restApiId=api, stageName="dev")
    lambdas.add_permission(
        FunctionName=function,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    signer = SigV4Auth(
        Credentials(aws.keys.access_key_id, aws.keys.secret_access_key), "execute-api", "us-east-1"
    )

    def send(body: bytes, **headers: str) -> requests.Response:
        url = f"{aws.endpoint_url}/_aws/execute-api/{api}/dev/"
        named = {
            "content-type": "text/plain",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        request = AWSRequest("POST", url, named, body)
        signer.add_auth(request)
        return requests.post(url, data=body, headers=dict(request.headers), timeout=60)

    return send


@pytest.mark.parametrize("size", [lambda_limits.EVENT_BYTES, MOST_BYTES + 1])
def test_a_body_that_lambda_or_the_gateway_would_not_take_is_refused(post, size):
    assert post(b"x" * size).status_code == 413


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_the_gateway_unpacks_a_body(post, coding, pack):
    answer = post(pack(b"unpacked" * 1_000), content_encoding=coding)
    assert answer.json() == {"body": "unpackedunpackedunpa", "size": 8_000}
