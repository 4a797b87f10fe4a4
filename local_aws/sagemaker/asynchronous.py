"""Asynchronous inference: requests are objects in S3, and so are the answers and the failures."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from local_aws.sagemaker.endpoints import Endpoints
from local_aws.sagemaker.errors import validation_error
from local_aws.sagemaker.model_servers import ask
from local_aws.sagemaker.objects import TransferFailed, split_uri

PREFIX = "x-amzn-sagemaker-"
INPUT = f"{PREFIX}inputlocation"
INFERENCE_ID = f"{PREFIX}inference-id"
# One machine answers all endpoints; SageMaker's own number is a setting of each.
CONCURRENT_REQUESTS = 4


@dataclass(frozen=True)
class Waiting:
    """One accepted request: whom it asks, with what, and where its answer or its failure goes."""

    endpoint: str
    source: str
    answer: str
    failure: str | None
    headers: dict[str, str]


class AsynchronousRequests:
    """Accepts requests and answers them in the background, in the order in which they came."""

    def __init__(self, endpoints: Endpoints, clients: Any) -> None:
        self.endpoints, self.clients = endpoints, clients
        self.workers = ThreadPoolExecutor(CONCURRENT_REQUESTS, "asynchronous")

    def accept(self, name: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """InvokeEndpointAsync.

        Raises:
            ServiceError: when there is no such endpoint, it is not asynchronous, or the input is no S3 URI.
        """
        output = self.endpoints.asynchronous_output(name)
        number = headers.get(INFERENCE_ID) or str(uuid.uuid4())
        source = headers.get(INPUT, "")
        try:
            split_uri(source)
        except TransferFailed as error:
            raise validation_error(f"InputLocation: {error}") from error
        # The request has no body, so its own content type says nothing; these are of the object.
        passed = {key: headers[PREFIX + key] for key in ("content-type", "accept") if PREFIX + key in headers}
        answer = f"{output['S3OutputPath'].rstrip('/')}/{number}.out"
        failure = output.get("S3FailurePath")
        failure = f"{failure.rstrip('/')}/{number}-error.out" if failure else None
        self.workers.submit(self.carry_out, Waiting(name, source, answer, failure, passed))
        places = {"X-Amzn-SageMaker-OutputLocation": answer}
        if failure:
            places["X-Amzn-SageMaker-FailureLocation"] = failure
        content = json.dumps({"InferenceId": number}).encode()
        return 202, {"Content-Type": "application/json", **places}, content

    def carry_out(self, waiting: Waiting) -> None:
        """Answers one request; whatever goes wrong is written where failures go."""
        s3 = self.clients("s3")
        try:
            bucket, key = split_uri(waiting.source)
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            with self.endpoints.asked(waiting.endpoint) as (server, _):
                _, content = ask(server, body, waiting.headers)
            target = waiting.answer
        except Exception as error:  # noqa: BLE001 - nobody waits for this thread; the failure's object says it
            target, content = waiting.failure, str(error).encode()
        if target:
            bucket, key = split_uri(target)
            s3.put_object(Bucket=bucket, Key=key, Body=content)

    def close(self) -> None:
        """Drops what waits."""
        self.workers.shutdown(wait=False, cancel_futures=True)
