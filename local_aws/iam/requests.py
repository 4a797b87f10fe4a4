"""Which calls a request is, also where ministack leaves that open: resources, conditions, and what else it takes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ministack.core import iam_actions

from local_aws.iam.calls import ANY, UNKNOWN, Call, arn, log_stream, pass_role
from local_aws.iam.encryption import uses_of_default_key
from local_aws.iam.sagemaker import calls_of

# Services beside ministack's, whose actions begin with their own names.
OURS = ("sagemaker", "rekognition", "comprehend", "application-autoscaling")
INVOCATION = re.compile(r"/endpoints/([^/]+)/(async-)?invocations")
# Operations whose action has another name (Service Authorization Reference).
RENAMED = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}


def name_services() -> None:
    """Tells ministack that the actions of our services are asked for too; what it has no name for it allows."""
    for name in OURS:
        iam_actions.SERVICE_TO_IAM_NAMESPACE[name] = name


class Reader:
    """Reads requests: by ministack's own functions, and where those leave something open by ours.

    Attributes:
        action: ministack's function from a request to its action.
        resource: ministack's function from a request to the resource's ARN.
    """

    def __init__(self, action: Callable[..., str | None], resource: Callable[..., str]) -> None:
        self.action, self.resource = action, resource

    def calls(
        self,
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        parameters: dict[str, Any],
        region: str,
        account: str,
    ) -> list[Call]:
        """What a request asks to do; the first is what its operation is called after."""
        if service == "sagemaker":
            if match := INVOCATION.fullmatch(path):
                kind = "InvokeEndpointAsync" if match[2] else "InvokeEndpoint"
                return [Call(f"sagemaker:{kind}", arn("sagemaker", f"endpoint/{match[1].lower()}"))]
            operation = headers.get("x-amz-target", "").rpartition(".")[2]
            return calls_of(operation, json_of(body))
        if service == "monitoring":
            return [cloudwatch_call(headers, body, parameters)]
        action = self.action(service, method, path, headers, body, parameters)
        if action is None:
            return [Call(f"{UNKNOWN}{service} {method} {path}")]
        resource = self.resource(service, method, path, headers, body, parameters, region, account)
        call = Call(RENAMED.get(action, action), resource)
        if service == "logs":
            asked = json_of(body)
            name = asked.get("logGroupName") or asked.get("logGroupNamePrefix", "")
            return [replace(call, resource=log_stream(name, asked.get("logStreamName", "")))]
        if service == "s3" and "uploadId" in parameters and method in ("PUT", "POST"):
            # The parts of an upload are put together by whoever can read them.
            bucket = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
            return [call, *uses_of_default_key(bucket, "Decrypt")]
        if service == "cloudformation" and (role := first(parameters, "RoleARN")):
            by_it = {"cloudformation:RoleArn": role}
            return [replace(call, context={**call.context, **by_it}), pass_role(role, "cloudformation")]
        return [call]


def cloudwatch_call(headers: dict[str, str], body: bytes, parameters: dict[str, Any]) -> Call:
    """A call of CloudWatch, in either of the two protocols that its clients speak here."""
    asked = json_of(body)
    operation = headers.get("x-amz-target", "").rpartition(".")[2] or first(parameters, "Action")
    action = f"cloudwatch:{operation}"
    if operation == "PutMetricData":
        namespace = asked.get("Namespace") or first(parameters, "Namespace")
        return Call(action, ANY, {"cloudwatch:namespace": namespace})
    if operation == "DescribeAlarms":
        names = asked.get("AlarmNames") or [first(parameters, "AlarmNames.member.1") or ANY]
        return Call(action, arn("cloudwatch", f"alarm:{names[0]}"))
    name = asked.get("AlarmName") or first(parameters, "AlarmName")
    return Call(action, arn("cloudwatch", f"alarm:{name}") if name else ANY)


def first(parameters: dict[str, Any], name: str) -> str:
    """A parameter of a form or a query; empty where there is none."""
    parameter = parameters.get(name, "")
    return parameter[0] if isinstance(parameter, list) else parameter


def json_of(body: bytes) -> dict[str, Any]:
    """A body as JSON; empty where it is none, which the service then refuses."""
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
