"""Data capture: writes what an endpoint was asked and answered to S3 as SageMaker does, one exchange an object."""

from __future__ import annotations

import base64
import json
import random
import sys
import uuid
from collections.abc import Callable
from typing import Any

from local_aws.sagemaker.objects import split_uri
from local_aws.sagemaker.shapes import now

# The header of InvokeEndpoint's member InferenceId (SageMaker Runtime API reference).
INFERENCE_ID = "x-amzn-sagemaker-inference-id"


def capture(
    clients: Callable[[str], Any],
    config: dict[str, Any],
    endpoint: str,
    variant: str,
    asked: tuple[str, bytes],
    answered: tuple[str, bytes],
    inference_id: str | None,
) -> None:
    """Writes one exchange where the endpoint's configuration wants it; both sides are content type and content.

    `inference_id` is the caller's own id of the exchange.
    """
    wanted = config.get("DataCaptureConfig")
    if not wanted or not wanted.get("EnableCapture"):
        return
    if random.uniform(0, 100) > wanted["InitialSamplingPercentage"]:
        return
    moment = now()
    bucket, prefix = split_uri(wanted["DestinationS3Uri"])
    name = f"{moment:%Y/%m/%d/%H/%M-%S}-{moment.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
    key = f"{prefix.rstrip('/')}/{endpoint}/{variant}/{name}".lstrip("/")
    line = json.dumps(record(wanted, asked, answered, moment.isoformat(timespec="seconds"), inference_id))
    s3 = clients("s3")
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=f"{line}\n".encode())
    except s3.exceptions.ClientError as error:
        # The caller has the answer all the same, and the exchange is lost.
        print(f"An exchange with {endpoint} was not captured. {error}", file=sys.stderr, flush=True)


def record(
    wanted: dict[str, Any],
    asked: tuple[str, bytes],
    answered: tuple[str, bytes],
    moment: str,
    inference_id: str | None = None,
) -> dict[str, Any]:
    """A line of data capture (SageMaker developer guide, Capture data from real-time endpoint)."""
    modes = {option["CaptureMode"] for option in wanted["CaptureOptions"]}
    sides = {"Input": ("endpointInput", asked), "Output": ("endpointOutput", answered)}
    types = wanted.get("CaptureContentTypeHeader", {})
    return {
        "captureData": {
            name: side(mode.upper(), *content, types)
            for mode, (name, content) in sides.items()
            if modes & {mode, "InputAndOutput"}
        },
        "eventMetadata": {
            "eventId": str(uuid.uuid4()),
            **({"inferenceId": inference_id} if inference_id else {}),
            "inferenceTime": moment,
        },
        "eventVersion": "0",
    }


def side(mode: str, content_type: str, content: bytes, types: dict[str, list[str]]) -> dict[str, str]:
    """A request or an answer; what is not said to be JSON or CSV is written in base64."""
    plain = content_type.partition(";")[0].strip()
    encoding = next(
        (kind.upper() for kind in ("Json", "Csv") if plain in types.get(f"{kind}ContentTypes", ())), "BASE64"
    )
    data = base64.b64encode(content) if encoding == "BASE64" else content
    return {
        "observedContentType": content_type,
        "mode": mode,
        "data": data.decode("utf-8", "replace"),
        "encoding": encoding,
    }
