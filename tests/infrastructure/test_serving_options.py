"""What each way of serving adds to the inference stack, and that SageMaker would take it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from definitions import names
from lambdas.bulk.attempt_keys import PREFIX
from lambdas.common import releases
from local_aws.sagemaker.cloudformation import OF_UPDATES
from local_aws.sagemaker.containers import role_of_image
from local_aws.sagemaker.members import TABLE
from local_aws.sagemaker.shapes import Shapes
from stacks.settings import SettingsRefused, load_settings
from stacks.shared import lambda_assets
from stacks.shared.iam import pull_own_image

from .calls import actions_of, allowed_to, statements_of
from .conftest import api_with, checked_templates
from .sagemaker_requests import requests_of, resolved, settings_with

IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/recognition-serving:1"
LITERT = {"litert_image_uri": IMAGE, "container": "litert", "instance_type": "ml.c7g.large"}
OPTIONS: dict[str, dict[str, Any]] = {
    "everything of instances": {
        **LITERT,
        "autoscaling": {"minimum_instances": 2, "maximum_instances": 8},
        "shadow_percent": 20,
        "asynchronous": {"instance_type": "ml.c7g.large", "maximum_instances": 3},
        "scale_to_zero": {"instance_type": "ml.c7g.large", "maximum_copies": 4},
    },
    "serverless": {**LITERT, "serverless": {"memory_megabytes": 2048, "provisioned_concurrency": 2}},
    "serverless with TensorFlow": {"serverless": {"memory_megabytes": 2048, "provisioned_concurrency": 2}},
    "small": {"instance_type": "ml.c5.2xlarge", "asynchronous": {"instance_type": "ml.g5.xlarge"}},
}


@pytest.fixture(scope="module")
def chosen(tmp_path_factory) -> dict[str, dict[str, dict]]:
    """dev's templates with OPTIONS; cdk-nag finds nothing in the first that is not acknowledged.

    Of the others there is the inference stack alone, which gives the pack nothing new to look at.
    """
    from aws_cdk import App

    from stacks.inference.stack import InferenceStack

    output, compiled = tmp_path_factory.mktemp("serving"), tmp_path_factory.mktemp("compiled")
    (compiled / "numpy").mkdir()
    instances = settings_with(OPTIONS["everything of instances"], {"own_backend": "litert"})
    with pytest.MonkeyPatch.context() as patch:
        # Tens of megabytes for another processor, which would have to be fetched.
        patch.setattr(lambda_assets, "native_packages", lambda: compiled)
        of_instances = checked_templates(instances, output)
    alone = App(outdir=str(output / "alone"))
    others = [option for option in OPTIONS if option != "everything of instances"]
    for number, option in enumerate(others):
        settings = load_settings("dev", settings_with(OPTIONS[option], {}))
        InferenceStack(alone, f"Alone{number}", settings=settings)
    alone.synth()
    files = [output / "alone" / f"Alone{number}.template.json" for number in range(len(others))]
    return {
        "everything of instances": of_instances,
        **{
            option: {"Inference": json.loads(file.read_text())}
            for option, file in zip(others, files, strict=True)
        },
    }


@pytest.fixture
def instances(chosen) -> dict:
    """The inference template with everything of instances."""
    return chosen["everything of instances"]["Inference"]


@pytest.fixture
def serverless(chosen) -> dict:
    """The inference template of a serverless endpoint with our own container."""
    return chosen["serverless"]["Inference"]


def model_of(template: dict, config: dict) -> dict:
    """The model behind an endpoint configuration."""
    (name, _) = config["ProductionVariants"][0]["ModelName"]["Fn::GetAtt"]
    return template["Resources"][name]["Properties"]


def config_with(template: dict, member: str) -> dict:
    """An endpoint configuration of the CNN with a member in its variant or beside it."""
    (config,) = [
        resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::SageMaker::EndpointConfig"
        and name.startswith("Cnn")
        and (member in resource["Properties"] or member in resource["Properties"]["ProductionVariants"][0])
    ]
    return config


@pytest.mark.parametrize("option", OPTIONS)
def test_sagemaker_would_take_every_request(chosen, option):
    shapes = Shapes("sagemaker")
    asked = list(requests_of(chosen[option]["Inference"]))
    assert len(asked) >= 6
    for operation, request in asked:
        shapes.check_request(operation, request)
        sent = {name: value for name, value in request.items() if name not in OF_UPDATES}
        assert not list(TABLE[operation].refusals(sent)), operation


@pytest.mark.parametrize("option", OPTIONS)
def test_nothing_of_an_option_exists_before_the_first_release(chosen, option):
    for name, resource in chosen[option]["Inference"]["Resources"].items():
        # The record of releases is there before the first.
        if name.startswith(("Cnn", "Rnn")) and resource["Type"] != "AWS::SSM::Parameter":
            assert resource["Condition"] in (f"{name[:3]}IsReleased", f"{name[:3]}IsShadowed"), name


def test_cfn_lint_finds_nothing_in_them(chosen, lint):
    lint({option: templates["Inference"] for option, templates in chosen.items()})


def test_our_container_serves_by_a_specification_that_every_version_gets(chosen, dev, of_type):
    templates = chosen["everything of instances"]
    for model in of_type(templates["Inference"], "AWS::SageMaker::Model"):
        assert model["PrimaryContainer"]["InferenceSpecificationName"] == "litert"
    (machine,) = of_type(templates["Training"], "AWS::StepFunctions::StateMachine")
    definition = json.dumps(machine["DefinitionString"])
    assert "AdditionalInferenceSpecifications" in definition
    assert IMAGE in definition
    pulled = json.dumps(of_type(templates["Inference"], "AWS::IAM::Policy"))
    assert "arn:aws:ecr:us-east-1:111122223333:repository/recognition-serving" in pulled
    for model in of_type(dev["Inference"], "AWS::SageMaker::Model"):
        assert "InferenceSpecificationName" not in model["PrimaryContainer"]


def test_instances_follow_the_requests_that_each_has_at_the_same_time(instances):
    resources = instances["Resources"].values()
    targets = [
        resource["Properties"]
        for resource in resources
        if resource["Type"] == "AWS::ApplicationAutoScaling::ScalableTarget"
    ]
    mine = {target["ResourceId"]: (target["MinCapacity"], target["MaxCapacity"]) for target in targets}
    assert mine["endpoint/recognition-dev-cnn/variant/primary"] == (2, 8)
    tracked = [
        resource["Properties"]["TargetTrackingScalingPolicyConfiguration"]
        for resource in resources
        if resource["Properties"].get("PolicyType") == "TargetTrackingScaling"
    ]
    metrics = [
        policy["PredefinedMetricSpecification"]["PredefinedMetricType"]
        for policy in tracked
        if "PredefinedMetricSpecification" in policy
    ]
    assert metrics.count("SageMakerVariantConcurrentRequestsPerModelHighResolution") == 2
    assert metrics.count("SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution") == 2
    endpoint = instances["Resources"]["CnnEndpoint6F0CDDC6"]["Properties"]
    assert endpoint["RetainAllVariantProperties"] is True, "a release would go back to the least number"
    routing = endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing["Type"] == "CANARY", "two instances can be split, whatever instance_count says"


def test_application_auto_scaling_would_take_every_target_and_policy(instances):
    from botocore.session import get_session

    from local_aws.sagemaker.shapes import problems_of

    model = get_session().get_service_model("application-autoscaling")
    for resource in instances["Resources"].values():
        properties = resolved(resource["Properties"])
        # A list in a template, a map in a request.
        properties.pop("Tags", None)
        if resource["Type"] == "AWS::ApplicationAutoScaling::ScalableTarget":
            shape = model.operation_model("RegisterScalableTarget").input_shape
            assert problems_of(properties, shape) == []
        elif resource["Type"] == "AWS::ApplicationAutoScaling::ScalingPolicy":
            shape = model.operation_model("PutScalingPolicy").input_shape
            properties.pop("ScalingTargetId")
            target = {
                "ServiceNamespace": "sagemaker",
                "ResourceId": "x",
                "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            }
            assert problems_of(properties | target, shape) == []


def test_an_asynchronous_endpoint_has_instances_only_while_something_waits(instances):
    resources = instances["Resources"]
    config = config_with(instances, "AsyncInferenceConfig")
    assert config["AsyncInferenceConfig"]["OutputConfig"]["KmsKeyId"]
    (target,) = [
        resource["Properties"]
        for resource in resources.values()
        if "recognition-dev-cnn-asynchronous" in json.dumps(resource["Properties"].get("ResourceId", ""))
    ]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 3)
    (alarm,) = [
        resource["Properties"]
        for name, resource in resources.items()
        if resource["Properties"].get("MetricName") == "HasBacklogWithoutCapacity" and name.startswith("Cnn")
    ]
    policy = resources[alarm["AlarmActions"][0]["Ref"]]["Properties"]
    assert policy["PolicyType"] == "StepScaling"
    (step,) = policy["StepScalingPolicyConfiguration"]["StepAdjustments"]
    assert step["ScalingAdjustment"] == 1


def written_places(template: dict) -> str:
    """Where a template's roles may write objects, as JSON."""
    return json.dumps(
        [
            statement["Resource"]
            for statement in statements_of(template)
            if "s3:PutObject" in actions_of(statement)
        ]
    )


