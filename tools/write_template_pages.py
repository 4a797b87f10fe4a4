"""Writes docs/reference/alarms.md and permissions.md from templates: `python -m tools.write_template_pages`.

The CDK makes them for it, with every option that can be on, which takes half a minute.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools.arguments import refuse_arguments
from tools.markdown import REFERENCE, ROOT, code, table

ALARMS, PERMISSIONS = REFERENCE / "alarms.md", REFERENCE / "permissions.md"
MADE = (
    "Written by `make generate` from the templates of an environment in which every option is on that can be."
)
ALARMS_HEAD = f"""# Metrics and alarms

{MADE} Without [the settings](settings.md) that ask for them, the alarms of the stack Watching, of asynchronous and of
scale-to-zero endpoints are not there. Each costs 0.10 US dollars a month. [Watch it](../monitoring.md) says who hears.

"""
PERMISSIONS_HEAD = f"""# Permissions by role

{MADE} Names in angle brackets are resolved by CloudFormation. A resource `*` stands only where the action takes no
other. [Security](../security.md) says how this is held: a test compares the grants with the calls that are made.

"""
OPTIONS: dict[str, Any] = {
    "termination_protection": False,
    "budget": {"monthly_us_dollars": 200, "email": "bills@example.org"},
    "training": {
        "network": {},
        "marker_name": "TRAIN.json",
        "schedules": [{"kind": "rnn", "expression": "rate(7 days)", "data_prefix": "reviews"}],
        "tuning": {"ranges": {"cnn": {"learning_rate": [0.01, 1.0]}}},
    },
    "inference": {"autoscaling": {"maximum_instances": 2}, "asynchronous": {}, "scale_to_zero": {}},
    "api": {"firewall": {}, "cache_seconds": 600},
    "console": {},
    "monitoring": {
        "email": "alarms@example.org",
        "dashboard": True,
        "capture": {},
        "drift": {"retrain_on": {"rnn": "reviews"}, "labels": {}},
    },
    "scheduled_shutdown": {"idle_hours": 4, "office_hours": {}},
}
Templates = dict[str, dict[str, Any]]


def synthesised() -> Templates:
    """The templates of an environment with OPTIONS, by part."""
    os.environ["CDK_VALIDATION"] = "false"
    from aws_cdk import App

    from stacks.app import compose

    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    context |= {"environment": "dev", "environments": {"dev": OPTIONS}}
    with TemporaryDirectory() as folder:
        app = App(context=context, outdir=folder)
        compose(app)
        app.synth()
        files = sorted(Path(folder).glob("*-dev-*.template.json"))
        return {file.name.split(".")[0].rsplit("-", 1)[-1]: json.loads(file.read_bytes()) for file in files}


def of_type(template: dict[str, Any], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The logical ids, without their digest, and properties of the resources of a type."""
    for name, resource in template["Resources"].items():
        if resource["Type"] == kind:
            yield name, resource["Properties"]


def short(logical_id: str) -> str:
    """A logical id without the CDK's digest."""
    return re.sub(r"(?<=.)[0-9A-F]{8}$", "", logical_id)


def written(value: Any) -> str:
    """An ARN as text; what CloudFormation resolves becomes its name in angle brackets."""
    if isinstance(value, str):
        return value
    ((function, arguments),) = value.items()
    if function == "Fn::Join":
        return arguments[0].join(map(written, arguments[1]))
    if function == "Fn::Sub":
        text = arguments if isinstance(arguments, str) else arguments[0]
        return re.sub(r"\$\{(.+?)\}", r"<\1>", text)
    if function in ("Ref", "Fn::GetAtt"):
        names = [arguments] if isinstance(arguments, str) else arguments
        return f"<{'.'.join(map(short, names))}>"
    # A part of another name: Fn::Select of Fn::Split.
    return f"<part of {re.findall(r'<(?:part of )?([^<>]+)>', ''.join(map(written, flat(arguments))))[0]}>"


