"""Reads the objects of S3 that a request names in the place of bytes, as Rekognition does."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from local_aws.iam.calls import Call
from local_aws.managed.service import Refused

IMAGES = ("Image", "SourceImage", "TargetImage")


def with_objects(body: bytes, clients: Callable[[str], Any], may: Callable[[Call], bool]) -> bytes:
    """A request's body, with the content of each image's S3Object in it.

    Args:
        body: of the request.
        clients: makes boto3's clients.
        may: whether the caller may make a call; Rekognition reads an object with the rights of who asks.

    Raises:
        Refused: with Rekognition's code when an object cannot be had.
    """
    request = json.loads(body)
    for image in IMAGES:
        given = request.get(image)
        if isinstance(given, dict) and isinstance(given.get("S3Object"), dict):
            given["S3Object"]["Bytes"] = base64.b64encode(
                content_of(given["S3Object"], clients("s3"), may)
            ).decode()
    return json.dumps(request).encode()


def content_of(place: dict[str, Any], s3: Any, may: Callable[[Call], bool]) -> bytes:
    """What an object holds; see `with_objects` for what is raised."""
    version = {"VersionId": place["Version"]} if "Version" in place else {}
    refused = Refused(
        "InvalidS3ObjectException",
        "Unable to get object metadata from S3. Check object key, region and/or access permissions.",
    )
    try:
        action = "s3:GetObjectVersion" if version else "s3:GetObject"
        if not may(Call(action, f"arn:aws:s3:::{place['Bucket']}/{place['Name']}")):
            raise refused
        return s3.get_object(Bucket=place["Bucket"], Key=place["Name"], **version)["Body"].read()
    except KeyError as error:
        raise Refused("InvalidParameterException", f"An S3Object needs its {error.args[0]}.") from error
    except ClientError as error:
        raise refused from error
