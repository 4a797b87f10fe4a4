"""The console stack: its page in a private bucket behind CloudFront, and Cognito, which lends a person credentials."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import ArnFormat, Aws, Duration, Fn, RemovalPolicy, Stack
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_deployment as deployment
from constructs import Construct

from console import (
    CONFIGURATION,
    PAGE,
    PATHS,
    STATE,
    WATCH,
    content_security_policy,
    library_files,
    security_headers,
)
from definitions.names import (
    BAKEOFF_KEY,
    endpoint_name,
    job_name,
    parameter_name,
    released_version,
    shared_endpoint_name,
    sign_in_domain,
)
from definitions.networks import KINDS
from stacks.settings import EnvironmentSettings
from stacks.settings.console import ConsoleSettings
from stacks.shared import acknowledge
from stacks.shared.iam import bucket_arn
from stacks.shared.lambda_assets import DEFINITIONS, copy
from stacks.shared.parameters import publish, published

HTTPS_ONLY_DAYS = 365
WATCH_MEGABYTES = 256
# A page that waits longer than this is better read again.
WATCH_SECONDS = 25
# Under which name the training stack publishes its state machine.
TRAINING_MACHINE = "training-state-machine-arn"
LOG_DAYS = logs.RetentionDays.ONE_MONTH


class ConsoleStack(Stack):
    """The page and the API on one domain: a browser needs no permission of the API's to call across origins."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: EnvironmentSettings,
        build_directory: Path,
        **options,
    ) -> None:
        super().__init__(scope, construct_id, **options)
        # https://{id}.execute-api.{region}.amazonaws.com/{stage}/
        api_host = Fn.select(2, Fn.split("/", published(self, settings.name, "api-url")))
        api_id = Fn.select(0, Fn.split(".", api_host))
        domain_prefix = sign_in_domain(settings.name, Aws.ACCOUNT_ID)
        sign_in = f"https://{domain_prefix}.auth.{self.region}.amazoncognito.com"
        bucket = self.bucket()
        watch = self.watch(settings.name, watch_code(build_directory))
        watch_address = watch.add_function_url(auth_type=lambda_.FunctionUrlAuthType.AWS_IAM)
        watch_host = Fn.select(2, Fn.split("/", watch_address.url))
        behind = {f"/{settings.name}/*": api_host, f"/{STATE}": watch_host}
        distribution = self.distribution(bucket, behind, settings.name, self.headers(sign_in))
        address = f"https://{distribution.distribution_domain_name}/"
        users = self.users(settings, domain_prefix)
        if settings.console is None:
            raise ValueError(f"The environment '{settings.name}' has no console.")
        client = self.client(users, address, settings.console)
        identities = self.identities(users, client)
        person = self.person(identities, api_id, settings.name)
        watch_address.grant_invoke_url(person)
        self.lend(identities, person)
        configuration = {
            "environment": settings.name,
            "place": self.region,
            "region": self.region,
            "apiPath": f"/{settings.name}",
            "apiHost": api_host,
            "watchHost": watch_host,
            "signIn": {
                "domain": sign_in,
                "clientId": client.user_pool_client_id,
                "userPoolId": users.user_pool_id,
                "identityPoolId": identities.ref,
            },
        }
        self.upload(bucket, configuration)
        publish(self, settings.name, "console-url", address)
        publish(self, settings.name, "console-user-pool-id", users.user_pool_id)

    def bucket(self) -> s3.Bucket:
        """A private bucket that holds the page and nothing else."""
        return s3.Bucket(
            self,
            "Page",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            removal_policy=RemovalPolicy.DESTROY,
            auto_delete_objects=True,
        )

    def headers(self, sign_in: str) -> cloudfront.ResponseHeadersPolicy:
        """The page's security headers, as the embedded AWS sends them too, and HTTPS from then on."""
        identities = f"https://cognito-identity.{self.region}.amazonaws.com"
        fields = security_headers(content_security_policy([sign_in, identities]))
        custom = ("cross-origin-opener-policy", "permissions-policy")
        return cloudfront.ResponseHeadersPolicy(
            self,
            "Headers",
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

    def distribution(
        self,
        bucket: s3.Bucket,
        behind: dict[str, str],
        environment: str,
        headers: cloudfront.ResponseHeadersPolicy,
    ) -> cloudfront.Distribution:
        """The page for everyone; on the paths of `behind` what those hosts answer, which want signatures."""
        common = {
            "viewer_protocol_policy": cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            "response_headers_policy": headers,
        }
        return cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"Console of recognition in {environment}",
            default_root_object="index.html",
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.S3BucketOrigin.with_origin_access_control(bucket),
                cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
                **common,
            ),
            additional_behaviors={
                path: cloudfront.BehaviorOptions(
                    origin=origins.HttpOrigin(
                        host,
                        protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
                        origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
                    ),
                    allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
                    cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
                    # A signature covers the name of the host behind, so the distribution's must not reach it.
                    origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
                    **common,
                )
                for path, host in behind.items()
            },
        )

    def watch(self, environment: str, code: Path) -> lambda_.Function:
        """The function that reads the state of the deployment for the page; it can change nothing."""
        log_group = logs.LogGroup(self, "WatchLog", retention=LOG_DAYS, removal_policy=RemovalPolicy.DESTROY)
        role = iam.Role(self, "WatchRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))  # pyright: ignore[reportArgumentType]  # jsii
        names = [*(endpoint_name(environment, kind) for kind in KINDS), shared_endpoint_name(environment)]
        read = [*(released_version(kind) for kind in KINDS), "data-bucket", TRAINING_MACHINE]
        parameters = [parameter_name(environment, name).lstrip("/") for name in read]

        def arns(service: str, resource: str, of_it: list[str]) -> list[str]:
            return [self.format_arn(service=service, resource=resource, resource_name=name) for name in of_it]

        training_logs = self.format_arn(
            service="logs",
            resource="log-group",
            resource_name="/aws/sagemaker/TrainingJobs:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        machine = published(self, environment, TRAINING_MACHINE)
        # arn:aws:states:{region}:{account}:stateMachine:{name}
        its_runs = self.format_arn(
            service="states",
            resource="execution",
            resource_name=f"{Fn.select(6, Fn.split(':', machine))}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        any_alarm = self.format_arn(
            service="cloudwatch",
            resource="alarm",
            resource_name="*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        jobs = [f"{job_name(environment, kind)}-*" for kind in KINDS]
        for actions, resources in (
            (["logs:CreateLogStream", "logs:PutLogEvents"], [log_group.log_group_arn]),
            (["sagemaker:DescribeEndpoint"], arns("sagemaker", "endpoint", names)),
            (["sagemaker:DescribeTrainingJob"], arns("sagemaker", "training-job", jobs)),
            (["sagemaker:ListModelPackages", "sagemaker:ListTrainingJobs"], ["*"]),
            (["states:ListExecutions"], [machine]),
            (["states:DescribeExecution"], [its_runs]),
            (["ssm:GetParameter"], arns("ssm", "parameter", parameters)),
            (["logs:FilterLogEvents"], [training_logs]),
            (["cloudwatch:DescribeAlarms"], [any_alarm]),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
        for statement in self.read_bakeoff(environment):
            role.add_to_policy(statement)
        return lambda_.Function(
            self,
            "Watch",
            description="Recognition: reads the state of the deployment for the console",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler="watch.handler",
            code=lambda_.Code.from_asset(str(code)),
            memory_size=WATCH_MEGABYTES,
            timeout=Duration.seconds(WATCH_SECONDS),
            log_group=log_group,
            environment={"ENVIRONMENT": environment},
            role=role,  # pyright: ignore[reportArgumentType]  # jsii
        )

    def read_bakeoff(self, environment: str) -> list[iam.PolicyStatement]:
        """Reading one object of the data bucket, and whether it is there."""
        bucket = bucket_arn(published(self, environment, "data-bucket"))
        only = {"StringEquals": {"s3:prefix": BAKEOFF_KEY}}
        through_s3 = {"StringEquals": {"kms:ViaService": f"s3.{self.region}.amazonaws.com"}}
        key_arn = published(self, environment, "key-arn")
        return [
            iam.PolicyStatement(actions=["s3:GetObject"], resources=[f"{bucket}/{BAKEOFF_KEY}"]),
            iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket], conditions=only),
            iam.PolicyStatement(actions=["kms:Decrypt"], resources=[key_arn], conditions=through_s3),
        ]

    def users(self, settings: EnvironmentSettings, domain_prefix: str) -> cognito.UserPool:
        """Who may sign in: whom an administrator adds, with a password and a code from an authenticator."""
        users = cognito.UserPool(
            self,
            "Users",
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(email=True),
            sign_in_case_sensitive=False,
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            mfa=cognito.Mfa.REQUIRED,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            password_policy=cognito.PasswordPolicy(
                min_length=14,
                require_lowercase=True,
                require_uppercase=True,
                require_digits=True,
                require_symbols=True,
            ),
            deletion_protection=settings.termination_protection,
            removal_policy=RemovalPolicy.DESTROY,
        )
        users.add_domain("SignIn", cognito_domain=cognito.CognitoDomainOptions(domain_prefix=domain_prefix))
        return users

    def client(
        self, users: cognito.UserPool, address: str, settings: ConsoleSettings
    ) -> cognito.UserPoolClient:
        """The page as Cognito knows it: no secret, the code flow, and one address to come back to."""
        return users.add_client(
            "Page",
            generate_secret=False,
            auth_flows=cognito.AuthFlow(user=False),
            prevent_user_existence_errors=True,
            id_token_validity=Duration.minutes(settings.token_minutes),
            access_token_validity=Duration.minutes(settings.token_minutes),
            refresh_token_validity=Duration.hours(settings.session_hours),
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID],
                callback_urls=[address],
            ),
        )

    def identities(self, users: cognito.UserPool, client: cognito.UserPoolClient) -> cognito.CfnIdentityPool:
        """Turns a signed-in person's token into credentials; nobody else gets any."""
        provider = cognito.CfnIdentityPool.CognitoIdentityProviderProperty(
            client_id=client.user_pool_client_id,
            provider_name=users.user_pool_provider_name,
            server_side_token_check=True,
        )
        return cognito.CfnIdentityPool(
            self,
            "Identities",
            allow_unauthenticated_identities=False,
            cognito_identity_providers=[provider],
        )

    def person(self, identities: cognito.CfnIdentityPool, api_id: str, stage: str) -> iam.Role:
        """What a signed-in person may do: ask the paths that the page asks, and nothing else in the account."""
        role = iam.Role(
            self,
            "PersonRole",
            assumed_by=iam.WebIdentityPrincipal(  # pyright: ignore[reportArgumentType]  # jsii
                "cognito-identity.amazonaws.com",
                conditions={
                    "StringEquals": {"cognito-identity.amazonaws.com:aud": identities.ref},
                    "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"},
                },
            ),
        )
        asked = [
            self.format_arn(service="execute-api", resource=api_id, resource_name=f"{stage}/POST/{path}")
            for path in PATHS
        ]
        role.add_to_policy(iam.PolicyStatement(actions=["execute-api:Invoke"], resources=asked))
        return role

    def lend(self, identities: cognito.CfnIdentityPool, role: iam.Role) -> None:
        """Lends the role to everyone who has signed in."""
        cognito.CfnIdentityPoolRoleAttachment(
            self, "Lending", identity_pool_id=identities.ref, roles={"authenticated": role.role_arn}
        )

    def upload(self, bucket: s3.Bucket, configuration: dict) -> None:
        """Writes the page and its configuration; browsers ask each time whether a file has changed."""
        deployment.BucketDeployment(
            self,
            "Upload",
            destination_bucket=bucket,
            sources=[
                deployment.Source.asset(str(PAGE)),
                *(
                    deployment.Source.data(name, path.read_text(encoding="utf-8"))
                    for name, path in library_files().items()
                ),
                deployment.Source.json_data(CONFIGURATION, configuration),
            ],
            cache_control=[deployment.CacheControl.no_cache()],
            log_group=logs.LogGroup(
                self, "UploadLog", retention=LOG_DAYS, removal_policy=RemovalPolicy.DESTROY
            ),
        )


