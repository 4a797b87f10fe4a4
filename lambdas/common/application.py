"""Makes a Lambda handler of a function's operations: routing, timing, metrics, and errors as answers."""
# pyright: reportMissingTypeStubs=false
# botocore brings no types.

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.common.answers import Answer, BatchAnswer, refusal, success
from lambdas.common.bodies import TextsBody, taken
from lambdas.common.errors import RequestRefused, place_of
from lambdas.common.operations import Operation
from lambdas.common.policy import answer_by_policy, answer_within_budgets, policy_of
from lambdas.common.repeats import answered
from lambdas.common.service_errors import explain
from lambdas.common.tracing import part

OUR_FAULT = RequestRefused(500, "InternalError", "The API has a fault of its own with this request.")


def make_handler(
    backend: str, service: str, operations: Sequence[Operation]
) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """A handler that answers each operation's resource.

    API Gateway's `resource` names the operation; the path that was asked may begin with a custom domain's base path or
    end in a slash.

    Args:
        backend: how metrics name what is behind.
        service: how sentences name it.
        operations: what is answered.

    Nothing of a request or an answer goes into logs, traces or metrics: they get the operation's name, the outcome's
    code, the time, and whether the answer was given before.
    """
    by_resource = {f"/{operation.path}": operation for operation in operations}
    logger, metrics = Logger(), Metrics()

    def answer(operation: Operation, event: dict[str, Any], context: Any) -> dict[str, Any]:
        started = time.perf_counter()
        try:
            with part(operation.name):
                members, headers = answered(operation, event, context, lambda: run(operation, event))
        except RequestRefused as error:
            return refuse(operation.name, error)
        except (ClientError, BotoCoreError) as error:
            return refuse(operation.name, explain(error, service, taken(operation.body)))
        except Exception as error:  # noqa: BLE001 - unhandled, Lambda would log its words, which may repeat what was sent
            logger.error("failed", extra={"operation": operation.name, **place_of(error)})
            return refuse(operation.name, OUR_FAULT)
        milliseconds = (time.perf_counter() - started) * 1000
        metrics.add_metric("Answered", MetricUnit.Count, 1)
        if headers:
            metrics.add_metric("Repeated", MetricUnit.Count, 1)
        metrics.add_metric("AnswerTime", MetricUnit.Milliseconds, milliseconds)
        logger.info("answered", extra={"operation": operation.name, "milliseconds": round(milliseconds, 1)})
        return success(operation.name, members, milliseconds, headers)

    def refuse(name: str, error: RequestRefused) -> dict[str, Any]:
        unavailable = error.status >= 500
        metrics.add_metric("Unavailable" if unavailable else "Refused", MetricUnit.Count, 1)
        log = logger.warning if unavailable else logger.info
        log("refused", extra={"operation": name, "status": error.status, "code": error.code})
        return refusal(error)

    @metrics.log_metrics
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        metrics.add_dimension(name="backend", value=backend)
        operation = by_resource.get(event["resource"]) if event["httpMethod"] == "POST" else None
        if operation is None:
            return refuse("none", RequestRefused(404, "NoSuchOperation", "There is no such operation."))
        return answer(operation, event, context)

    return handler


def run(operation: Operation, event: dict[str, Any]) -> Answer | BatchAnswer | dict[str, Any]:
    """The answer of the operation's backend within its budgets, or of the one that the deployment's policy chooses.

    Raises:
        RequestRefused: also when no document of several was answered; see `BatchAnswer.refusal`.
    """
    policy = policy_of(operation)
    if policy:
        answer = answer_by_policy(policy, operation, event)
    elif operation.price is None or isinstance(operation.body, TextsBody):
        # A batch pays for each of its calls itself.
        answer = operation.run(operation, event)
    else:
        answer = answer_within_budgets(operation, event)
    if isinstance(answer, BatchAnswer) and (refused := answer.refusal):
        raise refused
    return answer
