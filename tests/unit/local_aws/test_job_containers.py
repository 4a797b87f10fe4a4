"""How a job's command becomes one of this machine."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from local_aws.sagemaker import containers
from stacks.training.entrypoint import IMAGE_ENTRYPOINT, TRAINING_ENTRYPOINT

PROGRAM = "/a folder/of ours/entrypoint.sh"


@pytest.fixture(autouse=True)
def in_a_folder_with_spaces(monkeypatch):
    monkeypatch.setattr(containers, "PROGRAMS", Path(PROGRAM).parent)
    monkeypatch.setattr(containers, "can_bind_mount", lambda: False)


def test_the_images_entry_point_may_lie_below_a_folder_with_spaces():
    command, _ = containers.as_in_container([IMAGE_ENTRYPOINT, "train"], Path("/job"))
    assert command == [PROGRAM, "train"]


def test_in_a_shells_line_its_path_stays_one_word():
    *_, line = containers.as_in_container(TRAINING_ENTRYPOINT, Path("/job"))[0]
    assert PROGRAM in shlex.split(line.partition("&")[0])
