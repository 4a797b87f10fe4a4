"""Takes recorded decisions again without one granted action after another: which removals a run would have noticed.

A run's record holds each decision with the principal, the action, the resource and the context that it was taken by. A
decision depends on nothing else but the policies, and a refusal of a role of the app fails the run. So the same run
without a granted action fails exactly when a decision that was an Allow is none without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import EvalContext

from local_aws.iam.decisions import lowered
from local_aws.sagemaker.names import ACCOUNT, REGION

# What a deployment makes up, and another makes up otherwise: identifiers of keys, and the ends of physical names.
MADE_UP = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=-)[0-9A-Fa-f]{13}\b")


@dataclass(frozen=True)
class Removal:
    """One action of one statement of a role's policy.

    Attributes:
        role: the role's name.
        policy: the policy's name.
        statement: its number in the policy.
        action: as the statement writes it.
        resources: of the statement.
    """

    role: str
    policy: str
    statement: int
    action: str
    resources: tuple[str, ...]

    def could_be_looked_at_by(self, decision: dict[str, Any]) -> bool:
        """Whether the statement may have been what allowed something."""
        return decision["principal"] == self.role and iam_evaluator.fnmatch_iam(
            decision["action"], self.action
        )

    @property
    def place(self) -> str:
        """The resources, by what is the same in every deployment."""
        return ", ".join(sorted(map(made_the_same, self.resources)))

    def __str__(self) -> str:
        return f"{self.action} of {self.role} on {self.place}"


class Grants:
    """The policies of roles.

    Attributes:
        documents: by role and policy.
    """

    def __init__(self, documents: dict[tuple[str, str], dict[str, Any]]) -> None:
        self.documents = documents

    @classmethod
    def of(cls, iam: Any, roles: Iterable[str]) -> Grants:
        """What roles in a running AWS have now."""
        return cls(
            {
                (role, policy): iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
                for role in roles
                for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]
            }
        )

    def removals(self) -> Iterator[Removal]:
        """Every action that is allowed, by itself."""
        for (role, policy), document in self.documents.items():
            for number, statement in enumerate(document["Statement"]):
                if statement["Effect"] == "Allow":
                    for action in listed(statement["Action"]):
                        yield Removal(role, policy, number, action, tuple(listed(statement["Resource"])))

    def without(self, removal: Removal) -> dict[str, Any]:
        """The policy of a removal once it is removed."""
        document = self.documents[removal.role, removal.policy]
        statements = []
        for number, statement in enumerate(document["Statement"]):
            actions = listed(statement["Action"])
            if number == removal.statement:
                actions = [one for one in actions if one != removal.action]
            statements += [{**statement, "Action": actions}] if actions else []
        return {**document, "Statement": statements}

    def of_role(self, role: str, removal: Removal | None = None) -> list[dict[str, Any]]:
        """A role's policies; without what is removed, where something is."""
        return [
            self.without(removal) if removal and (role, name) == (removal.role, removal.policy) else document
            for (owner, name), document in self.documents.items()
            if owner == role
        ]

    def noticed_by(self, removal: Removal, decisions: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
        """The first recorded decision that was an Allow and would be none without what is removed."""
        before, after = self.of_role(removal.role), self.of_role(removal.role, removal)
        for decision in decisions:
            is_concerned = "refused" not in decision and removal.could_be_looked_at_by(decision)
            if is_concerned and allows(before, decision) and not allows(after, decision):
                return decision
        return None


def made_the_same(text: str) -> str:
    """A text without what another deployment makes up otherwise."""
    return MADE_UP.sub("…", text)


def allows(documents: list[dict[str, Any]], decision: dict[str, Any]) -> bool:
    """Whether policies allow what was decided, in the evaluator of the embedded AWS."""
    role = decision["principal"]
    asked = EvalContext(
        *(f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/session", "AssumedRole", ACCOUNT),
        *(decision["action"], decision["resource"], REGION),
        secure_transport=True,
        service_context={"aws:tagkeys": None, **lowered(decision.get("context", {}))},
    )
    policies = [iam_evaluator.parse_policy_document(document) for document in documents]
    return iam_evaluator.evaluate(asked, policies).decision == "Allow"


def listed(value: str | list[str]) -> list[str]:
    """A member of a policy that may be one or several."""
    return [value] if isinstance(value, str) else value
