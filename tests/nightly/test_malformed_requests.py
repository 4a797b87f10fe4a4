"""Fifty thousand malformed pictures and texts through the handlers: each a 4xx, and the process as it was."""

from __future__ import annotations

import base64
import gc
import io
import json
import os
import random
from collections import Counter
from pathlib import Path

from PIL import Image

from .asked import status_of

REQUESTS, LOOKS = 50_000, 10
OF_PICTURES = (("vision", "/images/faces"), ("vision", "/images/labels"), ("custom", "/images/class"))
OF_TEXTS = (
    ("language", "/texts/sentiment"),
    ("language", "/texts/pii/redaction"),
    ("custom", "/texts/class"),
)
OF_JSON = (*OF_TEXTS, ("language", "/texts/sentiment/batch"), ("vision", "/images/compare-faces"))
NASTY = ("\\ud800", "\\udc00\\ud800", "\\u202e", "\\u2066", "\\u0000", "\\u200b", "\\ufeff", "\\uffff")
BROKEN_TEXTS = (b"", b" \t\n", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"caf\xe9")
# As the beginnings of other files, and a segment of a JPEG that claims another length than it has.
STRAY = (b"", b"GIF89a", b"%PDF-1.7\n", b"PK\x03\x04", b"<svg>")
STRAY += (b"\xff\xe1\0\0Exif\0\0", b"\xff\xe1\xff\xffExif\0\0")


def picture(kind: str) -> bytes:
    """A real picture file."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((90, 85)).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


PICTURES = (picture("PNG"), picture("JPEG"))


def damaged(dice: random.Random) -> bytes:
    """A picture with flipped bits in what says how large it is, with something before or in it, or cut."""
    content = bytearray(dice.choice(PICTURES))
    for _ in range(dice.randrange(8)):
        content[dice.randrange(32)] ^= 1 << dice.randrange(8)
    place = dice.choice((0, 2, dice.randrange(len(content))))
    content[place:place] = dice.choice(STRAY)
    return bytes(content[: dice.choice((len(content), dice.randrange(len(content))))])


def broken_json(dice: random.Random) -> bytes:
    """JSON with half characters, wrong types, wrong names, or none."""
    nasty = "".join(dice.choice(NASTY) for _ in range(dice.randrange(1, 5)))
    value = dice.choice(
        (f'"{nasty}\\ud800"', "7", "null", "[]", "{}", "1e999", '""', "NaN", '"' + "x" * 6_000 + '"')
    )
    name = dice.choice(("text", "texts", "image", "source", nasty))
    return dice.choice((f'{{"{name}": {value}', f'{{"{name}": {value}, "more": 1}}', "[" * 5_000)).encode()


def malformed(dice: random.Random) -> tuple[str, str, bytes, str]:
    """A function, a path of it, and a body with its content type."""
    kind = dice.randrange(8)
    if kind == 7:
        return *dice.choice(OF_JSON), broken_json(dice), "application/json"
    if kind > 4:
        return *dice.choice(OF_TEXTS), dice.choice(BROKEN_TEXTS), "text/plain"
    encoded = json.dumps({"image": base64.b64encode(content := damaged(dice)).decode()}).encode()
    picture_types = (content, "image/png"), (content, "image/jpeg"), (encoded, "application/json")
    return *dice.choice(OF_PICTURES), *dice.choice(picture_types)


def resident_bytes() -> int:
    """What the process holds in memory (Linux)."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_fifty_thousand_are_refused_and_leave_the_memory_flat(monkeypatch, capsys):
    dice, statuses, held = random.Random(2), Counter(), []
    for number in range(1, REQUESTS + 1):
        with monkeypatch.context() as patch:
            statuses[status_of(patch, *malformed(dice))] += 1
        if number % (REQUESTS // LOOKS) == 0:
            capsys.readouterr()
            held.append(resident_bytes())
    assert set(statuses) <= {200, 400, 413, 415}
    assert held[-1] - held[0] < 5 * 2**20
    good = [(place, PICTURES[0], "image/png") for place in OF_PICTURES]
    good += [(place, b"Good.", "text/plain") for place in OF_TEXTS]
    assert [status_of(monkeypatch, *place, *body) for place, *body in good] == [200] * 6