def test_the_api_may_ask_the_endpoints_without_instances_that_there_are():
    to_zero = {**LITERT, "scale_to_zero": {"instance_type": "ml.c7g.large"}}
    template = api_with({"asynchronous": {"instance_type": "ml.c7g.large"}, **to_zero})
    (variables,) = [
        variables
        for resource in template["Resources"].values()
        if "IDLE_ENDPOINTS"
        in (variables := resource["Properties"].get("Environment", {}).get("Variables", {}))
    ]
    (told,) = [
        resource["Properties"]["Value"]
        for resource in template["Resources"].values()
        if str(resource["Properties"].get("Name")).endswith("/idle-endpoints")
    ]
    assert json.loads(told) == ["asynchronous", "to-zero"], "what the console on this machine offers"
    requests = json.loads(variables["IDLE_ENDPOINTS"])
    assert requests["asynchronous"]["cnn"] == {"EndpointName": "recognition-dev-cnn-asynchronous"}
    assert requests["to-zero"]["rnn"] == {
        "EndpointName": "recognition-dev-rnn-to-zero",
        "InferenceComponentName": "recognition-dev-rnn-component",
    }
    allowed = json.dumps(
        [statement for statement in statements_of(template) if "sagemaker" in json.dumps(statement)]
    )
    for name in ("cnn-asynchronous", "rnn-asynchronous", "cnn-to-zero", "rnn-to-zero", "rnn-component"):
        assert f"recognition-dev-{name}" in allowed
    assert set(re.findall(r"/([\w/]*\*)", written_places(template))) == {
        "asynchronous/cnn/requests/*",
        "asynchronous/rnn/requests/*",
    }


