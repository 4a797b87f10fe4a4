"""How many cores this process may use: of the machine's, of its affinity's, and of its control group's quota."""

from __future__ import annotations

import math
import os
from pathlib import Path

# Where a container sees its own group's quota: version 2 of Linux's control groups in one file, version 1 in two.
CONTROL_GROUPS = Path("/sys/fs/cgroup")


def usable_cores(groups: Path = CONTROL_GROUPS) -> int:
    """At least 1; a part of a core is one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = quota_of(groups)
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def quota_of(groups: Path) -> float | None:
    """Seconds of processor time a second; None where there is no limit, or no control group."""
    for files in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):
        try:
            quota, period = " ".join((groups / file).read_text(encoding="utf-8") for file in files).split()
        except (OSError, ValueError):
            continue
        # "max" and -1 say that there is none.
        return int(quota) / int(period) if quota.isdigit() else None
    return None
