"""The web ACL before the console's distribution, which alone sees the addresses of who asks through it."""

from __future__ import annotations

from aws_cdk import App, Environment, Stack
from constructs import Construct

from stacks.settings import EnvironmentSettings
from stacks.shared.web_acl import add_web_acl, too_many

# WAF has the ACLs of distributions in this region alone (its developer guide, CloudFront distributions).
EDGE_REGION = "us-east-1"
# What the ACL before the API's stage cannot tell of requests that come from CloudFront; the rest it tells of them too.
BY_ADDRESS = ("AWSManagedRulesAmazonIpReputationList",)


class EdgeStack(Stack):
    """The ACL of an environment in another region; CDK's own functions carry its ARN over."""

    def __init__(
        self, scope: App, construct_id: str, *, settings: EnvironmentSettings, env: Environment, **options
    ) -> None:
        place = Environment(account=env.account, region=EDGE_REGION)
        super().__init__(scope, construct_id, env=place, cross_region_references=True, **options)
        self.acl_arn = edge_acl(self, settings)


def edge_acl(scope: Construct, settings: EnvironmentSettings) -> str:
    """The ACL's ARN.

    Raises:
        ValueError: when the settings want no firewall.
    """
    firewall = settings.api.firewall
    if firewall is None:
        raise ValueError(f"The environment '{settings.name}' has no firewall.")
    acl = add_web_acl(
        scope,
        environment=settings.name,
        where="CLOUDFRONT",
        description="Before the console of recognition",
        statements=[too_many(firewall.requests_in_five_minutes)],
        managed_rules=[rule for rule in firewall.managed_rules if rule in BY_ADDRESS],
    )
    return acl.attr_arn
