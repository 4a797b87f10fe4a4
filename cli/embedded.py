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
from local_aws.keys import Keys, private_directory, write_privately

STATE_DIRECTORY = BUILD / "embedded"
SESSION_FILE = STATE_DIRECTORY / "session.json"
STOP_SECONDS = 30


@dataclass(frozen=True)
class Session:
    """The embedded AWS that is up: its address, its process, its log and its keys."""

    endpoint_url: str
    process_id: int
    log_file: str
    keys: Keys


def running_session() -> Session | None:
    """The session written by `recognition up`, when its process still lives."""
    try:
        found = json.loads(SESSION_FILE.read_text())
        session = Session(**{**found, "keys": Keys(**found["keys"])})
    except (FileNotFoundError, json.JSONDecodeError, TypeError, KeyError):
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
    """Writes the session for the commands that follow, for nobody else's eyes."""
    from local_aws.launcher import console_url

    private_directory(SESSION_FILE.parent)
    write_privately(SESSION_FILE, json.dumps(asdict(session), indent=2))
    # A process's words are there for every account of the machine to read, so curl and browsers get files.
    write_privately(curl_file(), f'user = "{session.keys.access_key_id}:{session.keys.secret_access_key}"\n')
    address = console_url(session.endpoint_url, session.keys)
    write_privately(console_file(), f'<meta http-equiv="refresh" content="0;url={address}">\n')


def curl_file() -> Path:
    """The file in which curl finds the keys of the embedded AWS that is up."""
    return SESSION_FILE.with_name("keys.curl")


def console_file() -> Path:
    """The file that leads a browser to the console of the embedded AWS that is up."""
    return SESSION_FILE.with_name("console.html")


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
    curl_file().unlink(missing_ok=True)
    console_file().unlink(missing_ok=True)


def embedded_target(environment: str, endpoint_url: str, keys: Keys) -> Target:
    """The target for the embedded AWS at `endpoint_url`."""
    from local_aws.launcher import environment as embedded_environment

    variables = embedded_environment(endpoint_url, keys)
    return Target(environment, variables, f"the embedded AWS at {endpoint_url}")


def choose_target(environment: str, *, own_account: bool) -> Target:
    """The caller's account when asked for, else the embedded AWS that is up.

    Raises:
        CommandFailed: when neither is there.
    """
    if own_account:
        return Target(environment)
    session = running_session()
    if session is None:
        raise CommandFailed(
            "The embedded AWS is not running. Start it with `recognition up`, or add --aws to use your AWS account."
        )
    return embedded_target(environment, session.endpoint_url, session.keys)
