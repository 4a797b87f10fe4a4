"""The ids of runs: when each began, in UTC, and a few letters that tell two of one second apart."""

from __future__ import annotations

import time
import uuid


def new_run_id() -> str:
    """An id such as 20261126-101500-1a2b3c."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:6]}"
