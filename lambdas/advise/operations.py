"""Asks the advisor about a problem that a request describes."""

from __future__ import annotations

from typing import Any

from advisor import Problem, ProblemError, recommend
from lambdas.common.bodies import ObjectBody, read_object
from lambdas.common.errors import bad_request
from lambdas.common.operations import Operation
from lambdas.common.options import read_options

BACKEND = "advisor"


def advise(operation: Operation, event: dict[str, Any]) -> dict[str, Any]:
    """The advice for the request's problem.

    Raises:
        RequestRefused: 400 or 415 naming the answer that is missing, impossible or contradicts another.
    """
    read_options(operation.options, event)
    try:
        return {"backend": BACKEND, **recommend(Problem.from_dict(read_object(event))).to_dict()}
    except ProblemError as error:
        raise bad_request("InvalidProblem", str(error), error.field) from error


OPERATIONS = (
    Operation(
        name="advise",
        path="advise",
        summary="Which service or model a recognition problem wants, why, and what it costs.",
        service=None,
        api=None,
        body=ObjectBody(),
        run=advise,
    ),
)
