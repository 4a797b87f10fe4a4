"""Ways of serving the released version: our own container, a function, a shadow, batch transform."""

from __future__ import annotations

import base64
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.models import own_model, release, transform
from cli.models.archive import Model
from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from stacks.settings.inference import TransformSettings
from stacks.shared.lambda_assets import write_function_code

from .reviews import BAD, GOOD, classify, silent


@pytest.fixture
def bucket(target) -> str:
    """The data bucket."""
    return target.parameter("data-bucket")


@dataclass(frozen=True)
class OwnContainer:
    """The first version's artefact behind our own container, which starts in a moment: a registered version."""

    target: Target
    version: str
    package_arn: str
    role_arn: str

    def model(self, name: str, answering_as: str) -> str:
        """A model of SageMaker whose answers name a version; its name."""
        container = {
            "ModelPackageName": self.package_arn,
            "InferenceSpecificationName": "litert",
            "Environment": {"MODEL_VERSION": answering_as},
        }
        self.target.client("sagemaker").create_model(
            ModelName=name, PrimaryContainer=container, ExecutionRoleArn=self.role_arn
        )
        return name

    def serve(self, name: str, **config: Any) -> None:
        """An endpoint in service, of a configuration."""
        sagemaker = self.target.client("sagemaker")
        sagemaker.create_endpoint_config(EndpointConfigName=name, **config)
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        sagemaker.get_waiter("endpoint_in_service").wait(
            EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 240}
        )

    def predict(self, endpoint: str, text: str) -> dict[str, Any]:
        """What an endpoint says of a text."""
        answer = self.target.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, Body=text.encode(), ContentType="text/plain"
        )
        return json.loads(answer["Body"].read())["predictions"][0]


@pytest.fixture(scope="module")
def own_container(target, role_of, local_model) -> OwnContainer:
    """A version that names our image beside AWS's; a model chooses it by its specification's name."""
    parameters, name = target.client("ssm"), "/recognition/dev/litert-image"
    image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/recognition-serving:1"
    parameters.put_parameter(Name=name, Value=image, Type="String")
    version = own_model.register(target, "rnn", Model(local_model), "Approved")
    parameters.delete_parameter(Name=name)
    package_arn = release.describe_version(target, "rnn", version)["ModelPackageArn"]
    return OwnContainer(target, version, package_arn, role_of(target.client("iam"), "serving"))


def variant(name: str, model: str) -> dict[str, Any]:
    """A variant of one instance."""
    return {
        "VariantName": name,
        "ModelName": model,
        "InstanceType": "ml.c7g.large",
        "InitialInstanceCount": 1,
    }


def test_our_own_container_answers_as_tensorflows_does(target, released, own_container):
    name = own_container.model("litert-beside", own_container.version)
    own_container.serve(name, ProductionVariants=[variant("primary", name)])
    for word in (*GOOD, *BAD):
        answers = [
            own_container.predict(endpoint, f"A {word} film.") for endpoint in (name, "recognition-dev-rnn")
        ]
        assert [answer["model_version"] for answer in answers] == [own_container.version, released]
        assert answers[0]["label"] == answers[1]["label"]
        assert answers[0]["score"] == pytest.approx(answers[1]["score"], abs=1e-4)
    target.client("sagemaker").delete_endpoint(EndpointName=name)


def test_a_shadow_gets_the_endpoints_requests_and_its_answers_are_only_captured(
    target, own_container, bucket
):
    models = [own_container.model(name, name) for name in ("in-the-light", "in-the-shadow")]
    options = [{"CaptureMode": mode} for mode in ("Input", "Output")]
    own_container.serve(
        "shadowed",
        ProductionVariants=[variant("primary", models[0])],
        ShadowProductionVariants=[variant("shadow", models[1])],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{bucket}/captured",
            "CaptureOptions": options,
        },
    )
    described = target.client("sagemaker").describe_endpoint(EndpointName="shadowed")
    assert [variant["VariantName"] for variant in described["ShadowProductionVariants"]] == ["shadow"]
    texts = {f"A {word} film." for word in GOOD}
    assert {own_container.predict("shadowed", text)["model_version"] for text in texts} == {models[0]}
    s3 = target.client("s3")
    for name, model in zip(("primary", "shadow"), models, strict=True):
        captured = wait_for_objects(s3, bucket, f"captured/shadowed/{name}/", len(texts))
        sides = [json.loads(capture)["captureData"] for capture in captured]
        assert {base64.b64decode(side["endpointInput"]["data"]).decode() for side in sides} == texts
        answers = [json.loads(base64.b64decode(side["endpointOutput"]["data"])) for side in sides]
        assert {answer["predictions"][0]["model_version"] for answer in answers} == {model}
    target.client("sagemaker").delete_endpoint(EndpointName="shadowed")


