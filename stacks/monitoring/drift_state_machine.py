"""The drift state machine: measures a day of what an endpoint was asked and answered, in one of two ways.

It holds a day's requests and predictions against the released version's test split, or its answers against labels that
arrived later.
"""

from __future__ import annotations

from typing import Any

from definitions.names import (
    CAPTURED_PREFIX,
    LABELLED_PREFIX,
    LABELS_PREFIX,
    VARIANT,
    endpoint_name,
    version_parameter,
)
from definitions.networks import KINDS
from model_code.evaluation.files import DRIFT_FILE, LABELLED_FILE
from stacks.monitoring.needed import drift_of, labels_of
from stacks.settings import EnvironmentSettings
from stacks.shared.asl import choice, ended, fail, is_instant, job_failed, jsonata, lookup, task
from stacks.shared.job_context import EXECUTION_ID, JobContext, name_of_job
from stacks.shared.processing_job import code_uri, folder_of_job, processing_input, processing_task

NAMESPACE = "Recognition/Drift"
INPUT_DRIFT, PREDICTION_DRIFT, CAPTURED_SAMPLES = "InputDrift", "PredictionDrift", "CapturedSamples"
SCORE_DRIFT, SCORE, CALIBRATION_ERROR, LABELLED_SAMPLES = (
    "ScoreDrift",
    "Score",
    "CalibrationError",
    "LabelledSamples",
)
TEST_SPLIT, LABELS = "test split", "labels"
"""What a day is held against."""
DAY_MILLISECONDS = 24 * 3600 * 1000


def definition(settings: EnvironmentSettings, context: JobContext) -> dict[str, Any]:
    """The state machine.

    Its input: `kind`; `time`, an instant (UTC, ISO 8601) of the day after the one that is held against the test split,
    and so many days more after the one that is held against labels as the settings wait for those; and `against`, which
    is TEST_SPLIT unless it says LABELS. Its output: `endpoint` and `said`, a sentence; and where it could be measured,
    `drift`, the job's report.
    """
    return {
        "Comment": "Measures how far an endpoint's requests, predictions and score have moved from the test split's.",
        "QueryLanguage": "JSONata",
        "StartAt": "Start",
        "States": {
            **released_states(settings, context),
            **captured_states(context),
            "Measure": measure(settings, context),
            "ReadReport": task(
                "s3:getObject",
                {
                    "Bucket": context.model_bucket,
                    "Key": jsonata(
                        by_measure(
                            f"'drift/' & $job_name & '/{DRIFT_FILE}'",
                            f"{labelled_folder()} & '/{LABELLED_FILE}'",
                        )
                    ),
                },
                {"drift": "$parse($states.result.Body)"},
                "Publish",
                "JobFailed",
            ),
            "Publish": publish(),
            "Measured": ended(
                endpoint="$endpoint",
                said="$drift.enough ? 'Measured.' : 'There were too few requests to say anything.'",
                drift="$drift",
            ),
            "JobFailed": job_failed(),
        },
    }


def by_measure(test_split: str, labels: str) -> str:
    """One of two expressions, by what the day is held against."""
    return f"($against = '{LABELS}' ? {labels} : {test_split})"


def labelled_folder() -> str:
    """Where in the model bucket the report of a day's labels lies, as an expression."""
    return f"'{LABELLED_PREFIX}/' & $endpoint & '/' & $day"


def released_states(settings: EnvironmentSettings, context: JobContext) -> dict[str, Any]:
    """The states that find `version`, what serves, and `reference`, what its evaluation left to compare with."""
    names = lookup({kind: endpoint_name(settings.name, kind) for kind in KINDS}, "$states.input.kind")
    parameter = lookup({kind: version_parameter(kind) for kind in KINDS})
    held = f"$states.result.Stacks[0].Parameters[ParameterKey = {parameter}].ParameterValue"
    against = "$states.input.against"
    is_well = (
        f"$states.input.kind in {list(KINDS)} and {is_instant('$states.input.time')} "
        f"and ($exists({against}) ? {against} in {[TEST_SPLIT, LABELS]} : true)"
    )
    days = f"({against} = '{LABELS}' ? {labels_of(settings).after_days} : 1)"
    reference = by_measure(
        "$states.result.DriftCheckBaselines.ModelDataQuality.Statistics.S3Uri",
        "$states.result.ModelMetrics.ModelQuality.Statistics.S3Uri",
    )
    return {
        "Start": choice("BadRequest", (is_well, "Begin")),
        "BadRequest": fail(
            "BadRequest",
            f"\"A measurement wants a 'kind' ({', '.join(KINDS)}) and a 'time', an instant such as "
            f"2026-11-25T20:59:58Z, and may say 'against' what ({TEST_SPLIT}, {LABELS}). Nothing was measured.\"",
        ),
        "Begin": {
            "Type": "Pass",
            "Assign": {
                "kind": jsonata("$states.input.kind"),
                "against": jsonata(f"$exists({against}) ? {against} : '{TEST_SPLIT}'"),
                "endpoint": jsonata(names),
                "run_id": jsonata(EXECUTION_ID),
                "day": jsonata(
                    f"$fromMillis($toMillis($states.input.time) - {DAY_MILLISECONDS} * {days}, "
                    "'[Y0001]/[M01]/[D01]')"
                ),
            },
            "Output": {},
            "Next": "FindReleased",
        },
        "FindReleased": task(
            "cloudformation:describeStacks",
            {"StackName": context.inference_stack},
            {"version": f"$exists({held}) ? {held} : ''"},
            "IsReleased",
            "JobFailed",
        ),
        "IsReleased": choice(
            "NothingToMeasure", ("$version != ''", "DescribeVersion"), said="No version serves."
        ),
        "DescribeVersion": task(
            "sagemaker:describeModelPackage",
            {"ModelPackageName": jsonata(f"{lookup(context.version_arns)} & $version")},
            {"reference": f"$exists({reference}) ? {reference} : ''"},
            "HasReference",
            "JobFailed",
        ),
        "HasReference": choice(
            "NothingToMeasure",
            ("$reference != ''", "FindCaptured"),
            said="The version was registered without an evaluation, so nothing is known to hold requests against.",
        ),
        "NothingToMeasure": ended(endpoint="$endpoint", said="$said"),
    }


