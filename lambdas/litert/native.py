"""Puts the vendored compiled packages on the path where they fit; elsewhere the environment's own serve.

They are built for Lambda's processor and Python. The embedded AWS runs the same zip on whatever machine it is on, whose
virtual environment has the same packages.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

NATIVE = Path(__file__).resolve().parents[2] / "native"
BUILT_FOR = ("linux", "aarch64", (3, 14))


def add_native_packages() -> None:
    """Makes the packages importable, soon; harmless when it is called again."""
    # NumPy's matrix products start a thread for each core when it is imported, and the prediction needs none of them.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    here = (sys.platform, platform.machine(), sys.version_info[:2])
    if here == BUILT_FOR and str(NATIVE) not in sys.path:
        sys.path.insert(0, str(NATIVE))
