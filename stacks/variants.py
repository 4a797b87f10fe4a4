"""An endpoint's configuration: one production variant, of instances or serverless, and perhaps a shadow."""

from __future__ import annotations

from typing import Any

from aws_cdk import IResolvable
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.instances import has_local_storage
from stacks.names import VARIANT
from stacks.settings.inference import InferenceSettings

SHADOW = "shadow"


def endpoint_configuration(
    scope: Construct,
    inference: InferenceSettings,
    model: sagemaker.CfnModel,
    key_arn: str,
    *,
    shadow_variants: IResolvable | None,
) -> sagemaker.CfnEndpointConfig:
    """One variant whose name never changes, as deployment guardrails require."""
    variant = serverless_variant(inference, model) if inference.serverless else variant_of(inference, model)
    # There is no volume to encrypt where there are no instances, and no key for one that the hardware encrypts.
    encrypted = (
        {} if inference.serverless or has_local_storage(inference.instance_type) else {"kms_key_id": key_arn}
    )
    return sagemaker.CfnEndpointConfig(
        scope,
        "Configuration",
        production_variants=[variant],
        shadow_production_variants=shadow_variants,
        **encrypted,
    )


def variant_of(inference: InferenceSettings, model: sagemaker.CfnModel) -> Any:
    """The variant of instances; autoscaling takes over from its least number."""
    count = inference.autoscaling.minimum_instances if inference.autoscaling else inference.instance_count
    return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
        variant_name=VARIANT,
        model_name=model.attr_model_name,
        instance_type=inference.instance_type,
        initial_instance_count=count,
        initial_variant_weight=1,
    )


def serverless_variant(inference: InferenceSettings, model: sagemaker.CfnModel) -> Any:
    """The variant without instances."""
    properties = sagemaker.CfnEndpointConfig
    return properties.ProductionVariantProperty(
        variant_name=VARIANT,
        model_name=model.attr_model_name,
        initial_variant_weight=1,
        serverless_config=properties.ServerlessConfigProperty(
            memory_size_in_mb=inference.serverless.memory_megabytes,
            max_concurrency=inference.serverless.maximum_concurrency,
            provisioned_concurrency=inference.serverless.provisioned_concurrency,
        ),
    )


def shadow_variant(inference: InferenceSettings, model: sagemaker.CfnModel) -> dict[str, Any]:
    """One instance that gets its share of copies: its weight over the production variant's, which is 1.

    In CloudFormation's own spelling, because it stands in a condition.
    """
    return {
        "VariantName": SHADOW,
        "ModelName": model.attr_model_name,
        "InstanceType": inference.instance_type,
        "InitialInstanceCount": 1,
        "InitialVariantWeight": inference.shadow_percent / 100,
    }
