"""The function behind /images/class and /texts/class."""

from __future__ import annotations

from lambdas.common.application import make_handler
from lambdas.custom.operations import classify_image, classify_text

handler = make_handler(
    "sagemaker",
    "The SageMaker endpoint",
    {
        "/images/class": ("image-class", classify_image),
        "/texts/class": ("text-class", classify_text),
    },
)
