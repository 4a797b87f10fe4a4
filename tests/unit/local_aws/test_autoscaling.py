"""What the embedded AWS decides about copies and instances by load and backlog, within bounds and cooldowns."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from types import SimpleNamespace
from typing import Any

import pytest

from local_aws.autoscaling import COPIES, INSTANCES, Autoscaling
from local_aws.sagemaker.errors import ServiceError
from local_aws.sagemaker.inference_components import Component, InferenceComponents
from local_aws.sagemaker.model_servers import Answering
from local_aws.sagemaker.names import Names
from local_aws.scaled_types import require_types_kept

NAME = "recognition-dev-rnn-component"
STEP = {"StepAdjustments": [{"MetricIntervalLowerBound": "0", "ScalingAdjustment": "1"}]}


class Server(Answering):
    """A model's server that starts at once."""

    def stop(self) -> None:
        pass


class Deployed:
    """What has a target, as CloudFormation has it: numbers are texts."""

    scaling: Autoscaling

    def create(self, kind: str, **properties: Any) -> str:
        handlers = self.scaling.handlers()[f"AWS::ApplicationAutoScaling::{kind}"]
        return handlers["create"]("x", properties, "stack")[0]

    def put_policies(self, target: str, **metric: Any) -> str:
        """A policy that tracks 5 of the metric, and one that steps out of zero; the first one's id."""
        tracking = {"TargetValue": "5", "ScaleInCooldown": "300", "ScaleOutCooldown": "60", **metric}
        policy = self.create(
            "ScalingPolicy",
            PolicyName="tracking",
            PolicyType="TargetTrackingScaling",
            ScalingTargetId=target,
            TargetTrackingScalingPolicyConfiguration=tracking,
        )
        self.create(
            "ScalingPolicy",
            PolicyName="out-of-zero",
            PolicyType="StepScaling",
            ScalingTargetId=target,
            StepScalingPolicyConfiguration=STEP,
        )
        return policy


