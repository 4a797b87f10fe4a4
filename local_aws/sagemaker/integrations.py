"""Step Functions' integrations that ministack lacks: SageMaker's jobs, and SDK calls that it does not translate."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError
from ministack.services import stepfunctions

from local_aws.iam.clients import ACTING
from local_aws.sagemaker.errors import ServiceError
from local_aws.sagemaker.service import SageMaker
from local_aws.sagemaker.shapes import to_wire

PREFIX = "arn:aws:states:::sagemaker:"
# The service's name in an ARN of the SDK integration, boto3's for it, and what is called.
SDK_CALLS = (
    ("s3", "s3", ("copyObject", "getObject", "headObject", "listObjectsV2")),
    (
        "cloudformation",
        "cloudformation",
        ("describeStacks", "describeStackEvents", "describeStackResource", "updateStack"),
    ),
    ("sagemaker", "sagemaker", ("createModelPackage", "describeEndpoint", "describeModelPackage")),
    ("sagemakerruntime", "sagemaker-runtime", ("invokeEndpoint",)),
    ("sfn", "stepfunctions", ("listExecutions", "startExecution")),
    ("eventbridge", "events", ("putEvents",)),
    ("cloudwatch", "cloudwatch", ("putMetricData", "getMetricStatistics")),
    ("ssm", "ssm", ("getParameter", "putParameter")),
)
# The Java SDK's class names, from which Step Functions makes the names of errors.
ERROR_PREFIX = {
    "s3": "S3",
    "cloudformation": "CloudFormation",
    "sagemaker": "SageMaker",
    "sagemakerruntime": "SageMakerRuntime",
    "sfn": "Sfn",
    "eventbridge": "EventBridge",
    "cloudwatch": "CloudWatch",
    "ssm": "Ssm",
}
# What the optimised integration raises by its own name; all else has the service's general one (Step Functions' guide).
JOB_ERRORS = {"ResourceLimitExceeded", "ResourceInUse", "ResourceNotFound"}
# Services whose own members begin with small letters.
SMALL = ("sfn",)

Integration = Callable[[str, dict[str, Any]], dict[str, Any]]


def dispatch_table(sagemaker: SageMaker) -> dict[str, Integration]:
    """ministack's table of integrations: SageMaker's jobs, and the calls of SDK_CALLS."""
    jobs = {
        f"{PREFIX}create{kind}Job": job_integration(sagemaker, kind) for kind in ("Training", "Processing")
    }
    calls = {
        f"arn:aws:states:::aws-sdk:{name}:{operation}": sdk_integration(sagemaker, name, service, operation)
        for name, service, operations in SDK_CALLS
        for operation in operations
    }
    return jobs | calls


def job_integration(sagemaker: SageMaker, kind: str) -> Integration:
    """Starts a job of a kind, and with .sync waits for its end."""
    queue = {"Training": sagemaker.training, "Processing": sagemaker.processing}[kind]

    def start(resource: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = sagemaker.call(f"Create{kind}Job", request, ACTING.get())
        except ServiceError as error:
            name = error.code if error.code in JOB_ERRORS else "AmazonSageMaker"
            raise stepfunctions._ExecutionError(f"SageMaker.{name}Exception", error.message) from error
        if not resource.rstrip("/").endswith(".sync"):
            return answer
        job = queue.get(request[f"{kind}JobName"])
        job.finished.wait()
        asked = {f"{kind}JobName": job.name}
        description = to_wire(sagemaker.call(f"Describe{kind}Job", asked, ACTING.get()))
        if job.status != "Completed":
            raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(description))
        return description

    return start


def sdk_integration(sagemaker: SageMaker, name: str, service: str, operation: str) -> Integration:
    """A call through the SDK to this embedded AWS, with the answer as JSON has it."""

    def call(resource: str, request: dict[str, Any]) -> dict[str, Any]:
        client = sagemaker.client(service, ACTING.get())
        try:
            answer = getattr(client, xform_name(operation[0].upper() + operation[1:]))(
                **spelled(name, request)
            )
        except ClientError as error:
            raise execution_error(client, name, error) from error
        answer.pop("ResponseMetadata")
        return with_capitals(as_json(answer)) if name in SMALL else as_json(answer)

    return call


def spelled(name: str, request: dict[str, Any]) -> dict[str, Any]:
    """A request as boto3 wants it; Step Functions writes every member with a capital."""
    return {key[0].lower() + key[1:]: value for key, value in request.items()} if name in SMALL else request


def with_capitals(value: Any) -> Any:
    """An answer as Step Functions writes it."""
    if isinstance(value, dict):
        return {key[0].upper() + key[1:]: with_capitals(member) for key, member in value.items()}
    return [with_capitals(member) for member in value] if isinstance(value, list) else value


def execution_error(client: Any, name: str, error: ClientError) -> Exception:
    """The error by the name that Step Functions gives it: the modelled exception's, or the service's general one."""
    prefix = ERROR_PREFIX[name]
    code = error.response["Error"]["Code"]
    modelled = code in {shape.name for shape in client.meta.service_model.error_shapes}
    kind = code.removesuffix("Exception") if modelled else prefix
    return stepfunctions._ExecutionError(f"{prefix}.{kind}Exception", error.response["Error"]["Message"])


def as_json(value: Any) -> Any:
    """A member of an answer: streams as text, times as ISO 8601."""
    if isinstance(value, dict):
        return {key: as_json(member) for key, member in value.items()}
    if isinstance(value, list):
        return [as_json(member) for member in value]
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value.read().decode() if hasattr(value, "read") else value
