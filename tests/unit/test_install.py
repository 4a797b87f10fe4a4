"""The installation: in any folder, done once, made anew when it has to be, and every failure told.

The programs that it runs are stand-ins that write down how they were called, so nothing is downloaded.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "install.sh"
INPUTS = ("pyproject.toml", "requirements.lock", "package-lock.json", "lambdas/requirements.lock")
PACKAGES = "lib/python3.11/site-packages"
# Python, uv and npm: each writes down its arguments, and fails with its words when FAILING names it.
STAND_IN = """#!/bin/bash
name=${0##*/}
case "$name $1 $2" in
  "python3 - "* | "python - "*) cat > /dev/null; readlink -f "$0"; exit 0 ;;
  "python -c "*) echo "$PWD/node_home"; exit 0 ;;
  "python3 -m venv") mkdir -p "$3/bin"; ln -s "$0" "$3/bin/python"; cp "$0" "$3/bin/uv" ;;
  "python -m pip") name=pip ;;
  "uv pip install") mkdir -p $VIRTUAL_ENV/$PACKAGES; echo "$PWD" > $VIRTUAL_ENV/$PACKAGES/__editable__.project.pth ;;
esac
echo "$name $*" >> "$CALLS"
if [ "$FAILING" = "$name" ]; then echo "$name says: no route to host" >&2; exit 7; fi
"""


class Checkout:
    """A checkout in a folder with spaces and letters beyond ASCII, with stand-ins on the PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "in st" / "Übung ñ"
        self.calls_file = folder / "calls"
        self.programs = folder / "programs"
        self.environment = {
            "PATH": f"{self.programs}{os.pathsep}{os.defpath}",
            "HOME": str(folder),
            "CALLS": str(self.calls_file),
            "FAILING": "",
            "PACKAGES": PACKAGES,
        }
        for name in INPUTS:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text("uv==1\n")
        (self.folder / "tools").mkdir()
        shutil.copy(SCRIPT, self.folder / "tools")
        node = self.folder / "node_home" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        node.parent.mkdir(parents=True)
        self.programs.mkdir()
        for program in (self.programs / "python3", node):
            program.write_text(STAND_IN)
            program.chmod(0o755)

    def install(self, *extras: str, **variables: str) -> tuple[int, str, list[str]]:
        """Exit status, what it says on standard error, and the calls of programs."""
        self.calls_file.write_text("")
        finished = subprocess.run(
            [self.folder / "tools" / "install.sh", *extras],
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        return finished.returncode, finished.stderr, self.calls_file.read_text().splitlines()


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    return Checkout(tmp_path)


def programs_of(calls: list[str]) -> list[str]:
    """The programs' names, in order."""
    return [call.split()[0] for call in calls]


EVERYTHING = ["python3", "pip", "uv", "npm", "python"]


def test_it_installs_once_what_is_asked_for_in_the_lock_s_versions(checkout):
    status, said, calls = checkout.install("model", "test")
    assert (status, said, programs_of(calls)) == (0, "", EVERYTHING)
    assert "--constraints requirements.lock" in calls[2]
    assert calls[2].endswith("--editable .[model,test]")
    assert checkout.install("test", "model") == (0, "", [])


def test_another_extra_is_added_to_what_is_there(checkout):
    checkout.install("test")
    status, _, calls = checkout.install("test", "deploy")
    assert (status, programs_of(calls)) == (0, ["uv"])
    assert calls[0].endswith("--editable .[deploy]")


def test_npm_is_asked_again_only_for_what_dev_wants_besides(checkout):
    assert "npm ci --omit=dev" in checkout.install("test")[2][-2]
    calls = checkout.install("dev")[2]
    assert programs_of(calls) == ["uv", "npm", "python"] and "npm ci --include=dev" in calls[1]
    assert programs_of(checkout.install("docs")[2]) == ["uv"]


def test_a_moved_checkout_is_made_anew(checkout):
    checkout.install("test")
    checkout.folder = checkout.folder.rename(checkout.folder.parent / "moved")
    status, _, calls = checkout.install("test")
    assert (status, programs_of(calls)) == (0, EVERYTHING)


@pytest.mark.parametrize("package", ["cli", "client/recognition_client"])
def test_the_packages_are_found_where_the_locale_cannot_spell_the_folder(checkout, package):
    checkout.install("test")
    (checkout.folder / package).mkdir(parents=True)
    (checkout.folder / package / "__init__.py").write_text("")
    finished = subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            "import site, sys; site.addsitedir(sys.argv[1]); __import__(sys.argv[2])",
        ]
        + [str(checkout.folder / ".venv" / PACKAGES), Path(package).name],
        env={"LC_ALL": "C", "PYTHONUTF8": "0"},
        cwd=checkout.programs,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")


@pytest.mark.parametrize("name", INPUTS)
def test_a_change_of_what_is_locked_makes_it_anew(checkout, name):
    checkout.install("test")
    (checkout.folder / name).write_text("uv==2\n")
    assert programs_of(checkout.install("test")[2]) == EVERYTHING


def test_another_python_makes_it_anew(checkout):
    checkout.install("test")
    another = checkout.programs / "another" / "python3"
    another.parent.mkdir()
    shutil.copy(checkout.programs / "python3", another)
    assert checkout.install("test", PYTHON=str(checkout.programs / "python3"))[2] == []
    assert programs_of(checkout.install("test", PYTHON=str(another))[2]) == EVERYTHING
    assert checkout.install("test")[2] == []


def test_an_environment_of_somebody_else_is_left_alone(checkout):
    theirs = checkout.folder / ".venv" / "pyvenv.cfg"
    theirs.parent.mkdir()
    theirs.write_text("mine")
    status, said, calls = checkout.install("test")
    assert (status, calls) == (1, [])
    assert f"{checkout.folder}/.venv was not made by this project" in said
    assert theirs.read_text() == "mine"


@pytest.mark.parametrize("program", ["python3", "pip", "uv", "npm"])
def test_a_failure_is_told_with_the_program_s_own_words_and_goes_on(checkout, program):
    status, said, _ = checkout.install("test", FAILING=program)
    assert status == 1
    theirs, ours = said.splitlines()
    assert theirs == f"{program} says: no route to host"
    assert program in ours
    assert "its words are above" in ours
    status, _, calls = checkout.install("test")
    assert (status, calls[-1]) == (0, "python -m stacks.shared.vendoring")


def test_a_full_disk_is_named_behind_the_words_of_what_failed(checkout):
    (checkout.programs / "df").write_text("#!/bin/bash\necho; echo disk 100000 99000 1000 99% /\n")
    (checkout.programs / "df").chmod(0o755)
    status, said, _ = checkout.install("test", FAILING="uv")
    assert status == 1
    assert f"The disk of {checkout.folder} has 0 MB left. Free some: " in said
    assert "XDG_CACHE_HOME" in said


def test_a_home_that_cannot_be_written_is_told_with_the_variable_to_set(checkout, tmp_path):
    status, said, calls = checkout.install("test", HOME="/dev/null")
    assert (status, calls) == (1, [])
    assert said.startswith("The cache /dev/null/.cache cannot be written (")
    assert "XDG_CACHE_HOME" in said
    assert checkout.install("test", HOME="/dev/null", XDG_CACHE_HOME=str(tmp_path / "cache"))[0] == 0


def test_a_python_that_does_not_suit_is_told(checkout):
    status, said, calls = checkout.install("test", PYTHON="/bin/false")
    assert (status, calls) == (1, [])
    assert "PYTHON=/bin/false is no Python 3.11, 3.12 or 3.13" in said
