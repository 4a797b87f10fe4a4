"""Every setting that a page shows is one that an environment takes, in the place where the page puts it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from stacks.settings import EnvironmentSettings
from tools.documented_lines import PAGES

# A part of an environment of cdk.json: in a block of its own, or in a sentence.
SHOWN = re.compile(r'^```json\n(.*?)^```|`("\w+": [^`]+)`', re.DOTALL | re.MULTILINE)
# The body of a request or of a response, a line of a backlog, the input of a state machine.
OTHER_JSON = "{"


def settings_of(text: str) -> Iterator[str]:
    """The settings that a page shows."""
    for found in SHOWN.finditer(text):
        shown = (found[1] or found[2]).strip()
        if not shown.startswith(OTHER_JSON):
            yield shown


SETTINGS = [(page.name, shown) for page in PAGES for shown in settings_of(page.read_text("utf-8"))]


@pytest.mark.parametrize(("page", "shown"), SETTINGS)
def test_a_setting_that_a_page_shows_is_taken_where_the_page_puts_it(page, shown):
    given = json.loads(f"{{{shown}}}")
    # Without termination protection, as in dev: with it nothing may be shut down.
    of_dev = {"termination_protection": False}
    for name, environment in given.get("environments", {"dev": given}).items():
        EnvironmentSettings.model_validate({"name": name, **of_dev, **environment})
