"""Shows what a cascade's threshold does to accuracy and cost, from recorded answers, before it is switched on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.shared.errors import CommandFailed
from lambdas.common.policy import CASCADE, MANAGED, OTHER, OWN, Policy

THRESHOLDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


@dataclass(frozen=True)
class Record:
    """One request with both answers: label and score of each by backend, and what the managed one cost, if known."""

    truth: str
    label: dict[str, str]
    score: dict[str, float]
    usd: float | None


@dataclass(frozen=True)
class Effect:
    """What a threshold would have done.

    Attributes:
        threshold: below which the second backend is asked.
        accuracy: share of right answers.
        second_share: share of requests for which the second backend was asked.
        usd_per_request: mean cost of the managed service; None where a record does not say.
    """

    threshold: float
    accuracy: float
    second_share: float
    usd_per_request: float | None


def read_records(file: Path) -> list[Record]:
    """The records of a JSON Lines file.

    Raises:
        CommandFailed: naming the line and what is wrong with it.
    """
    records = []
    # By bytes: within a text JSON leaves characters as they are that splitlines would take for the end of a line.
    for number, line in enumerate(file.read_bytes().split(b"\n"), start=1):
        if line.strip():
            try:
                records.append(record_of(json.loads(line)))
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise CommandFailed(
                    f"Line {number} of {file} is no record ({type(error).__name__}: {error}). A record is "
                    '{"truth": "…", "own": {"label": "…", "score": 0.9}, '
                    '"managed": {"label": "…", "score": 0.8, "usd": 0.0003}}.'
                ) from error
    if not records:
        raise CommandFailed(f"{file} holds no record.")
    return records


def record_of(members: dict[str, Any]) -> Record:
    """A record from its JSON; ValueError, KeyError or TypeError where something is missing or impossible."""
    label = {backend: str(members[backend]["label"]) for backend in (OWN, MANAGED)}
    score = {backend: float(members[backend]["score"]) for backend in (OWN, MANAGED)}
    if not all(0 <= share <= 1 for share in score.values()):
        raise ValueError("a score has to be from 0 to 1")
    usd = members[MANAGED].get("usd")
    return Record(str(members["truth"]), label, score, None if usd is None else float(usd))


def effect_of(records: Sequence[Record], first: str, threshold: float) -> Effect:
    """What a cascade with this threshold would have answered and cost, by the API's own rule."""
    policy = Policy(CASCADE, first=first, threshold=threshold)
    second = OTHER[first]
    asked = [not policy.is_sure(record.score[first]) for record in records]
    right = [
        record.label[second if again else first] == record.truth
        for record, again in zip(records, asked, strict=True)
    ]
    charged = [record.usd for record, again in zip(records, asked, strict=True) if again or first == MANAGED]
    prices = [usd for usd in charged if usd is not None]
    known = sum(prices) / len(records) if len(prices) == len(charged) else None
    return Effect(threshold, sum(right) / len(records), sum(asked) / len(records), known)


def effects(records: Sequence[Record], first: str, thresholds: Sequence[float] = THRESHOLDS) -> list[Effect]:
    """The effect of each threshold."""
    return [effect_of(records, first, threshold) for threshold in thresholds]
