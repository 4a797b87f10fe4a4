"""Waits until the embedded AWS's stand-ins of Rekognition and Comprehend are loaded, so that no caller has to."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from cli.shared.target import Target
from local_aws.managed.service import STILL_LOADING

# The embedded AWS itself bounds how long its models may load.
LONGEST_WAIT_SECONDS = 900
# A grey PNG of 80 × 80 pixels, the least that Rekognition takes.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAFAAAABQCAAAAACreq1xAAAAM0lEQVR42u3MMREAAAgEoNfiVreEkwcBqMmtjlAoFAqFQqFQKBQKhUKhUCgUCoVC"
    "4atwAZGtAR96vPvCAAAAAElFTkSuQmCC"
)
TEXT = {"Text": "A film.", "LanguageCode": "en"}


def wait_for_stand_ins(target: Target) -> None:
    """Asks one operation of each model; returns when all have answered.

    A caller of the API waits 29 seconds at most, and on a busy machine loading takes longer. A model that cannot be
    had is no reason to fail: whoever asks for it is told why.
    """
    config = Config(retries={"total_max_attempts": 1})
    rekognition, comprehend = (
        target.session().client(name, endpoint_url=target.variables["AWS_ENDPOINT_URL"], config=config)
        for name in ("rekognition", "comprehend")
    )
    image = {"Bytes": PICTURE}
    requests = (
        lambda: rekognition.detect_labels(Image=image),
        lambda: rekognition.detect_faces(Image=image),
        lambda: rekognition.compare_faces(SourceImage=image, TargetImage=image),
        lambda: rekognition.detect_text(Image=image),
        lambda: rekognition.detect_moderation_labels(Image=image),
        lambda: comprehend.detect_sentiment(**TEXT),
        lambda: comprehend.detect_dominant_language(Text=TEXT["Text"]),
        lambda: comprehend.detect_pii_entities(**TEXT),
        lambda: comprehend.detect_toxic_content(TextSegments=[{"Text": TEXT["Text"]}], LanguageCode="en"),
    )
    until = time.monotonic() + LONGEST_WAIT_SECONDS
    for request in requests:
        while is_loading(request) and time.monotonic() < until:
            continue


def is_loading(request: Callable[[], object]) -> bool:
    """Whether the stand-in of a request still loads, which it says after some seconds; the request is made."""
    try:
        request()
    except ClientError as error:
        return error.response["Error"]["Code"] == STILL_LOADING
    except ReadTimeoutError:
        # It has had its time: on a network without a way out, npm may take longer to give up.
        return False
    return False
