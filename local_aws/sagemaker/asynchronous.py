"""Asynchronous inference: requests are objects in S3, and so are the answers and the failures."""

from __future__ import annotations

import bisect
import itertools
import json
import operator
import threading
import uuid
from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from local_aws.sagemaker.endpoints import Endpoints, NoInstance
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
    """One accepted request: its place in the order, with what it asks, and where its answer or its failure goes.

    Attributes:
        role_arn: of the endpoint, which may be gone before the answer.
    """

    number: int
    source: str
    answer: str
    failure: str | None
    headers: dict[str, str]
    role_arn: str


class AsynchronousRequests:
    """Accepts requests and answers them in the background, in the order in which they came.

    Attributes:
        queues: each endpoint's requests that wait for one of the workers, or for an instance.
        in_progress: how many requests of each endpoint have a worker.
    """

    def __init__(self, endpoints: Endpoints, clients: Any) -> None:
        self.endpoints, self.clients = endpoints, clients
        self.queues: dict[str, deque[Waiting]] = defaultdict(deque)
        self.in_progress: dict[str, int] = defaultdict(int)
        self.numbers, self.lock = itertools.count(), threading.Lock()
        self.workers = ThreadPoolExecutor(CONCURRENT_REQUESTS, "asynchronous")
        endpoints.when_changed = self.work_off

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
        role = self.endpoints.role_of(name)
        with self.lock:
            self.queues[name].append(Waiting(next(self.numbers), source, answer, failure, passed, role))
        self.workers.submit(self.carry_out_next, name)
        places = {"X-Amzn-SageMaker-OutputLocation": answer}
        if failure:
            places["X-Amzn-SageMaker-FailureLocation"] = failure
        content = json.dumps({"InferenceId": number}).encode()
        return 202, {"Content-Type": "application/json", **places}, content

    def load_of(self, name: str) -> tuple[int, int] | None:
        """How many instances an endpoint has, and how many requests it has yet to answer; None when it is not there."""
        variants = self.endpoints.endpoints.get(name, {}).get("ProductionVariants")
        if variants is None:
            return None
        with self.lock:
            requests = len(self.queues.get(name, ())) + self.in_progress.get(name, 0)
            return variants[0]["CurrentInstanceCount"], requests

    def work_off(self, name: str) -> None:
        """Has all that waits for an endpoint answered; called when it got an instance, or is gone."""
        with self.lock:
            count = len(self.queues.get(name, ()))
            self.drop_if_deleted(name)
        for _ in range(count):
            self.workers.submit(self.carry_out_next, name)

    def carry_out_next(self, name: str) -> None:
        """Answers the request that has waited longest, unless the endpoint has no instance: then it goes on waiting."""
        # Looked at while it is in the queue: an instance that comes after this calls `work_off` with it.
        if self.endpoints.is_without_instance(name):
            return
        with self.lock:
            if not self.queues.get(name):
                return
            waiting = self.queues[name].popleft()
            self.in_progress[name] += 1
        found_none = False
        try:
            self.carry_out(name, waiting)
        except NoInstance:
            found_none = True
        finally:
            with self.lock:
                self.in_progress[name] -= 1
                if found_none:
                    # Before those that came later, one of which may have been put back already.
                    bisect.insort(self.queues[name], waiting, key=operator.attrgetter("number"))
                self.drop_if_deleted(name)
        # One that came since it was looked for, or the endpoint's end, has called `work_off` without this request.
        if found_none and not self.endpoints.is_without_instance(name):
            self.workers.submit(self.carry_out_next, name)

    def drop_if_deleted(self, name: str) -> None:
        """Keeps nothing about an endpoint that is gone and has nothing left to answer. The lock is held."""
        left = self.queues.get(name) or self.in_progress.get(name)
        if not left and name not in self.endpoints.endpoints:
            self.queues.pop(name, None)
            self.in_progress.pop(name, None)

    def carry_out(self, name: str, waiting: Waiting) -> None:
        """Answers one request; whatever goes wrong is written where failures go.

        Raises:
            NoInstance: when the endpoint has none.
        """
        s3 = self.clients("s3", waiting.role_arn)
        try:
            bucket, key = split_uri(waiting.source)
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            with self.endpoints.asked(name) as (server, _, _):
                _, content = ask(server, body, waiting.headers)
            target = waiting.answer
        except NoInstance:
            raise
        except Exception as error:  # noqa: BLE001 - nobody waits for this thread; the failure's object says it
            target, content = waiting.failure, str(error).encode()
        if target:
            bucket, key = split_uri(target)
            s3.put_object(Bucket=bucket, Key=key, Body=content)

    def close(self) -> None:
        """Drops what waits."""
        self.workers.shutdown(wait=False, cancel_futures=True)
