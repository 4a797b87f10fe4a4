"""Walks a state machine in Amazon States Language (JSONata) with answers that a test gives, and keeps its requests."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jsonata
from ministack.services import stepfunctions

from local_aws.sagemaker.shapes import Shapes, problems_of

STATES_AT_MOST = 200
# Of a state's input or result (Step Functions quotas).
BYTES_AT_MOST = 262_144
STARTED = "2026-11-25T21:00:00.500Z"
# The names that Step Functions' SDK integrations give some services, and botocore's.
BOTOCORE_NAME = {"sagemakerruntime": "sagemaker-runtime", "sfn": "stepfunctions", "eventbridge": "events"}


class TaskFailed(Exception):
    """What a test's answer raises to let a task fail: the error's name and its cause."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(cause)
        self.error, self.cause = error, cause


@dataclass
class Walk:
    """What happened: the states in their order, the requests of tasks, the end."""

    states: list[str] = field(default_factory=list)
    requests: dict[str, list[dict]] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    output: Any = None
    error: str | None = None
    cause: str | None = None


class EvaluationFailed(Exception):
    """An expression that has no result, which only a task can catch."""


Answer = Callable[[dict, int], Any]


def failing(error: str, cause: str) -> Answer:
    """An answer that is an error."""

    def answer(*_: Any) -> None:
        raise TaskFailed(error, cause)

    return answer


def walk(machine: dict, given: Any, answers: dict[str, Answer], execution: str = "an_execution") -> Walk:
    """Runs `machine` on the input `given`; `answers[state](request, number_of_the_call)` stands for its service."""
    done = Walk()
    context = {
        "Execution": {"Name": execution, "Id": f"arn:{execution}", "StartTime": STARTED},
        "StateMachine": {"Id": "arn:aws:states:us-east-1:111122223333:stateMachine:m"},
    }
    name = machine["StartAt"]
    while True:
        assert len(done.states) < STATES_AT_MOST, f"The machine runs in a circle: {done.states[-8:]}"
        state = machine["States"][name]
        done.states.append(name)
        scope = {"input": given, "context": context | {"State": {"Name": name, "RetryCount": 0}}}
        if state["Type"] == "Fail":
            done.error, done.cause = (
                evaluate(state[part], scope, done.variables) for part in ("Error", "Cause")
            )
            return done
        if state["Type"] == "Succeed":
            done.output = evaluate(state["Output"], scope, done.variables) if "Output" in state else given
            return done
        if state["Type"] == "Choice":
            rule = chosen(state, scope, done.variables)
            assign(rule, scope, done.variables)
            given = evaluate(rule["Output"], scope, done.variables) if "Output" in rule else given
            name = rule["Next"]
            continue
        if state["Type"] == "Task":
            try:
                scope["result"] = with_retries(name, state, scope, done, answers)
                output, variables = results(state, given, scope, done.variables)
            except (TaskFailed, EvaluationFailed) as failure:
                if isinstance(failure, EvaluationFailed):
                    failure = TaskFailed("States.QueryEvaluationError", str(failure))
                rule = next(
                    rule for rule in state["Catch"] if {failure.error, "States.ALL"} & {*rule["ErrorEquals"]}
                )
                scope["errorOutput"] = {"Error": failure.error, "Cause": failure.cause}
                assign(rule, scope, done.variables)
                given, name = evaluate(rule["Output"], scope, done.variables), rule["Next"]
                continue
        else:
            # A wait passes at once.
            output, variables = results(state, given, scope, done.variables)
        done.variables, given = variables, output
        if state.get("End"):
            done.output = output
            return done
        name = state["Next"]


def results(state: dict, given: Any, scope: dict, variables: dict) -> tuple[Any, dict]:
    """A state's output and the variables after it, all of them from the values before."""
    output = evaluate(state["Output"], scope, variables) if "Output" in state else given
    after = dict(variables)
    assign(state, scope, after)
    return output, after


