"""Reads a synthesised app as AWS would: templates, roles that the CDK assumes, and what its own roles may do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

# Stands for a name that only a deployment knows, and for what a policy leaves open.
ANY_NAME = "rehearsed"


@dataclass(frozen=True)
class Question:
    """What a statement of a role's policy allows, as a simulation is asked about it.

    Attributes:
        actions: without wildcards.
        resources: ARNs, or `*`.
        context: a value for each condition key that the statement looks at.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    context: dict[str, str]


@dataclass(frozen=True)
class Assembly:
    """A cloud assembly of `cdk synth`, for an account that may not know it yet.

    Attributes:
        folder: where it is.
        partition: of the region, such as `aws`.
        region: where the app goes.
        account: 12 digits.
    """

    folder: Path
    partition: str
    region: str
    account: str

    @cached_property
    def texts(self) -> dict[str, str]:
        """Each template by its stack's name, as short as JSON can be."""
        files = sorted(self.folder.glob("*.template.json"))
        return {
            file.name.removesuffix(".template.json"): json.dumps(
                json.loads(file.read_bytes()), separators=(",", ":")
            )
            for file in files
        }

    @cached_property
    def templates(self) -> dict[str, dict[str, Any]]:
        """Each template by its stack's name."""
        return {stack: json.loads(text) for stack, text in self.texts.items()}

    @cached_property
    def stacks(self) -> list[dict[str, Any]]:
        """What the manifest says of each stack."""
        artifacts = json.loads((self.folder / "manifest.json").read_bytes())["artifacts"].values()
        return [entry["properties"] for entry in artifacts if entry["type"] == "aws:cloudformation:stack"]

    def types(self) -> set[str]:
        """The types of CloudFormation's resources in all templates."""
        return {
            resource["Type"]
            for template in self.templates.values()
            for resource in template["Resources"].values()
        }

    def assumed_roles(self) -> set[str]:
        """The ARNs of the roles that `cdk deploy` assumes with the caller's credentials."""
        published = [
            place.get("assumeRoleArn")
            for file in self.folder.glob("*.assets.json")
            for asset in json.loads(file.read_bytes())["files"].values()
            for place in asset["destinations"].values()
        ]
        named = [*published, *(stack.get("assumeRoleArn") for stack in self.stacks)]
        return {self.placed(name) for name in named if name}

    def execution_role(self) -> str:
        """The ARN of the role under which CloudFormation makes the stacks; empty where it is the caller's own."""
        return self.placed(self.stacks[0].get("cloudFormationExecutionRoleArn", ""))

    def bootstrap(self) -> tuple[str, int]:
        """The parameter of Systems Manager that holds the bootstrap's version, and the least one that will do."""
        first = self.stacks[0]
        return first["bootstrapStackVersionSsmParameter"], first["requiresBootstrapStackVersion"]

    def placed(self, text: str) -> str:
        """A text of the assembly with the account, the region and the partition in it."""
        for name, value in self.pseudo_parameters().items():
            text = text.replace(f"${{{name}}}", value)
        return text

    def pseudo_parameters(self) -> dict[str, str]:
        """What CloudFormation knows without a template."""
        return {"AWS::Partition": self.partition, "AWS::Region": self.region, "AWS::AccountId": self.account}

    def roles(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """The statements of each role's own policies, by the role's stack and logical id."""
        for stack, template in self.templates.items():
            resources = template["Resources"]
            for name, resource in resources.items():
                if resource["Type"] != "AWS::IAM::Role":
                    continue
                documents = [
                    policy["PolicyDocument"] for policy in resource["Properties"].get("Policies", [])
                ]
                documents += [
                    policy["Properties"]["PolicyDocument"]
                    for policy in resources.values()
                    if policy["Type"] == "AWS::IAM::Policy" and {"Ref": name} in policy["Properties"]["Roles"]
                ]
                statements = [
                    self.resolved(entry) for document in documents for entry in document["Statement"]
                ]
                if statements:
                    yield f"{stack} {name}", statements

    def resolved(self, statement: dict[str, Any]) -> dict[str, Any]:
        """A statement with lists of texts in place of what only CloudFormation can put together."""
        actions = [str(action) for action in listed(statement["Action"])]
        service = actions[0].partition(":")[0]
        return {
            **self.text_of(statement),
            "Action": actions,
            "Resource": [self.arn_of(resource, service) for resource in listed(statement["Resource"])],
        }

    def arn_of(self, value: Any, service: str) -> str:
        """A resource of a statement; one that is a single reference gets an ARN of the statement's service."""
        text = self.text_of(value)
        if text == "*" or text.startswith("arn:"):
            return text
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{text}"

    def text_of(self, value: Any) -> Any:
        """A value of a template without intrinsic functions."""
        if isinstance(value, list):
            return [self.text_of(element) for element in value]
        if not isinstance(value, dict):
            return value
        if len(value) != 1 or not (next(iter(value)) == "Ref" or next(iter(value)).startswith("Fn::")):
            return {key: self.text_of(inner) for key, inner in value.items()}
        ((function, arguments),) = value.items()
        if function == "Ref":
            return self.pseudo_parameters().get(arguments, ANY_NAME)
        if function == "Fn::Join":
            return arguments[0].join(str(self.text_of(part)) for part in arguments[1])
        if function == "Fn::Sub" and isinstance(arguments, str):
            return re.sub(r"\$\{.+?\}", ANY_NAME, self.placed(arguments))
        return ANY_NAME


def questions_of(statements: list[dict[str, Any]]) -> Iterator[Question]:
    """What has to be allowed when nothing but these statements decides; actions with wildcards cannot be asked."""
    for statement in statements:
        actions = tuple(action for action in statement["Action"] if "*" not in action)
        if statement["Effect"] == "Allow" and actions:
            named = (arn if arn == "*" else arn.replace("*", ANY_NAME) for arn in statement["Resource"])
            yield Question(actions, tuple(dict.fromkeys(named)), context_of(statement.get("Condition", {})))


def context_of(conditions: dict[str, dict[str, Any]]) -> dict[str, str]:
    """A value for each key that meets its condition; the first where there are several."""
    return {
        key: str(listed(values)[0]).replace("*", ANY_NAME)
        for operator, keys in conditions.items()
        if "Not" not in operator
        for key, values in keys.items()
    }


def listed(value: Any) -> list[Any]:
    """A member of a policy that may be one or several."""
    return value if isinstance(value, list) else [value]
