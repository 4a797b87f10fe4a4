"""The drift machine on the embedded AWS, with the project's own drift job: from captured requests to an alarm."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from local_aws.sagemaker.captures import record
from model_code.evaluation.features import traits_of_predictions, traits_of_samples
from model_code.evaluation.population_stability import reference_of
from model_code.source import write_source_archive
from stacks.monitoring.drift_state_machine import (
    INPUT_DRIFT,
    NAMESPACE,
    PREDICTION_DRIFT,
    definition,
)
from stacks.settings import load_settings

from .conftest import ROLE, create_inference_stack

SETTINGS = {"monitoring": {"capture": {}, "drift": {"threshold": 0.3, "least_samples": 50}}}
ENGLISH = [f"A film of {i % 7} parts and {i % 5} actors.".encode() for i in range(100)]
RUSSIAN = [f"Фильм из {i % 7} частей.".encode() for i in range(100)]
LABELS = ["positive" if i % 2 else "negative" for i in range(100)]
SCORES = [0.5 + 0.005 * i for i in range(100)]
CAPTURE = {"CaptureOptions": [{"CaptureMode": "InputAndOutput"}]}


@pytest.fixture(scope="module")
def machine(client, bucket, job_context_of, tmp_path_factory) -> str:
    """The machine over a version whose evaluation saw English; its ARN."""
    s3, sagemaker = client("s3"), client("sagemaker")
    archive = tmp_path_factory.mktemp("source") / "source.tar.gz"
    write_source_archive(archive)
    s3.upload_file(str(archive), bucket, "drift-source/source.tar.gz")
    traits = {**traits_of_samples(ENGLISH, "text"), **traits_of_predictions(LABELS, SCORES)}
    references = {name: reference_of(values) for name, values in traits.items()}
    baseline = json.dumps({"feature": "text", "samples": 100, "traits": references})
    s3.put_object(Bucket=bucket, Key="evaluations/drift/baseline.json", Body=baseline.encode())
    group = f"drift-{uuid.uuid4().hex[:8]}"
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    place = {"ContentType": "application/json", "S3Uri": f"s3://{bucket}/evaluations/drift/baseline.json"}
    sagemaker.create_model_package(
        ModelPackageGroupName=group, DriftCheckBaselines={"ModelDataQuality": {"Statistics": place}}
    )
    create_inference_stack(client, f"{group}-inference", "1")
    context = job_context_of("drift-source/source.tar.gz", group, f"{group}-inference")
    settings = load_settings("dev", {"dev": SETTINGS})
    answer = client("stepfunctions").create_state_machine(
        name=group, definition=json.dumps(definition(settings, context)), roleArn=ROLE
    )
    return answer["stateMachineArn"]


@pytest.fixture(scope="module")
def said(client, machine, ended_execution) -> Callable[[str], dict[str, Any]]:
    """What the machine says when it runs at a time."""

    def run(moment: str) -> dict[str, Any]:
        states = client("stepfunctions")
        given = json.dumps({"kind": "rnn", "time": moment})
        execution = states.start_execution(stateMachineArn=machine, input=given)["executionArn"]
        ended = ended_execution(states, execution)
        assert ended["status"] == "SUCCEEDED", ended.get("cause")
        return json.loads(ended["output"])

    return run


def capture(client, bucket: str, day: str, texts: list[bytes]) -> str:
    """Writes what the endpoint captures on a day on which it is asked these texts; the next day's time to measure."""
    lines = []
    for text, label, score in zip(texts, LABELS, SCORES, strict=True):
        other = "negative" if label == "positive" else "positive"
        probabilities = {label: score, other: 1 - score}
        prediction = {"label": label, "score": score, "probabilities": probabilities, "model_version": "1"}
        answer = json.dumps({"predictions": [prediction]}).encode()
        both = ("text/plain", text), ("application/json", answer)
        lines.append(json.dumps(record(CAPTURE, *both, day, f"{day}-{len(lines)}")))
    key = f"captured/recognition-dev-rnn/primary/{day.replace('-', '/')}/13/01-02-003.jsonl"
    client("s3").put_object(Bucket=bucket, Key=key, Body="\n".join(lines).encode())
    after = datetime.date.fromisoformat(day) + datetime.timedelta(days=1)
    return f"{after}T01:30:00Z"


def test_a_day_of_other_inputs_is_measured_published_and_sets_the_alarm_off(client, bucket, said):
    cloudwatch = client("cloudwatch")
    for metric in (INPUT_DRIFT, PREDICTION_DRIFT):
        cloudwatch.put_metric_alarm(
            AlarmName=metric,
            Namespace=NAMESPACE,
            MetricName=metric,
            Dimensions=[{"Name": "EndpointName", "Value": "recognition-dev-rnn"}],
            Statistic="Maximum",
            Period=86400,
            EvaluationPeriods=1,
            Threshold=0.3,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="ignore",
        )

    def states_of_alarms() -> dict[str, str]:
        alarms = cloudwatch.describe_alarms(AlarmNames=[INPUT_DRIFT, PREDICTION_DRIFT])["MetricAlarms"]
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in alarms}

    calm = said(capture(client, bucket, "2026-02-27", ENGLISH))
    assert calm.get("drift", {}).get("samples") == 100, calm
    assert "ALARM" not in states_of_alarms().values()
    moved = said(capture(client, bucket, "2026-02-28", RUSSIAN))
    assert moved["drift"]["input"]["index"] > 0.3 > moved["drift"]["prediction"]["index"]
    states = states_of_alarms()
    assert (states[INPUT_DRIFT], states[PREDICTION_DRIFT] == "ALARM") == ("ALARM", False)