def test_asynchronous_requests_and_transforms_stay_below_their_prefixes(instances, dev):
    assert set(re.findall(r"/([\w/]*\*)", written_places(instances))) == {"asynchronous/*", "transform/*"}
    assert re.findall(r"/([\w/]*\*)", written_places(dev["Inference"])) == ["transform/*"]


def test_what_was_transformed_is_kept_no_longer_than_other_answers(dev, of_type):
    rules = [
        rule
        for bucket in of_type(dev["Storage"], "AWS::S3::Bucket")
        for rule in bucket["LifecycleConfiguration"]["Rules"]
    ]
    kept = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}
    assert kept["transform/"] == kept[f"{PREFIX}/"]


@pytest.mark.parametrize("without_one", [False, True])
def test_asynchronous_requests_are_kept_no_longer_than_other_answers(chosen, templates, of_type, without_one):
    """Also where the endpoint was taken away again, whose requests lie there still."""
    stacks = templates if without_one else chosen["everything of instances"]
    buckets = of_type(stacks["Storage"], "AWS::S3::Bucket")
    rules = [rule for bucket in buckets for rule in bucket["LifecycleConfiguration"]["Rules"]]
    (rule,) = [rule for rule in rules if rule.get("Prefix") == "asynchronous/"]
    (bulk,) = [rule for rule in rules if rule.get("Prefix") == f"{PREFIX}/"]
    assert rule["ExpirationInDays"] == bulk["ExpirationInDays"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


def test_a_component_can_lose_its_last_copy_and_its_endpoint_its_last_instance(instances):
    config = config_with(instances, "ManagedInstanceScaling")
    (variant,) = config["ProductionVariants"]
    assert variant["ManagedInstanceScaling"]["MinInstanceCount"] == 0
    assert "ModelName" not in variant
    assert config["ExecutionRoleArn"]
    (target,) = [
        resource["Properties"]
        for name, resource in instances["Resources"].items()
        if resource["Properties"].get("ScalableDimension") == "sagemaker:inference-component:DesiredCopyCount"
        and name.startswith("Cnn")
    ]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 4)


