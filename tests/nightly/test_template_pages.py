"""The pages of alarms and permissions are what the templates with every option make; the synth takes half a minute."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tools import write_template_pages as pages


@pytest.fixture(scope="module")
def templates():
    os.environ.setdefault("JSII_NODE", str(Path(sys.prefix) / "bin" / "node"))
    os.environ["JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION"] = "1"
    return pages.synthesised()


def test_the_page_of_alarms_is_what_the_templates_make(templates):
    assert pages.ALARMS.read_text(encoding="utf-8") == pages.alarms_page(templates), "Run: make generate"


def test_the_page_of_permissions_is_what_the_templates_make(templates):
    assert pages.PERMISSIONS.read_text(encoding="utf-8") == pages.permissions_page(templates), (
        "Run: make generate"
    )
