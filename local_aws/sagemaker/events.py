"""Puts SageMaker's own events on the embedded EventBridge."""

from __future__ import annotations

import json
from typing import Any

from local_aws.sagemaker.names import ACCOUNT, REGION


def tell_event_bridge(detail_type: str, detail: dict[str, Any]) -> None:
    """Puts an event of SageMaker on the default bus; rules that match it start their targets."""
    from ministack.core.responses import set_request_account_id, set_request_region
    from ministack.services import eventbridge

    # The caller may be a thread of ours, which has no request's account and region.
    set_request_account_id(ACCOUNT)
    set_request_region(REGION)
    entry = {"Source": "aws.sagemaker", "DetailType": detail_type, "Detail": json.dumps(detail)}
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
