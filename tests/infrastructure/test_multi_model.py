"""One endpoint for both networks: what there is of it, who may ask what, and how a version comes to it."""

from __future__ import annotations

import copy
import json

import pytest

from local_aws.sagemaker.shapes import Shapes
from stacks.release.state_machine import definition
from stacks.settings import SettingsRefused, load_settings

from .calls import actions_of, machines_of, missing_and_idle, needlessly_wide, not_embedded, resources_of
from .calls import statements_of as statements_in
from .conftest import checked_templates
from .interpreter import reachable
from .release_runs import SHARED, TARGET, Aws
from .sagemaker_requests import requests_of, settings_with
from .updates import update_to

SEVERAL = {"multi_model": {}, "instance_type": "ml.c5.xlarge"}
NAME = "recognition-dev-multi-model"


@pytest.fixture(scope="module")
def templates(tmp_path_factory) -> dict[str, dict]:
    """dev's templates with one endpoint for both networks; cdk-nag finds nothing that is not acknowledged."""
    chosen = settings_with(SEVERAL, {"policies": {"text-sentiment": {"backend": "own"}}})
    chosen["dev"] |= {"monitoring": {"dashboard": True}, "scheduled_shutdown": {"idle_hours": 4}}
    return checked_templates(chosen, tmp_path_factory.mktemp("several"))


def test_one_endpoint_takes_the_place_of_one_for_each_network(templates, of_type):
    inference = templates["Inference"]
    (endpoint,) = of_type(inference, "AWS::SageMaker::Endpoint")
    assert endpoint["EndpointName"] == NAME
    containers = [resource["PrimaryContainer"] for resource in of_type(inference, "AWS::SageMaker::Model")]
    (several,) = [container for container in containers if container.get("Mode") == "MultiModel"]
    assert several["ModelDataUrl"]["Fn::Join"][1][-1] == "/multi-model/"
    assert several["MultiModelConfig"] == {"ModelCacheSetting": "Enabled"}
    assert "ModelPackageName" not in several
    (config,) = of_type(inference, "AWS::SageMaker::EndpointConfig")
    assert config["ProductionVariants"][0]["InstanceType"] == "ml.c5.xlarge"


def test_sagemaker_would_take_every_request(templates):
    shapes = Shapes("sagemaker")
    asked = list(requests_of(templates["Inference"]))
    assert sorted(operation for operation, _ in asked) == [
        "CreateEndpoint",
        "CreateEndpointConfig",
        *["CreateModel"] * 3,
    ]
    for operation, request in asked:
        shapes.check_request(operation, request)


def test_it_is_there_while_any_version_is_released(templates):
    resources, conditions = templates["Inference"]["Resources"], templates["Inference"]["Conditions"]
    (condition,) = {
        resource["Condition"]
        for name, resource in resources.items()
        if resource["Type"]
        in ("AWS::SageMaker::Endpoint", "AWS::SageMaker::EndpointConfig", "AWS::CloudWatch::Alarm")
    }
    assert conditions[condition] == {
        "Fn::Or": [{"Condition": "CnnIsReleased"}, {"Condition": "RnnIsReleased"}]
    }


def test_a_release_changes_nothing_of_the_endpoint(templates):
    """Whatever names a version is of a kind's model or record, and not of the endpoint."""
    for name, resource in templates["Inference"]["Resources"].items():
        if "ModelVersion" in json.dumps(resource.get("Properties", {})):
            assert resource["Type"] in ("AWS::SageMaker::Model", "AWS::SSM::Parameter"), name


def test_containers_read_what_was_released_and_the_release_machine_alone_writes_it(templates):
    readers, writers = set(), set()
    for part, template in templates.items():
        for statement in statements_in(template):
            if "/multi-model/*" in json.dumps(resources_of(statement)):
                for action in actions_of(statement):
                    {"s3:GetObject": readers, "s3:PutObject": writers}[action].add(part)
    assert (readers, writers) == ({"Inference"}, {"Release"})


def test_cfn_lint_finds_nothing_in_them(templates, lint):
    lint({part: templates[part] for part in ("Inference", "Release")})


def test_the_machines_may_make_exactly_the_calls_that_they_make(templates):
    machines = machines_of(templates["Release"])
    assert len(machines) == 2
    for machine, role in machines:
        assert missing_and_idle(templates["Release"], machine, role) == (set(), set())
        assert not_embedded(machine) == set()
    assert needlessly_wide(templates) == []


