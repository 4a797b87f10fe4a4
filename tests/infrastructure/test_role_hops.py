"""No role comes further over any number of hops than a table says, and none to what an administrator may do."""

from __future__ import annotations

import copy
import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from .calls import actions_of
from .conftest import MONITORING, checked_templates, context
from .grants import policies_of, roles_of
from .hops import ADMINISTRATOR, Hops, title

RELEASES = {"Release-UpdateRole", "Inference-ModelRole"}
TRAINS = {"Training-JobRole"}
MEASURES = {f"{MONITORING}-DriftJobRole"}
# By role all that it may reach; a role that is not here reaches none. Each is what its machine or rule is for.
REACHES = {
    "Release-ReleaseRole": RELEASES,
    "Release-UpdateRole": {"Inference-ModelRole"},
    "Release-ReleaseEventsRole": {"Release-ReleaseRole", *RELEASES},
    "Release-RestsMachineRole": {"Release-ReleaseRole", *RELEASES},
    "Release-RestsMachineEventsRole": {"Release-RestsMachineRole", "Release-ReleaseRole", *RELEASES},
    "Release-RestsClockRole": {"Release-RestsMachineRole", "Release-ReleaseRole", *RELEASES},
    "Training-TrainingRole": TRAINS,
    "Training-TrainingEventsRole": {"Training-TrainingRole", *TRAINS},
    "Bulk-MachineRole": {"Bulk-BulkRole"},
    f"{MONITORING}-DriftMachineRole": MEASURES,
    f"{MONITORING}-DriftMachineEventsRole": {f"{MONITORING}-DriftMachineRole", *MEASURES},
    f"{MONITORING}-DriftCnnTrainingEventsRole": {"Training-TrainingRole", *TRAINS},
    f"{MONITORING}-DriftRnnTrainingEventsRole": {"Training-TrainingRole", *TRAINS},
    "Console-PersonRole": {"Console-WatchRole"},
}
# Types of the inference stack that a release leaves as they are.
LEFT_ALONE = {"AWS::CDK::Metadata", "AWS::IAM::Policy", "AWS::IAM::Role"}
# What a handler asks for where a release never has it do this: other services' resources, tags that are taken away.
NEVER_ASKED = (
    "lambda:",
    "application-autoscaling:DeleteScheduledAction",
    "application-autoscaling:PutScheduledAction",
    "application-autoscaling:UntagResource",
    "cloudwatch:UntagResource",
    "sagemaker:DeleteTags",
    "ssm:RemoveTagsFromResource",
)


def too_far(templates: dict[str, dict]) -> list[str]:
    """The hops that the table does not have, one line for each."""
    return [
        f"{role} reaches {node}"
        for role, reached in sorted(Hops(templates).reach().items())
        for node in sorted(reached - REACHES.get(role, set()))
    ]


@pytest.mark.threat
def test_no_role_comes_further_than_the_table_says(templates):
    assert too_far(templates) == []


def test_only_what_is_reached_stands_in_the_table_of_an_environment(prod):
    reached = Hops(prod).reach()
    assert {role: reached[role] for role in REACHES if role in reached} == {
        role: REACHES[role] for role in REACHES if role in reached
    }


@pytest.mark.threat
def test_people_who_may_release_and_train_reach_what_their_machines_do_and_no_more(tmp_path):
    environments = context()["environments"]
    environments["dev"]["console"] = {"may_release": True, "may_train": True}
    reached = Hops(checked_templates(environments, tmp_path)).reach()
    machines = {"Release-ReleaseRole", *RELEASES, "Training-TrainingRole", *TRAINS}
    assert reached["Console-PersonRole"] == {"Console-WatchRole", *machines}


def changed(templates: dict[str, dict], part: str, role: str, **statement) -> dict[str, dict]:
    """The templates with one more statement for a role."""
    changed = copy.deepcopy(templates)
    (name,) = [name for name in roles_of(changed[part]) if title((part, name)) == f"{part}-{role}"]
    policy = {"PolicyDocument": {"Statement": [{"Effect": "Allow", "Resource": "*", **statement}]}}
    changed[part]["Resources"][name]["Properties"].setdefault("Policies", []).append(policy)
    return changed


