"""A plan's answer: every limit that the task would meet, with its share; what it costs and takes; how it is shown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Group
from rich.text import Text

from advisor.limits import Limit, limits
from advisor.prices import PriceTable
from advisor.tables import read
from cli.shared.progress import money
from cli.shared.tables import new_table
from definitions.counts import counted

SURE = {"quoted": "", "secondary": " (by other sources than AWS's own)", "unverified": " (not confirmed)"}
CDK = "in cdk.json"
# From this share on a limit is shown to a person.
NEAR = 0.1
ROUNDING = 1e-9


@dataclass(frozen=True)
class Check:
    """One limit, and what the task needs of it.

    Attributes:
        name: of the limit.
        needed, allowed: in `unit`.
        unit: of both.
        change: what to do where it is too little, a sentence.
        quota: AWS's limit; None for a setting or a bound of the project's own.
    """

    name: str
    needed: float
    allowed: float
    unit: str
    change: str
    quota: Limit | None = None

    @property
    def share(self) -> float:
        """Of what is allowed; above 1 it is too much."""
        return self.needed / self.allowed

    @property
    def fits(self) -> bool:
        """Whether it is enough; what is used up to the last is."""
        return self.share <= 1 + ROUNDING

    def facts(self) -> dict[str, Any]:
        """For a program."""
        return {**asdict(self), "share": round(self.share, 6), "fits": self.fits}


@dataclass(frozen=True)
class ScalePlan:
    """What a task meets.

    Attributes:
        task: in words.
        checks: its limits.
        seconds: that it takes; None for what goes on for ever.
        usd: by what is paid for; None where nobody confirmed the price.
        per: what the costs are of, such as "run" or "month".
        assumed: what was taken for granted, sentences.
    """

    task: str
    checks: list[Check]
    usd: dict[str, float | None]
    per: str
    seconds: float | None = None
    assumed: list[str] = field(default_factory=list)

    @property
    def ordered(self) -> list[Check]:
        """The limit that is met first before the others."""
        return sorted(self.checks, key=lambda check: -check.share)


def setting(path: str, needed: float, allowed: float, unit: str, change: str = "") -> Check:
    """A setting of the environment."""
    return Check(f"{path} {CDK}", needed, allowed, unit, change or f"Set it to {enough(needed)} or more.")


def quota(limit_id: str, needed: float, change: str = "") -> Check:
    """A limit of AWS by its id in the table."""
    return by_limit(limits()[limit_id], needed, change)


def by_limit(limit: Limit, needed: float, change: str = "") -> Check:
    """A limit of AWS: where it is adjustable and nothing better is said, more is asked for."""
    asked = (
        f"Ask for {enough(needed)} in Service Quotas." if limit.adjustable else "AWS raises it for nobody."
    )
    return Check(limit.name, needed, limit.value, limit.unit, change or asked, limit)


def charge(prices: PriceTable, name: str, units: float) -> float | None:
    """What so many units cost in a month; None where nobody confirmed the price."""
    price = prices[name]
    return round(price.charge(units), 2) if price.known and price.is_sure_at(units) else None


def charges(prices: PriceTable, units: Mapping[str, float]) -> float | None:
    """What several lines cost together in a month, by their prices; None where nobody confirmed one of them."""
    lines = [charge(prices, name, count) for name, count in units.items()]
    known = [usd for usd in lines if usd is not None]
    return round(sum(known), 2) if len(known) == len(lines) else None


def facts(plan: ScalePlan) -> dict[str, Any]:
    """The whole plan for a program."""
    return {
        "task": plan.task,
        "seconds": plan.seconds,
        "usd": plan.usd,
        "usd_per": plan.per,
        "limits": [check.facts() for check in plan.ordered],
        "assumed": plan.assumed,
        "limits_checked_on": str(read("limits.toml")["checked_on"]),
    }


def shown(plan: ScalePlan) -> Group:
    """The plan for a person: the limit met first, those that come near, what to change, time and cost."""
    table = new_table("Limit", "Needed", "Allowed", "Share")
    near = [check for check in plan.ordered if check.share >= NEAR]
    for check in near or plan.ordered[:1]:
        sure = SURE[check.quota.status] if check.quota else ""
        needed, allowed = number(check.needed), number(check.allowed)
        table.add_row(check.name + sure, f"{needed} {check.unit}", allowed, share_of(check))
    far = len(plan.checks) - len(near)
    lines = (
        [f"{counted(far, 'other is', 'others are')} below {NEAR:.0%} of what is allowed; --json shows them."]
        if far
        else []
    )
    changes = [f"- {check.name}: {check.change}" for check in plan.ordered if not check.fits]
    lines += ["What to change:", *changes] if changes else []
    return Group(Text(head(plan)), table, *map(Text, [*lines, *tail(plan)]))


def head(plan: ScalePlan) -> str:
    """What is met first."""
    first, over = plan.ordered[0], sum(not check.fits for check in plan.checks)
    verdict = (
        f"{over} of {len(plan.checks)} limits are too low" if over else f"All {len(plan.checks)} limits hold"
    )
    return f"{plan.task}. {verdict}; the first is {first.name} ({share_of(first)})."


def tail(plan: ScalePlan) -> Iterable[str]:
    """Time, costs and what was taken for granted."""
    if plan.seconds is not None:
        yield f"Time: {duration(plan.seconds)}."
    lines = ", ".join(f"{name} {money(usd)}" for name, usd in plan.usd.items())
    known = [usd for usd in plan.usd.values() if usd is not None]
    least = "" if len(known) == len(plan.usd) else "at least "
    yield f"US dollars a {plan.per}: {least + money(sum(known)) if known else 'unknown'} ({lines})."
    yield from plan.assumed
    yield f"AWS's limits are of {read('limits.toml')['checked_on']}; your account's may differ: look at Service Quotas."


def share_of(check: Check) -> str:
    """How much of what is allowed is needed."""
    return f"{check.share:,.0f} ×" if check.share >= 10 else f"{check.share:.0%}"


def number(value: float) -> str:
    """A number as people write it."""
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:.3g}"


def enough(value: float) -> str:
    """The next number that is enough, where it is no small one."""
    return number(math.ceil(value) if value >= 10 else value)


def duration(seconds: float) -> str:
    """A time in the largest unit of which it has two."""
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:,.0f} s"
