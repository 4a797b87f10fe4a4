"""The settings of an environment: typed, bounded, with units in the names; a wrong one fails the synth by its name."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

import botocore.session
from pydantic import AfterValidator, Field, ValidationError, model_validator

from model_code.hyperparameters import KINDS
from stacks.bulk_settings import BulkSettings
from stacks.door_settings import CallerSettings, FirewallSettings, UserPoolSettings
from stacks.images import INFERENCE_IMAGES, TRAINING_IMAGES, VERIFIED_PAIRS
from stacks.instances import has_gpu, is_graviton
from stacks.strict import Settings

SECONDS_A_DAY = 86_400
GPU_FAMILIES = ("p4d", "p4de", "p5", "p5e", "p5en", "p6", "g4dn", "g5", "g6", "g6e", "g7", "p3")


class SettingsRefused(Exception):
    """The settings cannot be used; the message names the field and says what it may be."""


@cache
def instance_types(shape: str) -> frozenset[str]:
    """The values that botocore's description of SageMaker lists for an instance type shape."""
    data = (
        botocore.session.get_session()
        .get_component("data_loader")
        .load_service_model("sagemaker", "service-2")
    )
    return frozenset(data["shapes"][shape]["enum"])


def training_instance(value: str) -> str:
    """Refuses what CreateTrainingJob would."""
    if value not in instance_types("TrainingInstanceType"):
        raise ValueError(f"'{value}' is no instance type that SageMaker trains on, such as ml.g5.xlarge")
    return value


def inference_instance(value: str) -> str:
    """Refuses what CreateEndpointConfig would."""
    if value not in instance_types("ProductionVariantInstanceType"):
        raise ValueError(f"'{value}' is no instance type that SageMaker serves on, such as ml.g4dn.xlarge")
    return value


class StorageSettings(Settings):
    """Buckets and key."""

    keep_data_when_destroyed: bool = Field(
        True, description="Retain buckets and key when the stack is deleted."
    )
    noncurrent_versions_days: int = Field(
        30, ge=1, le=3650, description="How long overwritten objects are kept."
    )
    logs_days: int = Field(365, ge=1, le=3650, description="How long access logs are kept.")


class NetworkSettings(Settings):
    """A network of its own for the jobs: isolated subnets with a way to S3 and none to anywhere else."""

    cidr: str = Field("10.71.0.0/16", pattern=r"^\d{1,3}(\.\d{1,3}){3}/(1[6-9]|2[0-4])$")
    # Without a concrete account CloudFormation knows only two zones of a region for certain.
    availability_zones: int = Field(2, ge=1, le=2)


class ScheduledRun(Settings):
    """A run of the training state machine that starts by itself."""

    kind: Literal["cnn", "rnn"]
    expression: str = Field(
        pattern=r"^(cron|rate)\(.+\)$",
        description="As EventBridge takes it: rate(7 days), cron(0 3 ? * MON *).",
    )
    data_prefix: str = Field(
        min_length=1, description="Where in the data bucket train/, validation/ and test/ are."
    )
    hyperparameters: dict[str, str] = Field(default={})


