"""Reads the one value of a JavaScript module that was packed for browsers, without running any of it."""

from __future__ import annotations

import json
import re
from typing import Any

# The bundler wraps each value in a loader of its own; this is where the value begins.
VALUE = re.compile(r"\b[a-z]\.exports\s*=\s*(?=[{\"])")
# What a minifier writes otherwise than JSON: names without quotes, !0 for true, .5 for 0.5. Strings come first, so
# that nothing inside one is taken for any of these.
TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*"|(?P<name>[A-Za-z_$][\w$]*)(?=:)|(?P<truth>![01])|(?P<fraction>(?<![\d.])\.\d)|[{}\[\]]|.',
    re.DOTALL,
)
DEPTH = {"{": 1, "[": 1, "}": -1, "]": -1}


class UnknownModule(Exception):
    """The text holds no value of the kind that is read here."""


def value_of(module: str) -> Any:
    """The object or the string that the module gives.

    Raises:
        UnknownModule: when there is none.
    """
    place = VALUE.search(module)
    if place is None:
        raise UnknownModule("The module gives no object and no string.")
    return json.loads(as_json(module, place.end()))


def as_json(module: str, begin: int) -> str:
    """The value that begins there, written as JSON."""
    written: list[str] = []
    depth = 0
    for token in TOKEN.finditer(module, begin):
        word = token[0]
        depth += DEPTH.get(word, 0)
        written.append(rewritten(token))
        if depth == 0:
            break
    return "".join(written)


def rewritten(token: re.Match[str]) -> str:
    """One token as JSON has it."""
    if token["name"]:
        return json.dumps(token["name"])
    if token["truth"]:
        return "true" if token["truth"] == "!0" else "false"
    return f"0{token[0]}" if token["fraction"] else token[0]
