"""What AWS does and an emulator hides, held over the templates with everything that the settings can switch on."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest

from stacks.settings.container_images import ENDPOINT_GPU_HOST
from stacks.settings.instance_families import has_gpu

from .calls import actions_of, machines_of, resources_of
from .conftest import checked_templates
from .grants import matches, may, policies_of, role_of_service, roles_of, written
from .sagemaker_requests import settings_with
from .test_options import EVERYTHING

GPU = "ml.g5.xlarge"
ON_GPUS = {
    "instance_type": GPU,
    "shadow_percent": 20,
    "asynchronous": {"instance_type": GPU},
    "scale_to_zero": {"instance_type": GPU},
}
LOGGED = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
ACCOUNT = "us-east-1:<AWS::AccountId>"


@pytest.fixture(scope="module")
def on_gpus(tmp_path_factory) -> dict[str, dict]:
    """dev's templates with every option, and every endpoint on GPUs."""
    environments = settings_with(ON_GPUS, {})
    environments["dev"] |= EVERYTHING
    return checked_templates(environments, tmp_path_factory.mktemp("on-gpus"))


def variants_of(value: Any) -> list[dict]:
    """Every variant of instances, wherever in a template it stands."""
    if isinstance(value, list):
        return [variant for element in value for variant in variants_of(element)]
    if not isinstance(value, dict):
        return []
    return ([value] if "InstanceType" in value else []) + variants_of(list(value.values()))


def test_every_variant_with_a_gpu_names_the_host_that_starts_the_image(on_gpus, templates):
    """Without it the container does not start and logs nothing."""
    variants = variants_of(on_gpus["Inference"])
    assert len(variants) == 8, "the endpoint, its shadow and both second endpoints, for two kinds"
    for variant in [*variants, *variants_of(templates["Inference"])]:
        expected = ENDPOINT_GPU_HOST if has_gpu(variant["InstanceType"]) else None
        assert variant.get("InferenceAmiVersion") == expected


def test_a_components_copy_has_the_instances_gpu_and_workers_for_its_cores(on_gpus, of_type):
    inference = on_gpus["Inference"]
    components = of_type(inference, "AWS::SageMaker::InferenceComponent")
    assert len(components) == 2
    for component in components:
        needs = component["Specification"]["ComputeResourceRequirements"]
        assert needs["NumberOfAcceleratorDevicesRequired"] == 1
        model = inference["Resources"][component["Specification"]["ModelName"]["Fn::GetAtt"][0]]
        told = model["Properties"]["PrimaryContainer"]["Environment"]
        assert told["SAGEMAKER_GUNICORN_WORKERS"] == str(math.ceil(needs["NumberOfCpuCoresRequired"])) == "1"


def test_endpoints_and_components_may_write_the_logs_that_sagemaker_gives_them(on_gpus, of_type):
    """An endpoint has a log group of its own, and so has a component."""
    inference = on_gpus["Inference"]
    role = role_of_service(inference, "sagemaker")
    groups = {
        "Endpoints": {
            resource["EndpointName"] for resource in of_type(inference, "AWS::SageMaker::Endpoint")
        },
        "InferenceComponents": {
            resource["InferenceComponentName"]
            for resource in of_type(inference, "AWS::SageMaker::InferenceComponent")
        },
    }
    assert {name: len(group) for name, group in groups.items()} == {"Endpoints": 6, "InferenceComponents": 2}
    for kind, names in groups.items():
        for name in names:
            group = f"arn:aws:logs:{ACCOUNT}:log-group:/aws/sagemaker/{kind}/{name}"
            for action in LOGGED:
                assert may(inference, role, action, f"{group}:log-stream:primary/i-0"), (action, name)


@pytest.mark.parametrize(
    ("part", "groups"),
    [("Training", ["TrainingJobs", "ProcessingJobs"]), ("Watching", ["ProcessingJobs"])],
)
def test_jobs_may_write_their_logs(on_gpus, part, groups):
    role = role_of_service(on_gpus[part], "sagemaker")
    for group in groups:
        stream = f"arn:aws:logs:{ACCOUNT}:log-group:/aws/sagemaker/{group}:log-stream:job/algo-1"
        assert all(may(on_gpus[part], role, action, stream) for action in LOGGED)


