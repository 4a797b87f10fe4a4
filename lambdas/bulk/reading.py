"""Reads a batch's objects from S3, in the version that was listed."""

from __future__ import annotations

import re
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.bulk.asking import OBJECT_CHANGED, Content
from lambdas.bulk.attempt_keys import is_key
from lambdas.bulk.batch import CLOSING_SECONDS, LATE, PAUSE_SECONDS, TRIES, Batch, Worker
from lambdas.bulk.outcomes import CHANGED, NOT_FOUND
from lambdas.common.errors import RequestRefused, bad_request, too_large, unavailable
from lambdas.common.service_errors import DISBELIEF

ARCHIVED = "InvalidObjectState"
# What GetObject says of an object whose key its owner keeps (Amazon S3 User Guide, Using SSE-C).
OWNERS_KEY = "InvalidRequest"
ELSEWHERE = frozenset({"PermanentRedirect", "301", "AuthorizationHeaderMalformed"})
# S3's errors after which its documentation wants the same request again.
PASSING = frozenset(
    {
        *("SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "OperationAborted"),
        *("Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"),
        *("KMS.ThrottlingException", "KMS.KMSInternalException", "KMS.DependencyTimeoutException"),
        *DISBELIEF,
    }
)


def read_all(worker: Worker, batch: Batch, remaining_seconds: Callable[[], float]) -> list[Content]:
    """The objects without a line that could be read, in the version that was listed; the others have ended.

    What S3 may give later is asked for again when all others were, and no longer than there is time to ask about it.
    """
    contents: list[Content] = []
    refused: dict[int, RequestRefused] = {}
    left = batch.open
    for number in range(TRIES):
        if number:
            worker.sleep(PAUSE_SECONDS)
        again: list[int] = []
        for index in left:
            if remaining_seconds() < CLOSING_SECONDS:
                again.append(index)
                continue
            try:
                contents.append(read(worker, batch, index))
            except RequestRefused as error:
                if error.may_pass:
                    refused[index] = error
                    again.append(index)
                else:
                    batch.fail([index], error)
        left = again
        if not left or remaining_seconds() < CLOSING_SECONDS:
            break
    for index in left:
        batch.fail([index], refused.get(index, LATE))
    return sorted(contents, key=lambda content: content.index)


def read(worker: Worker, batch: Batch, index: int) -> Content:
    """One object of a batch.

    Raises:
        RequestRefused: when it has no key, is gone, has changed since it was listed, is archived, is too large or
            cannot be read.
    """
    about_object, most_bytes = batch.objects[index], batch.most_bytes
    key = about_object.get("key")
    if not is_key(key):
        raise bad_request("NoKey", "An object's key is a text of 1 to 1,024 bytes of UTF-8.", "key")
    if not batch.keys.may_read(key):
        raise bad_request("NoInput", "What lies there is no input of a run.", "key")
    wanted = {"IfMatch": str(about_object["etag"])} if about_object.get("etag") else {}
    try:
        response = worker.s3.get_object(Bucket=worker.bucket, Key=key, **wanted)
        if response["ContentLength"] > most_bytes:
            response["Body"].close()
            size = f"{response['ContentLength']:,} bytes; at most {most_bytes:,} are taken"
            raise too_large("ObjectTooLarge", f"The object has {size}. Make it smaller.", "body")
        content = response["Body"].read()
    except ClientError as error:
        raise refusal_of(error.response["Error"]["Code"]) from error
    except BotoCoreError as error:
        raise unavailable("ObjectUnreadable", "S3 did not answer. Try again.") from error
    about = {
        "key": key,
        "version_id": response.get("VersionId"),
        "etag": response["ETag"].strip('"'),
    }
    return Content(index, content, about)


def refusal_of(code: str) -> RequestRefused:
    """What S3's code means for an object. Only what S3 itself calls passing is asked for again."""
    if code in NOT_FOUND:
        return bad_request("ObjectMissing", "There is no such object any more.", "key")
    if code in CHANGED:
        return bad_request(OBJECT_CHANGED, "The object has changed since it was listed.", "key")
    if code == ARCHIVED:
        return bad_request(
            "ObjectArchived", "The object is archived. Restore it, then redrive the run with --anyway.", "key"
        )
    if code == OWNERS_KEY:
        return bad_request(
            "ObjectForbidden",
            "The object is encrypted with a key that its owner keeps (SSE-C), which no run has. Copy it without one.",
            "key",
        )
    if code in ELSEWHERE:
        return bad_request(
            "ObjectForbidden", "The bucket is in another region than the run: copy the object.", "key"
        )
    if code in PASSING or re.fullmatch(r"5\d\d", code):
        return unavailable("ObjectUnreadable", f"S3 did not give the object just now ({code}).")
    return bad_request(
        "ObjectForbidden",
        f"S3 does not let the worker read the object ({code}): look at its policy, and at its KMS key's.",
        "key",
    )
