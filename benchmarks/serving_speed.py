"""How fast does the small server answer, against FastAPI with TensorFlow, and what does it do under too much load?

Example: python -m benchmarks.serving_speed --fastapi-python ~/fastapi/bin/python
The Python named there has fastapi and uvicorn beside what requirements.lock names. The load comes from this process,
on the same machine; every answer is compared with the network's own. The networks have seeded weights and the sizes of
hyperparameters' defaults: speed needs no training.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import interleaved
from benchmarks.load import JSON_TYPE, NPY_TYPE, Load, Outcome, Question

RESULT = Path(__file__).parent / "results" / "serving_speed.json"
CONTENDERS = {
    "litert": "serving/, our small server with the LiteRT network in float32",
    "signature": "FastAPI with the SavedModel's signature",
    "predict": "FastAPI with `model.predict`",
}
NETWORKS = ("image", "text", "sequence")
SAMPLES = 64
CONNECTIONS = 16
# An open loop needs more connections than the server lets wait, or it would never be too much for it.
OPEN_CONNECTIONS = 256
WORDS = 20_000
STEPS, CHANNELS = 100, 6
# An untrained network's probabilities are nearly even, and one answer could be taken for another's.
SHARPER = 40.0
START_SECONDS = 300.0
# A shell's limits, such as tests have, would hold TensorFlow to one core and leave ours all of them.
LIMITS_OF_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
# Written last: the network's own answers.
EXPECTED = "expected.npy"


@dataclass(frozen=True)
class Workload:
    """Requests of one form to one network."""

    network: str
    instances: int
    content_type: str


WORKLOADS = {
    "CNN, one JSON instance": Workload("image", 1, JSON_TYPE),
    "RNN of texts, one JSON instance": Workload("text", 1, JSON_TYPE),
    "CNN, 32 JSON instances": Workload("image", 32, JSON_TYPE),
    "RNN of texts, 32 JSON instances": Workload("text", 32, JSON_TYPE),
    "RNN of sequences, one NumPy file": Workload("sequence", 1, NPY_TYPE),
}
# Under load at a rate of its own: the first two workloads.
LOADED = tuple(WORKLOADS)[:2]


def samples_of(network: str) -> list[Any]:
    """Made-up samples of the real form: PNG files of 32×32, texts of 20 to 200 words, or sequences [100, 6]."""
    from PIL import Image

    dice = np.random.default_rng(0)
    if network == "text":
        lengths = dice.integers(20, 200, SAMPLES)
        return [" ".join(f"w{word}" for word in dice.integers(0, WORDS, length)) for length in lengths]
    if network == "sequence":
        return list(dice.normal(size=(SAMPLES, STEPS, CHANNELS)).astype(np.float32))
    files = []
    for pixels in dice.integers(0, 256, (SAMPLES, 8, 8, 3), np.uint8):
        buffer = io.BytesIO()
        Image.fromarray(pixels).resize((32, 32)).save(buffer, "PNG")
        files.append(buffer.getvalue())
    return files


def make(network: str, directory: Path) -> None:
    """Writes the artefact as training does, the Keras network beside it, and the network's answers to the samples."""
    import keras
    import tensorflow as tf

    from model_code.data.records import write_split
    from model_code.export.saved_model import export_model
    from model_code.hyperparameters import CnnHyperparameters, RnnHyperparameters
    from model_code.training.calibration import unchanged
    from model_code.training.tasks import load_task

    samples = samples_of(network)
    labels = [f"class {number}" for number in range(10 if network == "image" else 2)]
    targets = [number % len(labels) for number in range(SAMPLES)]
    records = [sample.encode() for sample in samples] if network == "text" else samples
    if network == "text":
        # The whole vocabulary, whichever words the samples have.
        words = [" ".join(f"w{word}" for word in range(first, WORDS, SAMPLES)) for first in range(SAMPLES)]
        records = [record + b" " + more.encode() for record, more in zip(records, words, strict=True)]
    keras.utils.set_random_seed(0)
    small = {"batch_size": SAMPLES, "mixed_precision": "float32"}
    settings = {
        "image": lambda: CnnHyperparameters(**small),
        "text": lambda: RnnHyperparameters(**small, vocabulary_size=WORDS),
        "sequence": lambda: RnnHyperparameters(**small, sequence_length=STEPS),
    }[network]()
    with tempfile.TemporaryDirectory() as channel:
        # An artefact's folder holds nothing else.
        write_split(Path(channel), network, records, targets, labels)
        task = load_task(settings, Path(channel), Path(channel))
    built = task.build_network()
    (classifier,) = [layer for layer in built.layers if isinstance(layer, keras.layers.Dense)]
    classifier.set_weights([SHARPER * weight for weight in classifier.get_weights()])
    export_model(built, task, settings, [], unchanged(len(task.labels)), directory)
    built.save(directory / "network.keras")
    given = tf.constant(np.stack(samples) if network == "sequence" else samples)
    expected = tf.nn.softmax(built(task.preprocess(given), training=False)).numpy()
    np.save(directory / EXPECTED, expected)


