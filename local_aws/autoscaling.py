"""Application Auto Scaling of endpoints and inference components: decisions by the requests that there are right now.

Target tracking follows the concurrent requests of an instance or a copy, or the backlog of an asynchronous endpoint's
instance; a step policy takes the first copy or instance out of zero when a request found none. Policies on other
metrics, which the embedded AWS does not have, are kept and decide nothing.
"""

from __future__ import annotations

import datetime
import json
import math
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local_aws.periodic import periodically
from local_aws.sagemaker.errors import ServiceError
from local_aws.sagemaker.names import ACCOUNT
from local_aws.sagemaker.service import SageMaker
from local_aws.sagemaker.shapes import Shapes, now, to_wire

COPIES = "sagemaker:inference-component:DesiredCopyCount"
INSTANCES = "sagemaker:variant:DesiredInstanceCount"
BACKLOG = "ApproximateBacklogSizePerInstance"
# The metrics that policies follow here, and the dimension of each.
FOLLOWED = {
    "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution": COPIES,
    "SageMakerVariantConcurrentRequestsPerModelHighResolution": INSTANCES,
    BACKLOG: INSTANCES,
}
# High-resolution metrics come every 10 s (Application Auto Scaling's predefined metrics of SageMaker).
PERIOD_SECONDS = 10
# Target tracking scales in when the metric is a tenth below its target, so that it does not go back and forth.
SLACK = 0.9
# The service-linked role, which Application Auto Scaling takes where a target names none.
LINKED_ROLE = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
# Application Auto Scaling's defaults for SageMaker.
COOLDOWN_SECONDS = 300


