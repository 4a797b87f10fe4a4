"""Malformed pictures and texts, put to the handlers in one process as API Gateway would send them.

The services behind them answer everything. After the last one each function has to answer a good request.
"""

from __future__ import annotations

import base64
import gc
import importlib
import io
import json
import os
import random
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from PIL import Image

SAMPLES = 10
CONTEXT = SimpleNamespace(
    function_name="garbage",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:111122223333:function:garbage",
    aws_request_id="request",
    get_remaining_time_in_millis=lambda: 28_000,
)
METADATA = {"HTTPStatusCode": 200, "HTTPHeaders": {}}


def picture(kind: str) -> bytes:
    """A real picture file."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((90, 85)).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


PICTURES = (picture("PNG"), picture("JPEG"))
NASTY = ("\\ud800", "\\udc00\\ud800", "\\u202e", "\\u2066", "\\u0000", "\\u200b", "\\ufeff", "\\uffff")
BROKEN_TEXTS = (b"", b" \t\n", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"caf\xe9")


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bomb(dice: random.Random) -> bytes:
    """A small PNG that says it is huge."""
    side = dice.choice((10_001, 65_535, 2**31 - 1))
    header = struct.pack(">IIBBBBB", side, dice.choice((side, 80)), 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x" * 40) + chunk(b"IEND", b"")


def exif_trick(dice: random.Random) -> bytes:
    """A JPEG whose EXIF segment claims another length than it has, or none."""
    content = PICTURES[1]
    length = dice.choice((0, 1, 2, 65_535, dice.randrange(65_536)))
    return content[:2] + b"\xff\xe1" + struct.pack(">H", length) + b"Exif\0\0" + content[2:]


def polyglot(dice: random.Random) -> bytes:
    """A file that begins as something else."""
    head = dice.choice((b"GIF89a", b"%PDF-1.7\n", b"PK\x03\x04", b"<svg>", b"\xff\xd8", b"\x89PNG\r\n"))
    return head + dice.choice(PICTURES)


def truncated(dice: random.Random) -> bytes:
    """A picture that ends too early."""
    content = dice.choice(PICTURES)
    return content[: dice.randrange(len(content) - 20)]


def flipped(dice: random.Random) -> bytes:
    """A picture with flipped bits in its first bytes, which say what it is."""
    content = bytearray(dice.choice(PICTURES))
    for _ in range(dice.randrange(1, 8)):
        content[dice.randrange(32)] ^= 1 << dice.randrange(8)
    return bytes(content)


def broken_json(dice: random.Random) -> bytes:
    """JSON with half characters, wrong types, wrong names, or none."""
    nasty = "".join(dice.choice(NASTY) for _ in range(dice.randrange(1, 5)))
    value = dice.choice(
        (f'"{nasty}\\ud800"', "7", "null", "[]", "{}", "1e999", '""', "NaN", '"' + "x" * 6_000 + '"')
    )
    name = dice.choice(("text", "texts", "image", "source", nasty))
    return dice.choice((f'{{"{name}": {value}', f'{{"{name}": {value}, "more": 1}}', "[" * 5_000)).encode()


# Functions and paths that take one picture, one text, or JSON of another form.
OF_PICTURES = (("vision", "/images/faces"), ("vision", "/images/labels"), ("custom", "/images/class"))
OF_TEXTS = (
    ("language", "/texts/sentiment"),
    ("language", "/texts/pii/redaction"),
    ("custom", "/texts/class"),
)
OF_JSON = (*OF_TEXTS, ("language", "/texts/sentiment/batch"), ("vision", "/images/compare-faces"))


def request(dice: random.Random) -> tuple[str, dict]:
    """A malformed request and the function that gets it."""
    kind = dice.randrange(8)
    if kind < 5:
        content = (truncated, flipped, bomb, exif_trick, polyglot)[kind](dice)
        content_type = dice.choice(("image/png", "image/jpeg"))
        if dice.random() < 0.3:
            content = json.dumps({"image": base64.b64encode(content).decode()}).encode()
            content_type = "application/json"
        return event_of(*dice.choice(OF_PICTURES), content, content_type)
    if kind == 7:
        return event_of(*dice.choice(OF_JSON), broken_json(dice), "application/json")
    return event_of(*dice.choice(OF_TEXTS), dice.choice(BROKEN_TEXTS), "text/plain")


def event_of(function: str, path: str, content: bytes, content_type: str) -> tuple[str, dict]:
    """A function, and a request to it as API Gateway hands it over."""
    return function, {
        "httpMethod": "POST",
        "resource": path,
        "headers": {"Content-Type": content_type},
        "requestContext": {"requestId": "r", "stage": "dev", "httpMethod": "POST"},
        "isBase64Encoded": True,
        "body": base64.b64encode(content).decode(),
    }


GOOD = (
    *(event_of(*place, PICTURES[0], "image/png") for place in OF_PICTURES),
    *(event_of(*place, b"Good.", "text/plain") for place in OF_TEXTS),
)


class Service:
    """AWS, which answers whatever happens to be a picture or a text all the same."""

    def detect_faces(self, **_: Any) -> dict[str, Any]:
        return {"FaceDetails": [], "ResponseMetadata": METADATA}

    def detect_labels(self, **_: Any) -> dict[str, Any]:
        return {"Labels": [], "ResponseMetadata": METADATA}

    def compare_faces(self, **_: Any) -> dict[str, Any]:
        return {"FaceMatches": [], "ResponseMetadata": METADATA}

    def detect_sentiment(self, **_: Any) -> dict[str, Any]:
        return {"SentimentScore": {"Positive": 1.0}, "ResponseMetadata": METADATA}

    def detect_pii_entities(self, **_: Any) -> dict[str, Any]:
        return {"Entities": [], "ResponseMetadata": METADATA}

    def batch_detect_sentiment(self, TextList: list[str], **_: Any) -> dict[str, Any]:
        scores = {"SentimentScore": {"Positive": 1.0}}
        results = [{"Index": index, **scores} for index in range(len(TextList))]
        return {"ResultList": results, "ErrorList": [], "ResponseMetadata": METADATA}

    def invoke_endpoint(self, **_: Any) -> dict[str, Any]:
        return {"Body": io.BytesIO(b'{"predictions": [{"probabilities": {"good": 1.0}}]}')}


def resident_bytes() -> int:
    """What the process holds in memory (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(requests: int, seed: int = 0) -> dict[str, Any]:
    """Sends so many; counts the statuses, looks at the memory ten times, and then whether good ones are answered."""
    variables = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_METRICS_NAMESPACE": "Recognition",
        "POWERTOOLS_SERVICE_NAME": "garbage",
        "POWERTOOLS_TRACE_DISABLED": "true",
        "POWERTOOLS_LOG_LEVEL": "CRITICAL",
        "CNN_ENDPOINT_NAME": "cnn",
        "RNN_ENDPOINT_NAME": "rnn",
    }
    dice, statuses, held = random.Random(seed), Counter(), []
    with mock.patch.dict(os.environ, variables), redirect_stdout(io.StringIO()) as printed:
        handlers: dict[str, Callable[..., dict[str, Any]]] = {}
        for name in ("vision", "language", "custom"):
            operations = importlib.import_module(f"lambdas.{name}.operations")
            vars(operations)["client"] = lambda _: Service()
            handlers[name] = importlib.import_module(f"lambdas.{name}.handler").handler
        for number in range(1, requests + 1):
            function, event = request(dice)
            statuses[handlers[function](event, CONTEXT)["statusCode"]] += 1
            if number % (requests // SAMPLES) == 0:
                printed.seek(0)
                printed.truncate()
                gc.collect()
                held.append(resident_bytes())
        healthy = [handlers[function](event, CONTEXT)["statusCode"] == 200 for function, event in GOOD]
    return {
        "requests": requests,
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "good_ones_answered_afterwards": f"{sum(healthy)} of {len(healthy)}",
        "resident_megabytes": [round(resident_bytes / 2**20, 1) for resident_bytes in held],
    }