def captured_states(context: JobContext) -> dict[str, Any]:
    """The states that look whether the day has any captured request, and whether there are labels, where it wants them.

    A processing job fails where an input has no object.
    """

    def find(prefix: str, then: str) -> dict[str, Any]:
        return task(
            "s3:listObjectsV2",
            {"Bucket": context.data_bucket, "Prefix": jsonata(prefix), "MaxKeys": 1},
            {"files": "$exists($states.result.Contents) ? $count($states.result.Contents) : 0"},
            then,
            "JobFailed",
        )

    return {
        "FindCaptured": find(captured_prefix(), "HasCaptured"),
        "HasCaptured": choice(
            "NothingToMeasure",
            (f"$files > 0 and $against = '{LABELS}'", "FindLabels"),
            ("$files > 0", "Measure"),
            said="Nobody asked the endpoint on that day.",
        ),
        "FindLabels": find(labels_prefix(), "HasLabels"),
        "HasLabels": choice(
            "NothingToMeasure",
            ("$files > 0", "Measure"),
            said="No label of the endpoint's answers has arrived.",
        ),
    }


def captured_prefix() -> str:
    """Where the day's requests and answers lie in the data bucket, as an expression."""
    return f"'{CAPTURED_PREFIX}/' & $endpoint & '/{VARIANT}/' & $day & '/'"


def labels_prefix() -> str:
    """Where the endpoint's labels lie there, as an expression."""
    return f"'{LABELS_PREFIX}/' & $endpoint & '/'"


def measure(settings: EnvironmentSettings, context: JobContext) -> dict[str, Any]:
    """The job over one day's files."""
    drift, name = drift_of(settings), name_of_job(settings, "drift")

    def inputs(**further: str) -> str:
        captured = f"'s3://{context.data_bucket}/' & {captured_prefix()}"
        uris = {"code": code_uri(context), "captured": captured, **further}
        return f"[{', '.join(processing_input(name, uri) for name, uri in uris.items())}]"

    def step(program: str, least_samples: int) -> str:
        words = f"--captured captured --output output --least-samples {least_samples} --version "
        return f"'python3 -m {program} {words}' & $version"

    of_split = step("model_code.evaluation.drift --baseline baseline", drift.least_samples)
    of_labels = step(
        "model_code.evaluation.labelled --labels labels --evaluation evaluation",
        labels_of(settings).least_samples,
    )
    labels = f"'s3://{context.data_bucket}/' & {labels_prefix()}"
    return {
        **processing_task(
            settings,
            context,
            name=name,
            instance_type=drift.instance_type,
            steps=[jsonata(by_measure(of_split, of_labels))],
            inputs=by_measure(inputs(baseline="$reference"), inputs(labels=labels, evaluation="$reference")),
            output=by_measure(folder_of_job("drift", name), labelled_folder()),
        ),
        "Next": "ReadReport",
    }


def publish() -> dict[str, Any]:
    """The figures as metrics of the endpoint; of too few requests only their number."""
    dimensions = "'Dimensions': [{'Name': 'EndpointName', 'Value': $endpoint}]"

    def metrics(**values: str) -> str:
        members = (
            f"{{'MetricName': '{name}', {dimensions}, 'Value': {value}}}" for name, value in values.items()
        )
        return f"[{', '.join(members)}]"

    counted = by_measure(
        metrics(**{CAPTURED_SAMPLES: "$drift.samples"}), metrics(**{LABELLED_SAMPLES: "$drift.samples"})
    )
    figures = by_measure(
        metrics(**{INPUT_DRIFT: "$drift.input.index", PREDICTION_DRIFT: "$drift.prediction.index"}),
        metrics(
            **{
                SCORE_DRIFT: "$drift.score_drift",
                SCORE: "$drift.score",
                CALIBRATION_ERROR: "$drift.calibration_error",
            }
        ),
    )
    return task(
        "cloudwatch:putMetricData",
        {
            "Namespace": NAMESPACE,
            "MetricData": jsonata(f"$append({counted}, $drift.enough ? {figures} : [])"),
        },
        {},
        "Measured",
        "JobFailed",
    )
