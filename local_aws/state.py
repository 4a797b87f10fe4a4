"""The state directory of an embedded AWS: one process at a time has it, and nothing in it outlives that process."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from definitions.refused_files import first_step
from local_aws.keys import Keys, private_directory, write_privately

# The first file that is written and the last to go: a directory without it was not made here.
LOCK_FILE = "lock"
READY_FILE = "ready.json"
TEMPORARY = "temporary"
# What IAM decided about the roles of what runs here, one JSON object a line.
DECISIONS_FILE = "decisions.jsonl"
# Of --keep: the state of the other services, and the file whose presence says that all of it is complete.
KEPT_FILE = "kept.json"
OF_ONE_PROCESS = {READY_FILE, "ready.unfinished", "kept.unfinished", TEMPORARY, "sagemaker", DECISIONS_FILE}
OF_SERVICES = {"ministack", "s3", KEPT_FILE}
MADE_HERE = {LOCK_FILE, *OF_ONE_PROCESS, *OF_SERVICES}
# Children of a killed process end a moment after it; whoever asks whether a lock is free has it for a moment.
CLEAR_SECONDS = 10.0
LOCK_SECONDS = 1.0


class StateRefused(Exception):
    """A state directory cannot be had; the message says why and what to do."""


@dataclass(frozen=True)
class Ready:
    """What an embedded AWS tells of itself once it answers.

    Attributes:
        endpoint_url: where every AWS service answers.
        process_id: of the embedded AWS.
        start: the word by which whoever started it knows that it is this one.
        keys: of this start.
    """

    endpoint_url: str
    process_id: int
    start: str
    keys: Keys


@contextmanager
def claimed(state: Path, *, keep: bool = False) -> Iterator[None]:
    """Has a state directory to itself, emptied of what an earlier process left, and empties it again at the end.

    With `keep` buckets, models and the like stay there from an orderly end to the next start; what a process left that
    never came to one is deleted.

    The lock is the operating system's (flock): it ends with the process, however that ends, so neither a stale file
    nor a process number that was given anew can be taken for a running embedded AWS.

    Raises:
        StateRefused: when another process has it, it holds files of somebody else or what was to be kept, or it cannot
            be written.
    """
    try:
        state.mkdir(parents=True, exist_ok=True)
        names = {path.name for path in state.iterdir()}
        # Without the lock even a familiar name is somebody else's.
        if foreign := sorted(names - MADE_HERE if LOCK_FILE in names else names):
            raise StateRefused(
                f"The state directory {state} holds {foreign[0]}, which the embedded AWS did not make, and it empties "
                "its state directory. Name a new one with --state."
            )
        private_directory(state)
        lock = (state / LOCK_FILE).open("a+", encoding="utf-8")
    except OSError as error:
        raise unwritable(state, error) from error
    with lock:
        deadline = time.monotonic() + LOCK_SECONDS
        while not try_lock(lock, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise StateRefused(in_use(state, process_of(state)))
            time.sleep(0.02)
        is_kept = (state / KEPT_FILE).exists()
        if is_kept and not keep:
            raise StateRefused(
                f"The state directory {state} holds what an earlier start was told to keep. Go on with it by --keep, "
                "delete the directory, or name another."
            )
        clear(state, OF_ONE_PROCESS if is_kept else MADE_HERE - {LOCK_FILE})
        try:
            lock.truncate(0)
            # Nothing is left to be written when the file is closed, where a full disk would be met again.
            os.write(lock.fileno(), str(os.getpid()).encode())
        except OSError as error:
            raise unwritable(state, error) from error
        try:
            yield
        finally:
            is_kept = (state / KEPT_FILE).exists()
            clear(state, OF_ONE_PROCESS if is_kept else MADE_HERE - {LOCK_FILE})


def unwritable(state: Path, error: OSError) -> StateRefused:
    """The refusal of a state directory that the file system refuses."""
    return StateRefused(
        f"The state directory {state} cannot be written: {error.strerror}. {first_step(error)}, or name another: "
        "`python -m local_aws` takes it in --state, and `recognition` has its own in the checkout."
    )


def try_lock(file: IO, kind: int) -> bool:
    """Takes a file's lock if nobody has it."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def clear(state: Path, names: Collection[str]) -> None:
    """Deletes these of the things that an embedded AWS puts into its state directory.

    Raises:
        StateRefused: when something in it cannot be deleted.
    """
    deadline = time.monotonic() + CLEAR_SECONDS
    while True:
        try:
            for name in names:
                place = state / name
                if place.is_dir() and not place.is_symlink():
                    shutil.rmtree(place)
                else:
                    place.unlink(missing_ok=True)
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise StateRefused(
                    f"{error.filename}, which an earlier embedded AWS left, cannot be deleted: {error.strerror}. "
                    f"{first_step(error)}."
                ) from error
            time.sleep(0.1)


def process_of(state: Path) -> int | None:
    """The process that has a state directory, 0 when it has not said which it is; None when nobody has it."""
    try:
        with (state / LOCK_FILE).open(encoding="utf-8") as lock:
            # Shared, so that two who look at once do not take each other for an embedded AWS.
            if try_lock(lock, fcntl.LOCK_SH):
                return None
            return int(lock.read() or 0)
    except (FileNotFoundError, NotADirectoryError):
        return None


def ready_in(state: Path) -> Ready | None:
    """The embedded AWS that has a state directory and answers; None when there is none, or it only starts."""
    process_id = process_of(state)
    with suppress(OSError, ValueError, TypeError, KeyError):
        read = json.loads((state / READY_FILE).read_bytes())
        ready = Ready(**{**read, "keys": Keys(**read["keys"])})
        return ready if ready.process_id == process_id else None
    return None


def kept_port(state: Path) -> int | None:
    """The port of what was kept, whose addresses name it; None when nothing was."""
    with suppress(FileNotFoundError):
        return int(json.loads((state / KEPT_FILE).read_bytes())["port"])
    return None


def announce(state: Path, ready: Ready) -> None:
    """Tells the user's other programs that the embedded AWS answers; a reader sees all of it or nothing."""
    write_privately(state / READY_FILE, json.dumps(asdict(ready), indent=2))


def in_use(state: Path, process_id: int | None) -> str:
    """The sentence for a directory that another process has."""
    who = f"The embedded AWS of process {process_id}" if process_id else "Another embedded AWS"
    return (
        f"{who} has the state directory {state} and runs, or is about to. Stop it first (what `recognition up` "
        f"started by `recognition down`, any other by kill {process_id or 'with its process id'}), or name another "
        "directory."
    )
