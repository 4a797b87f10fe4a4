"""Yields the files that appear in a folder, each once and when it is written to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from cli.shared.errors import CommandFailed

POLL_SECONDS = 1.0


def new_files(
    folder: Path, endings: Collection[str], pause: Callable[[float], None] = time.sleep
) -> Iterator[Path]:
    """Files with one of the endings that were not there at the start, or have changed since; never ends by itself.

    A file is yielded once its size and time stood still for one look, so that half a file is not read.

    Raises:
        CommandFailed: when there is no such folder, or it is gone.
    """
    done = look(folder, endings)
    before = dict(done)
    while True:
        pause(POLL_SECONDS)
        now = look(folder, endings)
        for file in sorted(now):
            if done.get(file) != now[file] and before.get(file) == now[file]:
                done[file] = now[file]
                yield file
        before = now


def look(folder: Path, endings: Collection[str]) -> dict[Path, tuple[int, int]]:
    """Size and time of change of each file."""
    if not folder.is_dir():
        raise CommandFailed(f"There is no folder {folder} to watch.")
    sizes = {}
    for file in folder.iterdir():
        if file.suffix.lower() in endings:
            try:
                facts = file.stat()
            except FileNotFoundError:
                # Gone between the two looks.
                continue
            sizes[file] = (facts.st_size, facts.st_mtime_ns)
    return sizes