def make_networks(root: Path) -> None:
    """Makes those networks that are not there yet, each in a process of its own."""
    for network in NETWORKS:
        command = [sys.executable, "-m", "benchmarks.serving_speed", "--make", network]
        if not (root / network / EXPECTED).exists():
            print(f"Making the network for a {network}", file=sys.stderr, flush=True)
            subprocess.run([*command, "--directory", str(root / network)], check=True, capture_output=True)


def questions_of(workload: Workload, directory: Path) -> list[Question]:
    """The workload's requests; some have the same samples, but none the same first one."""
    samples, expected = samples_of(workload.network), np.load(directory / EXPECTED)
    labels = json.loads((directory / "labels.json").read_text(encoding="utf-8"))
    questions = []
    for first in range(SAMPLES):
        places = [(first + number) % SAMPLES for number in range(workload.instances)]
        body = body_of(workload, [samples[place] for place in places])
        questions.append(Question(body, workload.content_type, labels, expected[places]))
    return questions


def body_of(workload: Workload, samples: Sequence[Any]) -> bytes:
    """The samples in the workload's form."""
    if workload.content_type == NPY_TYPE:
        buffer = io.BytesIO()
        np.save(buffer, np.stack(samples))
        return buffer.getvalue()
    if workload.network == "image":
        samples = [{"b64": base64.b64encode(sample).decode()} for sample in samples]
    return json.dumps({"instances": [{workload.network: sample} for sample in samples]}).encode()


@contextmanager
def serving(contender: str, fastapi_python: str, directory: Path) -> Iterator[int]:
    """A contender's server with the artefact; gives its port once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = ["--directory", str(directory), "--port", str(port)]
    if contender == "litert":
        command = [sys.executable, "-m", "serving", *place]
    elif contender == "asgi":
        command = [fastapi_python, "-m", "benchmarks.http_server", *place]
    else:
        command = [fastapi_python, "-m", "benchmarks.fastapi_server", contender, *place]
    variables = {name: value for name, value in os.environ.items() if name not in LIMITS_OF_THREADS}
    variables["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=variables)
        try:
            wait_for(process, port)
            yield port
        except ConnectionError as error:
            log.seek(0)
            end = log.read().decode(errors="replace")[-1000:]
            raise SystemExit(f"The contender {contender}: {error}\n{end}") from error
        finally:
            process.terminate()
            process.wait()


def wait_for(process: subprocess.Popen, port: int) -> None:
    """Waits until /ping is answered.

    Raises:
        ConnectionError: when the process ends, or its time is over.
    """
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise ConnectionError("It does not answer /ping.")


def run(loop: Coroutine[Any, Any, Outcome]) -> Outcome:
    """A load to its end, on the loop that costs the servers least of the machine."""
    import uvloop

    return uvloop.run(loop)


def as_fast_as_it_answers(port: int, questions: list[Question], seconds: float) -> Outcome:
    """A closed loop of 16 connections."""
    return run(Load(port, questions).as_fast_as_it_answers(connections=CONNECTIONS, seconds=seconds))


def speeds(
    title: str, workload: Workload, directory: Path, words: argparse.Namespace
) -> tuple[dict[str, Any], dict[str, float]]:
    """A workload's figures, one round of each contender in turn; and the median rates."""
    questions = questions_of(workload, directory)
    rounds: dict[str, list[Outcome]] = {name: [] for name in CONTENDERS}
    with ExitStack() as stack:
        ports = {
            name: stack.enter_context(serving(name, words.fastapi_python, directory)) for name in CONTENDERS
        }
        for port in ports.values():
            as_fast_as_it_answers(port, questions, words.seconds / 2)
        for number in range(words.rounds):
            for name, port in ports.items():
                rounds[name].append(as_fast_as_it_answers(port, questions, words.seconds))
            print(f"{title}: round {number + 1} of {words.rounds}", file=sys.stderr, flush=True)
    rates = {name: [run.answers_per_second for run in runs] for name, runs in rounds.items()}
    medians = {name: statistics.median(values) for name, values in rates.items()}
    against = {
        name: round(interleaved.ratio(rates["litert"], values), 2)
        for name, values in rates.items()
        if name != "litert"
    }
    figures = {
        "requests_per_second": {name: round(rate, 1) for name, rate in medians.items()},
        "litert_against": against,
        "answers_compared": {name: sum(run.statuses[200] for run in runs) for name, runs in rounds.items()},
        "wrong_answers": {name: sum(run.wrong for run in runs) for name, runs in rounds.items()},
    }
    return figures, medians


