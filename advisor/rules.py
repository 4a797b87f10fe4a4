"""The rules of ``data/rules.toml``, compiled, and the facts that they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from advisor import tables
from advisor.conditions import Predicate, compile_condition, thresholds
from advisor.problem import FIELDS, Problem

DERIVED_FACTS = ("examples_per_class", "accuracy_gap")


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of ``data/rules.toml``; `points` is None for a rule that rules out."""

    id: str
    holds: Predicate = field(repr=False)
    points: float | None
    reason: str
    source: str
    tests: tuple[tuple[str, float], ...]


@cache
def rules_of(candidate_id: str) -> tuple[Rule, ...]:
    """The rules that address a candidate, compiled."""
    kinds = tables.candidates()[candidate_id].kinds
    return tuple(rule for addressed, rule in rules() if kinds & addressed)


@cache
def rules() -> tuple[tuple[frozenset[str], Rule], ...]:
    """Every rule with the kinds of candidates it addresses.

    Raises:
        ValueError: for a condition on a fact that does not exist.
    """
    facts = frozenset((*FIELDS, *DERIVED_FACTS))
    return tuple(
        (
            frozenset(entry["candidates"]),
            Rule(
                entry["id"],
                compile_condition(entry["when"], facts, entry["id"]),
                entry.get("points"),
                entry["reason"],
                entry["source"],
                tuple(thresholds(entry["when"])),
            ),
        )
        for entry in tables.read("rules.toml")["rule"]
    )


def facts_of(problem: Problem) -> Mapping[str, Any]:
    """What conditions are asked of: every answer and what follows from them."""
    facts = {name: getattr(problem, name) for name in FIELDS}
    return {**facts, **derived_facts(facts)}


def derived_facts(answers: Mapping[str, Any]) -> dict[str, float | None]:
    """DERIVED_FACTS of the answers."""
    examples, classes = answers["labelled_examples"], answers["classes"]
    needed, today = answers["accuracy_needed"], answers["baseline_accuracy"]
    return {
        "examples_per_class": examples / classes if examples is not None and classes else None,
        "accuracy_gap": needed - today if needed is not None and today is not None else None,
    }
