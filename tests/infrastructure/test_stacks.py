"""What the templates promise: encryption, private buckets, signed calls, endpoints only after a release."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lambdas.catalogue import FUNCTIONS, OPERATIONS
from lambdas.common.spending import METRIC
from stacks.shared import vendoring
from stacks.shared.lambda_assets import write_function_code
from stacks.shared.vendoring import (
    LITERT_LOCK,
    LITERT_PLATFORM,
    LOCK,
    PLATFORM,
    install,
    vendored_dependencies,
)

from .conftest import PARTS, ROOT, api_with, context

KINDS = ("Cnn", "Rnn")
STATE_MACHINE = "AWS::StepFunctions::StateMachine"


def test_every_bucket_is_private_encrypted_and_tls_only(templates, of_type):
    buckets = of_type(templates["Storage"], "AWS::S3::Bucket")
    assert len(buckets) == 3
    for bucket in buckets:
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    policies = of_type(templates["Storage"], "AWS::S3::BucketPolicy")
    denying = [policy for policy in policies if '"aws:SecureTransport": "false"' in json.dumps(policy)]
    assert len(denying) == len(buckets)


def test_data_and_models_lie_under_our_own_key_and_are_versioned(templates, of_type):
    ours = [
        bucket
        for bucket in of_type(templates["Storage"], "AWS::S3::Bucket")
        if "aws:kms" in json.dumps(bucket["BucketEncryption"])
    ]
    assert len(ours) == 2
    for bucket in ours:
        assert bucket["VersioningConfiguration"]["Status"] == "Enabled"
        assert "LoggingConfiguration" in bucket
    (key,) = of_type(templates["Storage"], "AWS::KMS::Key")
    assert key["EnableKeyRotation"] is True


def test_prod_keeps_its_data_and_dev_leaves_nothing(dev, prod):
    def policies(template: dict) -> set[str]:
        kept = ("AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SageMaker::ModelPackageGroup")
        return {
            resource["DeletionPolicy"]
            for resource in template["Resources"].values()
            if resource["Type"] in kept
        }

    for part in ("Storage", "Training"):
        assert {policy.removesuffix("ExceptOnCreate") for policy in policies(prod[part])} == {"Retain"}
        assert policies(dev[part]) == {"Delete"}


@pytest.mark.threat
def test_every_method_wants_a_signed_request(templates, of_type):
    methods = of_type(templates["Api"], "AWS::ApiGateway::Method")
    assert len(methods) == len(OPERATIONS)
    assert {method["AuthorizationType"] for method in methods} == {"AWS_IAM"}


def test_no_request_body_is_logged(templates, of_type):
    (stage,) = of_type(templates["Api"], "AWS::ApiGateway::Stage")
    assert {setting["DataTraceEnabled"] for setting in stage["MethodSettings"]} == {False}
    for function in of_type(templates["Api"], "AWS::Lambda::Function"):
        variables = function["Environment"]["Variables"]
        assert variables["POWERTOOLS_TRACER_CAPTURE_RESPONSE"] == "false"
        assert variables["POWERTOOLS_TRACER_CAPTURE_ERROR"] == "false"


def test_every_function_of_ours_runs_on_arm_with_code_laid_out_at_the_synth(templates, of_type):
    for part in ("Api", "Bulk"):
        for function in of_type(templates[part], "AWS::Lambda::Function"):
            assert (function["Architectures"], function["Runtime"]) == (["arm64"], "python3.14")
            assert set(function["Code"]) == {"S3Bucket", "S3Key"}
    # What is compiled stands in LiteRT's lock alone, which is installed for that processor; the rest runs on any.
    assert LITERT_PLATFORM.startswith("aarch64")
    assert list(vendored_dependencies().rglob("*.so")) == []


@pytest.mark.parametrize("lock", [LOCK, LITERT_LOCK], ids=lambda lock: lock.parent.name)
def test_what_the_functions_carry_is_installed_by_its_hashes_and_never_built(lock, monkeypatch, tmp_path):
    asked = []

    def run(command: list[str], **_) -> subprocess.CompletedProcess:
        asked.extend(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr("stacks.shared.vendoring.subprocess.run", run)
    install(tmp_path / "packages", lock, PLATFORM)
    assert {"--require-hashes", "--no-deps", "--only-binary", str(lock), PLATFORM} <= set(asked)
    pinned = re.findall(r"^[\w.-]+==", lock.read_text(), re.MULTILINE)
    hashed = re.findall(r"^[\w.-]+==[^\n]+\\\n    --hash=sha256:[0-9a-f]{64}", lock.read_text(), re.MULTILINE)
    assert pinned and len(hashed) == len(pinned)


def test_dependencies_that_another_process_installs_at_the_same_time_serve_as_well(monkeypatch, tmp_path):
    (tmp_path / "lock").write_text("package==1")
    monkeypatch.setattr(vendoring, "VENDORED", tmp_path)
    by_others = []

    def install_beside_others(target: Path, *_) -> None:
        for folder in (target, *by_others):
            folder.mkdir()
            (folder / "package.py").touch()

    monkeypatch.setattr(vendoring, "install", install_beside_others)
    installed = vendoring.vendored_dependencies(tmp_path / "lock")
    shutil.rmtree(installed)
    by_others.append(installed)
    assert vendoring.vendored_dependencies(tmp_path / "lock") == installed
    assert [file.name for file in installed.iterdir()] == ["package.py"]


def test_every_log_is_deleted_some_day(templates, of_type):
    for part in templates:
        for group in of_type(templates[part], "AWS::Logs::LogGroup"):
            assert group["RetentionInDays"] <= 365


def test_xray_follows_a_request_through_the_api_its_functions_and_every_machine(templates, of_type):
    everything = [
        resource for part in templates for resource in of_type(templates[part], "AWS::Lambda::Function")
    ]
    own = [function for function in everything if "POWERTOOLS_SERVICE_NAME" in json.dumps(function)]
    machines = [m for part in templates for m in of_type(templates[part], STATE_MACHINE)]
    assert own and machines
    assert all(function["TracingConfig"] == {"Mode": "Active"} for function in own)
    assert all(machine["TracingConfiguration"] == {"Enabled": True} for machine in machines)
    (stage,) = of_type(templates["Api"], "AWS::ApiGateway::Stage")
    assert stage["TracingEnabled"] is True


def test_a_function_may_call_its_service_and_nothing_else_of_it(templates, of_type):
    def actions(prefix: str) -> set[str]:
        matches = re.findall(rf'"({prefix}:\w+)"', json.dumps(of_type(templates["Api"], "AWS::IAM::Policy")))
        return set(matches)

    asked = {operation.action for operation in OPERATIONS if operation.service}
    assert actions("sagemaker") | actions("rekognition") | actions("comprehend") == asked - {
        "comprehend:ClassifyDocument"
    }


def statements_with(template: dict, action: str) -> list[dict]:
    """The policy statements that allow an action."""
    return [
        statement
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Policy"
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
        if action in statement["Action"]
    ]


def test_a_custom_classifier_is_the_only_one_that_may_be_asked():
    arn = "arn:aws:comprehend:us-east-1:111122223333:document-classifier-endpoint/tickets"
    (statement,) = statements_with(
        api_with(document_classifier_endpoint_arn=arn), "comprehend:ClassifyDocument"
    )
    assert (statement["Action"], statement["Resource"]) == ("comprehend:ClassifyDocument", arn)


def test_a_policy_gives_its_function_what_it_needs_and_the_others_nothing(dev, of_type):
    policy = {"backend": "cascade", "threshold": 0.8, "monthly_budget_usd": 50.0}
    template = api_with(policies={"text-sentiment": policy}, idempotency_seconds=0)
    variables = {
        resource["Handler"].split(".")[1]: resource["Environment"]["Variables"]
        for resource in of_type(template, "AWS::Lambda::Function")
    }
    assert json.loads(variables["language"]["POLICIES"])["text-sentiment"]["threshold"] == 0.8
    assert "POLICIES" not in variables["vision"]
    invoking = [
        json.dumps(statement["Resource"])
        for statement in statements_with(template, "sagemaker:InvokeEndpoint")
    ]
    assert sum("recognition-dev-rnn" in statement for statement in invoking) == 2
    assert sum("recognition-dev-cnn" in statement for statement in invoking) == 1


def test_functions_of_managed_services_have_budgets_and_others_ask_nothing_priced(of_type):
    template = api_with(idempotency_seconds=0, spending={"caller_usd_per_hour": 3.0})
    variables = {
        resource["Handler"].split(".")[1]: resource["Environment"]["Variables"]
        for resource in of_type(template, "AWS::Lambda::Function")
    }
    priced = {
        name for name, operations in FUNCTIONS.items() if any(operation.price for operation in operations)
    }
    assert (
        {name for name, variable in variables.items() if "SPENDING" in variable}
        == priced
        == {"vision", "language"}
    )
    for name in priced:
        limits = json.loads(variables[name]["SPENDING"])
        assert limits["caller"]["hour"] == 3.0
        assert limits["deployment"].keys() == limits["caller"].keys() == {"hour", "month"}
        assert "Budgets" in json.dumps(variables[name]["BUDGET_TABLE"])
    spending = statements_with(template, "dynamodb:UpdateItem")
    assert len(spending) == len(priced)
    assert all("Budgets" in json.dumps(statement["Resource"]) for statement in spending)
    (table,) = of_type(template, "AWS::DynamoDB::Table")
    assert table["SSESpecification"]["SSEEnabled"] is True


def test_half_of_the_money_is_an_alarm_and_prod_sets_concurrency_aside(prod, of_type):
    alarms = [
        resource
        for resource in of_type(prod["Watching"], "AWS::CloudWatch::Alarm")
        if resource["MetricName"] == METRIC
    ]
    environment = {"Name": "environment", "Value": "prod"}
    assert [(alarm["Threshold"], alarm["Dimensions"]) for alarm in alarms] == [
        (50, [environment, {"Name": "service", "Value": service}])
        for service in ("spending", "bulk-spending")
    ]
    functions = of_type(prod["Api"], "AWS::Lambda::Function")
    assert {function["ReservedConcurrentExecutions"] for function in functions} == {50}


def test_the_functions_get_the_prices_that_somebody_confirmed(templates, of_type):
    variables = [
        resource["Environment"]["Variables"]
        for resource in of_type(templates["Api"], "AWS::Lambda::Function")
    ]
    prices = [json.loads(variable["PRICES_USD"]) for variable in variables if "PRICES_USD" in variable]
    assert len(prices) == 2
    for table in prices:
        assert table["rekognition.image.group2"] == 0.001
        assert "comprehend.toxicity.unit" not in table


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_an_endpoint_exists_before_its_first_release(templates, kind):
    template = templates["Inference"]
    parameter = template["Parameters"][f"{kind}ModelVersion"]
    assert parameter["Default"] == ""
    assert template["Conditions"][f"{kind}IsReleased"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": f"{kind}ModelVersion"}, ""]}]
    }
    mine = {name: resource for name, resource in template["Resources"].items() if name.startswith(kind)}
    assert {statement["Type"] for statement in mine.values()} == {
        "AWS::SageMaker::Model",
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::Endpoint",
        "AWS::CloudWatch::Alarm",
        "AWS::SSM::Parameter",
    }
    conditioned = [statement for statement in mine.values() if statement["Type"] != "AWS::SSM::Parameter"]
    assert {resource.get("Condition") for resource in conditioned} == {f"{kind}IsReleased"}


@pytest.mark.parametrize("value", ["", "1", "12", "2026"])
def test_a_version_parameter_takes_numbers_and_emptiness(dev, value):
    assert re.fullmatch(dev["Inference"]["Parameters"]["CnnModelVersion"]["AllowedPattern"], value)


@pytest.mark.parametrize("value", ["0", "01", "-1", "latest", "1 ", "1;2"])
def test_a_version_parameter_takes_nothing_else(dev, value):
    assert not re.fullmatch(dev["Inference"]["Parameters"]["CnnModelVersion"]["AllowedPattern"], value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_release_is_recorded_only_after_the_endpoint_serves_it(templates, kind):
    resources = templates["Inference"]["Resources"]
    (record,) = [
        resource
        for name, resource in resources.items()
        if name.startswith(kind) and resource["Type"] == "AWS::SSM::Parameter"
    ]
    condition, served, otherwise = record["Properties"]["Value"]["Fn::If"]
    assert (condition, otherwise) == (f"{kind}IsReleased", "none")
    # What is not selected makes CloudFormation wait for it all the same.
    position, (version, endpoint) = served["Fn::Select"]
    assert (position, version) == (0, {"Ref": f"{kind}ModelVersion"})
    assert resources[endpoint["Fn::GetAtt"][0]]["Type"] == "AWS::SageMaker::Endpoint"


def test_an_endpoint_serves_exactly_the_version_that_the_parameter_names(templates, of_type):
    for model in of_type(templates["Inference"], "AWS::SageMaker::Model"):
        package = json.dumps(model["PrimaryContainer"]["ModelPackageName"])
        assert re.search(
            r'model-package/recognition-\w+-(cnn|rnn)/", \{"Ref": "(Cnn|Rnn)ModelVersion"\}', package
        )
        assert model["EnableNetworkIsolation"] is True


def test_a_release_is_taken_back_by_its_alarms(templates, of_type):
    for endpoint in of_type(templates["Inference"], "AWS::SageMaker::Endpoint"):
        deployment = endpoint["DeploymentConfig"]
        assert len(deployment["AutoRollbackConfiguration"]["Alarms"]) == 2
        policy = deployment["BlueGreenUpdatePolicy"]
        wait = policy["TrafficRoutingConfiguration"]["WaitIntervalInSeconds"]
        assert policy["MaximumExecutionTimeoutInSeconds"] > wait + policy["TerminationWaitInSeconds"]


def test_one_slow_minute_takes_no_release_back(templates, of_type):
    """The first requests of a fleet are slow, and the p99 of few requests is their slowest."""
    alarms = [
        alarm
        for alarm in of_type(templates["Inference"], "AWS::CloudWatch::Alarm")
        if alarm.get("MetricName") == "ModelLatency"
    ]
    assert alarms
    for alarm in alarms:
        assert alarm["DatapointsToAlarm"] >= 2
        assert alarm["EvaluationPeriods"] >= alarm["DatapointsToAlarm"]


def test_a_fleet_of_several_instances_gets_a_canary(prod, of_type):
    for endpoint in of_type(prod["Inference"], "AWS::SageMaker::Endpoint"):
        routing = endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
        assert routing["Type"] == "CANARY"
        assert routing["CanarySize"]["Value"] <= 50


def test_a_fleet_may_change_over_step_by_step():
    from aws_cdk import App
    from aws_cdk.assertions import Template

    from stacks.inference.stack import InferenceStack
    from stacks.settings import load_settings

    changed = context()["environments"]
    changed["prod"]["inference"] |= {"traffic_routing": "linear", "linear_step_percent": 20}
    stack = InferenceStack(App(), "Inference", settings=load_settings("prod", changed))
    resources = Template.from_stack(stack).to_json()["Resources"].values()
    endpoints = [
        resource["Properties"] for resource in resources if resource["Type"] == "AWS::SageMaker::Endpoint"
    ]
    assert len(endpoints) == 2
    for endpoint in endpoints:
        routing = endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
        assert routing["Type"] == "LINEAR"
        assert routing["LinearStepSize"] == {"Type": "CAPACITY_PERCENT", "Value": 20}
        policy = endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"]
        waits = 5 * routing["WaitIntervalInSeconds"] + policy["TerminationWaitInSeconds"]
        assert policy["MaximumExecutionTimeoutInSeconds"] > waits
        assert len(endpoint["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]) == 2


def test_only_what_somebody_holds_on_to_has_a_fixed_name(templates):
    fixed = re.compile(r"^(?!Log)\w*Name$")
    allowed = {
        "AWS::SageMaker::Endpoint": {"EndpointName"},
        "AWS::SageMaker::ModelPackageGroup": {"ModelPackageGroupName"},
        "AWS::ApiGateway::Stage": {"StageName"},
        "AWS::ApiGateway::RestApi": {"Name"},
        "AWS::SSM::Parameter": {"Name"},
        "AWS::IAM::Policy": {"PolicyName"},
        "AWS::CloudWatch::Alarm": {"MetricName"},
        "AWS::SageMaker::EndpointConfig": set(),
    }
    for part in templates:
        for resource in templates[part]["Resources"].values():
            named = {
                name
                for name, value in resource.get("Properties", {}).items()
                if fixed.match(name) and isinstance(value, str)
            }
            # A role that only one machine may take names it in its trust, which comes before the machine.
            trusted = (
                {"StateMachineName"} if part == "Release" and resource["Type"] == STATE_MACHINE else set()
            )
            assert named <= allowed.get(resource["Type"], set()) | trusted, resource["Type"]


def test_any_stack_can_be_deployed_without_those_that_read_from_it(templates):
    """Stacks read each other's parameters by name: an export that is read cannot change, so there is none."""
    published = {
        resource["Properties"]["Name"]
        for part in templates
        for resource in templates[part]["Resources"].values()
        if resource["Type"] == "AWS::SSM::Parameter"
    }
    for part in templates:
        assert not [output for output in templates[part].get("Outputs", {}).values() if "Export" in output]
        assert not re.search(r"Fn::ImportValue|Fn::GetStackOutput", json.dumps(templates[part]))
        read = [
            parameter["Default"]
            for parameter in templates[part]["Parameters"].values()
            if parameter["Type"].startswith("AWS::SSM::Parameter::Value")
            and "recognition" in parameter["Default"]
        ]
        assert set(read) <= published


