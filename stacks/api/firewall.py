"""A WAF web ACL before the API's stage: bodies too large, addresses that ask too often, and AWS's own rules."""

from __future__ import annotations

from aws_cdk import SecretValue
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from lambdas.common.bodies import IMAGE_BYTES
from stacks.settings.access import FirewallSettings
from stacks.shared.web_acl import ACL, add_web_acl, block, both, came_through, matches, too_many

# WAF compares no numbers in a header, so a size is written as a pattern of its digits. No body of 5,000,000 bytes is
# ever answered (see IMAGE_BYTES), and none of 1,000,000 that is one text: 100 KB, six bytes for each in JSON's escapes.
FIVE_MILLION = r"^0*([5-9]\d{6}|[1-9]\d{7,})$"
ONE_MILLION = r"^0*[1-9]\d{6,}$"
assert IMAGE_BYTES < 5_000_000, "the pattern has to let through what is taken"


class Firewall(Construct):
    """The web ACL of one stage.

    What comes through the console's distribution has CloudFront's addresses, which everybody there shares. The ACL
    before the distribution, which sees theirs, counts it; here it is known by the key that the distribution sends.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        stage: apigateway.Stage,
        settings: FirewallSettings,
        origin_key: SecretValue | None,
    ) -> None:
        super().__init__(scope, construct_id)
        counted_there = came_through(origin_key) if origin_key else None
        acl = add_web_acl(
            self,
            environment=environment,
            where="REGIONAL",
            description="Before the recognition API",
            statements=[
                ("BodyTooLarge", content_length(FIVE_MILLION), block("body")),
                ("TextTooLarge", both(content_length(ONE_MILLION), asks_about_one_text()), block("text")),
                too_many(settings.requests_in_five_minutes, unless=counted_there),
            ],
            managed_rules=[*settings.managed_rules],
        )
        waf.CfnWebACLAssociation(self, "Association", resource_arn=stage.stage_arn, web_acl_arn=acl.attr_arn)


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
