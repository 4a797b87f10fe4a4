"""The hyperparameters of each kind of network: types, bounds and defaults."""

from __future__ import annotations

import argparse
import dataclasses
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from definitions.metrics import AUTO, METRICS
from model_code.failures import JobFailed

PRECISIONS = ("auto", "float32", "bfloat16")
CLASS_WEIGHTS = (AUTO, "none", "balanced")
LAYERS_OF_FEATURE = {"text": "gru", "sequence": "conv1d"}
"""What reads the steps of each feature where nothing else is asked for: what was better there (docs/models.md)."""


def bounded(default: Any, minimum: float, maximum: float) -> Any:
    """A field with a default and inclusive bounds."""
    return dataclasses.field(default=default, metadata={"minimum": minimum, "maximum": maximum})


def chosen(default: str, choices: Sequence[str]) -> Any:
    """A field with a default among choices."""
    return dataclasses.field(default=default, metadata={"choices": tuple(choices)})


@dataclass(frozen=True)
class Hyperparameters:
    """What every network's training takes.

    Attributes:
        epochs: passes over the training split.
        batch_size: samples of one optimiser step; fewer where there are not so many.
        learning_rate: the schedule's peak; it rises linearly over `warmup_share` of the steps and falls linearly to 0.
        warmup_share: of all steps, in which the learning rate rises.
        weight_decay: by which weights shrink in each step, as a share of the learning rate.
        label_smoothing: share of the target probability spread over all classes.
        class_weights: `balanced` lets a sample of a rare class count for more in the loss, `none` does not; `auto`
            balances where a class is rare (`definitions.metrics.has_rare_class`).
        metric: by which the model is judged, and by which its answers to two or more classes are tuned where one of
            them is rare; `auto` is accuracy, and balanced accuracy where a class is rare.
        patience_epochs: epochs without a better validation loss after which training stops; 0 never stops early. The
            weights of the best epoch are exported either way. Losses are compared at the best temperature.
        max_seconds: from the script's start to the last step; by the speed that it shows, the schedule is shortened to
            what fits, so that it still falls to 0. Writing the model comes on top. 0 has no limit.
        checkpoint_every_steps: optimiser steps between checkpoints; an epoch's end always makes one.
        checkpoint_every_seconds: after which one is written in any case, at the next step that allows it; 0 never.
        seed: seeds initial weights, batch order, augmentation and dropout.
        deterministic: makes two runs on one CPU worker equal bit for bit; slower.
        memory_limit_megabytes: of a channel's samples; a channel of shards that would take more is read anew in every
            epoch, a little at a time.
        mixed_precision: `bfloat16` or `float32` for the activations, or `auto` for the one that the device is faster
            with; weights stay float32. There is no float16, whose gradients vanish without loss scaling.
        jit_compile: has XLA compile the training step, which takes seconds at the start. On a CPU it lengthens the
            CNN's step by half and the RNN's gains nothing. A CNN on several devices is never compiled.
    """

    kind: ClassVar[str]
    optimizer: ClassVar[str] = "adam"

    epochs: int = bounded(5, 1, 1000)
    batch_size: int = bounded(128, 1, 4096)
    learning_rate: float = bounded(0.1, 1e-6, 10.0)
    warmup_share: float = bounded(0.2, 0.0, 0.9)
    weight_decay: float = bounded(5e-4, 0.0, 0.1)
    label_smoothing: float = bounded(0.1, 0.0, 0.5)
    class_weights: str = chosen(AUTO, CLASS_WEIGHTS)
    metric: str = chosen(AUTO, (AUTO, *METRICS))
    patience_epochs: int = bounded(0, 0, 1000)
    max_seconds: int = bounded(0, 0, 432_000)
    checkpoint_every_steps: int = bounded(200, 1, 1_000_000)
    checkpoint_every_seconds: int = bounded(60, 0, 432_000)
    seed: int = bounded(0, 0, 2**31 - 1)
    deterministic: bool = False
    memory_limit_megabytes: int = bounded(4_000, 0, 10_000_000)
    mixed_precision: str = chosen("float32", PRECISIONS)
    jit_compile: bool = False

    def of_last_stage(self) -> Hyperparameters:
        """Those of the training that ends with the exported weights; what comes before it prepares the network."""
        return self


