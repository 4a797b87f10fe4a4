"""Runs the code of lessons and prints what it prints: `python -m tools.run_lesson docs/learn/1-neuron.md`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

LESSONS = Path(__file__).resolve().parents[1] / "docs" / "learn"
CODE = re.compile(r'^```python exec="on"[^\n]*\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def code_of(page: Path) -> Iterator[str]:
    """Each part of a page's code, in its order; all parts share their names."""
    return (match[1] for match in CODE.finditer(page.read_text("utf-8")))


def run(page: Path) -> None:
    """Runs a page's code from its beginning."""
    names = {"__name__": page.stem}
    for number, code in enumerate(code_of(page), start=1):
        exec(compile(code, f"{page.name}, part {number}", "exec"), names)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "pages", type=Path, nargs="*", default=sorted(LESSONS.glob("[0-9]*.md")), help="default: all"
    )
    for page in parser.parse_args().pages:
        print(f"# {page}")
        run(page)
