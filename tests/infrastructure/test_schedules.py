"""Whatever starts by itself is written as EventBridge takes it, or refused before anything is deployed."""

from __future__ import annotations

import re

import pytest

from stacks.settings import SettingsRefused

from .test_settings import WEEKLY, settings_with


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("rate(1 days)", "rate(1 day)"),
        ("rate(2 day)", "rate(2 days)"),
        ("rate(0 hours)", "1 to 99999 whole"),
        ("rate(2 weeks)", "whole minutes, hours or days"),
        ("cron(x)", "six fields"),
        ("cron(0 3 * * MON *)", "exactly one of day-of-month and day-of-week has to be ?"),
        ("cron(0 3 ? * ? *)", "exactly one of"),
        ("cron(60 3 ? * MON *)", "minutes cannot be '60'"),
        ("cron(0 3 ? * FOO *)", "day-of-week cannot be 'FOO'"),
        ("cron(0 3 ? * FOO#1 *)", "day-of-week cannot be 'FOO#1'"),
        ("cron(0 3/0 1 * ? *)", "hours cannot be '3/0'"),
        ("cron(0 ? 1 * ? *)", "hours cannot be '?'"),
        ("cron(0 3 ? * 3#1,6#3 *)", "day-of-week cannot be '3#1,6#3'"),
        ("cron(0 3 ? * MON,L *)", "day-of-week cannot be 'MON,L'"),
        ("cron(0 3 ? * MON/2 *)", "day-of-week cannot be 'MON/2'"),
        ("cron(0 3 L,15 * ? *)", "day-of-month cannot be 'L,15'"),
        ("cron(0 3 1,* * ? *)", "day-of-month cannot be '1,*'"),
        ("cron(0/60 3 1 * ? *)", "minutes cannot be '0/60'"),
        ("cron(0 3 1 * ? 2200)", "year cannot be '2200'"),
        ("cron(0  3 ? * MON *)", "one space between two"),
        ("cron(0 3 ?\t* MON *)", "one space between two"),
        ("rate(1\u0663 days)", "256 ASCII characters"),
        (f"cron({'0,' * 120}0 3 ? * MON *)", "256 ASCII characters"),
        ("rate(100000 days)", "1 to 99999 whole"),
    ],
)
def test_an_expression_that_eventbridge_would_refuse_is_refused(expression, said):
    with pytest.raises(SettingsRefused, match=re.escape(said)):
        settings_with("training.schedules", [{**WEEKLY, "expression": expression}])
    with pytest.raises(SettingsRefused, match="monitoring.drift.expression"):
        settings_with("monitoring", {"capture": {}, "drift": {"expression": expression}})


@pytest.mark.parametrize(
    "expression",
    [
        *("rate(1 minute)", "rate(5 minutes)", "rate(1 hour)", "rate(1 day)"),
        # The examples of the guide's table, and those below it.
        "cron(0 10 * * ? *)",
        "cron(15 12 * * ? *)",
        "cron(0 18 ? * MON-FRI *)",
        "cron(0 8 1 * ? *)",
        "cron(0/15 * * * ? *)",
        "cron(0/10 * ? * MON-FRI *)",
        "cron(0/5 8-17 ? * MON-FRI *)",
        "cron(0/30 20-2 ? * MON-FRI *)",
        "cron(5,35 14 * * ? *)",
        "cron(15 10 ? * 6L 2019-2022)",
        # What its text names: a last day, a weekday near a day, a weekday's place in the month, steps of a range.
        *("cron(0 10 L * ? *)", "cron(0 10 LW * ? *)", "cron(0 10 3W JAN,JUL ? *)", "cron(0 10 ? * 3#2 *)"),
        "cron(1/10 0-23/2 1-31/30 JAN-DEC ? 1970,2199)",
        "cron(0/15 8-17 ? * mon-fri 2027/2)",
    ],
)
def test_an_expression_of_eventbridges_guide_is_taken(expression):
    settings_with("training.schedules", [{**WEEKLY, "expression": expression}])


@pytest.mark.parametrize("days", ["FOO-9", "MON-", "8", "MON,FOO", "L", "2L"])
def test_office_hours_are_on_weekdays(days):
    with pytest.raises(SettingsRefused, match="office_hours.days: .*are no weekdays.*such as MON-FRI"):
        settings_with("scheduled_shutdown", {"office_hours": {"days": days}})
    settings_with("scheduled_shutdown", {"office_hours": {"days": "MON-WED,SAT"}})
