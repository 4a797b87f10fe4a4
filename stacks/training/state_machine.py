"""The training state machine in Amazon States Language: train, evaluate, gate, register."""

from __future__ import annotations

from typing import Any

from definitions.metrics import METRICS
from definitions.names import CPU, LITERT, endpoint_name
from definitions.networks import NETWORKS
from model_code.evaluation.files import BASELINE_FILE, EVALUATION_FILE, GATE_FILE
from model_code.inference import ANSWERED_TYPES
from stacks.settings import EnvironmentSettings
from stacks.shared.asl import SDK, catch, fail, jsonata, lookup, retriers, task
from stacks.shared.job_context import JobContext, name_of_job
from stacks.shared.processing_job import code_uri, folder_of_job, processing_input, processing_task
from stacks.training.champion_gate import behind_champion, champion_gate, champion_states, number
from stacks.training.group_gate import group_gate
from stacks.training.kept_files import FIRST_KEPT, keep_artefact, keep_evaluation_states, kept_key
from stacks.training.model_card import model_card
from stacks.training.plain_data import plain_data_states
from stacks.training.run_request import request_states
from stacks.training.training_job import first_training_state, training_states

REGISTER = f"{SDK}:sagemaker:createModelPackage"


def definition(settings: EnvironmentSettings, context: JobContext) -> dict[str, Any]:
    """The state machine.

    Its input: `kind`, `data_s3_uri` (with train/, validation/ and test/ below it, or plain data) and, optional,
    `run_id`, `hyperparameters` (a map of text to text), `minimum_accuracy` (the data set's gate) and
    `maximum_group_gap`; or `marker_key`, an object of the data bucket that holds them and lies beside the data. Its
    output: `model_package_arn`, `version`, `metrics`, `training_job_name`.
    """
    return {
        "Comment": "Trains a network, measures it on the test split, and registers it when it passes the gates.",
        "QueryLanguage": "JSONata",
        "StartAt": "Start",
        "States": {
            **request_states(settings, context, then="FindSplits"),
            **plain_data_states(settings, context, then=first_training_state(settings)),
            **training_states(settings, context, then="KeepArtefact"),
            "KeepArtefact": keep_artefact(context, then="FindChampion"),
            **champion_states(settings, context, then="Evaluate"),
            "Evaluate": evaluate(settings, context),
            **keep_evaluation_states(context, then="ReadEvaluation"),
            "ReadEvaluation": read_evaluation(context),
            "Gate": gate(),
            "BelowGate": below_gate(),
            **group_gate(then="ChampionGate"),
            "ChampionGate": champion_gate(settings, then="Register"),
            "BehindChampion": behind_champion(),
            "Register": register(settings, context),
        },
    }


# Both measurements in one job: starting a host takes longer than the second one.
EVALUATION_STEPS = [
    "python3 -m model_code.evaluation.evaluate --model model --test test --output output",
    "[ ! -d champion ] || python3 -m model_code.evaluation.comparison --model model --champion champion --test test "
    "--evaluation output/evaluation.json",
]


def evaluate(settings: EnvironmentSettings, context: JobContext) -> dict[str, Any]:
    """The evaluation: a processing job that loads the very artefact that will be served, and the champion's."""
    return {
        **processing_task(
            settings,
            context,
            name=name_of_job(settings),
            instance_type=settings.training.evaluation_instance_type,
            steps=EVALUATION_STEPS,
            inputs=evaluation_inputs(context),
            output=folder_of_job("evaluations", name_of_job(settings)),
        ),
        "Next": FIRST_KEPT,
    }


def evaluation_inputs(context: JobContext) -> str:
    """Code, model and test split; and the champion's model where there is one; as an expression."""
    always = ", ".join(
        processing_input(name, uri)
        for name, uri in {"code": code_uri(context), "model": "$artefact", "test": "$data & 'test/'"}.items()
    )
    champion = processing_input("champion", "$champion_artefact")
    return f"$append([{always}], $champion_artefact = '' ? [] : [{champion}])"


def read_evaluation(context: JobContext) -> dict[str, Any]:
    """Reads the evaluation's figures into the machine."""
    report = "$parse($states.result.Body)"
    return task(
        "s3:getObject",
        {"Bucket": context.model_bucket, "Key": jsonata(kept_key(GATE_FILE))},
        {
            "metrics": f"{report}.gate",
            "metric": f"{lookup(METRICS, f'{report}.metric')}",
            "score": f"{report}.score",
            # Null where the data has groups and all are small.
            "group_gap": f"$type({report}.group_gap) = 'number' ? {report}.group_gap : -1",
            "artefact_sha256": f"{report}.artefact_sha256",
            "comparison": f"($report := {report}; "
            "$exists($report.champion) ? $report.champion : {'comparable': false})",
        },
        "Gate",
        "JobFailed",
    )


