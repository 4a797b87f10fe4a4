"""Writes console/page/questions.json, the advisor's questions for a form: `python -m tools.write_console_questions`."""

from __future__ import annotations

import json
from typing import Any

from advisor.problem import CHOICES, COUNTS, NUMBERS, TASKS
from cli.advise import QUESTIONS
from console import PAGE

FILE = PAGE / "questions.json"


def field(name: str, question: str) -> dict[str, Any]:
    """One question as a form's field."""
    made: dict[str, Any] = {"name": name, "question": question}
    if name in COUNTS or name in NUMBERS:
        return {**made, "kind": "number"}
    if name in CHOICES:
        made |= {"kind": "choice", "choices": list(CHOICES[name])}
    else:
        made |= {"kind": "switch", "choices": ["yes", "no"]}
    return {**made, "by_modality": TASKS} if name == "task" else made


def content() -> str:
    """The file's content."""
    return json.dumps([field(name, question) for name, question in QUESTIONS.items()], indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(content(), encoding="utf-8")
