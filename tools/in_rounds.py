"""A pytest plugin that takes three tests of each module, a round at a time: each module's fixtures are made thrice.

`pytest -p tools.in_rounds` runs as `make test` may: a worker that has nothing left takes tests of another. So the tests
of a module come to one process in pieces, and its fixtures are made anew where an earlier piece has left its things.
"""

from __future__ import annotations

from itertools import zip_longest

import pytest

ROUNDS = 3


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves the first, a middle and the last test of each module, in rounds over all modules."""
    modules: dict[object, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(item.path, []).append(item)
    items[:] = [item for turn in zip_longest(*map(some, modules.values())) for item in turn if item]


def some(tests: list[pytest.Item]) -> list[pytest.Item]:
    """The first, a middle and the last of a module's tests; fewer where there are fewer."""
    places = sorted({round(number * (len(tests) - 1) / (ROUNDS - 1)) for number in range(ROUNDS)})
    return [tests[place] for place in places]
