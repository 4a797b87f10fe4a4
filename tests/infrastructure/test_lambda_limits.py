"""Every function of the templates fits into what Lambda takes of one (Lambda quotas)."""

from __future__ import annotations

import json
from typing import Any

import pytest

ENVIRONMENT_BYTES = 4 * 1024
POLICY_BYTES = 20 * 1024
# What only CloudFormation knows is at most as long as a long ARN.
UNKNOWN = "x" * 200


def filled(value: Any) -> Any:
    """A property with something long in the place of each reference."""
    if isinstance(value, dict):
        is_reference = set(value) & {"Ref", "Fn::GetAtt", "Fn::Join", "Fn::Sub", "Fn::If"}
        return UNKNOWN if is_reference else {key: filled(inner) for key, inner in value.items()}
    return [filled(element) for element in value] if isinstance(value, list) else value


@pytest.fixture
def functions(templates) -> list[tuple[str, dict, dict]]:
    """Every function: its logical name, its resource, and the template that it is in."""
    return [
        (name, resource, template)
        for template in templates.values()
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Function"
    ]


def test_the_variables_of_a_function_are_few_enough(functions):
    assert len(functions) >= 5
    for name, resource, _ in functions:
        variables = filled(resource["Properties"].get("Environment", {}).get("Variables", {}))
        size = sum(len(f"{key}{value}".encode()) for key, value in variables.items())
        assert size <= ENVIRONMENT_BYTES, name


def test_the_permissions_of_a_function_fit_into_its_policy(functions):
    for name, _, template in functions:
        permissions = [
            filled(resource["Properties"])
            for resource in template["Resources"].values()
            if resource["Type"] == "AWS::Lambda::Permission" and name in json.dumps(resource["Properties"])
        ]
        assert len(json.dumps(permissions).encode()) <= POLICY_BYTES, name
