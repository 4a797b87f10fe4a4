"""The settings of what is watched: alarms, captured requests, drift, the budget."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from stacks.settings.base import DataPrefix, Kind, SettingsModel, without_repeats
from stacks.settings.instance_types import processing_instance
from stacks.settings.schedules import Expression


class CaptureSettings(SettingsModel):
    """What the endpoints were asked and answered, kept in the data bucket; it holds what customers sent."""

    percent: int = Field(100, ge=1, le=100, description="Of the requests.")
    kept_days: int = Field(30, ge=1, le=3650, description="After which it is deleted.")


class LabelSettings(SettingsModel):
    """A second daily job that holds captured answers against labels that arrived later (`recognition label`)."""

    after_days: int = Field(
        7, ge=1, le=365, description="How long labels are waited for: the day so many days ago is measured."
    )
    threshold: float = Field(
        0.03,
        gt=0,
        le=1,
        description="Of the score: how far it may surely lie below the test split's before the alarm goes off.",
    )
    least_samples: int = Field(
        100, ge=20, le=20_000, description="With fewer labels of a day nothing is said."
    )


class DriftSettings(SettingsModel):
    """A daily job that holds the captured requests of the day before against the evaluation's test split."""

    expression: Expression = Field(
        "cron(30 1 * * ? *)", description="When, as EventBridge takes it; the day before is UTC's."
    )
    instance_type: Annotated[str, AfterValidator(processing_instance)] = Field(
        "ml.m5.large", description="Of the job."
    )
    threshold: float = Field(
        0.25, gt=0, le=10, description="Population stability index above which the alarm goes off."
    )
    least_samples: int = Field(200, ge=50, le=20_000, description="With fewer in a day nothing is said.")
    labels: LabelSettings | None = Field(None, description="Empty: no labels are expected.")
    retrain_on: dict[Kind, DataPrefix] = Field(
        default={}, description="By kind: the data prefix on which the alarm starts a training run."
    )


class MonitoringSettings(SettingsModel):
    """A topic that hears of alarms and of runs that failed; and what is measured for it."""

    email: str | None = Field(
        None, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", description="Who hears of it; empty: nobody yet."
    )
    api_error_share: float = Field(
        0.05, ge=0, lt=1, description="Of the API's requests in five minutes; with more the alarm goes off."
    )
    dashboard: bool = Field(
        False, description="Three of an account are free; each more costs 3 US dollars a month."
    )
    capture: CaptureSettings | None = Field(None, description="Empty: nothing of a request is kept.")
    drift: DriftSettings | None = Field(None, description="Empty: no drift job.")

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses a job without what it reads."""
        if self.drift and not self.capture:
            raise ValueError("drift needs capture: it reads what was captured")
        if (
            self.drift
            and self.drift.labels
            and self.capture
            and self.drift.labels.after_days >= self.capture.kept_days
        ):
            raise ValueError(
                "drift.labels.after_days has to be less than capture.kept_days: later nothing is left"
            )
        return self


class BudgetSettings(SettingsModel):
    """A monthly budget for what bears the environment's tags."""

    monthly_us_dollars: int = Field(ge=1, le=1_000_000, description="What the environment is meant to cost.")
    email: str = Field(
        pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", description="Who hears of it; and so does monitoring's topic."
    )
    # AWS Budgets takes five notifications a budget (AWS Budgets quotas); the forecast is one of them.
    percents: Annotated[list[Annotated[int, Field(ge=1, le=1_000)]], AfterValidator(without_repeats)] = Field(
        default=[50, 80, 100], min_length=1, max_length=4, description="At which shares of it a mail is sent."
    )
