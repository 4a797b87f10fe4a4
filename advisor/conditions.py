"""The condition language of the rules: small tables that become fast predicates over facts.

A condition is a table ``{fact = test}``; all its entries must hold. A test is a plain value (equality), a
list (one of), or a table of comparisons ``{at_least, below, above, at_most, known}``. A fact that is
unknown (None) satisfies only ``known = false``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

Facts = Mapping[str, Any]
Predicate = Callable[[Facts], bool]
Test = Mapping[str, Any] | list[Any] | str | bool | int | float

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "at_least": operator.ge,
    "at_most": operator.le,
    "below": operator.lt,
    "above": operator.gt,
}


def compile_condition(condition: Mapping[str, Test], known_facts: frozenset[str], where: str) -> Predicate:
    """A predicate for one condition.

    Raises ValueError with ``where`` in the sentence when a fact or a comparison does not exist.
    """
    tests = tuple(test for fact, spec in condition.items() for test in _tests(fact, spec, known_facts, where))
    if len(tests) == 1:
        return tests[0]

    def holds(facts: Facts) -> bool:
        return all(test(facts) for test in tests)

    return holds


def _tests(fact: str, spec: Test, known_facts: frozenset[str], where: str) -> list[Predicate]:
    if fact not in known_facts:
        raise ValueError(f"{where}: there is no fact {fact!r}.")
    if isinstance(spec, Mapping):
        return [_comparison(fact, name, bound, where) for name, bound in spec.items()]
    if isinstance(spec, list):
        allowed = frozenset(spec)
        return [lambda facts: facts[fact] in allowed]
    return [lambda facts: facts[fact] == spec]


def _comparison(fact: str, name: str, bound: Any, where: str) -> Predicate:
    if name == "known":
        return lambda facts: (facts[fact] is not None) is bound
    if name not in COMPARISONS:
        raise ValueError(f"{where}: {name!r} is not a comparison; there are {', '.join(COMPARISONS)}, known.")
    compare = COMPARISONS[name]

    def holds(facts: Facts) -> bool:
        value = facts[fact]
        return value is not None and compare(value, bound)

    return holds


def thresholds(condition: Mapping[str, Test]) -> list[tuple[str, float]]:
    """The numbers at which a condition can change its mind, as (fact, number)."""
    return [
        (fact, float(bound))
        for fact, spec in condition.items()
        if isinstance(spec, Mapping)
        for name, bound in spec.items()
        if name in COMPARISONS
    ]
