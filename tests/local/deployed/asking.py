"""Ways to ask the deployed API: the client, and a signed request whose answer is looked at as it is."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import numpy as np
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from PIL import Image

from cli.shared.target import Target
from recognition_client import Answer, RecognitionClient, RecognitionRefused, Unreachable


def client_of(target: Target) -> RecognitionClient:
    """A client that signs with the deployment's credentials."""
    session = target.session()
    return RecognitionClient.signed(target.api_url(), session.get_credentials(), session.region_name)


def post(
    target: Target, path: str, body: bytes, content_type: str, headers: dict[str, str] | None = None
) -> requests.Response:
    """A signed request whose answer is looked at as it is."""
    url = target.api_url() + path
    request = AWSRequest("POST", url, data=body, headers={"Content-Type": content_type, **(headers or {})})
    session = target.session()
    SigV4Auth(session.get_credentials(), "execute-api", session.region_name).add_auth(request)
    return requests.post(url, data=body, headers=dict(request.headers), timeout=240)


# While a stand-in loads, by the API and by API Gateway.
MAY_PASS = (503, 504)


def once_loaded(ask: Callable[[], Answer]) -> Answer:
    """The answer of a stand-in, whose model may take longer to load than the API waits on a busy machine."""
    for _ in range(10):
        try:
            return ask()
        except (Unreachable, RecognitionRefused) as error:
            if isinstance(error, RecognitionRefused) and error.status not in MAY_PASS:
                raise
            time.sleep(5)
    return ask()


def jpeg(size: tuple[int, int]) -> bytes:
    """A picture of noise, which no compression makes small."""
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(noise).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()
