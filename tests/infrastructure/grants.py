"""Asks the roles of a template whether they may do something to a resource, as IAM would decide it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .calls import actions_of, resources_of


def written(value: Any) -> str:
    """An ARN of a template as text; what only CloudFormation knows becomes its name in angle brackets."""
    if isinstance(value, str):
        return value
    ((function, arguments),) = value.items()
    if function == "Fn::Join":
        return arguments[0].join(written(part) for part in arguments[1])
    if function == "Fn::Sub":
        return re.sub(r"\$\{(.+?)\}", r"<\1>", arguments)
    return f"<{arguments if isinstance(arguments, str) else '.'.join(arguments)}>"


def policies_of(template: dict, role: str) -> Iterator[dict]:
    """Every statement of a role's policies."""
    resources = template["Resources"]
    for policy in resources[role]["Properties"].get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]
    for resource in resources.values():
        if resource["Type"] == "AWS::IAM::Policy" and {"Ref": role} in resource["Properties"]["Roles"]:
            yield from resource["Properties"]["PolicyDocument"]["Statement"]


def matches(pattern: str, arn: str) -> bool:
    """Whether a resource of a policy, in which * stands for anything, names an ARN."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), arn) is not None


def may(template: dict, role: str, action: str, arn: str) -> bool:
    """Whether a role may do this to that: some statement allows it and none denies it."""
    effects = {
        statement["Effect"]
        for statement in policies_of(template, role)
        if action in actions_of(statement)
        and any(matches(written(resource), arn) for resource in resources_of(statement))
    }
    return effects == {"Allow"}


def roles_of(template: dict) -> list[str]:
    """The logical ids of a template's roles."""
    return [name for name, resource in template["Resources"].items() if resource["Type"] == "AWS::IAM::Role"]


def role_of_service(template: dict, service: str) -> str:
    """The logical id of the only role that a service assumes."""
    (names,) = [
        name
        for name in roles_of(template)
        if f"{service}.amazonaws.com"
        in str(template["Resources"][name]["Properties"]["AssumeRolePolicyDocument"])
    ]
    return names