class TuningSettings(Settings):
    """A search for hyperparameters in each run's place of one training job; it costs so many training jobs."""

    jobs: int = Field(10, ge=2, le=100)
    parallel_jobs: int = Field(2, ge=1, le=10)
    ranges: dict[
        Literal["cnn", "rnn"], dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]]
    ] = Field(min_length=1, description="By kind and hyperparameter: the lowest and the highest value.")

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses what the training job would."""
        if self.parallel_jobs > self.jobs:
            raise ValueError("parallel_jobs has to be at most jobs")
        for kind, ranges in self.ranges.items():
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


class TrainingSettings(Settings):
    """Training and evaluation jobs, and the gate."""

    instance_type: Annotated[str, AfterValidator(training_instance)] = "ml.g5.xlarge"
    fallback_instance_types: list[Annotated[str, AfterValidator(training_instance)]] = Field(
        default=[],
        max_length=4,
        description="Tried one after the other when there is no capacity or no quota for instance_type.",
    )
    instance_count: int = Field(1, ge=1, le=100, description="Hosts of a training job.")
    evaluation_instance_type: Annotated[str, AfterValidator(training_instance)] = "ml.m5.xlarge"
    volume_gigabytes: int = Field(50, ge=1, le=16_384)
    use_spot: bool = Field(
        True, description="Train on spot capacity; checkpoints make an interruption cheap."
    )
    # KeepAlivePeriodInSeconds of ResourceConfig; 0 keeps nothing.
    warm_pool_seconds: int = Field(
        0, ge=0, le=21_600, description="How long the hosts wait for a next job; paid for meanwhile."
    )
    # RetryStrategy.MaximumRetryAttempts: after SageMaker's own internal errors.
    retry_attempts: int = Field(3, ge=1, le=30)
    network_isolation: bool = Field(True, description="The containers can open no connection.")
    encrypt_between_hosts: bool = True
    network: NetworkSettings | None = Field(
        None, description="Run the jobs in a VPC of their own; empty: in SageMaker's."
    )
    marker_name: str | None = Field(
        None,
        pattern=r"^[\w.-]+$",
        description="An object of this name in the data bucket starts a run on the splits beside it.",
    )
    schedules: list[ScheduledRun] = Field(default=[])
    tuning: TuningSettings | None = Field(None, description="Empty: each run is one training job.")
    max_runtime_seconds: int = Field(14_400, ge=60, le=432_000)
    max_wait_seconds: int = Field(
        28_800, ge=60, le=432_000, description="Training and waiting for spot capacity."
    )
    image_version: str = "2.21"
    minimum_accuracy: dict[Literal["cnn", "rnn"], Annotated[float, Field(ge=0, le=1)]] = Field(
        default={"cnn": 0.70, "rnn": 0.85}, description="The gate: a model below it is not registered."
    )
    champion_rule: Literal["not worse", "better"] = Field(
        "not worse",
        description="Against the released version on the same test split: refuse what is worse with 95 % confidence, "
        "or whatever is not better with 95 % confidence.",
    )
    approval: Literal["Approved", "PendingManualApproval"] = "PendingManualApproval"

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses what CreateTrainingJob would."""
        if self.use_spot and self.max_wait_seconds < self.max_runtime_seconds:
            raise ValueError("max_wait_seconds has to be at least max_runtime_seconds when use_spot is on")
        if self.use_spot and self.warm_pool_seconds:
            raise ValueError("warm_pool_seconds needs use_spot off: SageMaker keeps no spot hosts")
        if self.image_version not in TRAINING_IMAGES:
            raise ValueError(
                f"image_version '{self.image_version}' is not among {', '.join(TRAINING_IMAGES)}"
            )
        if set(self.minimum_accuracy) != {"cnn", "rnn"}:
            raise ValueError("minimum_accuracy has to name both cnn and rnn")
        return self


