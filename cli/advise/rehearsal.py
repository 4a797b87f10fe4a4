"""Rehearses a first deployment in an AWS account: its templates, and what the caller and the roles may do there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

from cli.advise.assembly import ANY_NAME, Assembly, Question, questions_of
from cli.advise.findings import Finding, asked
from cli.shared.target import Target
from stacks.settings import EnvironmentSettings

# CloudFormation quotas, "Template body size in a request".
TEMPLATE_BYTES = 51_200
# What `cdk bootstrap` makes (its template).
BOOTSTRAP_TYPES = (
    *("AWS::ECR::Repository", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role"),
    *("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::SSM::Parameter"),
)
STACK_ACTIONS = tuple(
    f"cloudformation:{verb}"
    for verb in ("CreateChangeSet", "DescribeChangeSet", "DescribeStacks", "ExecuteChangeSet", "GetTemplate")
)
# What a simulation is asked at once; IAM names no limit but that of a request.
ACTIONS_AT_ONCE = 100
SHOWN_ACTIONS = 6
NOT_THERE = ("NoSuchEntity", "ParameterNotFound")


def rehearse(
    target: Target, settings: EnvironmentSettings, assembly_folder: Path, on_detail: Callable[[str], None]
) -> list[Finding]:
    """What would stop `cdk deploy --all` in this account, or the app's roles afterwards. Creates nothing.

    Args:
        target: the account, whose credentials have been asked for.
        settings: of the environment that was synthesised.
        assembly_folder: the output of `cdk synth`.
        on_detail: is told what is asked.
    """
    identity = target.client("sts").get_caller_identity()
    partition = identity["Arn"].split(":")[1]
    assembly = Assembly(assembly_folder, partition, settings.region, identity["Account"])
    rehearsal = Rehearsal(target, assembly, settings.permissions_boundary)
    questions: dict[str, Callable[[], Iterable[Finding]]] = {
        "the templates": rehearsal.template_findings,
        "the bootstrap and who deploys": lambda: rehearsal.caller_findings(identity["Arn"]),
        "CloudFormation's role": rehearsal.execution_role_findings,
        "the app's roles": rehearsal.role_findings,
    }
    findings = []
    for what, question in questions.items():
        on_detail(what)
        findings += asked(what, question)
    return findings


class Rehearsal:
    """Asks one account about one synthesised app."""

    def __init__(self, target: Target, assembly: Assembly, boundary: str | None) -> None:
        self.target, self.assembly, self.boundary = target, assembly, boundary

    def template_findings(self) -> Iterator[Finding]:
        """Whether CloudFormation takes each template."""
        client = self.target.client("cloudformation")
        for stack, text in self.assembly.texts.items():
            what = f"template of {stack}"
            if (size := len(text.encode())) > TEMPLATE_BYTES:
                reason = (
                    f"It has {size:,} bytes, and a request may carry {TEMPLATE_BYTES:,}. "
                    f"`cdk deploy {stack} --method prepare-change-set` validates it and changes nothing."
                )
                yield Finding(what, None, None, "", reason)
            else:
                yield from asked(what, partial(validated, client, what, text))

    def caller_findings(self, arn: str) -> Iterator[Finding]:
        """Whether the CDK's bootstrap is there and who asks may assume its roles, or may make them."""
        what = f"permissions of {arn}"
        if arn.endswith(":root"):
            yield Finding(
                what, None, None, "Use a role or a user: the account's root can assume no role of the CDK."
            )
            return
        parameter, needed = self.assembly.bootstrap()
        version = self.bootstrap_version(parameter)
        is_enough = version is not None and version >= needed
        remedy = (
            "" if is_enough else f"Run: cdk bootstrap aws://{self.assembly.account}/{self.assembly.region}"
        )
        yield Finding("CDK bootstrap version", needed, version, remedy)
        if is_enough:
            calls = [Question(("sts:AssumeRole",), tuple(sorted(self.assembly.assumed_roles())), {})]
        else:
            needs, unknown = self.actions_of_types(BOOTSTRAP_TYPES)
            calls = self.calls_of_stacks([*STACK_ACTIONS, *needs])
            yield from not_described(unknown)
        yield from self.principal_findings(what, self.policy_source(arn), calls)

    def bootstrap_version(self, parameter: str) -> int | None:
        """The version of the CDK's bootstrap in the account and region; None where it is not there."""
        try:
            answer = self.target.client("ssm").get_parameter(Name=parameter)
        except ClientError as error:
            if error.response["Error"]["Code"] in NOT_THERE:
                return None
            raise
        return int(answer["Parameter"]["Value"])

    def policy_source(self, arn: str) -> str:
        """The user or role whose policies decide about a caller."""
        if ":assumed-role/" not in arn:
            return arn
        name = arn.split("/")[1]
        return self.target.client("iam").get_role(RoleName=name)["Role"]["Arn"]

    def execution_role_findings(self) -> Iterator[Finding]:
        """Whether CloudFormation's role may make, read and delete every type of resource in the templates."""
        role = self.assembly.execution_role()
        needs, unknown = self.actions_of_types(sorted(self.assembly.types()))
        yield from not_described(unknown)
        yield from self.principal_findings(f"permissions of {role}", role, self.calls_of_stacks(needs))

    def calls_of_stacks(self, actions: list[str]) -> list[Question]:
        """Actions on resources that have no names yet; those on roles on one with a name as the app's roles have."""
        account = f"arn:{self.assembly.partition}:iam::{self.assembly.account}"
        role = f"{account}:role/{self.target.stack_name(ANY_NAME)}"
        context = {"iam:PassedToService": "lambda.amazonaws.com"}
        if self.boundary:
            context["iam:PermissionsBoundary"] = self.boundary
        of_roles = tuple(action for action in actions if action.startswith("iam:"))
        others = tuple(action for action in actions if not action.startswith("iam:"))
        return [Question(of_roles, (role,), context), Question(others, ("*",), {})]

    def actions_of_types(self, names: Iterable[str]) -> tuple[list[str], list[str]]:
        """The actions that CloudFormation's registry names for types, and the types of which not all can be asked."""
        client, actions, unknown = self.target.client("cloudformation"), set[str](), []
        for name in names:
            if name.startswith("Custom::"):
                # A function of the app's own does it, under a role of the templates.
                continue
            schema = json.loads(client.describe_type(Type="RESOURCE", TypeName=name)["Schema"])
            handlers = [schema.get("handlers", {}).get(verb, {}) for verb in ("create", "read", "delete")]
            permissions = {action for handler in handlers for action in handler.get("permissions", [])}
            # A simulation takes no wildcards.
            plain = {action for action in permissions if "*" not in action}
            if not permissions or plain != permissions:
                unknown.append(name)
            actions |= plain
        return sorted(actions), unknown

    def principal_findings(self, what: str, arn: str, questions: list[Question]) -> Iterator[Finding]:
        """Whether a user or role of the account may do something."""
        client = self.target.client("iam")

        def simulate(question: Question) -> Any:
            pages = client.get_paginator("simulate_principal_policy")
            return pages.paginate(PolicySourceArn=arn, **request_of(question))

        try:
            yield decided(what, simulate, questions, "An administrator has to allow")
        except ClientError as error:
            if error.response["Error"]["Code"] not in NOT_THERE:
                raise
            yield Finding(what, None, None, "", f"{arn} is not there yet.")

    def role_findings(self) -> Iterator[Finding]:
        """Whether each role may do what its policies say, which a deny among them or a boundary can take away."""
        policies: dict[str, Any] = {}
        if self.boundary:
            policies["PermissionsBoundaryPolicyInputList"] = [self.boundary_document()]
        for role, statements in self.assembly.roles():
            yield from asked(f"role {role}", partial(self.of_role, role, statements, policies))

    def of_role(self, role: str, statements: list[dict[str, Any]], others: dict[str, Any]) -> list[Finding]:
        """The finding of one role; `others` are the policies beside its own, as a simulation takes them."""
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        client = self.target.client("iam")

        def simulate(question: Question) -> Any:
            pages = client.get_paginator("simulate_custom_policy")
            return pages.paginate(PolicyInputList=[document], **others, **request_of(question))

        remedy = f"{self.boundary} has to allow" if self.boundary else "A statement of the role itself denies"
        return [decided(f"role {role}", simulate, list(questions_of(statements)), remedy)]

    def boundary_document(self) -> str:
        """The document of the settings' permissions boundary, as it is in force."""
        client = self.target.client("iam")
        policy = client.get_policy(PolicyArn=self.boundary)["Policy"]
        version = client.get_policy_version(PolicyArn=self.boundary, VersionId=policy["DefaultVersionId"])
        document = version["PolicyVersion"]["Document"]
        return unquote(document) if isinstance(document, str) else json.dumps(document)


