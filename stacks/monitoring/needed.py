"""The settings of monitoring and of drift, for what is there only in an environment that has them."""

from __future__ import annotations

from stacks.settings import EnvironmentSettings
from stacks.settings.monitoring import DriftSettings, WatchingSettings


def watching_of(settings: EnvironmentSettings) -> WatchingSettings:
    """The settings of monitoring; ValueError where an environment has none."""
    if settings.watching is None:
        raise ValueError(f"The environment '{settings.name}' has no watching.")
    return settings.watching


def drift_of(settings: EnvironmentSettings) -> DriftSettings:
    """The settings of the drift job; ValueError where an environment has none."""
    drift = watching_of(settings).drift
    if drift is None:
        raise ValueError(f"The environment '{settings.name}' has no watching.drift.")
    return drift
