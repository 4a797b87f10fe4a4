"""The function behind /texts/sentiment, /texts/language, /texts/entities, /texts/key-phrases and /texts/pii."""

from __future__ import annotations

from lambdas.common.application import make_handler
from lambdas.language.operations import OPERATIONS, recognize

handler = make_handler(
    "comprehend",
    "Comprehend",
    {
        f"/texts/{path}": (operation.name, lambda event, operation=operation: recognize(operation, event))
        for path, operation in OPERATIONS.items()
    },
)
