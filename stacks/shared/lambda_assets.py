"""Lays out each function's code: its part of the package `lambdas`, the common part, and the vendored packages."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from stacks.shared.vendoring import LITERT_LOCK, LITERT_PLATFORM, vendored_dependencies

PACKAGE = Path(__file__).resolve().parents[2] / "lambdas"
# What every function imports beside its own package.
DEFINITIONS = PACKAGE.parent / "definitions"
# The runtime brings boto3; compiled caches differ between machines.
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")


def write_function_code(
    function: str,
    build_directory: Path,
    packages: Sequence[str] = (),
    parts: Sequence[str] = (),
    *,
    compiled: bool = False,
) -> Path:
    """Writes the code of `lambdas/{function}` below `build_directory` and returns its folder.

    Args:
        function: its folder in `lambdas`.
        build_directory: where it goes.
        packages: others of this project that it imports, beside the definitions.
        parts: other folders of `lambdas` that it imports.
        compiled: whether it carries LiteRT and what that needs, which lambdas.litert.native finds in `native`.

    Raises:
        VendoringFailed: when the dependencies are not there and cannot be installed.
    """
    target = build_directory / "lambda-code" / function
    shutil.rmtree(target, ignore_errors=True)
    copy(vendored_dependencies(), target)
    (target / "lambdas").mkdir()
    shutil.copy(PACKAGE / "__init__.py", target / "lambdas")
    for part in ("common", function, *parts):
        copy(PACKAGE / part, target / "lambdas" / part)
    copy(DEFINITIONS, target / DEFINITIONS.name)
    for package in packages:
        copy(PACKAGE.parent / package, target / package)
    if compiled:
        copy(native_packages(), target / "native")
    return target


def native_packages() -> Path:
    """The compiled packages for Lambda's processor."""
    return vendored_dependencies(LITERT_LOCK, LITERT_PLATFORM)


def copy(source: Path, target: Path) -> None:
    """Copies a folder; its files get the present time.

    The CDK remembers a file's digest between synths under its inode, time and size. With the old times a new
    file that happens to get a deleted one's inode would be taken for it, and changed code would not be deployed.
    """
    shutil.copytree(source, target, ignore=LEFT_OUT, copy_function=shutil.copy)
