"""What the page Watch shows: endpoints with traffic, versions, runs, alarms, the last bake-off, days with labels.

What a run's evaluation found is read when somebody opens it, where the deployment's settings say that it is shown.

It reads from AWS and changes nothing, and is a Lambda function of its own on AWS: boto3 and the definitions are all
that it needs.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import re
from collections.abc import Callable
from typing import Any

from definitions.names import (
    BAKEOFF_KEY,
    GATES,
    LABELLED_PREFIX,
    NOT_RELEASED,
    REGISTERED_PREFIX,
    RUN_ID_CHARACTERS,
    SHOWS_EVALUATIONS_VARIABLE,
    SUMMARY_FILE,
    endpoint_name,
    kind_of_job,
    parameter_name,
    released_version,
    shared_endpoint_name,
    stack_name,
)
from definitions.networks import KINDS, NETWORKS
from definitions.parameters import DATA_BUCKET, MODEL_BUCKET, TRAINING_STATE_MACHINE

VERSIONS_SHOWN = 5
RUNS_SHOWN = 6
DAYS_SHOWN = 14
# One listing has 1,000 keys, a day one.
DAYS_LOOKED_AT = 365
JOBS_LOOKED_AT = 100
# Behind a run's id in its jobs' names: the next instance type, a call tried again, and one job of a search.
FURTHER = r"(-([2-9]|[1-9][0-9]))?(-r[0-9]+)?(-[0-9]{3}-[0-9a-z]+)?"
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
EPOCH = "epoch"
STATES = {"RUNNING": "running", "SUCCEEDED": "registered", "ABORTED": "stopped", "TIMED_OUT": "timed out"}

Clients = Callable[[str], Any]


def describe(client: Clients, environment: str) -> dict[str, Any]:
    """The state of one environment of the app as plain JSON values.

    Args:
        client: gives the boto3 client of a service.
        environment: of the app.
    """
    return {
        "endpoints": [endpoint(client, environment, kind) for kind in KINDS],
        "runs": [with_curve(client, run) for run in runs(client, environment, RUNS_SHOWN)],
        "alarms": alarms(client, environment),
        "bakeoff": bakeoff(client, environment),
    }


def endpoint(client: Clients, environment: str, kind: str) -> dict[str, Any]:
    """One endpoint: its state and traffic, the released and the registered versions, how right its answers were."""
    name = endpoint_name(environment, kind)
    sagemaker = client("sagemaker")
    # Where one endpoint serves every kind there is none of the kind's name.
    names = (name, shared_endpoint_name(environment))
    described = (quietly(lambda name=name: sagemaker.describe_endpoint(EndpointName=name)) for name in names)
    description = next((description for description in described if description), {})
    released = published(client, environment, released_version(kind)) or NOT_RELEASED
    listed = quietly(
        lambda: sagemaker.list_model_packages(
            ModelPackageGroupName=name,
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=VERSIONS_SHOWN,
        )
    ) or {"ModelPackageSummaryList": []}
    coming = description.get("PendingDeploymentSummary", {}).get("ProductionVariants", [])
    return {
        "kind": kind,
        "title": NETWORKS[kind].title,
        "name": name,
        "status": description.get("EndpointStatus"),
        "version": None if released == NOT_RELEASED else released,
        "fleets": [fleet(variant, "serving") for variant in description.get("ProductionVariants", [])]
        + [fleet(variant, "coming") for variant in coming],
        "registered": [
            {
                "arn": one["ModelPackageArn"],
                "version": str(one["ModelPackageVersion"]),
                "approval": one["ModelApprovalStatus"],
                "created": one["CreationTime"].isoformat(),
            }
            for one in listed["ModelPackageSummaryList"]
        ],
        "labelled": labelled_days(client, environment, name),
    }


def published(client: Clients, environment: str, name: str) -> str | None:
    """What a stack published under a name; None where it has not."""
    systems_manager = client("ssm")
    response = quietly(lambda: systems_manager.get_parameter(Name=parameter_name(environment, name)))
    return response["Parameter"]["Value"] if response else None


def fleet(variant: dict[str, Any], role: str) -> dict[str, Any]:
    """Instances that share the traffic; `coming` ones are a release's, of which the canary is the first."""
    return {
        "role": role,
        "weight": variant.get("CurrentWeight"),
        "instances": variant.get("CurrentInstanceCount"),
    }


