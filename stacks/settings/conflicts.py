"""What may not stand together in the settings of an environment: one table, from which the refusals come."""

from __future__ import annotations

from typing import Any

# Two settings that are on, or have the value after the equals sign, and why not both.
CONFLICTS = (
    ("console", "api.callers", "its page sends no API key"),
    ("console", "api.user_pools", "its page signs requests for IAM and sends no token"),
    ("console", "api.vpc_endpoint_ids", "its page asks from the internet"),
    (
        "scheduled_shutdown",
        "termination_protection",
        "it takes endpoints away, which termination_protection keeps",
    ),
    ("training.warm_pool_seconds", "training.use_spot", "SageMaker keeps no spot hosts"),
    ("inference.serverless", "inference.autoscaling", "what it scales are instances"),
    ("inference.serverless", "inference.shadow_percent", "a shadow variant is one of instances"),
    ("inference.serverless", "monitoring.capture", "SageMaker captures no such data"),
    (
        *("inference.multi_model", "inference.serverless"),
        "SageMaker takes multi-model endpoints of instances only",
    ),
    (
        *("inference.multi_model", "inference.shadow_percent"),
        "a shadow variant gets copies of requests without the name of the model",
    ),
    (
        *("inference.multi_model", "inference.autoscaling"),
        "its metric comes every 10 s, and those of multi-model endpoints every minute",
    ),
    (
        *("inference.multi_model", "inference.container=litert"),
        "our own server holds one model, and AWS's container any number",
    ),
    (
        *("inference.multi_model", "monitoring.capture"),
        "what SageMaker captures there does not say which model was asked, so no drift could be told from it",
    ),
)


def conflicts_of(settings: Any) -> list[str]:
    """A sentence for each pair of the table that stands together."""
    return [
        f"{one} cannot be beside {other}: {why}"
        for one, other, why in CONFLICTS
        if is_on(settings, one) and is_on(settings, other)
    ]


def is_on(settings: Any, written: str) -> bool:
    """Whether a setting of the table is on."""
    path, _, value = written.partition("=")
    found = settings
    for name in path.split("."):
        found = getattr(found, name, None)
    return found == value if value else bool(found)
