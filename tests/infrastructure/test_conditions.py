"""What holds in every template: who may take a role for which account, and over what the API is spoken to."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

# Services that say for whom they act, by their own guides on the confused deputy. Lambda and API Gateway say it for
# no role; of a key EventBridge says it for its own buses, and not where it writes to a topic.
TELL_THEIR_SOURCE = ("sagemaker", "states", "scheduler", "vpc-flow-logs", "logging.s3", "budgets")


POLICIES = ("AssumeRolePolicyDocument", "KeyPolicy", "Policy", "PolicyDocument")
# Its document says what goes through it, for whoever may by its own policies.
THROUGH_IT = ("AWS::EC2::VPCEndpoint",)


def statements(template: dict) -> Iterator[tuple[str, dict]]:
    """Every statement of a trust policy or of a resource's own policy, with its resource."""
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        for member in POLICIES if resource["Type"] not in THROUGH_IT else ():
            for statement in properties.get(member, {}).get("Statement", ()):
                if "Principal" in statement:
                    yield name, statement


def services(statement: dict) -> list[str]:
    """The services that a statement allows something."""
    principal = statement.get("Principal", {})
    named = principal.get("Service", []) if isinstance(principal, dict) else []
    names = [named] if isinstance(named, str) else named
    return [name.removesuffix(".amazonaws.com") for name in names if isinstance(name, str)]


def without_a_source(templates: dict[str, dict]) -> list[str]:
    """The statements by which a service may act for any account."""
    return [
        f"{part}: {name} for {service}"
        for part, template in templates.items()
        for name, statement in statements(template)
        for service in services(statement)
        if statement["Effect"] == "Allow" and service in TELL_THEIR_SOURCE
        if "aws:SourceA" not in json.dumps(statement.get("Condition", {}))
    ]


def open_to_others(templates: dict[str, dict]) -> list[str]:
    """The statements that allow somebody who is no service, nobody of this account and no person who has signed in."""
    return [
        f"{part}: {name} for {principal}"
        for part, template in templates.items()
        for name, statement in statements(template)
        if statement["Effect"] == "Allow"
        for principal in principals_of(statement)
        if not is_known(template, principal, statement)
    ]


def principals_of(statement: dict) -> list:
    """Whom a statement of a resource's own policy is about, services left out."""
    principal = statement["Principal"]
    if isinstance(principal, str):
        return [principal]
    named = [value for kind, value in principal.items() if kind != "Service"]
    return [principal for value in named for principal in (value if isinstance(value, list) else [value])]


def is_known(template: dict, principal: object, statement: dict) -> bool:
    """Whether that is this account, one of the template's roles, or who has a token of one identity pool."""
    condition = json.dumps(statement.get("Condition", {}))
    if principal == "cognito-identity.amazonaws.com":
        return "cognito-identity.amazonaws.com:aud" in condition and '"authenticated"' in condition
    text = json.dumps(principal)
    if '{"Ref": "AWS::AccountId"}, ":root"' in text or "111122223333:root" in text:
        return True
    return isinstance(principal, dict) and principal.get("Fn::GetAtt", [""])[0] in template["Resources"]


def test_nobody_of_another_account_is_allowed_anything(templates):
    assert open_to_others(templates) == []


@pytest.mark.threat
def test_a_service_acts_for_this_account_alone_wherever_it_says_for_whom(templates):
    assert without_a_source(templates) == []


def test_the_api_speaks_tls_1_2_or_later(templates, of_type):
    (api,) = of_type(templates["Api"], "AWS::ApiGateway::RestApi")
    assert api["SecurityPolicy"].startswith("SecurityPolicy_TLS13_1_2")
