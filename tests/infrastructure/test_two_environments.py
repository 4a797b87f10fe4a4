"""Two environments of any names stand beside each other in one account: no name, job or event of one is the other's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from definitions.names import environment_problem
from stacks.settings import SettingsRefused, load_settings

from .conftest import checked_templates, context
from .test_options import EVERYTHING

NAMES = ("staging", "eu1")
# The console cannot ask an API of other callers.
SETTINGS = {
    **EVERYTHING,
    "api": {"firewall": {}, "cache_seconds": 600},
    "console": {},
    "termination_protection": False,
}
MAY_BE_ALIKE = {
    # API Gateway's own metrics tell APIs of one name apart by their stage, which is the environment's name.
    ("AWS::ApiGateway::RestApi", "Name"),
    # Of a policy inside its role.
    ("AWS::IAM::Policy", "PolicyName"),
    # AWS's own: what is asked, not what is made; an alarm's dimensions name what it is about.
    ("AWS::EC2::VPCEndpoint", "ServiceName"),
    ("AWS::CloudWatch::Alarm", "MetricName"),
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> dict[str, dict[str, dict]]:
    """The templates of both environments by name and part, with everything switched on that has names."""
    return {name: checked_templates({name: SETTINGS}, tmp_path_factory.mktemp(name), name) for name in NAMES}


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from texts_in(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from texts_in(entry)


def is_fixed(value: Any) -> bool:
    """Whether a name is the same at every deployment of an account, and not that of another resource."""
    return "Ref" not in (others := json.dumps(value).replace('"Ref": "AWS::', "")) and "GetAtt" not in others


def names_of(templates: dict[str, dict]) -> set[tuple[str, str, str]]:
    """The physical names that the templates fix: type of the resource, property, value."""
    return {
        (resource["Type"], name, json.dumps(value))
        for template in templates.values()
        for resource in template["Resources"].values()
        for name, value in resource.get("Properties", {}).items()
        if re.fullmatch(r"(\w*Name|Domain)", name) and is_fixed(value)
    } | {
        (resource["Type"], name, json.dumps(value["Name"]))
        for template in templates.values()
        for resource in template["Resources"].values()
        if resource["Type"].startswith("AWS::CloudFront::")
        for name, value in resource.get("Properties", {}).items()
        if isinstance(value, dict) and "Name" in value
    }


def alarmed_about(templates: dict[str, dict]) -> list[str]:
    """What the alarms' metrics are of, apart from their names."""
    return [
        json.dumps(resource["Properties"]["Dimensions"])
        for template in templates.values()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    ]


def sources_of(templates: dict[str, dict]) -> set[str]:
    """The sources of the events that the state machines put on the bus."""
    texts = " ".join(text for template in templates.values() for text in texts_in(template))
    return set(re.findall(r'"Source":"([\w.]+)"', texts))


def heard_by(templates: dict[str, dict]) -> set[str]:
    """The sources of events that rules wait for."""
    return {
        source
        for template in templates.values()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Events::Rule"
        for source in resource["Properties"].get("EventPattern", {}).get("source", [])
    }


def test_no_physical_name_is_in_both(pair):
    first, second = (names_of(templates) for templates in pair.values())
    assert (
        "AWS::SageMaker::ModelPackageGroup",
        "ModelPackageGroupName",
        '"recognition-staging-cnn"',
    ) in first
    assert {(kind, name) for kind, name, _ in first & second} <= MAY_BE_ALIKE


def test_every_alarm_is_about_its_own_environment(pair):
    for name in NAMES:
        # What is of the alarm's own stack has a name that CloudFormation gives it.
        assert all(name in text or '"Fn::GetAtt"' in text for text in alarmed_about(pair[name]))


def test_the_firewalls_count_apart(pair):
    for name in NAMES:
        (acl,) = (
            resource
            for resource in pair[name]["Api"]["Resources"].values()
            if resource["Type"] == "AWS::WAFv2::WebACL"
        )
        visible = [acl["Properties"], *acl["Properties"]["Rules"]]
        metrics = [entry["VisibilityConfig"]["MetricName"] for entry in visible]
        assert all(metric.startswith(f"Recognition{name.title()}") for metric in metrics)


def test_neither_hears_of_the_others_events(pair):
    for name, other in (NAMES, NAMES[::-1]):
        assert sources_of(pair[name]) == {f"recognition.{name}"}
        assert f"recognition.{name}" in heard_by(pair[name])
        assert f"recognition.{name}" not in heard_by(pair[other])


def test_neither_may_touch_the_others_jobs(pair):
    for name in NAMES:
        jobs = {
            text
            for template in pair[name].values()
            for text in texts_in(template)
            if re.match(r":(training|processing|hyper-parameter-tuning)-job/", text)
        }
        assert jobs
        assert all(f"-job/{name}-" in text for text in jobs), jobs


def test_every_job_bears_its_environments_name(pair):
    for name in NAMES:
        definitions = " ".join(text for template in pair[name].values() for text in texts_in(template))
        made = re.findall(r'"(?:Training|Processing|HyperParameterTuning)JobName":"{% ([^%]+)%}', definitions)
        assert len(made) == 5, "plain data, training, evaluation, tuning, drift"
        assert all(f"'{name}-' & $kind" in expression for expression in made)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Staging", "lower-case letters and digits only"),
        ("dev-eu", "lower-case letters and digits only"),
        ("2nd", "begins with a letter"),
        ("myaws", "cannot hold 'aws', which Cognito refuses"),
        ("a" * 40, r"\d+ characters at most: SageMaker takes 63 for a name such as \w+-"),
    ],
)
def test_a_name_that_some_name_in_aws_cannot_hold_is_refused(name, reason):
    with pytest.raises(SettingsRefused, match=f"name: .*{reason}"):
        load_settings(name, {name: {}})


def test_a_name_as_long_as_every_name_in_aws_allows_is_taken():
    too_long = environment_problem("a" * 40)
    longest = "a" * int(re.search(r"(\d+) characters at most", too_long)[1])
    assert load_settings(longest, {longest: {}}).name == longest
    with pytest.raises(SettingsRefused):
        load_settings(f"{longest}a", {f"{longest}a": {}})


def test_without_a_default_an_environment_has_to_be_named():
    with pytest.raises(SettingsRefused, match="names no `environment` as the default"):
        load_settings(None, context()["environments"])


def test_no_protected_environment_is_shut_down_by_schedule():
    scheduled_shutdown = {"scheduled_shutdown": {"idle_hours": 4}}
    with pytest.raises(SettingsRefused, match="which termination_protection keeps"):
        load_settings("staging", {"staging": scheduled_shutdown})
    assert load_settings(
        "staging", {"staging": {**scheduled_shutdown, "termination_protection": False}}
    ).scheduled_shutdown
