"""The function with LiteRT: it fetches the released version, notices a release, and says why it cannot answer."""

from __future__ import annotations

import datetime
import io
import json
import tarfile
import time
from importlib.metadata import version
from types import SimpleNamespace

import boto3
import numpy as np
import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from lambdas.common import releases
from lambdas.common.errors import RequestRefused
from lambdas.custom import operations as custom
from lambdas.litert import native, operations, released
from local_aws.serving import Predictor, load_handlers
from model_code.data.records import read_split
from serving.model import Model

GROUP, PARAMETER = "recognition-dev-cnn", "/recognition/dev/cnn-released-version"
PREFIX = "arn:aws:sagemaker:us-east-1:111122223333:model-package/"


def archive(artefact, without: str = "") -> bytes:
    """An artefact as training leaves it in the model bucket."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for file in sorted(artefact.rglob("*")):
            name = file.relative_to(artefact).as_posix()
            if file.is_file() and name != without:
                tar.add(file, arcname=name)
    return buffer.getvalue()


class Account:
    """Stubbed services: what the function has to ask for, in that order, and what it is told."""

    def __init__(self, made: dict) -> None:
        self.stubs = {name: Stubber(client) for name, client in made.items()}
        for stub in self.stubs.values():
            stub.activate()

    def tells_of(self, version: str | None) -> None:
        """The next look finds this version released; None: none."""
        if version is None:
            self.stubs["ssm"].add_client_error("get_parameter", "ParameterNotFound")
            return
        told = {"Parameter": {"Name": PARAMETER, "Value": version}}
        self.stubs["ssm"].add_response("get_parameter", told, {"Name": PARAMETER})

    def gives(self, version: str, content: bytes | None, etag: str | None = None) -> None:
        """The next version that is fetched is this one, with this archive; None: it was written anew since."""
        arn, key = f"{PREFIX}{GROUP}/{version}", f"training/{version}/model.tar.gz"
        container = {"Image": "x", "ModelDataUrl": f"s3://models/{key}"}
        asked = {"Bucket": "models", "Key": key}
        if etag:
            container["ModelDataETag"] = asked["IfMatch"] = etag
        if content is None:
            changed = {"service_error_code": "PreconditionFailed", "http_status_code": 412}
            self.stubs["s3"].add_client_error("get_object", **changed, expected_params=asked)
        else:
            body = {"Body": StreamingBody(io.BytesIO(content), len(content))}
            self.stubs["s3"].add_response("get_object", body, asked)
        described = {
            "ModelPackageName": GROUP,
            "ModelPackageArn": arn,
            "CreationTime": datetime.datetime.now(datetime.UTC),
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": []},
            "InferenceSpecification": {"Containers": [container]},
        }
        version_asked = {"ModelPackageName": arn}
        self.stubs["sagemaker"].add_response("describe_model_package", described, version_asked)

    def was_asked_everything(self) -> None:
        """Fails when something that was to be asked was not."""
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()


@pytest.fixture
def account(monkeypatch) -> Account:
    """The function's variables and services."""
    variables = {
        "CNN_ENDPOINT_NAME": GROUP,
        "CNN_RELEASED_VERSION_PARAMETER": PARAMETER,
        "MODEL_PACKAGE_ARN_PREFIX": PREFIX,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    made = {name: boto3.client(name, **keys) for name in ("ssm", "sagemaker", "s3")}
    for module in (released, releases):
        monkeypatch.setattr(module, "client", made.__getitem__)
    return Account(made)


def test_it_answers_with_the_released_version_and_with_the_next_after_the_next_look(
    trained, account, monkeypatch
):
    if trained.kind != "cnn":
        pytest.skip("one network is enough")
    monkeypatch.setitem(operations.RELEASED, "cnn", released.Released("cnn"))
    samples = read_split(trained.channels / "test", "cnn").samples[:5]
    expected = Model(trained.artefact).probabilities(samples)
    account.tells_of("3")
    account.gives("3", archive(trained.artefact))

    answers = [operations.predict("image", sample) for sample in samples]

    assert {(answer.backend, answer.model_name, answer.model_version) for answer in answers} == {
        ("litert", GROUP, "3")
    }
    scores = [[result.score for result in answer.reading.results] for answer in answers]
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    account.tells_of("4")
    account.gives("4", archive(trained.artefact))
    assert operations.predict("image", samples[0]).model_version == "3"
    operations.RELEASED["cnn"].checked -= released.CHECK_SECONDS
    assert operations.predict("image", samples[0]).model_version == "4"
    account.was_asked_everything()
    with pytest.raises(RequestRefused) as refused:
        operations.predict("image", b"no image")
    assert (refused.value.status, refused.value.code) == (400, "UnreadableInput")


@pytest.fixture
def serving_sensor(trained, monkeypatch) -> Model:
    """The tiny network of sensor sequences, as the released RNN."""
    if trained.task.feature != "sequence":
        pytest.skip("one network reads sequences")
    model = Model(trained.artefact)
    held = released.Released("rnn", version="9", model=model)
    held.checked = time.monotonic()
    monkeypatch.setitem(operations.RELEASED, "rnn", held)
    monkeypatch.setenv("RNN_ENDPOINT_NAME", "recognition-dev-rnn")
    return model


def posted(**fields) -> dict:
    """A request in JSON."""
    return {"headers": {"Content-Type": "application/json"}, "body": json.dumps(fields)}


def test_a_sequence_gets_the_networks_classes_in_the_function_and_from_the_endpoint(
    trained, serving_sensor, monkeypatch
):
    """The endpoint's side is the artefact behind the container's own hooks."""
    predictor, handlers = Predictor(trained.artefact), load_handlers(trained.artefact)

    class Endpoint:
        def invoke_endpoint(self, EndpointName, Body, ContentType, Accept):
            context = SimpleNamespace(request_content_type=ContentType, accept_header=Accept)
            found = predictor.predict(handlers.input_handler(io.BytesIO(Body), context))
            try:
                return {"Body": io.BytesIO(handlers.output_handler(found, context)[0].encode())}
            except handlers.Refused as refused:
                told = {"Error": {"Code": "ModelError", "Message": ""}, "OriginalStatusCode": 400}
                assert refused.status.startswith("400")
                raise ClientError(told, "InvokeEndpoint") from refused

    monkeypatch.setattr(custom, "client", lambda _: Endpoint())
    (asked,) = [operation for operation in custom.OPERATIONS if operation.name == "sequence-class"]
    (here,) = [operation for operation in operations.OPERATIONS if operation.name == "sequence-class"]
    samples = read_split(trained.channels / "test", trained.kind).samples[:5]
    expected = serving_sensor.probabilities(samples)
    for sample, wanted in zip(samples, expected, strict=True):
        event = posted(sequence=sample.tolist())
        for operation in (here, asked):
            scores = {
                result.label: result.score for result in operation.run(operation, event).reading.results
            }
            np.testing.assert_allclose([scores[name] for name in serving_sensor.labels], wanted, atol=1e-4)
    for operation in (here, asked):
        with pytest.raises(RequestRefused) as refused:
            operation.run(operation, posted(sequence=[[0.0] * 3] * 1_000))
        assert (refused.value.status, refused.value.code) == (400, "UnreadableInput")


def test_a_network_of_sequences_refuses_a_text_and_one_of_texts_a_sequence(serving_sensor):
    for path, event in (("texts/class", posted(text="A film.")), ("sequences/class", posted(sequence=[[1]]))):
        (operation,) = [operation for operation in operations.OPERATIONS if operation.path == path]
        serving_sensor.feature = "sequence" if "text" in path else "text"
        with pytest.raises(RequestRefused) as refused:
            operation.run(operation, event)
        assert (refused.value.status, refused.value.code) == (400, "UnreadableInput")


def test_before_the_first_release_it_says_so(account):
    for told in (None, releases.NOT_RELEASED):
        account.tells_of(told)
        with pytest.raises(RequestRefused) as refused:
            released.Released("cnn").present()
        assert (refused.value.status, refused.value.code) == (503, "ModelNotReleased")


def test_a_version_without_a_litert_model_is_unavailable_and_the_one_before_is_kept(trained, account):
    if trained.kind != "cnn":
        pytest.skip("one network is enough")
    kept = released.Released("cnn")
    account.tells_of("1")
    account.gives("1", archive(trained.artefact))
    kept.present()
    account.tells_of("2")
    account.gives("2", archive(trained.artefact, without="litert/preprocessing.json"))
    kept.checked -= released.CHECK_SECONDS

    with pytest.raises(RequestRefused) as refused:
        kept.present()

    assert (refused.value.status, refused.value.code) == (503, "ModelFailed")
    assert kept.version == "1"


@pytest.mark.threat
def test_an_artefact_that_was_written_anew_after_its_registration_is_not_loaded(account):
    kept = released.Released("cnn")
    account.tells_of("1")
    account.gives("1", None, etag="abc")
    with pytest.raises(RequestRefused) as refused:
        kept.present()
    assert (refused.value.status, refused.value.code) == (503, "ModelChanged")
    account.was_asked_everything()


def test_compiled_packages_are_used_where_they_were_built_for_alone(monkeypatch):
    path = ["somewhere"]
    monkeypatch.setattr(native.sys, "path", path)
    for machine, expected in (("x86_64", 1), ("aarch64", 2)):
        monkeypatch.setattr(native.platform, "machine", lambda machine=machine: machine)
        monkeypatch.setattr(native, "BUILT_FOR", ("linux", "aarch64", native.sys.version_info[:2]))
        native.add_native_packages()
        native.add_native_packages()
        assert len(path) == expected


@pytest.mark.parametrize(("given", "expected"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "2"}, "2")])
def test_numpy_starts_no_threads_unless_somebody_asks_for_them(monkeypatch, given, expected):
    monkeypatch.setattr(native.os, "environ", given)
    native.add_native_packages()
    assert given["OPENBLAS_NUM_THREADS"] == expected


def test_what_is_locked_for_the_function_is_what_it_was_tested_with():
    from stacks.shared.vendoring import LITERT_LOCK

    locked = {line.split()[0] for line in LITERT_LOCK.read_text().splitlines() if "==" in line}
    for package in ("ai-edge-litert", "simplejpeg", "pillow"):
        assert f"{package}=={version(package)}" in locked
