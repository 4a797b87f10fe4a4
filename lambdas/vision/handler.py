"""The function behind /images/labels, /images/text, /images/faces and /images/moderation."""

from __future__ import annotations

from lambdas.common.application import make_handler
from lambdas.vision.operations import OPERATIONS, recognize

handler = make_handler(
    "rekognition",
    "Rekognition",
    {
        f"/images/{path}": (operation.name, lambda event, operation=operation: recognize(operation, event))
        for path, operation in OPERATIONS.items()
    },
)