@dataclass
class ScalableTarget:
    """What may be scaled, by which policies, and when it last was.

    Attributes:
        properties: CloudFormation's, of AWS::ApplicationAutoScaling::ScalableTarget.
        policies: of AWS::ApplicationAutoScaling::ScalingPolicy, by their names.
        busy: the moment at which there was last a reason not to scale in, by the monotonic clock.
        scaled_out: the moment of the last scaling out.
        seen: the number at the last look.
        created: when it was registered.
    """

    properties: dict[str, Any]
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    busy: float = -math.inf
    scaled_out: float = -math.inf
    seen: int | None = None
    created: datetime.datetime = field(default_factory=now)

    @property
    def name(self) -> str:
        """The endpoint or the component."""
        return self.properties["ResourceId"].split("/")[1]

    @property
    def dimension(self) -> str:
        """What of it is scaled."""
        return self.properties["ScalableDimension"]

    def within(self, number: float) -> int:
        """A number within the target's bounds."""
        least, most = (int(self.properties[f"{bound}Capacity"]) for bound in ("Min", "Max"))
        return min(max(math.ceil(number), least), most)

    def policies_of(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        """Its policies of a type, with their names."""
        return [(name, policy) for name, policy in self.policies.items() if policy["PolicyType"] == kind]


class Autoscaling:
    """Every target, and what was decided about it."""

    def __init__(
        self, sagemaker: SageMaker, clock: Callable[[], float] = time.monotonic, *, periodic: bool = True
    ) -> None:
        self.sagemaker, self.clock = sagemaker, clock
        self.targets: dict[str, ScalableTarget] = {}
        self.activities: list[dict[str, Any]] = []
        self.shapes = Shapes("application-autoscaling")
        self.lock = threading.RLock()
        sagemaker.components.when_refused = self.bring_component
        if periodic:
            periodically(PERIOD_SECONDS, self.decide)

    def decide(self) -> None:
        """One look at every target that a policy tracks."""
        with self.lock:
            tracked = [
                (target, name, policy["TargetTrackingScalingPolicyConfiguration"])
                for target in self.targets.values()
                for name, policy in target.policies_of("TargetTrackingScaling")
            ]
        for target, name, tracking in tracked:
            metric = metric_of(tracking)
            if metric is not None and FOLLOWED.get(metric) == target.dimension:
                self.track(target, name, tracking)

    def track(self, target: ScalableTarget, policy: str, tracking: dict[str, Any]) -> None:
        """Brings a target to so many copies that each has the wanted number of requests; outside its cooldowns."""
        metric = metric_of(tracking)
        load = None if metric is None else self.load_of(target, metric)
        if load is None:
            return
        count, requests = load
        # Without an instance or a copy there is no such metric.
        if not count:
            if requests:
                self.step_out_of_zero(target, "requests wait, and no instance is there")
            return
        value, moment = float(tracking["TargetValue"]), self.clock()
        wanted = target.within(requests / value)
        # A number that is new, by a deployment or somebody's hand, is given its time too.
        if requests >= count * value * SLACK or count != target.seen:
            target.busy = moment
        target.seen = count
        if wanted > count:
            cooled_down = moment - target.scaled_out >= float(
                tracking.get("ScaleOutCooldown", COOLDOWN_SECONDS)
            )
        else:
            waited = moment - max(target.busy, target.scaled_out)
            cooled_down = waited >= float(tracking.get("ScaleInCooldown", COOLDOWN_SECONDS))
        if wanted != count and cooled_down:
            self.scale(
                target, wanted, f"policy {policy}: {requests} requests for {count}, {value:g} wanted of each"
            )

    def bring_component(self, component: str) -> None:
        """What the alarm on NoCapacityInvocationFailures does when a component had no copy for a request."""
        with self.lock:
            target = self.targets.get(f"inference-component/{component}|{COPIES}")
        if target is not None:
            self.step_out_of_zero(target, "a request found no copy")

    def step_out_of_zero(self, target: ScalableTarget, why: str) -> None:
        """The adjustment of a step policy, for a target that has nothing."""
        for name, policy in target.policies_of("StepScaling"):
            steps = policy["StepScalingPolicyConfiguration"]["StepAdjustments"]
            wanted = target.within(int(steps[0]["ScalingAdjustment"]))
            self.scale(target, wanted, f"policy {name}: {why}")

    def load_of(self, target: ScalableTarget, metric: str) -> tuple[int, int] | None:
        """How many copies or instances there are, and how many requests all of them have by a metric right now."""
        if target.dimension == COPIES:
            return self.sagemaker.components.load_of(target.name)
        if metric == BACKLOG:
            return self.sagemaker.asynchronous.load_of(target.name)
        return self.sagemaker.endpoints.load_of(target.name)

    def scale(self, target: ScalableTarget, wanted: int, cause: str) -> None:
        """Sets the number, and keeps the decision; what SageMaker refuses, because it is changing, is tried later."""
        operation, request = request_of(target, wanted)
        began = now()
        try:
            self.sagemaker.call(operation, request)
            status, message = "Successful", f"Successfully set the desired number to {wanted}."
        except ServiceError as error:
            status, message = "Failed", error.message
        else:
            moment = self.clock()
            target.busy, target.scaled_out = moment, moment
        with self.lock:
            self.activities.insert(
                0,
                {
                    "ActivityId": str(uuid.uuid4()),
                    "ServiceNamespace": "sagemaker",
                    "ResourceId": target.properties["ResourceId"],
                    "ScalableDimension": target.dimension,
                    "Description": f"Setting desired {target.dimension.rpartition(':')[2]} to {wanted}.",
                    "Cause": cause,
                    "StartTime": began,
                    "EndTime": now(),
                    "StatusCode": status,
                    "StatusMessage": message,
                },
            )

    def handlers(self) -> dict[str, dict[str, Any]]:
        """ministack's table of handlers for the two resource types."""

        def register(logical_id: str, properties: dict, stack_name: str) -> tuple[str, dict]:
            key = f"{properties['ResourceId']}|{properties['ScalableDimension']}"
            with self.lock:
                known = self.targets.get(key)
                self.targets[key] = ScalableTarget(properties, known.policies if known else {})
            # As Ref gives it: the resource, its dimension and the namespace.
            return f"{key}|{properties['ServiceNamespace']}", {}

        def deregister(physical_id: str, properties: dict) -> None:
            with self.lock:
                self.targets.pop(physical_id.rpartition("|")[0], None)

        def put(logical_id: str, properties: dict, stack_name: str) -> tuple[str, dict]:
            with self.lock:
                target = self.targets[properties["ScalingTargetId"].rpartition("|")[0]]
                target.policies[properties["PolicyName"]] = properties
            return f"{properties['ScalingTargetId']}|{properties['PolicyName']}", {}

        def remove(physical_id: str, properties: dict) -> None:
            target, _, name = physical_id.rpartition("|")
            with self.lock:
                if held := self.targets.get(target.rpartition("|")[0]):
                    held.policies.pop(name, None)

        def again(create: Callable) -> Callable:
            return lambda physical_id, old, new, stack_name, *_: create("", new, stack_name)

        kind = "AWS::ApplicationAutoScaling"
        return {
            f"{kind}::ScalableTarget": {"create": register, "update": again(register), "delete": deregister},
            f"{kind}::ScalingPolicy": {"create": put, "update": again(put), "delete": remove},
        }

    async def handle_request(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict
    ) -> tuple[int, dict[str, str], bytes]:
        """What is there and what was decided; operations that change anything are CloudFormation's here."""
        kind = {"Content-Type": "application/x-amz-json-1.1"}
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        answers = {
            "DescribeScalingActivities": self.describe_activities,
            "DescribeScalableTargets": self.describe_targets,
        }
        if operation not in answers:
            said = f"The embedded AWS has of Application Auto Scaling's operations {' and '.join(answers)} alone."
            return 400, kind, json.dumps({"__type": "ValidationException", "message": said}).encode()
        with self.lock:
            answer = answers[operation](json.loads(body or b"{}"))
        self.shapes.check_answer(operation, answer)
        return 200, kind, json.dumps(to_wire(answer)).encode()

    def describe_activities(self, request: dict[str, Any]) -> dict[str, Any]:
        """The decisions about a resource, or all, the newest first."""
        asked = request.get("ResourceId")
        return {
            "ScalingActivities": [entry for entry in self.activities if asked in (None, entry["ResourceId"])]
        }

    def describe_targets(self, request: dict[str, Any]) -> dict[str, Any]:
        """The targets among the resources that are asked for, or all, and of the dimension."""
        resources, dimension = request.get("ResourceIds"), request.get("ScalableDimension")
        return {
            "ScalableTargets": [
                {
                    "ServiceNamespace": "sagemaker",
                    "ResourceId": target.properties["ResourceId"],
                    "ScalableDimension": target.dimension,
                    "MinCapacity": int(target.properties["MinCapacity"]),
                    "MaxCapacity": int(target.properties["MaxCapacity"]),
                    "RoleARN": target.properties.get("RoleARN", LINKED_ROLE),
                    "CreationTime": target.created,
                }
                for target in self.targets.values()
                if (not resources or target.properties["ResourceId"] in resources)
                and dimension in (None, target.dimension)
            ]
        }


def metric_of(tracking: dict[str, Any]) -> str | None:
    """The metric that a tracking policy follows: one of Application Auto Scaling's own, or any other."""
    if own := tracking.get("PredefinedMetricSpecification"):
        return own["PredefinedMetricType"]
    return tracking.get("CustomizedMetricSpecification", {}).get("MetricName")


def request_of(target: ScalableTarget, wanted: int) -> tuple[str, dict[str, Any]]:
    """SageMaker's operation that sets a target's number."""
    if target.dimension == COPIES:
        return "UpdateInferenceComponentRuntimeConfig", {
            "InferenceComponentName": target.name,
            "DesiredRuntimeConfig": {"CopyCount": wanted},
        }
    variant = {"VariantName": target.properties["ResourceId"].split("/")[3], "DesiredInstanceCount": wanted}
    return "UpdateEndpointWeightsAndCapacities", {
        "EndpointName": target.name,
        "DesiredWeightsAndCapacities": [variant],
    }
