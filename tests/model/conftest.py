"""Small real data as channels, and jobs run through SageMaker's own training toolkit in a directory of their own."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from model_code.source import ARCHIVE_NAME, write_source_archive

from .small_server import Gated, Running

RNN = {"epochs": "2", "units": "4", "batch_size": "32"}
TINY = {
    "cnn": {"epochs": "2", "width": "4", "image_size": "16", "batch_size": "32", "learning_rate": "0.2"},
    "rnn": {**RNN, "embedding_size": "8", "sequence_length": "16"},
    "sensor": {**RNN, "sequence_length": "24"},
}
# The channels of sensor sequences train the RNN too.
KIND_OF_CHANNELS = {"cnn": "cnn", "rnn": "rnn", "sensor": "rnn"}
TOOLKIT = (sys.executable, "-P", "-m", "local_aws.toolkit")
# Scripts start quickly as forks of a process that has imported TensorFlow. Importing starts no thread of TensorFlow's,
# so that a fork is safe; computing would.
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(
    ["tensorflow", "keras", "model_code.train", "model_code.export.saved_model", "model_code.training.tasks"]
)
SCRIPT = """
import os, sys
from model_code import train
os.environ.update(environment)
sys.argv = ["train.py", *arguments]
with open(log, "wb") as file:
    os.dup2(file.fileno(), 1)
    os.dup2(file.fileno(), 2)
train.run()
"""
DIGITS = ("zero", "one", "two")
ADJECTIVES = {
    "negative": ("dull", "awful", "boring", "weak", "tired"),
    "positive": ("superb", "lovely", "moving", "fresh", "brilliant"),
}


def png(pixels: np.ndarray) -> bytes:
    """An image as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def digit_images() -> tuple[list[bytes], list[int]]:
    """The zeros, ones and twos of scikit-learn's digits, enlarged to 16×16 colour PNGs."""
    images, targets = load_digits(n_class=len(DIGITS), return_X_y=True)
    pixels = (images.reshape(-1, 8, 8) * 15.9).astype(np.uint8).repeat(2, axis=1).repeat(2, axis=2)
    return [png(np.stack([pixel] * 3, axis=-1)) for pixel in pixels], [int(target) for target in targets]


def rule_made_reviews(count: int) -> tuple[list[bytes], list[int]]:
    """Sentences whose adjective decides their class."""
    generator = random.Random(0)
    targets = [generator.randrange(2) for _ in range(count)]
    nouns = ("film", "plot", "cast", "music", "ending")
    texts = [
        f"The {generator.choice(nouns)} was {generator.choice(ADJECTIVES[list(ADJECTIVES)[target]])}.<br />"
        for target in targets
    ]
    return [text.encode() for text in texts], targets


def waves(count: int) -> tuple[list[np.ndarray], list[int]]:
    """Sequences of 12 to 24 steps of three channels, whose speed decides their class."""
    generator = np.random.default_rng(0)
    targets = generator.integers(0, 2, count).tolist()
    sequences = []
    for target in targets:
        steps = np.arange(generator.integers(12, 25))
        phases = generator.uniform(0, 2 * np.pi, 3)
        speed = (0.4, 1.6)[target] * generator.uniform(0.9, 1.1)
        sequences.append((3 * np.sin(speed * steps[:, None] + phases) + (1, 0, -5)).astype(np.float32))
    return sequences, targets


@dataclass(frozen=True)
class Job:
    """A training job's directory, laid out as SageMaker lays out /opt/ml."""

    base: Path

    @property
    def checkpoints(self) -> list[str]:
        """The names of the checkpoints, oldest first."""
        return sorted(path.name for path in (self.base / "checkpoints").glob("*.checkpoint"))

    @property
    def failure(self) -> str:
        """What SageMaker would show as FailureReason; empty when there is none."""
        file = self.base / "output" / "failure"
        return file.read_text() if file.exists() else ""

    def environment(self) -> dict[str, str]:
        """The toolkit's own variables."""
        return {**os.environ, "SAGEMAKER_BASE_DIR": str(self.base), "SM_STUDIO_LOCAL_MODE": "true"}

    def script_environment(self) -> dict[str, str]:
        """The variables that the toolkit gives to the script."""
        channels = {f"SM_CHANNEL_{name.upper()}": str(self.base / "input/data" / name) for name in SPLITS}
        return {**self.environment(), **channels}

    def run(self, program: Sequence[str] = TOOLKIT) -> subprocess.CompletedProcess:
        """Runs the toolkit to its end, as the embedded SageMaker starts it or by another program."""
        return subprocess.run(
            program,
            env=self.environment(),
            cwd=self.base,
            capture_output=True,
            text=True,
        )

    def start_script(self, arguments: Sequence[str], **variables: str) -> Script:
        """Starts the training script alone, with what the toolkit gives it, so that a test can send it signals."""
        log = self.base / f"log-{len(list(self.base.glob('log-*')))}.txt"
        log.touch()
        names = {
            "arguments": list(arguments),
            "environment": {**self.script_environment(), **variables},
            "log": str(log),
        }
        process = FORKED.Process(target=exec, args=(SCRIPT, names), daemon=True)
        process.start()
        return Script(process, log)


