"""The console's stack: a private page behind CloudFront, one domain with the API, and people with one permission."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from aws_cdk import App
from botocore import xform_name

import console
from cli.local.status import stacks_of
from console import (
    CONFIGURATION,
    LESSONS,
    MACHINES,
    PATHS,
    SITE_PATH,
    SITE_POLICY,
    WATCH,
    PartMissing,
    content_security_policy,
    page_files,
)
from definitions.names import (
    BAKEOFF_KEY,
    LABELLED_PREFIX,
    REGISTERED_PREFIX,
    SHOWS_EVALUATIONS_VARIABLE,
    SUMMARY_FILE,
)
from stacks.app import compose
from stacks.console.stack import cost_of_run
from stacks.settings import load_settings
from stacks.settings.training import TrainingSettings

from .calls import actions_of, allowed_to, resources_of
from .conftest import context

# Actions whose call has another name.
ACTIONS = {"ListBucket": "list_objects_v2"}


def with_console(**settings) -> dict:
    """cdk.json's context with the console in dev."""
    changed = context()
    changed["environments"]["dev"]["console"] = settings
    return {**changed, "environment": "dev"}


def synthesised(output: Path, **settings) -> Path:
    """The assembly of dev with the console; a finding of cdk-nag that is not acknowledged raises."""
    app = App(context=with_console(**settings), outdir=str(output))
    compose(app)
    app.synth()
    return output


@pytest.fixture(scope="module")
def assembly(tmp_path_factory) -> Path:
    """A synth of dev with the console."""
    return synthesised(tmp_path_factory.mktemp("console"))


@pytest.fixture(scope="module")
def assembly_with_all(tmp_path_factory) -> Path:
    """A synth of dev with all that the console can have, the documentation site being one page."""
    site = tmp_path_factory.mktemp("site")
    page = site / LESSONS.removeprefix(SITE_PATH)
    page.parent.mkdir()
    page.write_text("<h1>Learn</h1>")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console, "SITE", site)
        output = tmp_path_factory.mktemp("all")
        return synthesised(output, lessons=True, may_release=True, may_train=True, shows_evaluations=True)


def console_of(assembly: Path) -> dict:
    """The console's template."""
    return json.loads((assembly / "Recognition-dev-Console.template.json").read_text())


@pytest.fixture(scope="module")
def template(assembly) -> dict:
    return console_of(assembly)


@pytest.fixture(scope="module")
def template_with_all(assembly_with_all) -> dict:
    return console_of(assembly_with_all)


def uploaded_files(assembly: Path, upload: dict) -> dict[str, bytes]:
    """What a deployment copies to the bucket, by its key."""
    assets = json.loads((assembly / "Recognition-dev-Console.assets.json").read_text())["files"]
    folders = [
        assembly / assets[key.partition(".")[0]]["source"]["path"] for key in upload["SourceObjectKeys"]
    ]
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for folder in folders
        for file in folder.rglob("*")
        if file.is_file()
    }


def joined(value) -> str:
    """A template's text with references as their names in braces."""
    if isinstance(value, dict) and "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return separator.join(joined(part) for part in parts)
    if isinstance(value, dict):
        (reference,) = value.values()
        return "{" + (reference if isinstance(reference, str) else ".".join(map(str, reference))) + "}"
    return value


def test_nothing_is_on_the_internet_unless_the_settings_say_so():
    for environment in ("dev", "prod"):
        assert load_settings(environment, context()["environments"]).console is None


def test_the_status_command_knows_every_stack_that_the_settings_ask_for(assembly):
    composed = {file.name.split(".")[0] for file in assembly.glob("*.template.json")}
    settings = load_settings("dev", with_console()["environments"])
    assert composed == {f"Recognition-dev-{part}" for part in stacks_of(settings)}
    assert "Console" in stacks_of(settings)


