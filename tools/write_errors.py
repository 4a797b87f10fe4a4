"""Writes docs/reference/errors.md and messages.md from the source code: `python -m tools.write_errors`."""

from __future__ import annotations

import ast
from pathlib import Path

from lambdas.bulk.asking import OBJECT_CHANGED
from lambdas.common.spending import SPENT_STATUS
from tools.arguments import refuse_arguments
from tools.markdown import REFERENCE, ROOT, code, table
from tools.sentences import exceptions_of, makers_of, raised_in, written

ERRORS, MESSAGES = REFERENCE / "errors.md", REFERENCE / "messages.md"
ERRORS_HEAD = """# Error codes of the API

Written by `make generate` from [lambdas](../../lambdas) and from [stacks](../../stacks), for what API Gateway and the
firewall refuse before any function runs. A refusal is `{"error": {"code": "…", "message": "…", "field": "…"}}`. Where a
`Retry-After` comes with it, the same request may succeed later. Names in braces, and ellipses, stand for what is put
in.

"""
MESSAGES_HEAD = """# Every sentence that ends something

Written by `make generate` from the source code. Look for the words of yours with the search above.
[When something fails](../when-something-fails.md) says more about the frequent ones. Names in braces, and ellipses,
stand for what is put in.

"""
OF_SEVERAL = "any other"
# What a call writes by a name of another module.
NAMED = {"SPENT_STATUS": str(SPENT_STATUS), "OBJECT_CHANGED": OBJECT_CHANGED}
SPEAKERS = {
    "cli": "Commands",
    "stacks": "Synth",
    "model_code": "Jobs, and preparing data",
    "advisor": "Advisor",
    "bakeoff": "Bake-off",
    "definitions": "Images and texts that are read",
    "lambdas": "Functions, beside the API's codes",
    "client": "Client",
    "serving": "Server without TensorFlow",
    "console": "Console",
    "local_aws": "Embedded AWS",
}
"""Of each folder: what speaks there."""
REFUSED = "RequestRefused"
# Of the built-in exceptions, those that end what a caller gave; the others are faults of our own.
OF_CALLERS = {"TypeError", "ValueError"}


def codes() -> list[list[str]]:
    """A line for each code with each of its sentences, of the functions and of what stands before them.

    Raises:
        ValueError: when a refusal's code is chosen by an expression, so that it would be in no document.
    """
    lines: set[tuple[str, str, str]] = set()
    made = makers_of("lambdas", {REFUSED})
    statuses = {name: ast.unparse(call.args[0]) for name, call in made.items()}
    for file, call in raised_in("lambdas", {REFUSED, *made}):
        if call in made.values():
            continue
        name = ast.unparse(call.func)
        arguments = list(call.args)
        status = statuses.get(name) or NAMED.get(first := ast.unparse(arguments.pop(0)), first)
        text = NAMED.get(ast.unparse(arguments[0])) or written(arguments[0], file)
        if text is None:
            raise ValueError(f"{file.name}, line {call.lineno}: write the code itself.")
        lines.add((text, status, written(arguments[1], file) or "What is wrong with it."))
    for file, call in raised_in("stacks", {"Refusal"}):
        status, text, sentence = (written(argument, file) for argument in call.args[:3])
        lines.add((text or "", status or OF_SEVERAL, sentence or ""))
    return [[code(text), status, sentence] for text, status, sentence in sorted(lines)]


def sentences(folder: str, names: set[str]) -> list[list[str]]:
    """A line for each sentence that these exceptions carry and that has no code of the API, with its file."""
    files: dict[str, Path] = {}
    made = makers_of(folder, names)
    if folder == "lambdas":
        names, made = names - {REFUSED}, {}
    for file, call in raised_in(folder, {*names, *made}):
        # Beside its sentence an exception may carry a code, a place or a status, which are shorter.
        text = max((written(word, file) or "" for word in call.args), key=len, default="")
        if " " in text:
            files.setdefault(" ".join(text.split()), file)
    return [[text, place(file)] for text, file in sorted(files.items())]


def place(file: Path) -> str:
    """A link to a file of the project."""
    return f"[{file.name}](../../{file.relative_to(ROOT).as_posix()})"


def errors_page() -> str:
    """The page of the API's codes."""
    return ERRORS_HEAD + table(("code", "status", "sentence"), codes())


def messages_page() -> str:
    """The page of all other sentences."""
    names = exceptions_of(SPEAKERS) | OF_CALLERS
    parts = [
        f"## {title}\n\n{table(('sentence', 'from'), sentences(folder, names))}"
        for folder, title in SPEAKERS.items()
    ]
    return MESSAGES_HEAD + "\n".join(parts)


if __name__ == "__main__":
    refuse_arguments(__doc__)
    ERRORS.write_text(errors_page(), encoding="utf-8")
    MESSAGES.write_text(messages_page(), encoding="utf-8")
