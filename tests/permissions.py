"""What the deployed roles are granted, against what was decided about them while the deployed tests ran."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from local_aws.state import DECISIONS_FILE

from .unused_grants import UNUSED

DEPLOYED = Path(__file__).with_name("local") / "deployed"
ROLE = re.compile(r"^Recognition-dev-(?P<title>.+?)[0-9A-F]{8}(-?[0-9A-F]+)?$")
MEMBERS = ("files", "granted", "used", "refused", "strange")
REPORT = pytest.StashKey["Report"]()


@dataclass
class Report:
    """What the tests of one process, or of all, have seen.

    Attributes:
        files: those of the deployed tests of which one ran.
        granted: each role's granted actions.
        used: each role's actions that were asked for and allowed.
        refused: the sentences of what was refused to the app's own roles.
        strange: what was asked for that AWS has no such action for, or no such resource of it.
    """

    files: set[str] = field(default_factory=set)
    granted: set[tuple[str, str]] = field(default_factory=set)
    used: set[tuple[str, str]] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    strange: set[str] = field(default_factory=set)

    def add(self, other: dict[str, Any]) -> None:
        """Adds what another process has seen."""
        self.files |= set(other["files"])
        self.granted |= {(role, action) for role, action in other["granted"]}
        self.used |= {(role, action) for role, action in other["used"]}
        self.refused |= set(other["refused"])
        self.strange |= set(other["strange"])

    def as_data(self) -> dict[str, list]:
        """As xdist carries it."""
        return {name: sorted(getattr(self, name)) for name in MEMBERS}

    def read(self, iam: Any, state_directory: Path) -> None:
        """Adds what an embedded AWS has granted and decided."""
        for page in iam.get_paginator("list_roles").paginate():
            for role in page["Roles"]:
                if title := title_of(role["RoleName"]):
                    self.granted |= {(title, action) for action in granted_to(iam, role["RoleName"])}
        for decision in map(json.loads, (state_directory / DECISIONS_FILE).read_text().splitlines()):
            title = title_of(decision["principal"])
            if not is_in_reference(decision["action"], decision["resource"]):
                self.strange.add(f"{decision['action']} on {decision['resource']}")
            if "refused" in decision and (title or decision["principal"].endswith(".amazonaws.com")):
                self.refused.add(decision["refused"])
            elif title:
                self.used.add((title, decision["action"]))

    def complaints(self) -> list[str]:
        """One line for each refusal, each grant that nothing used, and each line of the table that is wrong."""
        named = {
            (role, action)
            for roles in UNUSED.values()
            for role, actions in roles.items()
            for action in actions
        }
        left = self.granted - named
        unused = {one for one in left if not is_used(one, self.used)}
        wrong = {one for one in named if one not in self.granted or is_used(one, self.used)}
        return [
            *(f"Refused: {sentence}" for sentence in sorted(self.refused)),
            *(f"Not in the Service Authorization Reference: {call}" for call in sorted(self.strange)),
            *(f"Granted and never used: {action} of {role}" for role, action in sorted(unused)),
            *(
                f"In unused_grants.py and used, or not granted: {action} of {role}"
                for role, action in sorted(wrong)
            ),
        ]

    def is_of_all(self) -> bool:
        """Whether each file of the deployed tests had its turn."""
        return self.files >= {file.name for file in DEPLOYED.glob("test_*.py")}


def title_of(role_name: str) -> str | None:
    """A role of the app without what CDK and CloudFormation append; None for any other."""
    found = ROLE.match(role_name)
    return found["title"] if found else None


def granted_to(iam: Any, role_name: str) -> Iterable[str]:
    """The actions that a role's own policies allow."""
    for name in iam.list_role_policies(RoleName=role_name)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role_name, PolicyName=name)["PolicyDocument"]
        for statement in document["Statement"]:
            if statement["Effect"] == "Allow":
                actions = statement["Action"]
                yield from [actions] if isinstance(actions, str) else actions


@cache
def reference() -> dict[str, Any]:
    """AWS's services with their actions and resources, as cfn-lint carries them."""
    import cfnlint

    place = Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "Policies.json"
    return json.loads(place.read_text())


def is_in_reference(action: str, resource: str) -> bool:
    """Whether AWS has an action, and it may name such a resource; the reference marks no resource as optional."""
    service, _, name = action.partition(":")
    known = reference().get(service, {})
    found = known.get("Actions", {}).get(name.lower())
    if found is None or resource == "*":
        return found is not None
    formats = [
        arn_format for kind in found["Resources"] for arn_format in known["Resources"][kind]["ARNFormats"]
    ]
    return any(re.fullmatch(re.sub(r"\$\{\w+\}", "[^:]*", one), resource) for one in formats)


def is_used(grant: tuple[str, str], used: Iterable[tuple[str, str]]) -> bool:
    """Whether a role used an action, which may have wildcards."""
    return any(role == grant[0] and fnmatch(action, grant[1]) for role, action in used)
