"""The page in a private bucket behind CloudFront, on one domain with what it asks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy, SecretValue, Stack
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_deployment as deployment

from console import (
    CONFIGURATION,
    MACHINES,
    PAGE,
    SITE_PATH,
    SITE_POLICY,
    built_site,
    content_security_policy,
    library_files,
    security_headers,
)
from stacks.settings import EnvironmentSettings
from stacks.settings.storage import StorageSettings
from stacks.shared.acknowledge import acknowledge
from stacks.shared.grants import flattened
from stacks.shared.lambda_assets import copy
from stacks.shared.log_group import add_log_group
from stacks.shared.web_acl import ORIGIN_HEADER

HTTPS_ONLY_DAYS = 365
# Of the function that uploads, in which the AWS CLI runs: the site has hundreds of files. CDK's 128 do for the page.
SITE_UPLOAD_MEGABYTES = 512
# What cdk-nag finds at the function that uploads, beside its policy.
UPLOAD = (
    "AwsSolutions-L1",
    "NIST.800.53.R5-IAMNoInlinePolicy",
    "NIST.800.53.R5-LambdaConcurrency",
    "NIST.800.53.R5-LambdaDLQ",
    "NIST.800.53.R5-LambdaInsideVPC",
    "Serverless-LambdaDLQ",
    "Serverless-LambdaLatestVersion",
    "Serverless-LambdaTracing",
)
# What cdk-nag finds at the distribution, and why it stands.
DISTRIBUTION = {
    "CFR1": "People sign in from wherever they are.",
    "CFR4": "CloudFront's own domain comes with its own certificate and takes no other policy.",
}


@dataclass(frozen=True)
class Guard:
    """The firewall before the distribution.

    Attributes:
        acl_arn: of the web ACL.
        origin_key: what the distribution sends on, by which the API's own firewall knows its requests.
    """

    acl_arn: str
    origin_key: SecretValue


def page_bucket(stack: Stack) -> s3.Bucket:
    """A private bucket that holds the page and nothing else."""
    bucket = s3.Bucket(
        stack,
        "Page",
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        removal_policy=RemovalPolicy.DESTROY,
        auto_delete_objects=True,
    )
    public = "Only the distribution reads it, and it holds a public page, which a deployment writes anew."
    rules = (
        "BucketLoggingEnabled",
        "BucketReplicationEnabled",
        "BucketVersioningEnabled",
        "DefaultEncryptionKMS",
    )
    acknowledge(bucket, public, "AwsSolutions-S1", *(f"NIST.800.53.R5-S3{rule}" for rule in rules))
    return bucket


def page_policy(stack: Stack, sign_in: str) -> str:
    """The page's content security policy: it calls its own place, and what signs a person in."""
    return content_security_policy([sign_in, f"https://cognito-identity.{stack.region}.amazonaws.com"])


def response_headers(stack: Stack, name: str, policy: str) -> cloudfront.ResponseHeadersPolicy:
    """The security headers under a content policy, as the embedded AWS sends them too, and HTTPS from then on."""
    fields = security_headers(policy)
    custom = ("cross-origin-opener-policy", "permissions-policy")
    return cloudfront.ResponseHeadersPolicy(
        stack,
        name,
        security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
            content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                content_security_policy=fields["content-security-policy"], override=True
            ),
            content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
            frame_options=cloudfront.ResponseHeadersFrameOptions(
                frame_option=cloudfront.HeadersFrameOption.DENY, override=True
            ),
            referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                referrer_policy=cloudfront.HeadersReferrerPolicy.NO_REFERRER, override=True
            ),
            strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                access_control_max_age=Duration.days(HTTPS_ONLY_DAYS),
                include_subdomains=True,
                override=True,
            ),
        ),
        custom_headers_behavior=cloudfront.ResponseCustomHeadersBehavior(
            custom_headers=[
                cloudfront.ResponseCustomHeader(header=name, value=fields[name], override=True)
                for name in custom
            ]
        ),
    )


def page_distribution(
    stack: Stack,
    bucket: s3.Bucket,
    behind: dict[str, str],
    settings: EnvironmentSettings,
    *,
    policy: str,
    lessons: bool,
    guard: Guard | None,
) -> cloudfront.Distribution:
    """The page for everyone, and where `lessons` is true the site; behind paths what those hosts answer.

    Args:
        stack: of the distribution.
        bucket: that holds page and site.
        behind: hosts by paths; they want signatures.
        settings: of the environment.
        policy: the page's content security policy; the site has its own.
        lessons: whether the site is there.
        guard: the firewall, if there is one.
    """
    common = {
        "viewer_protocol_policy": cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        "response_headers_policy": response_headers(stack, "Headers", policy),
    }
    origin = origins.S3BucketOrigin.with_origin_access_control(bucket)
    site = {}
    if lessons:
        site[f"/{SITE_PATH}*"] = cloudfront.BehaviorOptions(
            origin=origin,
            cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            response_headers_policy=response_headers(stack, "SiteHeaders", SITE_POLICY),
        )
    # To the API alone, whose firewall knows it.
    of_api = f"/{settings.name}/*"
    key = {of_api: {ORIGIN_HEADER: guard.origin_key.unsafe_unwrap()}} if guard else {}
    machines = f"/{MACHINES}"
    rewriting = [roots(stack)] if machines in behind else None
    distribution = cloudfront.Distribution(
        stack,
        "Distribution",
        comment=f"Console of recognition in {settings.name}",
        web_acl_id=guard.acl_arn if guard else None,
        log_bucket=access_log_bucket(stack, settings.storage),
        log_includes_cookies=False,
        default_root_object=None if rewriting else "index.html",
        http_version=cloudfront.HttpVersion.HTTP2_AND_3,
        default_behavior=cloudfront.BehaviorOptions(
            origin=origin,
            cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
            function_associations=rewriting,
            **common,
        ),
        additional_behaviors=site
        | {
            path: cloudfront.BehaviorOptions(
                origin=origins.HttpOrigin(
                    host,
                    protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
                    origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
                    custom_headers=key.get(path),
                ),
                allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
                cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
                # A signature covers the name of the host behind, so the distribution's must not reach it.
                origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
                function_associations=rewriting if path == machines else None,
                **common,
            )
            for path, host in behind.items()
        },
    )
    if guard is None:
        signed = (
            "The page holds nothing secret; what lies behind it wants a signature, and has its own throttle."
        )
        acknowledge(distribution, signed, "AwsSolutions-CFR2")
    for rule, reason in DISTRIBUTION.items():
        acknowledge(distribution, reason, f"AwsSolutions-{rule}")
    return distribution


