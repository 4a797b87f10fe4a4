"""What the settings add when they are switched on: a network, ways to start a run, a bound for the roles."""

from __future__ import annotations

import copy
import json

import pytest

from .conftest import PARTS, ROOT, context

BOUNDARY = "arn:aws:iam::111122223333:policy/bound"
EVERYTHING = {
    "permissions_boundary": BOUNDARY,
    "budget": {"monthly_us_dollars": 200, "email": "bills@example.org"},
    "training": {
        "approval": "Approved",
        "network": {"cidr": "10.20.0.0/16"},
        "marker_name": "TRAIN.json",
        "schedules": [
            {
                "kind": "rnn",
                "expression": "rate(7 days)",
                "data_prefix": "reviews",
                "hyperparameters": {"epochs": "2"},
            }
        ],
        "fallback_instance_types": ["ml.g6.xlarge", "ml.p3.2xlarge"],
    },
}


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> dict[str, dict]:
    """The templates of dev with all of it; cdk-nag finds nothing in them that is not acknowledged."""
    from aws_cdk import App, Validations
    from cdk_nag import AwsSolutionsChecks

    from stacks.compose import compose

    chosen = copy.deepcopy(context())
    chosen["environments"]["dev"] |= EVERYTHING
    output = tmp_path_factory.mktemp("everything")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CDK_VALIDATION", "true")
        app = App(context={**chosen, "environment": "dev"}, outdir=str(output))
        compose(app, ROOT / "build")
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        app.synth()
    return {
        part: json.loads((output / f"Recognition-dev-{part}.template.json").read_text()) for part in PARTS
    }


def test_the_jobs_network_leads_to_s3_and_nowhere_else(everything, of_type):
    training = everything["Training"]
    (endpoint,) = of_type(training, "AWS::EC2::VPCEndpoint")
    assert endpoint["VpcEndpointType"] == "Gateway"
    (statement,) = endpoint["PolicyDocument"]["Statement"]
    assert len(statement["Resource"]) == 6, "three buckets and their objects"
    for leading_out in ("InternetGateway", "NatGateway", "Route", "EgressOnlyInternetGateway"):
        assert of_type(training, f"AWS::EC2::{leading_out}") == []
    assert [subnet["CidrBlock"] for subnet in of_type(training, "AWS::EC2::Subnet")] == [
        "10.20.0.0/24",
        "10.20.1.0/24",
    ]


def test_both_jobs_run_in_that_network_and_their_hosts_reach_each_other(everything, of_type):
    (machine,) = of_type(everything["Training"], "AWS::StepFunctions::StateMachine")
    text = json.dumps(machine["DefinitionString"])
    assert text.count("VpcConfig") == 2
    (incoming,) = of_type(everything["Training"], "AWS::EC2::SecurityGroupIngress")
    assert incoming["GroupId"] == incoming["SourceSecurityGroupId"]


def test_without_the_setting_there_is_no_network(dev, of_type):
    assert of_type(dev["Training"], "AWS::EC2::VPC") == []


def test_a_marker_and_a_schedule_start_the_training_machine(everything, of_type):
    rules = {("EventPattern" in rule): rule for rule in of_type(everything["Training"], "AWS::Events::Rule")}
    assert rules[True]["EventPattern"]["detail"]["object"] == {"key": [{"suffix": "/TRAIN.json"}]}
    assert (
        rules[True]["Targets"][0]["InputTransformer"]["InputTemplate"] == '{"marker_key":<detail-object-key>}'
    )
    assert rules[False]["ScheduleExpression"] == "rate(7 days)"
    given = json.dumps(rules[False]["Targets"][0]["Input"])
    assert "reviews" in given and "epochs" in given
    buckets = of_type(everything["Storage"], "AWS::S3::Bucket")
    told = [bucket for bucket in buckets if "NotificationConfiguration" in bucket]
    assert len(told) == 1
    assert told[0]["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_nothing_starts_by_itself_unless_the_settings_say_so(templates, of_type):
    assert of_type(templates["Training"], "AWS::Events::Rule") == []


def test_the_boundary_holds_every_role(everything, dev, of_type):
    roles = [role for part in PARTS for role in of_type(everything[part], "AWS::IAM::Role")]
    assert len(roles) > 8
    assert {role["PermissionsBoundary"] for role in roles} == {BOUNDARY}
    assert not [role for role in of_type(dev["Training"], "AWS::IAM::Role") if "PermissionsBoundary" in role]


def test_the_budget_counts_what_bears_the_tags_and_tells_before_it_is_used_up(everything, dev, of_type):
    (budget,) = of_type(everything["Storage"], "AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 200, "Unit": "USD"}
    assert budget["Budget"]["FilterExpression"] == {
        "And": [
            {"Tags": {"Key": "project", "Values": ["recognition"]}},
            {"Tags": {"Key": "environment", "Values": ["dev"]}},
        ]
    }
    told = [
        (one["Notification"]["NotificationType"], one["Notification"]["Threshold"])
        for one in budget["NotificationsWithSubscribers"]
    ]
    assert told == [("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    assert of_type(dev["Storage"], "AWS::Budgets::Budget") == []


def test_an_old_fallback_type_is_warned_of():
    from stacks.settings import load_settings, warnings_of

    chosen = copy.deepcopy(context()["environments"])
    chosen["dev"] |= EVERYTHING
    (warning,) = warnings_of(load_settings("dev", chosen))
    assert warning.startswith("ml.p3.2xlarge is of the P3 family")
