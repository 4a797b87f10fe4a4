"""What is to be recognized, as the command line names it: a file, standard input, or the words themselves."""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from cli.shared.errors import CommandFailed
from definitions.content import NotText, WrongBytes, text_of

STANDARD_INPUT = "-"
TEXT_TYPE = "text/plain; charset=utf-8"
NPY_TYPE = "application/x-npy"
CONTENT_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".txt": TEXT_TYPE,
    ".json": "application/json",
    ".npy": NPY_TYPE,
}
# The first bytes of the pictures that the API takes; on standard input there is no ending to go by.
SIGNATURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
# Endings by which words are a file's name and not a text, also of kinds that the API does not take.
PICTURE_ENDINGS = frozenset(
    (".avif", ".bmp", ".gif", ".heic", ".heif", ".jpeg", ".jpg", ".png", ".svg", ".tif", ".tiff", ".webp")
)
FILE_ENDINGS = {
    *CONTENT_TYPES,
    *PICTURE_ENDINGS,
    *(".csv", ".jsonl", ".npz", ".parquet", ".pdf", ".mp4", ".wav"),
}
# How a path begins that no folder precedes.
PATH_STARTS = ("/", "./", "../", "~")
ADDRESS_STARTS = ("http://", "https://", "ftp://", "s3://", "file://")


@dataclass(frozen=True)
class Subject:
    """The bytes to ask about, their content type, and the name of the file that they are of."""

    content: bytes
    content_type: str
    name: str | None = None

    @property
    def kind(self) -> str:
        """`text`, `image` or `application`."""
        return self.content_type.partition("/")[0]


def subject_of(word: str) -> Subject:
    """A file when there is one of this name, standard input for `-`, else the word as a text.

    Raises:
        CommandFailed: when the word is a folder or looks like the name of a file that is not there, because a text
            is sent to a service and billed; and see `subject_in_file` and `subject_on_standard_input`.
    """
    if word == STANDARD_INPUT:
        return subject_on_standard_input()
    # These two answer False for what no file can be named, such as a text of a thousand letters.
    if os.path.isfile(word):  # noqa: PTH113
        return subject_in_file(Path(word))
    if os.path.isdir(word):  # noqa: PTH112
        raise CommandFailed(
            f"{word} is a folder: ask about one of its files, or about all with `recognition bulk --from "
            f"{shlex.quote(word)} --operation image-labels`. If it is a text, give it behind --text."
        )
    if word.lower().startswith(ADDRESS_STARTS) and not any(map(str.isspace, word)):
        raise CommandFailed(
            f"{word} is an address, and none is fetched: download the file and give that. If it is a text, give it "
            "behind --text."
        )
    # A pipe, such as the shell's <(…) makes.
    if os.path.exists(word):  # noqa: PTH110
        raise CommandFailed(f"{word} is no ordinary file. Give what is in it on standard input: - < {word}")
    if looks_like_a_file(word):
        raise CommandFailed(f"There is no file {word}. If it is a text, give it behind --text.")
    return subject_in_words(word)


def looks_like_a_file(word: str) -> bool:
    """Whether a word has a folder or a known ending in it; with spaces, whether it can hardly be a text.

    A sentence may end with the name of a document, and may hold a slash.
    """
    ending = os.path.splitext(word)[1].lower()  # noqa: PTH122
    if any(letter.isspace() for letter in word):
        return ending in PICTURE_ENDINGS or (word.startswith(PATH_STARTS) and ending in FILE_ENDINGS)
    return "/" in word or os.sep in word or ending in FILE_ENDINGS


def subject_in_words(words: str) -> Subject:
    """A text as it was typed.

    Raises:
        CommandFailed: when the terminal gave bytes that are no UTF-8.
    """
    try:
        return Subject(words.encode(), TEXT_TYPE)
    except UnicodeEncodeError as error:
        raise CommandFailed(
            "The text is not UTF-8. Write it to a file as UTF-8 and give the file, or set the terminal to UTF-8."
        ) from error