def roots(stack: Stack) -> cloudfront.FunctionAssociation:
    """Has Step Functions asked at its root, for which the request is signed, and the bucket at the page.

    A default root object would stand in the place of Step Functions' root, too.
    """
    places = json.dumps({"/": "/index.html", f"/{MACHINES}": "/"})
    code = f"""const places = {places};
function handler(event) {{
  event.request.uri = places[event.request.uri] || event.request.uri;
  return event.request;
}}"""
    function = cloudfront.Function(
        stack,
        "Roots",
        code=cloudfront.FunctionCode.from_inline(code),
        runtime=cloudfront.FunctionRuntime.JS_2_0,
    )
    return cloudfront.FunctionAssociation(
        event_type=cloudfront.FunctionEventType.VIEWER_REQUEST, function=function
    )


def access_log_bucket(stack: Stack, storage: StorageSettings) -> s3.Bucket:
    """Where CloudFront writes who asked for what; its addresses of people go after the settings' days."""
    keep = storage.keep_data_when_destroyed
    bucket = s3.Bucket(
        stack,
        "AccessLogs",
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        # CloudFront delivers by an ACL (its developer guide, standard logging, required permissions).
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_PREFERRED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        removal_policy=RemovalPolicy.RETAIN if keep else RemovalPolicy.DESTROY,
        auto_delete_objects=not keep,
        lifecycle_rules=[s3.LifecycleRule(id="drop-old-logs", expiration=Duration.days(storage.logs_days))],
    )
    log = "It holds the log alone: CloudFront writes each file once, under S3's own key, and no role of the app can."
    rules = (
        "BucketLoggingEnabled",
        "BucketReplicationEnabled",
        "BucketVersioningEnabled",
        "DefaultEncryptionKMS",
    )
    acknowledge(bucket, log, "AwsSolutions-S1", *(f"NIST.800.53.R5-S3{rule}" for rule in rules))
    return bucket


def site_sources(build_directory: Path) -> list[deployment.ISource]:
    """The documentation site below its path of the bucket; see `built_site` for what is raised."""
    folder = build_directory / "site"
    copy(built_site(), folder / SITE_PATH)
    return [deployment.Source.asset(str(folder))]


def upload(stack: Stack, bucket: s3.Bucket, configuration: dict, site: list[deployment.ISource]) -> None:
    """Writes the page, its configuration and the site; browsers ask each time whether a file has changed."""
    deployment.BucketDeployment(
        stack,
        "Upload",
        destination_bucket=bucket,
        sources=[
            deployment.Source.asset(str(PAGE)),
            *site,
            *(
                deployment.Source.data(name, path.read_text(encoding="utf-8"))
                for name, path in library_files().items()
            ),
            deployment.Source.json_data(CONFIGURATION, configuration),
        ],
        cache_control=[deployment.CacheControl.no_cache()],
        log_group=add_log_group(stack, "UploadLog"),
        memory_limit=SITE_UPLOAD_MEGABYTES if site else None,
    )
    accept_upload(stack, bucket)


def accept_upload(stack: Stack, bucket: s3.Bucket) -> None:
    """What cdk-nag finds at CDK's function that uploads, and is right as it is."""
    (function,) = [
        one for one in stack.node.children if one.node.id.startswith("Custom::CDKBucketDeployment")
    ]
    reason = "CDK's own function, which writes the page at a deployment; it reads CDK's assets and writes one bucket."
    basic = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    assets = f"arn:aws:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-{stack.region}/*"
    page = flattened(stack.resolve(bucket.arn_for_objects("*")))
    actions = ("GetBucket*", "GetObject*", "List*", "Abort*", "DeleteObject*")
    acknowledge(
        function,
        reason,
        *UPLOAD,
        f"AwsSolutions-IAM4[Policy::{basic}]",
        *(f"AwsSolutions-IAM5[Action::s3:{action}]" for action in actions),
        *(f"AwsSolutions-IAM5[Resource::{arn}]" for arn in (assets, page)),
    )
