"""Hangs the decisions into ministack: every request, with what it takes beyond what ministack asks, and its refusal."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator, responses
from ministack.core.iam_evaluator import AuthError, EvalResult

from local_aws import gateway_refusals
from local_aws.iam.calls import Call
from local_aws.iam.decisions import Decisions, Refused
from local_aws.iam.encryption import uses_of_keys
from local_aws.iam.requests import Reader, first, name_services
from local_aws.iam.stacks import ROLE

# AWS's JSON protocols answer a refusal with 400 where a header names the operation, and with 403 where the path does.
STATUS_OF_TARGETS = 400


@dataclass(frozen=True)
class Asked:
    """The request at hand.

    Attributes:
        own: the call that its operation is named after.
        others: what it takes beside that.
        is_head: whether it wants no content.
    """

    own: Call
    others: tuple[Call, ...]
    is_head: bool


ASKED: ContextVar[Asked | None] = ContextVar("asked", default=None)
REFUSED: ContextVar[Refused | None] = ContextVar("refused", default=None)


class Enforcement:
    """Takes the places of ministack's functions that name, decide and refuse what a request asks."""

    def __init__(self, decisions: Decisions) -> None:
        self.decisions = decisions
        self.reader = Reader(iam_actions.extract_iam_action, iam_actions.extract_resource_arn)
        self.evaluate, self.word = iam_evaluator.enforce, iam_actions.access_denied_response

    def action_of(
        self, service: str, method: str, path: str, headers: dict, body: bytes, parameters: dict
    ) -> str:
        """ministack's name for what a request asks; notes the rest for `enforce`."""
        place = responses.get_region(), responses.get_account_id()
        own, *others = self.reader.calls(service, method, path, headers, body, parameters, *place)
        ASKED.set(Asked(own, tuple(others), method == "HEAD"))
        if service == "cloudformation":
            # What the request sets going inherits it.
            ROLE.set(first(parameters, "RoleARN") or None)
        return own.action

    def resource_of(self, *_: Any) -> str:
        """What the request that `action_of` was asked about names."""
        asked = ASKED.get()
        return asked.own.resource if asked else "*"

    def enforce(
        self,
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> EvalResult | AuthError | None:
        """ministack's decision, written down, and those on what else the call takes; None where all allow it."""
        asked = ASKED.get()
        if asked and (asked.own.action, asked.own.resource) != (iam_action, resource_arn):
            asked = None
        context = {**(service_context or {}), **(asked.own.context if asked else {})}
        call = Call(iam_action, resource_arn, context)
        evaluation = self.evaluate(access_key_id, iam_action, service, region, resource_arn, context)
        if isinstance(evaluation, AuthError) or iam_evaluator.is_root_access_key(access_key_id):
            return evaluation
        if refused := self.decisions.of_key(access_key_id, call, evaluation):
            REFUSED.set(refused)
            return Refusal("Deny" if refused.is_explicit else "ImplicitDeny", refused)
        # The rest is asked for once, and is no request of its own.
        ASKED.set(None)
        others = asked.others if asked else ()
        for uses_of_key in (*others, *uses_of_keys(call, is_head=bool(asked and asked.is_head))):
            refusal = self.enforce(
                access_key_id,
                uses_of_key.action,
                uses_of_key.service,
                region,
                uses_of_key.resource,
                dict(uses_of_key.context),
            )
            if refusal:
                return refusal
        return None

    def answer_of(
        self, service: str, action: str, principal_arn: str, request_id: str, **words: Any
    ) -> tuple:
        """The refusal in the service's protocol, with AWS's sentence."""
        refused = REFUSED.get()
        if words.get("error_code") or refused is None:
            return self.word(service, action, principal_arn, request_id, **words)
        resource = refused.call.resource
        message = (
            str(refused).replace(resource, masked(resource)) if service == "apigateway" else str(refused)
        )
        if service == "apigateway" and (
            answered := gateway_refusals.refusal(*stage_of(resource), "ACCESS_DENIED", message)
        ):
            return answered
        words |= {"message": message, "resource_arn": resource, "explicit_deny": refused.is_explicit}
        status, headers, body = self.word(
            service, refused.call.action, refused.principal, request_id, **words
        )
        is_json = headers.get("Content-Type", "").startswith("application/x-amz-json")
        has_target = "x-amz-target" in (words.get("headers") or {})
        return STATUS_OF_TARGETS if is_json and has_target else status, headers, body


def install(decisions: Decisions) -> None:
    """Has every request decided."""
    name_services()
    own, pin_origin = Enforcement(decisions), iam_evaluator.pin_request_origin
    iam_actions.extract_iam_action, iam_actions.extract_resource_arn = own.action_of, own.resource_of
    iam_evaluator.enforce, iam_actions.access_denied_response = own.enforce, own.answer_of
    # The loopback stands for a connection by TLS, without which every bucket of the app refuses whoever asks.
    app.pin_request_origin = lambda address, _: pin_origin(address, True)


def stage_of(resource: str) -> tuple[str, str]:
    """The API and the stage of a method's ARN; both empty for another resource."""
    api_id, _, below = resource.rpartition(":")[2].partition("/")
    return (api_id, below.partition("/")[0]) if ":execute-api:" in resource else ("", "")


class Refusal(EvalResult):
    """ministack's kind of refusal with ours in it."""

    def __init__(self, decision: str, refused: Refused) -> None:
        super().__init__(decision, refused.principal)
        self.refused = refused


def masked(resource: str) -> str:
    """An ARN as API Gateway shows it to whom it refuses."""
    account = resource.split(":")[4] if resource.count(":") > 4 else ""
    return resource.replace(account, f"********{account[-4:]}", 1) if account else resource
