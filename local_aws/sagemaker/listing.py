"""What all List operations of SageMaker have in common: filters, an order and pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from local_aws.sagemaker.errors import validation_error

# List operations' MaxResults where a request has none.
RESULTS = 10
FIRST = {"CreationTimeAfter": "CreationTime", "LastModifiedTimeAfter": "LastModifiedTime"}
LAST = {"CreationTimeBefore": "CreationTime", "LastModifiedTimeBefore": "LastModifiedTime"}


def page(
    request: dict[str, Any], things: Iterable[dict[str, Any]], answer: str, name: str, status: str = ""
) -> dict[str, Any]:
    """The page of `things`, newest first, that a request asks for, below the answer's member `answer`.

    Args:
        request: of a List operation.
        things: the summaries of all that there are, oldest first.
        answer: see above.
        name: the member of a summary that is its name.
        status: the one that is its status; empty where there is none.

    Raises:
        ServiceError: when the NextToken is of no answer.
    """
    chosen = [
        thing
        for thing in things
        if request.get("NameContains", "") in thing[name]
        and request.get("StatusEquals", thing.get(status)) == thing.get(status)
        and all(request[key] <= thing[member].timestamp() for key, member in FIRST.items() if key in request)
        and all(request[key] >= thing[member].timestamp() for key, member in LAST.items() if key in request)
    ]
    by = {"Name": name, "Status": status}.get(request.get("SortBy", "CreationTime"), request.get("SortBy"))
    chosen.sort(key=lambda thing: thing[by or "CreationTime"])
    if request.get("SortOrder", "Descending") == "Descending":
        chosen.reverse()
    token = request.get("NextToken", "0")
    if not token.isdecimal():
        raise validation_error("NextToken: it is of no answer of this operation.")
    start = int(token)
    end = start + request.get("MaxResults", RESULTS)
    return {answer: chosen[start:end], **({"NextToken": str(end)} if end < len(chosen) else {})}
