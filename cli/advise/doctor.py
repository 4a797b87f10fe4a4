"""Asks an AWS account, before anything is created in it, whether it can run the app: quotas, concurrency, images."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator

from cli.advise.findings import Finding, asked
from cli.models.release import VERSION_PARAMETER
from cli.shared.target import Target
from stacks.settings import EnvironmentSettings
from stacks.settings.container_images import INFERENCE_IMAGES, TRAINING_IMAGES, end_of_patch_warning
from stacks.settings.inference import InferenceSettings

# A blue/green release runs the new fleet beside the old one.
FLEETS_DURING_A_RELEASE = 2
# Lambda keeps this many executions for functions without a reservation (Lambda quotas).
UNRESERVED_EXECUTIONS = 100
FUNCTIONS = 4


def examine(target: Target, settings: EnvironmentSettings, today: datetime.date) -> list[Finding]:
    """Everything that would stop the settings' first training or first release in this account."""
    return [
        *asked("SageMaker's quotas", lambda: quota_findings(settings, sagemaker_quotas(target))),
        *asked(
            "Lambda concurrent executions", lambda: [lambda_finding(settings, concurrent_executions(target))]
        ),
        *image_findings(settings, today),
    ]


def sagemaker_quotas(target: Target) -> dict[str, float]:
    """The account's SageMaker quotas by name: the applied values over AWS's defaults."""
    client = target.client("service-quotas")
    quotas: dict[str, float] = {}
    for operation in ("list_aws_default_service_quotas", "list_service_quotas"):
        for page in client.get_paginator(operation).paginate(ServiceCode="sagemaker"):
            quotas |= {quota["QuotaName"]: quota["Value"] for quota in page["Quotas"]}
    return quotas


def needed_quotas(settings: EnvironmentSettings) -> Iterator[tuple[str, int]]:
    """The name of each quota that the settings need, and how many instances."""
    training, inference = settings.training, settings.inference
    use = "spot training job usage" if training.use_spot else "training job usage"
    at_a_time = training.tuning.parallel_jobs if training.tuning else 1
    for instance in (training.instance_type, *training.fallback_instance_types):
        yield f"{instance} for {use}", training.instance_count * at_a_time
    if training.warm_pool_seconds:
        yield f"{training.instance_type} for training warm pool usage", training.instance_count
    yield f"{training.evaluation_instance_type} for processing job usage", 1
    for instance, count in endpoint_instances(inference).items():
        yield f"{instance} for endpoint usage", count


def endpoint_instances(inference: InferenceSettings) -> dict[str, int]:
    """How many instances of each type the endpoints may come to have while one of them changes over."""
    networks = len(VERSION_PARAMETER)
    counts: Counter[str] = Counter()
    if not inference.serverless:
        fleets = (1 if inference.multi_model else networks) - 1 + FLEETS_DURING_A_RELEASE
        counts[inference.instance_type] += fleets * (
            inference.most_instances + bool(inference.shadow_percent)
        )
    for second in (inference.asynchronous, inference.scale_to_zero):
        if second:
            fleets = networks - 1 + FLEETS_DURING_A_RELEASE
            counts[second.instance_type] += fleets * second.maximum_instances
    return counts


def quota_findings(settings: EnvironmentSettings, quotas: dict[str, float]) -> list[Finding]:
    """Each needed quota against the account's; one that the region does not list is an instance that it lacks."""
    findings = []
    for name, needed in needed_quotas(settings):
        quota = quotas.get(name)
        if quota is None:
            remedy = (
                f"SageMaker lists no such quota in {settings.region}: choose another instance type or region."
            )
        elif quota < needed:
            remedy = f"Ask Service Quotas for {needed} in {settings.region}; it can take days."
        else:
            remedy = ""
        findings.append(Finding(name, needed, quota, remedy))
    return findings


def concurrent_executions(target: Target) -> int:
    """How many Lambda executions the account may have at the same time."""
    return target.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]


def lambda_finding(settings: EnvironmentSettings, quota: int) -> Finding:
    """Lambda's concurrency; new accounts start with as few as ten."""
    reserved = settings.api.reserved_concurrency
    needed = FUNCTIONS * reserved + UNRESERVED_EXECUTIONS if reserved else FUNCTIONS
    remedy = "" if quota >= needed else "Ask Service Quotas for more concurrent Lambda executions."
    return Finding("Lambda concurrent executions", needed, quota, remedy)


def image_findings(settings: EnvironmentSettings, today: datetime.date) -> Iterator[Finding]:
    """Containers that AWS soon patches no more."""
    images = {
        "training": TRAINING_IMAGES[settings.training.image_version],
        "inference": INFERENCE_IMAGES[settings.inference.image_version],
    }
    for role, image in images.items():
        yield Finding(f"{role} image {image.version}", None, None, end_of_patch_warning(image, today) or "")
