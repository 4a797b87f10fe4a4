"""The function behind /advise."""

from __future__ import annotations

from lambdas.advise.operations import BACKEND, OPERATIONS
from lambdas.common.application import make_handler

handler = make_handler(BACKEND, "The advisor", OPERATIONS)
