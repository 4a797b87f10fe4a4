"""The function behind the paths below /texts that Comprehend answers."""

from __future__ import annotations

from lambdas.common.application import make_handler
from lambdas.language.operations import BACKEND, OPERATIONS

handler = make_handler(BACKEND, "Comprehend", OPERATIONS)