def test_a_shadow_gets_its_share_and_is_there_only_while_its_version_is_named(instances):
    config = config_with(instances, "ShadowProductionVariants")
    condition, (variant,), otherwise = config["ShadowProductionVariants"]["Fn::If"]
    assert condition == "CnnIsShadowed"
    assert otherwise == {"Ref": "AWS::NoValue"}
    assert variant["InitialVariantWeight"] == 0.2
    assert instances["Parameters"]["CnnShadowVersion"]["Default"] == ""


def test_a_serverless_endpoint_has_nothing_that_serverless_does_not_take(serverless, of_type):
    configs = of_type(serverless, "AWS::SageMaker::EndpointConfig")
    assert len(configs) == 2
    for config in configs:
        assert set(config) - {"Tags"} == {"ProductionVariants"}, "no data capture, no key, no network"
        (variant,) = config["ProductionVariants"]
        assert variant["ServerlessConfig"] == {
            "MaxConcurrency": 5,
            "MemorySizeInMB": 2048,
            "ProvisionedConcurrency": 2,
        }
        assert not {"InstanceType", "InitialInstanceCount"} & set(variant)
    for endpoint in of_type(serverless, "AWS::SageMaker::Endpoint"):
        assert "DeploymentConfig" not in endpoint


@pytest.mark.parametrize("option", ["serverless", "serverless with TensorFlow"])
def test_a_serverless_model_is_not_isolated_which_serverless_refuses(chosen, option, of_type):
    for model in of_type(chosen[option]["Inference"], "AWS::SageMaker::Model"):
        assert model["EnableNetworkIsolation"] is False


