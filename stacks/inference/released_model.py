"""One kind's released version: its parameter, its endpoint, and the further endpoints of the same version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from aws_cdk import (
    Aws,
    CfnCondition,
    CfnParameter,
    CfnResource,
    Fn,
    IResolvable,
    Stack,
)
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from definitions.names import (
    NOT_RELEASED,
    endpoint_name,
    parameter_name,
    released_version,
    served_model,
    shadow_parameter,
    version_parameter,
)
from stacks.inference.autoscaling import track_concurrency
from stacks.inference.containers import specification, variables
from stacks.inference.deployment import deployment, release_alarms
from stacks.inference.endpoint_config import endpoint_configuration, shadow_variant
from stacks.inference.multi_model import MultiModelEndpoint
from stacks.inference.scale_to_zero import AsynchronousEndpoint, ComponentEndpoint
from stacks.settings import EnvironmentSettings
from stacks.shared.arns import arn_of


@dataclass(frozen=True)
class Release:
    """One kind's released version.

    Attributes:
        version: the parameter that names it.
        is_there: whether it names any.
    """

    version: CfnParameter
    is_there: CfnCondition

    @classmethod
    def of(cls, stack: Stack, environment: str, kind: str) -> Release:
        """The parameter and the condition of a kind."""
        name = endpoint_name(environment, kind)
        version = version_of(
            stack, version_parameter(kind), f"The version of {name} that its endpoint serves"
        )
        return cls(version, is_set(stack, f"{kind.title()}IsReleased", version))


@dataclass(frozen=True)
class Serving:
    """What the endpoints of all kinds share.

    Attributes:
        role: of the containers.
        key_arn: of the key for volumes and answers.
        model_bucket: its name.
        capture: what is kept of requests; None: nothing.
        endpoint: one that serves all kinds; None: each has its own.
    """

    role: iam.Role
    key_arn: str
    model_bucket: str
    capture: sagemaker.CfnEndpointConfig.DataCaptureConfigProperty | None
    endpoint: MultiModelEndpoint | None


class ReleasedModel(Construct):
    """One kind's endpoint; nothing of it exists while its version parameter is empty."""

    def __init__(
        self,
        stack: Stack,
        construct_id: str,
        *,
        settings: EnvironmentSettings,
        kind: str,
        release: Release,
        serving: Serving,
    ) -> None:
        super().__init__(stack, construct_id)
        self.stack, self.serving = stack, serving
        self.kind, self.inference = kind, settings.inference
        self.name = endpoint_name(settings.name, kind)
        own = None if self.inference.serverless else self.inference.instance_type
        model = self.model("Model", release.version, own)
        resources: list[CfnResource] = [model]
        if serving.endpoint:
            self.config, endpoint = serving.endpoint.config, serving.endpoint.endpoint
            resources.append(self.served_model(settings, model))
        else:
            self.config, endpoint, of_it = self.own_endpoint(model, release.is_there)
            resources += of_it
        self.record(settings, kind, release, endpoint)
        resources += self.second_endpoints(settings, release.version)
        for resource in resources:
            resource.cfn_options.condition = release.is_there

    def own_endpoint(
        self, model: sagemaker.CfnModel, released: CfnCondition
    ) -> tuple[sagemaker.CfnEndpointConfig, sagemaker.CfnEndpoint, list[CfnResource]]:
        """The kind's own endpoint: its configuration, itself, and all that there is of it."""
        config = endpoint_configuration(
            self, self.inference, model, self.serving.key_arn, shadow_variants=self.shadow_variants(released)
        )
        config.data_capture_config = self.serving.capture
        alarms = release_alarms(self, self.inference, self.name)
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=self.name,
            endpoint_config_name=config.attr_endpoint_config_name,
            # Guardrails are for endpoints of instances (SageMaker's deployment guardrails).
            deployment_config=None if self.inference.serverless else deployment(self.inference, alarms),
            # Without it an update starts with the settings' number of instances, whatever the load.
            retain_all_variant_properties=True if self.inference.autoscaling else None,
        )
        of_alarms = [cast(CfnResource, alarm.node.default_child) for alarm in alarms]
        return config, endpoint, [config, endpoint, *of_alarms, *self.autoscaling(endpoint)]

    def served_model(self, settings: EnvironmentSettings, model: sagemaker.CfnModel) -> ssm.CfnParameter:
        """The name of the version's model, which batch transform asks; a shared endpoint does not tell it."""
        return ssm.CfnParameter(
            self,
            "ServedModel",
            name=parameter_name(settings.name, served_model(self.kind)),
            type="String",
            value=model.attr_model_name,
            description=f"The model of the version of {self.name} that serves.",
        )

    def model(
        self,
        construct_id: str,
        version: CfnParameter,
        instance_type: str | None,
        cores: float | None = None,
    ) -> sagemaker.CfnModel:
        """A registered version as something to serve on instances of a type; None: on none, serverless.

        `cores` is how many of an instance's a copy has; None: all.
        """
        model = sagemaker.CfnModel(
            self,
            construct_id,
            execution_role_arn=self.serving.role.role_arn,
            # Serverless endpoints take no network isolation (SageMaker's guide, Serverless Inference, exclusions).
            enable_network_isolation=instance_type is not None,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                environment={
                    # Every answer names the version that gave it.
                    "MODEL_VERSION": version.value_as_string,
                    **variables(self.inference, instance_type, self.kind, cores),
                },
                model_package_name=arn_of(
                    self.stack, "sagemaker", "model-package", f"{self.name}/{version.value_as_string}"
                ),
                inference_specification_name=specification(self.inference, instance_type),
            ),
        )
        model.node.add_dependency(self.serving.role)
        return model

    def shadow_variants(self, released: CfnCondition) -> IResolvable | None:
        """A variant that gets copies of requests, while its version parameter names one."""
        if not self.inference.shadow_percent:
            return None
        about = f"The version that shadows {self.name}"
        version = version_of(self.stack, shadow_parameter(self.kind), about)
        shadowed = CfnCondition(
            self.stack,
            f"{self.kind.title()}IsShadowed",
            expression=Fn.condition_and(
                released,  # pyright: ignore[reportArgumentType]  # jsii
                Fn.condition_not(Fn.condition_equals(version.value_as_string, "")),
            ),
        )
        model = self.model("ShadowModel", version, self.inference.instance_type)
        model.cfn_options.condition = shadowed
        variant = shadow_variant(self.inference, model)
        return Fn.condition_if(shadowed.logical_id, [variant], Aws.NO_VALUE)

    def autoscaling(self, endpoint: sagemaker.CfnEndpoint) -> list[CfnResource]:
        """Target tracking, where the settings want it."""
        if not self.inference.autoscaling:
            return []
        target, policy = track_concurrency(self, self.name, self.inference.autoscaling)
        target.add_resource_dependency(endpoint)
        return [target, policy]

    def second_endpoints(self, settings: EnvironmentSettings, version: CfnParameter) -> list[CfnResource]:
        """Further endpoints of the same version, each with a model for its instances, where the settings want them."""
        common = {"environment": settings.name, "kind": self.kind, "key_arn": self.serving.key_arn}
        resources: list[CfnResource] = []
        if chosen := self.inference.asynchronous:
            model = self.model("AsynchronousModel", version, chosen.instance_type)
            bucket = self.serving.model_bucket
            resources += [model]
            resources += AsynchronousEndpoint(
                self, "Asynchronous", settings=chosen, model=model, bucket=bucket, **common
            ).resources
        if chosen := self.inference.scale_to_zero:
            model = self.model("ToZeroModel", version, chosen.instance_type, chosen.cpu_cores_per_copy)
            role_arn = self.serving.role.role_arn
            resources += [model]
            resources += ComponentEndpoint(
                self, "ToZero", settings=chosen, model=model, role_arn=role_arn, **common
            ).resources
        return resources

    def record(
        self,
        settings: EnvironmentSettings,
        kind: str,
        release: Release,
        endpoint: sagemaker.CfnEndpoint,
    ) -> None:
        """The version that the stack holds, written once the endpoint serves it; none while that is shut down.

        Functions read which version to name; what has also answered its release stands in the release stack's record.
        """
        # It waits for the endpoint by naming it: a DependsOn on what a condition holds back is refused.
        served = Fn.select(0, [release.version.value_as_string, endpoint.attr_endpoint_name])
        ssm.CfnParameter(
            self,
            "Record",
            name=parameter_name(settings.name, released_version(kind)),
            type="String",
            value=Fn.condition_if(release.is_there.logical_id, served, NOT_RELEASED).to_string(),
            description=f"The version of {endpoint_name(settings.name, kind)} that serves.",
        )


def version_of(stack: Stack, name: str, description: str) -> CfnParameter:
    """A parameter that names a registered version, or none."""
    return CfnParameter(
        stack,
        name,
        type="String",
        default="",
        allowed_pattern=r"^([1-9][0-9]*)?$",
        constraint_description="the number of a version in the model package group, or empty before the first",
        description=f"{description}; empty before the first release.",
    )


def is_set(stack: Stack, construct_id: str, version: CfnParameter) -> CfnCondition:
    """Whether a version parameter names one."""
    expression = Fn.condition_not(Fn.condition_equals(version.value_as_string, ""))
    return CfnCondition(stack, construct_id, expression=expression)
