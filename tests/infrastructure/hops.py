"""Follows the roles of templates over every hop: what a role can have done under another role, and by what call."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from .calls import actions_of, resources_of
from .grants import matches, policies_of, roles_of, written

# What CDK's own role for CloudFormation may do after a plain bootstrap, and whoever may change policies.
ADMINISTRATOR = "administrator"
Node = tuple[str, str]
# Calls after which the caller has a say in what another role does; the value is the member that names the role.
RUN = {
    "states:StartExecution": "RoleArn",
    "states:StartSyncExecution": "RoleArn",
    "states:UpdateStateMachine": "RoleArn",
    "lambda:InvokeFunction": "Role",
    "lambda:InvokeFunctionUrl": "Role",
    "lambda:UpdateFunctionCode": "Role",
    "lambda:UpdateFunctionConfiguration": "Role",
}
# A stack's resources are made under the role that the call names, or under the one that the stack had before.
STACKS = {"cloudformation:UpdateStack", "cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"}
# Who may do one of these gives itself what it likes.
POLICIES = re.compile(
    r"^(\*|iam:(\*|Put\w+Policy|Attach\w+Policy|Detach\w+Policy|Delete\w*Policy\w*|CreatePolicyVersion|"
    r"SetDefaultPolicyVersion|UpdateAssumeRolePolicy|CreateRole|CreateUser|CreateAccessKey|CreateLoginProfile|"
    r"AddUserToGroup|AddRoleToInstanceProfile|Delete\w+PermissionsBoundary))$"
)


class Hops:
    """The hops between the roles of one environment's templates."""

    def __init__(self, templates: dict[str, dict]) -> None:
        self.templates = templates
        self.published = {
            properties["Name"]: (part, properties["Value"])
            for part, _, properties in self.resources("AWS::SSM::Parameter")
        }
        self.roles = [(part, role) for part, template in templates.items() for role in roles_of(template)]

    def resources(self, kind: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Part, logical id and properties of every resource of a type."""
        for part, template in self.templates.items():
            for name, resource in template["Resources"].items():
                if resource["Type"] == kind:
                    yield part, name, resource.get("Properties", {})

    def named(self, part: str, value: Any) -> set[Node]:
        """The resources that a value of a template names, also through what another stack published."""
        if isinstance(value, list):
            return {node for element in value for node in self.named(part, element)}
        if not isinstance(value, dict):
            return set()
        template = self.templates[part]
        for function, arguments in value.items():
            name = arguments if isinstance(arguments, str) else next(iter(arguments), "")
            if function in ("Ref", "Fn::GetAtt") and name in template["Resources"]:
                return {(part, name)}
            default = template.get("Parameters", {}).get(name, {}).get("Default")
            if function == "Ref" and default in self.published:
                return self.named(*self.published[default])
        return {node for arguments in value.values() for node in self.named(part, arguments)}

    def meant(self, part: str, kind: str, resource: Any) -> set[Node]:
        """The resources of a type that a statement's resource means: named, or by a pattern of their names."""
        of_kind = {(where, name): properties for where, name, properties in self.resources(kind)}
        if meant := self.named(part, resource) & of_kind.keys():
            return meant
        pattern = written(resource)
        names = {
            node: next((str(properties[key]) for key in properties if key.endswith("Name")), "chosen-later")
            for node, properties in of_kind.items()
        }
        return {
            node
            for node, name in names.items()
            if matches(pattern.rpartition(":")[2].rpartition("/")[2], name)
        }

    def from_role(self, node: Node) -> Iterator[Node | str]:
        """Where one hop leads."""
        part, role = node
        for statement in policies_of(self.templates[part], role):
            if statement["Effect"] != "Allow":
                continue
            actions, conditions = actions_of(statement), statement.get("Condition", {})
            if any(POLICIES.match(action) for action in actions):
                yield ADMINISTRATOR
            if STACKS & set(actions):
                named = conditions.get("StringEquals", {}).get("cloudformation:RoleArn")
                yield from self.named(part, named) if named else {ADMINISTRATOR}
            for resource in resources_of(statement):
                if {"iam:PassRole", "sts:AssumeRole"} & set(actions):
                    yield from self.meant(part, "AWS::IAM::Role", resource)
                for kind in ("AWS::StepFunctions::StateMachine", "AWS::Lambda::Function"):
                    service = {
                        "AWS::StepFunctions::StateMachine": "states:",
                        "AWS::Lambda::Function": "lambda:",
                    }[kind]
                    members = {
                        RUN[action] for action in actions if action in RUN and action.startswith(service)
                    }
                    for where, name in self.meant(part, kind, resource) if members else ():
                        properties = self.templates[where]["Resources"][name]["Properties"]
                        yield from (
                            node for member in members for node in self.named(where, properties[member])
                        )
        attached = self.templates[part]["Resources"][role]["Properties"].get("ManagedPolicyArns", [])
        if re.search(r"AdministratorAccess|PowerUserAccess|IAMFullAccess|FullAccess", json.dumps(attached)):
            yield ADMINISTRATOR

    def reach(self) -> dict[str, set[str]]:
        """By role all that it reaches over any number of hops."""
        reached: dict[str, set[str]] = {}
        for start in self.roles:
            seen: set[Node | str] = set()
            waiting: list[Node | str] = [start]
            while waiting:
                here = waiting.pop()
                for there in self.from_role(here) if isinstance(here, tuple) else ():
                    if there not in seen:
                        seen.add(there)
                        waiting.append(there)
            reached[title(start)] = {title(node) for node in seen if node != start}
        return reached


def title(node: Node | str) -> str:
    """A role's part and name, without what CDK appends."""
    if isinstance(node, str):
        return node
    part, name = node
    return f"{part}-{re.sub(r'[0-9A-F]{8}$', '', name)}"
