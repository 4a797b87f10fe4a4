"""Reads from source code the sentences that its exceptions carry; what is put into one becomes a name in
braces, or an ellipsis."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from tools.markdown import ROOT

# A base class from elsewhere is known by its name alone.
FOREIGN = ("Error", "Exception")
BUILT_IN = {
    name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, Exception)
}


@cache
def parts_of(file: Path) -> list[ast.AST]:
    """Every part of a module."""
    return list(ast.walk(ast.parse(file.read_text("utf-8"))))


def nodes_of(folder: str) -> Iterator[tuple[Path, ast.AST]]:
    """Every part of the modules of a folder, with its file; in the order of the files."""
    return ((file, node) for file in sorted((ROOT / folder).rglob("*.py")) for node in parts_of(file))


def exceptions_of(folders: Iterable[str]) -> set[str]:
    """The names of the exception classes that the modules of these folders define, through any number of bases."""
    bases = {
        node.name: {ast.unparse(base).rsplit(".", 1)[-1] for base in node.bases}
        for folder in folders
        for _, node in nodes_of(folder)
        if isinstance(node, ast.ClassDef)
    }
    names = {
        name for name, of in bases.items() if any(base in BUILT_IN or base.endswith(FOREIGN) for base in of)
    }
    while more := {name for name, of in bases.items() if of & names} - names:
        names |= more
    return names


def makers_of(folder: str, names: set[str]) -> dict[str, ast.Call]:
    """The functions of a folder that make one of these exceptions of the words that they are given, with the call."""
    makers = {}
    for _, node in nodes_of(folder):
        match node:
            case ast.FunctionDef(body=[*_, ast.Return(value=ast.Call(func=ast.Name(id=made)) as call)]) if (
                made in names
            ):
                given = {argument.arg for argument in node.args.args}
                if any(isinstance(word, ast.Name) and word.id in given for word in call.args):
                    makers[node.name] = call
    return makers


def raised_in(folder: str, names: set[str]) -> Iterator[tuple[Path, ast.Call]]:
    """Every call of one of these names in the modules of a folder, with its file; in the order of the files."""
    for file, node in nodes_of(folder):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rsplit(".", 1)[-1] in names:
            yield file, node


def written(node: ast.expr, file: Path) -> str | None:
    """A text as it is written; a name is looked up in its function or module. None for what is no text."""
    match node:
        case ast.Constant(value=str() | int() as value):
            return str(value)
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
        case ast.Call(func=ast.Name(id=name)):
            return returned(name, file)
    return None


def returned(name: str, file: Path) -> str | None:
    """The text that a function of a file returns at its end."""
    for node in parts_of(file):
        match node:
            case ast.FunctionDef(body=[*_, ast.Return(value=ast.expr() as value)]) if node.name == name:
                return written(value, file)
    return None


def assigned(name: str, line: int, file: Path) -> str | None:
    """The text that a name was last given before a line of a file."""
    given = [
        node
        for node in parts_of(file)
        if isinstance(node, ast.Assign)
        and node.lineno < line
        and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    ]
    last = max(given, key=lambda node: node.lineno, default=None)
    return written(last.value, file) if last else None
