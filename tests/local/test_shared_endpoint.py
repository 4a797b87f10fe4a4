"""The inference stack with one endpoint for both networks: released by the machine, asked by the API's own code."""

from __future__ import annotations

import json
import os
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from definitions.networks import NETWORKS
from lambdas.common import clients
from lambdas.common.releases import ReleasedVersion
from lambdas.custom import operations
from local_aws.launcher import environment
from stacks.release.record import records
from stacks.release.state_machine import ReleaseContext, definition

from .conftest import INFERENCE_IMAGE, ROLE, archive

STACK = "Recognition-dev-Inference"
SHARED = "recognition-dev-multi-model"
ROOT = Path(__file__).resolve().parents[2]


def inference_stack() -> tuple[dict[str, Any], dict[str, str]]:
    """The template of dev's inference stack with the setting, and the logical ids of its configurations."""
    os.environ.setdefault("JSII_NODE", str(Path(sys.prefix) / "bin" / "node"))
    from aws_cdk import App, DefaultStackSynthesizer
    from aws_cdk.assertions import Template

    from stacks.inference.stack import InferenceStack
    from stacks.settings import load_settings

    environments = json.loads((ROOT / "cdk.json").read_text())["context"]["environments"]
    environments["dev"]["inference"] |= {"multi_model": {}, "instance_type": "ml.c5.xlarge"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CDK_VALIDATION", "false")
        # The embedded AWS of these tests is not bootstrapped, and the stack has nothing that needs it.
        plain = DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
        settings = load_settings("dev", environments)
        stack = InferenceStack(App(), STACK, settings=settings, synthesizer=plain)
        return Template.from_stack(stack).to_json(), stack.configurations()


@dataclass(frozen=True)
class Deployed:
    """The stack with a release machine, by clients of the embedded AWS."""

    client: Any
    bucket: str
    machine: str
    ended: Any

    def register(self, kind: str, content: bytes) -> str:
        """A version with its artefact, and with an evaluation that knows one answer; its ARN."""
        name, s3 = uuid.uuid4().hex, self.client("s3")
        s3.put_object(Bucket=self.bucket, Key=f"training/{name}/model.tar.gz", Body=content)
        known = {"request": '{"instances": [{"text": "ab"}]}', "label": "ab"}
        s3.put_object(Bucket=self.bucket, Key=f"evaluations/{name}/known_input.json", Body=json.dumps(known))
        statistics = {
            "ContentType": "application/json",
            "S3Uri": f"s3://{self.bucket}/evaluations/{name}/evaluation.json",
        }
        url = f"s3://{self.bucket}/training/{name}/model.tar.gz"
        return self.client("sagemaker").create_model_package(
            ModelPackageGroupName=f"recognition-dev-{kind}",
            ModelApprovalStatus="Approved",
            ModelMetrics={"ModelQuality": {"Statistics": statistics}},
            InferenceSpecification={
                "Containers": [{"Image": INFERENCE_IMAGE, "ModelDataUrl": url}],
                "SupportedContentTypes": ["text/plain"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
        )["ModelPackageArn"]

    def release(self, arn: str) -> dict[str, Any]:
        """One execution of the release machine, ended."""
        states = self.client("stepfunctions")
        started = states.start_execution(
            stateMachineArn=self.machine, input=json.dumps({"model_package_arn": arn})
        )
        return self.ended(states, started["executionArn"])

    def configuration(self) -> str:
        """The endpoint's configuration."""
        return self.client("sagemaker").describe_endpoint(EndpointName=SHARED)["EndpointConfigName"]


@pytest.fixture(scope="module")
def deployed(client, bucket, ended_execution):
    """The stack, before its first release."""
    key_arn = client("kms").create_key()["KeyMetadata"]["Arn"]
    for name, value in {"key-arn": key_arn, "model-bucket": bucket, "data-bucket": bucket}.items():
        client("ssm").put_parameter(Name=f"/recognition/dev/{name}", Value=value, Type="String")
    for kind in ("cnn", "rnn"):
        client("sagemaker").create_model_package_group(ModelPackageGroupName=f"recognition-dev-{kind}")
    template, configurations = inference_stack()
    stacks = client("cloudformation")
    stacks.create_stack(StackName=STACK, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])
    quickly = {"Delay": 1, "MaxAttempts": 240}
    stacks.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig=quickly)
    for name in records("dev").values():
        client("ssm").put_parameter(Name=name, Value="{}", Type="String")
    machine = client("stepfunctions").create_state_machine(
        name="release-to-the-shared-endpoint",
        definition=json.dumps(definition(ReleaseContext("dev", STACK, configurations, ROLE, SHARED))),
        roleArn=ROLE,
    )["stateMachineArn"]
    yield Deployed(client, bucket, machine, ended_execution)
    stacks.delete_stack(StackName=STACK)
    stacks.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig=quickly)


@pytest.fixture
def ask(aws, monkeypatch):
    """Asks a network as the API's function does; gives its score and version."""
    variables = environment(aws.endpoint_url, aws.keys) | {"SHARED_ENDPOINT_NAME": SHARED}
    for kind in ("cnn", "rnn"):
        variables[f"{kind.upper()}_ENDPOINT_NAME"] = f"recognition-dev-{kind}"
        variables[f"{kind.upper()}_RELEASED_VERSION_PARAMETER"] = f"/recognition/dev/{kind}-released-version"
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    clients.client_with.cache_clear()

    def asked(kind: str) -> tuple[float, str | None]:
        # As in a function's environment that has just started.
        monkeypatch.setitem(operations.RELEASED, kind, ReleasedVersion(kind))
        feature = NETWORKS[kind].features[0]
        (operation,) = (
            candidate for candidate in operations.OPERATIONS if candidate.name == f"{feature}-class"
        )
        answer = operations.invoke(feature, operation, {}, b"ab", "text/plain")
        return round(answer.reading.results[0].score, 3), answer.model_version

    yield asked
    clients.client_with.cache_clear()


def test_two_networks_share_an_endpoint_and_a_bad_version_never_serves(deployed, ask, artefact):
    for kind, factor in (("cnn", 0.1), ("rnn", 0.2)):
        released = deployed.release(deployed.register(kind, artefact(factor)))
        assert released["status"] == "SUCCEEDED", released.get("cause")
    before = deployed.configuration()
    assert (ask("cnn"), ask("rnn")) == ((0.2, "1"), (0.4, "1"))

    bad = deployed.release(deployed.register("rnn", archive({"1/saved_model.pb": b"damaged"})))
    assert bad["status"] == "FAILED"
    assert "does not answer a known input" in bad["cause"]
    assert bad["cause"].endswith("The endpoint keeps the model it had.")
    assert ask("rnn") == (0.4, "1")

    better = deployed.release(deployed.register("rnn", artefact(0.4)))
    assert better["status"] == "SUCCEEDED", better.get("cause")
    assert (ask("cnn"), ask("rnn")) == ((0.2, "1"), (0.8, "3"))
    assert deployed.configuration() == before
