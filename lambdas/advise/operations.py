"""Asks the advisor about a problem that a request describes."""

from __future__ import annotations

from typing import Any

from advisor import Problem, ProblemError, recommend
from lambdas.common.bodies import read_object
from lambdas.common.errors import bad_request


def advise(event: dict[str, Any]) -> dict[str, Any]:
    """The advice for the request's problem.

    Raises:
        RequestRefused: 400 or 415 naming the answer that is missing, impossible or contradicts another.
    """
    try:
        return recommend(Problem.from_dict(read_object(event))).to_dict()
    except ProblemError as error:
        raise bad_request("InvalidProblem", str(error), error.field) from error
