"""Data capture: the endpoints' requests and answers, as JSON Lines in the data bucket, where the settings want them."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker

from definitions.names import CAPTURED_PREFIX
from definitions.parameters import DATA_BUCKET
from stacks.settings import EnvironmentSettings
from stacks.shared import iam as roles
from stacks.shared.grants import allow
from stacks.shared.parameters import published

properties = sagemaker.CfnEndpointConfig


def data_capture(
    stack: Stack, settings: EnvironmentSettings, role: iam.Role, key_arn: str
) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty | None:
    """What an endpoint configuration says of it, with the right to write; None where the settings keep nothing."""
    if not (settings.monitoring and (capture := settings.monitoring.capture)):
        return None
    bucket = published(stack, settings.name, DATA_BUCKET)
    allow(role, [roles.write_objects(roles.bucket_arn(bucket), f"{CAPTURED_PREFIX}/")])
    return properties.DataCaptureConfigProperty(
        enable_capture=True,
        initial_sampling_percentage=capture.percent,
        destination_s3_uri=f"s3://{bucket}/{CAPTURED_PREFIX}",
        kms_key_id=key_arn,
        capture_options=[properties.CaptureOptionProperty(capture_mode=mode) for mode in ("Input", "Output")],
        # These are written as they are, all else in base64.
        capture_content_type_header=properties.CaptureContentTypeHeaderProperty(
            json_content_types=["application/json"]
        ),
    )
