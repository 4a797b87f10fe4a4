"""What `recognition doctor --aws` asks of an account about a synthesised app, and how it takes each answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from cli.advise import rehearsal
from cli.advise.findings import Finding
from cli.shared.target import Target
from stacks.settings import load_settings

ACCOUNT = "111122223333"
CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/person"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/path/Admin"
DEPLOYS, EXECUTES, PUBLISHES = (
    f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/cdk-{name}"
    for name in ("deploy", "execute", "publish")
)
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/bounds"
STATEMENT = {
    "Effect": "Allow",
    "Action": ["s3:GetObject", "s3:PutObject"],
    "Resource": {"Fn::Join": ["", ["arn:aws:s3:::", {"Ref": "Bucket"}, "/training/*"]]},
    "Condition": {"Bool": {"aws:SecureTransport": "true"}},
}
TEMPLATE = {
    "Resources": {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {}},
        "Policy": {
            "Type": "AWS::IAM::Policy",
            "Properties": {"Roles": [{"Ref": "Role"}], "PolicyDocument": {"Statement": [STATEMENT]}},
        },
        "Emptied": {"Type": "Custom::S3AutoDeleteObjects", "Properties": {}},
    }
}
# Its clients are made once, which takes a second.
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
TARGET = Target("dev", KEYS)

Answer = dict[str, Any] | Callable[[dict[str, Any]], dict[str, Any]]


def error(code: str, message: str = "No.") -> Callable[[dict[str, Any]], dict[str, Any]]:
    """An operation that fails so."""

    def fail(_: dict[str, Any]) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": code, "Message": message}}, "Operation")

    return fail


def decides(*refused: str, by_the_organisation: bool = False) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A simulation that allows everything but some actions."""

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        results = [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": "implicitDeny" if action in refused else "allowed",
                "OrganizationsDecisionDetail": {"AllowedByOrganizations": not by_the_organisation},
            }
            for action in request["ActionNames"]
            for resource in request["ResourceArns"]
        ]
        return {"EvaluationResults": results, "IsTruncated": False}

    return answer


