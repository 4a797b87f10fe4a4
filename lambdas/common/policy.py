"""Who answers an operation that two backends can answer: a policy of the deployment, and no code, decides."""
# pyright: reportMissingTypeStubs=false
# botocore brings no types.

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.common.answers import Answer, CallCost
from lambdas.common.bodies import TextBody, read_text, taken
from lambdas.common.circuit import Circuit
from lambdas.common.clients import short_timeout
from lambdas.common.costs import cost_of, price_of, text_units
from lambdas.common.errors import RequestRefused, unavailable
from lambdas.common.operations import Operation
from lambdas.common.options import read_options
from lambdas.common.service_errors import explain
from lambdas.common.spending import SPENT, UNKNOWN, budgets_of, paid, price_to_hold, reserve

Found = TypeVar("Found")
MANAGED, OWN, CASCADE = "managed", "own", "cascade"
# What says nothing about the backend.
NOT_ITS_FAULT = frozenset({SPENT, UNKNOWN})
OTHER = {MANAGED: OWN, OWN: MANAGED}
# A failure of this kind is the backend's; another backend may do better.
UNAVAILABLE = 500


@dataclass(frozen=True)
class Policy:
    """How one operation's backend is chosen.

    Attributes:
        backend: managed, own or cascade.
        first: of a cascade; the other is asked when it is not sure.
        threshold: a cascade's first answer counts when its best score is at least this.
        monthly_budget_usd: what the managed service may cost in a calendar month; None for no limit.
        fallback: whether the other backend answers when the chosen one cannot. A cascade always does.
    """

    backend: str = MANAGED
    first: str = OWN
    threshold: float = 0.0
    monthly_budget_usd: float | None = None
    fallback: bool = False

    @property
    def order(self) -> tuple[str, ...]:
        """The backends in the order in which they are asked."""
        if self.backend == CASCADE:
            return (self.first, OTHER[self.first])
        return (self.backend, OTHER[self.backend]) if self.fallback else (self.backend,)

    def is_sure(self, score: float) -> bool:
        """Whether an answer with this best score needs no second opinion."""
        return self.backend != CASCADE or score >= self.threshold


def policy_of(operation: Operation) -> Policy | None:
    """The deployment's policy of an operation; None where it has none."""
    members = policy_members(operation.name)
    return Policy(**members) if members and operation.own else None


def policy_members(name: str | None) -> Mapping[str, Any]:
    """What the deployment says of an operation's policy in POLICIES; nothing where it has none."""
    return json.loads(os.environ.get("POLICIES", "{}")).get(name, {})


@cache
def circuit_of(operation: str, backend: str) -> Circuit:
    """The breaker of a backend of an operation."""
    return Circuit()


def answer_by_policy(policy: Policy, operation: Operation, event: dict[str, Any]) -> Answer:
    """The answer of whom the policy chooses, with the way to it as `route`.

    Raises:
        RequestRefused: when nobody answers; the reason of the backend that was asked first.
    """
    route: list[dict[str, Any]] = []
    unsure: Answer | None = None
    refused: list[RequestRefused] = []
    charged: CallCost | None = None
    for backend in policy.order:
        try:
            answer = ask_backend(policy, backend, operation, event)
        except RequestRefused as error:
            route.append({"backend": backend, "outcome": error.code})
            refused.append(error)
            # What is wrong with the request itself is for the caller to know, unless there is an answer already.
            if error.is_final and unsure is None:
                raise
            continue
        charged = answer.cost if backend == MANAGED else charged
        score = max((result.score for result in answer.reading.results), default=0.0)
        sure = policy.is_sure(score)
        last = backend == policy.order[-1]
        route.append({"backend": backend, "outcome": "answered" if sure or last else "unsure"})
        if sure or last:
            return dataclasses.replace(answer, route=route, cost=charged or answer.cost)
        unsure = answer
    if unsure is None:
        raise refused[0]
    return dataclasses.replace(unsure, route=route, cost=charged or unsure.cost)


def ask_backend(policy: Policy, backend: str, operation: Operation, event: dict[str, Any]) -> Answer:
    """One backend's answer, counted by its circuit breaker.

    Raises:
        RequestRefused: 503 when it is left alone, cannot answer, or may cost no more; else what it says itself.
    """
    circuit = circuit_of(operation.name, backend)
    if circuit.is_open:
        raise unavailable(
            "CircuitOpen", "The backend failed too often just now and is left alone for a while."
        )
    ask = ask_managed if backend == MANAGED else ask_own
    try:
        with short_timeout():
            answer = ask(policy, operation, event)
    except RequestRefused as error:
        if error.status >= UNAVAILABLE and error.code not in NOT_ITS_FAULT:
            circuit.failed()
        else:
            circuit.succeeded()
        raise
    circuit.succeeded()
    return answer


def ask_own(_: Policy, operation: Operation, event: dict[str, Any]) -> Answer:
    """Our own network's answer; the managed service's options mean nothing to it."""
    bare = {**event, "queryStringParameters": None, "multiValueQueryStringParameters": None}
    own = operation.own
    if own is None:
        raise ValueError(f"{operation.name} has a policy, and no operation of our own.")
    return explained(lambda: single_answer(own, bare), "The SageMaker endpoint", own)


def ask_managed(policy: Policy, operation: Operation, event: dict[str, Any]) -> Answer:
    """The managed service's answer, within the budgets."""
    name = operation.service.title()
    return explained(
        lambda: answer_within_budgets(operation, event, policy.monthly_budget_usd), name, operation
    )


def answer_within_budgets(
    operation: Operation, event: dict[str, Any], monthly_usd: float | None = None
) -> Answer:
    """The answer of an operation that has a price, within the budgets of its policy, its caller and the deployment.

    Raises:
        RequestRefused, ClientError, BotoCoreError: see `paid` and `reserve`.
    """
    budgets = budgets_of(event, operation.name, monthly_usd)
    if not budgets:
        return single_answer(operation, event)
    # What is wrong with the text is said before anything is reserved.
    cost = cost_of_try(operation, event)
    usd = price_to_hold(cost.usd, cost.units, exact=monthly_usd is not None)

    def charged(answer: Answer) -> float:
        return 0.0 if answer.stand_in else usd * (1 + answer.retries)

    return paid(reserve(budgets, usd), usd, lambda: single_answer(operation, event), charged)


def single_answer(operation: Operation, event: dict[str, Any]) -> Answer:
    """The answer of an operation that has a price of its own: one, with results and a cost."""
    answer = operation.run(operation, event)
    if not isinstance(answer, Answer):
        raise TypeError(f"{operation.name} answers more than one thing or an object, and has no single cost.")
    return answer


def cost_of_try(operation: Operation, event: dict[str, Any]) -> CallCost:
    """What one try of a request costs. What is wrong with the request is raised."""
    units = 1
    if isinstance(operation.body, TextBody):
        units = text_units(read_text(event, operation.body).text)
    price = price_of(operation, read_options(operation.options, event))
    return cost_of(price, operation.unit, units)


def budget_shared_by(operation: Operation) -> float | None:
    """The monthly budget in US dollars of another operation's policy that pays for this one too; None for no limit."""
    return policy_members(operation.spends_of).get("monthly_budget_usd")


def explained(run: Callable[[], Found], service: str, operation: Operation) -> Found:
    """What `run` returns of an operation, a service's error as a refusal."""
    try:
        return run()
    except (ClientError, BotoCoreError) as error:
        raise explain(error, service, taken(operation.body)) from error
