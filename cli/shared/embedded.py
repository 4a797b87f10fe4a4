"""Starts, finds and stops the embedded AWS that outlives a command (`recognition up` … `recognition down`)."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from urllib.parse import urlparse

from cli.shared.errors import CommandFailed
from cli.shared.project import BUILD
from cli.shared.target import Target
from local_aws.keys import Keys, private_directory, write_privately
from local_aws.state import KEPT_FILE, READY_FILE, Ready, process_of, ready_in

STATE_DIRECTORY = BUILD / "embedded" / "state"
KEPT_DIRECTORY = BUILD / "embedded" / "kept"
LOG_FILE = BUILD / "embedded" / "aws.log"
# The keys of the embedded AWS that is up, for curl, and the page that leads a browser to its console.
CURL_FILE = BUILD / "embedded" / "keys.curl"
CONSOLE_FILE = BUILD / "embedded" / "console.html"
STOP_SECONDS = 30


def running() -> Ready | None:
    """The embedded AWS of `recognition up`, when it lives and answers."""
    return ready_in(STATE_DIRECTORY) or ready_in(KEPT_DIRECTORY)


def keeps() -> bool:
    """Whether the embedded AWS that is there, if any, was started by `recognition up --keep`."""
    return process_of(KEPT_DIRECTORY) is not None


def came_to_its_end() -> bool:
    """Whether the last one with --keep kept what was in it; one that was killed leaves its keys behind, too."""
    return (KEPT_DIRECTORY / KEPT_FILE).exists() and not (KEPT_DIRECTORY / READY_FILE).exists()


def write_key_files(endpoint_url: str, keys: Keys) -> None:
    """Writes the keys of the embedded AWS that is up, for curl and for browsers, for nobody else's eyes.

    A process's words are there for every account of the machine to read, so these two get files.
    """
    from local_aws.launcher import console_url

    private_directory(CURL_FILE.parent)
    write_privately(CURL_FILE, f'user = "{keys.access_key_id}:{keys.secret_access_key}"\n')
    address = console_url(endpoint_url, keys)
    write_privately(CONSOLE_FILE, f'<meta http-equiv="refresh" content="0;url={address}">\n')


def remove_key_files() -> None:
    """Deletes what `write_key_files` wrote."""
    CURL_FILE.unlink(missing_ok=True)
    CONSOLE_FILE.unlink(missing_ok=True)


def stop() -> bool:
    """Ends the embedded AWS and everything it started, also one that only starts; whether there was one.

    Raises:
        CommandFailed: when it still lives after STOP_SECONDS.
    """
    directory = KEPT_DIRECTORY if keeps() else STATE_DIRECTORY
    process_id = process_of(directory)
    if process_id is None:
        # One that was killed could not take its keys away.
        remove_key_files()
        return False
    deadline = time.monotonic() + STOP_SECONDS
    if process_id:
        with suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGTERM)
    while process_of(directory) is not None or is_alive(process_id):
        if time.monotonic() > deadline:
            raise CommandFailed(
                f"The embedded AWS (process {process_id}) did not stop within {STOP_SECONDS} s. "
                f"End it with: kill -9 {process_id}"
            )
        time.sleep(0.1)
    remove_key_files()
    return True


def is_alive(process_id: int) -> bool:
    """Whether a process lives; 0 is none that is known.

    One that ended and waits for its parent does not live: in a container whose first process reaps nobody, it stays.
    """
    import psutil

    if not process_id:
        return False
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def embedded_target(environment: str, endpoint_url: str, keys: Keys) -> Target:
    """The target for the embedded AWS at `endpoint_url`."""
    from local_aws.launcher import environment as embedded_environment

    variables = embedded_environment(endpoint_url, keys)
    return Target(environment, variables, f"the embedded AWS at {endpoint_url}")


def unreachable(endpoint_url: str) -> str | None:
    """What to do when nobody answers at an address; None when it is not that of an embedded AWS."""
    from local_aws.launcher import LOOPBACK

    place = urlparse(endpoint_url)
    if place.hostname not in LOOPBACK:
        return None
    return (
        f"The embedded AWS at {place.scheme}://{place.netloc} does not answer. If it has ended, what ran in it has "
        f"ended too: `recognition up` starts it again. Its log: {LOG_FILE}, or {BUILD / 'demo' / LOG_FILE.name} of a "
        "demo."
    )


def choose_target(environment: str, *, own_account: bool) -> Target:
    """The caller's account when asked for, else the embedded AWS that is up.

    Raises:
        CommandFailed: when the account cannot be asked (see `Target.require_account`), or nothing is up.
    """
    if own_account:
        target = Target(environment)
        target.require_account()
        return target
    running_aws = running()
    if running_aws is None:
        raise CommandFailed(
            "The embedded AWS is not running. Start it with `recognition up`, or add --aws to use your AWS account."
        )
    return embedded_target(environment, running_aws.endpoint_url, running_aws.keys)
