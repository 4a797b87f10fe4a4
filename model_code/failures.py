"""The error that ends a job with one sentence for its FailureReason."""

from __future__ import annotations

import os
from pathlib import Path

# SageMaker shows the first 1,024 characters of the file as FailureReason.
REASON_CHARACTERS = 1024


class JobFailed(Exception):
    """The job cannot go on; the message says what was wrong, where, and what to do."""


def base_directory() -> Path:
    """SageMaker's directory in the container: /opt/ml, or what the toolkit's SAGEMAKER_BASE_DIR says."""
    return Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def write_failure_reason(reason: str) -> None:
    """Writes `/opt/ml/output/failure`, which the toolkit keeps and SageMaker reads."""
    file = base_directory() / "output" / "failure"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(reason[:REASON_CHARACTERS])