def settled(sagemaker: Any, name: str) -> dict[str, Any]:
    """An inference component once nothing of it changes any more."""
    deadline = time.monotonic() + 240
    while True:
        answered = sagemaker.describe_inference_component(InferenceComponentName=name)
        if answered["InferenceComponentStatus"] not in ("Creating", "Updating"):
            return answered
        assert time.monotonic() < deadline, answered
        time.sleep(0.1)


def test_a_component_without_a_copy_refuses_and_gets_its_copy_back(target, own_container):
    sagemaker, runtime = target.client("sagemaker"), target.client("sagemaker-runtime")
    models = [own_container.model(name, name) for name in ("first-of-component", "second-of-component")]
    instances = {key: value for key, value in variant("primary", "").items() if key != "ModelName"}
    own_container.serve("to-zero", ProductionVariants=[instances], ExecutionRoleArn=own_container.role_arn)
    needs = {"NumberOfCpuCoresRequired": 1, "MinMemoryRequiredInMb": 128}
    named = {"InferenceComponentName": "component"}

    def specification(model: str) -> dict[str, Any]:
        return {"ModelName": model, "ComputeResourceRequirements": needs}

    def answers_as() -> str:
        answer = runtime.invoke_endpoint(
            EndpointName="to-zero",
            InferenceComponentName="component",
            Body=b"A film.",
            ContentType="text/plain",
        )
        return json.loads(answer["Body"].read())["predictions"][0]["model_version"]

    def scale(copies: int) -> None:
        sagemaker.update_inference_component_runtime_config(
            **named, DesiredRuntimeConfig={"CopyCount": copies}
        )
        assert settled(sagemaker, "component")["RuntimeConfig"] == {
            "DesiredCopyCount": copies,
            "CurrentCopyCount": copies,
        }

    sagemaker.create_inference_component(
        **named,
        EndpointName="to-zero",
        VariantName="primary",
        Specification=specification(models[0]),
        RuntimeConfig={"CopyCount": 1},
    )
    assert (settled(sagemaker, "component")["InferenceComponentStatus"], answers_as()) == (
        "InService",
        models[0],
    )
    with pytest.raises(runtime.exceptions.ClientError, match="wants the name of an inference component"):
        own_container.predict("to-zero", "A film.")
    scale(0)
    with pytest.raises(runtime.exceptions.ClientError, match="has no capacity"):
        answers_as()
    scale(2)
    assert answers_as() == models[0]
    sagemaker.update_inference_component(**named, Specification=specification(models[1]))
    assert settled(sagemaker, "component")["RuntimeConfig"]["CurrentCopyCount"] == 2
    assert answers_as() == models[1]
    with pytest.raises(sagemaker.exceptions.ClientError, match="has inference components"):
        sagemaker.delete_endpoint(EndpointName="to-zero")
    sagemaker.delete_inference_component(**named)
    sagemaker.delete_endpoint(EndpointName="to-zero")


