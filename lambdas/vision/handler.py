"""The function behind the paths below /images that Rekognition answers."""

from __future__ import annotations

from lambdas.common.application import make_handler
from lambdas.vision.operations import BACKEND, OPERATIONS

handler = make_handler(BACKEND, "Rekognition", OPERATIONS)
