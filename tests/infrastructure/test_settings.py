"""Wrong settings fail the synth with one sentence that names the field; right ones say what they mean."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys

import pytest

from stacks.settings import SettingsRefused, load_settings, warnings_of

from .conftest import ROOT, context

WEEKLY = {"kind": "rnn", "expression": "rate(7 days)", "data_prefix": "reviews"}


def nested(path: str, value) -> dict:
    """A setting as cdk.json has it, in the objects of its path."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


def settings_with(path: str, value):
    environments = copy.deepcopy(context()["environments"])
    part = environments["dev"]
    *parents, last = path.split(".")
    for name in parents:
        part = part.setdefault(name, {})
    part[last] = value
    return load_settings("dev", environments)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("training.instance_type", "ml.g99.xlarge"),
        ("training.instance_type", "g5.xlarge"),
        ("training.volume_gigabytes", "50"),
        ("training.volume_gigabytes", 0),
        ("training.max_wait_seconds", 60),
        ("training.fallback_instance_types", ["ml.g99.xlarge"]),
        ("training.instance_count", 0),
        ("training.warm_pool_seconds", 600),
        ("training.retry_attempts", 31),
        ("training.marker_name", "a/b"),
        ("training.network", {"cidr": "10.0.0.0/8"}),
        ("training.tuning", {"ranges": {}}),
        ("training.tuning", {"ranges": {"cnn": {"speed": [0.1, 1.0]}}}),
        ("training.tuning", {"ranges": {"cnn": {"learning_rate": [1.0, 0.1]}}}),
        ("training.tuning", {"ranges": {"cnn": {"learning_rate": [0.1, 100.0]}}}),
        (
            "training.tuning",
            {"jobs": 2, "parallel_jobs": 3, "ranges": {"cnn": {"learning_rate": [0.1, 1.0]}}},
        ),
        ("training.schedules", [{"kind": "cnn", "expression": "daily", "data_prefix": "x"}]),
        ("training.champion_rule", "always"),
        ("permissions_boundary", "bound"),
        ("budget", {"monthly_us_dollars": 0, "email": "a@b.org"}),
        ("budget", {"monthly_us_dollars": 9, "email": "nobody"}),
        ("training.minimum_accuracy", {"cnn": 1.5, "rnn": 0.5}),
        ("training.minimum_accuracy", {"cnn": 0.5}),
        ("training.schedules", [{**WEEKLY, "minimum_accuracy": 85}]),
        ("training.image_version", "1.15"),
        ("training.approval", "Maybe"),
        ("inference.instance_type", "ml.p99.large"),
        ("inference.canary_percent", 51),
        ("inference.canary_percent", 0),
        ("inference.image_version", "2.19"),
        ("inference.rollout", "all"),
        ("inference.linear_step_percent", 9),
        ("monitoring", {"drift": {}}),
        ("monitoring", {"capture": {"kept_days": 7}, "drift": {"labels": {"after_days": 7}}}),
        ("monitoring", {"capture": {"percent": 0}}),
        ("monitoring", {"email": "nobody"}),
        ("scheduled_shutdown", {"office_hours": {"time_zone": "Mars/Olympus"}}),
        ("scheduled_shutdown", {"office_hours": {"start_hour": 18, "end_hour": 8}}),
        ("scheduled_shutdown", {"idle_hours": 0}),
        ("api.function_timeout_seconds", 29),
        ("api.log_days", 8),
        ("api.authorization", "NONE"),
        ("region", "Virginia"),
        ("account", "12345"),
        ("storage.unknown", 1),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(path, value):
    with pytest.raises(SettingsRefused) as refused:
        settings_with(path, value)
    assert path.split(".")[-1] in str(refused.value)


@pytest.mark.parametrize("prefix", ["captured", "captured/", "transform/x", "labels/2026", "bulk/"])
def test_nothing_trains_on_what_its_job_may_not_read(prefix):
    with pytest.raises(SettingsRefused, match=r"data_prefix: .*copy the data set to another prefix"):
        settings_with("training.schedules", [{**WEEKLY, "data_prefix": prefix}])
    with pytest.raises(SettingsRefused, match=r"retrain_on.rnn: .*copy the data set to another prefix"):
        settings_with("monitoring", {"capture": {}, "drift": {"retrain_on": {"rnn": prefix}}})
    settings_with("training.schedules", [{**WEEKLY, "data_prefix": "captured-by-us"}])


