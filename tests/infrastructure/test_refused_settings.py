"""What AWS would refuse at the deployment, or would take and not work, is refused before it, with what to write."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from stacks.settings import EnvironmentSettings, SettingsRefused, load_settings

from .test_settings import WEEKLY, settings_with

BUDGET = {"monthly_us_dollars": 9, "email": "a@example.org"}
CALLER = {"requests_per_second": 5.0, "burst_requests": 10}
POOL = "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_Example12"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("training.evaluation_instance_type", "ml.c5n.xlarge", "processes on, such as ml.m5.xlarge"),
        ("monitoring", {"capture": {}, "drift": {"instance_type": "ml.p4d.24xlarge"}}, "processes on"),
        ("training.instance_type", "ml.p6e-gb200.36xlarge", "Grace processor is arm64"),
        ("training.network", {"cidr": "999.0.0.0/16"}, "'999.0.0.0/16' is no network"),
        ("training.network", {"cidr": "10.71.5.0/16"}, "has host bits set"),
        (
            "training.network",
            {"cidr": "127.0.0.0/16"},
            "none of the private ranges 10.0.0.0/8, 172.16.0.0/12",
        ),
        ("training.network", {"cidr": "169.254.0.0/16"}, "none of the private ranges"),
        ("training.network", {"cidr": "52.216.0.0/16"}, "a public one may be S3's"),
        (
            "training.network",
            {"cidr": "172.17.128.0/17"},
            "overlaps 172.17.0.0/16, which SageMaker's own hosts",
        ),
        (
            "training.schedules",
            [{**WEEKLY, "hyperparameters": {"epochs": " 5"}}],
            "epochs is ' 5', which the state",
        ),
        ("training.schedules", [WEEKLY] * 2, "more than once; name it once"),
        ("training.schedules", [{**WEEKLY, "data_prefix": "/reviews"}], "data_prefix: String should match"),
        ("training.schedules", [{**WEEKLY, "data_prefix": "re\nviews"}], "data_prefix: String should match"),
        ("training.schedules", [{**WEEKLY, "data_prefix": "r" * 257}], "at most 256 characters"),
        (
            "training.fallback_instance_types",
            ["ml.g6.xlarge"] * 2,
            "'ml.g6.xlarge' stands there more than once",
        ),
        ("training.fallback_instance_types", ["ml.g5.xlarge"], "names ml.g5.xlarge, which instance_type is"),
        ("training.marker_name", "m" * 129, "at most 128 characters"),
        ("api.vpc_endpoint_ids", ["vpce-01234567"] * 2, "'vpce-01234567' stands there more than once"),
        ("api.vpc_endpoint_ids", ["vpce-012345678"], "String should match"),
        ("api.callers", {"a-1": CALLER, "a1": CALLER}, "'a-1' and 'a1' differ in hyphens only: rename one"),
        ("api.callers", {f"c{number}": CALLER for number in range(51)}, "at most 50 items"),
        (
            "api.callers",
            {"shop": {**CALLER, "requests_per_month": 2**31}},
            "less than or equal to 2147483647",
        ),
        ("api.user_pools", {"arns": [POOL] * 2}, "more than once; name it once"),
        ("api.user_pools", {"arns": [POOL], "scopes": ["a/b"] * 2}, "'a/b' stands there more than once"),
        ("api.user_pools", {"arns": [POOL], "scopes": ["a b"]}, "String should match"),
        ("api.user_pools", {"arns": [POOL.replace("idp:us-east-1", "idp:eu-west-1")]}, "copy the whole ARN"),
        (
            "console",
            {"token_minutes": 120, "session_hours": 1},
            "a token may live as long as its session at most",
        ),
        ("bulk", {"calls_per_second": {"*": 5.0, "DetectLabels": 0.1}}, "it takes 0.13 for DetectLabels"),
        (
            "bulk",
            {"calls_per_second": {"*": 1.0}, "longest_wait_seconds": 120},
            "it takes 1.43 for DetectPiiEntities",
        ),
        ("inference.instance_type", "ml.dl1.24xlarge", "no TensorFlow container for Gaudi"),
        (
            "inference.asynchronous",
            {"instance_type": "ml.t2.medium"},
            "burstable instance type, whose number",
        ),
        (
            "inference.scale_to_zero",
            {"instance_type": "ml.t2.medium"},
            "burstable instance type, whose number",
        ),
        (
            "inference.scale_to_zero",
            {"cpu_cores_per_copy": 64},
            "is 64, and ml.c5.xlarge has 4 vCPUs: ask for fewer",
        ),
        (
            "inference.scale_to_zero",
            {"memory_megabytes_per_copy": 8_192},
            "is 8192, and ml.c5.xlarge has 8192 MB, of which the system takes some",
        ),
        ("scheduled_shutdown", {"office_hours": {"time_zone": "Factory"}}, "none of the IANA database"),
        ("training.tuning", {"ranges": {"cnn": {}}}, "the cnn has none; name a hyperparameter of it"),
        (
            "api.firewall",
            {"managed_rules": ["AWSManagedRulesCommonRuleSet"] * 2},
            "more than once; name it once",
        ),
        ("budget", {**BUDGET, "percents": [50, 80, 50]}, "'50' stands there more than once"),
        ("permissions_boundary", "arn:aws-cn:iam::111122223333:policy/bound", "^arn:aws:iam"),
    ],
)
def test_what_aws_would_refuse_is_refused_with_what_to_write(path, value, said):
    with pytest.raises(SettingsRefused, match=path.rpartition(".")[2]) as refused:
        settings_with(path, value)
    assert said in str(refused.value)


@pytest.mark.parametrize(("hosts", "parallel_jobs"), [(6, 1), (2, 3)])
def test_a_network_has_two_addresses_for_each_host(hosts, parallel_jobs):
    tuning = {"parallel_jobs": parallel_jobs, "ranges": {"cnn": {"learning_rate": [0.01, 1.0]}}}
    training = {"instance_count": hosts, "tuning": tuning, "network": {"cidr": "10.0.0.0/24"}}
    with pytest.raises(SettingsRefused, match="gives each subnet 11 addresses, and the hosts of .* want 12"):
        load_settings("dev", {"dev": {"training": training}})
    training["network"] = {"cidr": "10.0.0.0/16"}
    load_settings("dev", {"dev": {"training": training}})


def patterns_of(schema: object) -> Iterator[str]:
    """Every regular expression of a JSON schema."""
    if isinstance(schema, dict):
        for name, value in schema.items():
            yield from [value] if name == "pattern" and isinstance(value, str) else patterns_of(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from patterns_of(value)


def test_no_pattern_of_a_setting_takes_the_digits_and_letters_of_other_scripts():
    """Pydantic takes them for a class such as the one of all digits, and AWS does not."""
    patterns = set(patterns_of(EnvironmentSettings.model_json_schema()))
    assert len(patterns) >= 10
    assert [pattern for pattern in patterns if re.search(r"\\[dw]", pattern)] == []
