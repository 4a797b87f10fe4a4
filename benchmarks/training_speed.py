"""How fast the networks train against Keras `fit` with defaults and against PyTorch.

Example: python -m benchmarks.training_speed --torch-python ~/torch/bin/python
PyTorch is not among the project's packages: name a Python that has it, or it takes no part.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import interleaved

ROUNDS = 5
# Long enough that a pause of the machine does not decide a round.
ROUND_SECONDS = 4.0
SAMPLES = 4_096
CLASSES = {"cnn": 10, "rnn": 2}
WORDS, SEQUENCE_LENGTH = 20_000, 200
# What a network is told of its inputs.
OF_INPUTS: dict[str, dict[str, int]] = {"cnn": {}, "rnn": {"vocabulary_numbers": WORDS + 2}}
RESULT = Path(__file__).parent / "results" / "training_speed.json"
CONTENDERS = {
    "ours": "this project's step at its default batch size",
    "keras": "the same network, layers and optimiser of Keras, `fit(x, y)` with defaults",
    "torch float32": "the same network in PyTorch, channels last, our batch size",
    "torch bfloat16": "the same with autocast to bfloat16",
    "peak": "a matrix product of 2048 × 2048 in the format that ours computes in, in GFLOP a second",
}


def made_up_data(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of the real form; speed does not depend on what they show."""
    generator = np.random.default_rng(0)
    targets = generator.integers(0, CLASSES[kind], SAMPLES).astype(np.int32)
    if kind == "cnn":
        return generator.integers(0, 256, (SAMPLES, 32, 32, 3)).astype(np.uint8), targets
    return generator.integers(1, WORDS + 2, (SAMPLES, SEQUENCE_LENGTH)).astype(np.int32), targets


def ours(kind: str, **changes: Any) -> Callable[[], int]:
    """A function that trains a while and returns the number of samples that it took.

    Args:
        kind: of network.
        changes: of its hyperparameters.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as model_code.train does
    import keras

    from model_code.data.batches import Arrays
    from model_code.hyperparameters import KINDS
    from model_code.networks.networks import BUILDERS
    from model_code.networks.precision import precision_policy
    from model_code.training.trainer import STEPS_PER_CALL, Trainer

    settings = KINDS[kind](**changes)
    keras.config.set_dtype_policy(precision_policy(settings.mixed_precision))
    inputs, targets = made_up_data(kind)

    def build() -> keras.Model:
        return BUILDERS[kind](settings, CLASSES[kind], **OF_INPUTS[kind])

    trainer = Trainer(build, settings, Arrays(inputs, targets), CLASSES[kind])
    epoch = trainer.batches_of_epoch(0)

    def train() -> int:
        # Taking the samples from all of them is a part of training.
        batches = epoch[:STEPS_PER_CALL]
        trainer.advance(batches, 1)
        return batches[1].size

    return train


def keras_fit(kind: str) -> Callable[[], int]:
    """`fit` as a tutorial calls it: batches of 32, float32, Keras's own batch normalisation."""
    import keras

    from model_code.hyperparameters import KINDS
    from model_code.networks import networks

    networks.FusedBatchNormalization = keras.layers.BatchNormalization
    settings = KINDS[kind]()
    network = networks.BUILDERS[kind](settings, CLASSES[kind], **OF_INPUTS[kind])
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True) if kind == "cnn" else "adam"
    network.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    inputs, targets = made_up_data(kind)
    count = SAMPLES // 8

    def train() -> int:
        network.fit(inputs[:count], targets[:count], verbose=0)
        return count

    return train


def torch_step(kind: str, bfloat16: bool) -> Callable[[], int]:
    """The same network in PyTorch, eager, with the same optimiser and our batch size."""
    import torch  # pyright: ignore[reportMissingImports]  # of the Python that is named

    from benchmarks.torch_networks import Cnn, Rnn
    from model_code.hyperparameters import CnnHyperparameters, RnnHyperparameters

    settings = CnnHyperparameters() if kind == "cnn" else RnnHyperparameters()
    inputs, targets = made_up_data(kind)
    if isinstance(settings, CnnHyperparameters):
        network = Cnn(settings.width, CLASSES[kind]).to(memory_format=torch.channels_last)
        optimizer = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9, nesterov=True)
        data = torch.from_numpy(inputs).permute(0, 3, 1, 2)
    else:
        network = Rnn(WORDS + 2, settings.embedding_size, settings.units, settings.dropout, CLASSES[kind])
        optimizer = torch.optim.Adam(network.parameters(), 0.001)
        data = torch.from_numpy(inputs).long()
    answers = torch.from_numpy(targets).long()
    size = settings.batch_size

    def train() -> int:
        for start in range(0, 8 * size, size):
            batch = data[start : start + size]
            if kind == "cnn":
                batch = batch.float().contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                loss = torch.nn.functional.cross_entropy(network(batch), answers[start : start + size])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        return 8 * size

    return train


