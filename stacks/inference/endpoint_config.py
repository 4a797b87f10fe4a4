"""An endpoint's configuration: one production variant, of instances or serverless, and perhaps a shadow."""

from __future__ import annotations

from typing import Any

from aws_cdk import IResolvable
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from definitions.names import VARIANT
from stacks.settings.container_images import endpoint_host
from stacks.settings.inference import InferenceSettings
from stacks.settings.instance_families import has_local_storage
from stacks.shared.acknowledge import acknowledge

SHADOW = "shadow"
NO_VOLUME = (
    "It has no volume: serverless needs none, and an instance's own disks are encrypted by the hardware."
)


def endpoint_configuration(
    scope: Construct,
    inference: InferenceSettings,
    model: sagemaker.CfnModel,
    key_arn: str,
    *,
    shadow_variants: IResolvable | None,
) -> sagemaker.CfnEndpointConfig:
    """One variant whose name never changes, as deployment guardrails require."""
    if inference.serverless:
        # There is no volume to encrypt where there are no instances.
        variant, key = serverless_variant(inference, model), None
    else:
        variant = instance_variant(model, inference.instance_type, inference.first_instances)
        key = volume_key(inference.instance_type, key_arn)
    config = sagemaker.CfnEndpointConfig(
        scope,
        "Configuration",
        production_variants=[variant],
        shadow_production_variants=shadow_variants,
        kms_key_id=key,
    )
    return accept_missing_key(config)


def accept_missing_key(config: sagemaker.CfnEndpointConfig) -> sagemaker.CfnEndpointConfig:
    """The configuration, with what cdk-nag finds at one without a key."""
    if config.kms_key_id is None:
        acknowledge(config, NO_VOLUME, "NIST.800.53.R5-SageMakerEndpointConfigurationKMSKeyConfigured")
    return config


def volume_key(instance_type: str, key_arn: str) -> str | None:
    """The key of an instance's volume; none for disks of its own, which the hardware encrypts."""
    return None if has_local_storage(instance_type) else key_arn


def instance_variant(model: sagemaker.CfnModel, instance_type: str, first_instances: int) -> Any:
    """The variant of instances."""
    return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
        variant_name=VARIANT,
        model_name=model.attr_model_name,
        instance_type=instance_type,
        initial_instance_count=first_instances,
        inference_ami_version=endpoint_host(instance_type),
        initial_variant_weight=1,
    )


def serverless_variant(inference: InferenceSettings, model: sagemaker.CfnModel) -> Any:
    """The variant without instances."""
    properties, serverless = sagemaker.CfnEndpointConfig, inference.serverless
    if serverless is None:
        raise ValueError("inference.serverless is not set.")
    return properties.ProductionVariantProperty(
        variant_name=VARIANT,
        model_name=model.attr_model_name,
        initial_variant_weight=1,
        serverless_config=properties.ServerlessConfigProperty(
            memory_size_in_mb=serverless.memory_megabytes,
            max_concurrency=serverless.maximum_concurrency,
            provisioned_concurrency=serverless.provisioned_concurrency,
        ),
    )


def shadow_variant(inference: InferenceSettings, model: sagemaker.CfnModel) -> dict[str, Any]:
    """One instance that gets its share of copies: its weight over the production variant's, which is 1.

    In CloudFormation's own spelling, because it stands in a condition.
    """
    host = endpoint_host(inference.instance_type)
    return {
        "VariantName": SHADOW,
        "ModelName": model.attr_model_name,
        "InstanceType": inference.instance_type,
        "InitialInstanceCount": 1,
        "InitialVariantWeight": (inference.shadow_percent or 0) / 100,
        **({"InferenceAmiVersion": host} if host else {}),
    }
