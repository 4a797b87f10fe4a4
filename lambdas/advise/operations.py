"""Asks the advisor about a problem that a request describes."""

from __future__ import annotations

import dataclasses
from typing import Any

from advisor import Problem, ProblemError, recommend, tables
from advisor.break_even import VOLUMES, costs_at_volumes
from advisor.engine import Advice
from advisor.tree import tree_of
from lambdas.common.bodies import ObjectBody, read_object
from lambdas.common.errors import bad_request
from lambdas.common.operations import Operation
from lambdas.common.options import read_options

BACKEND = "advisor"
OPTIONS_DRAWN = 5


def advise(operation: Operation, event: dict[str, Any]) -> dict[str, Any]:
    """The advice for the request's problem.

    Raises:
        RequestRefused: 400 or 415 naming the answer that is missing, impossible or contradicts another.
    """
    read_options(operation.options, event)
    try:
        problem = Problem.from_dict(read_object(event))
        advice = recommend(problem)
        return {
            "backend": BACKEND,
            **advice.to_dict(),
            "cost_curves": cost_curves(problem, advice),
            "tree": dataclasses.asdict(tree_of(problem)),
        }
    except ProblemError as error:
        raise bad_request("InvalidProblem", str(error), error.field) from error


def cost_curves(problem: Problem, advice: Advice) -> dict[str, Any]:
    """What the best options cost, US dollars a month at each of VOLUMES; None where a price is unknown."""
    shown = [option.id for option in advice.options[:OPTIONS_DRAWN]]
    known = tables.candidates()
    return {
        "volumes": list(VOLUMES),
        "usd_per_month": {name: costs_at_volumes(known[name], problem) for name in shown},
    }


OPERATIONS = (
    Operation(
        name="advise",
        path="advise",
        summary="Which service or model a recognition problem wants, why, and what it costs.",
        service="",
        api="",
        body=ObjectBody(),
        run=advise,
    ),
)
