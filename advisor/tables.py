"""The advisor's tables in ``advisor/data``, read once and kept.

Nothing is read at import; the first call of a loader reads its file, later calls return the same object.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from definitions.networks import KINDS, NETWORKS

DATA = Path(__file__).parent / "data"
FAMILIES = ("managed", "managed_custom", "foundation", "traditional", *KINDS, "hybrid")
OWN_FAMILIES = frozenset({"traditional", *KINDS, "hybrid"})
"""Families whose model is the caller's own, trained and served on SageMaker AI or Lambda."""
TITLES = {
    "traditional_ml": "Traditional machine learning",
    "hybrid_cascade": "Cascade of own model and service",
}
"""Of candidates that are neither an operation of a service nor a kind of network."""


@dataclass(frozen=True, slots=True)
class Closure:
    """A service or feature that new customers cannot get, or nobody any more.

    Attributes:
        marks: what a template or a policy that uses it has in it.
    """

    id: str
    name: str
    replacement: str
    source: str
    date_status: str
    marks: tuple[str, ...]
    closed_to_new_customers: date | None = None
    end_of_support: date | None = None

    def sentence(self) -> str:
        """What is closed since when, and what takes its place."""
        if self.end_of_support:
            what = f"{self.name} ended on {self.end_of_support.isoformat()}"
        elif self.closed_to_new_customers:
            what = f"{self.name} is closed to new customers since {self.closed_to_new_customers}"
        else:
            what = f"{self.name} is closed to new customers"
        return f"{what}; use {self.replacement}."


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that can be advised, with the tasks it answers as "modality:task"."""

    id: str
    family: str
    service: str
    operation: str
    tasks: frozenset[str]
    billing: Mapping[str, Any] = field(hash=False)
    base: float = 0.0
    closure: Closure | None = None
    own_data: bool = False
    max_characters: int | None = None

    @property
    def title(self) -> str:
        """What it is called for people: a service and its operation, or a kind of model."""
        if self.id in NETWORKS:
            return NETWORKS[self.id].title
        service = self.service.removeprefix("Amazon ")
        # A service with a name of its own for models on own data has one operation.
        return TITLES.get(self.id) or (service if "Custom" in service else f"{service} {self.operation}")

    @property
    def kinds(self) -> frozenset[str]:
        """The names a rule may address this candidate by: its id, its family and its groups."""
        names = {self.id, self.family, "all"}
        if self.family == "managed" and not self.own_data:
            names.add("vendor_vocabulary")
        if self.family in KINDS:
            names.add("deep")
        if self.family in OWN_FAMILIES:
            names.add("own")
        if self.family in ("managed", "managed_custom", "foundation"):
            names.add("cloud_api")
        return frozenset(names)


def read(name: str) -> dict[str, Any]:
    """One table file of ``advisor/data`` as plain values."""
    return tomllib.loads((DATA / name).read_text(encoding="utf-8"))


@cache
def closures() -> dict[str, Closure]:
    """All closures by id."""
    entries: list[dict[str, Any]] = read("closures.toml")["closure"]
    made = [Closure(marks=tuple(entry.pop("marks")), **entry) for entry in entries]
    return {closure.id: closure for closure in made}


@cache
def candidates() -> dict[str, Candidate]:
    """All candidates by id; raises KeyError for a closure that is not in the table of closures."""
    made: dict[str, Candidate] = {}
    for entry in read("candidates.toml")["candidate"]:
        values = dict(entry, tasks=frozenset(entry["tasks"]))
        if "closure" in values:
            values["closure"] = closures()[values["closure"]]
        made[entry["id"]] = Candidate(**values)
    return made


@cache
def candidates_for(modality: str, task: str) -> tuple[Candidate, ...]:
    """The candidates that answer a task, in the table's order."""
    return tuple(c for c in candidates().values() if f"{modality}:{task}" in c.tasks)


@cache
def assumptions() -> dict[str, Any]:
    """The cost model's assumptions."""
    return read("assumptions.toml")
