"""Every metric and event that the templates wait for is one that AWS sends: on any other they wait for ever."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import checked_templates
from .grants import written
from .interpreter import shapes
from .sagemaker_requests import settings_with
from .test_options import EVERYTHING

ENDPOINT = frozenset({"EndpointName", "VariantName"})
API = frozenset({"ApiName", "Stage"})
# Guides: SageMaker, "Amazon SageMaker AI metrics in Amazon CloudWatch" and "Monitor asynchronous endpoint"; API
# Gateway, "Amazon API Gateway dimensions and metrics"; SQS, "Available CloudWatch metrics".
PUBLISHED = {
    **{("AWS/SageMaker", name): ENDPOINT for name in ("Invocations", "Invocation5XXErrors", "ModelLatency")},
    ("AWS/SageMaker", "ApproximateBacklogSizePerInstance"): frozenset({"EndpointName"}),
    ("AWS/SageMaker", "HasBacklogWithoutCapacity"): frozenset({"EndpointName"}),
    ("AWS/SageMaker", "NoCapacityInvocationFailures"): frozenset({"InferenceComponentName"}),
    **{("AWS/ApiGateway", name): API for name in ("Count", "4XXError", "5XXError", "Latency")},
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): frozenset({"QueueName"}),
}

# Guides: S3, "EventBridge event message structure"; SageMaker, "Events that Amazon SageMaker AI sends to EventBridge";
# Step Functions, "Automating event delivery"; CloudWatch, "Alarm events and EventBridge". What rules may ask of them.
SENT = {
    ("aws.s3", "Object Created"): {"bucket.name", "object.key"},
    ("aws.sagemaker", "SageMaker Model Package State Change"): {
        *("ModelPackageArn", "ModelPackageGroupName", "ModelApprovalStatus", "UpdatedModelPackageFields")
    },
    ("aws.states", "Step Functions Execution Status Change"): {
        *("executionArn", "stateMachineArn", "status", "cause")
    },
    ("aws.cloudwatch", "CloudWatch Alarm State Change"): {"alarmName", "state.value", "state.reason"},
}
# Of Step Functions' executions and CloudWatch's alarms.
STATES = {
    "status": {"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"},
    "state.value": {"OK", "ALARM", "INSUFFICIENT_DATA"},
    "ModelApprovalStatus": {"Approved", "Rejected", "PendingManualApproval"},
}


@pytest.fixture(scope="module")
def watched(tmp_path_factory) -> dict[str, dict]:
    """dev's templates with every option and every kind of endpoint."""
    scaled = {"maximum_instances": 2}
    environments = settings_with({"autoscaling": scaled, "asynchronous": {}, "scale_to_zero": {}}, {})
    environments["dev"] |= {**EVERYTHING, "release": {"on_approval": True}}
    return checked_templates(environments, tmp_path_factory.mktemp("watched"))


def metrics_in(value: Any) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Namespace, name and names of the dimensions of every metric, wherever in a template it stands."""
    if isinstance(value, list):
        for element in value:
            yield from metrics_in(element)
    if not isinstance(value, dict):
        return
    if "MetricName" in value and "Namespace" in value:
        dimensions = frozenset(one["Name"] for one in value.get("Dimensions", []))
        yield value["Namespace"], value["MetricName"], dimensions
    if "DashboardBody" in value:
        for found in re.findall(r'\["AWS/[^\[\]{}]*', written(value["DashboardBody"])):
            namespace, name, *pairs = json.loads(f"{found.rstrip(',')}]")
            yield namespace, name, frozenset(pairs[::2])
    for element in value.values():
        yield from metrics_in(element)


def test_every_metric_of_an_alarm_a_policy_or_a_graph_is_one_that_aws_publishes(watched):
    of_aws = {metric for metric in metrics_in(list(watched.values())) if metric[0].startswith("AWS/")}
    assert of_aws == {(*metric, dimensions) for metric, dimensions in PUBLISHED.items()}


def test_every_predefined_metric_of_scaling_is_one_of_application_auto_scalings(watched, of_type):
    known = shapes("application-autoscaling").model.shape_for("MetricType").enum
    chosen = {
        policy["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"][
            "PredefinedMetricType"
        ]
        for policy in of_type(watched["Inference"], "AWS::ApplicationAutoScaling::ScalingPolicy")
        if "PredefinedMetricSpecification" in policy.get("TargetTrackingScalingPolicyConfiguration", {})
    }
    assert len(chosen) == 2
    assert chosen <= set(known)


def asked_of(pattern: dict, path: str = "") -> Iterator[tuple[str, list]]:
    """The members that a pattern's detail names, with what they have to be."""
    for name, wanted in pattern.items():
        if isinstance(wanted, dict):
            yield from asked_of(wanted, f"{path}{name}.")
        else:
            yield f"{path}{name}", wanted


def test_every_rule_waits_for_an_event_of_awss_and_takes_what_is_in_it(watched, of_type):
    heard = set()
    for rule in (rule for part in watched.values() for rule in of_type(part, "AWS::Events::Rule")):
        pattern = rule.get("EventPattern", {})
        if "detail-type" not in pattern:
            continue
        (source,), (detail_type,) = pattern["source"], pattern["detail-type"]
        told = SENT[source, detail_type]
        heard.add((source, detail_type))
        for member, wanted in asked_of(pattern["detail"]):
            assert member in told
            assert set(wanted) <= STATES[member] if member in STATES else wanted
        taken = {
            path
            for target in rule["Targets"]
            for path in target.get("InputTransformer", {}).get("InputPathsMap", {}).values()
        }
        assert taken <= {"$.time", *(f"$.detail.{member}" for member in told)}
    assert heard == set(SENT)
