"""Endpoints serve the artefact's own code and SavedModel, and an update that fails leaves the old model answering."""

from __future__ import annotations

import json
import time
import uuid

import pytest

from lambdas.common.errors import RequestRefused
from lambdas.custom import idle_endpoints
from local_aws.sagemaker.objects import download_prefix
from model_code.evaluation.captures import files_of, read_captures

from .conftest import INFERENCE_IMAGE, ROLE, archive
from .endpoint import Endpoint


@pytest.fixture(scope="module")
def deployment(client, bucket, artefact) -> Endpoint:
    """An endpoint in service whose model answers with the text's length."""
    made = Endpoint(client, bucket)
    config = made.configure(artefact(1.0), version="7")
    made.sagemaker.create_endpoint(EndpointName=made.name, EndpointConfigName=config)
    assert made.settled()["EndpointStatus"] == "InService"
    return made


def test_it_answers_with_the_artefacts_own_code_and_version(deployment):
    answer = deployment.runtime.invoke_endpoint(
        EndpointName=deployment.name, Body="héé".encode(), ContentType="text/plain; charset=utf-8"
    )
    assert answer["InvokedProductionVariant"] == "primary"
    (prediction,) = json.loads(answer["Body"].read())["predictions"]
    assert prediction == {
        "label": "héé",
        "score": 5.0,
        "probabilities": {"long": 5.0, "short": -5.0},
        "model_version": "7",
    }


def test_what_it_is_asked_and_answers_is_captured_as_the_drift_job_reads_it(deployment, tmp_path):
    deployment.score(b"of a customer")
    body = json.dumps({"instances": [{"text": "one"}, {"text": "three"}]})
    deployment.runtime.invoke_endpoint(
        EndpointName=deployment.name, Body=body, ContentType="application/json", InferenceId="asked-7"
    )
    uri = f"s3://{deployment.bucket}/captured/{deployment.name}/primary/"
    download_prefix(deployment.s3, uri, tmp_path)
    description = read_captures(tmp_path, "7")
    assert {b"of a customer", b"one", b"three"} <= set(description.samples)
    assert dict(zip(description.samples, description.scores, strict=True))[b"three"] == 5.0
    assert (description.feature, description.unread) == ("text", 0)
    told = [request_id for exchanges in files_of(tmp_path) for request_id, _ in exchanges]
    assert "asked-7" in told, "by which a label that arrives later finds it"
    assert len(set(told)) == len(told)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"x", "video/mp4", 415),
        (b"\xff", "text/plain", 400),
        (b"{", "application/json", 400),
        (b"", "text/plain", 400),
    ],
)
def test_what_the_model_does_not_take_is_a_model_error_with_the_containers_status(
    deployment, body, content_type, status
):
    with pytest.raises(deployment.runtime.exceptions.ModelError) as refused:
        deployment.runtime.invoke_endpoint(EndpointName=deployment.name, Body=body, ContentType=content_type)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert refused.value.response["OriginalStatusCode"] == status


def test_an_endpoint_that_is_not_there_is_a_validation_error(deployment):
    with pytest.raises(
        deployment.runtime.exceptions.ClientError, match="nowhere of account .* not found"
    ) as refused:
        deployment.runtime.invoke_endpoint(EndpointName="nowhere", Body=b"x", ContentType="text/plain")
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_more_than_six_mebibytes_are_refused(deployment):
    with pytest.raises(deployment.runtime.exceptions.ClientError, match="real-time inference takes 6291456"):
        deployment.score(b"x" * (6 * 1024 * 1024 + 1))


@pytest.mark.parametrize("broken", ["not there", "no archive", "no model", "damaged"])
def test_an_update_to_a_model_that_does_not_load_keeps_the_old_one_and_says_why(deployment, artefact, broken):
    before = deployment.settled()["EndpointConfigName"]
    answer = deployment.score(b"ab")
    contents = {
        "not there": None,
        "no archive": b"no archive",
        "no model": archive({"code/inference.py": ""}),
        "damaged": archive({"1/saved_model.pb": b"damaged"}),
    }
    config = deployment.configure(contents[broken])
    deployment.sagemaker.update_endpoint(EndpointName=deployment.name, EndpointConfigName=config)
    description = deployment.settled()
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", before)
    assert description["FailureReason"]
    assert deployment.score(b"ab") == answer


def test_a_first_model_that_does_not_load_fails_the_endpoint(client, bucket):
    made = Endpoint(client, bucket)
    made.sagemaker.create_endpoint(EndpointName=made.name, EndpointConfigName=made.configure(b"no archive"))
    description = made.settled()
    assert description["EndpointStatus"] == "Failed"
    assert "no readable tar archive" in description["FailureReason"]
    made.sagemaker.delete_endpoint(EndpointName=made.name)
    with pytest.raises(made.sagemaker.exceptions.ClientError, match="Could not find"):
        made.sagemaker.describe_endpoint(EndpointName=made.name)


