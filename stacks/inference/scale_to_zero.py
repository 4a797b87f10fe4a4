"""Endpoints beside a network's own, of the same released version, that have no instance while nobody asks them."""

from __future__ import annotations

from typing import cast

from aws_cdk import CfnResource
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from definitions.names import (
    ASYNCHRONOUS_PREFIX,
    VARIANT,
    asynchronous_endpoint_name,
    component_endpoint_name,
    component_name,
)
from stacks.inference import autoscaling as scaling
from stacks.inference.endpoint_config import accept_missing_key, instance_variant, volume_key
from stacks.settings.container_images import endpoint_host
from stacks.settings.inference import AsynchronousSettings, ScaleToZeroSettings
from stacks.settings.instance_families import has_gpu

BACKLOG_SECONDS = 60


class AsynchronousEndpoint(Construct):
    """Requests are objects in S3, up to 1 GB and an hour each, and so are answers.

    Attributes:
        resources: all that there is of it, for the condition of the release.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: AsynchronousSettings,
        environment: str,
        kind: str,
        model: sagemaker.CfnModel,
        bucket: str,
        key_arn: str,
    ) -> None:
        super().__init__(scope, construct_id)
        name = asynchronous_endpoint_name(environment, kind)
        config = self.configuration(settings, model, f"s3://{bucket}/{ASYNCHRONOUS_PREFIX}/{kind}", key_arn)
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=name,
            endpoint_config_name=config.attr_endpoint_config_name,
            # Without it an update starts with InitialInstanceCount, whatever waits.
            retain_all_variant_properties=True,
        )
        target = scaling.scalable_target(
            self, f"endpoint/{name}/variant/{VARIANT}", scaling.INSTANCES, (0, settings.maximum_instances)
        )
        target.add_resource_dependency(endpoint)
        properties = autoscaling.CfnScalingPolicy
        policy = scaling.target_tracking(
            self,
            target,
            settings.backlog_per_instance,
            customized=properties.CustomizedMetricSpecificationProperty(
                namespace=scaling.NAMESPACE,
                metric_name="ApproximateBacklogSizePerInstance",
                dimensions=[properties.MetricDimensionProperty(name="EndpointName", value=name)],
                statistic="Average",
            ),
            scale_in_cooldown_seconds=settings.scale_in_cooldown_seconds,
        )
        waiting = scaling.metric_of(
            "HasBacklogWithoutCapacity", {"EndpointName": name}, "Average", BACKLOG_SECONDS
        )
        step = scaling.step_out_of_zero(
            self, target, waiting, f"Requests wait for {name}, which has no instance"
        )
        self.resources: list[CfnResource] = [config, endpoint, target, policy, *step]

    def configuration(
        self, settings: AsynchronousSettings, model: sagemaker.CfnModel, place: str, key_arn: str
    ) -> sagemaker.CfnEndpointConfig:
        """One variant, which starts with one instance and may lose it."""
        properties = sagemaker.CfnEndpointConfig
        config = properties(
            self,
            "Configuration",
            production_variants=[instance_variant(model, settings.instance_type, 1)],
            kms_key_id=volume_key(settings.instance_type, key_arn),
            async_inference_config=properties.AsyncInferenceConfigProperty(
                client_config=properties.AsyncInferenceClientConfigProperty(
                    max_concurrent_invocations_per_instance=settings.concurrent_requests_per_instance
                ),
                output_config=properties.AsyncInferenceOutputConfigProperty(
                    s3_output_path=f"{place}/answers/",
                    s3_failure_path=f"{place}/failures/",
                    kms_key_id=key_arn,
                ),
            ),
        )
        return accept_missing_key(config)


class ComponentEndpoint(Construct):
    """A real-time endpoint whose instances come and go with the copies of one inference component.

    Callers name the component: InvokeEndpoint's InferenceComponentName. A request that finds no copy is refused, and
    starts one (minutes).

    Attributes:
        resources: all that there is of it, for the condition of the release.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: ScaleToZeroSettings,
        environment: str,
        kind: str,
        model: sagemaker.CfnModel,
        role_arn: str,
        key_arn: str,
    ) -> None:
        super().__init__(scope, construct_id)
        name = component_name(environment, kind)
        config = self.configuration(settings, role_arn, key_arn)
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=component_endpoint_name(environment, kind),
            endpoint_config_name=config.attr_endpoint_config_name,
        )
        component = self.component(settings, name, endpoint, model)
        target = scaling.scalable_target(
            self, f"inference-component/{name}", scaling.COPIES, (0, settings.maximum_copies)
        )
        target.add_resource_dependency(component)
        policy = scaling.target_tracking(
            self,
            target,
            settings.concurrent_requests_per_copy,
            predefined=scaling.REQUESTS_PER_COPY,
            scale_in_cooldown_seconds=settings.scale_in_cooldown_seconds,
        )
        refused = scaling.metric_of(
            "NoCapacityInvocationFailures", {"InferenceComponentName": name}, "Maximum", 60
        )
        step = scaling.step_out_of_zero(self, target, refused, f"Requests for {name} found no copy of it")
        self.resources: list[CfnResource] = [config, endpoint, component, target, policy, *step]

    def configuration(
        self, settings: ScaleToZeroSettings, role_arn: str, key_arn: str
    ) -> sagemaker.CfnEndpointConfig:
        """Instances without a model, whose number SageMaker manages."""
        properties = sagemaker.CfnEndpointConfig
        config = properties(
            self,
            "Configuration",
            execution_role_arn=role_arn,
            kms_key_id=volume_key(settings.instance_type, key_arn),
            # CreateEndpointConfig takes it here where the variants name no model.
            enable_network_isolation=True,
            production_variants=[
                properties.ProductionVariantProperty(
                    variant_name=VARIANT,
                    instance_type=settings.instance_type,
                    initial_instance_count=1,
                    inference_ami_version=endpoint_host(settings.instance_type),
                    managed_instance_scaling=properties.ManagedInstanceScalingProperty(
                        status="ENABLED", min_instance_count=0, max_instance_count=settings.maximum_instances
                    ),
                    routing_config=properties.RoutingConfigProperty(
                        routing_strategy="LEAST_OUTSTANDING_REQUESTS"
                    ),
                )
            ],
        )
        return accept_missing_key(config)

    def component(
        self,
        settings: ScaleToZeroSettings,
        name: str,
        endpoint: sagemaker.CfnEndpoint,
        model: sagemaker.CfnModel,
    ) -> sagemaker.CfnInferenceComponent:
        """The model with what a copy of it needs."""
        properties = sagemaker.CfnInferenceComponent
        component = properties(
            self,
            "Component",
            inference_component_name=name,
            endpoint_name=cast(str, endpoint.endpoint_name),
            variant_name=VARIANT,
            specification=properties.InferenceComponentSpecificationProperty(
                model_name=model.attr_model_name,
                compute_resource_requirements=properties.InferenceComponentComputeResourceRequirementsProperty(
                    number_of_cpu_cores_required=settings.cpu_cores_per_copy,
                    # Without it a copy sees no GPU of the instance.
                    number_of_accelerator_devices_required=1 if has_gpu(settings.instance_type) else None,
                    min_memory_required_in_mb=settings.memory_megabytes_per_copy,
                ),
            ),
            runtime_config=properties.InferenceComponentRuntimeConfigProperty(copy_count=1),
        )
        component.add_resource_dependency(endpoint)
        return component
