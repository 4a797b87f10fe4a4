"""When something starts by itself: EventBridge's expressions and the weekdays in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

WEEKDAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
RATE = re.compile(r"rate\(([1-9][0-9]{0,4}) (minute|hour|day)(s?)\)")
CRON = re.compile(r"cron\((.*)\)")
# PutRule's ScheduleExpression.
LONGEST_EXPRESSION = 256


@dataclass(frozen=True)
class CronField:
    """One field of a cron expression.

    Attributes:
        name: AWS's.
        lowest: the lowest number it takes.
        highest: the highest.
        names: what may stand in place of the numbers, from the lowest on.
        only_here: a pattern of what only this field takes, and only alone.
        has_steps: whether it takes them.
    """

    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()
    only_here: str | None = None
    has_steps: bool = True

    def takes(self, text: str) -> bool:
        """Whether the field may have this text; a question mark is none of its values."""
        if text == "*" or (self.only_here and re.fullmatch(self.only_here, text.upper())):
            return True
        return self.takes_list(text)

    def takes_list(self, text: str) -> bool:
        """Whether it is a list of values and ranges of this field, perhaps with steps."""
        return all(self.takes_part(part) for part in text.upper().split(","))

    def takes_part(self, text: str) -> bool:
        """The same for one part of a list."""
        values, slash, step = text.partition("/")
        if slash and not (self.has_steps and re.fullmatch("[1-9][0-9]?", step) and int(step) <= self.highest):
            return False
        bounds = values.split("-")
        from_all = bool(slash) and values == "*"
        return from_all or (len(bounds) <= 2 and all(self.is_value(bound) for bound in bounds))

    def is_value(self, text: str) -> bool:
        """Whether it is a number or a name of this field."""
        if re.fullmatch(r"[0-9]{1,4}", text):
            return self.lowest <= int(text) <= self.highest
        return text in self.names


# Amazon EventBridge, cron expressions for rules; EventBridge Scheduler has the same.
DAY_OF_WEEK = CronField(
    *("day-of-week", 1, 7, WEEKDAY_NAMES, rf"L|([1-7]|{'|'.join(WEEKDAY_NAMES)})(L|#[1-5])"), has_steps=False
)
CRON_FIELDS = (
    CronField("minutes", 0, 59),
    CronField("hours", 0, 23),
    CronField("day-of-month", 1, 31, only_here=r"L|LW|([1-9]|[12][0-9]|3[01])W"),
    CronField("month", 1, 12, MONTH_NAMES),
    DAY_OF_WEEK,
    CronField("year", 1970, 2199),
)


def cron_problem(fields: list[str]) -> str | None:
    """What EventBridge would refuse of a cron expression's fields, as a part of a sentence."""
    if len(fields) != len(CRON_FIELDS):
        names = ", ".join(field.name for field in CRON_FIELDS)
        return f"cron takes six fields, {names}, with one space between two, not {len(fields)}"
    days = (fields[2], fields[4])
    if days.count("?") != 1:
        return "exactly one of day-of-month and day-of-week has to be ?"
    wrong = [
        f"{field.name} cannot be '{text}'"
        for field, text in zip(CRON_FIELDS, fields, strict=True)
        if not (text == "?" and field.name.startswith("day")) and not field.takes(text)
    ]
    return " and ".join(wrong) or None


def expression_problem(expression: str) -> str | None:
    """What EventBridge would refuse of an expression, as a part of a sentence."""
    if not expression.isascii() or len(expression) > LONGEST_EXPRESSION:
        return f"it has to be of up to {LONGEST_EXPRESSION} ASCII characters"
    if found := RATE.fullmatch(expression):
        number, unit, plural = found.groups()
        right = f"rate({number} {unit}{'' if number == '1' else 's'})"
        return None if (number == "1") != bool(plural) else f"EventBridge wants the unit as in {right}"
    if found := CRON.fullmatch(expression):
        return cron_problem(found[1].split(" "))
    return "it is neither a rate of 1 to 99999 whole minutes, hours or days nor a cron expression"


def known_expression(expression: str) -> str:
    """Refuses what EventBridge would, when the rule is made."""
    if problem := expression_problem(expression):
        raise ValueError(
            f"'{expression}' starts nothing: {problem}; write one such as rate(7 days) or cron(0 3 ? * MON *)"
        )
    return expression


def known_weekdays(days: str) -> str:
    """Refuses what is no weekday, which EventBridge Scheduler would."""
    if not DAY_OF_WEEK.takes_list(days):
        raise ValueError(
            f"'{days}' are no weekdays: write a range or a list of {', '.join(WEEKDAY_NAMES)}, such as MON-FRI"
        )
    return days


Expression = Annotated[str, AfterValidator(known_expression)]
Weekdays = Annotated[str, AfterValidator(known_weekdays)]
