"""The states that train: one job, and another on the next instance type when the first finds no capacity."""

from __future__ import annotations

import json
from typing import Any

from definitions.names import PRETRAINED_PREFIX
from model_code.source import ENTRY_POINT
from model_code.training.metrics import METRIC_DEFINITIONS
from stacks.settings import EnvironmentSettings
from stacks.settings.training import TrainingSettings
from stacks.shared.asl import (
    RETRIED,
    catch,
    job_failed,
    jsonata,
    retriers,
)
from stacks.shared.job_context import JobContext, cost_tags, name_of_job
from stacks.shared.job_volume import job_volume
from stacks.training.entrypoint import TRAINING_ENTRYPOINT
from stacks.training.tuning_job import tune, tuning_choice

# The toolkit reads a value as JSON, so both a truth value and a text come to the script alike.
IS_PRETRAINED = '$contains($string($hyperparameters.pretrained), /^"?true"?$/i)'
RESOURCE = "arn:aws:states:::sagemaker:createTrainingJob.sync"
CODE_DIRECTORY = "/opt/ml/input/data/code"
# A job's name is used once, so each instance type's job has its own; the checkpoints are the execution's, because a
# run's id may have been used before, for other data.
ATTEMPT = "($attempt = 0 ? '' : '-' & $string($attempt + 1))"
# How SageMaker says that it has no machine of a type: by a job's FailureReason (CapacityError), by its refusal of a
# job over the account's quota (ResourceLimitExceeded), or by the end of the wait for spot capacity.
NO_CAPACITY = "/CapacityError|InsufficientCapacity|ResourceLimitExceeded|MaxWaitTimeExceeded/"


def training_states(settings: EnvironmentSettings, context: JobContext, *, then: str) -> dict[str, Any]:
    """The states from `first_training_state` to `then`."""
    others = len(settings.training.fallback_instance_types)
    no_capacity = f"$attempt < {others} and $contains($string($states.input), {NO_CAPACITY})"
    once = train(settings, context, then=then)
    tuned = {}
    if settings.training.tuning:
        tuned = {"ChooseTraining": tuning_choice(settings), "Tune": tune(settings, context, once, ATTEMPT)}
    return {
        **tuned,
        "Train": once,
        "TrainingFailed": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": jsonata(no_capacity),
                    "Assign": {"attempt": jsonata("$attempt + 1")},
                    "Next": first_training_state(settings),
                }
            ],
            "Default": "JobFailed",
        },
        "JobFailed": job_failed(),
    }


def first_training_state(settings: EnvironmentSettings) -> str:
    """Where training begins."""
    return "ChooseTraining" if settings.training.tuning else "Train"


def train(settings: EnvironmentSettings, context: JobContext, *, then: str) -> dict[str, Any]:
    """The training job. Checkpoints make a spot interruption cost minutes."""
    training, name = settings.training, name_of_job(settings)
    stopping = {"MaxRuntimeInSeconds": training.max_runtime_seconds}
    if training.use_spot:
        stopping["MaxWaitTimeInSeconds"] = training.max_wait_seconds
    return {
        "Type": "Task",
        "Resource": RESOURCE,
        "Arguments": {
            "TrainingJobName": jsonata(f"{name} & {ATTEMPT} & {RETRIED}"),
            "RoleArn": context.role_arn,
            "AlgorithmSpecification": {
                "TrainingImage": context.training_image,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": TRAINING_ENTRYPOINT,
                "MetricDefinitions": [
                    {"Name": name, "Regex": regex} for name, regex in METRIC_DEFINITIONS.items()
                ],
            },
            "HyperParameters": hyperparameters(context),
            "InputDataConfig": channels(context),
            "OutputDataConfig": {
                "S3OutputPath": f"s3://{context.model_bucket}/training",
                "KmsKeyId": context.key_arn,
            },
            "CheckpointConfig": {
                "S3Uri": jsonata(
                    f"'s3://{context.model_bucket}/checkpoints/' & {name} & '/' & $states.context.Execution.Name"
                ),
            },
            "ResourceConfig": hosts(training, context),
            "StoppingCondition": stopping,
            "EnableManagedSpotTraining": training.use_spot,
            "EnableNetworkIsolation": training.network_isolation,
            "EnableInterContainerTrafficEncryption": training.encrypt_between_hosts,
            **({"VpcConfig": context.vpc} if context.vpc else {}),
            "ProfilerConfig": {"DisableProfiler": True},
            "RetryStrategy": {"MaximumRetryAttempts": training.retry_attempts},
            "Tags": cost_tags(settings),
        },
        "Assign": {
            "training_job_name": jsonata("$states.result.TrainingJobName"),
            "training_job_arn": jsonata("$states.result.TrainingJobArn"),
            "artefact": jsonata("$states.result.ModelArtifacts.S3ModelArtifacts"),
        },
        "Output": {},
        # Without another type to go to, a quota that is used up is waited for.
        "Retry": retriers(RESOURCE, waits_for_quota=not training.fallback_instance_types),
        "Catch": catch("TrainingFailed"),
        "Next": then,
    }


def hyperparameters(context: JobContext) -> str:
    """The caller's hyperparameters, and over them those that say which code runs."""
    # SageMaker keeps the last part of the key as the file's name.
    submit = json.dumps(f"{CODE_DIRECTORY}/{context.code_key.rsplit('/', 1)[-1]}")
    fixed = {"sagemaker_program": json.dumps(ENTRY_POINT), "sagemaker_submit_directory": submit}
    members = ", ".join(f"'{name}': '{value}'" for name, value in fixed.items())
    # The kind is quoted because the toolkit reads every value as JSON.
    return jsonata(f"$merge([$hyperparameters, {{'kind': '\"' & $kind & '\"', {members}}}])")


def hosts(training: TrainingSettings, context: JobContext) -> Any:
    """ResourceConfig; with other instance types to try, the one that the present attempt is for."""
    choices = [
        {
            "InstanceType": instance,
            "InstanceCount": training.instance_count,
            **job_volume(instance, training.volume_gigabytes, context.key_arn),
            **(
                {"KeepAlivePeriodInSeconds": training.warm_pool_seconds} if training.warm_pool_seconds else {}
            ),
        }
        for instance in (training.instance_type, *training.fallback_instance_types)
    ]
    return jsonata(f"{json.dumps(choices)}[$attempt]") if len(choices) > 1 else choices[0]


def channels(context: JobContext) -> str:
    """InputDataConfig: the data, the code and, where the run starts from some, the weights; as an expression."""
    always = {
        "train": "$data & 'train/'",
        "validation": "$data & 'validation/'",
        "code": f"'s3://{context.code_bucket}/{context.code_key}'",
    }
    members = ", ".join(channel(name, uri) for name, uri in always.items())
    weights = channel("pretrained", f"'s3://{context.data_bucket}/{PRETRAINED_PREFIX}/'")
    return jsonata(f"$append([{members}], {IS_PRETRAINED} ? [{weights}] : [])")


def channel(name: str, uri: str) -> str:
    """A training channel of files, as an expression as `uri` is one; every host gets all of them."""
    fixed = "'S3DataType': 'S3Prefix', 'S3DataDistributionType': 'FullyReplicated'"
    source = f"{{'S3DataSource': {{'S3Uri': {uri}, {fixed}}}}}"
    return f"{{'ChannelName': '{name}', 'InputMode': 'File', 'DataSource': {source}}}"
