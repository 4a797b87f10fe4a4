"""Writes the client's methods, operations.py, from the table of operations: `python -m tools.write_client`."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from lambdas.catalogue import OPERATIONS
from lambdas.common.bodies import ImageBody, ImagePairBody, LabelsBody, ObjectBody, SequenceBody, TextBody
from lambdas.common.bodies import taken as what_is_taken
from lambdas.common.operations import Operation
from lambdas.common.options import Choice, Choices, Integer, QueryOption, Share
from tools.arguments import refuse_arguments

# Of a docstring in a method.
LINE, INDENT = 117, " " * 8
MODULE = Path(__file__).resolve().parents[1] / "client" / "recognition_client" / "operations.py"
HEAD = '''"""The client's method for each operation. Made by `python -m tools.write_client`; do not edit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from recognition_client.answers import Answer, BatchAnswer


class Operations(ABC):
    """Every operation. All raise RecognitionRefused when the API refuses and Unreachable when it does not answer."""

    @abstractmethod
    def ask_about_image(self, path: str, image: bytes, options: Mapping[str, Any]) -> Answer: ...

    @abstractmethod
    def ask_about_images(
        self, path: str, source: bytes, target: bytes, options: Mapping[str, Any]
    ) -> Answer: ...

    @abstractmethod
    def ask_about_text(self, path: str, text: str, options: Mapping[str, Any]) -> Answer: ...

    @abstractmethod
    def ask_about_texts(self, path: str, texts: Sequence[str], options: Mapping[str, Any]) -> BatchAnswer: ...

    @abstractmethod
    def ask_about_sequence(
        self, path: str, sequence: Sequence[Sequence[float]], options: Mapping[str, Any]
    ) -> Answer: ...

    @abstractmethod
    def tell_labels(self, path: str, operation: str, labels: Mapping[str, str]) -> Mapping[str, Any]: ...

    @abstractmethod
    def ask_about_object(self, path: str, members: Mapping[str, Any]) -> Mapping[str, Any]: ...
'''


def type_of(option: QueryOption) -> str:
    """The Python type of an option's value."""
    match option:
        case Integer():
            return "int"
        case Share():
            return "float"
        case Choice(values=values):
            return f"Literal[{', '.join(repr(value) for value in values)}]"
        case Choices(values=values):
            return f"Sequence[Literal[{', '.join(repr(value) for value in values)}]]"
    return "str" if option.schema()["type"] == "string" else "Sequence[str]"


def subjects(operation: Operation) -> tuple[dict[str, str], str, str]:
    """What a method takes first, with types; which helper sends it; what comes back."""
    match operation.body:
        case ImageBody():
            return {"image": "bytes"}, "ask_about_image", "Answer"
        case ImagePairBody():
            return {"source": "bytes", "target": "bytes"}, "ask_about_images", "Answer"
        case TextBody():
            return {"text": "str"}, "ask_about_text", "Answer"
        case SequenceBody():
            return {"sequence": "Sequence[Sequence[float]]"}, "ask_about_sequence", "Answer"
        case LabelsBody(operations):
            names = f"Literal[{', '.join(map(repr, operations))}]"
            return {"operation": names, "labels": "Mapping[str, str]"}, "tell_labels", "Mapping[str, Any]"
        case ObjectBody():
            return {"problem": "Mapping[str, Any]"}, "ask_about_object", "Mapping[str, Any]"
    return {"texts": "Sequence[str]"}, "ask_about_texts", "BatchAnswer"


def method(operation: Operation) -> str:
    """The source of one method."""
    takes, helper, gives = subjects(operation)
    parameters = [f"{name}: {kind}" for name, kind in takes.items()]
    if operation.options:
        parameters += [
            "*",
            *(f"{option.name}: {type_of(option)} | None = None" for option in operation.options),
        ]
    described = "".join(f"\n            {option.name}: {option.description}" for option in operation.options)
    about = f"\n\n        Args:{described}\n        " if described else ""
    options = ", ".join(f"{option.name!r}: {option.name}" for option in operation.options)
    sent = [repr(operation.path), *takes]
    if not isinstance(operation.body, LabelsBody | ObjectBody):
        sent.append(f"{{{options}}}")
    taken = textwrap.fill(
        what_is_taken(operation.body), LINE, initial_indent=INDENT, subsequent_indent=INDENT
    )
    return (
        f"    def {operation.name.replace('-', '_')}(self, {', '.join(parameters)}) -> {gives}:\n"
        f'        """{operation.summary}\n\n{taken}{about}"""\n'
        f"        return self.{helper}({', '.join(sent)})\n"
    )


def source() -> str:
    """The module's source, formatted as the rest of the project."""
    written = HEAD + "\n" + "\n".join(method(operation) for operation in OPERATIONS)
    ruff = Path(sys.executable).with_name("ruff")
    command = [str(ruff), "format", "--stdin-filename", str(MODULE), "-"]
    return subprocess.run(command, input=written, capture_output=True, encoding="utf-8", check=True).stdout


if __name__ == "__main__":
    refuse_arguments(__doc__)
    MODULE.write_text(source(), encoding="utf-8")