@pytest.mark.parametrize(
    ("name", "arn"),
    [
        ("permissions_boundary", "arn:aws:iam::111122223333:policy/bound"),
        (
            "api.document_classifier_endpoint_arn",
            "arn:aws:comprehend:us-east-1:111122223333:document-classifier-endpoint/ours",
        ),
    ],
)
def test_what_is_looked_for_in_the_account_is_of_it(name, arn):
    environments = {"dev": {**nested(name, arn), "account": "444455556666"}}
    with pytest.raises(
        SettingsRefused, match=f"{name} is of the account 111122223333, and account is 444455556666"
    ):
        load_settings("dev", environments)
    environments["dev"]["account"] = "111122223333"
    load_settings("dev", environments)


def test_a_boundary_of_aws_itself_holds_in_every_account():
    boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
    load_settings("dev", {"dev": {"account": "444455556666", "permissions_boundary": boundary}})


@pytest.mark.parametrize(
    ("hyperparameters", "reason"),
    [
        ({"epochs": "0"}, "epochs is 0; it has to be between 1 and 1000"),
        ({"width": "9"}, "rnn has no.*'width'"),
    ],
)
def test_a_schedule_whose_job_would_fail_is_refused(hyperparameters, reason):
    with pytest.raises(SettingsRefused, match=reason):
        settings_with("training.schedules", [{**WEEKLY, "hyperparameters": hyperparameters}])


def test_an_unknown_environment_is_refused_with_the_known_ones():
    environments = context()["environments"]
    known = ", ".join(environments)
    with pytest.raises(SettingsRefused, match=f"no environment 'nowhere' in cdk.json; it has: {known}"):
        load_settings("nowhere", environments)


def test_an_old_family_is_accepted_with_a_warning():
    assert warnings_of(settings_with("training.instance_type", "ml.g6.xlarge")) == []
    (warning,) = warnings_of(settings_with("training.instance_type", "ml.p3.2xlarge"))
    assert "P3" in warning


def test_a_synth_warns_of_services_that_a_region_has_not():
    assert warnings_of(load_settings("dev", {"dev": {"region": "eu-west-1"}})) == []
    both = warnings_of(load_settings("dev", {"dev": {"region": "eu-north-1"}}))
    assert [warning.partition(",")[0] for warning in both] == [
        "Amazon Rekognition is not in eu-north-1",
        "Amazon Comprehend is not in eu-north-1",
    ]


def test_a_refused_synth_prints_one_sentence_and_no_trace():
    broken = context()
    broken["environments"]["dev"]["inference"]["canary_percent"] = 60
    finished = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, "CDK_CONTEXT_JSON": json.dumps(broken)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 1
    assert "inference.canary_percent" in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({"backend": "cascade"}, "threshold"),
        ({"backend": "own", "monthly_budget_usd": 5.0}, "monthly_budget_usd"),
        ({"backend": "cheapest"}, "backend"),
        ({"backend": "cascade", "threshold": 1.5}, "threshold"),
    ],
)
def test_a_policy_that_cannot_work_is_refused(policy, reason):
    with pytest.raises(SettingsRefused, match=reason):
        settings_with("api.policies", {"text-sentiment": policy})


def test_a_policy_is_for_an_operation_that_two_can_answer():
    from lambdas.catalogue import OPERATIONS

    for operation in OPERATIONS:
        if operation.own:
            assert operation.name in settings_with("api.policies", {operation.name: {}}).api.policies
        else:
            with pytest.raises(SettingsRefused):
                settings_with("api.policies", {operation.name: {}})


@pytest.mark.parametrize(
    ("api", "said"),
    [
        ({"callers": {"shop": {"requests_per_second": 5.0, "burst_requests": 10}}}, "api.callers: its page"),
        ({"vpc_endpoint_ids": ["vpce-0123456789abcdef0"]}, "api.vpc_endpoint_ids: its page"),
        (
            {
                "authorization": "COGNITO_USER_POOLS",
                "user_pools": {"arns": ["arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_A1"]},
            },
            "api.user_pools: its page",
        ),
    ],
)
def test_an_api_that_the_console_cannot_ask_is_refused_beside_it(api, said):
    environments = {"dev": {"console": {}, "api": api}}
    with pytest.raises(SettingsRefused, match=said):
        load_settings("dev", environments)
    environments["dev"].pop("console")
    load_settings("dev", environments)
