"""A part of the split, and a candidate's answers, as files that hold nothing but numbers and texts.

A job on another machine reads the parts as its channels; nothing in them is a pickle, so reading them runs nothing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.examples import Examples
from bakeoff.tasks import Answers

EXAMPLES_FILE = "examples.npz"
ANSWERS_FILE = "answers.json"


def write_examples(directory: Path, examples: Examples) -> Path:
    """Writes the examples as EXAMPLES_FILE; what they were taken from is left out, which no candidate asks for."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / EXAMPLES_FILE
    arrays = {"modality": examples.modality, "targets": examples.targets, "labels": as_texts(examples.labels)}
    np.savez_compressed(file, **arrays, **arrays_of(examples))
    return file


def arrays_of(examples: Examples) -> dict[str, Any]:
    """The contents as arrays, by their modality."""
    if isinstance(examples.contents, np.ndarray) and examples.modality == "time_series":
        return {"series": examples.contents}
    if examples.modality == "time_series":
        lengths = np.array([len(content) for content in examples.contents], np.int64)
        return {"steps": np.concatenate(list(examples.contents)), "lengths": lengths}
    if examples.modality == "tabular":
        numeric, contents = np.array(examples.numeric, bool), np.asarray(examples.contents)
        words = contents[:, ~numeric]
        missing = words == None  # noqa: E711 - element by element
        return {
            "numeric": numeric,
            "numbers": contents[:, numeric].astype(np.float64),
            "words": as_texts(np.where(missing, "", words).ravel()),
            "missing": missing,
        }
    encoded = [
        content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        for content in examples.contents
    ]
    lengths = np.array([len(content) for content in encoded], np.int64)
    return {"bytes": np.frombuffer(b"".join(encoded), np.uint8), "lengths": lengths}


def as_texts(words: Any) -> np.ndarray:
    """Texts as one array of bytes: an array of strings would be as wide as its longest and lose NULs at their ends."""
    return np.frombuffer(json.dumps([str(word) for word in words]).encode(), np.uint8)


def texts_of(array: np.ndarray) -> list[str]:
    """What `as_texts` was given."""
    return json.loads(array.tobytes())


def read_examples(directory: Path) -> Examples:
    """The examples that `write_examples` wrote."""
    with np.load(directory / EXAMPLES_FILE, allow_pickle=False) as arrays:
        loaded = {name: arrays[name] for name in arrays.files}
    modality, numeric = str(loaded["modality"]), ()
    if "series" in loaded:
        contents: Any = loaded["series"]
    elif modality == "time_series":
        contents = np.split(loaded["steps"], np.cumsum(loaded["lengths"])[:-1])
    elif modality == "tabular":
        numeric = tuple(bool(one) for one in loaded["numeric"])
        contents = table_of(loaded)
    else:
        ends = np.cumsum(loaded["lengths"])
        joined = loaded["bytes"].tobytes()
        contents = [joined[end - length : end] for end, length in zip(ends, loaded["lengths"], strict=True)]
        if modality == "text":
            contents = [content.decode("utf-8", "surrogatepass") for content in contents]
    return Examples(modality, contents, loaded["targets"], tuple(texts_of(loaded["labels"])), None, numeric)


def table_of(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The rows of a table, an object array as `Examples` holds it."""
    numeric, missing = arrays["numeric"], arrays["missing"]
    table = np.empty((len(missing), len(numeric)), object)
    table[:, numeric] = arrays["numbers"]
    words = np.array(texts_of(arrays["words"]), object).reshape(missing.shape)
    words[missing] = None
    table[:, ~numeric] = words
    return table


def write_answers(directory: Path, answers: Answers) -> None:
    """Writes the answers as ANSWERS_FILE."""
    directory.mkdir(parents=True, exist_ok=True)
    plain = {**vars(answers), "predictions": answers.predictions.tolist()}
    (directory / ANSWERS_FILE).write_text(json.dumps(plain), encoding="utf-8")


def read_answers(text: bytes) -> Answers:
    """The answers that `write_answers` wrote.

    Raises:
        ValueError: when the text is something else.
    """
    try:
        plain = json.loads(text)
        return Answers(
            np.array(plain["predictions"], np.int64),
            float(plain["training_seconds"]),
            tuple(float(latency) for latency in plain["latencies_ms"]),
            int(plain["artefact_bytes"]),
            tuple(str(note) for note in plain["notes"]),
        )
    except (KeyError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(f"no candidate's answers: {type(error).__name__}") from error
