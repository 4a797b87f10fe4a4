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
        ("rate(0 hours)", "above 0"),
        ("rate(2 weeks)", "whole minutes, hours or days"),
        ("cron(x)", "six fields"),
        ("cron(0 3 * * MON *)", "exactly one of day-of-month and day-of-week has to be ?"),
        ("cron(0 3 ? * ? *)", "exactly one of"),
        ("cron(60 3 ? * MON *)", "minutes cannot be '60'"),
        ("cron(0 3 ? * FOO *)", "day-of-week cannot be 'FOO'"),
        ("cron(0 3 ? * FOO#1 *)", "day-of-week cannot be 'FOO#1'"),
        ("cron(0 3/0 1 * ? *)", "hours cannot be '3/0'"),
        ("cron(0 ? 1 * ? *)", "hours cannot be '?'"),
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
        "rate(1 day)",
        "rate(5 minutes)",
        "cron(0 3 ? * MON *)",
        "cron(0/15 8-17 ? * mon-fri 2027-2030)",
        "cron(0 10 L * ? *)",
        "cron(0 10 3W JAN,JUL ? *)",
        "cron(0 10 ? * 6#3 *)",
    ],
)
def test_an_expression_of_eventbridges_guide_is_taken(expression):
    settings_with("training.schedules", [{**WEEKLY, "expression": expression}])


@pytest.mark.parametrize("days", ["FOO-9", "MON-", "8", "MON,FOO"])
def test_office_hours_are_on_weekdays(days):
    with pytest.raises(SettingsRefused, match="office_hours.days: .*are no weekdays.*such as MON-FRI"):
        settings_with("scheduled_shutdown", {"office_hours": {"days": days}})
    settings_with("scheduled_shutdown", {"office_hours": {"days": "MON-WED,SAT"}})