@dataclass(frozen=True)
class ImageHyperparameters(Hyperparameters):
    """What every network for images takes.

    Attributes:
        shift_pixels: by which training images are shifted at most; 0 leaves them where they are.
        mirror: turns every second training image from left to right; for what may be seen either way round, as animals,
            and not for arrows, digits or text.
        cutout_pixels: side of a square that is hidden somewhere in each training image; 0 hides nothing.
        image_size: side in pixels to which images are resized.
    """

    kind = "cnn"

    shift_pixels: int = bounded(4, 0, 15)
    mirror: bool = False
    cutout_pixels: int = bounded(0, 0, 512)
    image_size: int = bounded(32, 16, 512)


@dataclass(frozen=True)
class CnnHyperparameters(ImageHyperparameters):
    """The CNN's own.

    Attributes:
        width: channels of the first block; the later ones have four times as many.
        depth: convolutions of each of the three blocks.
        residual: gives each convolution of a block but its first a shortcut around it.
        whitening: takes the first layer from the training images' statistics instead of learning it.
        pretrained: starts from a network that was trained on other images; then `PretrainedHyperparameters` hold.
    """

    optimizer = "sgd"

    learning_rate: float = bounded(0.4, 1e-6, 10.0)
    mixed_precision: str = chosen("auto", PRECISIONS)
    width: int = bounded(24, 4, 512)
    depth: int = bounded(2, 1, 20)
    residual: bool = False
    whitening: bool = False
    pretrained: bool = False


@dataclass(frozen=True)
class PretrainedHyperparameters(ImageHyperparameters):
    """Those of a CNN that starts from EfficientNet-Lite0 (`model_code.networks.efficientnet`).

    Attributes:
        pretrained: what chooses these.
        epochs: of the classifier, over features that are computed once.
        learning_rate: of the classifier.
        weight_decay: of the classifier, which has more features than a small set has images; fine-tuning has none.
        fine_tuning_epochs: of the whole network behind that, which a GPU is for: on two cores an epoch of 20,000 images
            of 96 pixels takes some six minutes.
        fine_tuning_rate: the peak of the learning rate there, far below the classifier's.
        mixed_precision: float32, because a processor computes this network's convolutions in bfloat16 half as fast.
        image_size: between the sizes at which the network's features still hold.
    """

    pretrained: bool = True
    epochs: int = bounded(40, 1, 1000)
    learning_rate: float = bounded(0.01, 1e-6, 10.0)
    weight_decay: float = bounded(0.1, 0.0, 1.0)
    label_smoothing: float = bounded(0.0, 0.0, 0.5)
    fine_tuning_epochs: int = bounded(0, 0, 1000)
    fine_tuning_rate: float = bounded(1e-4, 1e-6, 1.0)
    image_size: int = bounded(160, 96, 224)

    def of_last_stage(self) -> Hyperparameters:
        """Those of fine-tuning, where there is any."""
        if not self.fine_tuning_epochs:
            return self
        return dataclasses.replace(
            self, epochs=self.fine_tuning_epochs, learning_rate=self.fine_tuning_rate, weight_decay=0.0
        )


@dataclass(frozen=True)
class SequenceHyperparameters(Hyperparameters):
    """What every network for texts and sensor sequences takes.

    Attributes:
        vocabulary_size: most frequent words of the training split that have a number of their own; texts only.
        sequence_length: words or steps that the network reads; a longer text keeps its first quarter and its end, a
            longer sensor sequence is refused.
        word_dropout: share of a training text's words that are made unknown, others in every epoch.
        rotation_degrees: standard deviation of a random turn of the sensor, for sensor sequences whose channels are
            vectors (x, y, z), three by three; like what follows, of training samples only.
        mirrored_channels: positions of the channels that change their sign in a mirror, such as "0,4,5"; every second
            sequence is mirrored. An acceleration mirrored from left to right changes x, an angular velocity y and z.
        scale_spread: standard deviation of the logarithm of a random factor of each channel.
        warp_spread: standard deviation of the logarithm of a random speed.
        jitter_spread: standard deviation of noise added to each value, in the channel's own unit.
    """

    vocabulary_size: int = bounded(20_000, 10, 1_000_000)
    sequence_length: int = bounded(200, 4, 100_000)
    word_dropout: float = bounded(0.0, 0.0, 0.9)
    rotation_degrees: float = bounded(0.0, 0.0, 180.0)
    mirrored_channels: str = dataclasses.field(default="", metadata={"pattern": r"(\d+(,\d+)*)?"})
    scale_spread: float = bounded(0.0, 0.0, 1.0)
    warp_spread: float = bounded(0.0, 0.0, 1.0)
    jitter_spread: float = bounded(0.0, 0.0, 1e6)


