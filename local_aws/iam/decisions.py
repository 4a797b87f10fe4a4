"""Decides whether somebody may do something, writes down what was decided, and words a refusal as AWS does."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator, responses
from ministack.core.iam_evaluator import AuthError, EvalContext, EvalResult

from local_aws.iam.calls import UNKNOWN, Call
from local_aws.keys import session_of
from local_aws.sagemaker.names import ACCOUNT, REGION

# How a refusal spells the action of a service that does not spell it as policies do.
SPELLED = {"sns": lambda name: f"SNS:{name}", "sqs": lambda name: f"sqs:{name.lower()}"}


class Refused(Exception):
    """Somebody may not do something; the message is the one that AWS gives.

    Attributes:
        principal: who asked, as an ARN.
        call: what was refused.
        is_explicit: whether a statement denies it.
    """

    def __init__(self, principal: str, call: Call, reason: str, *, is_explicit: bool = False) -> None:
        action = spelled(call.action)
        resource = f'"{call.resource}"' if call.service == "s3" else call.resource
        super().__init__(
            f"User: {principal} is not authorized to perform: {action} on resource: {resource} "
            + reason.format(action=action)
        )
        self.principal, self.call, self.is_explicit = principal, call, is_explicit


class Record:
    """Every decision about a principal of the app, one line each however often it is taken.

    Attributes:
        file: of JSON lines with `principal`, `action`, `resource`, `context` and, where it was refused, `refused`.
    """

    def __init__(self, file: Path) -> None:
        self.file, self.lock, self.seen = file, threading.Lock(), set[str]()

    def write(self, principal: str, call: Call, refused: str | None = None) -> None:
        """Notes one decision; `refused` is the sentence of a refusal."""
        said = {"principal": principal, "action": call.action, "resource": call.resource}
        said |= {"context": dict(call.context)} if call.context else {}
        line = json.dumps({**said, "refused": refused} if refused else said, sort_keys=True)
        with self.lock:
            if line in self.seen:
                return
            self.seen.add(line)
            descriptor = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "a", encoding="utf-8") as record:
                record.write(f"{line}\n")


class Decisions:
    """What is asked before anything is done.

    Attributes:
        roles_are_there: set when ministack has read the roles that were kept; who asks before waits.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.roles_are_there = threading.Event()

    def of_key(self, access_key_id: str, call: Call, evaluation: EvalResult | None) -> Refused | None:
        """The refusal of a call with a key that ministack has evaluated; notes what was decided."""
        principal = iam_evaluator.resolve_principal(access_key_id, responses.get_account_id())
        if isinstance(principal, AuthError) or principal.policies is None:
            return None
        role = principal.arn.split("/")[1]
        refused = None
        if call.action.startswith(UNKNOWN):
            refused = Refused(principal.arn, call, "because the embedded AWS does not know its action.")
        elif evaluation is not None:
            explicit = evaluation.decision == "Deny"
            refused = Refused(
                principal.arn, call, reason_of(evaluation, principal, call), is_explicit=explicit
            )
        self.record.write(role, call, str(refused) if refused else None)
        return refused

    def may(self, access_key_id: str, call: Call) -> bool:
        """Whether who has a key may make a call that the request at hand takes beside its own."""
        return evaluated(access_key_id, call) is None

    def refusal(self, role_arn: str, call: Call) -> Refused | None:
        """Why a role may not do something, outside of any request; None when it may."""
        self.roles_are_there.wait()
        in_account()
        key = session_of(role_arn, role_arn, "service")["AWS_ACCESS_KEY_ID"]
        evaluation = evaluated(key, call)
        if isinstance(evaluation, AuthError):
            return Refused(role_arn, call, f"because {evaluation.message}")
        return getattr(evaluation, "refused", None)

    def require(self, role_arn: str, *calls: Call) -> None:
        """Asks for each call.

        Raises:
            Refused: at the first that the role may not make.
        """
        for call in calls:
            if refused := self.refusal(role_arn, call):
                raise refused

    def may_assume(self, role_arn: str, service: str, source_arn: str = "") -> bool:
        """Whether a role exists and trusts a service, such as `sagemaker.amazonaws.com`."""
        from ministack.services import iam

        in_account()
        role = iam._roles.get(role_arn.rsplit("/", 1)[-1])
        if role is None:
            return False
        policy = role["AssumeRolePolicyDocument"]
        return self.allows(policy, service, Call("sts:AssumeRole", role_arn), source_arn)

    def target_allows(self, service: str, call: Call, source_arn: str) -> bool:
        """Whether the policy of what a call names lets a service make it for a resource of this account."""
        in_account()
        policy, _ = iam_evaluator._resource_policy(call.service, call.resource) or ("", None)
        return self.allows(policy, service, call, source_arn)

    def allows(self, policy: Any, service: str, call: Call, source_arn: str) -> bool:
        """Whether a resource's own policy lets a service do something for a resource of this account."""
        in_account()
        context = {"aws:sourcearn": source_arn, "aws:sourceaccount": ACCOUNT, **lowered(call.context)}
        asked = EvalContext("*", "Service", "", call.action, call.resource, REGION, service_context=context)
        evaluation = iam_evaluator.evaluate_resource_policy(policy, asked, service=service)
        allowed = evaluation.decision == "Allow"
        refused = f"The policy of {call.resource} does not allow {call.action} to {service} for {source_arn}."
        said = Call(call.action, call.resource, {**call.context, "aws:SourceArn": source_arn})
        self.record.write(service, said, None if allowed else refused)
        return allowed


def evaluated(access_key_id: str, call: Call) -> EvalResult | AuthError | None:
    """ministack's decision on a call with a key, with what the call takes beside itself; None where all is allowed."""
    return iam_evaluator.enforce(
        access_key_id,
        call.action,
        call.service,
        REGION,
        resource_arn=call.resource,
        service_context=dict(call.context),
    )


def reason_of(evaluation: EvalResult, principal: iam_evaluator.PrincipalInfo, call: Call) -> str:
    """Which policy refuses, in the words of the IAM user guide (Troubleshoot access denied error messages)."""
    kind = "resource-based policy" if evaluation.resource_policy_arn else "identity-based policy"
    if evaluation.decision == "Deny":
        return f"with an explicit deny in {'a' if kind.startswith('r') else 'an'} {kind}"
    asked = EvalContext(
        *(principal.arn, principal.type, principal.account, call.action, call.resource, REGION),
        service_context=lowered(call.context),
        principal_keys=principal.keys,
    )
    if iam_evaluator.evaluate(asked, principal.policies or []).decision != "Allow":
        return "because no identity-based policy allows the {action} action"
    kind = "permissions boundary" if principal.limits else "resource-based policy"
    return f"because no {kind} allows the {{action}} action"


def spelled(action: str) -> str:
    """An action as its service's refusals spell it."""
    service, _, name = action.partition(":")
    return SPELLED[service](name) if service in SPELLED else action


def lowered(context: Any) -> dict[str, Any]:
    """Condition keys as ministack looks them up."""
    return {key.lower(): value for key, value in context.items()}


def in_account() -> None:
    """Sets what a request has and a thread of ours has not: an account, a region, and a connection as by TLS."""
    responses.set_request_account_id(ACCOUNT)
    responses.set_request_region(REGION)
    iam_evaluator.pin_request_origin("127.0.0.1", True)