class Scaled(Deployed):
    """A component that was deployed with a target, a tracking policy and a step policy, by a clock of the test's."""

    def __init__(self) -> None:
        self.components = InferenceComponents(
            SimpleNamespace(models=SimpleNamespace(start_server=lambda *_: Server()), names=Names())
        )
        operations = {"UpdateInferenceComponentRuntimeConfig": self.components.update_copies}
        sagemaker = SimpleNamespace(
            components=self.components, call=lambda operation, request: operations[operation](request)
        )
        self.moment = 0.0
        self.scaling = Autoscaling(sagemaker, lambda: self.moment, periodic=False)
        self.components.components[NAME] = Component(
            {
                "InferenceComponentName": NAME,
                "InferenceComponentArn": "arn:aws:sagemaker:us-east-1:000000000000:inference-component/x",
                "EndpointName": "e",
                "VariantName": "v",
                "InferenceComponentStatus": "InService",
                "Specification": {"ModelName": "m"},
                "RuntimeConfig": {"DesiredCopyCount": 1, "CurrentCopyCount": 1},
            },
            Server(),
        )
        self.target = self.create(
            "ScalableTarget",
            ServiceNamespace="sagemaker",
            ResourceId=f"inference-component/{NAME}",
            ScalableDimension=COPIES,
            MinCapacity="0",
            MaxCapacity="4",
        )
        metric = "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"
        self.policy = self.put_policies(
            self.target, PredefinedMetricSpecification={"PredefinedMetricType": metric}
        )

    def look(self, *, after_seconds: float, requests: int) -> int:
        """A look after a while at so many requests at the same time; the number of copies then."""
        self.moment += after_seconds
        with contextlib.ExitStack() as asked:
            if server := self.components.components[NAME].server:
                for _ in range(requests):
                    asked.enter_context(server.answering())
            self.scaling.decide()
        return self.copies()

    def copies(self) -> int:
        """The number of copies, once nothing changes any more."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            description = self.components.describe({"InferenceComponentName": NAME})
            if description["InferenceComponentStatus"] == "InService":
                return description["RuntimeConfig"]["CurrentCopyCount"]
            time.sleep(0.01)
        raise AssertionError(description)


@pytest.fixture
def scaled() -> Scaled:
    """A component with one copy."""
    return Scaled()


def test_copies_follow_the_requests_that_each_has_up_to_the_most(scaled):
    assert scaled.look(after_seconds=10, requests=5) == 1
    assert scaled.look(after_seconds=10, requests=11) == 3
    assert scaled.look(after_seconds=60, requests=100) == 4


def test_out_again_only_after_its_cooldown(scaled):
    assert scaled.look(after_seconds=10, requests=6) == 2
    assert scaled.look(after_seconds=59, requests=20) == 2
    assert scaled.look(after_seconds=1, requests=20) == 4


def test_a_component_that_nobody_asks_loses_its_last_copy_after_the_cooldown(scaled):
    assert scaled.look(after_seconds=10, requests=5) == 1
    assert scaled.look(after_seconds=299, requests=0) == 1
    assert scaled.look(after_seconds=1, requests=0) == 0
    assert scaled.components.components[NAME].server is None


def test_a_number_that_somebody_set_stays_for_the_cooldown(scaled):
    scaled.look(after_seconds=1_000, requests=0)
    wanted = {"InferenceComponentName": NAME, "DesiredRuntimeConfig": {"CopyCount": 3}}
    scaled.components.update_copies(wanted)
    assert scaled.copies() == 3
    assert scaled.look(after_seconds=400, requests=0) == 3
    assert scaled.look(after_seconds=300, requests=0) == 0


def test_a_components_update_that_fails_ends_and_leaves_what_was_there(scaled):
    def broken(*_: Any) -> Server:
        raise RuntimeError("Nobody thought of it.")

    server = scaled.components.components[NAME].server
    scaled.components.endpoints.models.start_server = broken
    scaled.components.update({"InferenceComponentName": NAME, "Specification": {"ModelName": "other"}})
    assert scaled.copies() == 1
    assert (
        "Nobody thought of it"
        in scaled.components.describe({"InferenceComponentName": NAME})["FailureReason"]
    )
    assert scaled.components.components[NAME].server is server


def test_a_request_that_finds_no_copy_is_refused_and_brings_one(scaled):
    scaled.look(after_seconds=10, requests=5)
    assert scaled.look(after_seconds=300, requests=0) == 0
    with pytest.raises(ServiceError, match="has no capacity"):
        scaled.components.invoke("e", NAME, b"x", {})
    deadline = time.monotonic() + 120
    while not scaled.copies() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert scaled.copies() == 1
    assert scaled.look(after_seconds=10, requests=0) == 1, "it stays for a cooldown"


def asked(scaled: Scaled, operation: str, **request: Any) -> dict:
    headers = {"x-amz-target": f"AnyScaleFrontendService.{operation}"}
    body = json.dumps({"ServiceNamespace": "sagemaker", **request}).encode()
    status, _, content = asyncio.run(scaled.scaling.handle_request("POST", "/", headers, body, {}))
    assert status == 200
    return json.loads(content)


def activities(scaled: Scaled, resource: str) -> list[dict]:
    return asked(scaled, "DescribeScalingActivities", ResourceId=resource)["ScalingActivities"]


def test_a_target_is_told_with_its_bounds_to_who_asks_for_it(scaled):
    resource = f"inference-component/{NAME}"
    (described,) = asked(scaled, "DescribeScalableTargets", ResourceIds=[resource])["ScalableTargets"]
    assert (described["ResourceId"], described["MinCapacity"], described["MaxCapacity"]) == (resource, 0, 4)
    others = ["endpoint/another/variant/primary"]
    assert asked(scaled, "DescribeScalableTargets", ResourceIds=others)["ScalableTargets"] == []
    instances = "sagemaker:variant:DesiredInstanceCount"
    assert asked(scaled, "DescribeScalableTargets", ScalableDimension=instances)["ScalableTargets"] == []


def test_every_decision_is_kept_with_its_cause(scaled):
    scaled.look(after_seconds=10, requests=11)
    (decision,) = activities(scaled, f"inference-component/{NAME}")
    assert decision["ScalableDimension"] == COPIES
    assert decision["Description"] == "Setting desired DesiredCopyCount to 3."
    assert decision["Cause"] == "policy tracking: 11 requests for 1, 5 wanted of each"
    assert decision["StatusCode"] == "Successful"
    assert activities(scaled, "inference-component/another") == []


def test_a_decision_that_sagemaker_refuses_is_kept_and_tried_again(scaled):
    description = scaled.components.components[NAME].description
    description["InferenceComponentStatus"] = "Updating"
    scaled.moment = 10
    with contextlib.ExitStack() as asked:
        for _ in range(6):
            asked.enter_context(scaled.components.components[NAME].server.answering())
        scaled.scaling.decide()
    description["InferenceComponentStatus"] = "InService"
    assert scaled.copies() == 1
    (decision,) = activities(scaled, f"inference-component/{NAME}")
    assert (decision["StatusCode"], "in-progress" in decision["StatusMessage"]) == ("Failed", True)
    assert scaled.look(after_seconds=10, requests=6) == 2


def test_without_the_policy_nothing_is_decided_and_without_the_target_neither(scaled):
    handlers = scaled.scaling.handlers()
    handlers["AWS::ApplicationAutoScaling::ScalingPolicy"]["delete"](scaled.policy, {})
    assert scaled.look(after_seconds=10, requests=20) == 1
    handlers["AWS::ApplicationAutoScaling::ScalableTarget"]["delete"](scaled.target, {})
    scaled.scaling.bring_component(NAME)
    assert activities(scaled, f"inference-component/{NAME}") == []


def test_instances_of_an_endpoint_follow_too(scaled, monkeypatch):
    asked: list[tuple[str, dict]] = []
    monkeypatch.setattr(
        scaled.scaling,
        "sagemaker",
        SimpleNamespace(
            endpoints=SimpleNamespace(
                load_of=lambda name: (2, 21) if name == "recognition-dev-rnn" else None
            ),
            call=lambda operation, request: asked.append((operation, request)),
        ),
    )
    target = scaled.create(
        "ScalableTarget",
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/recognition-dev-rnn/variant/primary",
        ScalableDimension=INSTANCES,
        MinCapacity="1",
        MaxCapacity="8",
    )
    metric = "SageMakerVariantConcurrentRequestsPerModelHighResolution"
    tracking = {"TargetValue": "5", "PredefinedMetricSpecification": {"PredefinedMetricType": metric}}
    scaled.create(
        "ScalingPolicy",
        PolicyName="tracking",
        PolicyType="TargetTrackingScaling",
        ScalingTargetId=target,
        TargetTrackingScalingPolicyConfiguration=tracking,
    )
    (policy,) = scaled.scaling.targets[f"endpoint/recognition-dev-rnn/variant/primary|{INSTANCES}"].policies
    scaled.scaling.track(
        scaled.scaling.targets[f"endpoint/recognition-dev-rnn/variant/primary|{INSTANCES}"], policy, tracking
    )
    variant = {"VariantName": "primary", "DesiredInstanceCount": 5}
    assert asked == [
        (
            "UpdateEndpointWeightsAndCapacities",
            {"EndpointName": "recognition-dev-rnn", "DesiredWeightsAndCapacities": [variant]},
        )
    ]


def configuration(instance_type: str, model: str = "m") -> dict[str, Any]:
    """An endpoint's configuration of one variant."""
    variant = {"VariantName": "primary", "ModelName": model, "InstanceType": instance_type}
    return {"ProductionVariants": [variant]}


