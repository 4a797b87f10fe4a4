"""A WAF web ACL before the API's stage: bodies too large, addresses that ask too often, and AWS's own rules."""

from __future__ import annotations

from typing import cast

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from definitions.names import PROJECT
from lambdas.common.bodies import IMAGE_BYTES
from stacks.settings.access import FirewallSettings
from stacks.shared.acknowledge import acknowledge

ACL = waf.CfnWebACL
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
# WAF compares no numbers in a header, so a size is written as a pattern of its digits. No body of 5,000,000 bytes is
# ever answered (see IMAGE_BYTES), and none of 1,000,000 that is one text: 100 KB, six bytes for each in JSON's escapes.
FIVE_MILLION = r"^0*([5-9]\d{6}|[1-9]\d{7,})$"
ONE_MILLION = r"^0*[1-9]\d{6,}$"
assert IMAGE_BYTES < 5_000_000, "the pattern has to let through what is taken"
TOO_LARGE, TOO_MANY = 413, 429


class Firewall(Construct):
    """The web ACL of one stage."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        stage: apigateway.Stage,
        settings: FirewallSettings,
    ) -> None:
        super().__init__(scope, construct_id)
        # Metrics of two ACLs of one name are added up.
        prefix = f"{PROJECT.title()}{environment.title()}"
        statements = [
            ("BodyTooLarge", content_length(FIVE_MILLION), block(TOO_LARGE)),
            ("TextTooLarge", both(content_length(ONE_MILLION), asks_about_one_text()), block(TOO_LARGE)),
            ("TooManyRequests", rate(settings.requests_in_five_minutes), block(TOO_MANY)),
        ]
        rules = [
            rule(number, name, prefix, statement=statement, action=action)
            for number, (name, statement, action) in enumerate(statements)
        ]
        rules += [
            rule(
                number,
                name,
                prefix,
                statement=managed(name),
                override_action=ACL.OverrideActionProperty(none={}),
            )
            for number, name in enumerate(settings.managed_rules, start=len(rules))
        ]
        acl = waf.CfnWebACL(
            self,
            "Acl",
            scope="REGIONAL",
            default_action=ACL.DefaultActionProperty(allow={}),
            description="Before the recognition API",
            visibility_config=visibility(f"{prefix}All"),
            rules=rules,
        )
        addresses = "Its log would keep callers' addresses and headers; what it counts are metrics."
        acknowledge(acl, addresses, "NIST.800.53.R5-WAFv2LoggingEnabled")
        waf.CfnWebACLAssociation(self, "Association", resource_arn=stage.stage_arn, web_acl_arn=acl.attr_arn)


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


def block(status: int) -> ACL.RuleActionProperty:
    """Turns the request away with a status."""
    return ACL.RuleActionProperty(
        block=ACL.BlockActionProperty(custom_response=ACL.CustomResponseProperty(response_code=status))
    )


def rate(requests: int) -> ACL.StatementProperty:
    """An address with more requests than this in five minutes."""
    return ACL.StatementProperty(
        rate_based_statement=ACL.RateBasedStatementProperty(
            aggregate_key_type="IP", limit=requests, evaluation_window_sec=300
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


def content_length(pattern: str) -> ACL.StatementProperty:
    """A Content-Length of these digits."""
    return matches(pattern, ACL.FieldToMatchProperty(single_header={"Name": "content-length"}))


def asks_about_one_text() -> ACL.StatementProperty:
    """A path below /texts that is no batch."""
    path = ACL.FieldToMatchProperty(uri_path={})
    batch = ACL.StatementProperty(
        not_statement=ACL.NotStatementProperty(statement=matches("/batch/?$", path))
    )
    return both(matches("/texts/", path), batch)


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
