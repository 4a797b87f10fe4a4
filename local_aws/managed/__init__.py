"""Stand-ins of Rekognition and Comprehend on small open models; every answer of theirs is marked as such."""

from __future__ import annotations

from typing import Any


def register(service_handlers: dict[str, Any]) -> None:
    """Hangs the stand-ins into ministack's table of services."""
    from local_aws.managed import comprehend, rekognition

    service_handlers["rekognition"] = rekognition.stand_in().handle_request
    service_handlers["comprehend"] = comprehend.stand_in().handle_request
