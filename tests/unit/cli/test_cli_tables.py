"""No table cuts off a name that somebody is going to type again, however narrow the terminal is."""

from __future__ import annotations

import re
from pathlib import Path

from rich.console import Console

import cli
from cli.shared.tables import new_table


def test_a_name_that_is_too_wide_is_broken_and_not_cut():
    made = new_table("Option", "Family")
    made.add_row("comprehend.classify_document", "managed_custom")
    console = Console(width=24)
    with console.capture() as capture:
        console.print(made)
    cells = [line.split("│")[1:3] for line in capture.get().splitlines() if line.startswith("│")]
    assert ["".join(column).replace(" ", "") for column in zip(*cells, strict=True)] == [
        "comprehend.classify_document",
        "managed_custom",
    ]


def test_every_command_makes_its_tables_this_way():
    others = {
        file.name
        for file in Path(cli.__file__).parent.rglob("*.py")
        if re.search(r"(?<![\w.])Table\(", file.read_text())
    }
    assert not others
