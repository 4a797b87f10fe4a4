"""Starts the embedded AWS as a process and tells other programs how to reach it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from definitions.refused_files import first_step
from local_aws.child_processes import SUPERVISOR, start_child, stop_child
from local_aws.console import PREFIX
from local_aws.keys import Keys
from local_aws.state import in_use, process_of, ready_in

REGION = "us-east-1"
LOOPBACK = ("127.0.0.1", "localhost")
ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60
STOP_SECONDS = 20


class EmbeddedAwsFailed(Exception):
    """The embedded AWS did not start; the message says why."""


def environment(endpoint_url: str, keys: Keys) -> dict[str, str]:
    """The process environment in which AWS SDKs and the CDK speak to the embedded AWS at `endpoint_url`."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_SESSION_TOKEN": "",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Neither the user's profiles nor the CDK's cache of their accounts may be read or changed.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "CDK_HOME": str(ROOT / "build" / "cdk-home"),
        # Its check of the templates, by AWS's schemas, is nearly half of a synth. A synth for AWS makes it.
        "CDK_VALIDATION": "false",
        **loopback_without_proxy(),
    }


def loopback_without_proxy() -> dict[str, str]:
    """The variables that keep HTTP_PROXY for the network and take the loopback address out of it.

    Some programs read one spelling and some the other; Python's urllib takes `*` by itself only.
    """
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    names = given if given.strip() == "*" else ",".join(filter(None, [given, *LOOPBACK]))
    return {"NO_PROXY": names, "no_proxy": names}


def console_url(endpoint_url: str, keys: Keys) -> str:
    """Where the console's page of an embedded AWS is; the fragment, which no request carries, lets it in."""
    return f"{endpoint_url}{PREFIX}#key={keys.console_key}"


class EmbeddedAws:
    """A running embedded AWS.

    Attributes:
        endpoint_url: where every AWS service answers.
        process_id: of the embedded AWS.
        keys: of this start.
    """

    def __init__(self, process: subprocess.Popen, endpoint_url: str, process_id: int, keys: Keys) -> None:
        self.process = process
        self.endpoint_url = endpoint_url
        self.process_id = process_id
        self.keys = keys

    @classmethod
    def start(
        cls,
        state_directory: Path,
        *,
        log_file: Path,
        port: int = 0,
        concurrent_jobs: int = 1,
        detached: bool = False,
        without_capacity: Sequence[str] = (),
        keep: bool = False,
        stand_ins_when_asked: bool = False,
    ) -> EmbeddedAws:
        """Starts it and returns when it answers.

        Args:
            state_directory: where it keeps objects, job folders and this start's keys; made if it is not there, and
                closed to other accounts.
            log_file: where its output goes.
            port: on 127.0.0.1; 0 takes a free one.
            concurrent_jobs: training and processing jobs that run at the same time; the others wait.
            detached: whether it goes on when this process ends.
            without_capacity: instance types whose training jobs fail as if SageMaker had none free.
            keep: whether what is in it is there again at the next start from the directory that is told to keep, too.
            stand_ins_when_asked: whether the stand-ins of Rekognition and Comprehend, whose packages take seconds to
                import, are loaded at the first request to one instead of now.

        Raises:
            EmbeddedAwsFailed: with the process's last words.
        """
        # Before the log is written to, which is that of the other one.
        if (other := process_of(state_directory)) is not None:
            raise EmbeddedAwsFailed(in_use(state_directory, other))
        start = uuid.uuid4().hex
        command = [sys.executable, "-m", "local_aws", "--state", str(state_directory), "--port", str(port)]
        command += ["--start", start, "--concurrent-jobs", str(concurrent_jobs)]
        command += ["--without-capacity", *without_capacity, *(["--keep"] if keep else [])]
        command += ["--stand-ins-when-asked"] if stand_ins_when_asked else []
        try:
            log_file.parent.mkdir(parents=True, exist_ok=True)
            with log_file.open("w", encoding="utf-8") as log:
                log_file.chmod(0o600)
                process = cls.spawn(command, log, detached)
        except OSError as error:
            refusal = f"{error.filename} cannot be used: {error.strerror}. {first_step(error)}."
            raise EmbeddedAwsFailed(refusal) from error
        deadline = time.monotonic() + START_SECONDS
        try:
            while (ready := ready_in(state_directory)) is None or ready.start != start:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise EmbeddedAwsFailed(f"The embedded AWS did not start. {last_words(log_file)}")
                time.sleep(0.05)
        except BaseException:
            process.send_signal(signal.SIGQUIT) if detached else stop_child(
                process, grace_seconds=STOP_SECONDS
            )
            raise
        return cls(process, ready.endpoint_url, ready.process_id, ready.keys)

    @staticmethod
    def spawn(command: list[str], log, detached: bool) -> subprocess.Popen:
        """Starts the process under a supervisor, which nobody holds if it is to be detached."""
        if not detached:
            return start_child(command, environment=os.environ, directory=ROOT, output=log)
        return subprocess.Popen(
            [sys.executable, "-I", str(SUPERVISOR), "--unheld", *command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def stop(self) -> None:
        """Ends it with everything that it started. Only for one that is not detached."""
        stop_child(self.process, grace_seconds=STOP_SECONDS)

    def __enter__(self) -> EmbeddedAws:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def last_words(log_file: Path) -> str:
    """The last line of a log that says something."""
    said = log_file.read_text(encoding="utf-8", errors="replace")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else f"It printed nothing to {log_file}."
