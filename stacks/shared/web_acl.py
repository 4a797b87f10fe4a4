"""Web ACLs of WAF, rule by rule: what the one before the API's stage and the one before the console share."""

from __future__ import annotations

from typing import Literal, cast

from aws_cdk import SecretValue
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from definitions.names import PROJECT
from stacks.shared.acknowledge import acknowledge
from stacks.shared.refusals import BY_FIREWALL, RATE_SECONDS

ACL = waf.CfnWebACL
# What the console's distribution sends with each request that it passes on; CloudFront replaces one of the viewer's.
ORIGIN_HEADER = "x-recognition-origin"
# The rules of these groups that read bodies only count. A body here is data that nobody runs: a picture is larger than
# the 8 KB that one of them allows, and a text to be classified may well speak of scripts or of Log4j.
COUNTED = {
    "AWSManagedRulesAmazonIpReputationList": (),
    "AWSManagedRulesCommonRuleSet": (
        "SizeRestrictions_BODY",
        "CrossSiteScripting_BODY",
        "GenericLFI_BODY",
        "GenericRFI_BODY",
        "EC2MetaDataSSRF_BODY",
    ),
    "AWSManagedRulesKnownBadInputsRuleSet": (
        "JavaDeserializationRCE_BODY",
        "Log4JRCE_BODY",
        "ReactJSRCE_BODY",
    ),
}


def add_web_acl(
    scope: Construct,
    *,
    environment: str,
    where: Literal["REGIONAL", "CLOUDFRONT"],
    description: str,
    statements: list[tuple[str, ACL.StatementProperty, ACL.RuleActionProperty]],
    managed_rules: list[str],
) -> waf.CfnWebACL:
    """A web ACL that lets through whatever none of its rules blocks; our statements come before AWS's groups."""
    # Metrics of two ACLs of one name are added up.
    prefix = f"{PROJECT.title()}{environment.title()}{'' if where == 'REGIONAL' else 'Edge'}"
    rules = [
        rule(number, name, prefix, statement=statement, action=action)
        for number, (name, statement, action) in enumerate(statements)
    ]
    rules += [
        rule(
            number, name, prefix, statement=managed(name), override_action=ACL.OverrideActionProperty(none={})
        )
        for number, name in enumerate(managed_rules, start=len(rules))
    ]
    acl = waf.CfnWebACL(
        scope,
        "Acl",
        scope=where,
        default_action=ACL.DefaultActionProperty(allow={}),
        description=description,
        visibility_config=visibility(f"{prefix}All"),
        rules=rules,
        custom_response_bodies={
            name: ACL.CustomResponseBodyProperty(content=refusal.body, content_type="APPLICATION_JSON")
            for name, refusal in BY_FIREWALL.items()
        },
    )
    addresses = "Its log would keep callers' addresses and headers; what it counts are metrics."
    acknowledge(acl, addresses, "NIST.800.53.R5-WAFv2LoggingEnabled")
    return acl


def rule(number: int, name: str, prefix: str, **what) -> ACL.RuleProperty:
    """One rule, with its counts as a metric and no request kept as a sample: samples hold headers."""
    return ACL.RuleProperty(
        name=name, priority=number, visibility_config=visibility(f"{prefix}{name}"), **what
    )


def visibility(metric: str) -> ACL.VisibilityConfigProperty:
    """A metric and no samples."""
    return ACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=False
    )


def block(name: str) -> ACL.RuleActionProperty:
    """Turns the request away with one of `BY_FIREWALL`."""
    refusal = BY_FIREWALL[name]
    seconds = refusal.retry_after_seconds
    later = [ACL.CustomHTTPHeaderProperty(name="Retry-After", value=str(seconds))] if seconds else None
    response = ACL.CustomResponseProperty(
        response_code=refusal.status or 403, custom_response_body_key=name, response_headers=later
    )
    return ACL.RuleActionProperty(block=ACL.BlockActionProperty(custom_response=response))


def too_many(
    requests: int, unless: ACL.StatementProperty | None = None
) -> tuple[str, ACL.StatementProperty, ACL.RuleActionProperty]:
    """The rule that turns an address away with more requests than this in five minutes; `unless` is not counted."""
    counted = (
        ACL.StatementProperty(not_statement=ACL.NotStatementProperty(statement=unless)) if unless else None
    )
    statement = ACL.StatementProperty(
        rate_based_statement=ACL.RateBasedStatementProperty(
            aggregate_key_type="IP",
            limit=requests,
            evaluation_window_sec=RATE_SECONDS,
            scope_down_statement=counted,
        )
    )
    return "TooManyRequests", statement, block("rate")


def came_through(origin_key: SecretValue) -> ACL.StatementProperty:
    """A request that the console's distribution passed on."""
    return ACL.StatementProperty(
        byte_match_statement=ACL.ByteMatchStatementProperty(
            field_to_match=ACL.FieldToMatchProperty(single_header={"Name": ORIGIN_HEADER}),
            positional_constraint="EXACTLY",
            # CloudFormation puts the value in; the template has a reference.
            search_string=origin_key.unsafe_unwrap(),
            text_transformations=[ACL.TextTransformationProperty(priority=0, type="NONE")],
        )
    )


def managed(name: str) -> ACL.StatementProperty:
    """One of AWS's groups, its rules over bodies counting only."""
    counted = [
        ACL.RuleActionOverrideProperty(name=rule, action_to_use=ACL.RuleActionProperty(count={}))
        for rule in COUNTED[name]
    ]
    return ACL.StatementProperty(
        managed_rule_group_statement=ACL.ManagedRuleGroupStatementProperty(
            vendor_name="AWS", name=name, rule_action_overrides=counted or None
        )
    )


def both(*statements: ACL.StatementProperty) -> ACL.StatementProperty:
    """All of these hold."""
    flat = [part for statement in statements for part in parts_of(statement)]
    return ACL.StatementProperty(and_statement=ACL.AndStatementProperty(statements=flat))


def parts_of(statement: ACL.StatementProperty) -> list[ACL.StatementProperty]:
    """The parts of a conjunction, or the statement itself."""
    both_hold = cast(ACL.AndStatementProperty | None, statement.and_statement)
    return cast(list[ACL.StatementProperty], both_hold.statements) if both_hold else [statement]


def matches(pattern: str, field: ACL.FieldToMatchProperty) -> ACL.StatementProperty:
    """A part of the request that fits a regular expression."""
    return ACL.StatementProperty(
        regex_match_statement=ACL.RegexMatchStatementProperty(
            regex_string=pattern,
            field_to_match=field,
            text_transformations=[ACL.TextTransformationProperty(priority=0, type="NONE")],
        )
    )
