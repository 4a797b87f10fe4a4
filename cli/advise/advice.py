"""Asks for a problem's answers, or reads them from words, and shows the advisor's advice."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from advisor import Problem, ProblemError
from advisor.counterfactuals import show
from advisor.engine import Advice, AdvisedOption, sentence_of_break_even
from advisor.prices import HOME_REGION, all_prices
from advisor.problem import CHOICES, COUNTS, NUMBERS, ONLY_FOR, SWITCHES, TASKS
from advisor.ranges import CostRange
from advisor.tables import candidates
from cli.advise.profiling import Profile
from cli.shared.consoles import Console
from cli.shared.errors import CommandFailed
from cli.shared.progress import money
from cli.shared.tables import new_table

QUESTIONS = {
    "modality": "What do you have",
    "task": "What shall be told of it",
    "labels": "Whose labels are they",
    "labelled_examples": "How many labelled examples are there",
    "classes": "How many classes",
    "image_kind": "Do the images show natural scenes, or one and the same scene each time (uniform)",
    "dependence": "Does the answer hang on the order of words or steps: on none, on neighbours, or far apart",
    "features": "Are features known that tell the series apart: none, some that can be worked out, or at hand",
    "predictions_per_month": "How many predictions a month",
    "max_latency_ms": "How many milliseconds may an answer take",
    "explainability": "Does a decision have to be explained",
    "offline": "Does it have to work without a network",
    "team": "Who will look after it",
}
ALSO_TAKEN = {
    "burstiness": "When are predictions asked for: steadily, in business hours, or in peaks (spiky)",
    "data_residency": "Where does the data have to stay: anywhere (none), in one region, or on your own premises",
    "sequence_length": "How many words or time steps has one sequence",
    "image_side_pixels": "How many pixels has a side of an image",
    "operations_per_item": "How many operations of a managed service does one item need",
    "characters_per_item": "How many characters has one text",
    "accuracy_needed": "Which share of the answers has to be right, from 0 to 1",
    "baseline_accuracy": "Which share does today's method get right, from 0 to 1",
    "minutes_per_item": "How many minutes does one recording last",
    "budget_usd_per_month": "How many US dollars a month may it cost",
    "upkeep_usd_per_month": "How many US dollars a month does the work on an own model cost",
    "weeks_to_market": "In how many weeks does it have to serve",
    "free_tier": "Does the account still have free-tier allowances",
}
"""What the advisor takes besides; it is not asked for in a terminal, where `--set` gives it."""
ASKED_FOR = {
    **{name: ONLY_FOR[name] for name in QUESTIONS if name in ONLY_FOR},
    "labels": ("image", "video", "text", "audio"),
    "features": ("time_series",),
}
"""Questions that decide something for some modalities only."""
OPTIONS_SHOWN = 4
GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
"""A number with commas between groups of three digits; any other comma may be meant as a decimal point."""


def value_of(name: str, words: str) -> Any:
    """An answer in its field's type.

    Raises:
        CommandFailed: when a number or a yes is not one.
    """
    plain = words.strip().replace("_", "")
    number = plain.replace(",", "") if GROUPED.fullmatch(plain) else plain
    try:
        if name in COUNTS:
            return int(number)
        if name in NUMBERS:
            return float(number)
    except ValueError:
        wanted, written = ("whole number", "12,000") if name in COUNTS else ("number", "12,000.5")
        raise CommandFailed(f"{name} wants a {wanted}, such as {written}, and '{words}' is none.") from None
    if name in SWITCHES:
        if plain.lower() in ("yes", "true", "y"):
            return True
        if plain.lower() in ("no", "false", "n"):
            return False
        raise CommandFailed(f"{name} wants yes or no, and '{words}' is neither.")
    if name == "existing_customer_of":
        return tuple(part.strip() for part in words.split(",") if part.strip())
    if name in CHOICES and plain.lower() == "no" and "none" in CHOICES[name]:
        return "none"
    return words.strip()


def problem_of(answers: dict[str, str]) -> Problem:
    """The problem that words describe.

    Raises:
        CommandFailed: naming the answer that is impossible or contradicts another.
    """
    try:
        return Problem.from_dict({name: value_of(name, words) for name, words in answers.items()})
    except ProblemError as error:
        raise CommandFailed(str(error)) from error


def in_region(answers: dict[str, str], region: str | None) -> dict[str, str]:
    """The answers with the region of `--region`; told on standard error when no price of the region is known."""
    chosen = {**answers, **({"region": region} if region else {})}
    known = sorted({price.region for price in all_prices()})
    if (name := chosen.get("region", HOME_REGION)) not in known:
        Console(stderr=True, highlight=False).print(
            f"No price of the region '{name}' is known, so nothing is compared by its cost. There are prices of "
            f"{', '.join(known)}; `recognition prices refresh --region {name}` adds what the AWS Price List tells.",
            markup=False,
        )
    return chosen


def measured(profile: Profile) -> dict[str, str]:
    """The answers that a data set gives, told on standard error with what should be known about it."""
    told = Console(stderr=True, highlight=False)
    told.print(
        f"Measured: {', '.join(f'{name} {show(value)}' for name, value in profile.answers.items())}.",
        markup=False,
    )
    for note in profile.notes:
        told.print(note)
    return {name: str(value) for name, value in profile.answers.items()}


def ask_questions(answers: dict[str, str], prompt: Callable[[str], str]) -> dict[str, str]:
    """Asks what is not answered yet and matters for the modality; an empty answer leaves it unknown.

    An answer that cannot be is told and asked again.
    """
    answers = dict(answers)
    for name, question in QUESTIONS.items():
        if name in ASKED_FOR and answers["modality"] not in ASKED_FOR[name]:
            continue
        while name not in answers:
            words = prompt(f"{question}{hint(name, answers)}").strip()
            if not words and name not in ("modality", "task"):
                break
            try:
                problem_of({**answers, name: words})
            except CommandFailed as error:
                Console(stderr=True).print(str(error), style="yellow")
                continue
            answers[name] = words
    return answers


def hint(name: str, answers: dict[str, str]) -> str:
    """What may be answered."""
    if name == "task":
        return f" ({', '.join(TASKS[answers['modality']])})"
    if name in CHOICES:
        return f" ({', '.join(CHOICES[name])})"
    return " (yes, no)" if name in SWITCHES else ""


def render(advice: Advice) -> Group:
    """The advice for a terminal."""
    if not advice.options:
        parts: list[Any] = [Text("Nothing is left: every candidate is ruled out.", style="bold red")]
    else:
        parts = [headline(advice.options[0], advice.close_call), table_of(advice)]
    if advice.ruled_out:
        parts += [Text("Ruled out", style="bold")]
        parts += [Text(f"  {title_of(name)}: {sentence}") for name, sentence in advice.ruled_out]
    if advice.counterfactuals or advice.most_wanted:
        parts += [Text("What would change it", style="bold")]
        parts += [Text(f"  {sentence}") for sentence in advice.counterfactuals]
        parts += [Text(f"  {advice.most_wanted}")] if advice.most_wanted else []
    if ahead := break_evens_ahead(advice):
        parts += [Text("Where costs cross", style="bold")]
        parts += [Text(f"  {sentence}") for sentence in ahead]
    return Group(*parts)


def break_evens_ahead(advice: Advice) -> list[str]:
    """The break-even volumes among the options in the table that this month's volume has not passed."""
    usd = {option.id: option.usd_per_month for option in advice.options[:OPTIONS_SHOWN]}
    return [
        sentence_of_break_even(break_even)
        for break_even in advice.break_evens
        if break_even.below in usd
        and break_even.above in usd
        and not is_passed(usd[break_even.below], usd[break_even.above])
    ]


