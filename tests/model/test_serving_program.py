"""The small server as a program: right answers under load, and one sentence where it cannot serve."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from model_code.data.records import read_split
from serving.model import Model

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def process_of(artefact: Path, folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen, int]]:
    """The server as a program over an artefact, and its port."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "serving", "serve", "--directory", str(artefact), *words]
    started = subprocess.Popen(
        [*command, "--port", "0", "--port-file", str(folder / "port")],
        cwd=ROOT,
        env={**os.environ, "MODEL_VERSION": "3"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not (folder / "port").exists():
            assert started.poll() is None, started.stderr.read()
            time.sleep(0.02)
        yield started, int((folder / "port").read_text())
    finally:
        started.kill()
        started.wait()
        started.stderr.close()


def test_under_load_every_caller_gets_the_answer_to_its_own_sample(trained, tmp_path):
    split = read_split(trained.channels / "test", trained.kind)
    model = Model(trained.artefact)
    texts = split.feature == "text"
    samples = [sample.decode() for sample in split.samples] if texts else list(split.samples)
    expected = model.probabilities(samples)
    assert len(np.unique(expected[:, 0])) > 4, "the answers have to differ for the test to see a mix-up"
    types = {"text": "text/plain", "image": "image/png", "sequence": "application/json"}

    def ask_for_some(port: int, first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        for index in range(first, len(samples), 16):
            sample = split.samples[index]
            if split.feature == "sequence":
                sample = json.dumps({"sequence": sample.tolist()}).encode()
            connection.request("POST", "/invocations", sample, {"Content-Type": types[split.feature]})
            response = connection.getresponse()
            (prediction,) = json.loads(response.read())["predictions"]
            assert prediction["model_version"] == "3"
            np.testing.assert_allclose(list(prediction["probabilities"].values()), expected[index], atol=1e-6)
        connection.close()

    with process_of(trained.artefact, tmp_path / "run", "--threads", "3", "--wait-milliseconds", "30000") as (
        process,
        port,
    ):
        with ThreadPoolExecutor(16) as callers:
            list(callers.map(lambda first: ask_for_some(port, first), range(16)))
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
        said = process.stderr.read()
        assert "Traceback" not in said and "failed" not in said


def test_an_artefact_that_cannot_be_served_ends_the_program_with_one_sentence(tmp_path):
    command = [sys.executable, "-m", "serving", "--directory", str(tmp_path)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 1
    assert finished.stderr.startswith(f"The model in {tmp_path} cannot be served:")
    assert len(finished.stderr.splitlines()) == 1