def reachable(machine: dict) -> set[str]:
    """The states to which a way from the start leads."""
    reached, waiting = set(), [machine["StartAt"]]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += re.findall(r'"(?:Next|Default)": "(\w+)"', json.dumps(machine["States"][name]))
    return reached


def chosen(state: dict, scope: dict, variables: dict) -> dict:
    """The first rule of a choice that holds, else its default."""
    for rule in state["Choices"]:
        holds = evaluate(rule["Condition"], scope, variables)
        assert isinstance(holds, bool), (
            f"{rule['Condition']} is {holds!r}, and a condition has to be true or false"
        )
        if holds:
            return rule
    return {"Next": state["Default"], "Assign": state.get("Assign", {})}


def with_retries(name: str, state: dict, scope: dict, done: Walk, answers: dict[str, Answer]) -> Any:
    """Performs a task as often as its retriers say; a retried one sees its RetryCount, and waits pass at once."""
    tries: dict[int, int] = {}
    while True:
        try:
            return perform(name, state, scope, done, answers)
        except TaskFailed as failure:
            rules = enumerate(state.get("Retry", []))
            retrier = next((rule for rule in rules if failure.error in rule[1]["ErrorEquals"]), None)
            if retrier is None or tries.get(retrier[0], 0) == retrier[1]["MaxAttempts"]:
                raise
            tries[retrier[0]] = tries.get(retrier[0], 0) + 1
            scope["context"]["State"]["RetryCount"] += 1


def perform(name: str, state: dict, scope: dict, done: Walk, answers: dict[str, Answer]) -> Any:
    """Checks a task's request against the service's own model and returns the test's answer."""
    request = evaluate(state["Arguments"], scope, done.variables)
    service, operation = called(state)
    shape = shapes(service).model.operation_model(operation).input_shape
    # Step Functions writes every member with a capital, also where the service itself does not.
    small = {key[0].lower() + key[1:]: value for key, value in request.items()}
    problems = problems_of(small if service == "stepfunctions" else request, shape)
    assert not problems, (name, problems)
    calls = done.requests.setdefault(name, [])
    calls.append(request)
    result = answers[name](request, len(calls))
    assert len(json.dumps(result).encode()) <= BYTES_AT_MOST, f"{name}: States.DataLimitExceeded"
    return result


@cache
def shapes(service: str) -> Shapes:
    """botocore's description of a service."""
    return Shapes(service)


def called(state: dict) -> tuple[str, str]:
    """The service and the operation that a task calls, by botocore's names."""
    service, operation = (
        state["Resource"].removeprefix("arn:aws:states:::").removeprefix("aws-sdk:").split(":")
    )
    operation = operation.removesuffix(".sync")
    return BOTOCORE_NAME.get(service, service), operation[0].upper() + operation[1:]


def assign(rule: dict, scope: dict, variables: dict) -> None:
    """Sets a state's variables, all of them from the values before."""
    variables |= evaluate(rule.get("Assign", {}), scope, dict(variables))


def evaluate(value: Any, scope: dict, variables: dict) -> Any:
    """A template with its expressions worked out; an expression without a result is an error, as on AWS."""
    if isinstance(value, dict):
        return {key: evaluate(member, scope, variables) for key, member in value.items()}
    if isinstance(value, list):
        return [evaluate(member, scope, variables) for member in value]
    if not (isinstance(value, str) and re.fullmatch(r"\{%.*%\}", value, re.DOTALL)):
        return copy.deepcopy(value)
    expression = jsonata.Jsonata(value[2:-2].strip())
    for name, content in {**variables, "states": scope}.items():
        expression.assign(name, copy.deepcopy(content))
    # With Step Functions' own functions and refusals as ministack has them.
    stepfunctions._register_sfn_jsonata_functions(expression)
    try:
        result = expression.evaluate({})
    except Exception as error:
        raise EvaluationFailed(f"{value}: {error}") from error
    if result is None:
        raise EvaluationFailed(f"no result: {value}")
    return result