class AutoscalingSettings(Settings):
    """How many instances a real-time endpoint has: so many that each has few requests at the same time."""

    minimum_instances: int = Field(1, ge=1, le=100)
    maximum_instances: int = Field(ge=1, le=100)
    concurrent_requests_per_instance: float = Field(
        5.0, gt=0, le=1_000, description="Held by target tracking on the metric of 10 s resolution."
    )
    scale_in_cooldown_seconds: int = Field(300, ge=0, le=3_600)
    scale_out_cooldown_seconds: int = Field(60, ge=0, le=3_600)

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses bounds in the wrong order."""
        if self.minimum_instances > self.maximum_instances:
            raise ValueError("minimum_instances has to be at most maximum_instances")
        return self


class AsynchronousSettings(Settings):
    """A second endpoint that takes requests from S3 and answers to S3, and has no instance while nothing waits."""

    instance_type: Annotated[str, AfterValidator(inference_instance)] = "ml.c5.xlarge"
    maximum_instances: int = Field(1, ge=1, le=100)
    backlog_per_instance: float = Field(
        5.0, gt=0, le=100_000, description="Waiting requests for each instance, held by target tracking."
    )
    # AsyncInferenceClientConfig.MaxConcurrentInvocationsPerInstance.
    concurrent_requests_per_instance: int = Field(4, ge=1, le=1_000)
    scale_in_cooldown_seconds: int = Field(300, ge=0, le=3_600)


class ServerlessSettings(Settings):
    """The endpoint without instances: paid for by the millisecond. No GPU, no network of one's own, bodies of 4 MB."""

    # MemorySizeInMB of ProductionVariantServerlessConfig.
    memory_megabytes: Literal[1024, 2048, 3072, 4096, 5120, 6144] = 3072
    maximum_concurrency: int = Field(5, ge=1, le=200)
    provisioned_concurrency: int | None = Field(
        None, ge=1, le=200, description="Kept warm and paid for meanwhile; empty: none."
    )

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses more warm places than places."""
        if (self.provisioned_concurrency or 0) > self.maximum_concurrency:
            raise ValueError("provisioned_concurrency has to be at most maximum_concurrency")
        return self


class ScaleToZeroSettings(Settings):
    """A second real-time endpoint of an inference component, which alone can have no instance while nobody asks."""

    instance_type: Annotated[str, AfterValidator(inference_instance)] = "ml.c5.xlarge"
    maximum_copies: int = Field(1, ge=1, le=100, description="Of the model, over all instances.")
    maximum_instances: int = Field(1, ge=1, le=100)
    cpu_cores_per_copy: float = Field(1.0, ge=0.25, le=100)
    memory_megabytes_per_copy: int = Field(1_024, ge=128, le=1_000_000)
    concurrent_requests_per_copy: float = Field(5.0, gt=0, le=1_000)
    scale_in_cooldown_seconds: int = Field(300, ge=0, le=3_600)


class InferenceSettings(Settings):
    """Endpoints."""

    instance_type: Annotated[str, AfterValidator(inference_instance)] = "ml.g4dn.xlarge"
    instance_count: int = Field(1, ge=1, le=100)
    image_version: str = "2.20"
    litert_image_uri: str | None = Field(
        None,
        pattern=r"^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/[a-z0-9][a-z0-9._/-]*:\w[\w.-]*$",
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
    canary_percent: int = Field(10, ge=1, le=50)
    rollout: Literal["canary", "linear"] = Field(
        "canary",
        description="How the traffic of several instances changes over: a part first, or step by step.",
    )
    # SageMaker takes steps of 10 to 50 % (LinearStepSize of TrafficRoutingConfig).
    linear_step_percent: int = Field(25, ge=10, le=50)
    canary_wait_seconds: int = Field(300, ge=0, le=3600)
    termination_wait_seconds: int = Field(300, ge=0, le=3600)
    latency_alarm_milliseconds: int = Field(2_000, ge=1, le=60_000)

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses an image that is not in the table, and a container that cannot run on the instance."""
        if self.image_version not in INFERENCE_IMAGES:
            raise ValueError(
                f"image_version '{self.image_version}' is not among {', '.join(INFERENCE_IMAGES)}"
            )
        if self.container == "litert" and not self.litert_image_uri:
            raise ValueError("container 'litert' needs litert_image_uri")
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
        if self.serverless and (self.autoscaling or self.shadow_percent):
            raise ValueError(
                "serverless takes neither autoscaling nor shadow_percent, which are of instances"
            )
        if self.serverless and self.container == "tensorflow":
            raise ValueError(
                "serverless has no GPU, and AWS's image is one for GPUs: set container to 'litert'"
            )
        return self

    def instance_types(self) -> list[str]:
        """Every instance type that an endpoint may get."""
        own = [] if self.serverless else [self.instance_type]
        return own + [one.instance_type for one in (self.asynchronous, self.scale_to_zero) if one]


class ReleaseSettings(Settings):
    """How versions come to their endpoints."""

    on_approval: bool = Field(
        True, description="An approval in the registry starts the release; off: only by hand."
    )


class CaptureSettings(Settings):
    """What the endpoints were asked and answered, kept in the data bucket; it holds what customers sent."""

    percent: int = Field(100, ge=1, le=100, description="Of the requests.")
    kept_days: int = Field(30, ge=1, le=3650)


class DriftSettings(Settings):
    """A daily job that holds the captured requests of the day before against the evaluation's test split."""

    expression: str = Field(
        "cron(30 1 * * ? *)", pattern=r"^(cron|rate)\(.+\)$", description="When; the day before is UTC's."
    )
    instance_type: Annotated[str, AfterValidator(training_instance)] = "ml.m5.large"
    threshold: float = Field(
        0.25, gt=0, le=10, description="Population stability index above which the alarm goes off."
    )
    least_samples: int = Field(200, ge=50, le=20_000, description="With fewer in a day nothing is said.")
    retrain_on: dict[Literal["cnn", "rnn"], str] = Field(
        default={}, description="By kind: the data prefix on which the alarm starts a training run."
    )


