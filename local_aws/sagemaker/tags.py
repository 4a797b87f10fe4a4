"""The tags of everything that has an ARN."""

from __future__ import annotations

from typing import Any


class Tags:
    """Every thing's tags, by its ARN."""

    def __init__(self) -> None:
        self.by_arn: dict[str, dict[str, str]] = {}

    def note(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        """Keeps the tags of a Create request, whose answer is the ARN of what was made."""
        if given := request.get("Tags"):
            (arn,) = answer.values()
            self.add({"ResourceArn": arn, "Tags": given})

    def add(self, request: dict[str, Any]) -> dict[str, Any]:
        """AddTags."""
        kept = self.by_arn.setdefault(request["ResourceArn"], {})
        kept |= {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        return {"Tags": as_list(kept)}

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteTags."""
        kept = self.by_arn.get(request["ResourceArn"], {})
        for key in request["TagKeys"]:
            kept.pop(key, None)
        return {}

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        """ListTags; all of them on one page unless a request wants fewer."""
        tags = as_list(self.by_arn.get(request["ResourceArn"], {}))
        start = int(request.get("NextToken", "0"))
        end = start + request.get("MaxResults", len(tags))
        return {"Tags": tags[start:end], **({"NextToken": str(end)} if end < len(tags) else {})}


def as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as requests and answers have them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
