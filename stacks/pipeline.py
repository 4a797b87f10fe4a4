"""The training state machine in Amazon States Language: train, evaluate, gate, register."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from model_code.metrics import METRIC_DEFINITIONS
from model_code.source import ENTRY_POINT
from stacks.instances import has_local_storage
from stacks.names import endpoint_name
from stacks.settings import EnvironmentSettings

CODE_DIRECTORY = "/opt/ml/input/data/code"
PROCESSING = "/opt/ml/processing"
CONTENT_TYPES = {
    "cnn": ["image/png", "image/jpeg", "application/x-image", "application/json"],
    "rnn": ["text/plain", "application/json", "application/jsonlines"],
}
JOB_NAME = "$states.input.kind & '-' & $states.input.run_id"
# SageMaker's own trouble and its throttling; a job that failed by itself would fail again.
RETRY = [
    {
        "ErrorEquals": [
            "SageMaker.AmazonSageMakerException",
            "SageMaker.ResourceLimitExceeded",
            "SageMaker.Throttling",
        ],
        "IntervalSeconds": 30,
        "BackoffRate": 2,
        "MaxAttempts": 5,
        "JitterStrategy": "FULL",
    }
]
FAILURE_REASON = (
    "{% $contains($states.input.Cause, 'FailureReason') "
    "? $parse($states.input.Cause).FailureReason : $states.input.Cause %}"
)


@dataclass(frozen=True)
class Places:
    """What the machine refers to in other stacks and in its own.

    Attributes:
        model_bucket: name of the bucket for checkpoints, models and evaluations.
        key_arn: the key that encrypts them.
        role_arn: under which the jobs run.
        code_bucket: bucket of the source archive.
        code_key: its key.
        training_image: container of both jobs.
        inference_image: container that will serve the model.
    """

    model_bucket: str
    key_arn: str
    role_arn: str
    code_bucket: str
    code_key: str
    training_image: str
    inference_image: str


def jsonata(expression: str) -> str:
    """An expression as the states language marks it."""
    return f"{{% {expression} %}}"


def definition(settings: EnvironmentSettings, places: Places) -> dict[str, Any]:
    """The state machine.

    Its input: `kind`, `run_id`, `train_s3_uri`, `validation_s3_uri`, `test_s3_uri` and `hyperparameters` (a map of
    text to text). Its output: `model_package_arn`, `version`, `metrics`, `training_job_name`.
    """
    return {
        "Comment": "Trains a network, measures it on the test split, and registers it when it passes the gate.",
        "QueryLanguage": "JSONata",
        "StartAt": "Train",
        "States": {
            "Train": train(settings, places),
            "Evaluate": evaluate(settings, places),
            "ReadEvaluation": read_evaluation(places),
            "Gate": gate(settings),
            "Register": register(settings, places),
            "BelowGate": below_gate(settings),
            "JobFailed": {"Type": "Fail", "Error": "JobFailed", "Cause": FAILURE_REASON},
        },
    }


def catch() -> list[dict[str, Any]]:
    """Any failure goes to the state that says its reason."""
    return [{"ErrorEquals": ["States.ALL"], "Next": "JobFailed", "Output": jsonata("$states.errorOutput")}]


def channel(name: str, uri: str) -> dict[str, Any]:
    """A training channel of files."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "InputMode": "File", "DataSource": {"S3DataSource": source}}