def test_a_variant_keeps_its_instance_type_while_it_is_a_target(scaled):
    before, other = configuration("ml.c5.xlarge"), configuration("ml.g4dn.xlarge")
    require_types_kept(scaled.scaling.targets, "e", before, other)
    target = scaled.create(
        "ScalableTarget",
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/e/variant/primary",
        ScalableDimension=INSTANCES,
        MinCapacity="1",
        MaxCapacity="8",
    )
    require_types_kept(scaled.scaling.targets, "e", before, configuration("ml.c5.xlarge", "another"))
    require_types_kept(scaled.scaling.targets, "another", before, other)
    with pytest.raises(ServiceError, match="primary of endpoint e cannot be changed while"):
        require_types_kept(scaled.scaling.targets, "e", before, other)
    scaled.scaling.handlers()["AWS::ApplicationAutoScaling::ScalableTarget"]["delete"](target, {})
    require_types_kept(scaled.scaling.targets, "e", before, other)


class Backlogged(Deployed):
    """An asynchronous endpoint with the policies that our inference stack gives it, by a clock of the test's."""

    name = "recognition-dev-rnn-asynchronous"

    def __init__(self) -> None:
        self.instances, self.waiting, self.moment = 0, 0, 0.0
        sagemaker = SimpleNamespace(
            components=SimpleNamespace(),
            asynchronous=SimpleNamespace(
                load_of=lambda name: (self.instances, self.waiting) if name == self.name else None
            ),
            call=self.call,
        )
        self.scaling = Autoscaling(sagemaker, lambda: self.moment, periodic=False)
        target = self.create(
            "ScalableTarget",
            ServiceNamespace="sagemaker",
            ResourceId=f"endpoint/{self.name}/variant/primary",
            ScalableDimension=INSTANCES,
            MinCapacity="0",
            MaxCapacity="3",
        )
        metric = {
            "Namespace": "AWS/SageMaker",
            "MetricName": "ApproximateBacklogSizePerInstance",
            "Dimensions": [{"Name": "EndpointName", "Value": self.name}],
            "Statistic": "Average",
        }
        self.put_policies(target, CustomizedMetricSpecification=metric)

    def call(self, operation: str, request: dict[str, Any]) -> None:
        assert (operation, request["EndpointName"]) == ("UpdateEndpointWeightsAndCapacities", self.name)
        (wanted,) = request["DesiredWeightsAndCapacities"]
        self.instances = wanted["DesiredInstanceCount"]

    def look(self, *, after_seconds: float, waiting: int) -> int:
        """A look after a while at so many waiting requests; the number of instances then."""
        self.moment += after_seconds
        self.waiting = waiting
        self.scaling.decide()
        return self.instances


