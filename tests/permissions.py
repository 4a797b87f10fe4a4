"""What the deployed roles are granted, against what the deployed tests would have missed without it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from local_aws.state import DECISIONS_FILE

from .unused_grants import UNUSED

if TYPE_CHECKING:
    from cli.shared.target import Target

    from .removals import Grants

DEPLOYED = Path(__file__).with_name("local") / "deployed"
ROLE = re.compile(r"^Recognition-dev-(?P<title>.+?)[0-9A-F]{8}(-?[0-9A-F]+)?$")
MEMBERS = ("files", "policies", "decisions", "refused", "strange", "left")
REPORT = pytest.StashKey["Report"]()


class Grant(NamedTuple):
    """An action that a statement of a role's policy allows on its resources."""

    role: str
    action: str
    place: str


class Judgement(NamedTuple):
    """Each role's granted actions, and those of them without one of which a recorded decision would be a refusal."""

    granted: set[Grant]
    used: set[Grant]


@dataclass
class Report:
    """What the tests of one process, or of all, have seen; how they are divided among processes decides nothing.

    Attributes:
        files: those of the deployed tests of which one ran.
        policies: of each role, as JSON, by what is the same in every deployment.
        decisions: on what the roles asked for, likewise.
        refused: the sentences of what was refused to the app's own roles.
        strange: what was asked for that AWS has no such action for, or no such resource of it.
        left: what was still there after all stacks were taken away, and that no document names.
    """

    files: set[str] = field(default_factory=set)
    policies: set[str] = field(default_factory=set)
    decisions: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    strange: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)

    def add(self, other: dict[str, list[str]]) -> None:
        """Adds what another process has seen."""
        for name in MEMBERS:
            getattr(self, name).update(other[name])

    def as_data(self) -> dict[str, list[str]]:
        """As xdist carries it, which knows no classes of ours."""
        return {name: sorted(getattr(self, name)) for name in MEMBERS}

    def end(self, target: Target, state_directory: Path) -> None:
        """Takes a deployment away, and adds what is left, what its roles were granted and what was decided."""
        from . import leftovers

        grants = grants_of_the_app(target.client("iam"))
        leftovers.destroy(target)
        self.left |= set(leftovers.not_named(leftovers.leftovers(target)))
        self.read(grants, state_directory)

    def read(self, grants: Grants, state_directory: Path) -> None:
        """Adds what an embedded AWS has granted and decided."""
        from .removals import made_the_same

        decisions = [*map(json.loads, (state_directory / DECISIONS_FILE).read_text().splitlines())]
        for role in {role for role, _ in grants.documents}:
            said = {"role": title_of(role), "policies": grants.of_role(role)}
            self.policies.add(made_the_same(json.dumps(said, sort_keys=True)))
        for decision in decisions:
            title = title_of(decision["principal"])
            if title:
                said = {**decision, "principal": title}
                self.decisions.add(made_the_same(json.dumps(said, sort_keys=True)))
            if not is_in_reference(decision["action"], decision["resource"]):
                self.strange.add(f"{decision['action']} on {decision['resource']}")
            if "refused" in decision and (title or decision["principal"].endswith(".amazonaws.com")):
                self.refused.add(decision["refused"])

    def judgement(self) -> Judgement:
        """Which grants the decisions of all processes need; what one deployment used counts in every other."""
        from .removals import Grants

        by_role: dict[str, list[dict[str, Any]]] = {}
        for decision in map(json.loads, self.decisions):
            by_role.setdefault(decision["principal"], []).append(decision)
        found = Judgement(set(), set())
        for said in map(json.loads, self.policies):
            role = said["role"]
            grants = Grants({(role, str(i)): document for i, document in enumerate(said["policies"])})
            for removal in grants.removals():
                grant = Grant(role, removal.action, removal.place)
                found.granted.add(grant)
                if grants.noticed_by(removal, by_role.get(role, [])):
                    found.used.add(grant)
        return found

    def complaints(self) -> list[str]:
        """One line for each refusal, each grant that nothing misses, and each line of the table that is wrong."""
        granted, used = self.judgement()
        unused = granted - used
        missed = {(one.role, one.action) for one in unused}
        return [
            *(f"Refused: {sentence}" for sentence in sorted(self.refused)),
            *(f"Left by a destroy, and not named in docs/releases.md: {name}" for name in sorted(self.left)),
            *(f"Not in the Service Authorization Reference: {call}" for call in sorted(self.strange)),
            *(
                f"Granted, and nothing misses it: {one.action} of {one.role} on {one.place}"
                for one in sorted(unused - named(granted))
            ),
            *(
                f"In unused_grants.py and missed, or not granted: {action} of {role}"
                for role, action in sorted(named_actions() - missed)
            ),
        ]

    @staticmethod
    def grants_of(iam: Any) -> Grants:
        """What the app's roles are granted now."""
        return grants_of_the_app(iam)

    def share(self) -> str:
        """How many removals of a granted action the run would have noticed, in a sentence."""
        granted, used = self.judgement()
        rest = granted - (named(granted) - used)
        noticed = len(used) / len(rest) if rest else 1.0
        return (
            f"IAM: {len(granted)} granted actions of {len({one.role for one in granted})} roles. Without one "
            f"of {len(used)} of them this run would have been refused something; "
            f"{len(granted) - len(rest)} more are named with a reason. Of the rest {noticed:.1%} are missed."
        )

    def is_of_all(self) -> bool:
        """Whether each file of the deployed tests had its turn."""
        return self.files >= {file.name for file in DEPLOYED.glob("test_*.py")}


def title_of(role_name: str) -> str | None:
    """A role of the app without what CDK and CloudFormation append; None for any other."""
    found = ROLE.match(role_name)
    return found["title"] if found else None


def grants_of_the_app(iam: Any) -> Grants:
    """The policies of the app's roles, as they are now."""
    # Every test loads this file, and not everywhere is what these need.
    from .removals import Grants

    pages = iam.get_paginator("list_roles").paginate()
    roles = [role["RoleName"] for page in pages for role in page["Roles"]]
    return Grants.of(iam, filter(title_of, roles))


def named(granted: set[Grant]) -> set[Grant]:
    """The grants that unused_grants.py gives a reason for."""
    return {one for one in granted if (one.role, one.action) in named_actions()}


def named_actions() -> set[tuple[str, str]]:
    """The role and the action of each line of unused_grants.py."""
    return {
        (role, action) for roles in UNUSED.values() for role, actions in roles.items() for action in actions
    }


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
    # Of an action without kinds of resources AWS decides about an ARN all the same, or about none.
    if found is None or resource == "*" or "Resources" not in found:
        return found is not None
    formats = [
        arn_format
        for kind in found["Resources"]
        for arn_format in known["Resources"][kind.lower()]["ARNFormats"]
    ]
    return any(re.fullmatch(re.sub(r"\$\{\w+\}", "[^:]*", one), resource) for one in formats)
