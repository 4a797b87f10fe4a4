"""Writes docs/reference/errors.md and messages.md from the source code: `python -m tools.write_errors`."""

from __future__ import annotations

import ast
from pathlib import Path

from lambdas.common.spending import SPENT_STATUS
from tools.markdown import REFERENCE, ROOT, code, table
from tools.sentences import raised_in, written

ERRORS, MESSAGES = REFERENCE / "errors.md", REFERENCE / "messages.md"
ERRORS_HEAD = """# Error codes of the API

Written by `make generate` from [lambdas](../../lambdas). A refusal is
`{"error": {"code": "…", "message": "…", "field": "…"}}` and repeats nothing of what was sent. A status of 503, and 429,
comes with `Retry-After`: the same request may succeed later. Names in braces, and ellipses, stand for what is put in.

"""
MESSAGES_HEAD = """# Every sentence that ends something

Written by `make generate` from the source code. Look for the words of yours with the search above.
[When something fails](../when-something-fails.md) says more about the frequent ones. Names in braces, and ellipses,
stand for what is put in.

"""
# Functions that make a refusal, with the status that they give it.
STATUSES = {"bad_request": "400", "too_large": "413", "unavailable": "503"}
NAMED = {"SPENT_STATUS": str(SPENT_STATUS)}
SAID_BY = {
    "cli": ("Commands", {"CommandFailed", "Stopped"}),
    "stacks": ("Synth", {"SettingsRefused", "VendoringFailed", "ValueError"}),
    "model_code": (
        "Jobs, and preparing data",
        {"JobFailed", "OutputRefused", "NotFetched", "ArchiveRefused"},
    ),
    "advisor": ("Advisor", {"ProblemError"}),
    "bakeoff": ("Bake-off", {"ComparisonRefused", "CandidateFailed"}),
    "serving": ("Server without TensorFlow", {"ModelUnusable"}),
    "local_aws": (
        "Embedded AWS",
        {
            "EmbeddedAwsFailed",
            "StateRefused",
            "StartFailed",
            "WeightsUnavailable",
            "TransferFailed",
            "NotDeployed",
        },
    ),
}
"""Of each folder: what speaks there, and the exceptions that carry its sentences."""


def codes() -> list[list[str]]:
    """A line for each code with each of its sentences."""
    found: set[tuple[str, str, str]] = set()
    for file, call in raised_in("lambdas", {"RequestRefused", *STATUSES}):
        name = ast.unparse(call.func)
        arguments = list(call.args)
        status = STATUSES.get(name) or NAMED.get(first := ast.unparse(arguments.pop(0)), first)
        if len(arguments) >= 2 and (text := written(arguments[0], file)):
            found.add((text, status, written(arguments[1], file) or "What is wrong with it."))
    return [[code(text), status, sentence] for text, status, sentence in sorted(found)]


def sentences(folder: str, names: set[str]) -> list[list[str]]:
    """A line for each sentence, with the file that says it."""
    found: dict[str, Path] = {}
    for file, call in raised_in(folder, names):
        if call.args and (text := written(call.args[0], file)) and " " in text:
            found.setdefault(" ".join(text.split()), file)
    return [[text, place(file)] for text, file in sorted(found.items())]


def place(file: Path) -> str:
    """A link to a file of the project."""
    return f"[{file.name}](../../{file.relative_to(ROOT).as_posix()})"


def errors_page() -> str:
    """The page of the API's codes."""
    return ERRORS_HEAD + table(("code", "status", "sentence"), codes())


def messages_page() -> str:
    """The page of all other sentences."""
    parts = [
        f"## {title}\n\n{table(('sentence', 'from'), sentences(folder, names))}"
        for folder, (title, names) in SAID_BY.items()
    ]
    return MESSAGES_HEAD + "\n".join(parts)


if __name__ == "__main__":
    ERRORS.write_text(errors_page(), encoding="utf-8")
    MESSAGES.write_text(messages_page(), encoding="utf-8")