def runs(client: Clients, environment: str, most: int) -> list[dict[str, Any]]:
    """The last runs of the training state machine, the newest first."""
    machine = published(client, environment, TRAINING_STATE_MACHINE)
    if machine is None:
        return []
    states = client("stepfunctions")
    listed = states.list_executions(stateMachineArn=machine, maxResults=most)["executions"]
    jobs = client("sagemaker").list_training_jobs(
        SortBy="CreationTime", SortOrder="Descending", MaxResults=JOBS_LOOKED_AT
    )
    names = [summary["TrainingJobName"] for summary in jobs["TrainingJobSummaries"]]
    executions = (states.describe_execution(executionArn=summary["executionArn"]) for summary in listed)
    return [run(execution, names, environment) for execution in executions]


def run(execution: dict[str, Any], jobs: list[str], environment: str) -> dict[str, Any]:
    """One run, from DescribeExecution's answer.

    Args:
        execution: the answer.
        jobs: names of the account's training jobs, the newest first; a run's bear its id.
        environment: of which the jobs are.
    """
    request = texts_of(execution["input"])
    # As the machine itself makes it (stacks/shared/job_context.py).
    made = re.sub(r"[^a-zA-Z0-9]+", "-", execution["name"])[:RUN_ID_CHARACTERS].rstrip("-")
    run_id = request.get("run_id", made)
    own = re.compile(f"{environment}-({'|'.join(KINDS)})-{re.escape(run_id)}{FURTHER}")
    newest = next((name for name in jobs if own.fullmatch(name)), None)
    started, ended = execution["startDate"], execution.get("stopDate")
    output, error = texts_of(execution.get("output") or "{}"), execution.get("error")
    failed = "failed at the gate" if error in GATES else "failed"
    # A search has many jobs, of which the best one is registered.
    job = output.get("training_job_name", newest)
    kind = request.get("kind")
    return {
        "name": execution["name"],
        "kind": kind if kind in KINDS else kind_of_job(job) if job else None,
        "data": request.get("data_s3_uri") or request.get("marker_key"),
        "state": STATES.get(execution["status"], failed),
        "version": output.get("version"),
        "reason": execution.get("cause") or error,
        "started": started.isoformat(),
        "ended": ended.isoformat() if ended else None,
        "seconds": round((ended - started).total_seconds()) if ended else None,
        "job": job,
    }


def texts_of(words: str) -> dict[str, str]:
    """The texts of an execution's input or output by name; whoever may start the machine may say anything in it."""
    try:
        said = json.loads(words)
    # Nested too deep, or with a number of thousands of digits, which Python does not read.
    except (RecursionError, ValueError):
        return {}
    members = said.items() if isinstance(said, dict) else ()
    return {name: value for name, value in members if isinstance(value, str)}


def with_curve(client: Clients, told: dict[str, Any]) -> dict[str, Any]:
    """A run with the curve of its last training job, as far as it has come."""
    if told["job"] is None:
        return {**told, "curve": []}
    job = client("sagemaker").describe_training_job(TrainingJobName=told["job"])
    definitions = job["AlgorithmSpecification"].get("MetricDefinitions", [])
    patterns = {definition["Name"]: definition["Regex"] for definition in definitions}
    return {**told, "curve": curve_of(log_of(client, told["job"]), patterns)}


def log_of(client: Clients, job_name: str) -> list[str]:
    """The lines about epochs that a job has logged so far."""
    stream = f"{job_name}/"
    response = quietly(
        lambda: client("logs").filter_log_events(
            logGroupName=LOG_GROUP, logStreamNamePrefix=stream, filterPattern=f'"{EPOCH}"'
        )
    ) or {"events": []}
    # ministack takes the prefix and returns every stream's events all the same.
    return [event["message"] for event in response["events"] if event["logStreamName"].startswith(stream)]


