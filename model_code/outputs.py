"""Where results go: a folder that was empty or our own, a file that was not there; nothing of a user's is deleted."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from model_code.failures import JobFailed


class OutputRefused(JobFailed):
    """A result would have taken the place of somebody's file; the message says which, and what to do."""


@dataclass(frozen=True)
class OutputFolder:
    """What a program writes into the folder that its caller names.

    Attributes:
        first: the file that is written before all others: without it a folder is not the program's, and with it one is
            that a killed process left half done.
        others: what else it writes, as patterns of paths below the folder; `*` stays within one part of a path.
    """

    first: str
    others: tuple[str, ...] = ()

    def check(self, directory: Path) -> None:
        """Refuses a folder that this program cannot have: before anything is spent.

        Raises:
            OutputRefused: when it is no folder, or there is anything in it that the program does not write.
        """
        self.contents(directory)

    def prepare(self, directory: Path) -> None:
        """Makes the folder, without the files of an earlier result; see `check` for what is raised."""
        earlier = self.contents(directory)
        # The first file is the last to go: until then the folder can be told to be ours.
        for file in sorted(earlier, key=lambda name: name == PurePath(self.first)):
            (directory / file).unlink()
        for folder in sorted({parent for file in earlier for parent in file.parents[:-1]}, reverse=True):
            with suppress(OSError):
                # Not where somebody keeps a folder of their own in it.
                (directory / folder).rmdir()
        directory.mkdir(parents=True, exist_ok=True)

    def contents(self, directory: Path) -> list[PurePath]:
        """The files of an earlier result, by their paths below the folder; see `check` for what is raised."""
        if os.path.lexists(directory) and not directory.is_dir():
            raise OutputRefused(f"{directory} is a file, and results go into a folder. Name another.")
        require_writable(directory, directory, *directory.absolute().parents)
        names = []
        is_ours = os.path.lexists(directory / self.first)
        # The first that is not ours is enough: the folder may be the root of everything.
        for file in files_below(directory):
            if not is_ours or (directory / file).is_symlink() or not self.writes(file):
                raise OutputRefused(
                    f"{directory} holds {file}, which was not written by this program. It replaces what is in its "
                    "folder, so name a new or an empty one."
                )
            names.append(file)
        return names

    def writes(self, file: PurePath) -> bool:
        """Whether the program writes a file of that path."""
        return any(fits(file, PurePath(pattern)) for pattern in (self.first, *self.others))


MODEL_FOLDER = OutputFolder(
    "model_card.json",
    (
        # Whoever serves the artefact where it lies leaves its compiled handlers beside them.
        *("labels.json", "code/inference.py", "code/__pycache__/inference.*.pyc"),
        *("code/lib/definitions/content.py", "code/lib/definitions/__pycache__/content.*.pyc"),
        *("1/saved_model.pb", "1/fingerprint.pb", "1/variables/variables.*", "1/assets/*"),
        "1/assets.extra/tf_serving_warmup_requests",
        *("litert/*.tflite", "litert/preprocessing.json"),
    ),
)
"""An artefact."""


def files_below(directory: Path) -> Iterator[PurePath]:
    """Everything below a folder that is no folder itself, a link to one among them, in order."""
    for folder, folders, files in os.walk(directory):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in sorted([*links, *files]):
            yield PurePath(folder, name).relative_to(directory)


def fits(file: PurePath, pattern: PurePath) -> bool:
    """Whether a path fits a pattern, part by part."""
    return len(file.parts) == len(pattern.parts) and all(map(fnmatchcase, file.parts, pattern.parts))


def require_free(file: Path, *, overwrite: bool) -> None:
    """Refuses a file that is there already, unless it may be replaced, or cannot be: before anything is spent.

    Raises:
        OutputRefused: naming the file and the way out.
    """
    if file.is_dir():
        raise OutputRefused(f"{file} is a folder. Name a file in it.")
    if file.exists() and not file.is_file():
        # Through a device or a pipe something is written, but nothing is lost.
        return
    if file.is_file() and not overwrite:
        raise OutputRefused(f"{file} is there already. Name another file, or add --overwrite to replace it.")
    require_writable(file, *file.absolute().parents)


def require_writable(result: Path, *folders: Path) -> None:
    """Refuses a result where the first of these folders that is there, be it a link to nothing, is none to write to."""
    folder = next(folder for folder in folders if os.path.lexists(folder))
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise OutputRefused(
            f"{result} cannot be written, because {folder} is no folder that you may write to."
        )


@contextmanager
def written(file: Path, *, overwrite: bool) -> Iterator[Path]:
    """A path to write to; what was written there becomes `file` when the block ends well, and nothing before.

    Folders that are missing are made. See `require_free` for what is raised.
    """
    require_free(file, overwrite=overwrite)
    if file.exists() and not file.is_file():
        yield file
        return
    # A link stays one, and what it leads to is replaced.
    target = Path(os.path.realpath(file))
    target.parent.mkdir(parents=True, exist_ok=True)
    # The ending says in which format some libraries write.
    unfinished = target.with_name(f".{target.stem}-{uuid.uuid4().hex[:8]}{target.suffix}")
    try:
        yield unfinished
        require_free(file, overwrite=overwrite)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
