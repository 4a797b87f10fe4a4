"""Puts AWS's own events on the embedded EventBridge."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from local_aws.sagemaker.names import DEPLOYMENT, Names


def tell_event_bridge(
    source: str,
    detail_type: str,
    detail: dict[str, Any],
    resources: Sequence[str] = (),
    place: Names = DEPLOYMENT,
) -> None:
    """Puts an event of a service, such as aws.sagemaker, on the default bus of an account and region.

    Rules that match start their targets.
    """
    from ministack.core.responses import set_request_account_id, set_request_region
    from ministack.services import eventbridge

    # The caller may be a thread of ours, which has no request's account and region.
    set_request_account_id(place.account)
    set_request_region(place.region)
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Detail": json.dumps(detail),
        "Resources": list(resources),
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
