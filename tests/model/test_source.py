"""The source archive: the same bytes for the same sources, and what the containers unpack can run."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import definitions
import model_code
from model_code.data.archives import opened, unpack_files
from model_code.source import ARCHIVE_NAME, write_source_archive


def test_equal_sources_give_equal_bytes(tmp_path, monkeypatch):
    write_source_archive(tmp_path / "first.tar.gz")
    tomorrow = time.time() + 86_400
    for module in (gzip, tarfile):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: tomorrow))

    write_source_archive(tmp_path / "second.tar.gz")

    assert (tmp_path / "first.tar.gz").read_bytes() == (tmp_path / "second.tar.gz").read_bytes()


def test_the_archive_holds_the_launcher_and_both_packages_whole(tmp_path):
    write_source_archive(tmp_path / ARCHIVE_NAME)

    with tarfile.open(tmp_path / ARCHIVE_NAME) as archive:
        names = set(archive.getnames())

    packages = [Path(one.__file__).parent for one in (model_code, definitions)]
    assert names == {
        "train.py",
        *(
            file.relative_to(package.parent).as_posix()
            for package in packages
            for file in package.rglob("*.py")
        ),
    }


def test_the_evaluation_runs_from_the_unpacked_archive_alone(tmp_path):
    write_source_archive(tmp_path / ARCHIVE_NAME)
    (tmp_path / "model").mkdir()
    with (tmp_path / ARCHIVE_NAME).open("rb") as file, opened(file) as archive:
        unpack_files(archive, tmp_path / "code")
    words = ["--model", str(tmp_path / "model"), "--test", "test", "--output", "output"]

    finished = subprocess.run(
        [sys.executable, "-m", "model_code.evaluation.evaluate", *words],
        cwd=tmp_path / "code",
        env={**os.environ, "SAGEMAKER_BASE_DIR": str(tmp_path), "PYTHONPATH": ""},
        capture_output=True,
        text=True,
    )

    sentence = f"The model {tmp_path}/model holds no 1/saved_model.pb."
    assert finished.returncode == 1, finished.stderr
    assert f"The evaluation failed: {sentence}" in finished.stdout
    assert (tmp_path / "output" / "message").read_text() == sentence


@pytest.mark.parametrize("module", ["hyperparameters", "training.metrics", "source"])
def test_what_deployment_imports_does_not_load_tensorflow(module):
    program = (
        f"import sys, model_code.{module}\n"
        "heavy = {'tensorflow', 'keras', 'numpy', 'boto3', 'aws_cdk'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    root = Path(model_code.__file__).parents[1]

    finished = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True)

    assert finished.returncode == 0, finished.stderr