@dataclass(frozen=True)
class RnnHyperparameters(SequenceHyperparameters):
    """The RNN's own, whose steps convolutions may read too.

    Attributes:
        layers: that read the steps: `gru`, a bidirectional GRU, or `conv1d`, three convolutions; `auto` is the one of
            LAYERS_OF_FEATURE.
        units: of each direction's GRU.
        filters: of the first and the last convolution; the middle one has twice as many.
        embedding_size: of one word; texts only.
        dropout: of whole embedding channels and of the features before the classifier.
    """

    kind = "rnn"

    epochs: int = bounded(2, 1, 1000)
    learning_rate: float = bounded(0.004, 1e-6, 10.0)
    warmup_share: float = bounded(0.15, 0.0, 0.9)
    weight_decay: float = bounded(0.0, 0.0, 0.1)
    layers: str = chosen(AUTO, (AUTO, *LAYERS_OF_FEATURE.values()))
    units: int = bounded(32, 1, 1024)
    filters: int = bounded(64, 1, 1024)
    embedding_size: int = bounded(64, 1, 1024)
    dropout: float = bounded(0.3, 0.0, 0.9)

    def layers_for(self, feature: str) -> str:
        """`gru` or `conv1d`, for `text` or `sequence`."""
        return LAYERS_OF_FEATURE[feature] if self.layers == AUTO else self.layers


KINDS: dict[str, type[Hyperparameters]] = {
    settings.kind: settings for settings in (CnnHyperparameters, RnnHyperparameters)
}


def parse(arguments: Sequence[str]) -> Hyperparameters:
    """Reads `--kind cnn --epochs 5 …`, as the SageMaker toolkit passes hyperparameters to the script.

    Arguments that no network knows are refused, except SageMaker's own (`--sagemaker_…`, `--model_dir`).

    Raises:
        JobFailed: naming the hyperparameter that is unknown, of the wrong type or out of its bounds.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--kind")
    known, rest = parser.parse_known_args(list(arguments))
    if known.kind not in KINDS:
        raise JobFailed(
            f"The hyperparameter kind is {known.kind!r}; it has to be one of: {', '.join(KINDS)}."
        )
    return build(KINDS[known.kind], pairs_of(rest))


def pairs_of(arguments: Sequence[str]) -> dict[str, str]:
    """`--name value` words as a dictionary.

    Raises:
        JobFailed: when a value has no name before it, or a name no value behind it.
    """
    if len(arguments) % 2 or not all(name.startswith("--") for name in arguments[::2]):
        raise JobFailed("Hyperparameters have to come as '--name value' pairs.")
    return {
        name.removeprefix("--"): value
        for name, value in zip(arguments[::2], arguments[1::2], strict=True)
        if not name.startswith("--sagemaker_") and name != "--model_dir"
    }


def build(kind: type[Hyperparameters], values: dict[str, str]) -> Hyperparameters:
    """The typed hyperparameters of `kind` from their texts; see `parse` for what is raised."""
    if kind is CnnHyperparameters and values.get("pretrained", "").lower() == "true":
        kind = PretrainedHyperparameters
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise JobFailed(
            f"The {kind.kind} has no hyperparameter '{unknown[0]}'. It has: {', '.join(sorted(fields))}."
        )
    return kind(**{name: read_value(fields[name], text) for name, text in values.items()})


def read_value(field: dataclasses.Field, text: str) -> Any:
    """One value, converted and checked against its field's bounds; see `parse` for what is raised."""
    wanted = str(field.type)
    if wanted == "bool":
        if text.lower() not in ("true", "false"):
            raise JobFailed(f"The hyperparameter {field.name} is '{text}'; it has to be true or false.")
        return text.lower() == "true"
    if choices := field.metadata.get("choices"):
        if text not in choices:
            raise JobFailed(
                f"The hyperparameter {field.name} is '{text}'; it has to be one of: {', '.join(choices)}."
            )
        return text
    if pattern := field.metadata.get("pattern"):
        if not re.fullmatch(pattern, text):
            raise JobFailed(f"The hyperparameter {field.name} is '{text}'; it has to match {pattern}.")
        return text
    try:
        value = float(text)
        if wanted == "int":
            # Who searches continuous ranges writes 32.0.
            value = int(text) if not value.is_integer() else int(value)
    except ValueError as error:
        article = "a whole number" if wanted == "int" else "a number"
        raise JobFailed(f"The hyperparameter {field.name} is '{text}'; it has to be {article}.") from error
    minimum, maximum = field.metadata["minimum"], field.metadata["maximum"]
    if not (math.isfinite(value) and minimum <= value <= maximum):
        raise JobFailed(
            f"The hyperparameter {field.name} is {text}; it has to be between {minimum:g} and {maximum:g}."
        )
    return value
