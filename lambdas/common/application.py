"""Makes a Lambda handler of plain operations: routing, timing, metrics, and errors as answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.common.answers import Answer, refusal, success
from lambdas.common.errors import RequestRefused
from lambdas.common.service_errors import explain

Operation = Callable[[dict[str, Any]], Answer | dict[str, Any]]


def make_handler(
    backend: str, service: str, routes: Mapping[str, tuple[str, Operation]]
) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """A handler that answers each route with its operation.

    Args:
        backend: how answers name what is behind.
        service: how sentences name it.
        routes: path to the operation's name and function; the function takes the event.

    Nothing of a request or an answer goes into logs, traces or metrics: they get the operation's name, the outcome's
    code and the time.
    """
    resolver = APIGatewayRestResolver()
    logger, tracer, metrics = Logger(), Tracer(), Metrics()

    def answer(name: str, operation: Operation):
        started = time.perf_counter()
        try:
            with tracer.provider.in_subsegment(f"## {name}"):
                found = operation(resolver.current_event.raw_event)
        except RequestRefused as error:
            return refuse(name, error)
        except (ClientError, BotoCoreError) as error:
            return refuse(name, explain(error, service))
        milliseconds = (time.perf_counter() - started) * 1000
        metrics.add_metric("Answered", MetricUnit.Count, 1)
        metrics.add_metric("AnswerTime", MetricUnit.Milliseconds, milliseconds)
        logger.info("answered", extra={"operation": name, "milliseconds": round(milliseconds, 1)})
        return success(name, backend, found, milliseconds)

    def refuse(name: str, error: RequestRefused):
        unavailable = error.status >= 500
        metrics.add_metric("Unavailable" if unavailable else "Refused", MetricUnit.Count, 1)
        log = logger.warning if unavailable else logger.info
        log("refused", extra={"operation": name, "status": error.status, "code": error.code})
        return refusal(error)

    @resolver.not_found
    def no_such_route(_: NotFoundError):
        return refuse("none", RequestRefused(404, "NoSuchOperation", "There is no such operation."))

    for path, (name, operation) in routes.items():
        resolver.post(path)(lambda name=name, operation=operation: answer(name, operation))

    @metrics.log_metrics
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        metrics.add_dimension(name="backend", value=backend)
        return resolver.resolve(event, context)

    return handler
