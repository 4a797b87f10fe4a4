"""Starts, finds and stops the embedded AWS that outlives a command (`recognition up` … `recognition down`)."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlparse

from cli.shared.errors import CommandFailed, Interrupted
from cli.shared.project import BUILD
from cli.shared.target import Target
from definitions.parameters import API_URL
from local_aws.keys import Keys, private_directory, write_privately
from local_aws.state import KEPT_FILE, READY_FILE, Ready, process_of, ready_in

STATE_DIRECTORY = BUILD / "embedded" / "state"
KEPT_DIRECTORY = BUILD / "embedded" / "kept"
LOG_FILE = BUILD / "embedded" / "aws.log"
# The keys of the embedded AWS that is up, for curl, and the page that leads a browser to its console.
CURL_FILE = BUILD / "embedded" / "keys.curl"
CONSOLE_FILE = BUILD / "embedded" / "console.html"
STOP_SECONDS = 30
LAST_LINES = 5
LOOK_SECONDS = 1.0


def running() -> Ready | None:
    """The embedded AWS of `recognition up`, when it lives and answers."""
    return ready_in(STATE_DIRECTORY) or ready_in(KEPT_DIRECTORY)


def has_ended() -> bool:
    """Whether `recognition up` started one, and nobody stopped it, and it is there no more."""
    return CURL_FILE.is_file() and running() is None


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


def ended(log_file: Path, again: str) -> str:
    """The sentence for an embedded AWS that has ended by itself: its last words, and what starts another.

    Args:
        log_file: where its output went. Where a signal ended it, its supervisor names that in the last line.
        again: the command.
    """
    said = log_file.read_text(encoding="utf-8", errors="replace") if log_file.is_file() else ""
    last = [f"  {line.rstrip()}" for line in said.splitlines() if line.strip()][-LAST_LINES:]
    words = "\n".join(["It said last:", *last]) if last else "It said nothing."
    return (
        f"The embedded AWS has ended, and with it all that ran in it. {words}\nIts log is {log_file}. "
        f"Start another: {again}"
    )


@contextmanager
def ending_is_told(lives: Callable[[], bool], log_file: Path, again: str) -> Iterator[None]:
    """Inside, whatever speaks to an embedded AWS ends when that has ended, and its failure is put down to that.

    The CDK alone would ask an address where nobody is for more than a minute.

    Args:
        lives: whether it is still there; asked once a second from another thread.
        log_file: see `ended`.
        again: see `ended`.

    Raises:
        CommandFailed: in place of a failure.
        Interrupted: in place of an interruption.
    """
    from botocore.exceptions import BotoCoreError

    is_over, is_done = threading.Event(), threading.Event()

    def look() -> None:
        while not is_done.wait(LOOK_SECONDS):
            if not lives():
                is_over.set()
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
                return

    before = signal.signal(signal.SIGUSR1, signal.default_int_handler)
    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    except (CommandFailed, BotoCoreError, KeyboardInterrupt) as error:
        with suppress(KeyboardInterrupt):
            is_done.set()
            watcher.join()
        if not is_over.is_set() and lives():
            raise
        is_own = isinstance(error, KeyboardInterrupt) and not is_over.is_set()
        raise (Interrupted if is_own else CommandFailed)(ended(log_file, again)) from error
    finally:
        is_done.set()
        watcher.join()
        signal.signal(signal.SIGUSR1, before)


def unreachable(endpoint_url: str) -> str | None:
    """What to do when nobody answers at an address; None when it is not that of an embedded AWS."""
    from local_aws.launcher import LOOPBACK

    place = urlparse(endpoint_url)
    if place.hostname not in LOOPBACK:
        return None
    if has_ended():
        return ended(LOG_FILE, "recognition up")
    return (
        f"The embedded AWS at {place.scheme}://{place.netloc} does not answer. If it has ended, what ran in it has "
        f"ended too: `recognition up` starts it again. Its log: {LOG_FILE}, or {BUILD / 'demo' / LOG_FILE.name} of a "
        "demo."
    )


def choose_target(environment: str, *, own_account: bool, needs_app: bool = True) -> Target:
    """The caller's account when asked for, else the embedded AWS that is up.

    Args:
        environment: the app's.
        own_account: whether the account is asked for.
        needs_app: whether the app has to be deployed there.

    Raises:
        CommandFailed: when the account cannot be asked (see `Target.require_account`), nothing is up, or the app is not
            there.
    """
    target = own_target(environment) if own_account else running_target(environment)
    if needs_app:
        # Of the stack that comes last: a part of the app is not enough.
        target.parameter(API_URL)
    return target


def own_target(environment: str) -> Target:
    """The caller's account; see `Target.require_account` for what is raised."""
    target = Target(environment)
    target.require_account()
    return target


def running_target(environment: str) -> Target:
    """The embedded AWS that is up.

    Raises:
        CommandFailed: when none is.
    """
    running_aws = running()
    if running_aws is None:
        raise CommandFailed(
            "The embedded AWS is not running. Start it with `recognition up`, or add --aws to use your AWS account."
        )
    return embedded_target(environment, running_aws.endpoint_url, running_aws.keys)
