"""The lines in which training reports its metrics, and the regular expressions by which SageMaker reads them."""

from __future__ import annotations

NAMES = (
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "samples_per_second",
    "epoch",
)
NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"

METRIC_DEFINITIONS: dict[str, str] = {name: rf"\b{name}={NUMBER}(?:\s|$)" for name in NAMES}
"""Metric name to regular expression with one group, as CreateTrainingJob's MetricDefinitions want it."""


def metric_line(**values: float) -> str:
    """One line that METRIC_DEFINITIONS parse, for example `epoch=3 train_loss=0.5123`.

    Raises:
        ValueError: when a name is not one of NAMES: SageMaker would not see it.
    """
    unknown = set(values) - set(NAMES)
    if unknown:
        raise ValueError(f"There is no metric definition for {', '.join(sorted(unknown))}.")
    return " ".join(
        f"{name}={value}" if isinstance(value, int) else f"{name}={value:.6g}"
        for name, value in values.items()
    )
