"""The error that ends a job with one sentence for its FailureReason."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_code.markup import visible

# SageMaker shows the first 1,024 characters of the file as FailureReason.
REASON_CHARACTERS = 1024


class JobFailed(Exception):
    """The job cannot go on; the message says what was wrong, where, and what to do.

    It may name a file or a class of the data, and goes into logs: no character in it begins a line of its own there.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(visible(sentence))


def base_directory() -> Path:
    """SageMaker's directory in the container: /opt/ml, or what the toolkit's SAGEMAKER_BASE_DIR says."""
    return Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def write_failure_reason(reason: str) -> None:
    """Writes the sentence where SageMaker reads it: a training job's FailureReason, a processing job's ExitMessage.

    The training toolkit keeps a `failure` that is there already; `message` is what DescribeProcessingJob shows.
    """
    directory = base_directory() / "output"
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("failure", "message"):
        (directory / name).write_text(reason[:REASON_CHARACTERS], encoding="utf-8", errors="replace")


@contextmanager
def reported(job: str) -> Iterator[None]:
    """Ends the process with 1 when the job inside fails, with its sentence in the log and where SageMaker reads it."""
    try:
        yield
    except JobFailed as failure:
        write_failure_reason(str(failure))
        print(f"{job} failed: {failure}", flush=True)
        sys.exit(1)