def test_a_stack_changes_a_components_model_and_not_the_number_of_its_copies(target, own_container):
    sagemaker, stacks = target.client("sagemaker"), target.client("cloudformation")
    models = [own_container.model(name, name) for name in ("first-of-stack", "second-of-stack")]
    needs = {"NumberOfCpuCoresRequired": 1, "MinMemoryRequiredInMb": 128}
    instances = {"VariantName": "primary", "InstanceType": "ml.c7g.large", "InitialInstanceCount": 1}
    config = {
        "EndpointConfigName": "of-stack",
        "ExecutionRoleArn": own_container.role_arn,
        "ProductionVariants": [instances],
    }
    endpoint = {
        "EndpointName": "of-stack",
        "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
    }

    def template(model: str) -> str:
        component = {
            "InferenceComponentName": "of-stack",
            "EndpointName": {"Ref": "Endpoint"},
            "VariantName": "primary",
            "Specification": {"ModelName": model, "ComputeResourceRequirements": needs},
            "RuntimeConfig": {"CopyCount": 1},
        }
        resources = {"EndpointConfig": config, "Endpoint": endpoint, "InferenceComponent": component}
        ids = {"EndpointConfig": "Config"}
        return json.dumps(
            {
                "Resources": {
                    ids.get(kind, kind): {"Type": f"AWS::SageMaker::{kind}", "Properties": properties}
                    for kind, properties in resources.items()
                }
            }
        )

    named = {"InferenceComponentName": "of-stack"}
    quickly = {"Delay": 1, "MaxAttempts": 240}
    stacks.create_stack(StackName="components", TemplateBody=template(models[0]))
    stacks.get_waiter("stack_create_complete").wait(StackName="components", WaiterConfig=quickly)
    sagemaker.update_inference_component_runtime_config(**named, DesiredRuntimeConfig={"CopyCount": 3})
    settled(sagemaker, "of-stack")
    stacks.update_stack(StackName="components", TemplateBody=template(models[1]))
    stacks.get_waiter("stack_update_complete").wait(StackName="components", WaiterConfig=quickly)
    answered = sagemaker.describe_inference_component(**named)
    assert (answered["Specification"]["ModelName"], answered["RuntimeConfig"]["CurrentCopyCount"]) == (
        models[1],
        3,
    )
    stacks.delete_stack(StackName="components")
    stacks.get_waiter("stack_delete_complete").wait(StackName="components", WaiterConfig=quickly)
    with pytest.raises(sagemaker.exceptions.ClientError, match="Could not find"):
        sagemaker.describe_inference_component(**named)


def wait_for_objects(s3: Any, bucket: str, prefix: str, count: int) -> list[bytes]:
    """The contents of so many objects below a prefix, once they are there."""
    deadline = time.monotonic() + 240
    while True:
        keys = [
            entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        ]
        if len(keys) >= count:
            return [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
        assert time.monotonic() < deadline, f"{prefix} has {keys}"
        time.sleep(0.2)


def test_the_released_version_transforms_a_file_of_lines_in_their_order(target, released, tmp_path):
    """What `recognition transform` does, but for the words of its progress."""
    words = [*GOOD, *BAD] * 3
    lines = [json.dumps({"text": f"A {word} film."}) for word in words]
    (tmp_path / "reviews.jsonl").write_text("\n".join(lines))
    source, output = str(tmp_path / "reviews.jsonl"), tmp_path / "answers.jsonl"
    job = transform.start(target, "rnn", source, TransformSettings(), silent)
    transform.wait(target, job, silent)
    assert transform.fetch(target, job, output) == len(words)
    answers = [json.loads(line) for line in output.read_text().splitlines()]
    assert [answer["label"] for answer in answers] == [
        "positive" if word in GOOD else "negative" for word in words
    ]
    assert [answer["line"] for answer in answers] == list(range(1, len(words) + 1))
    assert {answer["object"] for answer in answers} == {"reviews.jsonl"}
    assert {answer["model_version"] for answer in answers} == {released}
    asked = classify(target, f"A {words[0]} film.").body["results"][0]["score"]
    assert answers[0]["score"] == pytest.approx(asked, abs=1e-4)
    with pytest.raises(CommandFailed, match="recognition release cnn"):
        transform.released_model(target, "cnn")


def test_an_object_with_a_bad_record_fails_the_job_and_the_others_are_answered(target, own_container, bucket):
    model, place = own_container.model("transforming", "transforming"), f"s3://{bucket}/transform/by-hand"
    s3 = target.client("s3")
    good = b"\n".join(json.dumps({"text": f"A {word} film."}).encode() for word in GOOD)
    for name, content in {"in/good.jsonl": good, "in/sub/bad.jsonl": good + b"\n{"}.items():
        s3.put_object(Bucket=bucket, Key=f"transform/by-hand/{name}", Body=content)
    uri = f"s3://{bucket}/transform/by-hand"
    request = transform.job_request(
        "by-hand", model, "application/jsonlines", f"{uri}/in", f"{uri}/out", "", TransformSettings()
    )
    del request["TransformResources"]["VolumeKmsKeyId"], request["TransformOutput"]["KmsKeyId"]
    target.client("sagemaker").create_transform_job(**request)
    with pytest.raises(CommandFailed, match="Failed: .* 1 of 2 .* transform/by-hand/in/sub/bad.jsonl"):
        transform.wait(target, transform.Transform("by-hand", model, f"{place}/out"), silent)
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="transform/by-hand/out/")["Contents"]
    assert [summary["Key"] for summary in listed] == ["transform/by-hand/out/good.jsonl.out"]
    answers = s3.get_object(Bucket=bucket, Key=listed[0]["Key"])["Body"].read().decode().splitlines()
    assert [json.loads(answer)["label"] for answer in answers] == ["positive"] * len(GOOD)