def train(settings: EnvironmentSettings, places: Places) -> dict[str, Any]:
    """The training job. Checkpoints make a spot interruption cost minutes; there is no network inside."""
    training = settings.training
    # SageMaker keeps the last part of the key as the file's name.
    submit = json.dumps(f"{CODE_DIRECTORY}/{places.code_key.rsplit('/', 1)[-1]}")
    fixed = {
        "sagemaker_program": json.dumps(ENTRY_POINT),
        "sagemaker_submit_directory": submit,
    }
    fixed_members = ", ".join(f"'{name}': '{value}'" for name, value in fixed.items())
    resources: dict[str, Any] = {
        "InstanceType": training.instance_type,
        "InstanceCount": 1,
        "VolumeSizeInGB": training.volume_gigabytes,
    }
    if not has_local_storage(training.instance_type):
        resources["VolumeKmsKeyId"] = places.key_arn
    stopping = {"MaxRuntimeInSeconds": training.max_runtime_seconds}
    if training.use_spot:
        stopping["MaxWaitTimeInSeconds"] = training.max_wait_seconds
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
        "Arguments": {
            "TrainingJobName": jsonata(JOB_NAME),
            "RoleArn": places.role_arn,
            "AlgorithmSpecification": {
                "TrainingImage": places.training_image,
                "TrainingInputMode": "File",
                "MetricDefinitions": [
                    {"Name": name, "Regex": regex} for name, regex in METRIC_DEFINITIONS.items()
                ],
            },
            # The kind is quoted because the toolkit reads every value as JSON.
            "HyperParameters": jsonata(
                "$merge([$states.input.hyperparameters, "
                f"{{'kind': '\"' & $states.input.kind & '\"', {fixed_members}}}])"
            ),
            "InputDataConfig": [
                channel("train", jsonata("$states.input.train_s3_uri")),
                channel("validation", jsonata("$states.input.validation_s3_uri")),
                channel("code", f"s3://{places.code_bucket}/{places.code_key}"),
            ],
            "OutputDataConfig": {
                "S3OutputPath": f"s3://{places.model_bucket}/training",
                "KmsKeyId": places.key_arn,
            },
            "CheckpointConfig": {
                "S3Uri": jsonata(f"'s3://{places.model_bucket}/checkpoints/' & {JOB_NAME}"),
            },
            "ResourceConfig": resources,
            "StoppingCondition": stopping,
            "EnableManagedSpotTraining": training.use_spot,
            "EnableNetworkIsolation": True,
            "EnableInterContainerTrafficEncryption": True,
            "ProfilerConfig": {"DisableProfiler": True},
            "RetryStrategy": {"MaximumRetryAttempts": 3},
        },
        "Assign": {
            "kind": jsonata("$states.input.kind"),
            "run_id": jsonata("$states.input.run_id"),
            "data": jsonata("$states.input.train_s3_uri"),
            "training_job_name": jsonata("$states.result.TrainingJobName"),
            "artefact": jsonata("$states.result.ModelArtifacts.S3ModelArtifacts"),
        },
        "Output": jsonata("$states.input"),
        "Retry": RETRY,
        "Catch": catch(),
        "Next": "Evaluate",
    }


def evaluate(settings: EnvironmentSettings, places: Places) -> dict[str, Any]:
    """The evaluation: a processing job that loads the very artefact that will be served."""
    script = (
        'set -e; code=$(mktemp -d); tar -xzf "$0"/* -C "$code"; cd "$code"; '
        'exec python3 -m model_code.evaluate "$@"'
    )
    resources: dict[str, Any] = {
        "InstanceType": settings.training.evaluation_instance_type,
        "InstanceCount": 1,
        "VolumeSizeInGB": settings.training.volume_gigabytes,
    }
    if not has_local_storage(settings.training.evaluation_instance_type):
        resources["VolumeKmsKeyId"] = places.key_arn
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
        "Arguments": {
            "ProcessingJobName": jsonata(f"{JOB_NAME} & '-evaluation'"),
            "RoleArn": places.role_arn,
            "AppSpecification": {
                "ImageUri": places.training_image,
                "ContainerEntrypoint": ["sh", "-c", script, f"{PROCESSING}/code"],
                "ContainerArguments": [
                    *("--model", f"{PROCESSING}/model"),
                    *("--test", f"{PROCESSING}/test"),
                    *("--output", f"{PROCESSING}/output"),
                ],
            },
            "ProcessingInputs": [
                processing_input("code", f"s3://{places.code_bucket}/{places.code_key}"),
                processing_input("model", jsonata("$artefact")),
                processing_input("test", jsonata("$states.input.test_s3_uri")),
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": "evaluation",
                        "S3Output": {
                            "S3Uri": jsonata(f"'s3://{places.model_bucket}/evaluations/' & {JOB_NAME}"),
                            "LocalPath": f"{PROCESSING}/output",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ],
                "KmsKeyId": places.key_arn,
            },
            "ProcessingResources": {"ClusterConfig": resources},
            "NetworkConfig": {"EnableNetworkIsolation": True, "EnableInterContainerTrafficEncryption": True},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        },
        "Assign": {"evaluation_key": jsonata(f"'evaluations/' & {JOB_NAME} & '/evaluation.json'")},
        "Output": {},
        "Retry": RETRY,
        "Catch": catch(),
        "Next": "ReadEvaluation",
    }


