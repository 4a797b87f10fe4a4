"""The inference stack: for each kind of network a model, a configuration and an endpoint, once one is released."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from aws_cdk import (
    ArnFormat,
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
    MULTI_MODEL_PREFIX,
    NOT_RELEASED,
    TRANSFORM_PREFIX,
    endpoint_name,
    parameter_name,
    released_version,
    served_model,
    shadow_parameter,
    version_parameter,
)
from definitions.networks import KINDS
from definitions.parameters import DATA_BUCKET, KEY_ARN, MODEL_BUCKET
from stacks.inference.autoscaling import track_concurrency
from stacks.inference.containers import specification, variables
from stacks.inference.data_capture import data_capture
from stacks.inference.deployment import deployment, release_alarms
from stacks.inference.endpoint_config import endpoint_configuration, shadow_variant
from stacks.inference.multi_model import MultiModelEndpoint
from stacks.inference.scale_to_zero import AsynchronousEndpoint, ComponentEndpoint
from stacks.settings import EnvironmentSettings
from stacks.settings.container_images import INFERENCE_IMAGES
from stacks.settings.inference import ASYNCHRONOUS_PREFIX, InferenceSettings
from stacks.shared import iam as roles
from stacks.shared.grants import VERSIONS, Grant, allow
from stacks.shared.iam import bucket_arn
from stacks.shared.parameters import published


class InferenceStack(Stack):
    """The only writer of endpoints: a release is an update of this stack's version parameters."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: EnvironmentSettings, **options
    ) -> None:
        super().__init__(scope, construct_id, **options)
        self.key_arn = published(self, settings.name, KEY_ARN)
        self.model_bucket = published(self, settings.name, MODEL_BUCKET)
        data_bucket = published(self, settings.name, DATA_BUCKET)
        self.role = self.model_role(settings, bucket_arn(self.model_bucket), bucket_arn(data_bucket))
        self.capture = data_capture(self, settings, self.role, self.key_arn)
        releases = {kind: Release.of(self, settings.name, kind) for kind in KINDS}
        self.shared = self.shared_endpoint(settings, [one.is_there for one in releases.values()])
        self.models = {
            kind: ReleasedModel(self, kind.title(), settings=settings, kind=kind, release=release)
            for kind, release in releases.items()
        }

    def configurations(self) -> dict[str, str]:
        """The logical id of each kind's endpoint configuration."""
        return {kind: self.get_logical_id(model.config) for kind, model in self.models.items()}

    def shared_endpoint(
        self, settings: EnvironmentSettings, released: list[CfnCondition]
    ) -> MultiModelEndpoint | None:
        """The endpoint of all networks, where the settings want one in the place of one for each."""
        if not settings.inference.multi_model:
            return None
        return MultiModelEndpoint(
            self,
            "MultiModel",
            settings=settings,
            role=self.role,
            bucket=self.model_bucket,
            key_arn=self.key_arn,
            released=released,
        )

    def model_role(
        self, settings: EnvironmentSettings, model_bucket_arn: str, data_bucket_arn: str
    ) -> iam.Role:
        """What a serving container may do: read models, transform, and let SageMaker watch a release's alarms."""
        role = iam.Role(self, "ModelRole", assumed_by=roles.service_of_this_account(self, "sagemaker"))  # pyright: ignore[reportArgumentType]  # jsii
        versions = [
            self.format_arn(
                service="sagemaker",
                resource="model-package",
                resource_name=f"{endpoint_name(settings.name, kind)}/*",
            )
            for kind in KINDS
        ]
        alarms = self.format_arn(
            service="cloudwatch",
            resource="alarm",
            resource_name=f"{self.stack_name}-*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        grants = [
            *roles.read_objects(model_bucket_arn, *read_prefixes(settings.inference)),
            roles.use_key(self.key_arn),
            *roles.pull_image(INFERENCE_IMAGES[settings.inference.image_version], settings.region),
            *roles.write_sagemaker_logs(self, *log_groups(settings.inference)),
            # A batch transform job has no role but that of its model.
            roles.use_key_for_volumes(self.key_arn),
            *roles.read_objects(data_bucket_arn, f"{TRANSFORM_PREFIX}/"),
            roles.write_objects(data_bucket_arn, f"{TRANSFORM_PREFIX}/"),
            Grant(["sagemaker:DescribeModelPackage"], versions, VERSIONS),
            Grant(
                ["cloudwatch:DescribeAlarms"], [alarms], "This stack's alarms and no others; CDK names them."
            ),
        ]
        if settings.inference.litert_image_uri:
            grants.append(roles.pull_own_image(settings.inference.litert_image_uri))
        if settings.inference.asynchronous:
            # Requests lie below the same prefix as their answers.
            grants += roles.read_objects(model_bucket_arn, f"{ASYNCHRONOUS_PREFIX}/")
            grants.append(roles.write_objects(model_bucket_arn, f"{ASYNCHRONOUS_PREFIX}/"))
        allow(role, grants)
        return role


