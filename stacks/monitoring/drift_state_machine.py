"""The drift state machine: measures a day's captured requests against the released version's baseline."""

from __future__ import annotations

from typing import Any

from definitions.names import CAPTURED_PREFIX, VARIANT, endpoint_name, version_parameter
from definitions.networks import KINDS
from model_code.evaluation.files import DRIFT_FILE
from stacks.monitoring.needed import drift_of
from stacks.settings import EnvironmentSettings
from stacks.shared.asl import choice, ended, job_failed, jsonata, lookup, task
from stacks.shared.job_context import RUN_ID, JobContext, name_of_job
from stacks.shared.processing_job import code_uri, processing_input, processing_task

NAMESPACE = "Recognition/Drift"
INPUT_DRIFT, PREDICTION_DRIFT, CAPTURED_SAMPLES = "InputDrift", "PredictionDrift", "CapturedSamples"
DAY_MILLISECONDS = 24 * 3600 * 1000


def definition(settings: EnvironmentSettings, context: JobContext) -> dict[str, Any]:
    """The state machine.

    Its input: `kind`, and `time`, an instant of the day after the one that is measured (UTC, ISO 8601). Its output:
    `endpoint` and `said`, a sentence; and where it could be measured, `drift`, the job's report.
    """
    return {
        "Comment": "Measures how far an endpoint's inputs and predictions have moved from the test split's.",
        "QueryLanguage": "JSONata",
        "StartAt": "Start",
        "States": {
            **released_states(settings, context),
            **captured_states(settings, context),
            "Measure": measure(settings, context),
            "ReadReport": task(
                "s3:getObject",
                {
                    "Bucket": context.model_bucket,
                    "Key": jsonata(f"'drift/' & $job_name & '/{DRIFT_FILE}'"),
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


def released_states(settings: EnvironmentSettings, context: JobContext) -> dict[str, Any]:
    """The states that find `version`, what serves, and `baseline`, what its evaluation left."""
    names = lookup({kind: endpoint_name(settings.name, kind) for kind in KINDS}, "$states.input.kind")
    parameter = lookup({kind: version_parameter(kind) for kind in KINDS})
    held = f"$states.result.Stacks[0].Parameters[ParameterKey = {parameter}].ParameterValue"
    baseline = "$states.result.DriftCheckBaselines.ModelDataQuality.Statistics.S3Uri"
    return {
        "Start": {
            "Type": "Pass",
            "Assign": {
                "kind": jsonata("$states.input.kind"),
                "endpoint": jsonata(names),
                "run_id": jsonata(RUN_ID),
                "day": jsonata(
                    f"$fromMillis($toMillis($states.input.time) - {DAY_MILLISECONDS}, '[Y0001]/[M01]/[D01]')"
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
            {"baseline": f"$exists({baseline}) ? {baseline} : ''"},
            "HasBaseline",
            "JobFailed",
        ),
        "HasBaseline": choice(
            "NothingToMeasure",
            ("$baseline != ''", "FindCaptured"),
            said="The version was registered without an evaluation, so nothing is known to hold requests against.",
        ),
        "NothingToMeasure": ended(endpoint="$endpoint", said="$said"),
    }


def captured_states(settings: EnvironmentSettings, context: JobContext) -> dict[str, Any]:
    """The states that look whether the day has any captured request."""
    return {
        "FindCaptured": task(
            "s3:listObjectsV2",
            {
                "Bucket": context.data_bucket,
                "Prefix": jsonata(f"'{CAPTURED_PREFIX}/' & $endpoint & '/{VARIANT}/' & $day & '/'"),
                "MaxKeys": 1,
            },
            {"files": "$exists($states.result.Contents) ? $count($states.result.Contents) : 0"},
            "HasCaptured",
            "JobFailed",
        ),
        "HasCaptured": choice(
            "NothingToMeasure", ("$files > 0", "Measure"), said="Nobody asked the endpoint on that day."
        ),
    }


def measure(settings: EnvironmentSettings, context: JobContext) -> dict[str, Any]:
    """The drift job over one day's files."""
    drift = drift_of(settings)
    captured = f"'s3://{context.data_bucket}/{CAPTURED_PREFIX}/' & $endpoint & '/{VARIANT}/' & $day & '/'"
    inputs = ", ".join(
        processing_input(name, uri)
        for name, uri in {"code": code_uri(context), "captured": captured, "baseline": "$baseline"}.items()
    )
    step = (
        "'python3 -m model_code.evaluation.drift --captured captured --baseline baseline --output output "
        f"--least-samples {drift.least_samples} --version ' & $version"
    )
    return {
        **processing_task(
            settings,
            context,
            name=name_of_job(settings, "drift"),
            instance_type=drift.instance_type,
            steps=[jsonata(step)],
            inputs=f"[{inputs}]",
            output_prefix="drift",
        ),
        "Next": "ReadReport",
    }


def publish() -> dict[str, Any]:
    """The figures as metrics of the endpoint; of too few requests only their number."""
    dimensions = "'Dimensions': [{'Name': 'EndpointName', 'Value': $endpoint}]"

    def metric(name: str, value: str) -> str:
        return f"{{'MetricName': '{name}', {dimensions}, 'Value': {value}}}"

    figures = ", ".join(
        (metric(INPUT_DRIFT, "$drift.input.index"), metric(PREDICTION_DRIFT, "$drift.prediction.index"))
    )
    data = f"$append([{metric(CAPTURED_SAMPLES, '$drift.samples')}], $drift.enough ? [{figures}] : [])"
    return task(
        "cloudwatch:putMetricData",
        {"Namespace": NAMESPACE, "MetricData": jsonata(data)},
        {},
        "Measured",
        "JobFailed",
    )
