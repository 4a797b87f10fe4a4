"""A network's endpoint under load: what answers, what it costs an hour, and what asking it costs at most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from advisor.prices import PriceTable
from cli.load.open_loop import ANSWERED
from cli.models.release import shared_endpoint, step_to_release
from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from definitions.names import TARGET_MODEL, VARIANT, endpoint_name, released_version

SECONDS_PER_HOUR = 3600
MEGABYTES_PER_GIGABYTE = 1024
# Autoscaling takes instances away again this long after the last request: fifteen minutes of low alarms
# (Application Auto Scaling's guide, Target tracking), and the longest cooldown that the settings take.
SCALE_IN_SECONDS = 15 * 60 + 3_600
# A load test wants the endpoint's own answer to each request, and no other request in its place.
NO_RETRIES = {"total_max_attempts": 1, "mode": "standard"}
READ_SECONDS = 60


@dataclass(frozen=True)
class Fleet:
    """What answers.

    Attributes:
        endpoint: its name.
        instance_type: None where it is serverless.
        instances: that it has now; for a serverless endpoint 1.
        most_instances: that it may come to have under load; for a serverless endpoint its concurrency.
        usd_per_hour: of one instance, or of one place of a serverless endpoint that is always busy; None where the
            price is unknown.
        captures: whether what it is asked is kept for the drift job.
        target_model: the released version's artefact on a multi-model endpoint.
    """

    endpoint: str
    instance_type: str | None
    instances: int
    most_instances: int
    usd_per_hour: float | None
    captures: bool = False
    target_model: str | None = None

    def most_usd(self, seconds: float) -> float | None:
        """What all that it may come to have costs for so long, with the time until they go again."""
        if self.usd_per_hour is None:
            return None
        grown = 0 if self.instance_type is None else (self.most_instances - self.instances) * SCALE_IN_SECONDS
        return self.usd_per_hour * (self.most_instances * seconds + grown) / SECONDS_PER_HOUR

    def usd_per_thousand(self, answers_per_second: float, mean_seconds: float) -> float | None:
        """What a thousand answers cost while it answers at this rate, each in so many seconds.

        Instances are paid for by their time, whether they are asked or not; a serverless endpoint by each answer's.
        """
        if self.usd_per_hour is None or not answers_per_second:
            return None
        seconds = mean_seconds if self.instance_type is None else self.instances / answers_per_second
        return self.usd_per_hour / SECONDS_PER_HOUR * seconds * 1000


def fleet_of(target: Target, kind: str, prices: PriceTable) -> Fleet:
    """The endpoint of a kind of network as it stands.

    Raises:
        CommandFailed: when it is not there, or changes at the moment.
    """
    sagemaker = target.client("sagemaker")
    shared = shared_endpoint(target)
    name = shared or endpoint_name(target.environment, kind)
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=name)
    except sagemaker.exceptions.ClientError as error:
        if "Could not find" not in str(error):
            raise
        raise CommandFailed(
            f"There is no endpoint {name}, as no version is released.\n{step_to_release(target, kind)}"
        ) from error
    if endpoint["EndpointStatus"] != "InService":
        raise CommandFailed(
            f"The endpoint {name} is {endpoint['EndpointStatus']}. Wait until it is InService: a load during a change "
            f"measures neither version. Look at it: {target.command('status')}"
        )
    configuration = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    (variant,) = configuration["ProductionVariants"]
    captures = configuration.get("DataCaptureConfig", {}).get("EnableCapture", False)
    if serverless := variant.get("ServerlessConfig"):
        price = prices["sagemaker.serverless.gb_second"]
        gigabytes = serverless["MemorySizeInMB"] / MEGABYTES_PER_GIGABYTE
        hourly = price.charge(gigabytes * SECONDS_PER_HOUR) if price.known else None
        return Fleet(name, None, 1, serverless["MaxConcurrency"], hourly, captures)
    price = prices[f"sagemaker.{variant['InstanceType']}.hosting"]
    (now,) = endpoint["ProductionVariants"]
    count = now["CurrentInstanceCount"]
    return Fleet(
        name,
        variant["InstanceType"],
        count,
        max(count, scaled_to(target, name)),
        price.charge(1) if price.known else None,
        captures,
        TARGET_MODEL.format(kind=kind, version=target.parameter(released_version(kind))) if shared else None,
    )


def scaled_to(target: Target, endpoint: str) -> int:
    """How many instances autoscaling may give the endpoint; 0 where it does not scale."""
    targets = target.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[f"endpoint/{endpoint}/variant/{VARIANT}"]
    )["ScalableTargets"]
    return max((scalable["MaxCapacity"] for scalable in targets), default=0)


def require_within(fleet: Fleet, seconds: float, limit_usd: float) -> None:
    """Refuses a load that could cost more than its limit, before the first request.

    Raises:
        CommandFailed: when it could, or nobody knows the price.
    """
    usd = fleet.most_usd(seconds)
    if usd is None:
        raise CommandFailed(
            f"The price of {fleet.instance_type or 'serverless endpoints'} in this region is unknown, so no limit can "
            "be kept. Ask the Price List for it: recognition prices refresh"
        )
    if usd > limit_usd:
        what = f"{fleet.most_instances} × {fleet.instance_type or 'a serverless place'}"
        raise CommandFailed(
            f"This load may cost {usd:,.2f} US dollars, above the limit of {limit_usd:,.2f}: {what} for "
            f"{seconds:,.0f} s, and until autoscaling takes them away. Ask for less, or say --limit-usd."
        )


def asker(target: Target, fleet: Fleet, request: dict[str, Any], connections: int) -> Callable[[], str]:
    """What asks the endpoint once, from so many threads at a time.

    Args:
        target: where the endpoint is.
        fleet: the endpoint.
        request: of InvokeEndpoint, without its name.
        connections: at the same time.
    """
    from botocore.config import Config
    from botocore.exceptions import ClientError, HTTPClientError

    runtime = target.session().client(
        "sagemaker-runtime",
        endpoint_url=target.variables.get("AWS_ENDPOINT_URL"),
        config=Config(max_pool_connections=connections, retries=NO_RETRIES, read_timeout=READ_SECONDS),
    )

    named = {"TargetModel": fleet.target_model} if fleet.target_model else {}

    def ask() -> str:
        try:
            runtime.invoke_endpoint(EndpointName=fleet.endpoint, **named, **request)["Body"].read()
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            return f"{status} {error.response['Error']['Code']}"
        except HTTPClientError as error:
            return type(error).__name__
        return ANSWERED

    return ask