def is_passed(below_usd: float | None, above_usd: float | None) -> bool:
    """Whether the one that is cheaper above a break-even is cheaper already."""
    return below_usd is not None and above_usd is not None and above_usd < below_usd


def headline(first: AdvisedOption, close_call: bool) -> Panel:
    """The option that comes first, with its reasons and risks."""
    lines = [f"{first.service}: {first.operation}"]
    if first.serving:
        lines.append(
            f"served by {first.serving}" + (f" ({first.instance_family})" if first.instance_family else "")
        )
    lines += [f"+ {reason.sentence}" for reason in first.reasons_for]
    lines += [f"- {reason.sentence}" for reason in first.reasons_against]
    lines += [f"! {risk}" for risk in first.risks]
    if close_call:
        lines.append("The second is as good by these rules: let a test on your own data decide.")
    return Panel(Text("\n".join(lines)), title=Text(title_of(first.id), style="bold"), title_align="left")


def title_of(name: str) -> str:
    """What a candidate is called for people."""
    return candidates()[name].title


def table_of(advice: Advice) -> Table:
    """The best options with points and cost."""
    table = new_table(
        "Option",
        "Points",
        "US$ a month",
        "Between",
        "US$ per 1,000",
        box=None,
        padding=(0, 2, 0, 0),
    )
    for option in advice.options[:OPTIONS_SHOWN]:
        table.add_row(
            title_of(option.id),
            f"{option.points:g}",
            money(option.usd_per_month),
            between(option.cost_range),
            money(option.usd_per_thousand),
        )
    return table


def between(costs: CostRange | None) -> str:
    """The ends of a bill; empty where nothing that it depends on is unknown."""
    if costs is None or not costs.depends_on:
        return ""
    return f"{money(costs.low_usd)} – {money(costs.high_usd)}"