def test_a_transform_that_is_stopped_asks_nothing_more(target, own_container, bucket):
    """One line a request, and so many that it cannot end before it hears of the stop."""
    model, sagemaker = own_container.model("stopping", "stopping"), target.client("sagemaker")
    lines = b"\n".join([b'{"text": "A film."}'] * 100_000)
    target.client("s3").put_object(Bucket=bucket, Key="transform/stopped/in/lines.jsonl", Body=lines)
    uri = f"s3://{bucket}/transform/stopped"
    request = transform.job_request(
        "stopped", model, "application/jsonlines", f"{uri}/in", f"{uri}/out", "", TransformSettings()
    )
    del request["TransformResources"]["VolumeKmsKeyId"], request["TransformOutput"]["KmsKeyId"]
    sagemaker.create_transform_job(**request | {"BatchStrategy": "SingleRecord"})
    sagemaker.stop_transform_job(TransformJobName="stopped")
    with pytest.raises(CommandFailed, match="ended as Stopped"):
        transform.wait(target, transform.Transform("stopped", model, f"{uri}/out"), silent)
    assert "Contents" not in target.client("s3").list_objects_v2(
        Bucket=bucket, Prefix="transform/stopped/out"
    )


def test_the_function_with_litert_answers_as_the_endpoint_does(target, role_of, released, tmp_path):
    """The code that `api.own_backend: litert` deploys, but for the packages built for Lambda's processor."""
    code = write_function_code("litert", tmp_path / "code", ("serving", "model_code"), ("custom",))
    archive = shutil.make_archive(str(tmp_path / "function"), "zip", code)
    packages = "arn:aws:sagemaker:us-east-1:000000000000:model-package/"
    variables = {"MODEL_PACKAGE_ARN_PREFIX": packages, "POWERTOOLS_METRICS_NAMESPACE": "Recognition"}
    for kind in ("cnn", "rnn"):
        variables[f"{kind.upper()}_ENDPOINT_NAME"] = f"recognition-dev-{kind}"
        parameter = f"/recognition/dev/{kind}-released-version"
        variables[f"{kind.upper()}_RELEASED_VERSION_PARAMETER"] = parameter
    functions = target.client("lambda")
    functions.create_function(
        FunctionName="litert",
        Runtime="python3.14",
        Role=role_of(target.client("iam"), "litert"),
        Handler="lambdas.litert.handler.handler",
        Code={"ZipFile": Path(archive).read_bytes()},
        Environment={"Variables": variables},
        Timeout=28,
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="litert")

    def classified(path: str, text: str) -> dict:
        event = {
            "resource": path,
            "httpMethod": "POST",
            "headers": {"Content-Type": "text/plain"},
            "body": text,
            "requestContext": {},
        }
        answer = functions.invoke(FunctionName="litert", Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read())

    for word in (*GOOD, *BAD):
        answer = classified("/texts/class", f"A {word} film.")
        assert answer["statusCode"] == 200, answer
        answered, expected = json.loads(answer["body"]), classify(target, f"A {word} film.").body
        assert (answered["backend"], answered["model"]) == ("litert", expected["model"])
        assert [result["label"] for result in answered["results"]] == [
            result["label"] for result in expected["results"]
        ]
        for result, other in zip(answered["results"], expected["results"], strict=True):
            assert result["score"] == pytest.approx(other["score"], abs=1e-4)
    unreleased = classified("/images/class", "")
    assert unreleased["statusCode"] in (400, 415), "a body is looked at before a model is fetched"
    functions.delete_function(FunctionName="litert")
