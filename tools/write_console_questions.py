"""Writes console/page/questions.json, the advisor's questions for a form and the names of its candidates.

Example: python -m tools.write_console_questions
"""

from __future__ import annotations

import json
from typing import Any

from advisor import tables
from advisor.problem import CHOICES, COUNTS, NUMBERS, ONLY_FOR, TASKS
from cli.advise.advice import ALSO_TAKEN, ASKED_FOR, QUESTIONS
from console import PAGE
from tools.arguments import refuse_arguments

FILE = PAGE / "questions.json"


def field(name: str, question: str) -> dict[str, Any]:
    """One question as a form's field."""
    made: dict[str, Any] = {"name": name, "question": question, "more": name in ALSO_TAKEN}
    if name in (only_for := ONLY_FOR | ASKED_FOR):
        made["modalities"] = list(only_for[name])
    if name in COUNTS or name in NUMBERS:
        return {**made, "kind": "count" if name in COUNTS else "number"}
    if name in CHOICES:
        made |= {"kind": "choice", "choices": list(CHOICES[name])}
    else:
        made |= {"kind": "switch", "choices": ["yes", "no"]}
    return {**made, "by_modality": TASKS} if name == "task" else made


def content() -> str:
    """The file's content."""
    asked = [field(name, f"{question}?") for name, question in (QUESTIONS | ALSO_TAKEN).items()]
    names = {candidate.id: candidate.title for candidate in tables.candidates().values()}
    return json.dumps({"names": names, "questions": asked}, indent=1) + "\n"


if __name__ == "__main__":
    refuse_arguments(__doc__)
    FILE.write_text(content(), encoding="utf-8")