@pytest.mark.parametrize(
    ("part", "role", "action", "reached"),
    [
        ("Release", "ReleaseRole", "cloudformation:UpdateStack", ADMINISTRATOR),
        ("Release", "UpdateRole", "iam:PutRolePolicy", ADMINISTRATOR),
        ("Training", "JobRole", "iam:PassRole", "Release-ReleaseRole"),
        ("Api", "VisionRole", "sts:AssumeRole", "Training-JobRole"),
        ("Bulk", "BulkRole", "states:StartExecution", "Release-UpdateRole"),
        ("Inference", "ModelRole", "lambda:UpdateFunctionCode", "Api-VisionRole"),
    ],
)
def test_a_hop_that_is_added_is_found(dev, part, role, action, reached):
    lines = too_far(changed(dev, part, role, Action=action))
    assert f"{part}-{role} reaches {reached}" in lines


def statements(template: dict, role: str) -> list[dict]:
    """The statements of a role, by its name without what CDK appends."""
    (name,) = [name for name in roles_of(template) if title(("", name)) == f"-{role}"]
    return list(policies_of(template, name))


@pytest.mark.threat
def test_the_inference_stack_is_updated_under_its_own_role_and_under_no_other(templates):
    updating = [
        statement
        for part in templates.values()
        for role in roles_of(part)
        for statement in policies_of(part, role)
        if "cloudformation:UpdateStack" in actions_of(statement)
    ]
    assert updating
    for statement in updating:
        (condition,) = statement["Condition"]["StringEquals"].items()
        assert condition[0] == "cloudformation:RoleArn"
        assert "UpdateRole" in json.dumps(condition[1])


def test_the_role_of_an_update_may_do_what_the_handlers_of_the_stacks_types_do(templates):
    allowed = {
        action
        for statement in statements(templates["Release"], "UpdateRole")
        for action in actions_of(statement)
    }
    assert handled(templates["Inference"]) - allowed == set()


def test_the_role_of_an_update_passes_the_models_role_alone_and_changes_none(templates):
    of_iam = [
        (action, statement)
        for statement in statements(templates["Release"], "UpdateRole")
        for action in actions_of(statement)
        if action.startswith("iam:")
    ]
    assert {action for action, _ in of_iam} <= {"iam:PassRole", "iam:GetRole", "iam:CreateServiceLinkedRole"}
    (passing,) = [statement for action, statement in of_iam if action == "iam:PassRole"]
    assert passing["Resource"] == {"Ref": "ModelRoleArn"}


def test_what_has_other_tags_is_not_deleted_by_an_update(templates):
    for statement in statements(templates["Release"], "UpdateRole"):
        if {"sagemaker:DeleteModel", "sagemaker:DeleteEndpointConfig"} & set(actions_of(statement)):
            assert set(statement["Condition"]["StringEquals"]) == {
                "aws:ResourceTag/project",
                "aws:ResourceTag/environment",
            }
        if "sagemaker:AddTags" in actions_of(statement):
            assert "sagemaker:TaggingAction" in statement["Condition"]["StringEquals"]


@pytest.mark.parametrize("machine", ["Release"])
def test_a_machine_that_updates_a_stack_has_a_role_that_trusts_it_alone(templates, machine):
    resources = templates["Release"]["Resources"]
    (name,) = [name for name in roles_of(templates["Release"]) if title(("", name)) == f"-{machine}Role"]
    (trust,) = resources[name]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    (of_machine,) = [
        resource["Properties"]["StateMachineName"]
        for resource in resources.values()
        if resource["Type"] == "AWS::StepFunctions::StateMachine"
        and resource["Properties"]["RoleArn"] == {"Fn::GetAtt": [name, "Arn"]}
    ]
    source = trust["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert json.dumps(source).endswith(f':stateMachine:{of_machine}"]]}}')


def handled(template: dict) -> set[str]:
    """What CloudFormation's handlers of a template's types ask for when they create, read, update and delete."""
    folder = Path(find_spec("cfnlint").origin).parent / "data" / "schemas"
    place = json.loads((folder / "providers" / "us-east-1.json").read_text())
    types = {resource["Type"] for resource in template["Resources"].values()} - LEFT_ALONE
    schemas = [json.loads((folder / "resources" / f"{place[name]}.json").read_text()) for name in types]
    return {
        action
        for schema in schemas
        for verb in ("create", "read", "update", "delete")
        for action in schema["handlers"][verb]["permissions"]
        if not action.startswith(NEVER_ASKED)
    }