def subject_in_file(file: Path) -> Subject:
    """A file's content; a NumPy file [steps, channels] as the JSON that the API takes of a sensor's readings.

    Raises:
        CommandFailed: when it is not there, of a kind that the API does not take, or a text in an unknown encoding.
    """
    if not file.is_file():
        raise CommandFailed(f"There is no file {file}.")
    content_type = CONTENT_TYPES.get(file.suffix.lower()) or picture_type_of(file)
    if content_type is None:
        known = ", ".join(CONTENT_TYPES)
        remedy = " Save it as PNG or JPEG." if file.suffix.lower() in PICTURE_ENDINGS else ""
        raise CommandFailed(f"{file} ends in {file.suffix or 'nothing'}; the API takes {known}.{remedy}")
    if content_type == NPY_TYPE:
        return Subject(sequence_of_npy(file), CONTENT_TYPES[".json"], file.name)
    content = file.read_bytes()
    if content_type == TEXT_TYPE:
        content = in_utf8(content, str(file))
    return Subject(content, content_type, file.name)


def picture_type_of(file: Path) -> str | None:
    """The content type of a picture by its first bytes, for endings such as .jfif; None for what is none."""
    with file.open("rb") as opened:
        head = opened.read(max(map(len, SIGNATURES)))
    return next((kind for signature, kind in SIGNATURES.items() if head.startswith(signature)), None)


def subject_on_standard_input() -> Subject:
    """A PNG or JPEG by its first bytes, else a text.

    Raises:
        CommandFailed: when there is nothing, or it is neither a picture nor UTF-8 or what its byte order mark says.
    """
    content = sys.stdin.buffer.read()
    if not content:
        raise CommandFailed("Standard input is empty, so there is nothing to ask about.")
    for signature, content_type in SIGNATURES.items():
        if content.startswith(signature):
            return Subject(content, content_type)
    return Subject(in_utf8(content, "Standard input, which is neither a PNG nor a JPEG,"), TEXT_TYPE)


def in_utf8(content: bytes, place: str) -> bytes:
    """A text in UTF-8, without a byte order mark; what such a mark says is decoded.

    Raises:
        CommandFailed: when it is no text; `place` begins the sentence.
    """
    try:
        return text_of(content).encode()
    except WrongBytes as error:
        reason = f"is no text in {error.encoding.upper()}: byte {error.position} is wrong"
        raise CommandFailed(f"{place} {reason}. Save it as UTF-8.") from error
    except NotText as error:
        raise CommandFailed(
            f"{place} holds a zero character, which no text has. Save it as UTF-8."
        ) from error


def sequence_of_npy(file: Path) -> bytes:
    """A NumPy file's sequence in the JSON that the API takes.

    Raises:
        CommandFailed: when it holds anything but numbers of 32 bits [steps, channels].
    """
    import numpy as np

    try:
        # As a map: a header may tell of more numbers than the file has, and memory is taken for what it tells.
        values = np.load(file, allow_pickle=False, mmap_mode="r")
        kind, dimensions, size = values.dtype.kind, values.ndim, values.size
    except (ValueError, TypeError, EOFError, AttributeError) as error:
        raise CommandFailed(f"{file} is no NumPy file of numbers.") from error
    # NumPy would make numbers of instants, of complex numbers and of records. Steps without a channel take no byte, so
    # a small file could tell of any number of them.
    if kind not in "fiu" or not size:
        raise CommandFailed(f"{file} is no NumPy file of numbers.")
    if dimensions != 2:
        raise CommandFailed(
            f"{file} holds an array of {dimensions} dimensions; a sequence is [steps, channels]."
        )
    with np.errstate(over="ignore"):
        steps = values.astype(np.float32)
    if not np.isfinite(steps).all():
        raise CommandFailed(f"{file} holds a value that is missing, or beyond 32 bits. A sequence has none.")
    return json.dumps({"sequence": steps.tolist()}).encode()
