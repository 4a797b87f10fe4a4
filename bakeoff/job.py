"""One candidate as a SageMaker training job: the split's parts come in as channels, the answers go out as a file."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bakeoff.candidates import TRAINED
from bakeoff.channels import read_examples, write_answers
from bakeoff.errors import CandidateFailed
from bakeoff.tasks import Trial
from model_code.data.splits import NAMES
from model_code.failures import base_directory, write_failure_reason

ENTRY_POINT = "bakeoff_job.py"
LAUNCHER = '"""Runs bakeoff.job; the toolkit starts this file."""\n\nfrom bakeoff.job import run\n\nrun()\n'


def run() -> None:
    """Runs the job and ends the process: 0, or 1 with the candidate's reason where SageMaker looks for it."""
    try:
        hold(sys.argv[1:])
    except CandidateFailed as failure:
        write_failure_reason(str(failure))
        print(f"The candidate failed: {failure}", flush=True)
        sys.exit(1)
    except Exception as error:
        first = next(iter(str(error).strip().splitlines()), "")
        write_failure_reason(f"{type(error).__name__}: {first}")
        raise


def hold(arguments: Sequence[str]) -> None:
    """Trains and measures the candidate that the hyperparameters name.

    Raises:
        CandidateFailed: with the candidate's own reason.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--candidate", choices=sorted(TRAINED), required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    words, _ = parser.parse_known_args(arguments)
    parts = [read_examples(Path(os.environ[f"SM_CHANNEL_{name.upper()}"])) for name in NAMES]
    with tempfile.TemporaryDirectory() as directory:
        train, validation, test = parts
        task = Trial(train, validation, test, words.seconds, words.seed, Path(directory))
        answers = TRAINED[words.candidate].run(task, report)
    write_answers(Path(os.environ.get("SM_OUTPUT_DATA_DIR", base_directory() / "output" / "data")), answers)


def report(share: float, words: str) -> None:
    """A line that SageMaker reads the metric `progress` from."""
    print(f"progress={share:.3f} {words}", flush=True)
