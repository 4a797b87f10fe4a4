"""Step Functions' integrations with SageMaker: start a job, wait for it, hand on its description or its failure."""

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

    return {f"{PREFIX}create{kind}Job": integration(kind) for kind in ("Training", "Processing")}
