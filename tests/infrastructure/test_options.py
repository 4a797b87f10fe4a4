"""What the settings add when they are switched on: a network, ways to start a run, a bound for the roles."""

from __future__ import annotations

import copy
import json

import pytest

from definitions.networks import KINDS
from tools.write_template_pages import ALARMS, PERMISSIONS, short, statements
from tools.write_template_pages import of_type as resources_of_type

from .calls import actions_of, machines_of, missing_and_idle, needlessly_wide, not_embedded, statements_of
from .conftest import PARTS, checked_templates, context
from .test_conditions import without_a_source

BOUNDARY = "arn:aws:iam::111122223333:policy/bound"
EVERYTHING = {
    "permissions_boundary": BOUNDARY,
    "budget": {"monthly_us_dollars": 200, "email": "bills@example.org"},
    "api": {
        "authorization": "COGNITO_USER_POOLS",
        "user_pools": {
            "arns": ["arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_Example12"],
            "scopes": ["recognition/ask"],
        },
        "firewall": {},
        "callers": {"shop-front": {"requests_per_second": 5.0, "burst_requests": 10}},
        "vpc_endpoint_ids": ["vpce-0123456789abcdef0"],
        "cache_seconds": 600,
    },
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
                "minimum_accuracy": 0.9,
            }
        ],
        "fallback_instance_types": ["ml.g6.xlarge", "ml.p3.2xlarge"],
        "tuning": {"ranges": {"cnn": {"learning_rate": [0.01, 1.0]}}},
    },
    "monitoring": {
        "email": "alarms@example.org",
        "dashboard": True,
        "capture": {"percent": 20, "kept_days": 14},
        "drift": {
            "threshold": 0.3,
            "least_samples": 500,
            "retrain_on": {"rnn": "reviews"},
            "labels": {"threshold": 0.04},
        },
    },
    "scheduled_shutdown": {
        "idle_hours": 4,
        "office_hours": {"start_hour": 7, "end_hour": 19, "time_zone": "Europe/Berlin"},
    },
}


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> dict[str, dict]:
    """The templates of dev with all of it; cdk-nag finds nothing in them that is not acknowledged."""
    environments = context()["environments"]
    environments["dev"] |= EVERYTHING
    return checked_templates(environments, tmp_path_factory.mktemp("everything"))


@pytest.mark.threat
def test_the_function_of_our_networks_adds_labels_and_reads_none(everything):
    (policy,) = (
        resource["Properties"]["PolicyDocument"]["Statement"]
        for name, resource in everything["Api"]["Resources"].items()
        if name.startswith("CustomRoleDefaultPolicy")
    )
    of_s3 = [statement for statement in policy if "s3:" in json.dumps(statement["Action"])]
    assert [statement["Action"] for statement in of_s3] == ["s3:PutObject"]
    places = [json.dumps(place) for place in of_s3[0]["Resource"]]
    assert [f"/labels/recognition-dev-{kind}/*" in place for kind, place in zip(KINDS, places, strict=True)]
    assert all("/labels/recognition-dev-" in place for place in places)


def test_a_service_acts_for_this_account_alone_with_every_option_too(everything):
    assert without_a_source(everything) == []


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
    assert text.count("VpcConfig") == 4, "plain data, training, tuning and evaluation"
    (incoming,) = of_type(everything["Training"], "AWS::EC2::SecurityGroupIngress")
    assert incoming["GroupId"] == incoming["SourceSecurityGroupId"]


