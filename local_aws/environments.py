"""Which variables of the user's environment the embedded AWS's children may see: few, and no secret among them."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping

NAMES = frozenset(
    (
        # Where programs, files and languages are.
        *("HOME", "PATH", "LD_LIBRARY_PATH", "TMPDIR", "TZ", "LANG", "LANGUAGE"),
        # On how many threads, and how, numbers are computed.
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES"),
        *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA"),
        # What this project's and ministack's own settings are called.
        *("XDG_CACHE_HOME", "RECOGNITION_NPM", "LOG_LEVEL", "SFN_WAIT_SCALE"),
    )
)
PREFIX = "LC_"

withheld: dict[str, str] = {}
"""What was taken out of this process's environment."""


def is_allowed(name: str) -> bool:
    """Whether a child may see a variable of the user's."""
    return name in NAMES or name.startswith(PREFIX)


def allowed(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that a child may see."""
    return {name: value for name, value in environment.items() if is_allowed(name)}


def of_the_user() -> dict[str, str]:
    """The whole environment again, for npm alone: registries, proxies and certificates are named there."""
    return {**withheld, **os.environ}


def keep_what_children_may_see(environment: MutableMapping[str, str]) -> None:
    """Takes everything else out of this process's environment: ministack gives all of it to functions and scripts."""
    for name in [name for name in environment if not is_allowed(name)]:
        withheld[name] = environment.pop(name)
