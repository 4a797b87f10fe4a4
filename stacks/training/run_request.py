"""The states that make a run's variables of what started it: a person, a schedule, or a marker in the data bucket."""

from __future__ import annotations

from typing import Any

from definitions.names import (
    HYPERPARAMETER_NAME,
    HYPERPARAMETER_VALUE,
    LISTED_OBJECTS,
    RUN_ID_CHARACTERS,
)
from definitions.networks import KINDS
from stacks.settings import EnvironmentSettings
from stacks.settings.base import OF_CUSTOMERS
from stacks.shared.asl import catch, fail, fits, jsonata, lookup, task
from stacks.shared.job_context import EXECUTION_ID, JobContext

# What a run may ask for as its gate; a run that says nothing has the settings' own.
GATE = "$states.input.minimum_accuracy"
GATE_IS_WELL = f"($exists({GATE}) ? $type({GATE}) = 'number' and {GATE} >= 0 and {GATE} <= 1 : true)"
# By how much the worst group of samples may stay behind all of them; a run that says nothing is not asked.
GAP = "$states.input.maximum_group_gap"
GAP_IS_WELL = GATE_IS_WELL.replace(GATE, GAP)
ANY_GAP = 1
# A channel's place may have 1,024 (SageMaker's API reference, S3DataSource), with a split's folder at its end.
URI_CHARACTERS = 1000
# An id names jobs and S3 folders.
RUN_ID_PATTERN = "^[a-zA-Z0-9](-?[a-zA-Z0-9])*$"
# Where what customers sent lies, which no job may read: refused here, no host is paid for it.
CUSTOMERS_PATTERN = f"/^\\/*({'|'.join(prefix.rstrip('/') for prefix in OF_CUSTOMERS)})\\//"
# The toolkit's own names, which say what runs.
TOOLKIT_PATTERN = "/^sagemaker_/"


MARKER = "$states.input.marker_key"
ID = "$states.input.run_id"
ID_IS_WELL = (
    f"($exists({ID}) ? $type({ID}) = 'string' and {fits(ID, RUN_ID_PATTERN)} "
    f"and $length({ID}) <= {RUN_ID_CHARACTERS} : true)"
)
CHOSEN = "$states.input.hyperparameters"
IS_WRONG = (
    f"$type($v) != 'string' ? true : $not({fits('$v', HYPERPARAMETER_VALUE)} and {fits('$k', HYPERPARAMETER_NAME)}) "
    f"or $contains($k, {TOOLKIT_PATTERN})"
)
WRONG = f"$each({CHOSEN}, function($v, $k) {{ ({IS_WRONG}) ? $k }})"
CHOSEN_ARE_WELL = f"($exists({CHOSEN}) ? $type({CHOSEN}) = 'object' and $count({WRONG}) = 0 : true)"


