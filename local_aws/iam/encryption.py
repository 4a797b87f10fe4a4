"""Which key of KMS a call uses through its service, by where its object, row or message lies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ministack.services import dynamodb, s3, sns, sqs

from local_aws.iam.calls import Call, use_key

READS = ("s3:GetObject", "s3:GetObjectVersion")
KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
# What a message under a key takes (SQS and SNS guides, key management).
BY_MESSAGE = {
    "sqs:SendMessage": ("GenerateDataKey", "Decrypt"),
    "sqs:ReceiveMessage": ("Decrypt",),
    "sns:Publish": ("GenerateDataKey", "Decrypt"),
}


def uses_of_keys(call: Call, *, is_head: bool = False) -> Iterator[Call]:
    """The uses of keys that a call takes of its caller beside itself, and the list of a bucket where nothing is found.

    Args:
        call: what is asked.
        is_head: whether an object's content is not wanted.
    """
    if call.service == "s3":
        yield from of_object(call, is_head=is_head)
    elif call.service == "dynamodb":
        table = dynamodb._tables.get(call.resource.partition(":table/")[2].partition("/")[0]) or {}
        # The table's key is opened for whoever asks; the rest of DynamoDB's uses belong to the table's owner.
        yield from of_key((table.get("SSEDescription") or {}).get("KMSMasterKeyArn"), "dynamodb", "Decrypt")
    elif call.action in BY_MESSAGE:
        lookup = sqs._queue_by_arn if call.service == "sqs" else sns._topic_by_arn_any_scope
        attributes = (lookup(call.resource) or {}).get("attributes", {})
        yield from of_key(attributes.get("KmsMasterKeyId"), call.service, *BY_MESSAGE[call.action])


def of_object(call: Call, *, is_head: bool) -> Iterator[Call]:
    """Of an object that is read or written."""
    bucket, _, key = call.resource.removeprefix("arn:aws:s3:::").partition("/")
    if call.action == "s3:PutObject":
        yield from uses_of_default_key(bucket, "GenerateDataKey")
    elif call.action in READS and bucket in s3._buckets:
        record: dict[str, Any] | None = s3._buckets[bucket]["objects"].get(key)
        if record is None:
            # Without it S3 does not say that an object is missing (its guide, GetObject).
            yield Call("s3:ListBucket", f"arn:aws:s3:::{bucket}")
        elif not is_head:
            yield from of_key(s3._stored_sse_headers(record).get(KEY_HEADER), "s3", "Decrypt")


def uses_of_default_key(bucket: str, *actions: str) -> Iterator[Call]:
    """Uses of the key under which a bucket puts what it is given."""
    yield from of_key(s3._bucket_default_sse_headers(bucket).get(KEY_HEADER), "s3", *actions)


def of_key(key_arn: str | None, service: str, *actions: str) -> Iterator[Call]:
    """Uses of a key, where there is one and it is a customer's."""
    if key_arn and ":key/" in key_arn:
        for action in actions:
            yield use_key(action, key_arn, service)
