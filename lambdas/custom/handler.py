"""The function behind the paths that our own endpoints answer."""

from __future__ import annotations

from lambdas.common.application import make_handler
from lambdas.custom.operations import BACKEND, OPERATIONS

handler = make_handler(BACKEND, "The SageMaker endpoint", OPERATIONS)
