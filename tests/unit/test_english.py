"""The pages read well: short paragraphs, short pages, plain words, and a nav of four parts.

Pages that are made from the code are looked up and not read, so that their length is not counted.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
MADE = {*(DOCS / "reference").glob("*.md"), DOCS / "embedded-members.md", DOCS / "use-cases.md"}
OTHERS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
OTHERS += [ROOT / folder / "README.md" for folder in ("tests", "benchmarks", "client")]
PAGES = sorted({*DOCS.rglob("*.md"), *OTHERS} - MADE)
MOST_WORDS_OF_A_PARAGRAPH, MOST_WORDS, MOST_WORDS_OF_THE_README = 90, 1_500, 900
FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
PARAGRAPHS = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )")
BETTER = {
    "utilise": "use",
    "utilize": "use",
    "leverage": "use",
    "in order to": "to",
    "simply": "nothing",
    "obviously": "nothing",
    "easily": "nothing",
    "please": "nothing",
    "way in": "access",
    "ways in": "access",
    "doors": "access",
    "lets in": "admits",
    "and/or": "and, or or",
    "etc.": "what is meant",
    "blacklist": "deny list",
    "whitelist": "allow list",
    "sanity check": "check",
}
"""Words that say too little or belong to no field, with what to write instead."""


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose_of(page: Path) -> str:
    """A page without code and without the addresses of its links."""
    return re.sub(r"\]\([^)]*\)", "]", FENCED.sub("", page.read_text("utf-8")))


def paragraphs_of(page: Path) -> list[str]:
    """Paragraphs and list items; a table is none."""
    parts = [part.strip() for part in PARAGRAPHS.split(prose_of(page))]
    return [part for part in parts if part and not part.startswith(("|", "<", "!"))]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_paragraph_is_long(page):
    long = [part for part in paragraphs_of(page) if len(part.split()) > MOST_WORDS_OF_A_PARAGRAPH]
    assert not long, f"{len(long[0].split())} words: divide it"


@pytest.mark.parametrize("page", [page for page in PAGES if page.is_relative_to(DOCS)], ids=name_of)
def test_no_page_is_long(page):
    assert len(FENCED.sub("", page.read_text("utf-8")).split()) <= MOST_WORDS, "Divide it."


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text("utf-8").split()) < MOST_WORDS_OF_THE_README


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_words_are_plain(page):
    prose = re.sub(r"`[^`]*`", "", prose_of(page)).lower()
    assert [word for word in BETTER if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", prose)] == []


def test_the_site_has_four_parts():
    _, navigation = (ROOT / "mkdocs.yml").read_text("utf-8").split("\nnav:\n")
    assert re.findall(r"^  - (\w+):", navigation, re.MULTILINE) == [
        "Learn",
        "Guides",
        "Reference",
        "Explanation",
    ]
