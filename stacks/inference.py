"""The inference stack: for each kind of network a model, a configuration and an endpoint, once one is released."""

from __future__ import annotations

from aws_cdk import ArnFormat, CfnCondition, CfnParameter, Duration, Fn, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from stacks import roles
from stacks.capture import data_capture
from stacks.images import INFERENCE_IMAGES
from stacks.instances import has_local_storage
from stacks.names import (
    KINDS,
    NOT_RELEASED,
    VARIANT,
    endpoint_name,
    parameter_name,
    published,
    version_parameter,
)
from stacks.settings import EnvironmentSettings, InferenceSettings
from stacks.training import bucket_arn


class InferenceStack(Stack):
    """The only writer of endpoints: a release is an update of this stack's version parameters."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: EnvironmentSettings, **options
    ) -> None:
        super().__init__(scope, construct_id, **options)
        self.key_arn = published(self, settings.name, "key-arn")
        model_bucket_arn = bucket_arn(published(self, settings.name, "model-bucket"))
        role = self.model_role(settings, model_bucket_arn)
        capture = data_capture(self, settings, role, self.key_arn)
        self.models = {
            kind: ReleasedModel(
                self,
                kind.title(),
                settings=settings,
                kind=kind,
                role=role,
                key_arn=self.key_arn,
                capture=capture,
            )
            for kind in KINDS
        }

    def configurations(self) -> dict[str, str]:
        """The logical id of each kind's endpoint configuration."""
        return {kind: self.get_logical_id(model.config) for kind, model in self.models.items()}

    def model_role(self, settings: EnvironmentSettings, model_bucket_arn: str) -> iam.Role:
        """What a serving container may do: read models, and let SageMaker watch the alarms of a release."""
        role = iam.Role(self, "ModelRole", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
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
        statements = [
            *roles.read_objects(model_bucket_arn, "training/", "local/"),
            roles.use_key(self.key_arn),
            *roles.pull_image(INFERENCE_IMAGES[settings.inference.image_version], settings.region),
            *roles.write_sagemaker_logs(self, "Endpoints"),
            iam.PolicyStatement(actions=["sagemaker:DescribeModelPackage"], resources=versions),
            iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=[alarms]),
        ]
        for statement in statements:
            role.add_to_policy(statement)
        return role


