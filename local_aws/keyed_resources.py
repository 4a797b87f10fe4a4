"""What ministack's CloudFormation leaves out of buckets and tables: the key of KMS under which they lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import dynamodb, s3
from ministack.services.cloudformation import provisioners

Create = Callable[..., tuple[str, dict[str, Any]]]


def keyed_handlers() -> dict[str, dict[str, Any]]:
    """ministack's table of handlers for these types, which keep the key too."""
    keep = {"AWS::S3::Bucket": keep_of_bucket, "AWS::DynamoDB::Table": keep_of_table}
    return {
        kind: {
            **provisioners._RESOURCE_HANDLERS[kind],
            "create": with_key(provisioners._RESOURCE_HANDLERS[kind]["create"], keep_one),
        }
        for kind, keep_one in keep.items()
    }


def with_key(create: Create, keep: Callable[[str, dict[str, Any]], None]) -> Create:
    """A handler that has the key kept of what it has created."""

    def create_with_key(
        logical_id: str, properties: dict[str, Any], stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        name, attributes = create(logical_id, properties, stack_name)
        keep(name, properties)
        return name, attributes

    return create_with_key


def keep_of_bucket(name: str, properties: dict[str, Any]) -> None:
    """A bucket's default encryption, as PutBucketEncryption keeps it."""
    rules = properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    for rule in rules:
        default = rule["ServerSideEncryptionByDefault"]
        if "KMSMasterKeyID" not in default:
            # S3's own keys take nothing of whoever reads and writes.
            continue
        members = "".join(f"<{member}>{escape(value)}</{member}>" for member, value in default.items())
        s3._put_bucket_encryption(
            name,
            f"<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>{members}"
            "</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>".encode(),
        )


def keep_of_table(name: str, properties: dict[str, Any]) -> None:
    """A table's encryption, as CreateTable keeps it."""
    if wanted := properties.get("SSESpecification"):
        specification = {**wanted, "Enabled": wanted.get("SSEEnabled", False)}
        dynamodb._tables[name]["SSEDescription"] = dynamodb._sse_description_from_spec(specification)
