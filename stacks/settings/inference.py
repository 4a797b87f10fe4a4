"""The settings of serving: what serves a released version, how it scales, how traffic changes over."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from stacks.settings.base import SettingsModel
from stacks.settings.container_images import INFERENCE_IMAGES
from stacks.settings.instance_families import (
    has_gpu,
    is_burstable,
    is_graviton,
    memory_gigabytes,
    virtual_processors,
)
from stacks.settings.instance_types import inference_instance, scaled_instance, transform_instance

# MaximumExecutionTimeoutInSeconds of BlueGreenUpdatePolicy: the most, and what starting a fleet may take beside waits.
LONGEST_RELEASE_SECONDS = 28_800
FLEET_START_SECONDS = 3_600


class AutoscalingSettings(SettingsModel):
    """How many instances a real-time endpoint has: so many that each has few requests at the same time."""

    minimum_instances: int = Field(1, ge=1, le=100, description="There are always so many.")
    maximum_instances: int = Field(ge=1, le=100, description="There are never more.")
    concurrent_requests_per_instance: float = Field(
        5.0, gt=0, le=1_000, description="Held by target tracking on the metric of 10 s resolution."
    )
    scale_in_cooldown_seconds: int = Field(300, ge=0, le=3_600, description="Between two steps down.")
    scale_out_cooldown_seconds: int = Field(60, ge=0, le=3_600, description="Between two steps up.")

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses bounds in the wrong order."""
        if self.minimum_instances > self.maximum_instances:
            raise ValueError("minimum_instances has to be at most maximum_instances")
        return self


class AsynchronousSettings(SettingsModel):
    """A second endpoint that takes requests from S3 and answers to S3, and has no instance while nothing waits."""

    instance_type: Annotated[str, AfterValidator(scaled_instance)] = Field(
        "ml.c5.xlarge", description="Of this endpoint."
    )
    maximum_instances: int = Field(1, ge=1, le=100, description="The fewest are none.")
    backlog_per_instance: float = Field(
        5.0, gt=0, le=100_000, description="Waiting requests for each instance, held by target tracking."
    )
    # AsyncInferenceClientConfig.MaxConcurrentInvocationsPerInstance.
    concurrent_requests_per_instance: int = Field(
        4, ge=1, le=1_000, description="How many the container is asked at a time."
    )
    scale_in_cooldown_seconds: int = Field(300, ge=0, le=3_600, description="Between two steps down.")


class TransformSettings(SettingsModel):
    """The instances of a batch transform job (`recognition transform`), which are there while it runs."""

    instance_type: Annotated[str, AfterValidator(transform_instance)] = Field(
        "ml.c5.xlarge", description="Of the job."
    )
    instance_count: int = Field(1, ge=1, le=100, description="The objects are divided between them.")
    # MaxConcurrentTransforms; with MaxPayloadInMB, which is 6, it may come to 100 MB.
    concurrent_requests_per_instance: int = Field(
        2, ge=1, le=16, description="How many the container is asked at a time."
    )


