"""Hooks of the documentation site: files outside of docs that a page links to, and the formulas of the lessons."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

# The packages of the extra `docs` are not among those of `dev`, by which types are checked.
from latex2mathml.converter import convert  # pyright: ignore[reportMissingImports]
from mkdocs.structure.files import File, Files  # pyright: ignore[reportMissingImports]

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
# A link out of docs, with its anchor if it has one.
OUTSIDE = re.compile(r"\]\((\.\./[^)#\s]+)(#[^)\s]*)?\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
FORMULA = re.compile(r"\$([^$\n]+)\$")
# Browsers lower a subscript as a mathematical font says, and few machines have one; these digits are low in any font.
SUBSCRIPT = re.compile(r"<msub>(<mi>[^<]*</mi>)<mn>([0-9]+)</mn></msub>")
LOW_DIGITS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
# Source code is shown as text; browsers would offer it as a download.
AS_IT_IS = {".json", ".md", ".png", ".svg"}


def name_in_site(path: Path) -> str:
    """Where a file of the project lies in the site, from its top."""
    place = path.relative_to(ROOT)
    return (Path("project") / place).as_posix() + ("" if path.suffix in AS_IT_IS else ".txt")


def target_of(page_directory: Path, link: str) -> Path | None:
    """The file outside of docs that a link leads to, of a folder its README; None where there is none."""
    path = (page_directory / link).resolve()
    if path.is_dir():
        path = next((path / name for name in ("README.md", "__init__.py") if (path / name).exists()), path)
    return path if path.is_file() and not path.is_relative_to(DOCS) else None


def on_files(files: Files, config: Any) -> Files:
    """Adds every file outside of docs that a page links to."""
    linked = set()
    for page in files.documentation_pages():
        source = DOCS / page.src_uri
        targets = (target_of(source.parent, link) for link, _ in OUTSIDE.findall(source.read_text("utf-8")))
        linked |= {path for path in targets if path}
    for path in sorted(linked):
        # Markdown of other folders is shown as it is written: its own links lead elsewhere.
        name = name_in_site(path) + (".txt" if path.suffix == ".md" else "")
        files.append(File.generated(config, name, content=path.read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Leads links out of docs to those files; one to a folder without a page of its own becomes plain words."""
    directory = Path(page.file.abs_src_path).parent

    def replaced(match: re.Match[str]) -> str:
        path = target_of(directory, match[1])
        if path is None:
            return "]" if (directory / match[1]).resolve().is_dir() else match[0]
        name = name_in_site(path) + (".txt" if path.suffix == ".md" else "")
        return f"]({os.path.relpath(DOCS / name, directory)})"

    markdown = OUTSIDE.sub(replaced, markdown)
    return with_formulas(markdown) if page.file.src_uri.startswith("learn/") else markdown


def with_formulas(markdown: str) -> str:
    """A page with its formulas as MathML, which browsers draw by themselves; code stays as it is."""
    parts, end = [], 0
    for code in FENCED.finditer(markdown):
        parts += [FORMULA.sub(as_mathml, markdown[end : code.start()]), code[0]]
        end = code.end()
    return "".join((*parts, FORMULA.sub(as_mathml, markdown[end:])))


def as_mathml(formula: re.Match[str]) -> str:
    """One formula."""
    return SUBSCRIPT.sub(
        lambda match: f"{match[1]}<mtext>{match[2].translate(LOW_DIGITS)}</mtext>", convert(formula[1])
    )