def gate() -> dict[str, Any]:
    """Only a model whose score, by the metric that it is judged by, reaches the run's threshold goes on."""
    return {
        "Type": "Choice",
        "Choices": [{"Condition": jsonata("$score >= $minimum_accuracy"), "Next": "GroupGate"}],
        "Default": "BelowGate",
    }


def below_gate() -> dict[str, Any]:
    """Says which metric fell short and by how much; the endpoint keeps its model."""
    return fail(
        "BelowGate",
        f"'The ' & $metric & ' of the ' & $kind & ' is ' & {number('$score')} & ', which is ' & "
        f"{number('$minimum_accuracy - $score')} & ' below the gate of ' & {number('$minimum_accuracy')} & "
        "'. Nothing was registered.'",
    )


def register(settings: EnvironmentSettings, context: JobContext) -> dict[str, Any]:
    """The next version in the kind's model package group, with its figures and where it comes from."""
    group = lookup({kind: endpoint_name(settings.name, kind) for kind in NETWORKS})
    types = lookup({kind: network.content_types for kind, network in NETWORKS.items()})
    return {
        "Type": "Task",
        "Resource": REGISTER,
        "Arguments": {
            "ModelPackageGroupName": jsonata(group),
            "ModelPackageDescription": jsonata("'Trained by the job ' & $training_job_name"),
            "ModelApprovalStatus": settings.training.approval,
            "InferenceSpecification": {
                "Containers": [container(context.inference_image)],
                "SupportedContentTypes": jsonata(types),
                "SupportedResponseMIMETypes": list(ANSWERED_TYPES),
            },
            "AdditionalInferenceSpecifications": further_specifications(context),
            "ModelMetrics": {"ModelQuality": {"Statistics": statistics(context, EVALUATION_FILE)}},
            # What the drift job holds later inputs against.
            "DriftCheckBaselines": {"ModelDataQuality": {"Statistics": statistics(context, BASELINE_FILE)}},
            "ModelCard": model_card(context),
            "MetadataProperties": {
                "CommitId": context.code_key,
                "GeneratedBy": jsonata("$training_job_arn"),
            },
            "CustomerMetadataProperties": lineage(context),
        },
        "Output": {
            "model_package_arn": jsonata("$states.result.ModelPackageArn"),
            "version": jsonata("$split($states.result.ModelPackageArn, '/')[-1]"),
            "metrics": jsonata("$metrics"),
            "training_job_name": jsonata("$training_job_name"),
        },
        "Retry": retriers(REGISTER),
        "Catch": catch(),
        "End": True,
    }


def container(image: str) -> dict[str, str]:
    """An image with the run's artefact, as it was before it was measured."""
    return {
        "Image": image,
        "ModelDataUrl": jsonata("$artefact"),
        "ModelDataETag": jsonata("$artefact_etag"),
    }


def statistics(context: JobContext, file: str) -> dict[str, str]:
    """One of the files that the evaluation left, where no job may write."""
    uri = jsonata(f"'s3://{context.model_bucket}/' & {kept_key(file)}")
    return {"ContentType": "application/json", "S3Uri": uri}


def further_specifications(context: JobContext) -> list[dict[str, Any]]:
    """The same artefact behind other containers, each by a name under which a model can choose it."""
    images = {CPU: context.cpu_inference_image, LITERT: context.litert_image}
    return [{"Name": name, "Containers": [container(image)]} for name, image in images.items() if image]


def lineage(context: JobContext) -> str:
    """Where a version comes from, within what the registry takes: 50 properties of 256 characters of a small set."""
    fixed = {
        "run_id": "$run_id",
        "artefact_sha256": "$artefact_sha256",
        "training_job": "$training_job_name",
        "data_source": "$source",
        "training_data": "$data",
        "data_version": "$data_version",
        "source_archive": f"'{context.code_key}'",
        "training_image": f"'{context.training_image}'",
        "metric": "$metric",
        "minimum_accuracy": "$string($minimum_accuracy)",
        "maximum_group_gap": "$string($maximum_group_gap)",
        "champion": "$champion = '' ? 'none' : 'version ' & $champion & "
        "($champion_artefact = '' ? ' without its artefact' : '')",
    }
    members = ", ".join(f"'{name}': {value}" for name, value in fixed.items())
    # What the registry's pattern does not take, such as quotation marks, is left out of a value.
    clean = (
        "($c := $replace($string($v), /[^A-Za-z0-9 _.:\\/=+@-]/, ''); $c = '' ? '-' : $substring($c, 0, 256))"
    )
    named = f"$each($hyperparameters, function($v, $k) {{{{'hyperparameter.' & $k: {clean}}}}})"
    return jsonata(f"$merge($append([{{{members}}}], {named}))")
