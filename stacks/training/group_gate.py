"""The gate on how far a model stays behind for the group of samples that it answers worst."""

from __future__ import annotations

from typing import Any

from stacks.shared.asl import choice, fail
from stacks.training.champion_gate import number
from stacks.training.run_request import ANY_GAP


def group_gate(*, then: str) -> dict[str, Any]:
    """Where a run asks for it, the worst group of samples may not stay too far behind."""
    gap, most = number("$group_gap"), number("$maximum_group_gap")
    return {
        "GroupGate": choice(
            "BehindGroup",
            (
                f"$maximum_group_gap >= {ANY_GAP} or $group_gap >= 0 and $group_gap <= $maximum_group_gap",
                then,
            ),
        ),
        "BehindGroup": fail(
            "BehindGroup",
            "$group_gap < 0 ? 'The test split says no groups of enough samples, so their gap is not known; it was to "
            f"be at most ' & {most} & '. Nothing was registered.' : 'The worst group of the test split stays ' & {gap} "
            f"& ' behind all of it, and the gate is ' & {most} & '. Nothing was registered.'",
        ),
    }