def matrix_peak(kind: str) -> Callable[[], int]:
    """Matrix products; the count is in GFLOP instead of samples."""
    import tensorflow as tf

    from model_code.hyperparameters import KINDS
    from model_code.networks.precision import precision_policy

    policy = precision_policy(KINDS[kind]().mixed_precision)
    dtype = tf.bfloat16 if policy == "mixed_bfloat16" else tf.float32
    matrix = tf.cast(tf.random.normal([2048, 2048]), dtype)
    product = tf.function(lambda: tf.reduce_sum(tf.cast(tf.matmul(matrix, matrix), tf.float32)))

    def multiply() -> int:
        for _ in range(10):
            product().numpy()
        return round(10 * 2 * 2048**3 / 1e9)

    return multiply


MAKERS: dict[str, Callable[[str], Callable[[], int]]] = {
    "ours": ours,
    "keras": keras_fit,
    "torch float32": lambda kind: torch_step(kind, bfloat16=False),
    "torch bfloat16": lambda kind: torch_step(kind, bfloat16=True),
    "peak": matrix_peak,
}


def measure(kind: str, torch_python: str | None, rounds: int) -> dict[str, list[float]]:
    """Every contender's rounds, one of each in turn."""
    pythons = {name: torch_python if name.startswith("torch") else sys.executable for name in CONTENDERS}
    return interleaved.measure(
        {
            name: interleaved.Worker(
                [
                    python,
                    *("-m", "benchmarks.training_speed", "--contender", name, "--kind", kind),
                ]
            )
            for name, python in pythons.items()
            if python
        },
        rounds=rounds,
        title=kind,
    )


def figures(kind: str, rates: dict[str, list[float]]) -> dict:
    """Medians, and the ratios of ours to the others, round by round."""
    others = [name for name in rates if name not in ("ours", "peak")]
    result: dict[str, Any] = {
        "per_second": {name: round(statistics.median(values), 1) for name, values in rates.items()},
        "ours_against": {name: round(interleaved.ratio(rates["ours"], rates[name]), 2) for name in others},
    }
    if kind == "cnn":
        share = interleaved.ratio(rates["ours"], rates["peak"]) * gigaflops_of_a_cnn_sample()
        result["share_of_matrix_peak"] = round(share, 3)
    return result


def gigaflops_of_a_cnn_sample() -> float:
    """Of one training step: forward, and twice that for the gradients of inputs and weights."""
    from benchmarks.operations import operations_of
    from model_code.hyperparameters import CnnHyperparameters
    from model_code.networks.networks import build_cnn

    return 3 * operations_of(build_cnn(CnnHyperparameters(), CLASSES["cnn"])) / 1e9


def main() -> None:
    """Measures, or is a contender's process."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--torch-python", help="a Python that has PyTorch")
    parser.add_argument("--kinds", nargs="+", choices=CLASSES, default=list(CLASSES))
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="default: %(default)s")
    parser.add_argument("--result", type=Path, default=RESULT, help="file to write (%(default)s)")
    parser.add_argument("--contender", choices=MAKERS, help=argparse.SUPPRESS)
    parser.add_argument("--kind", choices=CLASSES, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.contender:
        interleaved.work(MAKERS[words.contender](words.kind), ROUND_SECONDS)
        return
    about = {
        "question": "How fast do the networks train, in samples a second?",
        "contenders": CONTENDERS,
        **interleaved.environment(),
        "rounds": words.rounds,
    }
    parts = interleaved.Parts(words.result, about)
    for kind in words.kinds:
        with parts.part(kind):
            parts.result[kind] = figures(kind, measure(kind, words.torch_python, words.rounds))
    parts.finish()


if __name__ == "__main__":
    main()
