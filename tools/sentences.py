"""Reads from source code the sentences that its exceptions carry; what is put into one becomes a name in
braces, or an ellipsis."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tools.markdown import ROOT


def raised_in(folder: str, names: set[str]) -> Iterator[tuple[Path, ast.Call]]:
    """Every call of one of these names in the modules of a folder, with its file; in the order of the files."""
    for file in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rsplit(".", 1)[-1] in names:
                yield file, node


def written(node: ast.expr, file: Path) -> str | None:
    """A text as it is written; a name is looked up in its function or module. None for what is no text."""
    match node:
        case ast.Constant(value=str() as value):
            return value
        case ast.JoinedStr(values=parts):
            return "".join(written(part, file) or "" for part in parts)
        case ast.FormattedValue(value=ast.Name(id=name)) if name.isupper() and (
            text := written(node.value, file)
        ):
            return text
        case ast.FormattedValue(value=ast.Name(id=name) | ast.Attribute(attr=name)):
            return "{" + name.strip("_") + "}"
        case ast.FormattedValue():
            return "…"
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            texts = (written(left, file), written(right, file))
            return "".join(text or "" for text in texts) if any(texts) else None
        case ast.Call(func=ast.Attribute(value=value, attr="rstrip" | "strip")):
            return written(value, file)
        case ast.Name(id=name):
            return assigned(name, node.lineno, file)
    return None


def assigned(name: str, line: int, file: Path) -> str | None:
    """The text that a name was last given before a line of a file."""
    given = [
        node
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Assign)
        and node.lineno < line
        and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    ]
    last = max(given, key=lambda node: node.lineno, default=None)
    return written(last.value, file) if last else None
