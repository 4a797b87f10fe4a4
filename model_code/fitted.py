"""The hyperparameters that follow from the data: from how many samples there are, how large and how long they are."""

from __future__ import annotations

import math
from typing import Any

from definitions.metrics import AUTO
from model_code.hyperparameters import RnnHyperparameters

# Beside an imported set's data card: what `fitted_both` says of it.
HYPERPARAMETERS_FILE = "hyperparameters.json"
# Fewer samples than the first number are learnt from in batches of the second.
BATCH_SIZES = ((1_000, 16), (4_000, 32), (12_000, 64))
LARGE_BATCH_SIZE = 128
LEARNING_RATES = {"image": 0.4, "gru": 0.004, "conv1d": 0.011}
UPDATES_WANTED = 1_500
LEAST_EPOCHS, MOST_EPOCHS = 5, 100
# A classifier learns from features that are computed already, so that its epochs cost next to nothing.
LEAST_CLASSIFIER_EPOCHS = 40
IMAGE_SIDES = (16, 32, 64)
SEQUENCE_LENGTHS = (16, 32, 64, 128, 200)
# What is read of a text beyond the words that nine in ten have.
SPARE_WORDS = 1.2


def fitted(
    feature: str, count: int, size: float, *, layers: str = AUTO, pretrained: bool = False
) -> dict[str, str]:
    """Hyperparameters as SageMaker takes them; those that are not named keep their defaults.

    Args:
        feature: `image`, `text` or `sequence`.
        count: of training samples.
        size: images' longer side in pixels, as most have; words and signs that nine in ten texts have at most; or the
            steps of the longest sequence.
        layers: of a network for texts or sequences.
        pretrained: whether a network of images starts from another's weights. Its image size stays the default, for
            its features are those of large images, and it learns from small ones that are made larger.
    """
    reader = feature if feature == "image" else RnnHyperparameters(layers=layers).layers_for(feature)
    batch_size = next((size for most, size in BATCH_SIZES if count < most), LARGE_BATCH_SIZE)
    if pretrained:
        epochs = max(LEAST_CLASSIFIER_EPOCHS, epochs_for(count, batch_size))
        return {"pretrained": "true", "batch_size": str(batch_size), "epochs": str(epochs)}
    # Large steps are for large batches (Goyal et al. 2017, arXiv 1706.02677), by the root of their ratio.
    learning_rate = LEARNING_RATES[reader] * math.sqrt(batch_size / LARGE_BATCH_SIZE)
    chosen = {
        "batch_size": str(batch_size),
        "epochs": str(epochs_for(count, batch_size)),
        "learning_rate": f"{learning_rate:.4g}",
    }
    if layers != AUTO:
        chosen["layers"] = layers
    if feature == "image":
        side = min(IMAGE_SIDES, key=lambda side: abs(math.log(side / max(1.0, size))))
        return {**chosen, "image_size": str(side)}
    if feature == "text":
        length = next(
            (
                sequence_length
                for sequence_length in SEQUENCE_LENGTHS
                if sequence_length >= size * SPARE_WORDS
            ),
            SEQUENCE_LENGTHS[-1],
        )
        return {**chosen, "sequence_length": str(length)}
    return {**chosen, "sequence_length": str(max(4, int(size)))}


def epochs_for(count: int, batch_size: int) -> int:
    """Epochs for UPDATES_WANTED updates of the weights, within bounds."""
    updates_in_an_epoch = max(1, count // batch_size)
    return min(MOST_EPOCHS, max(LEAST_EPOCHS, math.ceil(UPDATES_WANTED / updates_in_an_epoch)))


def fitted_to_card(card: dict[str, Any], *, pretrained: bool = False) -> dict[str, str]:
    """The hyperparameters for an imported data set, by its data card; see `fitted`."""
    profile = card["profile"]
    size = {"image": "image_sides", "text": "words", "sequence": "steps"}[card["feature"]]
    measured = profile["most_words"] if size == "words" else profile[size][1 if size == "image_sides" else 2]
    return fitted(card["feature"], card["counts"]["train"], measured, pretrained=pretrained)


def fitted_both(card: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The hyperparameters `from_scratch`, and the `pretrained` ones, which differ for images alone."""
    return {
        "from_scratch": fitted_to_card(card),
        "pretrained": fitted_to_card(card, pretrained=card["feature"] == "image"),
    }
