"""How fast the LiteRT model answers one sample, and how soon after its process starts.

Example: python -m benchmarks.lambda_artefact --litert-python ~/litert/bin/python
The Python named there has nothing but ai-edge-litert and NumPy, as a Lambda function would.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import interleaved

ROUNDS = 7
ROUND_SECONDS = 1.0
STARTS = 5
CLASSES, WORDS, SEQUENCE_LENGTH = {"cnn": 10, "rnn": 2}, 20_000, 200
FILES = {"litert int8": "litert/int8.tflite", "litert float32": "litert/float32.tflite"}
CONTENDERS = {
    "litert int8": "LiteRT with 8-bit weights, one thread",
    "litert float32": "LiteRT, one thread",
    "signature": "the SavedModel's signature in TensorFlow",
    "call": "the Keras network called",
    "predict": "`model.predict`",
}
RESULT = Path(__file__).parent / "results" / "lambda_artefact.json"
FIRST_ANSWER = """
import resource, sys
from benchmarks.lambda_artefact import answerer
answer = answerer(sys.argv[1], sys.argv[2], sys.argv[3])
answer()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def sample(kind: str) -> np.ndarray:
    """One input of the real form, with its batch dimension."""
    generator = np.random.default_rng(0)
    if kind == "cnn":
        return generator.integers(0, 256, (1, 32, 32, 3)).astype(np.float32)
    return generator.integers(1, WORDS + 2, (1, SEQUENCE_LENGTH)).astype(np.int32)


def make_models(kind: str, directory: Path) -> None:
    """Writes the network with seeded weights as Keras, SavedModel and LiteRT files; speed does not need training."""
    import keras
    import tensorflow as tf

    from model_code.hyperparameters import KINDS
    from model_code.litert import write_litert
    from model_code.networks import build_cnn, build_rnn

    keras.utils.set_random_seed(0)
    settings = KINDS[kind]()
    network = (
        build_cnn(settings, CLASSES[kind])
        if kind == "cnn"
        else build_rnn(settings, CLASSES[kind], vocabulary_numbers=WORDS + 2)
    )
    (argument,) = network.inputs
    specification = tf.TensorSpec([None, *argument.shape[1:]], argument.dtype, name="inputs")
    serve = tf.function(
        lambda inputs: {"probabilities": tf.nn.softmax(network(inputs, training=False))},
        input_signature=[specification],
    )
    tf.saved_model.save(network, str(directory / "saved"), signatures={"serving_default": serve})
    network.save(directory / "network.keras")
    write_litert(network, np.repeat(sample(kind), 8, axis=0), directory / "litert")


def answerer(contender: str, kind: str, directory: str) -> Callable[[], np.ndarray]:
    """A function that answers one sample with its probabilities, and whatever it needs loaded."""
    inputs = sample(kind)
    if contender in FILES:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(Path(directory) / FILES[contender]), num_threads=1)
        interpreter.allocate_tensors()
        (into,), (out,) = interpreter.get_input_details(), interpreter.get_output_details()

        def invoke() -> np.ndarray:
            interpreter.set_tensor(into["index"], inputs)
            interpreter.invoke()
            return interpreter.get_tensor(out["index"])

        return invoke
    import tensorflow as tf

    if contender == "signature":
        loaded = tf.saved_model.load(f"{directory}/saved")
        signature = loaded.signatures["serving_default"]
        # The loaded object has to outlive its signature.
        return lambda loaded=loaded: signature(inputs=tf.constant(inputs))["probabilities"].numpy()
    from model_code import networks

    network = tf.keras.models.load_model(
        f"{directory}/network.keras",
        custom_objects={"FusedBatchNormalization": networks.FusedBatchNormalization},
    )
    if contender == "call":
        return lambda: tf.nn.softmax(network(inputs, training=False)).numpy()
    return lambda: tf.nn.softmax(network.predict(inputs, verbose=0)).numpy()


def answers_of(command: list[str]) -> np.ndarray:
    """What a contender answers, from a process of its own."""
    program = (
        "import sys\nfrom benchmarks.lambda_artefact import answerer\n"
        "print(*answerer(*sys.argv[1:4])().ravel())"
    )
    finished = subprocess.run([command[0], "-c", program, *command[1:]], capture_output=True, text=True)
    if finished.returncode:
        raise SystemExit(finished.stderr[-1000:])
    return np.array(finished.stdout.split()[-2 if command[2] == "rnn" else -10 :], np.float64)


def first_answer(command: list[str]) -> tuple[float, float]:
    """Seconds from the process's start to its first answer, and its memory then in MiB."""
    started = time.perf_counter()
    finished = subprocess.run(
        [command[0], "-c", FIRST_ANSWER, *command[1:]], capture_output=True, text=True, check=True
    )
    return time.perf_counter() - started, int(finished.stdout.split()[-1]) / 1024


def measure(kind: str, litert_python: str, rounds: int) -> dict:
    """All figures of one network."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(
            [sys.executable, "-m", "benchmarks.lambda_artefact", "--make", kind, "--directory", directory],
            check=True,
            capture_output=True,
        )
        commands = {
            name: [litert_python if name in FILES else sys.executable, name, kind, directory]
            for name in CONTENDERS
        }
        answers = {name: answers_of(command) for name, command in commands.items()}
        workers = {
            name: interleaved.Worker(
                [
                    command[0],
                    *("-m", "benchmarks.lambda_artefact", "--contender", name),
                    *("--kind", kind, "--directory", directory),
                ]
            )
            for name, command in commands.items()
        }
        rates = interleaved.measure(workers, rounds=rounds, title=kind)
        starts = {name: [] for name in ("litert int8", "signature")}
        for _ in range(STARTS):
            for name, found in starts.items():
                found.append(first_answer(commands[name]))
    exact = answers["call"]
    return {
        "microseconds": {name: round(1e6 / statistics.median(values), 1) for name, values in rates.items()},
        "litert_int8_against": {
            name: round(interleaved.ratio(rates["litert int8"], values), 1)
            for name, values in rates.items()
            if name != "litert int8"
        },
        "largest_difference_of_a_probability": {
            name: float(f"{np.abs(answer - exact).max():.1e}") for name, answer in answers.items()
        },
        "seconds_to_first_answer": {
            name: round(statistics.median(seconds for seconds, _ in found), 3)
            for name, found in starts.items()
        },
        "mebibytes_at_first_answer": {
            name: round(statistics.median(size for _, size in found), 1) for name, found in starts.items()
        },
    }


def main() -> None:
    """Measures, or is one of the processes that this takes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--litert-python", help="a Python that has ai-edge-litert and NumPy")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="default: %(default)s")
    parser.add_argument("--result", type=Path, default=RESULT, help="file to write (%(default)s)")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--kind", choices=CLASSES, help=argparse.SUPPRESS)
    parser.add_argument("--make", choices=CLASSES, help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.make:
        make_models(words.make, words.directory)
    elif words.contender:
        answer = answerer(words.contender, words.kind, str(words.directory))

        def one() -> int:
            answer()
            return 1

        interleaved.work(one, ROUND_SECONDS)
    elif not words.litert_python:
        parser.error("Name a Python that has ai-edge-litert and NumPy with --litert-python.")
    else:
        result = {
            "question": "How fast does the Lambda artefact answer one sample?",
            "contenders": CONTENDERS,
            **interleaved.environment(),
            "rounds": words.rounds,
            **{kind: measure(kind, words.litert_python, words.rounds) for kind in CLASSES},
        }
        interleaved.write(words.result, result)


if __name__ == "__main__":
    main()
