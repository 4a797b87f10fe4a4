"""Copies what the inference container runs around the model into an artefact: `code/`, with all that it imports."""

from __future__ import annotations

import shutil
from pathlib import Path

from definitions import content
from model_code import inference


def write_hooks(directory: Path) -> None:
    """Writes `code/inference.py`, and below `code/lib` what it imports of the project, to an artefact's directory.

    The container has both folders on Python's path, and only the second where it serves several models.
    """
    for source, name in (
        (inference.__file__, "inference.py"),
        (content.__file__, "lib/definitions/content.py"),
    ):
        target = directory / "code" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