class ReleasedModel(Construct):
    """One kind's endpoint; nothing of it exists while its version parameter is empty."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: EnvironmentSettings,
        kind: str,
        role: iam.Role,
        key_arn: str,
        capture: sagemaker.CfnEndpointConfig.DataCaptureConfigProperty | None,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        name = endpoint_name(settings.name, kind)
        version = CfnParameter(
            stack,
            version_parameter(kind),
            type="String",
            default="",
            allowed_pattern=r"^([1-9][0-9]*)?$",
            constraint_description="the number of a version in the model package group, or empty before the first",
            description=f"The version of {name} that its endpoint serves; empty before the first release.",
        )
        released = CfnCondition(
            stack,
            f"{kind.title()}IsReleased",
            expression=Fn.condition_not(Fn.condition_equals(version.value_as_string, "")),
        )
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=role.role_arn,
            enable_network_isolation=True,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                # Every answer names the version that gave it.
                environment={"MODEL_VERSION": version.value_as_string},
                model_package_name=stack.format_arn(
                    service="sagemaker",
                    resource="model-package",
                    resource_name=f"{name}/{version.value_as_string}",
                ),
            ),
        )
        model.node.add_dependency(role)
        self.config = config = self.configuration(settings.inference, model, key_arn)
        config.data_capture_config = capture
        alarms = self.alarms(settings.inference, name)
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=name,
            endpoint_config_name=config.attr_endpoint_config_name,
            deployment_config=deployment(settings.inference, alarms),
        )
        self.record(settings, kind, version, released, endpoint)
        for resource in (model, config, endpoint, *(alarm.node.default_child for alarm in alarms)):
            resource.cfn_options.condition = released

    def record(
        self,
        settings: EnvironmentSettings,
        kind: str,
        version: CfnParameter,
        released: CfnCondition,
        endpoint: sagemaker.CfnEndpoint,
    ) -> None:
        """The released version, written after the endpoint serves it; its history is the list of releases.

        It stays when the endpoint rests, since the history is what a version is woken from.
        """
        # It waits for the endpoint by naming it: a DependsOn on what a condition holds back is refused.
        served = Fn.select(0, [version.value_as_string, endpoint.attr_endpoint_name])
        ssm.CfnParameter(
            self,
            "Record",
            name=parameter_name(settings.name, f"{kind}-released-version"),
            type="String",
            value=Fn.condition_if(released.logical_id, served, NOT_RELEASED).to_string(),
            description=f"The version of {endpoint_name(settings.name, kind)} that serves.",
        )

    def configuration(
        self, inference: InferenceSettings, model: sagemaker.CfnModel, key_arn: str
    ) -> sagemaker.CfnEndpointConfig:
        """One variant whose name never changes, as deployment guardrails require."""
        encrypted = {} if has_local_storage(inference.instance_type) else {"kms_key_id": key_arn}
        return sagemaker.CfnEndpointConfig(
            self,
            "Configuration",
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT,
                    model_name=model.attr_model_name,
                    instance_type=inference.instance_type,
                    initial_instance_count=inference.instance_count,
                    initial_variant_weight=1,
                )
            ],
            **encrypted,
        )

    def alarms(self, inference: InferenceSettings, endpoint: str) -> list[cloudwatch.Alarm]:
        """What takes a release back: any server error, or answers that are too slow."""

        def metric(name: str, statistic: str) -> cloudwatch.Metric:
            return cloudwatch.Metric(
                namespace="AWS/SageMaker",
                metric_name=name,
                dimensions_map={"EndpointName": endpoint, "VariantName": VARIANT},
                statistic=statistic,
                period=Duration.minutes(1),
            )

        common = {
            "evaluation_periods": 2,
            "datapoints_to_alarm": 1,
            "treat_missing_data": cloudwatch.TreatMissingData.NOT_BREACHING,
        }
        errors = cloudwatch.Alarm(
            self,
            "ServerErrors",
            metric=metric("Invocation5XXErrors", "Sum"),
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            alarm_description=f"{endpoint} answers with server errors",
            **common,
        )
        slow = cloudwatch.Alarm(
            self,
            "SlowAnswers",
            # SageMaker reports ModelLatency in microseconds.
            metric=metric("ModelLatency", "p99"),
            threshold=inference.latency_alarm_milliseconds * 1000,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            alarm_description=f"{endpoint} answers more slowly than {inference.latency_alarm_milliseconds} ms",
            **common,
        )
        return [errors, slow]


def deployment(
    inference: InferenceSettings, alarms: list[cloudwatch.Alarm]
) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
    """Blue/green with a canary or in steps; an alarm takes the release back."""
    properties = sagemaker.CfnEndpoint
    canary = properties.TrafficRoutingConfigProperty(
        type="CANARY",
        canary_size=properties.CapacitySizeProperty(type="CAPACITY_PERCENT", value=inference.canary_percent),
        wait_interval_in_seconds=inference.canary_wait_seconds,
    )
    linear = properties.TrafficRoutingConfigProperty(
        type="LINEAR",
        linear_step_size=properties.CapacitySizeProperty(
            type="CAPACITY_PERCENT", value=inference.linear_step_percent
        ),
        wait_interval_in_seconds=inference.canary_wait_seconds,
    )
    gradual = linear if inference.rollout == "linear" else canary
    # One instance cannot be split: SageMaker then takes the whole of the new fleet at once.
    at_once = properties.TrafficRoutingConfigProperty(
        type="ALL_AT_ONCE", wait_interval_in_seconds=inference.canary_wait_seconds
    )
    return properties.DeploymentConfigProperty(
        blue_green_update_policy=properties.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=gradual if inference.instance_count > 1 else at_once,
            termination_wait_in_seconds=inference.termination_wait_seconds,
            maximum_execution_timeout_in_seconds=3600,
        ),
        auto_rollback_configuration=properties.AutoRollbackConfigProperty(
            alarms=[properties.AlarmProperty(alarm_name=alarm.alarm_name) for alarm in alarms]
        ),
    )