def test_the_drift_job_runs_in_that_network_too_isolated_and_encrypted(everything, of_type):
    monitoring, training = everything["Watching"], everything["Training"]
    published = {resource["Name"]: resource["Value"] for resource in of_type(training, "AWS::SSM::Parameter")}
    pieces = ("job-security-group", "job-subnet-1", "job-subnet-2")
    ids = [json.dumps(published[f"/recognition/dev/{piece}"]) for piece in pieces]
    assert len(set(ids)) == 3 and "Hosts" in ids[0] and "Subnet1" in ids[1] and "Subnet2" in ids[2]
    read = {
        parameter["Default"].rsplit("/", 1)[-1]: name for name, parameter in monitoring["Parameters"].items()
    }
    (machine,) = of_type(monitoring, "AWS::StepFunctions::StateMachine")
    parts = machine["DefinitionString"]["Fn::Join"][1]
    asked = [part["Ref"] for part in parts if isinstance(part, dict) and "Ref" in part]
    assert {read[piece] for piece in pieces} <= set(asked)
    ((definition, _),) = machines_of(monitoring)
    job = definition["States"]["Measure"]["Arguments"]
    assert job["NetworkConfig"] == {
        "EnableNetworkIsolation": True,
        "EnableInterContainerTrafficEncryption": True,
        "VpcConfig": {"SecurityGroupIds": ["reference"], "Subnets": ["reference", "reference"]},
    }
    assert job["ProcessingOutputConfig"]["KmsKeyId"] == "reference"
    assert job["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"] == "reference"
    allowed = {action for statement in statements_of(monitoring) for action in actions_of(statement)}
    assert "ec2:CreateNetworkInterface" in allowed, "SageMaker places the job under the job's own role"


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
    assert r"\"minimum_accuracy\":0.9" in given
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
    (budget,) = of_type(everything["Watching"], "AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 200, "Unit": "USD"}
    assert budget["Budget"]["FilterExpression"] == {
        "And": [
            {"Tags": {"Key": "project", "Values": ["recognition"]}},
            {"Tags": {"Key": "environment", "Values": ["dev"]}},
        ]
    }
    told = [
        (subscriber["Notification"]["NotificationType"], subscriber["Notification"]["Threshold"])
        for subscriber in budget["NotificationsWithSubscribers"]
    ]
    assert told == [("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    assert [part for part in dev if of_type(dev[part], "AWS::Budgets::Budget")] == []


def test_the_budget_tells_the_topic_and_only_this_accounts_budgets_may(everything, of_type):
    (budget,) = of_type(everything["Watching"], "AWS::Budgets::Budget")
    ((topic, _),) = [
        resource
        for resource in everything["Watching"]["Resources"].items()
        if resource[1]["Type"] == "AWS::SNS::Topic"
    ]
    for subscriber in budget["NotificationsWithSubscribers"]:
        assert subscriber["Subscribers"] == [
            {"SubscriptionType": "EMAIL", "Address": "bills@example.org"},
            {"SubscriptionType": "SNS", "Address": {"Ref": topic}},
        ]
    (key,) = of_type(everything["Storage"], "AWS::KMS::Key")
    (policy,) = of_type(everything["Watching"], "AWS::SNS::TopicPolicy")
    for document, actions in (
        (key["KeyPolicy"], ["kms:Decrypt", "kms:GenerateDataKey"]),
        (policy["PolicyDocument"], "sns:Publish"),
    ):
        (statement,) = [
            statement
            for statement in document["Statement"]
            if "budgets.amazonaws.com" in json.dumps(statement)
        ]
        assert statement["Action"] == actions
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert "budgets::" in json.dumps(statement["Condition"]["ArnLike"]["aws:SourceArn"])


def test_without_a_topic_the_budget_tells_by_mail(of_type):
    from aws_cdk import App
    from aws_cdk.assertions import Template

    from stacks.app import compose

    chosen = copy.deepcopy(context())
    chosen["environments"]["dev"]["budget"] = EVERYTHING["budget"]
    storage = compose(App(context={**chosen, "environment": "dev"}))["Storage"]
    (budget,) = of_type(Template.from_stack(storage).to_json(), "AWS::Budgets::Budget")
    kinds = {
        two["SubscriptionType"]
        for subscriber in budget["NotificationsWithSubscribers"]
        for two in subscriber["Subscribers"]
    }
    assert kinds == {"EMAIL"}


def test_an_old_fallback_type_is_warned_of():
    from stacks.settings import load_settings, warnings_of

    chosen = copy.deepcopy(context()["environments"])
    chosen["dev"] |= EVERYTHING
    (warning,) = warnings_of(load_settings("dev", chosen))
    assert warning.startswith("ml.p3.2xlarge is of the P3 family")


def test_captured_requests_are_encrypted_and_kept_as_long_as_the_settings_say(everything, templates, of_type):
    configs = of_type(everything["Inference"], "AWS::SageMaker::EndpointConfig")
    assert len(configs) == 2
    for config in configs:
        capture = config["DataCaptureConfig"]
        assert (capture["EnableCapture"], capture["InitialSamplingPercentage"]) == (True, 20)
        assert [option["CaptureMode"] for option in capture["CaptureOptions"]] == ["Input", "Output"]
        assert capture["KmsKeyId"] == {"Ref": "KeyArn"}
    kept = [
        rule
        for bucket in of_type(everything["Storage"], "AWS::S3::Bucket")
        for rule in bucket.get("LifecycleConfiguration", {}).get("Rules", [])
        if rule.get("Prefix") in ("captured/", "labels/")
    ]
    assert len(kept) == 2, "what was captured, and its labels"
    for rule in kept:
        assert rule["ExpirationInDays"] == 14
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    for config in of_type(templates["Inference"], "AWS::SageMaker::EndpointConfig"):
        assert "DataCaptureConfig" not in config, "nothing is kept unless the settings say so"


def test_alarms_and_failed_runs_reach_an_encrypted_topic(everything, of_type):
    monitoring = everything["Watching"]
    (topic,) = of_type(monitoring, "AWS::SNS::Topic")
    assert topic["KmsMasterKeyId"]
    (subscription,) = of_type(monitoring, "AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "alarms@example.org")
    (key,) = of_type(everything["Storage"], "AWS::KMS::Key")
    allowed = [
        statement
        for statement in key["KeyPolicy"]["Statement"]
        if "events.amazonaws.com" in json.dumps(statement)
    ]
    assert [statement["Action"] for statement in allowed] == [["kms:Decrypt", "kms:GenerateDataKey"]]
    told = {
        json.dumps(rule["EventPattern"]["source"]): rule["EventPattern"]
        for rule in of_type(monitoring, "AWS::Events::Rule")
        if any("Alarms" in json.dumps(target["Arn"]) for target in rule.get("Targets", []))
    }
    assert set(told) == {'["aws.cloudwatch"]', '["aws.states"]', '["recognition.dev"]'}
    assert told['["aws.cloudwatch"]']["detail"] == {
        "alarmName": [{"prefix": "Recognition-dev-"}],
        "state": {"value": ["ALARM"]},
    }
    assert told['["aws.states"]']["detail"]["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]


def test_the_alarm_of_the_api_is_about_our_stage_of_it(everything, of_type):
    (api,) = of_type(everything["Api"], "AWS::ApiGateway::RestApi")
    (stage,) = of_type(everything["Api"], "AWS::ApiGateway::Stage")
    (alarm,) = [
        resource
        for resource in of_type(everything["Watching"], "AWS::CloudWatch::Alarm")
        if resource["Namespace"] == "AWS/ApiGateway"
    ]
    assert {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]} == {
        "ApiName": api["Name"],
        "Stage": stage["StageName"],
    }


def test_every_alarm_of_the_app_bears_a_name_that_the_topic_hears(everything, of_type):
    """CloudFormation names them after their stacks, which all begin alike."""
    for template in everything.values():
        for alarm in of_type(template, "AWS::CloudWatch::Alarm"):
            assert "AlarmName" not in alarm


def test_drift_is_measured_daily_and_its_alarm_starts_a_run_where_it_is_set_so(everything, of_type):
    monitoring = everything["Watching"]
    alarms = {
        name: resource["Properties"]
        for name, resource in monitoring["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
        and resource["Properties"].get("Namespace") == "Recognition/Drift"
    }
    assert sorted((alarm["MetricName"], alarm["Threshold"]) for alarm in alarms.values()) == [
        *[("InputDrift", 0.3)] * 2,
        *[("PredictionDrift", 0.3)] * 2,
        *[("ScoreDrift", 0.04)] * 2,
    ]
    assert {(alarm["Period"], alarm["TreatMissingData"]) for alarm in alarms.values()} == {(86400, "ignore")}
    rules = of_type(monitoring, "AWS::Events::Rule")
    daily = [rule for rule in rules if "ScheduleExpression" in rule]
    assert [rule["ScheduleExpression"] for rule in daily] == ["cron(30 1 * * ? *)"] * 4
    asked = [rule["Targets"][0]["InputTransformer"]["InputTemplate"] for rule in daily]
    assert [sum(f'"against":"{other}"' in text for text in asked) for other in ("test split", "labels")] == [
        2,
        2,
    ]
    (retraining,) = [
        rule
        for rule in rules
        if rule.get("Targets", [{}])[0].get("Arn") == {"Ref": "TrainingStateMachineArn"}
    ]
    heard = {name["Ref"] for name in retraining["EventPattern"]["detail"]["alarmName"]}
    assert heard == {
        name for name, alarm in alarms.items() if alarm["Dimensions"][0]["Value"] == "recognition-dev-rnn"
    }
    assert "reviews" in json.dumps(retraining["Targets"][0]["Input"])


def test_the_dashboard_shows_api_endpoints_and_drift(everything, dev, of_type):
    (dashboard,) = of_type(everything["Watching"], "AWS::CloudWatch::Dashboard")
    body = json.dumps(dashboard["DashboardBody"])
    for shown in (
        *("recognition-dev-cnn", "recognition-dev-rnn", "5XXError", "ModelLatency"),
        *("InputDrift", "CalibrationError", "LabelledSamples"),
    ):
        assert shown in body
    assert "Watching" not in dev


def test_endpoints_are_shut_down_by_the_hour_and_by_their_own_clock(everything, dev, of_type):
    release = everything["Release"]
    schedules = of_type(release, "AWS::Scheduler::Schedule")
    assert {
        (schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"], schedule["Target"]["Input"])
        for schedule in schedules
    } == {
        (f"cron(0 {hour} ? * MON-FRI *)", "Europe/Berlin", json.dumps({"kind": kind, "action": action}))
        for kind in ("cnn", "rnn")
        for action, hour in (("start", 7), ("shut down", 19))
    }
    hourly = [rule for rule in of_type(release, "AWS::Events::Rule") if "ScheduleExpression" in rule]
    assert [rule["ScheduleExpression"] for rule in hourly] == ["rate(1 hour)"] * 2
    assert len(of_type(dev["Release"], "AWS::StepFunctions::StateMachine")) == 1


@pytest.mark.parametrize("part", ["Training", "Watching", "Release"])
def test_the_machines_of_the_settings_may_make_exactly_the_calls_that_they_make(everything, part):
    machines = machines_of(everything[part])
    assert machines
    for definition, role in machines:
        assert missing_and_idle(everything[part], definition, role) == (set(), set())
        tuning = "arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync"
        assert not_embedded(definition) <= {tuning}, "only tuning is AWS's alone, as the docs say"


def test_a_wildcard_of_the_settings_stands_only_where_the_api_takes_no_other(everything):
    assert needlessly_wide(everything) == []


def test_cfn_lint_finds_nothing_in_them(everything, lint):
    lint({part: everything[part] for part in ("Watching", "Release")})


def test_every_target_of_a_rule_or_schedule_keeps_what_it_cannot_deliver(everything, of_type):
    seen = 0
    for template in everything.values():
        targets = [target for rule in of_type(template, "AWS::Events::Rule") for target in rule["Targets"]]
        targets += [schedule["Target"] for schedule in of_type(template, "AWS::Scheduler::Schedule")]
        for target in targets:
            queue, _ = target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"]
            assert template["Resources"][queue]["Type"] == "AWS::SQS::Queue"
        seen += len(targets)
    assert seen > 10


def test_the_reference_has_every_alarm(everything):
    page = ALARMS.read_text(encoding="utf-8")
    for part, template in everything.items():
        for name, _ in resources_of_type(template, "AWS::CloudWatch::Alarm"):
            assert f"| {part} | `{short(name)}` |" in page, "Run: make generate"


def test_the_reference_has_every_action_of_every_role(everything):
    page = PERMISSIONS.read_text(encoding="utf-8")
    for part, template in everything.items():
        for role, properties in resources_of_type(template, "AWS::IAM::Role"):
            _, _, section = page.partition(f"### {short(role)} of {part}\n")
            section = section.partition("\n#")[0]
            for statement in statements(template, role, properties):
                assert [action for action in actions_of(statement) if f"`{action}`" not in section] == [], (
                    f"{role}. Run: make generate"
                )
