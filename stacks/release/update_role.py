"""The role under which CloudFormation updates the inference stack for a release: what that stack touches, no more.

Without a role of its own an update reuses the one with which the stack was deployed, which may do far more than whoever
asks for the update. The actions are those of the resource types' own handlers, as CloudFormation's schemas name them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from definitions.names import (
    PROJECT,
    asynchronous_endpoint_name,
    component_endpoint_name,
    component_name,
    endpoint_name,
    parameter_name,
    released_version,
    served_model,
    shared_endpoint_name,
    stack_name,
)
from definitions.networks import KINDS
from definitions.parameters import DATA_BUCKET, KEY_ARN, MODEL_BUCKET, MODEL_ROLE_ARN
from stacks.settings import EnvironmentSettings
from stacks.shared import iam as roles
from stacks.shared.arns import arn_of, parameter_arn
from stacks.shared.grants import NO_RESOURCE, STACK_ID, Grant, allow
from stacks.shared.parameters import published

CHOSEN = "CloudFormation chooses these names; it deletes and tags only what has this environment's tags here."
ALARMS = "The beginning of these names is the stack's or the endpoint's; their ends are chosen by AWS."
SCALING = "Application Auto Scaling chooses these names; the condition holds them to SageMaker."
# CDK's own parameter of every template, by its bootstrap's default qualifier.
BOOTSTRAP_VERSION = "cdk-bootstrap/hnb659fds/version"


def add_update_role(stack: Stack, settings: EnvironmentSettings) -> iam.Role:
    """The role; CloudFormation takes it for whoever may pass it, and tells no source when it does."""
    role = iam.Role(
        stack,
        "UpdateRole",
        description="What CloudFormation does to the inference stack for a release",
        assumed_by=iam.ServicePrincipal("cloudformation.amazonaws.com"),  # pyright: ignore[reportArgumentType]  # jsii
    )
    needed = UpdateGrants(stack, settings)
    grants = [*needed.by_sagemaker(), *needed.handed_over(), *needed.alarms(), *needed.parameters()]
    inference = settings.inference
    if inference.scale_to_zero:
        grants += needed.components()
    if inference.autoscaling or inference.asynchronous or inference.scale_to_zero:
        grants += needed.scaling()
    allow(role, grants)
    return role


def update_under(stack: Stack, settings: EnvironmentSettings, role: iam.Role) -> list[Grant]:
    """What a state machine needs to have the inference stack updated under the role, and under no other."""
    inference = stack_name(settings.name, "Inference")
    arn = arn_of(stack, "cloudformation", "stack", f"{inference}/*")
    # A call without a role lacks the key, so it is refused too.
    this_one = {"StringEquals": {"cloudformation:RoleArn": role.role_arn}}
    to_cloudformation = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    return [
        Grant(["cloudformation:UpdateStack"], [arn], STACK_ID, this_one),
        Grant(["iam:PassRole"], [role.role_arn], conditions=to_cloudformation),
        UpdateGrants(stack, settings).published_values(),
    ]


class UpdateGrants:
    """What an update of a version parameter touches, by service, as grants."""

    def __init__(self, stack: Stack, settings: EnvironmentSettings) -> None:
        self.stack, self.environment = stack, settings.name
        inference, kinds = settings.inference, sorted(KINDS)
        names = [shared_endpoint_name(self.environment)] if inference.multi_model else []
        for wanted, name_of in (
            (not inference.multi_model, endpoint_name),
            (inference.asynchronous, asynchronous_endpoint_name),
            (inference.scale_to_zero, component_endpoint_name),
        ):
            names += [name_of(self.environment, kind) for kind in kinds] if wanted else []
        self.endpoint_names = names
        self.component_names = [component_name(self.environment, kind) for kind in kinds]
        self.arn = partial(arn_of, stack)
        self.endpoints = [self.arn("sagemaker", "endpoint", name) for name in names]
        self.models, self.configurations = (
            self.arn("sagemaker", resource, "*") for resource in ("model", "endpoint-config")
        )

    def by_sagemaker(self) -> Iterator[Grant]:
        """Models and configurations, whose names nobody knows before, and the endpoints."""
        chosen = [self.models, self.configurations]
        kinds = ("Model", "EndpointConfig")
        made = [f"sagemaker:{verb}{kind}" for kind in kinds for verb in ("Create", "Describe")]
        yield Grant([*made, "sagemaker:ListTags"], chosen, CHOSEN)
        tags = {"project": PROJECT, "environment": self.environment}
        ours = {"StringEquals": {f"aws:ResourceTag/{name}": value for name, value in tags.items()}}
        yield Grant([f"sagemaker:Delete{kind}" for kind in kinds], chosen, CHOSEN, ours)
        verbs = ("Create", "Delete", "Describe", "Update")
        yield Grant([*(f"sagemaker:{verb}Endpoint" for verb in verbs), "sagemaker:ListTags"], self.endpoints)
        yield Grant(["sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint"], [self.configurations], CHOSEN)
        yield self.tagged([*chosen, *self.endpoints], *kinds, "Endpoint")

    def tagged(self, arns: list[str], *kinds: str) -> Grant:
        """Tagging what is being made, and nothing that was there before."""
        made = {"StringEquals": {"sagemaker:TaggingAction": [f"Create{kind}" for kind in kinds]}}
        return Grant(["sagemaker:AddTags"], arns, CHOSEN, made)

    def components(self) -> Iterator[Grant]:
        """The inference components of the endpoints that scale to zero."""
        arns = [self.arn("sagemaker", "inference-component", name) for name in self.component_names]
        verbs = ("Create", "Delete", "Describe", "Update")
        actions = [f"sagemaker:{verb}InferenceComponent" for verb in verbs]
        runtime = ["sagemaker:ListTags", "sagemaker:UpdateInferenceComponentRuntimeConfig"]
        yield Grant([*actions, *runtime], arns)
        yield Grant(["sagemaker:CreateInferenceComponent"], self.endpoints)
        yield self.tagged(arns, "InferenceComponent")

    def handed_over(self) -> Iterator[Grant]:
        """The models' role and the key of their volumes, which SageMaker gets."""
        model_role = published(self.stack, self.environment, MODEL_ROLE_ARN)
        yield roles.pass_role(model_role)
        yield Grant(["iam:GetRole"], [model_role])
        key = published(self.stack, self.environment, KEY_ARN)
        yield Grant(["kms:DescribeKey"], [key])
        yield roles.use_key_for_volumes(key)

    def alarms(self) -> Iterator[Grant]:
        """The alarms that roll a release back and start what scales from zero."""
        verbs = ("DeleteAlarms", "DescribeAlarms", "ListTagsForResource", "PutMetricAlarm", "TagResource")
        begins = f"{stack_name(self.environment, 'Inference')}-*"
        yield Grant(
            [f"cloudwatch:{verb}" for verb in verbs], [self.arn("cloudwatch", "alarm", begins)], ALARMS
        )

    def parameters(self) -> Iterator[Grant]:
        """The records of what serves, and what the template takes from Systems Manager."""
        recorded = [name(kind) for kind in KINDS for name in (released_version, served_model)]
        verbs = (
            "AddTagsToResource",
            "DeleteParameter",
            "GetParameters",
            "ListTagsForResource",
            "PutParameter",
        )
        yield Grant([f"ssm:{verb}" for verb in verbs], self.parameter_arns(recorded))
        yield self.published_values()

    def published_values(self) -> Grant:
        """The values of the template's own parameters, which are read again at every update."""
        read = self.parameter_arns((KEY_ARN, MODEL_BUCKET, DATA_BUCKET))
        return Grant(["ssm:GetParameters"], [*read, parameter_arn(self.stack, BOOTSTRAP_VERSION)])

    def parameter_arns(self, names: list[str] | tuple[str, ...]) -> list[str]:
        """The ARNs of published values."""
        return [parameter_arn(self.stack, parameter_name(self.environment, name)) for name in names]

    def scaling(self) -> Iterator[Grant]:
        """Targets and policies of scaling, and the alarms that Application Auto Scaling makes of a policy."""
        of_sagemaker = {"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}}
        targets = self.arn("application-autoscaling", "scalable-target", "*")
        changed = (
            "RegisterScalableTarget",
            "DeregisterScalableTarget",
            "PutScalingPolicy",
            "DeleteScalingPolicy",
        )
        yield Grant([f"application-autoscaling:{verb}" for verb in changed], [targets], SCALING, of_sagemaker)
        yield Grant(
            ["application-autoscaling:ListTagsForResource", "application-autoscaling:TagResource"],
            [targets],
            SCALING,
        )
        seen = ("ScalableTargets", "ScalingPolicies", "ScheduledActions")
        described = [f"application-autoscaling:Describe{what}" for what in seen]
        yield Grant([*described, "cloudwatch:GetMetricData"], ["*"], NO_RESOURCE)
        yield Grant(
            ["sagemaker:DescribeEndpointConfig", "sagemaker:UpdateEndpointWeightsAndCapacities"],
            [*self.endpoints, self.configurations],
            CHOSEN,
        )
        scaled = [f"endpoint/{name}" for name in self.endpoint_names]
        scaled += [f"inference-component/{name}" for name in self.component_names]
        made = [self.arn("cloudwatch", "alarm", f"TargetTracking-{name}*") for name in scaled]
        verbs = ("DeleteAlarms", "DescribeAlarms", "PutMetricAlarm")
        yield Grant([f"cloudwatch:{verb}" for verb in verbs], made, ALARMS)
        service = "sagemaker.application-autoscaling.amazonaws.com"
        linked = f"aws-service-role/{service}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
        yield Grant(
            ["iam:CreateServiceLinkedRole"],
            [self.stack.format_arn(service="iam", region="", resource="role", resource_name=linked)],
            conditions={"StringEquals": {"iam:AWSServiceName": service}},
        )
