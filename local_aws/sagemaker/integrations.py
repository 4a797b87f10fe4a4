"""Step Functions' integrations that ministack lacks: SageMaker's jobs, and reading an object from S3."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import stepfunctions

from local_aws.sagemaker.errors import ServiceError
from local_aws.sagemaker.service import SageMaker
from local_aws.sagemaker.shapes import to_wire

PREFIX = "arn:aws:states:::sagemaker:"


def dispatch_table(sagemaker: SageMaker) -> dict[str, Any]:
    """ministack's table of optimised integrations, for training and processing jobs."""

    def integration(kind: str):
        queue = {"Training": sagemaker.training, "Processing": sagemaker.processing}[kind]

        def start(resource: str, request: dict[str, Any]) -> dict[str, Any]:
            try:
                answer = sagemaker.call(f"Create{kind}Job", request)
            except ServiceError as error:
                raise stepfunctions._ExecutionError(f"SageMaker.{error.code}", error.message) from error
            if not resource.rstrip("/").endswith(".sync"):
                return answer
            job = queue.get(request[f"{kind}JobName"])
            job.finished.wait()
            description = to_wire(sagemaker.call(f"Describe{kind}Job", {f"{kind}JobName": job.name}))
            if job.status != "Completed":
                raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(description))
            return description

        return start

    jobs = {f"{PREFIX}create{kind}Job": integration(kind) for kind in ("Training", "Processing")}
    return {
        **jobs,
        "arn:aws:states:::aws-sdk:s3:getObject": lambda resource, request: get_object(sagemaker, request),
    }


def get_object(sagemaker: SageMaker, request: dict[str, Any]) -> dict[str, Any]:
    """An object's content as text, as the SDK integration hands it on."""
    s3 = sagemaker.client("s3")
    try:
        answer = s3.get_object(**request)
    except s3.exceptions.ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        raise stepfunctions._ExecutionError(f"S3.{code}", message) from error
    return {
        "Body": answer["Body"].read().decode(),
        "ContentLength": answer["ContentLength"],
        "ContentType": answer["ContentType"],
        "ETag": answer["ETag"],
    }
