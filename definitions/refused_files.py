"""What helps where the file system refuses: a full disk, a quota, a read-only disk, or a folder of somebody else."""

from __future__ import annotations

import errno

FIRST_STEPS = {
    errno.ENOSPC: "Free some space on that disk",
    errno.EDQUOT: "Delete files of yours on that disk, or have your quota raised",
    errno.EROFS: "Have that disk mounted for writing",
    errno.EACCES: "Have your user given the right to it",
    errno.EPERM: "Have your user given the right to it",
}


def first_step(error: OSError) -> str:
    """What to do about a refusal, as a sentence without its end."""
    return FIRST_STEPS.get(error.errno or 0, "Look at what is there")
