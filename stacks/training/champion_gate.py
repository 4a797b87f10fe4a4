"""The states that hold a new model against the released one: both are measured on the same test split."""

from __future__ import annotations

from typing import Any

from definitions.names import event_source, version_parameter
from definitions.networks import KINDS
from stacks.settings import EnvironmentSettings
from stacks.shared.asl import RETRY, catch, jsonata
from stacks.shared.job_context import Places

# Each bound of the interval of (accuracy of the new model - accuracy of the champion).
PASSES = {
    "not worse": "$comparison.difference.interval_95[1] >= 0",
    "better": "$comparison.difference.interval_95[0] > 0",
}


def champion_states(settings: EnvironmentSettings, places: Places, *, then: str) -> dict[str, Any]:
    """The states that find `champion` (the released version, or empty) and `champion_artefact`."""
    parameters = ", ".join(f"'{kind}': '{version_parameter(kind)}'" for kind in KINDS)
    value = (
        f"$states.result.Stacks[0].Parameters[ParameterKey = $lookup({{{parameters}}}, $kind)].ParameterValue"
    )
    versions = ", ".join(f"'{kind}': '{arn}'" for kind, arn in places.version_arns.items())
    nobody = {"champion": "", "champion_artefact": ""}
    return {
        "FindChampion": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:cloudformation:describeStacks",
            "Arguments": {"StackName": places.inference_stack},
            "Assign": {
                "champion": jsonata(f"$exists({value}) ? {value} : ''"),
                "champion_artefact": "",
            },
            "Output": {},
            "Catch": catch("NoChampion"),
            "Next": "HasChampion",
        },
        "HasChampion": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata("$champion != ''"), "Next": "DescribeChampion"}],
            "Default": then,
        },
        "DescribeChampion": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sagemaker:describeModelPackage",
            "Arguments": {
                "ModelPackageName": jsonata(f"$lookup({{{versions}}}, $kind) & $champion"),
            },
            "Assign": {
                "champion_artefact": jsonata(
                    "$states.result.InferenceSpecification.Containers[0].ModelDataUrl"
                ),
            },
            "Output": {},
            "Catch": catch("NoChampion"),
            "Next": "FindChampionArtefact",
        },
        **artefact_states(settings, then=then),
        # Neither a stack that is not deployed yet nor a version that was deleted can be compared with.
        "NoChampion": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": jsonata("$contains($states.input.Cause, /does not exist/)"),
                    "Assign": nobody,
                    "Next": then,
                }
            ],
            "Default": "JobFailed",
        },
    }


def artefact_states(settings: EnvironmentSettings, *, then: str) -> dict[str, Any]:
    """The states that look whether the champion's artefact is still there; one that is gone holds nothing back."""
    detail = {
        "kind": "$kind",
        "version": "$champion",
        "artefact": "$champion_artefact",
        "message": "'Version ' & $champion & ' of the ' & $kind & ' is released, but its artefact ' & "
        "$champion_artefact & ' is gone: the new model is held against the thresholds alone.'",
    }
    members = ", ".join(f"'{name}': {expression}" for name, expression in detail.items())
    return {
        "FindChampionArtefact": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:s3:headObject",
            "Arguments": {
                "Bucket": jsonata("$split($champion_artefact, '/')[2]"),
                "Key": jsonata("$substringAfter($substringAfter($champion_artefact, 's3://'), '/')"),
            },
            "Output": {},
            "Catch": catch("ChampionArtefact"),
            "Next": then,
        },
        "ChampionArtefact": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": jsonata(
                        "$states.input.Error = 'S3.NoSuchKeyException' or "
                        "$contains($states.input.Cause, /Not Found|404/)"
                    ),
                    "Next": "TellOfChampion",
                }
            ],
            "Default": "JobFailed",
        },
        "TellOfChampion": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:eventbridge:putEvents",
            "Arguments": {
                "Entries": [
                    {
                        "Source": event_source(settings.name),
                        "DetailType": "Champion Not Compared",
                        "Detail": jsonata(f"$string({{{members}}})"),
                    }
                ]
            },
            "Assign": {"champion_artefact": ""},
            "Output": {},
            "Retry": RETRY,
            "Catch": catch(),
            "Next": then,
        },
    }


def champion_gate(settings: EnvironmentSettings, *, then: str) -> dict[str, Any]:
    """Where there is a champion of the same classes, a new model has to stand beside it."""
    passes = PASSES[settings.training.champion_rule]
    return {
        "Type": "Choice",
        "Choices": [
            {"Condition": jsonata(f"$comparison.comparable ? {passes} : true"), "Next": then},
        ],
        "Default": "BehindChampion",
    }


def behind_champion() -> dict[str, Any]:
    """Says by how much the new model stays behind; the endpoint keeps its model."""
    difference = "$comparison.difference"
    return {
        "Type": "Fail",
        "Error": "BehindChampion",
        "Cause": jsonata(
            f"'The accuracy of the ' & $kind & ' is ' & {number('$metrics.accuracy')} & ' and that of version ' & "
            f"$champion & ', which is released, ' & {number('$comparison.accuracy')} & ' on the same test samples; "
            f"the difference is ' & {number(f'{difference}.value')} & ', with 95 % confidence between ' & "
            f"{number(f'{difference}.interval_95[0]')} & ' and ' & {number(f'{difference}.interval_95[1]')} & "
            "'. Nothing was registered.'"
        ),
    }


def number(expression: str) -> str:
    """A number with four decimals, as an expression."""
    return f"$formatNumber({expression}, '0.0000')"
