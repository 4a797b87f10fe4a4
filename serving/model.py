"""An artefact's LiteRT network behind its preprocessing: samples in, probabilities out."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from serving.preprocessing import Reader, reader_of

PRECISIONS = ("float32", "int8")
WARM_UPS = 10
# More samples at once are no faster each, and their answers would come together at the end.
MOST_SAMPLES = 16


class ModelUnusable(Exception):
    """An artefact that cannot be served; the message says what is missing or wrong."""


class Model:
    """One artefact, loaded. Not for several threads at once: the interpreter has one set of tensors.

    The file is mapped into memory, not read: of a word's table only the rows that are asked for are ever there. It may
    be deleted once it is loaded.

    Attributes:
        feature: what a sample is: `image`, `text` or `sequence`.
        labels: the classes' names in the order of the probabilities.
        decision_weights: float32 [C]; the class whose probability times its weight is the largest is the answer.
        channels: of a sequence's steps; None for other features.
        most_samples: that the network takes at once.
    """

    def __init__(self, directory: Path, *, precision: str = "float32") -> None:
        """Loads `directory`, an unpacked model archive.

        Raises:
            ModelUnusable: when a file is missing or damaged.
        """
        self.network = directory / "litert" / f"{precision}.tflite"
        try:
            self.labels: list[str] = json.loads((directory / "labels.json").read_text(encoding="utf-8"))
            specification = json.loads(
                (directory / "litert" / "preprocessing.json").read_text(encoding="utf-8")
            )
            self.feature: str = specification["feature"]
            self.channels: int | None = specification.get("channels")
            self.read: Reader = reader_of(specification)
            # Artefacts of before there were such weights have none.
            weights = specification.get("decision_weights") or [1.0] * len(self.labels)
            self.decision_weights = np.array(weights, np.float32)
            self.load()
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelUnusable(f"The model in {directory} cannot be served: {reason_of(error)}.") from error
        (into,), (out,) = self.interpreter.get_input_details(), self.interpreter.get_output_details()
        self.into, self.out = into["index"], out["index"]
        self.most_samples = MOST_SAMPLES if into["shape_signature"][0] == -1 else 1
        self.image_size: int | None = specification.get("image_size")
        if tuple(out["shape"]) != (1, len(self.labels)):
            raise ModelUnusable(
                f"The model in {directory} answers {out['shape'][-1]} classes, but its labels.json names "
                f"{len(self.labels)}."
            )

    def load(self) -> None:
        """Makes the interpreter.

        Raises:
            ValueError: when the file is missing or damaged; RuntimeError when LiteRT cannot run it.
        """
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(model_path=str(self.network), num_threads=1)
        self.interpreter.allocate_tensors()
        self.samples = 1

    def twin(self) -> Model:
        """The same model for another thread: an interpreter of its own, all else is shared.

        Raises:
            ValueError: when the file is no longer there.
        """
        copied = copy.copy(self)
        copied.load()
        return copied

    def probabilities(self, samples: Sequence[Any]) -> np.ndarray:
        """Probabilities float32 [N, C] of images (bytes), texts (str) or sequences (float arrays [steps, channels]).

        Raises:
            Unreadable: when one of them cannot become an input.
        """
        inputs = [self.read(sample) for sample in samples]
        parts = [
            inputs[first : first + self.most_samples] for first in range(0, len(inputs), self.most_samples)
        ]
        return np.concatenate([self.invoke(np.concatenate(part)) for part in parts])

    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        """The classes that are answered for probabilities [N, C], int [N]."""
        return (probabilities * self.decision_weights).argmax(axis=1)

    def invoke(self, inputs: np.ndarray) -> np.ndarray:
        """Probabilities of inputs [N, …], N at most `most_samples`."""
        if len(inputs) != self.samples:
            self.interpreter.resize_tensor_input(self.into, inputs.shape)
            self.interpreter.allocate_tensors()
            self.samples = len(inputs)
        self.interpreter.set_tensor(self.into, inputs)
        self.interpreter.invoke()
        return self.interpreter.get_tensor(self.out)

    def warm_up(self) -> None:
        """Answers a made-up sample a few times, so that the first caller does not wait for first-time work."""
        if self.feature == "image":
            buffer, side = io.BytesIO(), self.image_size or 1
            Image.new("RGB", (side + 1, side)).save(buffer, "PNG")
            sample: Any = buffer.getvalue()
        else:
            sample = "warm up" if self.feature == "text" else np.zeros((1, self.channels or 1), np.float32)
        for _ in range(WARM_UPS):
            self.probabilities([sample])


def reason_of(error: Exception) -> str:
    """An error's first line, or its name."""
    if isinstance(error, KeyError):
        return f"litert/preprocessing.json lacks {error}"
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
