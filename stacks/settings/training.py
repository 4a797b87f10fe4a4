"""The settings of training: jobs, what starts them, their network, the search for hyperparameters, the gate."""

from __future__ import annotations

import dataclasses
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from definitions.names import HYPERPARAMETER_VALUE
from definitions.networks import NETWORKS
from model_code.failures import JobFailed
from model_code.hyperparameters import KINDS, build
from stacks.settings.base import DataPrefix, Kind, SettingsModel, without_repeats
from stacks.settings.container_images import TRAINING_IMAGES
from stacks.settings.instance_types import processing_instance, training_instance
from stacks.settings.network import NetworkSettings
from stacks.settings.schedules import Expression


class ScheduledRun(SettingsModel):
    """A run of the training state machine that starts by itself."""

    kind: Kind = Field(description="Which network is trained.")
    expression: Expression = Field(description="As EventBridge takes it: rate(7 days), cron(0 3 ? * MON *).")
    data_prefix: DataPrefix = Field(description="Where in the data bucket train/, validation/ and test/ are.")
    hyperparameters: dict[str, str] = Field(
        default={}, description="As `recognition train --set` takes them; checked at the synth."
    )
    minimum_accuracy: float | None = Field(
        None, ge=0, le=1, description="The data's own gate; empty: that of the settings for the kind."
    )

    @model_validator(mode="after")
    def is_trainable(self) -> Self:
        """Refuses what the training job would, a week later."""
        try:
            build(KINDS[self.kind], self.hyperparameters)
        except JobFailed as refusal:
            raise ValueError(f"hyperparameters: {refusal}") from refusal
        for name, value in self.hyperparameters.items():
            if not re.fullmatch(HYPERPARAMETER_VALUE, value):
                raise ValueError(
                    f"hyperparameters: {name} is '{value}', which the state machine refuses: a value has letters, "
                    "digits and _.+- alone, and at least one of them"
                )
        return self