@pytest.mark.parametrize(("part", "function"), [("Api", "custom"), ("Api", "language"), ("Bulk", "bulk")])
def test_whoever_asks_our_networks_knows_the_endpoint_and_the_record_of_releases(
    templates, of_type, part, function
):
    (resources,) = [
        resource
        for resource in of_type(templates[part], "AWS::Lambda::Function")
        if resource.get("Handler") == f"lambdas.{function}.handler.handler"
    ]
    variables = resources["Environment"]["Variables"]
    assert variables["SHARED_ENDPOINT_NAME"] == NAME
    assert variables["RNN_RELEASED_VERSION_PARAMETER"] == "/recognition/dev/rnn-released-version"
    role = resources["Role"]["Fn::GetAtt"][0]
    granted = {
        action: json.dumps(statement["Resource"])
        for resource in of_type(templates[part], "AWS::IAM::Policy")
        if {"Ref": role} in resource["Roles"]
        for statement in resource["PolicyDocument"]["Statement"]
        for action in actions_of(statement)
    }
    assert f"endpoint/{NAME}" in granted["sagemaker:InvokeEndpoint"]
    assert "recognition/dev/rnn-released-version" in granted["ssm:GetParameter"]


def test_the_dashboard_shows_the_endpoint_that_there_is(templates, of_type):
    (dashboard,) = of_type(templates["Watching"], "AWS::CloudWatch::Dashboard")
    body = json.dumps(dashboard["DashboardBody"])
    assert NAME in body
    assert "recognition-dev-cnn" not in body


def test_idleness_is_the_shared_endpoints(templates):
    (shutdown,) = [
        machine for machine, _ in machines_of(templates["Release"]) if "CountRequests" in machine["States"]
    ]
    dimensions = shutdown["States"]["CountRequests"]["Arguments"]["Dimensions"]
    assert {"Name": "EndpointName", "Value": NAME} in dimensions


def test_a_version_is_copied_below_the_prefix_and_asked_before_any_caller_asks_it():
    aws = Aws(SHARED)
    done = aws.release()
    assert done.output == {"endpoint": "recognition-dev-rnn", "version": "7"}
    assert aws.copies == [
        {
            "Bucket": "models",
            "Key": f"multi-model/{TARGET}",
            "CopySource": "models/training/rnn-1/output/model.tar.gz",
            "CopySourceIfMatch": "abc",
        }
    ]
    assert done.states.index("CopyArtefact") < done.states.index("Rehearse") < done.states.index("Update")
    (update,) = aws.updates
    assert update == {**update, **update_to("7")}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"model_error": "Received server error (500)"}, "Received server error (500)"),
        ({"label": "negative"}, "where positive is known"),
    ],
)
def test_a_version_that_does_not_answer_is_never_released(fault, reason):
    aws = Aws(SHARED, **fault)
    cause = aws.release().cause
    assert reason in cause
    assert cause.startswith("Version 7 of recognition-dev-rnn does not answer a known input: ")
    assert cause.endswith("The endpoint keeps the model it had.")
    assert aws.updates == []


def test_a_kinds_first_version_creates_the_endpoint_or_comes_to_the_other_kinds():
    done = Aws(SHARED, parameters={"RnnModelVersion": ""}).release()
    assert done.error is None
    assert "Rehearse" not in done.states, "nobody asks this kind, and the endpoint may not be there"
    assert done.states.index("Update") < done.states.index("AskEndpoint")


def test_a_version_without_its_artefact_touches_neither_the_prefix_nor_the_stack():
    aws = Aws(SHARED, artefact_deleted=True)
    assert "its artefact" in aws.release().cause
    assert (aws.copies, aws.updates) == ([], [])


def test_every_state_can_be_reached():
    machine = definition(SHARED)
    assert reachable(machine) == set(machine["States"])


@pytest.mark.parametrize(
    ("inference", "said"),
    [
        ({"instance_type": "ml.g5.xlarge"}, "by Triton alone"),
        ({"autoscaling": {"maximum_instances": 2}}, "every minute"),
        ({"shadow_percent": 10}, "without the name of the model"),
        (
            {
                "container": "litert",
                "litert_image_uri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/recognition-serving:1",
            },
            "our own server holds one model",
        ),
        (
            {
                "container": "litert",
                "litert_image_uri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/recognition-serving:1",
                "serverless": {},
            },
            "endpoints of instances only",
        ),
    ],
)
def test_what_multi_model_endpoints_do_not_take_is_refused(inference, said):
    with pytest.raises(SettingsRefused, match=said):
        load_settings("dev", settings_with({**SEVERAL, **inference}, {}))


def test_captures_that_do_not_say_who_was_asked_are_refused():
    chosen = copy.deepcopy(settings_with(SEVERAL, {}))
    chosen["dev"]["monitoring"] = {"capture": {}}
    with pytest.raises(SettingsRefused, match="does not say which model was asked"):
        load_settings("dev", chosen)