@pytest.mark.parametrize("part", ["Training", "Watching"])
def test_a_run_in_flight_reads_its_own_archive_after_a_deployment(on_gpus, part):
    """A deployment with changed code brings another archive; the definition that runs names the one before."""
    template = on_gpus[part]
    role = role_of_service(template, "sagemaker")
    ((definition, _),) = machines_of(template)
    (newest,) = set(re.findall(r"[0-9a-f]{64}\.gz", json.dumps(definition)))
    bucket = "arn:aws:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-us-east-1"
    for archive in (newest, f"{'0' * 64}.gz"):
        assert may(template, role, "s3:GetObject", f"{bucket}/{archive}")


@pytest.mark.parametrize("part", ["Training", "Watching"])
def test_the_network_interfaces_of_processing_jobs_have_no_resource_filter(on_gpus, part):
    """SageMaker's guide: the checks of CreateProcessingJob fail with one."""
    role = role_of_service(on_gpus[part], "sagemaker")
    about = [policy for policy in policies_of(on_gpus[part], role) if "ec2:" in json.dumps(policy["Action"])]
    assert about
    for statement in about:
        assert resources_of(statement) == ["*"] and "Condition" not in statement


@pytest.mark.parametrize("part", ["Training", "Watching"])
def test_what_a_jobs_role_may_do_in_s3_its_networks_endpoint_lets_through(on_gpus, part, of_type):
    (endpoint,) = of_type(on_gpus["Training"], "AWS::EC2::VPCEndpoint")
    (way,) = endpoint["PolicyDocument"]["Statement"]
    role, asked = role_of_service(on_gpus[part], "sagemaker"), 0
    for statement in policies_of(on_gpus[part], role):
        for action in actions_of(statement) if statement["Effect"] == "Allow" else ():
            if action.startswith("s3:"):
                asked += 1
                assert action in actions_of(way)
                for resource in resources_of(statement):
                    place = written(resource).replace("*", "x")
                    assert any(matches(written(pattern), place) for pattern in resources_of(way)), place
    assert asked >= 4


def test_what_was_captured_is_read_by_the_drift_job_alone(on_gpus):
    readers = set()
    for part, template in on_gpus.items():
        buckets = {
            written(resource)
            for role in roles_of(template)
            for statement in policies_of(template, role)
            for resource in resources_of(statement)
        }
        data = {
            bucket.split("/")[0]
            for bucket in buckets
            if "Data" in bucket and bucket.startswith("arn:aws:s3:::")
        }
        for role in roles_of(template):
            for bucket in data:
                if may(template, role, "s3:GetObject", f"{bucket}/captured/recognition-dev-cnn/1.jsonl"):
                    readers.add((part, role))
    assert readers == {("Watching", role_of_service(on_gpus["Watching"], "sagemaker"))}


def test_every_machine_that_fails_is_told(on_gpus, of_type):
    machines = [
        resource
        for part in on_gpus
        for resource in of_type(on_gpus[part], "AWS::StepFunctions::StateMachine")
    ]
    heard = {
        json.dumps(arn)
        for rule in of_type(on_gpus["Watching"], "AWS::Events::Rule")
        if rule.get("EventPattern", {}).get("source") == ["aws.states"]
        for arn in rule["EventPattern"]["detail"]["stateMachineArn"]
    }
    assert len(heard) == len(machines) == 5


def test_what_stays_and_has_a_fixed_name_goes_when_its_creation_fails(prod, on_gpus):
    """Else the next try finds the name taken."""
    for template in (*prod.values(), *on_gpus.values()):
        for name, resource in template["Resources"].items():
            fixed = [key for key in resource.get("Properties", {}) if key.endswith("Name")]
            if fixed and resource.get("DeletionPolicy", "").startswith("Retain"):
                assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