def request_states(settings: EnvironmentSettings, context: JobContext, *, then: str) -> dict[str, Any]:
    """The states from `Start` to `then`.

    They find `kind`, `run_id`, `data`, `source`, `hyperparameters`, `minimum_accuracy`, `maximum_group_gap` and
    `data_version`; `source` is what `data` was at first.
    """
    kinds = ", ".join(f"'{kind}'" for kind in KINDS)
    return {
        "Start": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": jsonata(f"$type({MARKER}) = 'string' and {MARKER} != ''"),
                    "Next": "ReadMarker",
                },
                {"Condition": jsonata(f"$exists({MARKER})"), "Next": "BadMarker"},
            ],
            "Default": "CheckRequest",
        },
        "ReadMarker": read_marker(context),
        "BadMarker": fail(
            "BadRequest",
            f"\"A 'marker_key' names an object of the data bucket that holds a run's input as JSON, an object with a "
            f"'kind' ({kinds}). This one does not. Nothing was trained.\"",
        ),
        "CheckRequest": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": jsonata(
                        f"$states.input.kind in [{kinds}] and "
                        f"{may_be_read(context, '$states.input.data_s3_uri')} "
                        f"and {GATE_IS_WELL} and {GAP_IS_WELL} and {ID_IS_WELL} and {CHOSEN_ARE_WELL}"
                    ),
                    "Next": "Request",
                }
            ],
            "Default": "BadRequest",
        },
        "BadRequest": fail(
            "BadRequest",
            f"\"A run wants a 'kind' ({kinds}) and a 'data_s3_uri' below s3://{context.data_bucket}/ with "
            f"train/, validation/ and test/, or plain data, and not below {' or '.join(OF_CUSTOMERS)}, "
            f"in {URI_CHARACTERS:,} characters at most; "
            "a 'minimum_accuracy' or a 'maximum_group_gap', where there is one, is a number from 0 to 1. "
            "A 'run_id', where there is one, has up to 36 letters, digits and single hyphens between them; "
            "'hyperparameters' are texts of letters, digits and _.+- by name, none of them empty. "
            'Nothing was trained."',
        ),
        "Request": {
            "Type": "Pass",
            "Assign": {
                "kind": jsonata("$states.input.kind"),
                "run_id": jsonata(f"$exists({ID}) ? {ID} : {EXECUTION_ID}"),
                "data": jsonata(folder_of("$states.input.data_s3_uri")),
                "source": jsonata(folder_of("$states.input.data_s3_uri")),
                "hyperparameters": jsonata(
                    "$exists($states.input.hyperparameters) ? $states.input.hyperparameters : {}"
                ),
                "minimum_accuracy": jsonata(
                    f"$exists({GATE}) ? {GATE} : "
                    f"{lookup(settings.training.minimum_accuracy, '$states.input.kind')}"
                ),
                "maximum_group_gap": jsonata(f"$exists({GAP}) ? {GAP} : {ANY_GAP}"),
                "attempt": 0,
            },
            "Output": {},
            "Next": "DescribeData",
        },
        "DescribeData": describe_data(context, then=then),
    }


def may_be_read(context: JobContext, uri: str) -> str:
    """Whether something is a URI below the data bucket where jobs may read, as an expression.

    The bucket's name is known to CloudFormation alone and has dots, which a regular expression would take for anything.
    """
    bucket, folder = f"'s3://{context.data_bucket}/'", folder_of(uri)
    return (
        f"($type({uri}) = 'string' and $length({uri}) <= {URI_CHARACTERS} "
        f"? $contains({folder}, {bucket}) and $substringBefore({folder}, {bucket}) = '' "
        f"and $substringAfter({folder}, {bucket}) != '' "
        f"and $not($contains($substringAfter({folder}, {bucket}), {CUSTOMERS_PATTERN})) : false)"
    )


def folder_of(uri: str) -> str:
    """The place that a run reads, of what it was given, as an expression; it is what is checked."""
    return f"($replace({uri}, /\\/+$/, '') & '/')"


def read_marker(context: JobContext) -> dict[str, Any]:
    """The marker's own JSON, which says at least the kind; its folder is the data set."""
    folder = f"'s3://{context.data_bucket}/' & $replace({MARKER}, /[^\\/]+$/, '')"
    read = task(
        "s3:getObject",
        {"Bucket": context.data_bucket, "Key": jsonata(MARKER)},
        {},
        "CheckRequest",
        "JobFailed",
    )
    # Its object may be anything: what cannot be read as JSON, or is none, ends the expression.
    unreadable = {**catch("BadMarker")[0], "ErrorEquals": ["States.QueryEvaluationError"]}
    return {
        **read,
        "Catch": [unreadable, *read["Catch"]],
        "Output": jsonata(f"$merge([$parse($states.result.Body), {{'data_s3_uri': {folder}}}])"),
    }


def describe_data(context: JobContext, *, then: str) -> dict[str, Any]:
    """The data's version: a digest over the names and entity tags of its objects, as they are when the run starts."""
    tags = "$join($states.result.Contents.(Key & ' ' & ETag), ' ')"
    return task(
        "s3:listObjectsV2",
        {
            "Bucket": context.data_bucket,
            "Prefix": jsonata(f"$substringAfter($data, 's3://{context.data_bucket}/')"),
            "MaxKeys": LISTED_OBJECTS,
        },
        {"data_version": f"$exists($states.result.Contents) ? $hash({tags}, 'SHA-256') : 'no objects'"},
        then,
        "JobFailed",
    )
