"""What holds in every template: who may take a role for which account, and over what the API is spoken to."""

from __future__ import annotations

import json
from collections.abc import Iterator

# Services that say for whom they act, by their own guides on the confused deputy. Lambda and API Gateway say it for
# no role; of a key EventBridge says it for its own buses, and not where it writes to a topic.
TELL_THEIR_SOURCE = ("sagemaker", "states", "scheduler", "vpc-flow-logs", "logging.s3", "budgets")


def statements(template: dict) -> Iterator[tuple[str, dict]]:
    """Every statement of a trust policy or of a resource's own policy, with its resource."""
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        for member in ("AssumeRolePolicyDocument", "KeyPolicy", "PolicyDocument"):
            for one in properties.get(member, {}).get("Statement", ()):
                yield name, one


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


def test_a_service_acts_for_this_account_alone_wherever_it_says_for_whom(templates):
    assert without_a_source(templates) == []


def test_the_api_speaks_tls_1_2_or_later(templates, of_type):
    (api,) = of_type(templates["Api"], "AWS::ApiGateway::RestApi")
    assert api["SecurityPolicy"].startswith("SecurityPolicy_TLS13_1_2")
