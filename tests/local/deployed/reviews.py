"""Made-up reviews, a network small enough to learn them in seconds, and what the API says of one."""

from __future__ import annotations

import random
from pathlib import Path

from cli.models import release, training
from cli.models.data import upload
from cli.recognize.request import Question, Reply, ask
from cli.shared.target import Target

SMALL = {
    "epochs": "4",
    "units": "4",
    "batch_size": "32",
    "vocabulary_size": "100",
    "sequence_length": "12",
    "embedding_size": "8",
    "learning_rate": "0.05",
    "dropout": "0",
}
GOOD, BAD = ("wonderful", "moving", "brilliant"), ("dull", "tedious", "awful")


def silent(_: str) -> None:
    """Progress that nobody watches."""


def write_reviews(directory: Path, *, told_by_words: bool) -> Path:
    """A data set of made-up reviews; their words tell the label, or nothing does."""
    from model_code.data.records import write_split

    generator = random.Random(0)
    for split, count in (("train", 640), ("validation", 64), ("test", 200)):
        targets = [generator.randrange(2) for _ in range(count)]
        shown = targets if told_by_words else [generator.randrange(2) for _ in range(count)]
        texts = [
            f"A {generator.choice((BAD, GOOD)[label])} film, number {generator.randrange(50)}."
            for label in shown
        ]
        write_split(
            directory / split, "text", [text.encode() for text in texts], targets, ["negative", "positive"]
        )
    return directory


def train(target: Target, directory: Path, hyperparameters: dict[str, str]) -> training.Registered:
    """One run of the training state machine on a data set."""
    uri = upload(target, directory, directory.name, silent)
    (registered,) = training.wait(target, [training.start(target, "rnn", uri, hyperparameters)], silent)
    return registered


def classify(target: Target, text: str) -> Reply:
    """What the API says of a text by our network."""
    return ask(target, Question("/texts/class", text.encode(), "text/plain"))


def serve(target: Target, version: str) -> None:
    """Releases a version of our network unless it serves already."""
    name = release.endpoint_name(target, "rnn")
    if release.served_version(target.client("sagemaker"), name) != version:
        release.release(target, "rnn", version, silent)
