"""What a serverless endpoint cannot have."""

from __future__ import annotations

from typing import Any

from local_aws.sagemaker.errors import validation_error


def require_plain_serverless(request: dict[str, Any], variant: dict[str, Any], model: dict[str, Any]) -> None:
    """Refuses a configuration whose serverless variant is in a network, isolated or captured.

    Args:
        request: of CreateEndpointConfig.
        variant: one of its variants.
        model: of the variant.

    Raises:
        ServiceError: naming the member (SageMaker developer guide, serverless inference).
    """
    if "ServerlessConfig" not in variant:
        return
    for member in ("EnableNetworkIsolation", "VpcConfig"):
        if request.get(member) or model.get(member):
            raise validation_error(f"A serverless endpoint takes no {member}.")
    if request.get("DataCaptureConfig", {}).get("EnableCapture"):
        raise validation_error("A serverless endpoint takes no DataCaptureConfig.")
