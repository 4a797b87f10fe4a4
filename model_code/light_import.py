"""TensorFlow without what Keras loads for features that nobody here uses: that is half of a process's start."""

from __future__ import annotations

import os
import sys
from typing import Any, cast

# Keras looks for each, and goes on where it is not installed: galleries, wrappers, sparse matrices, data frames.
OPTIONAL = ("matplotlib", "pandas", "scipy", "sklearn")


def import_tensorflow() -> None:
    """Imports TensorFlow, and Keras with it, while what it does not need cannot be found; afterwards it can.

    Keras is as it is by default, whatever the user has chosen for other projects. For the start of a program, before
    its first own import of either; imports nothing where TensorFlow is loaded.
    """
    # keras.json in the user's home may name another backend, or channels first.
    os.environ |= {"KERAS_BACKEND": "tensorflow", "KERAS_HOME": os.devnull}
    if "tensorflow" in sys.modules:
        return
    hidden = [name for name in OPTIONAL if name not in sys.modules]
    # For a name that stands for nothing, Python raises an ImportError.
    cast(dict[str, Any], sys.modules).update(dict.fromkeys(hidden))
    try:
        import tensorflow  # noqa: F401
    finally:
        for name in hidden:
            del sys.modules[name]