def watch_code(build_directory: Path) -> Path:
    """Lays out the function's folder: its module, and the definitions that this imports."""
    folder = build_directory / "watch"
    copy(WATCH, folder)
    copy(DEFINITIONS, folder / DEFINITIONS.name)
    return folder


def console_findings(settings: EnvironmentSettings) -> list[acknowledge.Finding]:
    """What cdk-nag finds here and is right as it is."""
    upload = "Custom::CDKBucketDeployment8693BB64968944B69AAFB0CC9EB8756C"
    cdks = "CDK's own function, which writes the page at a deployment; it reads CDK's assets and writes one bucket."
    basic = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    assets = f"arn:aws:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-{settings.region}/*"
    actions = ("GetBucket*", "GetObject*", "List*", "Abort*", "DeleteObject*")
    trained = '{"Fn::Select":[6,{"Fn::Split":[":",{"Ref":"TrainingStateMachineArn"}]}]}'
    return [
        *acknowledge.each(
            "Page", "Only the distribution reads it, and it holds a public page.", "AwsSolutions-S1"
        ),
        *acknowledge.each("Distribution", "People sign in from wherever they are.", "AwsSolutions-CFR1"),
        *acknowledge.each(
            "Distribution",
            "The page holds nothing secret; what lies behind it wants a signature, and has its own throttle.",
            "AwsSolutions-CFR2",
        ),
        *acknowledge.each(
            "Distribution",
            "The API has an access log of its own; this one would add addresses of people only.",
            "AwsSolutions-CFR3",
        ),
        *acknowledge.each(
            "Distribution",
            "CloudFront's own domain comes with its own certificate and takes no other policy.",
            "AwsSolutions-CFR4",
        ),
        *acknowledge.each(
            "Users",
            "Threat protection costs by the user; nobody can sign up, and everyone has a second factor.",
            "AwsSolutions-COG8",
        ),
        *acknowledge.each(
            "WatchRole/DefaultPolicy",
            acknowledge.RUNS,
            *(
                acknowledge.sagemaker(settings, "training-job", f"{job_name(settings.name, kind)}-")
                for kind in KINDS
            ),
        ),
        *acknowledge.each("WatchRole/DefaultPolicy", acknowledge.NO_RESOURCE, acknowledge.resource("*")),
        *acknowledge.each(
            "WatchRole/DefaultPolicy",
            "An execution has its name from whoever starts it.",
            acknowledge.resource(f"arn:aws:states:{acknowledge.account(settings)}:execution:{trained}:*"),
        ),
        *acknowledge.each(
            "WatchRole/DefaultPolicy",
            acknowledge.LOG_STREAMS,
            acknowledge.resource(
                f"arn:aws:logs:{acknowledge.account(settings)}:log-group:/aws/sagemaker/TrainingJobs:*"
            ),
        ),
        *acknowledge.each(
            "WatchRole/DefaultPolicy",
            "The alarms are found by the beginning of their names.",
            acknowledge.resource(f"arn:aws:cloudwatch:{acknowledge.account(settings)}:alarm:*"),
        ),
        *acknowledge.each(f"{upload}/ServiceRole", cdks, f"AwsSolutions-IAM4[Policy::{basic}]"),
        *acknowledge.each(
            f"{upload}/ServiceRole/DefaultPolicy",
            cdks,
            *(f"AwsSolutions-IAM5[Action::s3:{action}]" for action in actions),
            acknowledge.resource(assets),
            acknowledge.resource("<PageA98A310E.Arn>/*"),
        ),
        *acknowledge.each(upload, cdks, "AwsSolutions-L1"),
    ]
