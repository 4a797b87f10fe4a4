"""Starts SageMaker's training toolkit as `train` does, but without its import of TensorFlow, which takes seconds.

The toolkit wants only the names of TensorFlow's errors, to tell in `FailureReason` which of them a script ended with.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ERRORS = "tensorflow.python.framework.errors_impl"


def error_names() -> list[str]:
    """The names of TensorFlow's error classes, read from its source; none where it is not installed."""
    found = importlib.util.find_spec("tensorflow")
    if found is None or found.origin is None:
        return []
    source = Path(found.origin).parents[1].joinpath(*ERRORS.split(".")).with_suffix(".py")
    return [node.name for node in ast.parse(source.read_text()).body if isinstance(node, ast.ClassDef)]


def name_errors(names: list[str]) -> None:
    """Puts a module with classes of those names, which do nothing, in the place of TensorFlow's."""
    parts = ERRORS.split(".")
    for count in range(1, len(parts) + 1):
        path = ".".join(parts[:count])
        sys.modules[path] = ModuleType(path)
    for name in names:
        setattr(sys.modules[ERRORS], name, type(name, (), {}))
    sys.modules[ERRORS.rpartition(".")[0]].errors_impl = sys.modules[ERRORS]


def main() -> None:
    """Runs the job that is laid out below SAGEMAKER_BASE_DIR."""
    name_errors(error_names())
    from sagemaker_training.cli.train import main as toolkit

    sys.exit(toolkit())


if __name__ == "__main__":
    main()
