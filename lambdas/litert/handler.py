"""The function behind the paths that our own networks answer, where they answer in it."""

from __future__ import annotations

from lambdas.common.application import make_handler
from lambdas.litert.operations import BACKEND, OPERATIONS

handler = make_handler(BACKEND, "The model registry", OPERATIONS)
