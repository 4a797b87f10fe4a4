"""Pages of reports: what comes from data is text in them, and no character in it is obeyed or cannot be written."""

from __future__ import annotations

from typing import Any

from model_code.markup import visible

# In a page they only part words.
SPACES = "\n\t"


def render_page(template: str, **words: Any) -> str:
    """A template below `cli`, filled; a word that it has not raises."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        """An expression's value; our own drawings are markup already."""
        is_text = isinstance(value, str) and not isinstance(value, Markup)
        return visible(value, SPACES) if is_text else value

    environment = Environment(
        loader=PackageLoader("cli", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=shown,
    )
    return environment.get_template(template).render(**words)
