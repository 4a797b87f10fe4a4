"""How fast the LiteRT model answers one sample, and how soon after its process starts.

Example: python -m benchmarks.lambda_artefact --litert-python ~/litert/bin/python
The Python named there has nothing but ai-edge-litert and NumPy, as a Lambda function would. A start is measured with
modules that are compiled, as in a container's image, and with modules that are not, as in the zip of our function.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import interleaved
from benchmarks.lambda_answer import FILES, WORDS, answerer, sample

ROUNDS = 7
ROUND_SECONDS = 1.0
STARTS = 5
CLASSES = {"cnn": 10, "rnn": 2}
# What a network is told of its inputs.
OF_INPUTS: dict[str, dict[str, int]] = {"cnn": {}, "rnn": {"vocabulary_numbers": WORDS + 2}}
CONTENDERS = {
    "litert int8": "LiteRT with 8 bits, one thread: of the CNN everything, of the RNN its table of words",
    "litert float32": "LiteRT, one thread: the file that the function answers with",
    "signature": "the SavedModel's signature in TensorFlow",
    "call": "the Keras network called",
    "predict": "`model.predict`",
}
RESULT = Path(__file__).parent / "results" / "lambda_artefact.json"
FIRST_ANSWER = """
import resource, sys
from benchmarks.lambda_answer import answerer
answer = answerer(sys.argv[1], sys.argv[2], sys.argv[3])
answer()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
# As lambdas.litert.native sets it.
VARIABLES = {"OPENBLAS_NUM_THREADS": "1"}
# Nobody writes there, so that every module is compiled anew.
UNCOMPILED = {**VARIABLES, "PYTHONPYCACHEPREFIX": "/dev/null", "PYTHONDONTWRITEBYTECODE": "1"}
STARTED = {
    "litert float32": ("litert float32", VARIABLES),
    "litert float32, modules not compiled before": ("litert float32", UNCOMPILED),
    "signature": ("signature", VARIABLES),
}


def make_models(kind: str, directory: Path) -> None:
    """Writes the network with seeded weights as Keras, SavedModel and LiteRT files; speed does not need training."""
    import keras
    import tensorflow as tf

    from model_code.export.litert import write_litert
    from model_code.hyperparameters import KINDS
    from model_code.networks.networks import BUILDERS

    keras.utils.set_random_seed(0)
    settings = KINDS[kind]()
    network = BUILDERS[kind](settings, CLASSES[kind], **OF_INPUTS[kind])
    (argument,) = network.inputs
    specification = tf.TensorSpec([None, *argument.shape[1:]], argument.dtype, name="inputs")
    serve = tf.function(
        lambda inputs: {"probabilities": tf.nn.softmax(network(inputs, training=False))},
        input_signature=[specification],
    )
    tf.saved_model.save(network, str(directory / "saved"), signatures={"serving_default": serve})
    network.save(directory / "network.keras")
    write_litert(network, np.repeat(sample(kind), 8, axis=0), directory / "litert")


def answers_of(command: list[str]) -> np.ndarray:
    """What a contender answers, from a process of its own."""
    program = (
        "import sys\nfrom benchmarks.lambda_answer import answerer\n"
        "print(*answerer(*sys.argv[1:4])().ravel())"
    )
    finished = subprocess.run(
        [command[0], "-c", program, *command[1:]], capture_output=True, encoding="utf-8"
    )
    if finished.returncode:
        raise SystemExit(finished.stderr[-1000:])
    return np.array(finished.stdout.split()[-2 if command[2] == "rnn" else -10 :], np.float64)


def first_answer(command: list[str], variables: dict[str, str]) -> tuple[float, float]:
    """Seconds from the process's start to its first answer, and its memory then in MiB."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    finished = subprocess.run(
        [command[0], "-c", FIRST_ANSWER, *command[1:]],
        capture_output=True,
        encoding="utf-8",
        check=True,
        env={**inherited, **variables},
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
        starts = {name: [] for name in STARTED}
        # The first start of each is not counted: it may compile modules and fill the system's cache of files.
        for number in range(STARTS + 1):
            for name, (contender, variables) in STARTED.items():
                start = first_answer(commands[contender], variables)
                if number:
                    starts[name].append(start)
    exact = answers["call"]
    return {
        "microseconds": {name: round(1e6 / statistics.median(values), 1) for name, values in rates.items()},
        **{
            f"{name.replace(' ', '_')}_against": {
                other: round(interleaved.ratio(rates[name], values), 1)
                for other, values in rates.items()
                if other != name
            }
            for name in FILES
        },
        "largest_difference_of_a_probability": {
            name: float(f"{np.abs(answer - exact).max():.1e}") for name, answer in answers.items()
        },
        "seconds_to_first_answer": {
            name: round(statistics.median(seconds for seconds, _ in start), 3)
            for name, start in starts.items()
        },
        "mebibytes_at_first_answer": {
            name: round(statistics.median(size for _, size in start), 1) for name, start in starts.items()
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
