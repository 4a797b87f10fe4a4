"""Starts, finds and stops the embedded AWS that outlives a command (`recognition up` … `recognition down`)."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from cli.errors import CommandFailed
from cli.project import BUILD
from cli.target import Target

STATE_DIRECTORY = BUILD / "embedded"
SESSION_FILE = STATE_DIRECTORY / "session.json"
STOP_SECONDS = 30


@dataclass(frozen=True)
class Session:
    """The embedded AWS that is up: its address, its process and its log."""

    endpoint_url: str
    process_id: int
    log_file: str


def running_session() -> Session | None:
    """The session written by `recognition up`, when its process still lives."""
    try:
        session = Session(**json.loads(SESSION_FILE.read_text()))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None
    return session if is_embedded_aws(session.process_id) else None


def is_embedded_aws(process_id: int) -> bool:
    """Whether the process lives and is an embedded AWS: an old session file may name a reused process number."""
    try:
        os.kill(process_id, 0)
    except (ProcessLookupError, PermissionError):
        return False
    command_line = Path(f"/proc/{process_id}/cmdline")
    return not command_line.exists() or b"local_aws" in command_line.read_bytes()


def remember(session: Session) -> None:
    """Writes the session for the commands that follow."""
    SESSION_FILE.parent.mkdir(parents=True, exist_ok=True)
    SESSION_FILE.write_text(json.dumps(asdict(session), indent=2))


def stop(session: Session) -> None:
    """Ends the embedded AWS and everything it started; waits until it is gone.

    Raises:
        CommandFailed: when it still lives after STOP_SECONDS.
    """
    os.kill(session.process_id, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while is_embedded_aws(session.process_id):
        if time.monotonic() > deadline:
            raise CommandFailed(
                f"The embedded AWS (process {session.process_id}) did not stop within {STOP_SECONDS} s. "
                f"End it with: kill -9 {session.process_id}"
            )
        time.sleep(0.1)
    SESSION_FILE.unlink(missing_ok=True)


def embedded_target(environment: str, endpoint_url: str) -> Target:
    """The target for the embedded AWS at `endpoint_url`."""
    from local_aws.launcher import environment as embedded_environment

    return Target(environment, embedded_environment(endpoint_url), f"the embedded AWS at {endpoint_url}")


def choose_target(environment: str, *, own_account: bool) -> Target:
    """The caller's account when asked for, else the embedded AWS that is up.

    Raises:
        CommandFailed: when the account cannot be asked (see `Target.require_account`), or nothing is up.
    """
    if own_account:
        target = Target(environment)
        target.require_account()
        return target
    session = running_session()
    if session is None:
        raise CommandFailed(
            "The embedded AWS is not running. Start it with `recognition up`, or add --aws to use your AWS account."
        )
    return embedded_target(environment, session.endpoint_url)
