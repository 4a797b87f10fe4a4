"""The table of networks: each kind with what it reads, what it has to reach, and what is said and asked of it."""

from __future__ import annotations

import json
from dataclasses import dataclass

IMAGE_TYPES = ("image/png", "image/jpeg", "application/x-image")
JSON_TYPE = "application/json"
JSON_LINES_TYPE = "application/jsonlines"
TEXT_TYPE = "text/plain"
NPY_TYPE = "application/x-npy"
# Of a shard, as data is written here; who reads takes any number.
RECORDS_PER_SHARD = 10_000
# An 8x8 image of two gradients; the serving graph resizes whatever it gets.
KNOWN_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAbElEQVR42hXNQRUAUQhCUaMYhShGeVGIQhSizB+XXA7ODDtouIHBQ4YO"
    "M8suWm5h8ZKl+0CskDiBsIioHhx76LiDw0eO3oN/4FVf+J8h0PduzBqZ8x/bxNQPwgaFy192SGgelC0q13/CJaXlA8Z7WAFXOTbyAAAAAElF"
    "TkSuQmCC"
)


@dataclass(frozen=True)
class Network:
    """One kind of network.

    Attributes:
        kind: letters and digits; part of the names of its endpoint, jobs, parameters and variables.
        title: in a heading.
        reads: its inputs, in a word for people.
        features: of the records that it trains on (model_code.data.records), the usual one first.
        content_types: that its serving container takes.
        minimum_accuracy: the gate of a run on data that brings none.
        dataset: the public set that it trains on where none is named (model_code.data.public_datasets).
        known_instance: what a release asks a version that was registered without a test sample.
        purpose: a sentence for the model card.
    """

    kind: str
    title: str
    reads: str
    features: tuple[str, ...]
    content_types: tuple[str, ...]
    minimum_accuracy: float
    dataset: str
    known_instance: dict[str, object]
    purpose: str

    @property
    def known_request(self) -> str:
        """The known instance as the container takes it."""
        return json.dumps({"instances": [self.known_instance]})


NETWORKS = {
    network.kind: network
    for network in (
        Network(
            kind="cnn",
            title="Convolutional network",
            reads="images",
            features=("image",),
            content_types=(*IMAGE_TYPES, JSON_TYPE, JSON_LINES_TYPE),
            minimum_accuracy=0.70,
            dataset="cifar10",
            known_instance={"image": {"b64": KNOWN_PNG}},
            purpose="Says which of its classes an image shows.",
        ),
        Network(
            kind="rnn",
            title="Recurrent network",
            reads="texts",
            features=("text", "sequence"),
            content_types=(TEXT_TYPE, JSON_TYPE, JSON_LINES_TYPE, NPY_TYPE),
            minimum_accuracy=0.85,
            dataset="imdb",
            known_instance={"text": "A quiet, moving film."},
            purpose="Says which of its classes a text, or a sequence of sensor readings, belongs to.",
        ),
    )
}
KINDS = tuple(NETWORKS)
FEATURES = ("image", "text", "sequence")
"""Of which the API has an operation each (`image-class` at `images/class`)."""


def kind_of_feature(feature: str) -> str:
    """The kind that the API, the bake-off and the samples ask about a feature: the first that reads it."""
    return next(network.kind for network in NETWORKS.values() if feature in network.features)
