"""The two distributions: what their wheels hold, what their extras bring, and that the lock names all of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "advisor",
    "bakeoff",
    "cli",
    "client/recognition_client",
    "console",
    "definitions",
    "lambdas",
    "local_aws",
    "model_code",
    "serving",
    "stacks",
)
OURS = "recognition-on-aws"
TENSORFLOW, CDK, SDK = {"tensorflow", "tensorflow-cpu"}, {"aws-cdk-lib"}, {"sagemaker"}
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")


def files_below(folder: Path) -> set[str]:
    """Paths of all files of a package, from its own name on."""
    distributions = {file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    return {file.relative_to(folder.parent).as_posix() for file in distributions}


def wheel_of(project: Path) -> zipfile.ZipFile:
    """Builds a project's wheel, without the network."""
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", build, project / "wheel"], cwd=project, check=True, capture_output=True
    )
    return zipfile.ZipFile(next((project / "wheel").glob("*.whl")))


def shipped(wheel: zipfile.ZipFile) -> set[str]:
    """The files of a wheel that are not about the wheel itself."""
    return {name for name in wheel.namelist() if ".dist-info/" not in name}


def brought_by(extra: str) -> set[str]:
    """The distributions that come with an extra on this machine, from what is installed."""
    distributions: set[str] = set()
    waiting = [(OURS, extra), (OURS, "")]
    seen: set[tuple[str, str]] = set()
    while waiting:
        name, wanted = waiting.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        distributions.add(name)
        for line in metadata.requires(name) or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": wanted}):
                waiting += [(canonicalize_name(needed.name), extra) for extra in ("", *needed.extras)]
    return distributions


def test_the_wheel_holds_every_package_and_its_command_works_anywhere(tmp_path):
    project = tmp_path / "project"
    for name in PACKAGES:
        shutil.copytree(ROOT / name, project / name, ignore=NOT_SHIPPED)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, project)
    wheel = wheel_of(project)
    assert shipped(wheel) == set().union(*(files_below(ROOT / name) for name in PACKAGES))
    (entry_points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "recognition = cli.main:run" in wheel.read(entry_points).decode()
    wheel.extractall(tmp_path / "installed")
    # In a folder that is no checkout.
    outside = subprocess.run(
        [sys.executable, "-c", "from cli.main import run; run()", "--version"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
    )
    assert outside.stdout == f"recognition {metadata.version(OURS)}\n", outside.stderr


def test_the_client_is_a_distribution_of_its_own_that_needs_botocore_alone(tmp_path):
    shutil.copytree(ROOT / "client", tmp_path / "client", ignore=NOT_SHIPPED)
    wheel = wheel_of(tmp_path / "client")
    assert shipped(wheel) == files_below(ROOT / "client" / "recognition_client")
    (about,) = (name for name in wheel.namelist() if name.endswith("METADATA"))
    told = wheel.read(about).decode()
    assert "\nName: recognition-on-aws-client\n" in told
    assert re.findall(r"^Requires-Dist: (\w+)", told, re.MULTILINE) == ["botocore"]


def test_what_building_the_client_leaves_is_no_file_of_the_project():
    ignored = subprocess.run(["git", "check-ignore", "--quiet", "client/build/lib/answers.py"], cwd=ROOT)
    assert ignored.returncode == 0


def test_both_distributions_have_the_same_version():
    versions = [
        tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]["version"]
        for folder in (".", "client")
    ]
    assert versions == [metadata.version(OURS)] * 2


@pytest.mark.parametrize(
    ("extra", "brings", "without"),
    [
        ("", set(), TENSORFLOW | CDK | SDK),
        ("deploy", CDK, TENSORFLOW | SDK),
        ("model", TENSORFLOW, CDK | SDK),
        ("test", {"pytest"}, TENSORFLOW | CDK | SDK),
        ("local", TENSORFLOW | CDK, SDK),
        ("dev", TENSORFLOW | CDK | SDK, set()),
    ],
)
def test_an_extra_brings_what_its_job_needs_and_no_more(extra, brings, without):
    distributions = brought_by(extra)
    assert not distributions & without
    # One of the two TensorFlows, by the machine.
    assert {name for name in brings if name in distributions or name not in TENSORFLOW} <= distributions
    assert bool(distributions & TENSORFLOW) == bool(brings & TENSORFLOW)


def test_all_that_is_installed_is_locked_with_its_hash():
    stanzas = re.findall(
        r"^([\w.-]+)==(\S+).*\\\n    --hash=sha256:", (ROOT / "requirements.lock").read_text(), re.M
    )
    locked = {(canonicalize_name(name), version) for name, version in stanzas}
    installed = {
        (canonicalize_name(distribution.name), distribution.version)
        for distribution in metadata.distributions()
    }
    assert {(name, version) for name, version in installed - locked if name != OURS} == set()
