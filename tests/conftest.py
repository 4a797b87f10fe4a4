"""Divides the tests into two groups that can run side by side, each in one process and in its usual order."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# All that synthesise write the functions' code to the same folder, so they stay together.
SYNTHESISE = {"infrastructure", "local"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test with its group, by its folder."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        item.add_marker(pytest.mark.xdist_group("synthesise" if folder in SYNTHESISE else "others"))