@dataclass(frozen=True)
class Script:
    """A training script that runs, and where its output goes."""

    process: ForkServerProcess
    log: Path

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self.log.read_text()

    def end(self, exit_code: int = 0) -> str:
        """Waits for its end, which has to be with that code; returns what it printed."""
        self.process.join(240)
        assert self.process.exitcode == exit_code, self.output[-2000:]
        return self.output


SPLITS = ("train", "validation")


@pytest.fixture(scope="session")
def channels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each kind, and for the RNN's sensor sequences, a directory with the channels train, validation and test."""
    from model_code.data.records import write_split

    root = tmp_path_factory.mktemp("channels")
    made = {
        "cnn": ("image", DIGITS, digit_images()),
        "rnn": ("text", tuple(ADJECTIVES), rule_made_reviews(400)),
        "sensor": ("sequence", ("slow", "fast"), waves(400)),
    }
    for kind, (feature, labels, (samples, targets)) in made.items():
        for split, part in (
            ("train", slice(200)),
            ("validation", slice(200, 300)),
            ("test", slice(300, 400)),
        ):
            write_split(root / kind / split, feature, samples[part], targets[part], labels)
    return {kind: root / kind for kind in made}


@pytest.fixture
def make_job(tmp_path: Path, channels: dict[str, Path]) -> Callable[..., Job]:
    """Makes a job's directory; hyperparameters override the kind's tiny ones."""

    def make(kind: str, *, without: Sequence[str] = (), name: str = "job", **hyperparameters: str) -> Job:
        base = tmp_path / name
        config = base / "input" / "config"
        for directory in ("input/config", "input/data/code", "model", "output/data", "code", "checkpoints"):
            (base / directory).mkdir(parents=True)
        present = [split for split in SPLITS if split not in without]
        for split in present:
            (base / "input" / "data" / split).symlink_to(channels[kind] / split)
        archive = base / "input" / "data" / "code" / ARCHIVE_NAME
        write_source_archive(archive)
        values = {"sagemaker_program": "train.py", "sagemaker_submit_directory": str(archive), "kind": kind}
        values |= {**TINY[kind], **hyperparameters}
        (config / "hyperparameters.json").write_text(json.dumps(values))
        channel = {
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
        }
        (config / "inputdataconfig.json").write_text(json.dumps(dict.fromkeys([*present, "code"], channel)))
        group = {"instance_group_name": "all", "instance_type": "ml.m5.large", "hosts": ["algo-1"]}
        resources = {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "lo"}
        resources |= {
            "current_instance_type": "ml.m5.large",
            "current_group_name": "all",
            "instance_groups": [group],
        }
        (config / "resourceconfig.json").write_text(json.dumps(resources))
        return Job(base)

    return make


@dataclass(frozen=True)
class Trained:
    """A tiny network trained in this process and calibrated, its artefact, and the directory of its channels."""

    trainer: object
    network: object
    task: object
    artefact: Path
    kind: str
    channels: Path


@pytest.fixture(scope="session")
def networks_trained() -> dict[str, Trained]:
    """Those that this process has trained: pytest gives up a parametrised fixture of the session at each new one."""
    return {}


@pytest.fixture(params=["cnn", "rnn", "sensor"])
def trained(request: pytest.FixtureRequest, networks_trained: dict[str, Trained], channels, tmp_path_factory):
    """The tiny network of each kind after one epoch, exported."""
    if request.param not in networks_trained:
        artefact = tmp_path_factory.mktemp(f"artefact-{request.param}")
        networks_trained[request.param] = train_one_epoch(request.param, channels[request.param], artefact)
    return networks_trained[request.param]


def train_one_epoch(name: str, directory: Path, artefact: Path) -> Trained:
    """Trains a kind's tiny network on its channels."""
    import keras

    from model_code.export.saved_model import calibrated, export_model
    from model_code.hyperparameters import KINDS, build
    from model_code.training.calibration import Calibration
    from model_code.training.tasks import load_task
    from model_code.training.trainer import Trainer

    keras.utils.set_random_seed(0)
    kind = KIND_OF_CHANNELS[name]
    settings = build(KINDS[kind], {**TINY[name], "mixed_precision": "float32"})
    task = load_task(settings, directory / "train", directory / "validation")
    trainer = Trainer(task.build_network, settings, task.train, len(task.labels))
    trainer.advance(trainer.batches_of_epoch(0)[:], 0)
    others = len(task.labels) - 1
    calibration = Calibration(1.5, [-0.3, *[0.2] * others], [3.0, *[1.0] * others])
    export_model(trainer.network, task, settings, [], calibration, artefact)
    served = calibrated(trainer.network, calibration)
    return Trained(trainer, served, task, artefact, kind, directory)


@pytest.fixture
def running() -> Iterator[Callable[..., Running]]:
    """Starts servers of gated models, and ends them."""
    started = []

    def start(**options: float) -> Running:
        started.append(Running(Gated(), **options))
        return started[-1]

    yield start
    for one in started:
        one.model.gate.set()
        one.close()