class WatchingSettings(Settings):
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
        return self


class OfficeHours(Settings):
    """When the endpoints serve; at other times they are away and cost nothing."""

    days: str = Field("MON-FRI", pattern=r"^[A-Z0-9,-]+$", description="As cron has them.")
    start_hour: int = Field(8, ge=0, le=23)
    end_hour: int = Field(18, ge=0, le=23)
    time_zone: str = Field("UTC", description="By its name in the IANA database, such as Europe/Berlin.")

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses hours that never end and zones that nobody knows."""
        if self.start_hour >= self.end_hour:
            raise ValueError("start_hour has to be before end_hour")
        if self.time_zone not in available_timezones():
            raise ValueError(
                f"time_zone '{self.time_zone}' is none of the IANA database, such as Europe/Berlin"
            )
        return self


class RestSettings(Settings):
    """When an endpoint is taken away until it is released or woken again; for environments that can do without."""

    idle_hours: int | None = Field(
        None, ge=1, le=168, description="After so many hours without a request; empty: never."
    )
    office_hours: OfficeHours | None = None


class BudgetSettings(Settings):
    """A monthly budget for what bears the environment's tags."""

    monthly_us_dollars: int = Field(ge=1, le=1_000_000)
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", description="Who hears of it.")
    # AWS Budgets takes five notifications a budget (AWS Budgets quotas); the forecast is one of them.
    percents: list[Annotated[int, Field(ge=1, le=1_000)]] = Field(
        default=[50, 80, 100], min_length=1, max_length=4
    )


class PolicySettings(Settings):
    """Who answers an operation that both the managed service and our own network can answer."""

    backend: Literal["managed", "own", "cascade"] = "managed"
    first: Literal["managed", "own"] = Field(
        "own", description="Of a cascade; the other gives second opinions."
    )
    threshold: float = Field(0.0, ge=0, le=1, description="A cascade's first answer below it is not enough.")
    monthly_budget_usd: float | None = Field(
        None, gt=0, le=1_000_000, description="What the managed service may cost in a month; empty: no limit."
    )
    fallback: bool = Field(False, description="The other backend answers when the chosen one cannot.")

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses a cascade that would never ask the second, and a budget that nothing is charged to."""
        if self.backend == "cascade" and self.threshold == 0:
            raise ValueError("threshold has to be above 0 for a cascade, or the second is never asked")
        if self.monthly_budget_usd is not None and self.backend == "own" and not self.fallback:
            raise ValueError("monthly_budget_usd is of the managed service, which this policy never asks")
        return self

    @property
    def asks_own(self) -> bool:
        """Whether our own network may be asked."""
        return self.backend != "managed" or self.fallback


class ApiSettings(Settings):
    """The recognition API and its functions."""

    authorization: Literal["AWS_IAM", "COGNITO_USER_POOLS"] = "AWS_IAM"
    user_pools: UserPoolSettings | None = Field(
        None, description="With COGNITO_USER_POOLS: whose tokens count."
    )
    firewall: FirewallSettings | None = Field(None, description="Empty: no web ACL.")
    callers: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")], CallerSettings] = Field(
        default={}, description="Each gets an API key and a throttle of its own; empty: no key is asked for."
    )
    vpc_endpoint_ids: list[Annotated[str, Field(pattern=r"^vpce-[0-9a-f]{8,17}$")]] = Field(
        default=[], max_length=20, description="Only through these is the API reached; empty: from anywhere."
    )
    retention_days: int = Field(
        30, ge=1, le=3_650, description="The longest that answers to what customers sent are kept anywhere."
    )
    idempotency_seconds: int = Field(
        86_400,
        ge=0,
        description="How long a request's Idempotency-Key is remembered with its answer; 0: off.",
    )
    cache_seconds: int = Field(
        0, ge=0, description="How long a managed service's answer serves whoever sends the same; 0: off."
    )
    requests_per_second: int = Field(50, ge=1, le=10_000)
    burst_requests: int = Field(100, ge=1, le=5_000)
    function_memory_megabytes: int = Field(512, ge=128, le=10_240)
    # API Gateway gives up after 29 s, so a function that runs longer works for nobody.
    function_timeout_seconds: int = Field(28, ge=1, le=28)
    reserved_concurrency: int | None = Field(None, ge=1, le=1_000)
    log_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365] = 30
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    own_backend: Literal["endpoint", "litert"] = Field(
        "endpoint",
        description="Who answers the paths of our own networks: their endpoints, or the function itself with the "
        "released versions' LiteRT files.",
    )
    policies: dict[Literal["image-labels", "text-sentiment"], PolicySettings] = Field(
        default={}, description="Where nothing is said, the managed service answers."
    )
    document_classifier_endpoint_arn: str | None = Field(
        None,
        pattern=r"^arn:aws:comprehend:[a-z0-9-]+:\d{12}:document-classifier-endpoint/[a-zA-Z0-9-]{1,63}$",
        description="Comprehend's endpoint behind /texts/classification; without one it answers 501.",
    )

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses doors without a keyholder, and answers that would be kept longer than anything may be."""
        if (self.authorization == "COGNITO_USER_POOLS") != (self.user_pools is not None):
            raise ValueError("user_pools and the authorization COGNITO_USER_POOLS go together")
        for name in ("idempotency_seconds", "cache_seconds"):
            if getattr(self, name) > self.retention_days * SECONDS_A_DAY:
                raise ValueError(
                    f"{name} may be at most {self.retention_days} days, which retention_days says"
                )
        return self

    @property
    def keeps_answers(self) -> bool:
        """Whether any answer outlives its request."""
        return bool(self.idempotency_seconds or self.cache_seconds)


