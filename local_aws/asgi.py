"""The shape of the applications that answer here, one inside the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Application = Callable[
    [dict[str, Any], Callable[[], Awaitable[dict]], Callable[[dict], Awaitable[None]]], Any
]
