"""Every pair of options is refused with a sentence, or synthesises to templates that hold what every template holds."""

from __future__ import annotations

import json
import re

import pytest
from aws_cdk import App

from stacks.app import add_stacks
from stacks.settings import SettingsRefused, load_settings

from .calls import actions_of, machines_of, missing_and_idle, needlessly_wide
from .conftest import context
from .grants import policies_of, roles_of
from .pairs import APART, OPTIONS, PAIRS, environment, rows
from .test_conditions import open_to_others, without_a_source
from .test_role_hops import handled, too_far

NAME = "pairs"


def test_each_option_stands_alone():
    for name in OPTIONS:
        assert load_settings(NAME, {NAME: environment([name])}), name


@pytest.mark.threat
def test_a_pair_is_refused_exactly_where_the_table_says():
    refused = set()
    for pair in PAIRS:
        try:
            load_settings(NAME, {NAME: environment(sorted(pair))})
        except SettingsRefused:
            refused.add(pair)
    assert refused == APART


@pytest.mark.parametrize("pair", sorted(sorted(pair) for pair in APART), ids=" and ".join)
def test_the_refusal_of_a_pair_names_a_setting_of_each(pair):
    with pytest.raises(SettingsRefused) as refused:
        load_settings(NAME, {NAME: environment(pair)})
    for name in pair:
        paths = [path.rpartition(".")[2] for path in OPTIONS[name]]
        assert any(re.search(rf"\b{path}\b", str(refused.value)) for path in paths), name


def test_the_rows_have_every_other_pair():
    met = {frozenset((option, other)) for row in rows() for option in row for other in row if option != other}
    assert met == set(PAIRS) - APART


@pytest.fixture(
    scope="module", params=rows(), ids=lambda row: f"{len(row)}-options-{row[0].replace(' ', '-')}"
)
def synthesised(request, tmp_path_factory) -> dict[str, dict]:
    """The templates of a row by part, without the code of its functions."""
    folder = tmp_path_factory.mktemp("pairs")
    code = folder / "code"
    code.mkdir()
    (code / "handler.py").write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stacks.shared.lambda_function.write_function_code", lambda *_, **__: code)
        settings = load_settings(NAME, {NAME: environment(request.param)})
        app = App(context=context(), outdir=str(folder / "out"))
        stacks = add_stacks(app, settings, folder)
        app.synth()
    return {
        part: json.loads((folder / "out" / f"{stack.artifact_id}.template.json").read_text())
        for part, stack in in_order(stacks).items()
    }


def in_order(stacks: dict) -> dict:
    """The stacks in an order in which each comes after what it depends on."""
    ordered: dict = {}
    while len(ordered) < len(stacks):
        done = {stack.node.path for stack in ordered.values()}
        (part, stack), *_ = [
            (part, stack)
            for part, stack in stacks.items()
            if part not in ordered and {dependency.node.path for dependency in stack.dependencies} <= done
        ]
        ordered[part] = stack
    return ordered


def test_what_a_stack_reads_an_earlier_one_has_published(synthesised):
    published: set[str] = set()
    for part, template in synthesised.items():
        read = {
            parameter["Default"]
            for parameter in template.get("Parameters", {}).values()
            if parameter["Type"].startswith("AWS::SSM::Parameter::Value")
            if parameter["Default"].startswith("/recognition/")
        }
        assert read - published == set(), part
        published |= {
            resource["Properties"]["Name"]
            for resource in template["Resources"].values()
            if resource["Type"] == "AWS::SSM::Parameter"
        }


def test_no_role_comes_further_than_it_may(synthesised):
    assert too_far(synthesised) == []
    assert needlessly_wide(synthesised) == []
    assert without_a_source(synthesised) == []
    # Who shows a token is nobody to IAM; the endpoints alone lead to such an API.
    others = [role for role in open_to_others(synthesised) if not role.startswith("Api: Api")]
    assert others == []


def test_each_machine_may_make_exactly_its_calls(synthesised):
    for part in ("Training", "Release"):
        for definition, role in machines_of(synthesised[part]):
            assert missing_and_idle(synthesised[part], definition, role) == (set(), set()), part


def test_the_role_of_an_update_may_do_what_the_inference_stack_wants(synthesised):
    template = synthesised["Release"]
    (role,) = [name for name in roles_of(template) if name.startswith("UpdateRole")]
    allowed = {action for statement in policies_of(template, role) for action in actions_of(statement)}
    assert handled(synthesised["Inference"]) - allowed == set()


def acls_of(templates: dict[str, dict]) -> dict[str, dict]:
    """The properties of the web ACLs by their scope."""
    return {
        resource["Properties"]["Scope"]: resource["Properties"]
        for template in templates.values()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::WAFv2::WebACL"
    }


def test_an_address_that_asks_too_often_hears_when_to_ask_again(synthesised):
    for scope, acl in acls_of(synthesised).items():
        (rule,) = [rule for rule in acl["Rules"] if "RateBasedStatement" in rule["Statement"]]
        assert rule["Action"]["Block"]["CustomResponse"] == {
            "ResponseCode": 429,
            "CustomResponseBodyKey": "rate",
            "ResponseHeaders": [{"Name": "Retry-After", "Value": "300"}],
        }, scope
        assert "rate" in acl["CustomResponseBodies"], scope


@pytest.mark.threat
def test_a_firewall_counts_nobodys_requests_as_cloudfronts(synthesised):
    """A limit for each address is one for all people of the console, unless it leaves them to the edge's."""
    acls = acls_of(synthesised)
    has_console = "Console" in synthesised
    assert set(acls) == {"REGIONAL", *(["CLOUDFRONT"] if has_console else [])}
    scoped = "ScopeDownStatement" in json.dumps(acls["REGIONAL"])
    assert scoped is has_console
    if has_console:
        text = json.dumps(synthesised["Console"])
        assert '"WebACLId"' in text and "x-recognition-origin" in text
        assert "ScopeDownStatement" not in json.dumps(acls["CLOUDFRONT"])


def test_no_template_is_larger_than_cloudformation_takes(synthesised):
    for part, template in synthesised.items():
        # CloudFormation quotas: 1 MB of a template in S3, 500 resources.
        assert len(json.dumps(template)) < 1_000_000 and len(template["Resources"]) <= 500, part
