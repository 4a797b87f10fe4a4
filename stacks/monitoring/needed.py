"""The settings of monitoring and of drift, for what is there only in an environment that has them."""

from __future__ import annotations

from stacks.settings import EnvironmentSettings
from stacks.settings.monitoring import DriftSettings, LabelSettings, MonitoringSettings


def monitoring_of(settings: EnvironmentSettings) -> MonitoringSettings:
    """The settings of monitoring; ValueError where an environment has none."""
    if settings.monitoring is None:
        raise ValueError(f"The environment '{settings.name}' has no monitoring.")
    return settings.monitoring


def drift_of(settings: EnvironmentSettings) -> DriftSettings:
    """The settings of the drift job; ValueError where an environment has none."""
    drift = monitoring_of(settings).drift
    if drift is None:
        raise ValueError(f"The environment '{settings.name}' has no monitoring.drift.")
    return drift


def labels_of(settings: EnvironmentSettings) -> LabelSettings:
    """The settings of labels that arrive later, by which a run that somebody starts by hand goes too."""
    return drift_of(settings).labels or LabelSettings.model_validate({})
