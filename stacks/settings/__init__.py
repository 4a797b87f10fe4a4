"""The settings of an environment: typed, bounded, with units in the names; a wrong one fails the synth by its name."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from definitions.names import environment_problem
from stacks.settings.api import ApiSettings
from stacks.settings.base import SettingsModel
from stacks.settings.bulk import BulkSettings
from stacks.settings.conflicts import conflicts_of
from stacks.settings.console import ConsoleSettings
from stacks.settings.container_images import VERIFIED_PAIRS, without_images
from stacks.settings.inference import InferenceSettings
from stacks.settings.managed_services import without_services
from stacks.settings.monitoring import BudgetSettings, MonitoringSettings
from stacks.settings.release import ReleaseSettings, ScheduledShutdownSettings
from stacks.settings.storage import StorageSettings
from stacks.settings.training import TrainingSettings


class SettingsRefused(Exception):
    """The settings cannot be used; the message names the field and says what it may be."""


def environment_name(name: str) -> str:
    """An environment's name, as far as every name in AWS that holds it can have it."""
    if problem := environment_problem(name):
        raise ValueError(problem)
    return name


class EnvironmentSettings(SettingsModel):
    """Everything that differs between two environments; their names decide nothing."""

    name: Annotated[str, AfterValidator(environment_name)] = Field(
        description="The entry's key in cdk.json: up to 16 lower-case letters and digits, a part of every name in AWS."
    )
    region: str = Field(
        "us-east-1",
        description="Of every stack; one for which AWS publishes the containers. A synth warns where Rekognition or "
        "Comprehend are not.",
    )
    account: str | None = Field(
        None, pattern=r"^[0-9]{12}$", description="Empty: whatever account deploys it."
    )
    termination_protection: bool = Field(
        True, description="CloudFormation refuses to delete the stacks until it is switched off."
    )
    permissions_boundary: str | None = Field(
        None,
        pattern=r"^arn:aws:iam::([0-9]{12}|aws):policy/[a-zA-Z0-9+=,.@_/-]{1,640}$",
        description="ARN of a managed policy that bounds every role of the app.",
    )
    storage: StorageSettings = StorageSettings.model_validate({})
    training: TrainingSettings = TrainingSettings.model_validate({})
    inference: InferenceSettings = InferenceSettings.model_validate({})
    release: ReleaseSettings = ReleaseSettings.model_validate({})
    api: ApiSettings = ApiSettings.model_validate({})
    console: ConsoleSettings | None = Field(
        None, description="Empty: no page on the internet; the embedded AWS serves it in any case."
    )
    bulk: BulkSettings = BulkSettings.model_validate({})
    budget: BudgetSettings | None = Field(None, description="Empty: no budget.")
    monitoring: MonitoringSettings | None = Field(None, description="Empty: nobody hears of alarms.")
    scheduled_shutdown: ScheduledShutdownSettings | None = Field(
        None, description="Empty: what is released serves around the clock."
    )

    @field_validator("region")
    @classmethod
    def region_has_images(cls, region: str) -> str:
        """Refuses a region without AWS's containers, or of another partition than the ARNs here."""
        if refused := without_images(region):
            raise ValueError(refused)
        return region

    @model_validator(mode="after")
    def nothing_conflicts(self) -> Self:
        """Refuses what is right alone and wrong together."""
        if refused := conflicts_of(self):
            raise ValueError("; ".join(refused))
        return self

    @model_validator(mode="after")
    def places_are_in_the_region(self) -> Self:
        """Refuses what Comprehend and SageMaker would only look for in the region itself."""
        for name, place, part in (
            ("api.document_classifier_endpoint_arn", self.api.document_classifier_endpoint_arn, (":", 3)),
            ("inference.litert_image_uri", self.inference.litert_image_uri, (".", 3)),
        ):
            separator, number = part
            if place and (found := place.split(separator)[number]) != self.region:
                raise ValueError(f"{name} is in {found}, and region is {self.region}: it has to be there too")
        return self

    @model_validator(mode="after")
    def places_are_in_the_account(self) -> Self:
        """Refuses what IAM and Comprehend would only look for in the account itself."""
        for name, arn in (
            ("permissions_boundary", self.permissions_boundary),
            ("api.document_classifier_endpoint_arn", self.api.document_classifier_endpoint_arn),
        ):
            # AWS's own policies are in no account.
            if self.account and arn and (found := arn.split(":")[4]) not in (self.account, "aws"):
                raise ValueError(
                    f"{name} is of the account {found}, and account is {self.account}: name one of it"
                )
        return self

    @model_validator(mode="after")
    def pair_is_verified(self) -> Self:
        """Refuses a training image whose models were never loaded in the inference image."""
        pair = (self.training.image_version, self.inference.image_version)
        if pair not in VERIFIED_PAIRS:
            known = ", ".join(f"{trained} with {served}" for trained, served in VERIFIED_PAIRS)
            raise ValueError(
                f"training.image_version {pair[0]} with inference.image_version {pair[1]} was never verified; "
                f"verified are: {known}"
            )
        return self


def load_settings(name: str | None, environments: dict[str, Any]) -> EnvironmentSettings:
    """The settings of one environment from cdk.json's context.

    Raises:
        SettingsRefused: with a sentence that names the field.
    """
    if name is None:
        raise SettingsRefused(
            "cdk.json names no `environment` as the default: say --context environment=NAME."
        )
    # cdk.json may hold anything.
    is_object = isinstance(environments, dict)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not is_object or name not in environments:
        known = ", ".join(sorted(environments or {}))
        raise SettingsRefused(f"There is no environment '{name}' in cdk.json; it has: {known or 'none'}.")
    try:
        return EnvironmentSettings.model_validate({"name": name, **environments[name]})
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in problem['loc']) or 'settings'}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise SettingsRefused(
            f"The settings of '{name}' in cdk.json are wrong. {'; '.join(problems)}."
        ) from error


def warnings_of(settings: EnvironmentSettings) -> list[str]:
    """What works but should not be chosen anew."""
    training = settings.training
    chosen = [
        training.instance_type,
        *training.fallback_instance_types,
        training.evaluation_instance_type,
        settings.inference.instance_type,
    ]
    old = sorted({instance for instance in chosen if instance.startswith("ml.p3")})
    there = without_services(settings.region)
    return [
        *(
            f"{instance} is of the P3 family, which is old: G5, G6 or P5 train faster for the money."
            for instance in old
        ),
        *(
            f"Amazon {service} is not in {settings.region}, as far as this botocore knows: the API's paths that ask it "
            "answer with an error there, and our own networks serve as everywhere."
            for service in there
        ),
    ]
