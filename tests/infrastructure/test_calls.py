"""IAM policies against the calls that are made: nothing missing, nothing idle, no wildcard that could be a name."""

from __future__ import annotations

import re

import pytest

from definitions.networks import KINDS
from local_aws.sagemaker.registry import STATE_CHANGE, TOLD, UPDATED_FIELDS

from .calls import actions_of, machine_of, missing_and_idle, needlessly_wide, not_embedded, statements_of


@pytest.mark.parametrize("part", ["Training", "Release"])
def test_a_machine_may_make_exactly_the_calls_that_it_makes(templates, part):
    definition, role = machine_of(templates[part])
    assert missing_and_idle(templates[part], definition, role) == (set(), set())


def test_the_machines_tasks_are_integrations_that_the_embedded_aws_has_too(templates):
    for part in ("Training", "Release"):
        assert not_embedded(machine_of(templates[part])[0]) == set()


def test_no_role_has_an_action_with_a_wildcard(templates):
    for template in templates.values():
        for statement in statements_of(template):
            assert not [action for action in actions_of(statement) if "*" in action], statement


def test_a_wildcard_resource_stands_only_where_the_api_takes_no_other(templates):
    assert needlessly_wide(templates) == []


def test_a_role_is_passed_to_one_service_alone(templates):
    passing = [
        statement
        for part in templates.values()
        for statement in statements_of(part)
        if "iam:PassRole" in actions_of(statement)
    ]
    assert passing
    for statement in passing:
        is_of_updates = "UpdateRole" in str(statement["Resource"])
        service = "cloudformation" if is_of_updates else "sagemaker"
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}


def test_only_changed_approvals_of_our_own_versions_start_a_release(dev, prod, of_type):
    (rule,) = of_type(prod["Release"], "AWS::Events::Rule")
    pattern = rule["EventPattern"]
    assert pattern["source"] == ["aws.sagemaker"]
    assert pattern["detail-type"] == [STATE_CHANGE]
    assert pattern["detail"] == {
        "ModelPackageGroupName": [f"recognition-prod-{kind}" for kind in KINDS],
        "ModelApprovalStatus": ["Approved"],
        # SageMaker tells of edited metadata by the same event.
        "UpdatedModelPackageFields": ["ModelApprovalStatus"],
    }
    assert set(pattern["detail"]) <= {*TOLD, UPDATED_FIELDS}
    assert of_type(dev["Release"], "AWS::Events::Rule") == []


def test_a_release_by_approval_knows_when_the_approval_was(prod, of_type):
    (rule,) = of_type(prod["Release"], "AWS::Events::Rule")
    (target,) = rule["Targets"]
    transformer = target["InputTransformer"]
    assert set(transformer["InputPathsMap"].values()) == {"$.detail.ModelPackageArn", "$.time"}
    assert set(re.findall(r'"(\w+)":', transformer["InputTemplate"])) == {"model_package_arn", "requested_at"}