def under_load(
    workload: Workload, rates: dict[str, float], directory: Path, words: argparse.Namespace
) -> Any:
    """What the small server and the signature do at 80 % and at twice of what they answered in the closed loop."""
    questions = questions_of(workload, directory)
    figures: dict[str, Any] = {}
    for name in ("litert", "signature"):
        with serving(name, words.fastapi_python, directory) as port:
            as_fast_as_it_answers(port, questions, words.seconds / 2)
            for share in (0.8, 2.0):
                rate = share * rates[name]
                load = Load(port, questions)
                # Five rounds' time, so that the 99th percentile is one of many.
                results = run(load.at_rate(rate, connections=OPEN_CONNECTIONS, seconds=5 * words.seconds))
                figures.setdefault(name, {})[f"at {share:.0%} of the capacity"] = loaded(results, rate)
    return figures


def loaded(outcome: Outcome, rate: float) -> dict[str, Any]:
    """The figures of one open loop."""
    return {
        "requests_per_second_due": round(rate, 1),
        "asked": outcome.asked,
        "statuses": {str(status): count for status, count in sorted(outcome.statuses.items())},
        "unanswered": outcome.unanswered,
        "wrong_answers": outcome.wrong,
        "refused_without_retry_after": outcome.refused_without_wait,
        "p50_milliseconds": outcome.milliseconds(0.5),
        "p99_milliseconds": outcome.milliseconds(0.99),
    }


def measure(parts: interleaved.Parts, words: argparse.Namespace) -> None:
    """All figures, a workload a part."""
    closed: dict[str, Any] = parts.result.setdefault("closed_loop", {})
    opened: dict[str, Any] = parts.result.setdefault("open_loop", {})
    with tempfile.TemporaryDirectory() as folder:
        root = words.directory or Path(folder)
        make_networks(root)
        for title, workload in WORKLOADS.items():
            directory = root / workload.network
            with parts.part(title):
                closed[title], rates = speeds(title, workload, directory, words)
                if title in LOADED:
                    opened[title] = under_load(workload, rates, directory, words)


def main() -> None:
    """Measures, or is the process that makes a network."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fastapi-python", help="a Python that has fastapi, uvicorn and TensorFlow")
    parser.add_argument("--rounds", type=int, default=5, help="of each contender (%(default)s)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of a round (%(default)s)")
    parser.add_argument("--output", type=Path, default=RESULT, help="where the result is written")
    parser.add_argument("--make", choices=NETWORKS, help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, help="where the networks are made, and found the next time")
    words = parser.parse_args()
    if words.make:
        make(words.make, words.directory)
    elif not words.fastapi_python:
        parser.error("Name a Python that has fastapi, uvicorn and TensorFlow with --fastapi-python.")
    else:
        about = {
            "question": str(__doc__).splitlines()[0],
            "contenders": CONTENDERS,
            "processor": interleaved.processor(),
            "processor_cores": os.cpu_count(),
            "connections": {"closed_loop": CONNECTIONS, "open_loop": OPEN_CONNECTIONS},
            "rounds": words.rounds,
            "seconds_a_round": words.seconds,
        }
        parts = interleaved.Parts(words.output, about)
        measure(parts, words)
        parts.finish()


if __name__ == "__main__":
    main()
