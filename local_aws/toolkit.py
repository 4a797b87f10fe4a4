"""Starts SageMaker's training toolkit as `train` does, but without its import of TensorFlow, which takes seconds."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the job that is laid out below SAGEMAKER_BASE_DIR; the script that it starts finds TensorFlow as ever.

    The toolkit reads the names of TensorFlow's errors, and uses them only where it captures what a script writes to
    stderr, which it does for no script of its own accord.
    """
    # For a name that stands for nothing, Python raises an ImportError, and the toolkit goes on.
    sys.modules["tensorflow"] = None  # type: ignore[assignment]
    from sagemaker_training.cli.train import main as toolkit

    sys.exit(toolkit())


if __name__ == "__main__":
    main()