def test_prod_has_a_topic_for_its_alarms_from_the_first_day(prod, of_type):
    assert len(of_type(prod["Watching"], "AWS::SNS::Topic")) == 1


def test_prod_is_protected_against_deletion():
    from aws_cdk import App

    from stacks.app import compose

    for environment, protected in (("prod", True), ("dev", False)):
        app = App(context={**context(), "environment": environment})
        stacks = compose(app)
        assert {stack.termination_protection for stack in stacks.values()} == {protected}


def synthesised_in_a_process_of_its_own(output, **variables: str) -> dict[str, bytes]:
    """The files of a synth whose process saw other environment variables."""
    subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, **variables, "CDK_OUTDIR": str(output), "CDK_CONTEXT_JSON": json.dumps(context())},
        check=True,
        capture_output=True,
    )
    return {file.name: file.read_bytes() for file in output.glob("*.json")}


def test_synths_at_the_same_time_for_aws_and_for_the_embedded_aws_give_the_same(tmp_path):
    embedded_aws = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }
    with ThreadPoolExecutor() as both:
        statement = both.submit(synthesised_in_a_process_of_its_own, tmp_path / "aws")
        two = both.submit(synthesised_in_a_process_of_its_own, tmp_path / "embedded", **embedded_aws)
        for_aws, embedded = statement.result(), two.result()
    names = {f"Recognition-dev-{part}.template.json" for part in PARTS}
    assert names <= set(for_aws)
    assert {name: for_aws[name] for name in names} == {name: embedded[name] for name in names}
    assets = {f"Recognition-dev-{part}.assets.json" for part in PARTS}
    assert {name: for_aws[name] for name in assets} == {name: embedded[name] for name in assets}


def test_a_functions_files_are_never_older_than_the_synth_that_wrote_them(tmp_path):
    """Else the CDK, which remembers digests by inode, time and size, could take one for a file of an earlier synth."""
    before = time.time() - 1
    written = write_function_code("custom", tmp_path)
    files = [file for file in written.rglob("*") if file.is_file()]
    assert files
    assert [file for file in files if file.stat().st_mtime < before] == []


def test_no_template_holds_a_path_of_this_machine(templates):
    for part in templates:
        for folder in (str(ROOT), tempfile.gettempdir()):
            assert folder not in json.dumps(templates[part])
