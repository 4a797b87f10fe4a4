"""Writes docs/embedded-members.md, what becomes of each member: `python -m tools.write_embedded_members`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local_aws.members import HONOURED, RECORDED, REFUSED, Members
from local_aws.sagemaker.members import RUNTIME_TABLE, TABLE
from local_aws.sagemaker.shapes import Shapes
from tools.arguments import refuse_arguments

PAGE = Path(__file__).resolve().parents[1] / "docs" / "embedded-members.md"
HEAD = (
    "# What the embedded SageMaker does with each member of a request\n\n"
    "Written by `make generate` from [the table](../local_aws/sagemaker/members.py) and botocore's model of the "
    "service; a test makes requests from the same model, one member at a time, and holds the table. *Honoured*: what "
    "happens is by it. *Recorded*: it is told again by the operation that describes, and nothing else comes of it "
    "here. *Refused*: a `ValidationException` names it. A name stands for all that is below it; behind a member are "
    "the values that are taken where not all are.\n"
)


def parts(
    shape: Any, entry: Members, path: str = "", above: tuple[str, ...] = ()
) -> Iterator[tuple[str, str]]:
    """The members of a shape with what becomes of them; one where all below it have the same fate."""
    if shape.name in above:
        return
    below: list[tuple[str, str]] = []
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            below += parts(member, entry, f"{path}.{name}".lstrip("."), (*above, shape.name))
    elif shape.type_name == "list":
        below += parts(shape.member, entry, f"{path}[]", above)
    fates = {fate for _, fate in below} or {entry.fate(path)}
    has_values = any(value.startswith(path) for value in entry.values if value != path)
    if path and len(fates) == 1 and not has_values:
        yield path.removesuffix("[]"), fates.pop()
    else:
        yield from below


def row(operation: str, entry: Members, shapes: Shapes) -> Iterator[str]:
    """An operation's lines of the table."""
    shape = shapes.model.operation_model(operation).input_shape
    members = list(parts(shape, entry)) if shape else []
    for fate in (HONOURED, RECORDED, REFUSED):
        names = [with_values(path, entry) for path, member_fate in members if member_fate == fate]
        if names:
            yield f"| {operation} | {fate} | {', '.join(names)} |"


def with_values(path: str, entry: Members) -> str:
    """A member, with the values that are taken of it."""
    values = entry.values.get(path)
    return f"`{path}`" + (f" ({' or '.join(str(value) for value in values)})" if values else "")


def page() -> str:
    """The whole page."""
    tables = ((TABLE, Shapes("sagemaker")), (RUNTIME_TABLE, Shapes("sagemaker-runtime")))
    rows = [
        line
        for table, shapes in tables
        for operation, entry in sorted(table.items())
        for line in row(operation, entry, shapes)
    ]
    return "\n".join([HEAD, "| operation | | members |", "|---|---|---|", *rows, ""])


if __name__ == "__main__":
    refuse_arguments(__doc__)
    PAGE.write_text(page(), encoding="utf-8")
