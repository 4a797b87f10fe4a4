"""The released version in our own container and in a function answers as TensorFlow's container does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cli import release
from stacks.lambda_code import write_function_code

from .reviews import BAD, GOOD, classify


def test_our_own_container_answers_as_tensorflows_does(target, released, local_model):
    """The version names our image beside AWS's; a model chooses it by its specification's name."""
    sagemaker, parameters = target.client("sagemaker"), target.client("ssm")
    name, image = "litert-beside", "111122223333.dkr.ecr.us-east-1.amazonaws.com/recognition-serving:1"
    parameter = "/recognition/dev/litert-image"
    parameters.put_parameter(Name=parameter, Value=image, Type="String")
    version = release.register_local_model(target, "rnn", local_model)
    parameters.delete_parameter(Name=parameter)
    container = {
        "ModelPackageName": release.describe_version(target, "rnn", version)["ModelPackageArn"],
        "InferenceSpecificationName": "litert",
        "Environment": {"MODEL_VERSION": version},
    }
    role = "arn:aws:iam::000000000000:role/serving"
    sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role)
    variant = {"VariantName": "primary", "ModelName": name, "InstanceType": "ml.c7g.large"}
    variant["InitialInstanceCount"] = 1
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    for word in (*GOOD, *BAD):
        text = f"A {word} film.".encode()
        answers = [
            json.loads(
                target.client("sagemaker-runtime")
                .invoke_endpoint(EndpointName=endpoint, Body=text, ContentType="text/plain")["Body"]
                .read()
            )["predictions"][0]
            for endpoint in (name, "recognition-dev-rnn")
        ]
        assert [one["model_version"] for one in answers] == [version, released]
        assert answers[0]["label"] == answers[1]["label"]
        assert answers[0]["score"] == pytest.approx(answers[1]["score"], abs=1e-4)
    sagemaker.delete_endpoint(EndpointName=name)


def test_the_function_with_litert_answers_as_the_endpoint_does(target, released, tmp_path):
    """The code that `api.own_backend: litert` deploys, but for the packages built for Lambda's processor."""
    code = write_function_code("litert", tmp_path / "code", ("serving",), ("custom",))
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
        Role="arn:aws:iam::000000000000:role/litert",
        Handler="lambdas.litert.handler.handler",
        Code={"ZipFile": Path(archive).read_bytes()},
        Environment={"Variables": variables},
        Timeout=28,
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="litert")

    def classified(path: str, text: str) -> dict:
        event = {
            "path": path,
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
        found, expected = json.loads(answer["body"]), classify(target, f"A {word} film.").body
        assert (found["backend"], found["model"]) == ("litert", expected["model"])
        assert [one["label"] for one in found["results"]] == [one["label"] for one in expected["results"]]
        for one, other in zip(found["results"], expected["results"], strict=True):
            assert one["score"] == pytest.approx(other["score"], abs=1e-4)
    unreleased = classified("/images/class", "")
    assert unreleased["statusCode"] in (400, 415), "a body is looked at before a model is fetched"
    functions.delete_function(FunctionName="litert")
