"""A processing job as a state: the project's code in AWS's training container, over inputs from S3."""

from __future__ import annotations

from typing import Any

from stacks.settings import EnvironmentSettings
from stacks.shared.asl import RETRIED, catch, jsonata, retriers
from stacks.shared.job_context import JobContext, cost_tags
from stacks.shared.job_volume import job_volume

RESOURCE = "arn:aws:states:::sagemaker:createProcessingJob.sync"
PROCESSING = "/opt/ml/processing"
# Unpacks the source archive in `code` and runs each step in the folder of the inputs. A word of a container's entry
# point has 256 characters at most (AppSpecification, ContainerEntrypoint), so the steps are words of their own.
RUN_STEPS = (
    'set -e; cd "$0"; export PYTHONPATH=$(mktemp -d); tar -xzf code/* -C "$PYTHONPATH"; '
    'for step in "$@"; do eval "$step"; done'
)


def processing_task(
    settings: EnvironmentSettings,
    context: JobContext,
    *,
    name: str,
    instance_type: str,
    steps: list[str],
    inputs: str,
    output: str,
) -> dict[str, Any]:
    """The task; `Next` is the caller's. It leaves `job_name`, which ends the output's prefix.

    Args:
        settings: isolation and the volume are those of training.
        places: see there.
        name: of the job, as an expression.
        instance_type: of its one host.
        steps: commands that run one after the other in /opt/ml/processing, or expressions of them.
        inputs: as an expression.
        output: where in the model bucket /opt/ml/processing/output goes, as an expression; see `folder_of_job`.
    """
    resources: dict[str, Any] = {
        "InstanceType": instance_type,
        "InstanceCount": 1,
        **job_volume(instance_type, settings.training.volume_gigabytes, context.key_arn),
    }
    entry_point = ["sh", "-c", RUN_STEPS, PROCESSING, *steps]
    written = {
        "S3Uri": jsonata(f"'s3://{context.model_bucket}/' & {output}"),
        "LocalPath": f"{PROCESSING}/output",
        "S3UploadMode": "EndOfJob",
    }
    return {
        "Type": "Task",
        "Resource": RESOURCE,
        "Arguments": {
            "ProcessingJobName": jsonata(f"{name} & {RETRIED}"),
            "RoleArn": context.role_arn,
            "AppSpecification": {"ImageUri": context.processing_image, "ContainerEntrypoint": entry_point},
            "ProcessingInputs": jsonata(inputs),
            "ProcessingOutputConfig": {
                "Outputs": [{"OutputName": "output", "S3Output": written}],
                "KmsKeyId": context.key_arn,
            },
            "ProcessingResources": {"ClusterConfig": resources},
            "NetworkConfig": {
                "EnableNetworkIsolation": settings.training.network_isolation,
                "EnableInterContainerTrafficEncryption": settings.training.encrypt_between_hosts,
                **({"VpcConfig": context.vpc} if context.vpc else {}),
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
            "Tags": cost_tags(settings),
        },
        "Assign": {"job_name": jsonata("$states.result.ProcessingJobName")},
        "Output": {},
        "Retry": retriers(RESOURCE),
        "Catch": catch(),
    }


def folder_of_job(prefix: str, name: str) -> str:
    """A job's own folder below a prefix, as an expression of its name, which is one too."""
    return f"'{prefix}/' & {name} & {RETRIED}"


def processing_input(name: str, uri: str) -> str:
    """A processing input of files, as an expression; `uri` is one too."""
    fixed = {"S3DataType": "S3Prefix", "S3InputMode": "File", "S3DataDistributionType": "FullyReplicated"}
    members = ", ".join(f"'{key}': '{value}'" for key, value in fixed.items())
    source = f"{{'S3Uri': {uri}, 'LocalPath': '{PROCESSING}/{name}', {members}}}"
    return f"{{'InputName': '{name}', 'S3Input': {source}}}"


def code_uri(context: JobContext) -> str:
    """Where the source archive is, as an expression."""
    return f"'s3://{context.code_bucket}/{context.code_key}'"
