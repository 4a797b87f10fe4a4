"""The function behind /advise."""

from __future__ import annotations

from lambdas.advise.operations import advise
from lambdas.common.application import make_handler

handler = make_handler("advisor", "The advisor", {"/advise": ("advise", advise)})