def flat(arguments: Any) -> Iterator[Any]:
    """Texts and references inside a function's arguments."""
    if isinstance(arguments, list):
        for argument in arguments:
            yield from flat(argument)
    elif isinstance(arguments, str | dict):
        yield arguments


def alarm_rows(templates: Templates) -> Iterator[list[str]]:
    """A line for each alarm."""
    for part, template in sorted(templates.items()):
        for name, alarm in of_type(template, "AWS::CloudWatch::Alarm"):
            signs = {
                "GreaterThanThreshold": ">",
                "GreaterThanOrEqualToThreshold": "≥",
                "LessThanThreshold": "<",
            }
            statistic = alarm.get("Statistic") or alarm.get("ExtendedStatistic", "")
            sign = signs[alarm["ComparisonOperator"]]
            periods = alarm["EvaluationPeriods"]
            needed = alarm.get("DatapointsToAlarm", periods)
            yield [
                part,
                code(short(name)),
                alarm["AlarmDescription"],
                f"{code(alarm['Namespace'])} {code(alarm['MetricName'])}",
                f"{statistic} of {alarm['Period']} s {sign} {alarm['Threshold']:,}, {needed} of {periods}",
            ]


def statements(template: dict[str, Any], role: str, properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every statement of a role's policies."""
    for policy in properties.get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]
    for _, policy in of_type(template, "AWS::IAM::Policy"):
        if {"Ref": role} in policy["Roles"]:
            yield from policy["PolicyDocument"]["Statement"]


def grant_rows(template: dict[str, Any], role: str, properties: dict[str, Any]) -> list[list[str]]:
    """A line for each statement: whether it allows or denies, what, on what."""
    rows = []
    for statement in statements(template, role, properties):
        actions, resources = (
            [value] if isinstance(value, str | dict) else list[Any](value)
            for value in (statement["Action"], statement["Resource"])
        )
        rows.append(
            [
                statement["Effect"].lower(),
                ", ".join(map(code, sorted(map(str, actions)))),
                ", ".join(code(resource) for resource in sorted(map(written, resources))),
                "yes" if "Condition" in statement else "",
            ]
        )
    return sorted(rows, key=lambda row: row[1])


def assumed_by(properties: dict[str, Any]) -> str:
    """Who may take a role."""
    principals = [
        principal
        for statement in properties["AssumeRolePolicyDocument"]["Statement"]
        for principal in statement["Principal"].values()
    ]
    return ", ".join(code(written(principal)) for principal in flat(principals))


def managed(properties: dict[str, Any]) -> str:
    """AWS's own policies that a role has."""
    arns = [written(arn).rsplit("/", 1)[-1] for arn in properties.get("ManagedPolicyArns", [])]
    return f" It has AWS's own {', '.join(map(code, arns))}." if arns else ""


def alarms_page(templates: Templates) -> str:
    """The page of alarms."""
    titles = ("stack", "alarm", "says", "metric", "when")
    return ALARMS_HEAD + table(titles, alarm_rows(templates))


def permissions_page(templates: Templates) -> str:
    """The page of permissions."""
    text = PERMISSIONS_HEAD
    for part, template in sorted(templates.items()):
        text += f"## {part}\n\n"
        for role, properties in of_type(template, "AWS::IAM::Role"):
            text += (
                f"### {short(role)} of {part}\n\nTaken by {assumed_by(properties)}.{managed(properties)}\n\n"
            )
            rows = grant_rows(template, role, properties)
            text += table(("effect", "actions", "resources", "condition"), rows) + "\n" if rows else ""
    return text.rstrip() + "\n"


if __name__ == "__main__":
    refuse_arguments(__doc__)
    made = synthesised()
    ALARMS.write_text(alarms_page(made), encoding="utf-8")
    PERMISSIONS.write_text(permissions_page(made), encoding="utf-8")