def validated(client: Any, what: str, text: str) -> list[Finding]:
    """What CloudFormation says of a template."""
    try:
        client.validate_template(TemplateBody=text)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return [Finding(what, None, None, error.response["Error"]["Message"])]
    return [Finding(what, None, None, "")]


def request_of(question: Question) -> dict[str, Any]:
    """A question as both of IAM's simulations take it."""
    entries = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": type_of(value)}
        for key, value in question.context.items()
    ]
    request = {"ActionNames": list(question.actions), "ResourceArns": list(question.resources)}
    return {**request, "ContextEntries": entries} if entries else request


def type_of(value: str) -> str:
    """The type of a condition key's value, as IAM's simulations name it."""
    return "boolean" if value in ("true", "false") else "string"


def decided(
    what: str, simulate: Callable[[Question], Any], questions: list[Question], remedy: str
) -> Finding:
    """One finding for all that a principal was asked about: how much is needed, and how much is allowed."""
    needed, refused = 0, {}
    for question in questions:
        for start in range(0, len(question.actions), ACTIONS_AT_ONCE):
            part = Question(
                question.actions[start : start + ACTIONS_AT_ONCE], question.resources, question.context
            )
            for page in simulate(part):
                for result in page["EvaluationResults"]:
                    needed += 1
                    if result["EvalDecision"] != "allowed":
                        refused[in_words(result)] = None
    if not refused:
        return Finding(what, needed, needed, "")
    named = [*refused]
    shown = ", ".join(named[:SHOWN_ACTIONS])
    more = f" and {len(named) - SHOWN_ACTIONS} more" if len(named) > SHOWN_ACTIONS else ""
    return Finding(what, needed, needed - len(named), f"{remedy}: {shown}{more}.")


def in_words(result: dict[str, Any]) -> str:
    """An action that is not allowed, with its resource, and the organisation where it is that which forbids it."""
    organisation = result.get("OrganizationsDecisionDetail", {})
    by = " (forbidden by the organisation)" if organisation.get("AllowedByOrganizations") is False else ""
    resource = result.get("EvalResourceName", "*")
    return f"{result['EvalActionName']}{'' if resource == '*' else f' on {resource}'}{by}"


def not_described(types: list[str]) -> Iterator[Finding]:
    """That CloudFormation's registry does not say, or not one by one, what some types take."""
    if types:
        reason = f"CloudFormation's registry names none, or some with a wildcard, for {', '.join(types)}."
        yield Finding("permissions of some resource types", None, None, "", reason)
