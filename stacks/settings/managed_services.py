"""In which regions the managed services are that the API asks."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import botocore.session  # pyright: ignore[reportMissingTypeStubs]  # botocore brings no types

MANAGED_SERVICES = ("rekognition", "comprehend")


@cache
def without_services(region: str) -> list[str]:
    """The managed services that botocore's table of endpoints does not have in a region, by the names people use."""
    session = cast(Any, botocore.session.Session())
    return [
        service.title()
        for service in MANAGED_SERVICES
        if region not in session.get_available_regions(service)
    ]
