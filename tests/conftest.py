"""Divides the tests between processes: each file goes whole, in its usual order, to the first that is free."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# All that synthesise write the functions' code to the same folder, so one process has them all.
SYNTHESISE = ("tests/infrastructure/", "tests/local/")


class ByFile(LoadScopeScheduling):
    """xdist's scheduler of whole scopes, with the files that synthesise as one scope.

    The mark `xdist_group` would say the same, but pytest-xdist 3.8 loses it under pytest 9.2 (its issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        return "synthesise" if nodeid.startswith(SYNTHESISE) else nodeid.split("::", 1)[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """Takes the place of the scheduler that `--dist` names."""
    return ByFile(config, log)