def containers_of(template: dict) -> dict[str, dict]:
    """What each endpoint configuration's model runs, by its logical id without the digest."""
    return {
        name[:-8]: model_of(template, resource["Properties"])["PrimaryContainer"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::SageMaker::EndpointConfig"
        and "ModelName" in resource["Properties"]["ProductionVariants"][0]
    }


def test_a_model_is_of_the_image_for_its_instances(chosen, dev):
    """The version's own specification, which has no name, is of the image for GPUs."""
    deployed = {
        "small": containers_of(chosen["small"]["Inference"]),
        "serverless": containers_of(chosen["serverless with TensorFlow"]["Inference"]),
        "GPU": containers_of(dev["Inference"]),
    }
    names = {
        option: {
            place: container.get("InferenceSpecificationName") for place, container in containers.items()
        }
        for option, containers in deployed.items()
    }
    assert names["small"]["CnnConfiguration"] == names["serverless"]["CnnConfiguration"] == "cpu"
    assert names["small"]["CnnAsynchronousConfiguration"] is None, "ml.g5.xlarge has a GPU"
    assert names["GPU"]["CnnConfiguration"] is None, "and so has ml.g4dn.xlarge"


def test_the_container_has_a_worker_a_processor_and_batches_images_on_a_gpu(chosen, dev):
    small = containers_of(chosen["small"]["Inference"])["CnnConfiguration"]["Environment"]
    assert set(small) == {"MODEL_VERSION", "SAGEMAKER_GUNICORN_WORKERS"}
    assert small["SAGEMAKER_GUNICORN_WORKERS"] == "8", "ml.c5.2xlarge"
    on_gpu = containers_of(dev["Inference"])
    assert on_gpu["CnnConfiguration"]["Environment"]["SAGEMAKER_TFS_ENABLE_BATCHING"] == "true"
    assert int(on_gpu["CnnConfiguration"]["Environment"]["SAGEMAKER_TFS_MAX_BATCH_SIZE"]) >= 65_536
    # TensorFlow Serving batches no sequences of several lengths.
    assert "SAGEMAKER_TFS_ENABLE_BATCHING" not in on_gpu["RnnConfiguration"]["Environment"]
    serverless = containers_of(chosen["serverless with TensorFlow"]["Inference"])["CnnConfiguration"]
    assert set(serverless["Environment"]) == {"MODEL_VERSION"}
    for container in containers_of(chosen["everything of instances"]["Inference"]).values():
        assert set(container.get("Environment", {})) == {"MODEL_VERSION"}, (
            "our own server has other variables"
        )


def test_a_function_with_litert_may_fetch_released_versions_and_ask_no_endpoint(chosen, dev, of_type):
    template = chosen["everything of instances"]["Api"]
    functions = {
        resource["Handler"].split(".")[1]: resource for resource in of_type(template, "AWS::Lambda::Function")
    }
    assert set(functions) == {"vision", "language", "litert", "advise"}
    variables = functions["litert"]["Environment"]["Variables"]
    assert variables["CNN_RELEASED_VERSION_PARAMETER"] == "/recognition/dev/cnn-released-version"
    role = functions["litert"]["Role"]["Fn::GetAtt"][0]
    allowed = allowed_to(template, role)
    assert {statement for statement in allowed if statement.startswith(("ssm:", "sagemaker:", "s3:"))} == {
        "ssm:GetParameter",
        "sagemaker:DescribeModelPackage",
        "s3:GetObject",
    }
    assert "kms:Decrypt" in allowed
    assert len(of_type(template, "AWS::ApiGateway::Method")) == len(
        of_type(dev["Api"], "AWS::ApiGateway::Method")
    )


def test_without_the_settings_there_is_one_endpoint_of_instances_a_network(templates, of_type):
    inference = templates["Inference"]
    assert len(of_type(inference, "AWS::SageMaker::Endpoint")) == 2
    assert of_type(inference, "AWS::ApplicationAutoScaling::ScalableTarget") == []
    assert set(inference["Conditions"]) == {"CnnIsReleased", "RnnIsReleased"}


@pytest.mark.parametrize(
    ("inference", "said"),
    [
        ({"container": "litert"}, "litert_image_uri"),
        ({"container": "litert", "litert_image_uri": IMAGE}, "ml.g4dn.xlarge has a GPU"),
        ({"instance_type": "ml.c7g.large"}, "set container to 'litert'"),
        ({"litert_image_uri": "recognition-serving:1"}, "litert_image_uri"),
        ({"serverless": {}, "transform": {"instance_type": "ml.g5.xlarge"}}, "the image without GPUs"),
        ({"instance_type": "ml.c5.large", "transform": {"instance_type": "ml.g5.xlarge"}}, "without GPUs"),
        ({**LITERT, "serverless": {"memory_megabytes": 1000}}, "memory_megabytes"),
        (
            {**LITERT, "serverless": {"maximum_concurrency": 1, "provisioned_concurrency": 2}},
            "provisioned_concurrency",
        ),
        (
            {**LITERT, "serverless": {}, "autoscaling": {"maximum_instances": 2}},
            "serverless cannot be beside inference.autoscaling",
        ),
        ({"autoscaling": {"minimum_instances": 3, "maximum_instances": 2}}, "minimum_instances"),
        ({"asynchronous": {"maximum_instances": 0}}, "maximum_instances"),
        ({"scale_to_zero": {"instance_type": "ml.c7g.large"}}, "set container to 'litert'"),
        ({"shadow_percent": 101}, "shadow_percent"),
        ({"transform": {"instance_type": "ml.c7g.large"}}, "no instance type that SageMaker transforms on"),
        ({**LITERT, "transform": {"instance_type": "ml.g5.xlarge"}}, "ml.g5.xlarge has a GPU"),
        (
            {"traffic_routing": "linear", "linear_step_percent": 10, "canary_wait_seconds": 3600},
            "lower canary_wait_seconds",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(inference, said):
    with pytest.raises(SettingsRefused, match=said):
        load_settings("dev", settings_with(inference, {}))


@pytest.mark.parametrize("version", [":1", f"@sha256:{'0' * 64}"])
def test_our_own_image_may_be_named_by_its_tag_or_its_digest(version):
    """SageMaker takes both (ContainerDefinition, Image); a role may pull the repository by its name alone."""
    image = f"{IMAGE.removesuffix(':1')}{version}"
    load_settings("dev", settings_with({"litert_image_uri": image}, {}))
    (repository,) = pull_own_image(image).resources
    assert repository == "arn:aws:ecr:us-east-1:111122223333:repository/recognition-serving"
    assert role_of_image(image) == "litert"


def test_functions_and_stacks_say_alike_that_nothing_is_released():
    assert releases.NOT_RELEASED == names.NOT_RELEASED