class ServerlessSettings(SettingsModel):
    """The endpoint without instances: paid for by the millisecond. No GPU, no network of one's own, bodies of 4 MB."""

    # MemorySizeInMB of ProductionVariantServerlessConfig.
    memory_megabytes: Literal[1024, 2048, 3072, 4096, 5120, 6144] = Field(
        3072, description="Of each place; processors come with it."
    )
    maximum_concurrency: int = Field(
        5, ge=1, le=200, description="Requests at the same time; more are refused."
    )
    provisioned_concurrency: int | None = Field(
        None, ge=1, le=200, description="Kept warm and paid for meanwhile; empty: none."
    )

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses more warm places than places."""
        if (self.provisioned_concurrency or 0) > self.maximum_concurrency:
            raise ValueError("provisioned_concurrency has to be at most maximum_concurrency")
        return self


class ScaleToZeroSettings(SettingsModel):
    """A second real-time endpoint of an inference component, which alone can have no instance while nobody asks."""

    instance_type: Annotated[str, AfterValidator(scaled_instance)] = Field(
        "ml.c5.xlarge", description="Of this endpoint."
    )
    maximum_copies: int = Field(1, ge=1, le=100, description="Of the model, over all instances.")
    maximum_instances: int = Field(1, ge=1, le=100, description="The fewest are none.")
    cpu_cores_per_copy: float = Field(1.0, ge=0.25, le=100, description="Set aside for each copy.")
    memory_megabytes_per_copy: int = Field(
        1_024, ge=128, le=1_000_000, description="Set aside for each copy."
    )
    concurrent_requests_per_copy: float = Field(5.0, gt=0, le=1_000, description="Held by target tracking.")
    scale_in_cooldown_seconds: int = Field(300, ge=0, le=3_600, description="Between two steps down.")

    @model_validator(mode="after")
    def copy_fits(self) -> Self:
        """Refuses a copy that no instance has the room for, which SageMaker would wait for in vain."""
        cores = virtual_processors(self.instance_type)
        if self.cpu_cores_per_copy > cores:
            raise ValueError(
                f"cpu_cores_per_copy is {self.cpu_cores_per_copy:g}, and {self.instance_type} has {cores} vCPUs: ask "
                "for fewer, or choose a larger instance_type"
            )
        megabytes = int(memory_gigabytes(self.instance_type) * 1024)
        if self.memory_megabytes_per_copy >= megabytes:
            raise ValueError(
                f"memory_megabytes_per_copy is {self.memory_megabytes_per_copy}, and {self.instance_type} has "
                f"{megabytes} MB, of which the system takes some: ask for less, or choose a larger instance_type"
            )
        return self


class MultiModelSettings(SettingsModel):
    """One endpoint for both networks: it loads a version when it is first asked for, and unloads what nobody asks."""

    keep_in_memory: bool = Field(
        True, description="Off: a version is unloaded after each answer (ModelCacheSetting Disabled)."
    )


class InferenceSettings(SettingsModel):
    """Endpoints."""

    instance_type: Annotated[str, AfterValidator(inference_instance)] = Field(
        "ml.g4dn.xlarge", description="Of the endpoint."
    )
    instance_count: int = Field(1, ge=1, le=100, description="Of each released network.")
    image_version: str = Field("2.20", description="TensorFlow Serving's in AWS's container.")
    litert_image_uri: str | None = Field(
        None,
        max_length=255,
        pattern=r"^[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/[a-z0-9]+([._/-][a-z0-9]+)*"
        r"(:[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}|@sha256:[0-9a-f]{64})$",
        description="serving/Dockerfile's image in your registry. Versions registered from then on name it too.",
    )
    container: Literal["tensorflow", "litert"] = Field(
        "tensorflow", description="What serves: AWS's TensorFlow container, or ours with the LiteRT model."
    )
    autoscaling: AutoscalingSettings | None = Field(
        None, description="Empty: instance_count instances always."
    )
    serverless: ServerlessSettings | None = Field(
        None,
        description="The endpoint has no instances; it takes the place of instance_type and instance_count.",
    )
    multi_model: MultiModelSettings | None = Field(
        None, description="One endpoint for both networks; empty: one for each."
    )
    transform: TransformSettings = TransformSettings.model_validate({})
    asynchronous: AsynchronousSettings | None = Field(None, description="A second endpoint; empty: none.")
    scale_to_zero: ScaleToZeroSettings | None = Field(None, description="A second endpoint; empty: none.")
    # Real-time endpoints alone take a shadow variant (CreateEndpointConfig, ShadowProductionVariants).
    shadow_percent: int | None = Field(
        None,
        ge=1,
        le=100,
        description="How many of the requests a shadow version gets too, whose answers nobody sees; empty: none. The "
        "version is a parameter of the inference stack, empty at first.",
    )
    # SageMaker allows the canary at most half of the fleet (CapacitySize of BlueGreenUpdatePolicy).
    canary_percent: int = Field(
        10, ge=1, le=50, description="Which part of the traffic a new version gets first."
    )
    traffic_routing: Literal["canary", "linear"] = Field(
        "canary",
        description="How the traffic of several instances changes over: a part first, or step by step.",
    )
    # SageMaker takes steps of 10 to 50 % (LinearStepSize of TrafficRoutingConfig).
    linear_step_percent: int = Field(
        25, ge=10, le=50, description="Of the traffic, with traffic_routing linear."
    )
    canary_wait_seconds: int = Field(
        300, ge=0, le=3600, description="How long the alarms watch the canary, or each step."
    )
    termination_wait_seconds: int = Field(
        300, ge=0, le=3600, description="How long the old instances stay after that."
    )
    latency_alarm_milliseconds: int = Field(
        2_000,
        ge=1,
        le=60_000,
        description="The 99th percentile of a model's answers above which an alarm goes off and a release rolls back.",
    )

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses an image that is not in the table, and a container that cannot run on the instance."""
        if self.image_version not in INFERENCE_IMAGES:
            raise ValueError(
                f"image_version '{self.image_version}' is not among {', '.join(INFERENCE_IMAGES)}"
            )
        if self.container == "litert" and not self.litert_image_uri:
            raise ValueError("container 'litert' needs litert_image_uri")
        if self.release_seconds > LONGEST_RELEASE_SECONDS:
            raise ValueError(
                f"the waits of a release take {self.release_seconds - FLEET_START_SECONDS} s, and SageMaker gives it "
                f"{LONGEST_RELEASE_SECONDS - FLEET_START_SECONDS} s beside the start of the instances: lower "
                "canary_wait_seconds or termination_wait_seconds, or raise linear_step_percent"
            )
        if self.autoscaling and not self.serverless and is_burstable(self.instance_type):
            raise ValueError(
                f"instance_type {self.instance_type} is burstable, and SageMaker scales no such: choose one such as "
                "ml.c5.large, or leave autoscaling out"
            )
        for instance_type in self.instance_types():
            if self.container == "litert" and has_gpu(instance_type):
                raise ValueError(
                    f"instance_type {instance_type} has a GPU, which container 'litert' never uses"
                )
            if self.container == "tensorflow" and is_graviton(instance_type):
                raise ValueError(
                    f"instance_type {instance_type} has an arm64 processor, for which AWS publishes no TensorFlow "
                    "inference image: set container to 'litert'"
                )
        if has_gpu(self.transform.instance_type) and (self.serverless or not has_gpu(self.instance_type)):
            raise ValueError(
                f"transform.instance_type {self.transform.instance_type} has a GPU, and a job asks the endpoint's own "
                "model, which is served here by the image without GPUs: choose one without, such as ml.c5.xlarge"
            )
        return self

    @model_validator(mode="after")
    def several_models_fit(self) -> Self:
        """Refuses what multi-model endpoints do not take (SageMaker's developer guide, Multi-model endpoints)."""
        if self.multi_model and has_gpu(self.instance_type):
            raise ValueError(
                f"multi_model cannot run on instance_type {self.instance_type}: on GPUs SageMaker serves several "
                "models by Triton alone, so choose an instance type without one, such as ml.c5.xlarge"
            )
        return self

    @property
    def first_instances(self) -> int:
        """With how many instances the endpoint starts; autoscaling takes over from its least number."""
        if self.serverless:
            return 0
        return self.autoscaling.minimum_instances if self.autoscaling else self.instance_count

    @property
    def most_instances(self) -> int:
        """How many instances the endpoint may come to have, but for those of a release."""
        return self.autoscaling.maximum_instances if self.autoscaling else self.first_instances

    @property
    def release_seconds(self) -> int:
        """How long a release may take: all its waits, and the start of the new instances."""
        steps = math.ceil(100 / self.linear_step_percent) if self.traffic_routing == "linear" else 1
        return steps * self.canary_wait_seconds + self.termination_wait_seconds + FLEET_START_SECONDS

    def instance_types(self) -> list[str]:
        """Every instance type that a version may be served on."""
        own = [] if self.serverless else [self.instance_type]
        others = (self.asynchronous, self.scale_to_zero, self.transform)
        return own + [endpoint.instance_type for endpoint in others if endpoint]