def test_the_linter_finds_nothing(template, template_with_all, lint):
    lint({"Console": template, "ConsoleWithAll": template_with_all})


def test_only_the_distribution_reads_the_page(template, of_type):
    for bucket in of_type(template, "AWS::S3::Bucket"):
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    reading = [
        statement
        for policy in of_type(template, "AWS::S3::BucketPolicy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and "s3:GetObject" in statement["Action"]
    ]
    (statement,) = reading
    assert statement["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert "AWS:SourceArn" in json.dumps(statement["Condition"])
    (control,) = of_type(template, "AWS::CloudFront::OriginAccessControl")
    assert control["OriginAccessControlConfig"]["SigningBehavior"] == "always"


def test_who_asked_the_distribution_is_logged_for_as_many_days_as_other_accesses(template, of_type):
    (distribution,) = of_type(template, "AWS::CloudFront::Distribution")
    log = distribution["DistributionConfig"]["Logging"]
    name = log["Bucket"]["Fn::GetAtt"][0]
    (rule,) = template["Resources"][name]["Properties"]["LifecycleConfiguration"]["Rules"]
    days = load_settings("dev", context()["environments"]).storage.logs_days
    assert (rule["ExpirationInDays"], log["IncludeCookies"]) == (days, False)


def test_the_pages_headers_are_those_of_the_embedded_aws_and_https(template, of_type):
    (policy,) = of_type(template, "AWS::CloudFront::ResponseHeadersPolicy")
    headers = policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    given = joined(headers["ContentSecurityPolicy"]["ContentSecurityPolicy"])
    sign_in = "https://recognition-dev-{AWS::AccountId}.auth.us-east-1.amazoncognito.com"
    assert given == content_security_policy([sign_in, "https://cognito-identity.us-east-1.amazonaws.com"])
    assert headers["StrictTransportSecurity"]["AccessControlMaxAgeSec"] >= 31_536_000
    (distribution,) = of_type(template, "AWS::CloudFront::Distribution")
    parts = distribution["DistributionConfig"]
    for behavior in (parts["DefaultCacheBehavior"], *parts["CacheBehaviors"]):
        assert behavior["ViewerProtocolPolicy"] == "redirect-to-https"
        assert "ResponseHeadersPolicyId" in behavior


def test_the_api_is_on_the_same_domain_uncached_and_under_its_own_host_name(template, of_type):
    (distribution,) = of_type(template, "AWS::CloudFront::Distribution")
    behaviors = distribution["DistributionConfig"]["CacheBehaviors"]
    assert [behavior["PathPattern"] for behavior in behaviors] == ["/dev/*", "/watch.json"]
    for behavior in behaviors:
        # AWS's managed policies: CachingDisabled, AllViewerExceptHostHeader (Amazon CloudFront developer guide).
        assert behavior["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
        assert behavior["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"


def test_only_people_whom_an_administrator_added_sign_in_and_with_two_factors(template, of_type):
    (users,) = of_type(template, "AWS::Cognito::UserPool")
    assert users["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
    assert (users["MfaConfiguration"], users["EnabledMfas"]) == ("ON", ["SOFTWARE_TOKEN_MFA"])
    (identities,) = of_type(template, "AWS::Cognito::IdentityPool")
    assert identities["AllowUnauthenticatedIdentities"] is False
    (client,) = of_type(template, "AWS::Cognito::UserPoolClient")
    assert (client["AllowedOAuthFlows"], client["AllowedOAuthScopes"]) == (["code"], ["openid"])
    assert client.get("GenerateSecret", False) is False


def test_a_person_may_ask_the_paths_of_the_page_and_nothing_else(template, of_type):
    (attachment,) = of_type(template, "AWS::Cognito::IdentityPoolRoleAttachment")
    assert list(attachment["Roles"]) == ["authenticated"]
    role = attachment["Roles"]["authenticated"]["Fn::GetAtt"][0]
    policies = [
        resource["PolicyDocument"]["Statement"]
        for resource in of_type(template, "AWS::IAM::Policy")
        if {"Ref": role} in resource["Roles"]
    ]
    ((statement, *invocations),) = policies
    assert {invocation["Action"] for invocation in invocations} == {
        "lambda:InvokeFunctionUrl",
        "lambda:InvokeFunction",
    }
    assert all("Watch" in json.dumps(invocation["Resource"]) for invocation in invocations)
    assert statement["Action"] == "execute-api:Invoke"
    asked = [json.dumps(one).rpartition("/dev/POST/")[2].rstrip('"]}') for one in statement["Resource"]]
    assert sorted(asked) == sorted(PATHS)


def person_statements(template: dict) -> list[dict]:
    """What whoever has signed in may do."""
    (role,) = [name for name in template["Resources"] if re.fullmatch(r"PersonRole[0-9A-F]{8}", name)]
    return [
        statement
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Policy" and {"Ref": role} in resource["Properties"]["Roles"]
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
    ]


@pytest.mark.threat
def test_whoever_signed_in_starts_the_machines_that_settings_say_and_no_other(template, template_with_all):
    before, after = person_statements(template), person_statements(template_with_all)
    assert not any("states:" in action for one in before for action in actions_of(one))
    added = [
        (action, joined(resource))
        for one in after
        if one not in before
        for action in actions_of(one)
        for resource in resources_of(one)
    ]
    machines = ("ReleaseStateMachineArn", "TrainingStateMachineArn")
    names = [f"{{6.{{'Fn::Split': [':', {{'Ref': '{machine}'}}]}}}}" for machine in machines]
    executions = [f"arn:aws:states:us-east-1:{{AWS::AccountId}}:execution:{name}:*" for name in names]
    assert sorted(added) == [
        *(("states:DescribeExecution", execution) for execution in executions),
        *(("states:StartExecution", f"{{{machine}}}") for machine in machines),
    ]


@pytest.mark.parametrize(
    ("setting", "machine"),
    [("may_release", "ReleaseStateMachineArn"), ("may_train", "TrainingStateMachineArn")],
)
def test_a_setting_alone_gives_its_machine_alone(tmp_path, setting, machine):
    statements = person_statements(console_of(synthesised(tmp_path, **{setting: True})))
    started = [one["Resource"] for one in statements if one["Action"] == "states:StartExecution"]
    assert started == [{"Ref": machine}]


def test_step_functions_is_asked_at_its_root_through_the_pages_own_domain(
    template, template_with_all, of_type
):
    before, after = (
        of_type(one, "AWS::CloudFront::ResponseHeadersPolicy") for one in (template, template_with_all)
    )
    assert before[0] in after, "the page's policy lets it call no further place"
    (distribution,) = of_type(template_with_all, "AWS::CloudFront::Distribution")
    parts = distribution["DistributionConfig"]
    (behavior,) = [one for one in parts["CacheBehaviors"] if one["PathPattern"] == f"/{MACHINES}"]
    (origin,) = [one for one in parts["Origins"] if one["Id"] == behavior["TargetOriginId"]]
    assert origin["DomainName"] == "states.us-east-1.amazonaws.com"
    (rewriting,) = of_type(template_with_all, "AWS::CloudFront::Function")
    assert rewriting["FunctionCode"].startswith('const places = {"/": "/index.html", "/_states": "/"};')
    for one in (behavior, parts["DefaultCacheBehavior"]):
        assert [two["EventType"] for two in one["FunctionAssociations"]] == ["viewer-request"]
    # It would be asked for in the place of Step Functions' root.
    assert "DefaultRootObject" not in parts
    assert of_type(template, "AWS::CloudFront::Function") == []


def test_the_page_that_may_start_a_machine_is_told_its_address_and_what_a_run_costs(
    assembly_with_all, template_with_all, of_type
):
    (upload,) = of_type(template_with_all, "Custom::CDKBucketDeployment")
    told = uploaded_files(assembly_with_all, upload)[CONFIGURATION].decode().replace(" ", "")
    for name in ("release", "train"):
        (machine,) = re.findall(rf'"{name}":\{{(.*?)\}}', told)
        assert f'"address":"{MACHINES}","host":"states.us-east-1.amazonaws.com"' in machine
        assert machine.startswith('"machine":')
    assert '"cost":"Arunispaidfor:1trainingjobon1hostml.' in told


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"instance_type": "ml.g5.xlarge"}, "1 training job on 1 host ml.g5.xlarge for 4 h at most"),
        (
            {"instance_type": "ml.g5.xlarge", "instance_count": 2, "max_runtime_seconds": 5400},
            "1 training job on 2 hosts ml.g5.xlarge for 1.5 h at most",
        ),
        (
            {
                "instance_type": "ml.g5.xlarge",
                "tuning": {"jobs": 9, "ranges": {"cnn": {"learning_rate": [1e-4, 1e-2]}}},
            },
            "9 training jobs, each on 1 host ml.g5.xlarge for 4 h at most",
        ),
    ],
)
def test_what_a_run_may_take_is_told_before_it_is_started(training, said):
    told = cost_of_run(TrainingSettings.model_validate(training))
    assert told == f"A run is paid for: {said}, and shorter ones beside it."


def test_the_watching_function_may_read_what_it_reads_and_change_nothing(template, of_type):
    (function,) = [
        resource
        for resource in of_type(template, "AWS::Lambda::Function")
        if resource["Handler"] == "watch.handler"
    ]
    (address,) = of_type(template, "AWS::Lambda::Url")
    assert address["AuthType"] == "AWS_IAM"
    role = function["Role"]["Fn::GetAtt"][0]
    allowed = allowed_to(template, role)
    # The methods of clients that the function calls, as actions.
    calls = set(re.findall(r"\.((?:describe|list|get|filter)_\w+)\(", (WATCH / "watch.py").read_text()))
    # Writing its own log and traces, and the key under which the data bucket is.
    beside = {"CreateLogStream", "PutLogEvents", "PutTelemetryRecords", "PutTraceSegments", "Decrypt"}
    named = {action.partition(":")[2] for action in allowed} - beside
    assert {ACTIONS.get(name, xform_name(name)) for name in named} == calls


def read_by_watch(template: dict) -> list[tuple]:
    """What of buckets and key the watching function may read: actions, resources and conditions."""
    (role,) = [
        name for name in template["Resources"] if name.startswith("WatchRole") and "Policy" not in name
    ]
    return [
        (action, joined(place), statement.get("Condition"))
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Policy" and {"Ref": role} in resource["Properties"]["Roles"]
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
        for action in actions_of(statement)
        if action.startswith(("s3:", "kms:"))
        for place in resources_of(statement)
    ]


def test_the_watching_function_may_read_the_last_bakeoff_and_the_days_with_labels(template):
    through_s3 = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    assert sorted(read_by_watch(template), key=str) == [
        ("kms:Decrypt", "{KeyArn}", through_s3),
        ("s3:GetObject", f"arn:aws:s3:::{{DataBucket}}/{BAKEOFF_KEY}", None),
        ("s3:GetObject", f"arn:aws:s3:::{{ModelBucket}}/{LABELLED_PREFIX}/*", None),
        ("s3:ListBucket", "arn:aws:s3:::{DataBucket}", {"StringEquals": {"s3:prefix": BAKEOFF_KEY}}),
        (
            "s3:ListBucket",
            "arn:aws:s3:::{ModelBucket}",
            {"StringLike": {"s3:prefix": f"{LABELLED_PREFIX}/*"}},
        ),
    ]


@pytest.mark.threat
def test_evaluations_are_read_where_a_setting_says_so_and_nothing_beside_them(
    assembly_with_all, template, template_with_all, of_type
):
    added = [one for one in read_by_watch(template_with_all) if one not in read_by_watch(template)]
    summaries = [f"{REGISTERED_PREFIX}/dev-{kind}-*/{SUMMARY_FILE}" for kind in ("cnn", "rnn")]
    assert added == [
        *(("s3:GetObject", f"arn:aws:s3:::{{ModelBucket}}/{summary}", None) for summary in summaries),
        ("s3:ListBucket", "arn:aws:s3:::{ModelBucket}", {"StringLike": {"s3:prefix": summaries}}),
    ]
    has_variable = [
        SHOWS_EVALUATIONS_VARIABLE in function.get("Environment", {}).get("Variables", {})
        for one in (template, template_with_all)
        for function in of_type(one, "AWS::Lambda::Function")
        if function["Handler"] == "watch.handler"
    ]
    assert has_variable == [False, True]
    (upload,) = of_type(template_with_all, "Custom::CDKBucketDeployment")
    assert '"evaluations":true' in uploaded_files(assembly_with_all, upload)[CONFIGURATION].decode()


def test_the_page_is_uploaded_as_it_is(assembly, template, of_type):
    """Everything that it is made of, and besides only its configuration, which has what the page reads of it."""
    (upload,) = of_type(template, "Custom::CDKBucketDeployment")
    uploaded = uploaded_files(assembly, upload)
    # References stand unquoted in it until it is deployed.
    configuration = re.findall(r'"(\w+)":', uploaded.pop(CONFIGURATION).decode())
    assert uploaded == {name: file.read_bytes() for name, file in page_files().items()}
    script = b"".join(content for name, content in uploaded.items() if name.endswith(".js")).decode()
    # Credentials on this machine alone, the others where the settings want them.
    not_always = {"credentials", "evaluations", "lessons", "release", "train"}
    assert set(re.findall(r"\bconfiguration\.(\w+)", script)) - not_always <= {*configuration}


def test_the_lessons_are_uploaded_beside_the_page_and_the_page_finds_them(
    assembly_with_all, template_with_all, of_type
):
    (upload,) = of_type(template_with_all, "Custom::CDKBucketDeployment")
    uploaded = uploaded_files(assembly_with_all, upload)
    assert f'"lessons":"{LESSONS}"' in uploaded.pop(CONFIGURATION).decode().replace(" ", "")
    assert uploaded.pop(LESSONS) == b"<h1>Learn</h1>"
    assert set(uploaded) == set(page_files())


def test_the_lessons_run_no_script_and_the_pages_own_policy_stays(template, template_with_all, of_type):
    (distribution,) = of_type(template_with_all, "AWS::CloudFront::Distribution")
    parts = distribution["DistributionConfig"]
    (of_site,) = [one for one in parts["CacheBehaviors"] if one["PathPattern"] == f"/{SITE_PATH}*"]
    assert of_site["TargetOriginId"] == parts["DefaultCacheBehavior"]["TargetOriginId"]
    assert of_site["ViewerProtocolPolicy"] == "redirect-to-https"
    policy = template_with_all["Resources"][of_site["ResponseHeadersPolicyId"]["Ref"]]["Properties"]
    headers = policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    assert headers["ContentSecurityPolicy"] == {"ContentSecurityPolicy": SITE_POLICY, "Override": True}
    assert "script-src" not in SITE_POLICY
    name = parts["DefaultCacheBehavior"]["ResponseHeadersPolicyId"]["Ref"]
    assert template_with_all["Resources"][name] == template["Resources"][name]


def test_lessons_that_nobody_built_fail_the_synth_with_how_to_build_them(tmp_path, monkeypatch):
    monkeypatch.setattr(console, "SITE", tmp_path)
    with pytest.raises(PartMissing, match="index.html is not there. Run: make docs$"):
        synthesised(tmp_path / "assembly", lessons=True)
