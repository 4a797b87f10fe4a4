"""One endpoint in the place of one for each network: it holds what was released and loads what it is asked for."""

from __future__ import annotations

from typing import cast

from aws_cdk import CfnCondition, CfnResource, Fn
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from definitions.names import MULTI_MODEL_PREFIX, SHARED_ENDPOINT, shared_endpoint_name
from stacks.inference.containers import variables
from stacks.inference.deployment import deployment, release_alarms
from stacks.inference.endpoint_config import endpoint_configuration
from stacks.settings import EnvironmentSettings
from stacks.settings.container_images import INFERENCE_IMAGES
from stacks.shared.parameters import publish

properties = sagemaker.CfnModel


class MultiModelEndpoint(Construct):
    """A multi-model endpoint over a prefix to which releases copy their artefacts; callers name one as TargetModel.

    It is there while any version is released.

    Attributes:
        config: its configuration, which no release changes.
        endpoint: itself.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: EnvironmentSettings,
        role: iam.Role,
        bucket: str,
        key_arn: str,
        released: list[CfnCondition],
    ) -> None:
        super().__init__(scope, construct_id)
        inference, name = settings.inference, shared_endpoint_name(settings.name)
        kept = inference.multi_model and inference.multi_model.keep_in_memory
        caching = "Enabled" if kept else "Disabled"
        model = properties(
            self,
            "Model",
            execution_role_arn=role.role_arn,
            enable_network_isolation=True,
            primary_container=properties.ContainerDefinitionProperty(
                # A registered version cannot be named here: it is one model.
                image=INFERENCE_IMAGES[inference.image_version].uri(settings.region, inference.instance_type),
                environment=variables(inference, inference.instance_type, kind=None),
                mode="MultiModel",
                model_data_url=f"s3://{bucket}/{MULTI_MODEL_PREFIX}/",
                multi_model_config=properties.MultiModelConfigProperty(model_cache_setting=caching),
            ),
        )
        model.node.add_dependency(role)
        self.config = endpoint_configuration(self, inference, model, key_arn, shadow_variants=None)
        alarms = release_alarms(self, inference, name)
        self.endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=name,
            endpoint_config_name=self.config.attr_endpoint_config_name,
            # Of changes to the settings; a release leaves the endpoint as it is.
            deployment_config=deployment(inference, alarms),
        )
        any_released = CfnCondition(scope, "AnyIsReleased", expression=Fn.condition_or(*released))  # pyright: ignore[reportArgumentType]  # jsii
        of_alarms = [cast(CfnResource, alarm.node.default_child) for alarm in alarms]
        for resource in (model, self.config, self.endpoint, *of_alarms):
            resource.cfn_options.condition = any_released
        publish(scope, settings.name, SHARED_ENDPOINT, name)
