"""Asks the deployed API about labelled test samples: our own network and the managed service, side by side."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image

from cli.recognize.request import Question, ask
from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from definitions.service_limits import SERVICE_LIMITS

SAMPLES_PER_KIND = 5
# Rekognition refuses images below 80 pixels a side, and its labels want more than that to go by.
MANAGED_SERVICE_PIXELS = 128


@dataclass(frozen=True)
class Exchange:
    """One question and its answer, in the words of the report's table."""

    asked: str
    image_png_base64: str | None
    truth: str
    operation: str
    answered_by: str
    stand_in: str | None
    label: str
    score: float
    milliseconds: float


def ask_about_samples(
    target: Target, kind: str, samples: list[dict[str, Any]], on_detail: Callable[[str], None]
) -> list[Exchange]:
    """Asks both operations of a kind about a few samples of different classes.

    Raises:
        CommandFailed: when the API answers with an error, or when our endpoint's answer is not the one that the
            evaluation of the same artefact gave.
    """
    exchanges = []
    for sample in varied(samples):
        for question in questions_about(sample):
            on_detail(f"{question.path} {sample['truth']}")
            reply = ask(target, question)
            if reply.status != 200:
                raise CommandFailed(f"{question.path} answered {reply.status}: {reply.body}")
            best = reply.body["results"][0] if reply.body["results"] else {"label": "nothing", "score": 0.0}
            said = reply.body["details"].get("label", best["label"])
            if reply.body["backend"] == "sagemaker" and said != sample["prediction"]:
                raise CommandFailed(
                    f"The endpoint of the {kind} says {said}, but the evaluation of the same artefact said "
                    f"{sample['prediction']}: what is served is not what was evaluated."
                )
            exchanges.append(
                Exchange(
                    asked=sample.get("text", f"CIFAR-10 no. {sample['position']}"),
                    image_png_base64=sample.get("image_png_base64"),
                    truth=sample["truth"],
                    operation=reply.body["operation"],
                    answered_by=answerer(kind, reply.body),
                    stand_in=reply.body["stand_in"],
                    label=best["label"],
                    score=best["score"],
                    milliseconds=reply.seconds * 1000,
                )
            )
    return exchanges


def answerer(kind: str, answer: dict[str, Any]) -> str:
    """Who gave an answer: our network with its version, or the managed service."""
    if answer["backend"] == "sagemaker":
        return f"{kind.upper()} v{answer['model']['version']}"
    return answer["backend"].title()


def varied(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first samples, of as many different classes as there are, that the managed service takes too."""
    most_bytes = SERVICE_LIMITS["DetectSentiment"].most_bytes
    fitting = [s for s in samples if len(s.get("text", "").encode()) <= most_bytes]
    seen: dict[str, int] = {}
    ranked = []
    for position, sample in enumerate(fitting):
        seen[sample["truth"]] = seen.get(sample["truth"], 0) + 1
        ranked.append((seen[sample["truth"]], position, sample))
    return [sample for _, _, sample in sorted(ranked, key=lambda item: item[:2])[:SAMPLES_PER_KIND]]


def questions_about(sample: dict[str, Any]) -> list[Question]:
    """What both operations are asked about a sample; nothing about a sequence, which no managed service reads."""
    if "image_png_base64" in sample:
        return image_questions(sample)
    return text_questions(sample) if "text" in sample else []


def image_questions(sample: dict[str, Any]) -> list[Question]:
    """The image as it is for our network, and enlarged for Rekognition."""
    png = base64.b64decode(sample["image_png_base64"])
    return [
        Question("/images/class", png, "image/png"),
        Question("/images/labels", enlarge(png), "image/png"),
    ]


def text_questions(sample: dict[str, Any]) -> list[Question]:
    """The same text for our network and for Comprehend."""
    body = sample["text"].encode()
    return [
        Question(path, body, "text/plain; charset=utf-8") for path in ("/texts/class", "/texts/sentiment")
    ]


def enlarge(png: bytes) -> bytes:
    """The image resampled to MANAGED_SERVICE_PIXELS a side, as PNG."""
    size = (MANAGED_SERVICE_PIXELS, MANAGED_SERVICE_PIXELS)
    enlarged = Image.open(io.BytesIO(png)).convert("RGB").resize(size, Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    enlarged.save(buffer, "PNG")
    return buffer.getvalue()
