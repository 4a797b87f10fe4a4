"""Stand-ins of Rekognition and Comprehend on small open models; every answer of theirs is marked as such."""

from __future__ import annotations

from typing import Any


def register(service_handlers: dict[str, Any]) -> None:
    """Hangs the stand-ins into ministack's table of services."""