class TuningSettings(SettingsModel):
    """A search for hyperparameters in each run's place of one training job; it costs so many training jobs."""

    jobs: int = Field(10, ge=2, le=100, description="Training jobs of one search.")
    parallel_jobs: int = Field(
        2, ge=1, le=10, description="Of these at the same time; fewer learn more from each other."
    )
    ranges: dict[Kind, dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]]] = Field(
        min_length=1, description="By kind and hyperparameter: the lowest and the highest value."
    )

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses what the training job would."""
        if self.parallel_jobs > self.jobs:
            raise ValueError("parallel_jobs has to be at most jobs")
        for kind, ranges in self.ranges.items():
            if not ranges:
                raise ValueError(
                    f"ranges: the {kind} has none; name a hyperparameter of it, or leave {kind} out"
                )
            known = {field.name: field for field in dataclasses.fields(KINDS[kind]) if field.type == "float"}
            for name, (low, high) in ranges.items():
                if name not in known:
                    raise ValueError(
                        f"ranges: the {kind} has no '{name}' to search; it has {', '.join(known)}"
                    )
                bounds = known[name].metadata
                if not bounds["minimum"] <= low < high <= bounds["maximum"]:
                    raise ValueError(
                        f"ranges: {name} has to lie between {bounds['minimum']} and {bounds['maximum']}, "
                        "the lower value first"
                    )
        return self


class TrainingSettings(SettingsModel):
    """Training and evaluation jobs, and the gate."""

    instance_type: Annotated[str, AfterValidator(training_instance)] = Field(
        "ml.g5.xlarge", description="Of the training job."
    )
    fallback_instance_types: Annotated[
        list[Annotated[str, AfterValidator(training_instance)]], AfterValidator(without_repeats)
    ] = Field(
        default=[],
        max_length=4,
        description="Tried one after the other when there is no capacity or no quota for instance_type.",
    )
    instance_count: int = Field(1, ge=1, le=100, description="Hosts of a training job.")
    evaluation_instance_type: Annotated[str, AfterValidator(processing_instance)] = Field(
        "ml.m5.xlarge", description="Of the evaluation job and of what measures the champion."
    )
    volume_gigabytes: int = Field(
        50,
        ge=1,
        le=16_384,
        description="Disk of each host without disks of its own, for data, checkpoints and the model.",
    )
    use_spot: bool = Field(
        True, description="Train on spot capacity; checkpoints make an interruption cheap."
    )
    # KeepAlivePeriodInSeconds of ResourceConfig; 0 keeps nothing.
    warm_pool_seconds: int = Field(
        0, ge=0, le=21_600, description="How long the hosts wait for a next job; paid for meanwhile."
    )
    # RetryStrategy.MaximumRetryAttempts: after SageMaker's own internal errors.
    retry_attempts: int = Field(3, ge=1, le=30, description="After an internal error of SageMaker's.")
    network_isolation: bool = Field(True, description="The containers can open no connection.")
    encrypt_between_hosts: bool = Field(
        True, description="What the hosts of a job tell each other is encrypted."
    )
    network: NetworkSettings | None = Field(
        None, description="Run the jobs in a VPC of their own; empty: in SageMaker's."
    )
    marker_name: str | None = Field(
        None,
        max_length=128,
        pattern=r"^[a-zA-Z0-9_.-]+$",
        description="An object of this name in the data bucket starts a run on the splits beside it.",
    )
    schedules: Annotated[list[ScheduledRun], AfterValidator(without_repeats)] = Field(
        default=[], max_length=50, description="Runs that start by themselves."
    )
    tuning: TuningSettings | None = Field(None, description="Empty: each run is one training job.")
    max_runtime_seconds: int = Field(
        14_400, ge=60, le=432_000, description="A training job that takes longer is stopped."
    )
    max_wait_seconds: int = Field(
        28_800, ge=60, le=432_000, description="Training and waiting for spot capacity."
    )
    image_version: str = Field("2.21", description="TensorFlow's in the training container.")
    minimum_accuracy: dict[Kind, Annotated[float, Field(ge=0, le=1)]] = Field(
        default={kind: network.minimum_accuracy for kind, network in NETWORKS.items()},
        description="The gate of a run on data that brings none: a model below it is not registered.",
    )
    champion_rule: Literal["not worse", "better"] = Field(
        "not worse",
        description="Against the released version on the same test split: refuse what is worse with 95 % confidence, "
        "or whatever is not better with 95 % confidence.",
    )
    approval: Literal["Approved", "PendingManualApproval"] = Field(
        "PendingManualApproval",
        description="What a version is born with that passed the gates; a pending one waits for a person.",
    )

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses what CreateTrainingJob would."""
        if self.use_spot and self.max_wait_seconds < self.max_runtime_seconds:
            raise ValueError("max_wait_seconds has to be at least max_runtime_seconds when use_spot is on")
        if self.image_version not in TRAINING_IMAGES:
            raise ValueError(
                f"image_version '{self.image_version}' is not among {', '.join(TRAINING_IMAGES)}"
            )
        if set(self.minimum_accuracy) != set(NETWORKS):
            raise ValueError(f"minimum_accuracy has to name each of {', '.join(NETWORKS)}")
        if self.instance_type in self.fallback_instance_types:
            raise ValueError(
                f"fallback_instance_types names {self.instance_type}, which instance_type is: name others"
            )
        return self

    @model_validator(mode="after")
    def hosts_have_addresses(self) -> Self:
        """Refuses more hosts than a subnet has addresses for: two each (SageMaker's guide, jobs in your VPC)."""
        if self.network is None:
            return self
        jobs = self.tuning.parallel_jobs if self.tuning else 1
        if (wanted := 2 * self.instance_count * jobs) > (free := self.network.addresses_of_a_subnet):
            raise ValueError(
                f"network.cidr {self.network.cidr} gives each subnet {free} addresses, and the hosts of training "
                f"want {wanted}, two each: choose a larger network, such as 10.71.0.0/16, or fewer hosts"
            )
        return self