class ConsoleSettings(Settings):
    """The console: a page on the internet that only people whom an administrator added can sign in to."""

    # Limits of UserPoolClient's token validities (Amazon Cognito API reference).
    token_minutes: int = Field(60, ge=5, le=1_440)
    session_hours: int = Field(8, ge=1, le=24, description="After so long a person signs in again.")


class EnvironmentSettings(Settings):
    """Everything that differs between dev and prod."""

    name: Literal["dev", "prod"]
    region: str = Field("us-east-1", pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    account: str | None = Field(None, pattern=r"^\d{12}$", description="Empty: whatever account deploys it.")
    termination_protection: bool = True
    permissions_boundary: str | None = Field(
        None,
        pattern=r"^arn:aws[\w-]*:iam::(\d{12}|aws):policy/.+$",
        description="ARN of a managed policy that bounds every role of the app.",
    )
    storage: StorageSettings = StorageSettings()
    training: TrainingSettings = TrainingSettings()
    inference: InferenceSettings = InferenceSettings()
    release: ReleaseSettings = ReleaseSettings()
    api: ApiSettings = ApiSettings()
    console: ConsoleSettings | None = Field(
        None, description="Empty: no page on the internet; the embedded AWS serves it in any case."
    )
    bulk: BulkSettings = BulkSettings()
    budget: BudgetSettings | None = Field(None, description="Empty: no budget.")
    watching: WatchingSettings | None = Field(None, description="Empty: nobody hears of alarms.")
    rest: RestSettings | None = Field(None, description="Empty: what is released serves around the clock.")

    @model_validator(mode="after")
    def prod_does_not_rest(self) -> Self:
        """Refuses to take endpoints away that customers may count on."""
        if self.name == "prod" and self.rest:
            raise ValueError("rest takes endpoints away, which prod has to keep: leave it out")
        return self

    @model_validator(mode="after")
    def serverless_is_not_captured(self) -> Self:
        """Refuses what CreateEndpointConfig would."""
        if self.inference.serverless and self.watching and self.watching.capture:
            raise ValueError(
                "inference.serverless cannot have watching.capture: SageMaker captures no such data"
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


def load_settings(name: str, environments: dict[str, Any]) -> EnvironmentSettings:
    """The settings of one environment from cdk.json's context.

    Raises:
        SettingsRefused: with a sentence that names the field.
    """
    if not isinstance(environments, dict) or name not in environments:
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
    return [
        f"{instance} is of the P3 family, which is old: G5, G6 or P5 train faster for the money."
        for instance in old
    ]
