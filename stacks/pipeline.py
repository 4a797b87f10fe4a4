"""The training state machine in Amazon States Language: train, evaluate, gate, register."""

from __future__ import annotations

import json
from typing import Any

from model_code.inference import ANSWERED_TYPES, TAKEN_TYPES_OF_KIND
from stacks.champion import behind_champion, champion_gate, champion_states
from stacks.instances import has_local_storage
from stacks.names import endpoint_name
from stacks.places import Places
from stacks.requests import request_states
from stacks.settings import EnvironmentSettings
from stacks.states import RETRY, catch, jsonata
from stacks.training_job import JOB_NAME, cost_tags, training_states

PROCESSING = "/opt/ml/processing"


def definition(settings: EnvironmentSettings, places: Places) -> dict[str, Any]:
    """The state machine.

    Its input: `kind`, `data_s3_uri` (with train/, validation/ and test/ below it) and, optional, `run_id` and
    `hyperparameters` (a map of text to text); or `marker_key`, an object of the data bucket that holds them and lies
    beside the splits. Its output: `model_package_arn`, `version`, `metrics`, `training_job_name`.
    """
    return {
        "Comment": "Trains a network, measures it on the test split, and registers it when it passes the gates.",
        "QueryLanguage": "JSONata",
        "StartAt": "Start",
        "States": {
            **request_states(places, then="Train"),
            **training_states(settings, places, then="FindChampion"),
            **champion_states(places, then="Evaluate"),
            "Evaluate": evaluate(settings, places),
            "ReadEvaluation": read_evaluation(places),
            "Gate": gate(settings),
            "BelowGate": below_gate(settings),
            "ChampionGate": champion_gate(settings, then="Register"),
            "BehindChampion": behind_champion(),
            "Register": register(settings, places),
        },
    }


# Both measurements in one job: starting a host takes longer than the second one.
EVALUATION_SCRIPT = (
    'set -e; code=$(mktemp -d); tar -xzf "$0"/code/* -C "$code"; cd "$code"; '
    'python3 -m model_code.evaluate --model "$0/model" --test "$0/test" --output "$0/output"; '
    'if [ -d "$0/champion" ]; then exec python3 -m model_code.comparison --model "$0/model" '
    '--champion "$0/champion" --test "$0/test" --evaluation "$0/output/evaluation.json"; fi'
)


def evaluate(settings: EnvironmentSettings, places: Places) -> dict[str, Any]:
    """The evaluation: a processing job that loads the very artefact that will be served, and the champion's."""
    instance = settings.training.evaluation_instance_type
    resources: dict[str, Any] = {
        "InstanceType": instance,
        "InstanceCount": 1,
        "VolumeSizeInGB": settings.training.volume_gigabytes,
    }
    if not has_local_storage(instance):
        resources["VolumeKmsKeyId"] = places.key_arn
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
        "Arguments": {
            "ProcessingJobName": jsonata(f"{JOB_NAME} & '-evaluation'"),
            "RoleArn": places.role_arn,
            "AppSpecification": {
                "ImageUri": places.training_image,
                "ContainerEntrypoint": ["sh", "-c", EVALUATION_SCRIPT, PROCESSING],
            },
            "ProcessingInputs": processing_inputs(places),
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
            "NetworkConfig": {
                "EnableNetworkIsolation": settings.training.network_isolation,
                "EnableInterContainerTrafficEncryption": settings.training.encrypt_between_hosts,
                **({"VpcConfig": places.vpc} if places.vpc else {}),
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
            "Tags": cost_tags(settings),
        },
        "Assign": {"evaluation_key": jsonata(f"'evaluations/' & {JOB_NAME} & '/evaluation.json'")},
        "Output": {},
        "Retry": RETRY,
        "Catch": catch(),
        "Next": "ReadEvaluation",
    }


def processing_inputs(places: Places) -> str:
    """Code, model and test split; and the champion's model where there is one."""
    always = ", ".join(
        processing_input(name, uri)
        for name, uri in {
            "code": f"'s3://{places.code_bucket}/{places.code_key}'",
            "model": "$artefact",
            "test": "$data & 'test/'",
        }.items()
    )
    champion = processing_input("champion", "$champion_artefact")
    return jsonata(f"$append([{always}], $champion_artefact = '' ? [] : [{champion}])")


def processing_input(name: str, uri: str) -> str:
    """A processing input of files, as an expression; `uri` is one too."""
    fixed = {"S3DataType": "S3Prefix", "S3InputMode": "File", "S3DataDistributionType": "FullyReplicated"}
    members = ", ".join(f"'{key}': '{value}'" for key, value in fixed.items())
    source = f"{{'S3Uri': {uri}, 'LocalPath': '{PROCESSING}/{name}', {members}}}"
    return f"{{'InputName': '{name}', 'S3Input': {source}}}"


def read_evaluation(places: Places) -> dict[str, Any]:
    """Reads the evaluation's figures into the machine."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Arguments": {"Bucket": places.model_bucket, "Key": jsonata("$evaluation_key")},
        "Assign": {
            "metrics": jsonata("$parse($states.result.Body).gate"),
            "comparison": jsonata(
                "($report := $parse($states.result.Body); "
                "$exists($report.champion) ? $report.champion : {'comparable': false})"
            ),
        },
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
    """Only a model that reaches the threshold goes on."""
    condition = jsonata(f"$metrics.accuracy >= {minimum_of_kind(settings)}")
    return {
        "Type": "Choice",
        "Choices": [{"Condition": condition, "Next": "ChampionGate"}],
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
    groups = ", ".join(f"'{kind}': '{endpoint_name(settings.name, kind)}'" for kind in TAKEN_TYPES_OF_KIND)
    types = ", ".join(f"'{kind}': {json.dumps(names)}" for kind, names in TAKEN_TYPES_OF_KIND.items())
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
                "SupportedResponseMIMETypes": list(ANSWERED_TYPES),
            },
            "ModelMetrics": {
                "ModelQuality": {
                    "Statistics": {
                        "ContentType": "application/json",
                        "S3Uri": jsonata(f"'s3://{places.model_bucket}/' & $evaluation_key"),
                    }
                }
            },
            "MetadataProperties": {
                "CommitId": places.code_key,
                "GeneratedBy": jsonata("$training_job_arn"),
            },
            "CustomerMetadataProperties": lineage(places),
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


def lineage(places: Places) -> str:
    """Where a version comes from, within what the registry takes: 50 properties of 256 characters of a small set."""
    fixed = {
        "run_id": "$run_id",
        "training_job": "$training_job_name",
        "training_data": "$data",
        "data_version": "$data_version",
        "source_archive": f"'{places.code_key}'",
        "training_image": f"'{places.training_image}'",
        "champion": "$champion = '' ? 'none' : 'version ' & $champion",
    }
    members = ", ".join(f"'{name}': {value}" for name, value in fixed.items())
    # What the registry's pattern does not take, such as quotation marks, is left out of a value.
    clean = (
        "($c := $replace($string($v), /[^A-Za-z0-9 _.:\\/=+@-]/, ''); $c = '' ? '-' : $substring($c, 0, 256))"
    )
    named = f"$each($hyperparameters, function($v, $k) {{{{'hyperparameter.' & $k: {clean}}}}})"
    return jsonata(f"$merge($append([{{{members}}}], {named}))")
