"""Full disks: who needs room asks for it before anything starts, and a failure names the disk that is full."""

from __future__ import annotations

import math
import os
import shutil
from contextlib import suppress
from pathlib import Path

from cli.shared.errors import CommandFailed
from cli.shared.project import BUILD

# With less any program may have failed for it, whatever it says.
LITTLE_MEGABYTES = 20
# As libc, Node and Python say it.
ASKED_FIRST = "GB of free disk"
SIGNS = ("No space left on device", "ENOSPC", "quota exceeded", "EDQUOT", "No usable temporary directory")


def places() -> dict[Path, str]:
    """The folders that commands and their programs write to, with the way to another."""
    cache = os.environ.get("XDG_CACHE_HOME") or f"{os.environ.get('HOME', '')}/.cache"
    return {
        BUILD: "move the checkout to another disk",
        Path(os.environ.get("TMPDIR") or "/tmp"): "name another folder in TMPDIR",
        Path(cache): "name another folder in XDG_CACHE_HOME",
    }


def free_megabytes(folder: Path) -> float:
    """What is left on the disk that a folder is on, or will be; of one that nobody may look at, infinite."""
    for place in (folder, *folder.parents):
        with suppress(OSError):
            return shutil.disk_usage(place).free / 1e6
    return math.inf


def told(sentence: str) -> str:
    """What is to be said behind a failure's sentence about full disks; empty where none is behind it."""
    if ASKED_FIRST in sentence:
        return ""
    has_sign = any(sign in sentence for sign in SIGNS)
    free = {folder: free_megabytes(folder) for folder in places()}
    full = [folder for folder in free if free[folder] < LITTLE_MEGABYTES]
    if not (has_sign or full):
        return ""
    ways = [
        f"{folder} has {free[folder]:,.0f} MB left on its disk: free some, or {places()[folder]}."
        for folder in full or free
    ]
    return "\n".join(["", "A disk is full, or was, or your quota on it is used up.", *ways])


def require_free(gigabytes: float, purpose: str) -> None:
    """Refuses to start what would fill the disk of the checkout.

    Raises:
        CommandFailed: when less is free.
    """
    free = free_megabytes(BUILD) / 1000
    if free < gigabytes:
        raise CommandFailed(
            f"{purpose} needs {gigabytes:g} {ASKED_FIRST}, and {BUILD} has {free:.1f} GB. "
            "Free some, or move the checkout to another disk."
        )
