"""The states that hold a new model against the released one: both are measured on the same test split."""

from __future__ import annotations

from typing import Any

from definitions.names import event_source, version_parameter
from definitions.networks import KINDS
from stacks.settings import EnvironmentSettings
from stacks.shared.asl import choice, fail, jsonata, lookup, place_of, task
from stacks.shared.job_context import JobContext

# Each bound of the interval of (score of the new model - score of the champion).
PASSES = {
    "not worse": "$comparison.difference.interval_95[1] >= 0",
    "better": "$comparison.difference.interval_95[0] > 0",
}


def champion_states(settings: EnvironmentSettings, context: JobContext, *, then: str) -> dict[str, Any]:
    """The states that find `champion` (the released version, or empty) and `champion_artefact`."""
    parameter = lookup({kind: version_parameter(kind) for kind in KINDS})
    value = f"$states.result.Stacks[0].Parameters[ParameterKey = {parameter}].ParameterValue"
    nobody = {"champion": "", "champion_artefact": ""}
    return {
        "FindChampion": task(
            "cloudformation:describeStacks",
            {"StackName": context.inference_stack},
            {"champion": f"$exists({value}) ? {value} : ''", "champion_artefact": "''"},
            "HasChampion",
            "NoChampion",
        ),
        "HasChampion": choice(then, ("$champion != ''", "DescribeChampion")),
        "DescribeChampion": task(
            "sagemaker:describeModelPackage",
            {"ModelPackageName": jsonata(f"{lookup(context.version_arns)} & $champion")},
            {"champion_artefact": "$states.result.InferenceSpecification.Containers[0].ModelDataUrl"},
            "FindChampionArtefact",
            "NoChampion",
        ),
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
    entry = {
        "Source": event_source(settings.name),
        "DetailType": "Champion Not Compared",
        "Detail": jsonata(f"$string({{{members}}})"),
    }
    return {
        "FindChampionArtefact": task(
            "s3:headObject",
            {
                **place_of("$champion_artefact"),
            },
            {},
            then,
            "ChampionArtefact",
        ),
        "ChampionArtefact": choice(
            "JobFailed",
            (
                "$states.input.Error = 'S3.NoSuchKeyException' or "
                "$contains($states.input.Cause, /Not Found|404/)",
                "TellOfChampion",
            ),
        ),
        "TellOfChampion": task(
            "eventbridge:putEvents", {"Entries": [entry]}, {"champion_artefact": "''"}, then, "JobFailed"
        ),
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
    return fail(
        "BehindChampion",
        f"'The ' & $metric & ' of the ' & $kind & ' is ' & {number('$score')} & ' and that of version ' & "
        f"$champion & ', which is released, ' & {number('$comparison.score')} & ' on the same test samples; "
        f"the difference is ' & {number(f'{difference}.value')} & ', with 95 % confidence between ' & "
        f"{number(f'{difference}.interval_95[0]')} & ' and ' & {number(f'{difference}.interval_95[1]')} & "
        "'. Nothing was registered.'",
    )


def number(expression: str) -> str:
    """A number with four decimals, as an expression."""
    return f"$formatNumber({expression}, '0.0000')"