def curve_of(lines: list[str], patterns: dict[str, str]) -> list[dict[str, float]]:
    """One row of metrics for each epoch, read with the definitions that SageMaker reads the log with.

    JSON has no number for what is larger than any float, such as the 1e999 of a loss: no page could read the answer.
    """
    rows: dict[float, dict[str, float]] = {}
    for line in lines:
        matches = {name: re.search(pattern, line) for name, pattern in patterns.items()}
        numbers = {name: float(match[1]) for name, match in matches.items() if match}
        values = {name: number for name, number in numbers.items() if math.isfinite(number)}
        if EPOCH in values:
            rows.setdefault(values[EPOCH], {}).update(values)
    return [rows[number] for number in sorted(rows)]


def alarms(client: Clients, environment: str) -> list[dict[str, str]]:
    """The app's alarms with their states, those that ring first."""
    response = client("cloudwatch").describe_alarms(AlarmNamePrefix=stack_name(environment, ""))
    states = [
        {"name": metric_alarm["AlarmName"], "state": metric_alarm["StateValue"]}
        for metric_alarm in response["MetricAlarms"]
    ]
    return sorted(states, key=lambda state: (state["state"] != "ALARM", state["name"]))


def bakeoff(client: Clients, environment: str) -> dict[str, Any] | None:
    """The figures of the last bake-off that had this deployment as its target, and when it ended; None before it."""
    response = left(client, published(client, environment, DATA_BUCKET), BAKEOFF_KEY)
    if response is None:
        return None
    return {**json.loads(response["Body"].read()), "ended": response["LastModified"].isoformat()}


def evaluation(client: Clients, environment: str, job: str) -> dict[str, Any] | None:
    """What the evaluation of a run's training job found, within its own bounds (`model_code.evaluation.summary`).

    None where it left nothing, and for what is no job of this environment.
    """
    if not re.fullmatch(f"{environment}-({'|'.join(KINDS)})(-[a-zA-Z0-9]+)+", job):
        return None
    key = f"{REGISTERED_PREFIX}/{job}/{SUMMARY_FILE}"
    response = left(client, published(client, environment, MODEL_BUCKET), key)
    return json.loads(response["Body"].read()) if response else None


def left(client: Clients, bucket: str | None, key: str) -> dict[str, Any] | None:
    """GetObject's answer for what may have been left under a key; None where it was not, or there is no bucket."""
    if bucket is None:
        return None
    s3 = client("s3")
    # Asked for an object that is not there, S3 says "denied" to whoever may not list the whole bucket.
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    return s3.get_object(Bucket=bucket, Key=key) if listed.get("Contents") else None


def labelled_days(client: Clients, environment: str, name: str) -> list[dict[str, Any]]:
    """How right an endpoint's answers were by labels that came later: the last measured days, the newest last."""
    bucket, s3 = published(client, environment, MODEL_BUCKET), client("s3")
    if bucket is None:
        return []
    prefix = f"{LABELLED_PREFIX}/{name}/"
    first = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=DAYS_LOOKED_AT)
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, StartAfter=f"{prefix}{first:%Y/%m/%d}")
    keys = [entry["Key"] for entry in listed.get("Contents", [])][-DAYS_SHOWN:]
    return [
        {
            # prefix, year/month/day, the report's own name
            "day": key.removeprefix(prefix).rsplit("/", 1)[0].replace("/", "-"),
            **json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()),
        }
        for key in keys
    ]


def quietly(call: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    """What a call answers; None where the thing that it asks about is not there (yet)."""
    from botocore.exceptions import ClientError

    try:
        return call()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ("ParameterNotFound", "ResourceNotFound", "ResourceNotFoundException"):
            return None
        # SageMaker's code for an endpoint or a group that it does not know.
        if code in ("ValidationException", "ValidationError"):
            return None
        raise


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """The Lambda function behind the page; whoever may not ask it is turned away by IAM before it runs.

    It answers the state of the deployment, or with `?evaluation=JOB` what that job's evaluation found, if it may.
    """
    import boto3

    environment = os.environ["ENVIRONMENT"]
    job = (event.get("queryStringParameters") or {}).get("evaluation")
    if job is None:
        content = describe(boto3.client, environment)
    else:
        may = SHOWS_EVALUATIONS_VARIABLE in os.environ
        content = {"evaluation": evaluation(boto3.client, environment, job) if may else None}
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return {"statusCode": 200, "headers": headers, "body": json.dumps(content)}
