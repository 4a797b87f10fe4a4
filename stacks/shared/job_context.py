"""What the jobs' state machines refer to: names of other stacks, the id of a run, the tags of its cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Stack
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from definitions.names import PROJECT, RUN_ID_CHARACTERS, endpoint_name, job_name
from definitions.networks import KINDS
from definitions.parameters import DATA_BUCKET, KEY_ARN, MODEL_BUCKET
from model_code.source import ARCHIVE_NAME, write_source_archive
from stacks.settings import EnvironmentSettings
from stacks.settings.container_images import INFERENCE_IMAGES, TRAINING_IMAGES
from stacks.shared.arns import arn_of
from stacks.shared.asl import jsonata
from stacks.shared.parameters import published

# Execution names may have characters that job names may not; an event's id is their first 36.
EXECUTION_ID = (
    "$replace($substring($replace($states.context.Execution.Name, /[^a-zA-Z0-9]+/, '-'), 0, "
    f"{RUN_ID_CHARACTERS}), /-+$/, '')"
)


@dataclass(frozen=True)
class JobContext:
    """Names and addresses, most of them known to CloudFormation alone.

    Attributes:
        data_bucket: name of the bucket with the data sets.
        model_bucket: name of the bucket for checkpoints, models and evaluations.
        key_arn: the key that encrypts them.
        role_arn: under which the jobs run.
        code_bucket: bucket of the source archive.
        code_key: its key, which changes with the code.
        training_image: container of training jobs.
        processing_image: container of evaluation and drift jobs.
        inference_image: container that will serve the model on GPUs.
        cpu_inference_image: container that will serve it elsewhere.
        litert_image: container that can serve the model's LiteRT file; None where there is none.
        version_arns: of each kind's registered versions, up to the number that follows.
        inference_stack: name of the stack whose parameter says which version is the champion.
        vpc: the jobs' subnets and security groups as SageMaker's VpcConfig; None in SageMaker's own network.
    """

    data_bucket: str
    model_bucket: str
    key_arn: str
    role_arn: str
    code_bucket: str
    code_key: str
    training_image: str
    processing_image: str
    inference_image: str
    cpu_inference_image: str
    version_arns: dict[str, str]
    inference_stack: str
    vpc: dict[str, list[str]] | None = None
    litert_image: str | None = None


def source_of_jobs(scope: Construct, build_directory: Path) -> s3_assets.Asset:
    """The archive with the code that the jobs run."""
    archive = build_directory / ARCHIVE_NAME
    write_source_archive(archive)
    return s3_assets.Asset(scope, "Source", path=str(archive))


def job_context(
    stack: Stack,
    settings: EnvironmentSettings,
    code: s3_assets.Asset,
    role_arn: str,
    *,
    processing_instance_type: str,
    inference_stack: str,
    vpc: dict[str, list[str]] | None,
) -> JobContext:
    """What the jobs of a stack refer to; see `JobContext`."""
    environment, region, training = settings.name, settings.region, settings.training
    image = TRAINING_IMAGES[training.image_version]
    serving = INFERENCE_IMAGES[settings.inference.image_version]
    groups = {kind: endpoint_name(environment, kind) for kind in KINDS}
    return JobContext(
        data_bucket=published(stack, environment, DATA_BUCKET),
        model_bucket=published(stack, environment, MODEL_BUCKET),
        key_arn=published(stack, environment, KEY_ARN),
        role_arn=role_arn,
        code_bucket=code.s3_bucket_name,
        code_key=code.s3_object_key,
        training_image=image.uri(region, training.instance_type, *training.fallback_instance_types),
        processing_image=image.uri(region, processing_instance_type),
        inference_image=serving.of_device(region, "gpu"),
        cpu_inference_image=serving.of_device(region, "cpu"),
        version_arns={
            kind: arn_of(stack, "sagemaker", "model-package", f"{group}/") for kind, group in groups.items()
        },
        inference_stack=inference_stack,
        vpc=vpc,
        litert_image=settings.inference.litert_image_uri,
    )


def name_of_job(settings: EnvironmentSettings, purpose: str = "") -> str:
    """The name of a run's jobs, as an expression; a training and a processing job may have the same."""
    words = (purpose,) if purpose else ()
    return f"'{job_name(settings.name, '')}' & $kind & '{job_name('', *words, '')}' & $run_id"


def cost_tags(settings: EnvironmentSettings) -> list[dict[str, str]]:
    """The tags by which the bill can be read, which a job does not inherit from its stack."""
    tags = {"project": PROJECT, "environment": settings.name, "kind": jsonata("$kind")}
    return [{"Key": key, "Value": value} for key, value in tags.items()]
