"""Requests of an asynchronous endpoint wait while it has no instance, and each is answered once."""

from __future__ import annotations

import collections
import io
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local_aws.sagemaker import asynchronous
from local_aws.sagemaker.asynchronous import AsynchronousRequests
from local_aws.sagemaker.endpoints import Endpoints
from local_aws.sagemaker.errors import ServiceError
from local_aws.sagemaker.model_servers import Answering
from local_aws.sagemaker.models import Models
from local_aws.sagemaker.names import Names


class Server(Answering):
    """A model's server that starts at once, and is not to be asked after its end."""

    stopped = False

    def stop(self) -> None:
        self.stopped = True


class Storage:
    """S3 in which every object is its own name, and that counts what is written and keeps what was read."""

    def __init__(self) -> None:
        self.written: collections.Counter[str] = collections.Counter()
        self.read: list[str] = []

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        self.read.append(Key)
        return {"Body": io.BytesIO(Key.encode())}

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:
        self.written[Key] += 1


class Service:
    """One asynchronous endpoint in service."""

    def __init__(self) -> None:
        self.storage = Storage()
        models = Models(Names(), None, Path("/nowhere"), None)
        models.start_one_or_many = lambda name, variant: Server()
        models.create_model(
            {"ModelName": "m", "PrimaryContainer": {"Image": "image"}, "ExecutionRoleArn": "role"}
        )
        self.endpoints = Endpoints(Names(), models, None)
        self.requests = AsynchronousRequests(self.endpoints, lambda service, role_arn: self.storage)
        output = {"S3OutputPath": "s3://bucket/answers", "S3FailurePath": "s3://bucket/failures"}
        variant = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1}
        self.endpoints.create_config(
            {
                "EndpointConfigName": "c",
                "ProductionVariants": [variant],
                "AsyncInferenceConfig": {"OutputConfig": output},
            }
        )
        self.endpoints.create_endpoint({"EndpointName": "e", "EndpointConfigName": "c"})
        self.settle()

    def until(self, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while not reached():
            assert time.monotonic() < deadline, self.storage.written
            time.sleep(0.001)

    def settle(self) -> None:
        self.until(lambda: self.endpoints.endpoints["e"]["EndpointStatus"] == "InService")

    def scale(self, count: int) -> None:
        wanted = {"VariantName": "v", "DesiredInstanceCount": count}
        self.endpoints.update_weights_and_capacities(
            {"EndpointName": "e", "DesiredWeightsAndCapacities": [wanted]}
        )
        self.settle()

    def ask(self, number: int) -> None:
        headers = {
            asynchronous.INPUT: f"s3://bucket/requests/{number}",
            asynchronous.INFERENCE_ID: str(number),
        }
        assert self.requests.accept("e", headers)[0] == 202


@pytest.fixture
def service(monkeypatch) -> Service:
    """Its model takes a moment for each answer."""

    def ask(server: Server, body: bytes, headers: dict[str, str]) -> tuple[str, bytes]:
        assert not server.stopped
        time.sleep(0.002)
        assert not server.stopped
        return "application/json", body

    monkeypatch.setattr(asynchronous, "ask", ask)
    made = Service()
    yield made
    made.requests.close()


def test_however_often_the_last_instance_goes_each_request_is_answered_once(service):
    for number in range(60):
        service.ask(number)
        if number % 6 == 0:
            service.scale((number // 6) % 2)
    service.scale(1)
    service.until(lambda: len(service.storage.written) == 60)
    service.until(lambda: service.requests.load_of("e") == (1, 0))
    assert service.storage.written == {f"answers/{number}.out": 1 for number in range(60)}


def test_what_waits_without_an_instance_is_the_backlog(service):
    service.scale(0)
    for number in range(3):
        service.ask(number)
    service.until(lambda: service.requests.load_of("e") == (0, 3))
    service.requests.carry_out_next("e")
    assert not service.storage.read, "nothing is fetched for nobody"
    assert not service.storage.written
    service.scale(1)
    service.until(lambda: service.requests.load_of("e") == (1, 0))
    assert len(service.storage.written) == 3


def test_what_waits_for_an_endpoint_that_is_deleted_is_written_where_failures_go(service):
    service.scale(0)
    service.ask(7)
    service.endpoints.delete_endpoint({"EndpointName": "e"})
    service.until(lambda: service.storage.written == {"failures/7-error.out": 1})
    assert service.requests.load_of("e") is None
    service.until(lambda: not service.requests.queues and not service.requests.in_progress)
    with pytest.raises(ServiceError, match="not found"):
        service.ask(8)


def test_nothing_is_kept_about_an_endpoint_that_was_deleted_after_its_answers(service):
    service.ask(1)
    service.until(lambda: service.requests.load_of("e") == (1, 0))
    service.endpoints.delete_endpoint({"EndpointName": "e"})
    service.until(lambda: not service.requests.queues and not service.requests.in_progress)


def test_requests_that_lose_their_instance_wait_in_their_order_and_count_once(service, monkeypatch):
    taken, gates = threading.Barrier(3), [threading.Event() for _ in range(2)]
    carry_out = service.requests.carry_out

    def carry_out_in_turn(name: str, waiting: asynchronous.Waiting) -> None:
        taken.wait(120)
        assert gates[int(waiting.source[-1])].wait(120)
        carry_out(name, waiting)

    monkeypatch.setattr(service.requests, "carry_out", carry_out_in_turn)
    service.ask(0)
    service.ask(1)
    taken.wait(120)
    assert service.requests.load_of("e") == (1, 2)
    service.scale(0)
    for number, gate in enumerate(gates, start=1):
        gate.set()
        service.until(lambda number=number: len(service.requests.queues["e"]) == number)
        assert service.requests.load_of("e") == (0, 2)
    assert [waiting.source[-1] for waiting in service.requests.queues["e"]] == ["0", "1"]
