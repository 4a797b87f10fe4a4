"""The lines that README and the pages of docs tell a reader to type, in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Later pages go on from what the first ones started and trained.
FIRST = (ROOT / "README.md", ROOT / "docs" / "get-started.md", ROOT / "docs" / "own-data.md")
PAGES = (*FIRST, *sorted({*(ROOT / "docs").glob("*.md")} - {*FIRST}))
BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
# A word in a sentence that is a command as it stands; one with an ellipsis leaves something out.
INLINE = re.compile(r"`((?:[A-Z_]+=\S+ )*(?:recognition|make|python -m|cdk|aws) [^`…]+)`")


@dataclass(frozen=True)
class Line:
    """A command, the page and the number of the line where it stands, and whether it stands in a block."""

    page: str
    number: int
    command: str
    in_block: bool = True

    def __str__(self) -> str:
        return f"{self.page}:{self.number}: {self.command}"


def lines_of(page: Path) -> Iterator[Line]:
    """The commands of a page's `console` blocks, without their comments; a line that ends in \\ goes on in the next."""
    text = page.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        number = text.count("\n", 0, block.start(1)) + 1
        for command in re.split(r"^\$ ", block[1], flags=re.MULTILINE)[1:]:
            joined = re.sub(r"\\\n\s*", "", command).strip()
            yield Line(page.name, number, re.sub(r"\s{2,}# .*$", "", joined))
            number += command.count("\n")


def inline_lines_of(page: Path) -> Iterator[Line]:
    """The commands that stand in a page's sentences."""
    text = page.read_text(encoding="utf-8")
    without_blocks = re.sub(
        r"^```.*?^```", lambda block: "\n" * block[0].count("\n"), text, flags=re.S | re.M
    )
    for match in INLINE.finditer(without_blocks):
        number = without_blocks.count("\n", 0, match.start()) + 1
        yield Line(page.name, number, " ".join(match[1].split()), in_block=False)