def read_prefixes(inference: InferenceSettings) -> list[str]:
    """Below which prefixes of the model bucket there is what containers serve."""
    copied = [f"{MULTI_MODEL_PREFIX}/"] if inference.multi_model else []
    return ["training/", "local/", *copied]


def log_groups(inference: InferenceSettings) -> list[str]:
    """Where SageMaker writes what serving containers say."""
    components = ["InferenceComponents/*"] if inference.scale_to_zero else []
    return ["Endpoints/*", *components, "TransformJobs"]


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


class ReleasedModel(Construct):
    """One kind's endpoint; nothing of it exists while its version parameter is empty."""

    def __init__(
        self,
        stack: InferenceStack,
        construct_id: str,
        *,
        settings: EnvironmentSettings,
        kind: str,
        release: Release,
    ) -> None:
        super().__init__(stack, construct_id)
        self.stack, self.kind, self.inference = stack, kind, settings.inference
        self.name = endpoint_name(settings.name, kind)
        own = None if self.inference.serverless else self.inference.instance_type
        model = self.model("Model", release.version, own)
        resources: list[CfnResource] = [model]
        if stack.shared:
            self.config, endpoint = stack.shared.config, stack.shared.endpoint
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
            self, self.inference, model, self.stack.key_arn, shadow_variants=self.shadow_variants(released)
        )
        config.data_capture_config = self.stack.capture
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
            execution_role_arn=self.stack.role.role_arn,
            # Serverless endpoints take no network isolation (SageMaker's guide, Serverless Inference, exclusions).
            enable_network_isolation=instance_type is not None,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                environment={
                    # Every answer names the version that gave it.
                    "MODEL_VERSION": version.value_as_string,
                    **variables(self.inference, instance_type, self.kind, cores),
                },
                model_package_name=self.stack.format_arn(
                    service="sagemaker",
                    resource="model-package",
                    resource_name=f"{self.name}/{version.value_as_string}",
                ),
                inference_specification_name=specification(self.inference, instance_type),
            ),
        )
        model.node.add_dependency(self.stack.role)
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
        common = {"environment": settings.name, "kind": self.kind, "key_arn": self.stack.key_arn}
        resources: list[CfnResource] = []
        if chosen := self.inference.asynchronous:
            model = self.model("AsynchronousModel", version, chosen.instance_type)
            bucket = self.stack.model_bucket
            resources += [model]
            resources += AsynchronousEndpoint(
                self, "Asynchronous", settings=chosen, model=model, bucket=bucket, **common
            ).resources
        if chosen := self.inference.scale_to_zero:
            model = self.model("ToZeroModel", version, chosen.instance_type, chosen.cpu_cores_per_copy)
            role_arn = self.stack.role.role_arn
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
        """The version that the stack holds, written after the endpoint serves it, and none while the endpoint rests.

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
