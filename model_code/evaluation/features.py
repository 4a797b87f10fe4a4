"""What of a sample and of a prediction is watched: a few numbers whose distribution tells when inputs change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

# Of a sequence with more channels the first are watched.
CHANNELS_AT_MOST = 8
# One pixel in every so many of a side is enough for an image's brightness.
SIDE_AT_MOST = 256

Traits = dict[str, list]


def traits_of_samples(samples: Sequence[Any], feature: str) -> Traits:
    """The traits of samples by name, each a list of one value a sample.

    Args:
        samples: encoded images or UTF-8 texts as bytes, or sequences [steps, channels].
        feature: `image`, `text` or `sequence`.
    """
    measure = {"image": of_image, "text": of_text, "sequence": of_sequence}[feature]
    rows = [measure(sample) for sample in samples]
    # A trait that a sample does not have, such as a missing channel's, is counted for the others.
    names = dict.fromkeys(name for row in rows for name in row)
    return {f"input.{name}": [row[name] for row in rows if name in row] for name in names}


def traits_of_predictions(labels: Sequence[str], scores: Sequence[float]) -> Traits:
    """The traits of predictions by name: the labels themselves and how sure the model was."""
    return {"prediction.label": list(labels), "prediction.score": [float(score) for score in scores]}


def of_image(content: bytes) -> dict[str, float]:
    """Size, brightness, contrast and warmth of a PNG or JPEG."""
    import tensorflow as tf

    from model_code.networks.preprocessing import decode_image

    pixels = decode_image(tf.constant(content)).numpy()
    height, width, _ = pixels.shape
    step = max(1, -(-max(height, width) // SIDE_AT_MOST))
    thinned = pixels[::step, ::step].astype(float) / 255
    red, _, blue = thinned.mean(axis=(0, 1))
    return {
        "height": float(height),
        "width": float(width),
        "brightness": float(thinned.mean()),
        "contrast": float(thinned.std()),
        "warmth": float(red - blue),
    }


def of_text(content: bytes) -> dict[str, float]:
    """Length, words, their mean length and the share of characters that are no letters or spaces of English."""
    text = content.decode("utf-8", "replace")
    words = text.split()
    foreign = sum(
        not (character.isascii() and (character.isalpha() or character.isspace())) for character in text
    )
    return {
        "characters": float(len(text)),
        "words": float(len(words)),
        "word_length": sum(map(len, words)) / len(words) if words else 0.0,
        "foreign_share": foreign / len(text) if text else 0.0,
    }


def of_sequence(steps: Sequence[Sequence[float]] | np.ndarray) -> dict[str, float]:
    """Length, and mean and standard deviation of each channel."""
    values = np.asarray(steps, float)
    traits = {"steps": float(len(values))}
    for channel in range(min(values.shape[1], CHANNELS_AT_MOST)):
        column = values[:, channel]
        traits |= {
            f"channel{channel}_mean": float(column.mean()),
            f"channel{channel}_spread": float(column.std()),
        }
    return traits