def test_a_backlog_brings_an_instance_then_one_for_each_five_requests():
    endpoint = Backlogged()
    assert endpoint.look(after_seconds=10, waiting=0) == 0
    assert endpoint.look(after_seconds=10, waiting=12) == 1, "the step policy brings one"
    assert endpoint.look(after_seconds=59, waiting=12) == 1, "not within the cooldown"
    assert endpoint.look(after_seconds=1, waiting=11) == 3
    assert endpoint.look(after_seconds=10, waiting=0) == 3
    assert endpoint.look(after_seconds=299, waiting=0) == 3
    assert endpoint.look(after_seconds=1, waiting=0) == 0
    assert endpoint.look(after_seconds=10, waiting=1) == 1, "and again from zero"
    causes = [activity["Cause"] for activity in reversed(endpoint.scaling.activities)]
    assert causes == [
        "policy out-of-zero: requests wait, and no instance is there",
        "policy tracking: 11 requests for 1, 5 wanted of each",
        "policy tracking: 0 requests for 3, 5 wanted of each",
        "policy out-of-zero: requests wait, and no instance is there",
    ]


def test_a_policy_on_a_metric_that_is_not_here_decides_nothing():
    endpoint = Backlogged()
    endpoint.instances = 1
    (target,) = endpoint.scaling.targets.values()
    tracking = target.policies["tracking"]["TargetTrackingScalingPolicyConfiguration"]
    tracking["CustomizedMetricSpecification"]["MetricName"] = "CPUUtilization"
    assert endpoint.look(after_seconds=10, waiting=100) == 1