class Account:
    """Answers each operation as it is told, after it has looked at the request's shape; keeps the requests."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        schema = {
            "handlers": {
                verb: {"permissions": ["iam:CreateRole", "s3:PutObject"]} for verb in ("create", "read")
            }
        }
        self.answers: dict[str, Answer] = {
            "GetCallerIdentity": {"Arn": CALLER, "Account": ACCOUNT},
            "GetRole": {"Role": {"Arn": ROLE}},
            "GetParameter": {"Parameter": {"Value": "21"}},
            "ValidateTemplate": {},
            "DescribeType": {"Schema": json.dumps(schema)},
            "SimulatePrincipalPolicy": decides(),
            "SimulateCustomPolicy": decides(),
            "GetPolicy": {"Policy": {"DefaultVersionId": "v3"}},
            "GetPolicyVersion": {"PolicyVersion": {"Document": {"Statement": []}}},
        }

    def call(self, client: BaseClient, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        shape = client.meta.service_model.operation_model(operation).input_shape
        report = ParamValidator().validate(request, shape)
        assert not report.has_errors(), report.generate_report()
        self.requests.append((operation, request))
        answer = self.answers[operation]
        return answer(request) if callable(answer) else answer

    def asked(self, operation: str) -> list[dict[str, Any]]:
        return [request for name, request in self.requests if name == operation]


@pytest.fixture
def account(monkeypatch) -> Account:
    """An account in which everything is well."""
    made = Account()
    monkeypatch.setattr(
        BaseClient, "_make_api_call", lambda client, operation, request: made.call(client, operation, request)
    )
    return made


@pytest.fixture
def folder(tmp_path) -> Path:
    """A synthesised app of one stack."""
    properties = {
        "assumeRoleArn": DEPLOYS,
        "cloudFormationExecutionRoleArn": EXECUTES,
        "bootstrapStackVersionSsmParameter": "/cdk-bootstrap/version",
        "requiresBootstrapStackVersion": 6,
    }
    artifacts = {"App": {"type": "aws:cloudformation:stack", "properties": properties}}
    assets = {"files": {"code": {"destinations": {"here": {"assumeRoleArn": PUBLISHES}}}}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    (tmp_path / "App.assets.json").write_text(json.dumps(assets))
    (tmp_path / "App.template.json").write_text(json.dumps(TEMPLATE))
    return tmp_path


def rehearse(folder: Path, boundary: str | None = None) -> dict[str, Finding]:
    """The findings by what was looked at."""
    settings = load_settings("dev", {"dev": {"permissions_boundary": boundary} if boundary else {}})
    found = rehearsal.rehearse(TARGET, settings, folder, lambda _: None)
    return {one.what: one for one in found}


def test_an_account_that_allows_everything_is_well(account, folder):
    found = rehearse(folder)
    assert {what: (one.remedy, one.not_asked) for what, one in found.items()} == {
        "template of App": ("", ""),
        "CDK bootstrap version": ("", ""),
        f"permissions of {CALLER}": ("", ""),
        f"permissions of arn:aws:iam::{ACCOUNT}:role/cdk-execute": ("", ""),
        "role App Role": ("", ""),
    }


def test_a_template_that_cloudformation_refuses_is_told_in_its_words(account, folder):
    account.answers["ValidateTemplate"] = error("ValidationError", "Template format error")
    assert rehearse(folder)["template of App"].remedy == "Template format error"


def test_a_template_too_large_for_a_request_is_not_asked_and_says_how(account, folder):
    large = {**TEMPLATE, "Description": "x" * rehearsal.TEMPLATE_BYTES}
    (folder / "App.template.json").write_text(json.dumps(large))
    found = rehearse(folder)["template of App"]
    assert found.is_well
    assert "cdk deploy App --method prepare-change-set" in found.not_asked
    assert account.asked("ValidateTemplate") == []


def test_who_deploys_has_to_assume_the_roles_of_the_cdk(account, folder):
    account.answers["SimulatePrincipalPolicy"] = decides("sts:AssumeRole")
    found = rehearse(folder)[f"permissions of {CALLER}"]
    asked = account.asked("SimulatePrincipalPolicy")[0]
    assert (asked["PolicySourceArn"], asked["ActionNames"]) == (ROLE, ["sts:AssumeRole"])
    assert asked["ResourceArns"] == [
        f"arn:aws:iam::{ACCOUNT}:role/cdk-{name}" for name in ("deploy", "publish")
    ]
    assert (found.needed, found.found) == (2, 0)
    assert f"sts:AssumeRole on arn:aws:iam::{ACCOUNT}:role/cdk-deploy" in found.remedy


@pytest.mark.parametrize("answer", [error("ParameterNotFound"), {"Parameter": {"Value": "5"}}])
def test_without_a_bootstrap_that_will_do_who_deploys_has_to_make_it(account, folder, answer):
    account.answers["GetParameter"] = answer
    found = rehearse(folder)
    assert f"cdk bootstrap aws://{ACCOUNT}/us-east-1" in found["CDK bootstrap version"].remedy
    of_roles, others = account.asked("SimulatePrincipalPolicy")[:2]
    assert of_roles["ActionNames"] == ["iam:CreateRole"]
    assert of_roles["ResourceArns"] == [f"arn:aws:iam::{ACCOUNT}:role/Recognition-dev-rehearsed"]
    assert "cloudformation:CreateChangeSet" in others["ActionNames"]


def test_the_root_of_an_account_cannot_deploy(account, folder):
    root = f"arn:aws:iam::{ACCOUNT}:root"
    account.answers["GetCallerIdentity"] = {"Arn": root, "Account": ACCOUNT}
    assert "can assume no role" in rehearse(folder)[f"permissions of {root}"].remedy


def test_what_cloudformations_role_may_not_do_is_named(account, folder):
    account.answers["SimulatePrincipalPolicy"] = decides("iam:CreateRole", by_the_organisation=True)
    found = rehearse(folder)[f"permissions of arn:aws:iam::{ACCOUNT}:role/cdk-execute"]
    assert "iam:CreateRole" in found.remedy
    assert "forbidden by the organisation" in found.remedy


def test_a_type_without_permissions_in_the_registry_is_listed_as_not_asked(account, folder):
    account.answers["DescribeType"] = {"Schema": "{}"}
    found = rehearse(folder)["permissions of some resource types"]
    assert "AWS::IAM::Policy, AWS::IAM::Role" in found.not_asked
    assert "Custom::" not in found.not_asked


def test_an_action_with_a_wildcard_cannot_be_asked_about_and_its_type_is_listed(account, folder):
    handlers = {"create": {"permissions": ["iam:CreateRole", "s3:*"]}}
    account.answers["DescribeType"] = {"Schema": json.dumps({"handlers": handlers})}
    found = rehearse(folder)["permissions of some resource types"]
    assert "AWS::IAM::Role" in found.not_asked
    asked = [action for one in account.asked("SimulatePrincipalPolicy") for action in one["ActionNames"]]
    assert asked == ["sts:AssumeRole", "iam:CreateRole"]


def test_a_boundary_that_takes_something_from_a_role_is_named(account, folder):
    account.answers["SimulateCustomPolicy"] = decides("s3:PutObject")
    found = rehearse(folder, BOUNDARY)["role App Role"]
    (asked,) = account.asked("SimulateCustomPolicy")
    assert asked["PermissionsBoundaryPolicyInputList"] == [json.dumps({"Statement": []})]
    assert account.asked("GetPolicyVersion") == [{"PolicyArn": BOUNDARY, "VersionId": "v3"}]
    assert found.remedy.startswith(
        f"{BOUNDARY} has to allow: s3:PutObject on arn:aws:s3:::rehearsed/training/"
    )


def test_a_role_is_asked_about_with_its_own_statement_its_resources_and_conditions(account, folder):
    rehearse(folder)
    (asked,) = account.asked("SimulateCustomPolicy")
    (statement,) = json.loads(asked["PolicyInputList"][0])["Statement"]
    assert statement["Resource"] == ["arn:aws:s3:::rehearsed/training/*"]
    assert asked["ResourceArns"] == ["arn:aws:s3:::rehearsed/training/rehearsed"]
    entry = {
        "ContextKeyName": "aws:SecureTransport",
        "ContextKeyValues": ["true"],
        "ContextKeyType": "boolean",
    }
    assert asked["ContextEntries"] == [entry]


@pytest.mark.parametrize(
    ("operation", "what"),
    [
        ("ValidateTemplate", "template of App"),
        ("GetParameter", "the bootstrap and who deploys"),
        ("GetRole", "the bootstrap and who deploys"),
        ("DescribeType", "CloudFormation's role"),
        ("SimulateCustomPolicy", "role App Role"),
        ("GetPolicy", "the app's roles"),
    ],
)
def test_what_the_caller_may_not_ask_is_listed_and_the_rest_is_asked(account, folder, operation, what):
    account.answers[operation] = error("AccessDenied", f"not authorized to perform {operation}")
    found = rehearse(folder, BOUNDARY)
    assert operation in found[what].not_asked
    assert len([one for one in found.values() if one.not_asked]) == 1
    assert len(found) >= 4


def test_a_role_that_is_not_there_yet_is_listed_as_not_asked(account, folder):
    account.answers["SimulatePrincipalPolicy"] = error("NoSuchEntity")
    found = rehearse(folder)[f"permissions of arn:aws:iam::{ACCOUNT}:role/cdk-execute"]
    assert found.not_asked.endswith("cdk-execute is not there yet.")
