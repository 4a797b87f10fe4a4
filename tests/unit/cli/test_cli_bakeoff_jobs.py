"""A bake-off's jobs have what the training state machine's jobs have, on the hosts that the settings name."""

from __future__ import annotations

import json
from types import SimpleNamespace

import botocore.session
import pytest
from botocore.validate import validate_parameters

from bakeoff.candidates import TRAINED
from bakeoff.contest import ContestSettings
from cli.bakeoff.jobs import jobs_of
from stacks.settings import load_settings
from stacks.shared.job_context import JobContext
from stacks.training.state_machine import definition

ROLE, KEY = "arn:aws:iam::123456789012:role/jobs", "arn:aws:kms:us-east-1:123456789012:key/one"
NETWORK = {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
FALLBACK = {"instance_type": "ml.g5.xlarge", "fallback_instance_types": ["ml.g6.xlarge"]}


def jobs(vpc: dict | None, training: dict):
    """The jobs of a deployment with these settings."""
    settings = load_settings("dev", {"dev": {"training": training}})
    context = JobContext(
        data_bucket="data",
        model_bucket="models",
        key_arn=KEY,
        role_arn=ROLE,
        code_bucket="assets",
        code_key="source.tar.gz",
        training_image="tensorflow-training:2.21",
        processing_image="tensorflow-training:2.21",
        inference_image="tensorflow-inference:2.20",
        cpu_inference_image="tensorflow-inference:2.20",
        version_arns={},
        inference_stack="inference",
        vpc=vpc,
    )
    machine = {"definition": json.dumps(definition(settings, context))}
    states = SimpleNamespace(describe_state_machine=lambda stateMachineArn: machine)
    target = SimpleNamespace(
        client=lambda service: states if service == "stepfunctions" else service, parameter=lambda name: name
    )
    return jobs_of(target, settings)


@pytest.fixture(scope="module")
def shape():
    """What CreateTrainingJob takes."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    return model.operation_model("CreateTrainingJob").input_shape


@pytest.mark.parametrize(("vpc", "training"), [(None, {}), (NETWORK, FALLBACK)])
def test_every_candidates_job_is_one_that_sagemaker_takes(shape, vpc, training):
    made = jobs(vpc, training)
    for candidate in TRAINED.values():
        request = made.request_for(candidate, ContestSettings(60.0))
        validate_parameters(request, shape)
        assert "{%" not in json.dumps(request), "an expression of the state machine's is no value"
        assert request.get("VpcConfig") == vpc
        assert (request["RoleArn"], request["EnableNetworkIsolation"]) == (ROLE, True)
        assert request["OutputDataConfig"] == {"S3OutputPath": "s3://models/training", "KmsKeyId": KEY}


def test_networks_get_the_training_hosts_and_the_others_the_evaluation_hosts():
    resources = jobs(None, {}).site.resources
    assert resources["cnn"]["InstanceType"] == resources["rnn"]["InstanceType"] == "ml.g5.xlarge"
    assert resources["traditional"]["InstanceType"] == "ml.m5.xlarge"
    # A host with disks of its own takes no key for its volume.
    assert ("VolumeKmsKeyId" in resources["cnn"], resources["traditional"]["VolumeKmsKeyId"]) == (False, KEY)
