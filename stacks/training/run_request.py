"""The states that make a run's variables of what started it: a person, a schedule, or a marker in the data bucket."""

from __future__ import annotations

from typing import Any

from definitions.networks import KINDS
from stacks.settings import EnvironmentSettings
from stacks.shared.asl import catch, jsonata, lookup
from stacks.shared.job_context import RUN_ID, Places

# S3 lists up to a thousand objects; half of them stay well below what a state may hold (256 KiB).
LISTED_OBJECTS = 500


# What a run may ask for as its gate; a run that says nothing has the settings' own.
GATE = "$states.input.minimum_accuracy"
GATE_IS_WELL = f"($exists({GATE}) ? $type({GATE}) = 'number' and {GATE} >= 0 and {GATE} <= 1 : true)"


def request_states(settings: EnvironmentSettings, places: Places, *, then: str) -> dict[str, Any]:
    """The states from `Start` to `then`.

    They find `kind`, `run_id`, `data`, `hyperparameters`, `minimum_accuracy` and `data_version`.
    """
    kinds = ", ".join(f"'{kind}'" for kind in KINDS)
    return {
        "Start": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata("$exists($states.input.marker_key)"), "Next": "ReadMarker"}],
            "Default": "CheckRequest",
        },
        "ReadMarker": read_marker(places),
        "CheckRequest": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": jsonata(
                        f"$states.input.kind in [{kinds}] and "
                        f"$contains($string($states.input.data_s3_uri), /^s3:\\/\\/{places.data_bucket}\\/.+/) "
                        f"and {GATE_IS_WELL}"
                    ),
                    "Next": "Request",
                }
            ],
            "Default": "BadRequest",
        },
        "BadRequest": {
            "Type": "Fail",
            "Error": "BadRequest",
            "Cause": f"A run wants a 'kind' ({kinds}) and a 'data_s3_uri' below s3://{places.data_bucket}/ with "
            "train/, validation/ and test/; a 'minimum_accuracy', where there is one, is a number from 0 to 1. "
            "Nothing was trained.",
        },
        "Request": {
            "Type": "Pass",
            "Assign": {
                "kind": jsonata("$states.input.kind"),
                "run_id": jsonata(RUN_ID),
                "data": jsonata("$replace($states.input.data_s3_uri, /\\/+$/, '') & '/'"),
                "hyperparameters": jsonata(
                    "$exists($states.input.hyperparameters) ? $states.input.hyperparameters : {}"
                ),
                "minimum_accuracy": jsonata(
                    f"$exists({GATE}) ? {GATE} : "
                    f"{lookup(settings.training.minimum_accuracy, '$states.input.kind')}"
                ),
                "attempt": 0,
            },
            "Output": {},
            "Next": "DescribeData",
        },
        "DescribeData": describe_data(places, then=then),
    }


def read_marker(places: Places) -> dict[str, Any]:
    """The marker's own JSON, which says at least the kind; its folder is the data set."""
    folder = f"'s3://{places.data_bucket}/' & $replace($states.input.marker_key, /[^\\/]+$/, '')"
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Arguments": {"Bucket": places.data_bucket, "Key": jsonata("$states.input.marker_key")},
        "Output": jsonata(f"$merge([$parse($states.result.Body), {{'data_s3_uri': {folder}}}])"),
        "Catch": catch(),
        "Next": "CheckRequest",
    }


def describe_data(places: Places, *, then: str) -> dict[str, Any]:
    """The data's version: a digest over the names and entity tags of its objects, as they are when the run starts."""
    tags = "$join($states.result.Contents.(Key & ' ' & ETag), ' ')"
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:listObjectsV2",
        "Arguments": {
            "Bucket": places.data_bucket,
            "Prefix": jsonata(f"$substringAfter($data, 's3://{places.data_bucket}/')"),
            "MaxKeys": LISTED_OBJECTS,
        },
        "Assign": {
            "data_version": jsonata(
                f"$exists($states.result.Contents) ? $hash({tags}, 'SHA-256') : 'no objects'"
            )
        },
        "Output": {},
        "Catch": catch(),
        "Next": then,
    }