def processing_input(name: str, uri: str) -> dict[str, Any]:
    """A processing input of files."""
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"{PROCESSING}/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
        },
    }


def read_evaluation(places: Places) -> dict[str, Any]:
    """Reads the evaluation's figures into the machine."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Arguments": {"Bucket": places.model_bucket, "Key": jsonata("$evaluation_key")},
        "Assign": {"metrics": jsonata("$parse($states.result.Body).gate")},
        "Output": {},
        "Catch": catch(),
        "Next": "Gate",
    }


def minimum_of_kind(settings: EnvironmentSettings) -> str:
    """The gate's threshold for the run's kind, as an expression."""
    members = ", ".join(
        f"'{kind}': {value}" for kind, value in sorted(settings.training.minimum_accuracy.items())
    )
    return f"$lookup({{{members}}}, $kind)"


def gate(settings: EnvironmentSettings) -> dict[str, Any]:
    """Only a model that reaches the threshold is registered."""
    condition = jsonata(f"$metrics.accuracy >= {minimum_of_kind(settings)}")
    return {
        "Type": "Choice",
        "Choices": [{"Condition": condition, "Next": "Register"}],
        "Default": "BelowGate",
    }


def below_gate(settings: EnvironmentSettings) -> dict[str, Any]:
    """Says which metric fell short and by how much; the endpoint keeps its model."""
    minimum = minimum_of_kind(settings)
    return {
        "Type": "Fail",
        "Error": "BelowGate",
        "Cause": jsonata(
            "'The accuracy of the ' & $kind & ' is ' & $formatNumber($metrics.accuracy, '0.0000') & ', which is ' & "
            f"$formatNumber({minimum} - $metrics.accuracy, '0.0000') & ' below the gate of ' & "
            f"$formatNumber({minimum}, '0.0000') & '. Nothing was registered.'"
        ),
    }


def register(settings: EnvironmentSettings, places: Places) -> dict[str, Any]:
    """The next version in the kind's model package group, with its figures and where it comes from."""
    groups = ", ".join(f"'{kind}': '{endpoint_name(settings.name, kind)}'" for kind in CONTENT_TYPES)
    types = ", ".join(f"'{kind}': {json.dumps(names)}" for kind, names in CONTENT_TYPES.items())
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sagemaker:createModelPackage",
        "Arguments": {
            "ModelPackageGroupName": jsonata(f"$lookup({{{groups}}}, $kind)"),
            "ModelPackageDescription": jsonata("'Trained by the job ' & $training_job_name"),
            "ModelApprovalStatus": settings.training.approval,
            "InferenceSpecification": {
                "Containers": [{"Image": places.inference_image, "ModelDataUrl": jsonata("$artefact")}],
                "SupportedContentTypes": jsonata(f"$lookup({{{types}}}, $kind)"),
                "SupportedResponseMIMETypes": ["application/json"],
            },
            "ModelMetrics": {
                "ModelQuality": {
                    "Statistics": {
                        "ContentType": "application/json",
                        "S3Uri": jsonata(f"'s3://{places.model_bucket}/' & $evaluation_key"),
                    }
                }
            },
            "CustomerMetadataProperties": {
                "run_id": jsonata("$run_id"),
                "training_job": jsonata("$training_job_name"),
                "training_data": jsonata("$data"),
                "source_archive": places.code_key,
            },
        },
        "Output": {
            "model_package_arn": jsonata("$states.result.ModelPackageArn"),
            "version": jsonata("$split($states.result.ModelPackageArn, '/')[-1]"),
            "metrics": jsonata("$metrics"),
            "training_job_name": jsonata("$training_job_name"),
        },
        "Retry": RETRY,
        "Catch": catch(),
        "End": True,
    }