class Asynchronous:
    """An asynchronous endpoint whose model answers with the length of the text in an object."""

    def __init__(self, made: Endpoint) -> None:
        self.made, self.bucket = made, made.bucket

    def ask(self, body: bytes | None, number: str) -> dict:
        """Asks about an object (None: one that is not there)."""
        if body is not None:
            self.made.s3.put_object(Bucket=self.bucket, Key=f"requests/{number}", Body=body)
        return self.made.runtime.invoke_endpoint_async(
            EndpointName=self.made.name,
            InputLocation=f"s3://{self.bucket}/requests/{number}",
            ContentType="text/plain",
            InferenceId=number,
        )

    def written(self, uri: str) -> bytes:
        """What is in an object, once it is there."""
        key = uri.removeprefix(f"s3://{self.bucket}/")
        self.made.s3.get_waiter("object_exists").wait(
            Bucket=self.bucket, Key=key, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        return self.made.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def score(self, uri: str) -> float:
        """The model's answer in an object."""
        (prediction,) = json.loads(self.written(uri))["predictions"]
        return prediction["score"]


@pytest.fixture(scope="module")
def asynchronous(client, bucket, artefact) -> Asynchronous:
    """Such an endpoint in service."""
    made = Endpoint(client, bucket)
    context = {"S3OutputPath": f"s3://{bucket}/answers", "S3FailurePath": f"s3://{bucket}/failures"}
    config = made.configure(artefact(1.0), AsyncInferenceConfig={"OutputConfig": context})
    made.sagemaker.create_endpoint(EndpointName=made.name, EndpointConfigName=config)
    assert made.settled()["EndpointStatus"] == "InService"
    return Asynchronous(made)


def test_an_asynchronous_endpoint_reads_and_writes_in_s3(asynchronous):
    accepted = [asynchronous.ask(b"x" * (number + 1), f"text-{number}") for number in range(5)]
    assert [accepted_request["InferenceId"] for accepted_request in accepted] == [
        f"text-{number}" for number in range(5)
    ]
    assert [asynchronous.score(accepted_request["OutputLocation"]) for accepted_request in accepted] == [
        1,
        2,
        3,
        4,
        5,
    ]
    damaged, missing = asynchronous.ask(b"\xff", "damaged"), asynchronous.ask(None, "missing")
    assert b"not UTF-8" in asynchronous.written(damaged["FailureLocation"])
    assert b"NoSuchKey" in asynchronous.written(missing["FailureLocation"])
    with pytest.raises(
        asynchronous.made.runtime.exceptions.ClientError, match="ask it with InvokeEndpointAsync"
    ):
        asynchronous.made.score(b"ab")


def test_the_api_leaves_an_asynchronous_request_and_finds_its_answer_by_the_key(
    asynchronous, client, monkeypatch
):
    names = {"asynchronous": {"rnn": {"EndpointName": asynchronous.made.name}}}
    monkeypatch.setenv("IDLE_ENDPOINTS", json.dumps(names))
    monkeypatch.setenv("MODEL_BUCKET", asynchronous.bucket)
    monkeypatch.setattr(idle_endpoints, "client", client)

    def answer_to(body: bytes) -> bytes:
        event = {"headers": {"Idempotency-Key": "one"}}
        while True:
            try:
                return idle_endpoints.ask_asynchronously("rnn", body, "text/plain", event)
            except RequestRefused as error:
                if not error.may_pass:
                    raise
                time.sleep(0.2)

    (prediction,) = json.loads(answer_to(b"four"))["predictions"]
    assert prediction["score"] == 4.0
    with pytest.raises(RequestRefused, match="failed on this input"):
        answer_to(b"\xff")


def test_a_real_time_endpoint_takes_no_asynchronous_request(deployment, bucket):
    with pytest.raises(deployment.runtime.exceptions.ClientError, match="is not asynchronous"):
        deployment.runtime.invoke_endpoint_async(
            EndpointName=deployment.name, InputLocation=f"s3://{bucket}/x", ContentType="text/plain"
        )


def test_a_stack_whose_endpoint_fails_leaves_none_and_can_be_made_again(client, bucket, artefact):
    stacks, sagemaker, name = client("cloudformation"), client("sagemaker"), f"stack-{uuid.uuid4().hex[:8]}"
    uri = f"s3://{bucket}/{name}/model.tar.gz"
    variant = {"VariantName": "primary", "InitialInstanceCount": 1, "InstanceType": "ml.g5.xlarge"}
    model = {"PrimaryContainer": {"Image": INFERENCE_IMAGE, "ModelDataUrl": uri}, "ExecutionRoleArn": ROLE}
    config = {"ProductionVariants": [{**variant, "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]}}]}
    endpoint = {
        "EndpointName": name,
        "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
    }
    parts = {
        "Model": ("Model", model),
        "Config": ("EndpointConfig", config),
        "Endpoint": ("Endpoint", endpoint),
    }
    resources = {
        part: {"Type": f"AWS::SageMaker::{kind}", "Properties": properties}
        for part, (kind, properties) in parts.items()
    }

    def status_of_new_stack(number: int) -> str:
        stacks.create_stack(StackName=f"{name}-{number}", TemplateBody=json.dumps({"Resources": resources}))
        deadline = time.monotonic() + 120
        while True:
            (stack,) = stacks.describe_stacks(StackName=f"{name}-{number}")["Stacks"]
            if not stack["StackStatus"].endswith("IN_PROGRESS"):
                return stack["StackStatus"]
            assert time.monotonic() < deadline, stack
            time.sleep(0.2)

    # There is no such object yet, so the container does not come up.
    assert status_of_new_stack(1) == "ROLLBACK_COMPLETE"
    assert name not in [endpoint["EndpointName"] for endpoint in sagemaker.list_endpoints()["Endpoints"]]
    client("s3").put_object(Bucket=bucket, Key=f"{name}/model.tar.gz", Body=artefact(1.0))
    assert status_of_new_stack(2) == "CREATE_COMPLETE"
    assert sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService"
    stacks.delete_stack(StackName=f"{name}-2")
