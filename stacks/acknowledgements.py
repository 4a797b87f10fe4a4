"""The findings of cdk-nag that are right as they are, each with its reason; a test fails when one finds nothing."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Acknowledgment, Stack, Validations

from lambdas.catalogue import OPERATIONS
from stacks.names import KINDS, MULTI_MODEL_PREFIX, endpoint_name
from stacks.settings import EnvironmentSettings

OBJECTS = "The keys below this prefix are named when a job runs; the role can do nothing else in the bucket."
NO_RESOURCE = "These actions have no resource that a policy could name (Service Authorization Reference)."
LOG_STREAMS = "SageMaker names the streams; the group is named in full."
RUNS = "A run's name ends in its id, which nobody knows before; the kind is named in full."
VERSIONS = "A version's number is known when it is registered; the group is named in full."
STACK_ID = "A stack's ARN ends in an id that CloudFormation chooses; the stack is named in full."
INTERFACES = "EC2 chooses the ids, and SageMaker creates the interfaces in an account of its own."


@dataclass(frozen=True)
class Finding:
    """One finding: where, which, and why it stands.

    Attributes:
        path: of the construct, below its stack.
        rule: the rule's id in full.
        reason: what a reviewer has to know.
    """

    path: str
    rule: str
    reason: str


def findings(part: str, settings: EnvironmentSettings) -> list[Finding]:
    """The acknowledged findings of one stack."""
    environment, region = settings.name, settings.region
    account = f"{region}:<AWS::AccountId>"

    def resource(arn: str) -> str:
        return f"AwsSolutions-IAM5[Resource::{arn}]"

    def objects(bucket: str, prefix: str = "") -> str:
        return resource(f"arn:aws:s3:::<{bucket}>/{prefix}*")

    def sagemaker(kind: str, name: str) -> str:
        return resource(f"arn:aws:sagemaker:{account}:{kind}/{name}*")

    def log_group(name: str) -> str:
        return resource(f"arn:aws:logs:{account}:log-group:/aws/sagemaker/{name}:*")

    def inference_stack() -> str:
        return resource(f"arn:aws:cloudformation:{account}:stack/Recognition-{environment}-Inference/*")

    def each(path: str, reason: str, *rules: str) -> list[Finding]:
        return [Finding(f"{path}/Resource", rule, reason) for rule in rules]

    versions = [sagemaker("model-package", f"{endpoint_name(environment, kind)}/") for kind in KINDS]
    interfaces = [
        resource(f"arn:aws:ec2:{account}:{kind}/*")
        for kind in ("network-interface", "subnet", "security-group")
    ]
    copied = (f"{MULTI_MODEL_PREFIX}/",) if settings.inference.multi_model else ()
    if part == "Training":
        prefixes = ("checkpoints/", "training/", "local/", "evaluations/")
        read = ("evaluations/", "training/", "local/")
        jobs = [sagemaker(f"{job}-job", f"{kind}-") for job in ("training", "processing") for kind in KINDS]
        tuned = sorted(settings.training.tuning.ranges) if settings.training.tuning else []
        jobs += [sagemaker("hyper-parameter-tuning-job", f"{kind}-") for kind in tuned]
        marker = settings.training.marker_name
        anywhere = resource(f"arn:aws:s3:::<DataBucket>/*/{marker}")
        markers = each(
            "Training/Role/DefaultPolicy", "The data set's folder is its owner's choice.", anywhere
        )
        network = each("JobRole/DefaultPolicy", INTERFACES, *interfaces)
        return [
            *each("JobRole/DefaultPolicy", OBJECTS, objects("DataBucket")),
            *each("JobRole/DefaultPolicy", OBJECTS, *(objects("ModelBucket", prefix) for prefix in prefixes)),
            *each(
                "JobRole/DefaultPolicy", LOG_STREAMS, log_group("TrainingJobs"), log_group("ProcessingJobs")
            ),
            *each("JobRole/DefaultPolicy", NO_RESOURCE, resource("*")),
            *each("Training/Role/DefaultPolicy", RUNS, *jobs),
            *each("Training/Role/DefaultPolicy", VERSIONS, *versions),
            *each(
                "Training/Role/DefaultPolicy", OBJECTS, *(objects("ModelBucket", prefix) for prefix in read)
            ),
            *each("Training/Role/DefaultPolicy", STACK_ID, inference_stack()),
            *each("Training/Role/DefaultPolicy", NO_RESOURCE, resource("*")),
            *(markers if marker else []),
            *(network if settings.training.network else []),
        ]
    if part == "Inference":
        asynchronous = ("asynchronous/",) if settings.inference.asynchronous else ()
        alarms = resource(f"arn:aws:cloudwatch:{account}:alarm:Recognition-{environment}-Inference-*")
        kept = each("ModelRole/DefaultPolicy", OBJECTS, objects("DataBucket", "captured/"))
        captures = settings.watching and settings.watching.capture
        return [
            *(kept if captures else []),
            *each(
                "ModelRole/DefaultPolicy",
                OBJECTS,
                *(objects("ModelBucket", p) for p in ("training/", "local/", *copied, *asynchronous)),
            ),
            *each("ModelRole/DefaultPolicy", OBJECTS, objects("DataBucket", "transform/")),
            *each("ModelRole/DefaultPolicy", LOG_STREAMS, log_group("Endpoints"), log_group("TransformJobs")),
            *each("ModelRole/DefaultPolicy", VERSIONS, *versions),
            *each(
                "ModelRole/DefaultPolicy", "The alarms of this stack and no others; CDK names them.", alarms
            ),
            *each("ModelRole/DefaultPolicy", NO_RESOURCE, resource("*")),
        ]
    if part == "Release":
        prefixes = ("training/", "local/", "evaluations/", *copied)
        rests = each("Rests/Machine/Role/DefaultPolicy", STACK_ID, inference_stack())
        rests += each("Rests/Machine/Role/DefaultPolicy", NO_RESOURCE, resource("*"))
        return [
            *(rests if settings.rest else []),
            *each("Release/Role/DefaultPolicy", VERSIONS, *versions),
            *each("Release/Role/DefaultPolicy", OBJECTS, *(objects("ModelBucket", p) for p in prefixes)),
            *each("Release/Role/DefaultPolicy", STACK_ID, inference_stack()),
            *each("Release/Role/DefaultPolicy", NO_RESOURCE, resource("*")),
        ]
    if part == "Watching" and settings.watching and settings.watching.drift:
        job, machine = "Drift/JobRole/DefaultPolicy", "Drift/Machine/Role/DefaultPolicy"
        network = each(job, INTERFACES, *interfaces)
        return [
            *(network if settings.training.network else []),
            *each(job, OBJECTS, objects("DataBucket", "captured/")),
            *each(job, OBJECTS, *(objects("ModelBucket", p) for p in ("evaluations/", "drift/"))),
            *each(job, LOG_STREAMS, log_group("ProcessingJobs")),
            *each(job, NO_RESOURCE, resource("*")),
            *each(machine, RUNS, *(sagemaker("processing-job", f"{kind}-drift-") for kind in KINDS)),
            *each(machine, VERSIONS, *versions),
            *each(machine, OBJECTS, objects("ModelBucket", "drift/")),
            *each(machine, STACK_ID, inference_stack()),
            *each(machine, NO_RESOURCE, resource("*")),
        ]
    if part == "Api":
        own = "Litert" if settings.api.own_backend == "litert" else "Custom"
        prefixes = (objects("ModelBucket", prefix) for prefix in ("training/", "local/"))
        fetched = [
            *each("LitertRole/DefaultPolicy", VERSIONS, *versions),
            *each("LitertRole/DefaultPolicy", OBJECTS, *prefixes),
        ]
        routes = [operation.path for operation in OPERATIONS]
        signed = "Callers sign with IAM credentials (AWS_IAM on every method), so there is no user pool."
        firewall = (
            "Nobody without the account's credentials gets past the signature; throttles bound the rest."
        )
        stage = f"Api/DeploymentStage.{environment}"
        push = "AWS's own policy for the one role of an account with which API Gateway writes its logs."
        policy = "arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
        kept = "A backup would keep answers beyond the time that the settings give them."
        by_signature = [
            Finding(f"Api/Default/{one}/POST/Resource", "AwsSolutions-COG4", signed) for one in routes
        ]
        return [
            *(by_signature if settings.api.user_pools is None else []),
            *([] if settings.api.firewall else each(stage, firewall, "AwsSolutions-APIG3")),
            *(each("Answers", kept, "AwsSolutions-DDB3") if settings.api.keeps_answers else []),
            *each("Api/CloudWatchRole", push, f"AwsSolutions-IAM4[Policy::{policy}]"),
            *[
                finding
                for function in ("Vision", "Language", own, "Advise")
                for finding in each(f"{function}Role/DefaultPolicy", NO_RESOURCE, resource("*"))
            ],
            *(fetched if own == "Litert" else []),
        ]
    if part == "Console":
        upload = "Custom::CDKBucketDeployment8693BB64968944B69AAFB0CC9EB8756C"
        cdks = "CDK's own function, which writes the page at a deployment; it reads CDK's assets and writes one bucket."
        basic = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
        assets = f"arn:aws:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-{region}/*"
        actions = ("GetBucket*", "GetObject*", "List*", "Abort*", "DeleteObject*")
        trained = '{"Fn::Select":[6,{"Fn::Split":[":",{"Ref":"TrainingStateMachineArn"}]}]}'
        return [
            *each("Page", "Only the distribution reads it, and it holds a public page.", "AwsSolutions-S1"),
            *each("Distribution", "People sign in from wherever they are.", "AwsSolutions-CFR1"),
            *each(
                "Distribution",
                "The page holds nothing secret; what lies behind it wants a signature, and has its own throttle.",
                "AwsSolutions-CFR2",
            ),
            *each(
                "Distribution",
                "The API has an access log of its own; this one would add addresses of people only.",
                "AwsSolutions-CFR3",
            ),
            *each(
                "Distribution",
                "CloudFront's own domain comes with its own certificate and takes no other policy.",
                "AwsSolutions-CFR4",
            ),
            *each(
                "Users",
                "Threat protection costs by the user; nobody can sign up, and everyone has a second factor.",
                "AwsSolutions-COG8",
            ),
            *each(
                "WatchRole/DefaultPolicy", RUNS, *(sagemaker("training-job", f"{kind}-") for kind in KINDS)
            ),
            *each("WatchRole/DefaultPolicy", NO_RESOURCE, resource("*")),
            *each(
                "WatchRole/DefaultPolicy",
                "An execution has its name from whoever starts it.",
                resource(f"arn:aws:states:{account}:execution:{trained}:*"),
            ),
            *each(
                "WatchRole/DefaultPolicy",
                LOG_STREAMS,
                resource(f"arn:aws:logs:{account}:log-group:/aws/sagemaker/TrainingJobs:*"),
            ),
            *each(
                "WatchRole/DefaultPolicy",
                "The alarms are found by the beginning of their names.",
                resource(f"arn:aws:cloudwatch:{account}:alarm:*"),
            ),
            *each(f"{upload}/ServiceRole", cdks, f"AwsSolutions-IAM4[Policy::{basic}]"),
            *each(
                f"{upload}/ServiceRole/DefaultPolicy",
                cdks,
                *(f"AwsSolutions-IAM5[Action::s3:{action}]" for action in actions),
                resource(assets),
                resource("<PageA98A310E.Arn>/*"),
            ),
            *each(upload, cdks, "AwsSolutions-L1"),
        ]
    if part == "Bulk":
        machine = "Machine/Role/DefaultPolicy"
        executions = resource(f"arn:aws:states:{account}:execution:<Machine6FC8AE80.Name>/*")
        named = "The objects are the run's own choice; the worker reads them and can do nothing else outside bulk/."
        children = "A distributed map names its children; the machine is named in full."
        end = "This is where failures end: it is read by the redrive command, and nothing behind it can fail."
        return [
            *each("BulkRole/DefaultPolicy", NO_RESOURCE, resource("*")),
            *each("BulkRole/DefaultPolicy", named, objects("DataBucket")),
            *each("BulkRole/DefaultPolicy", OBJECTS, objects("DataBucket", "bulk/")),
            *each(machine, OBJECTS, objects("DataBucket", "bulk/")),
            *each(machine, NO_RESOURCE, resource("*")),
            *each("OwnExecutions", children, executions),
            *each("Failures", end, "AwsSolutions-SQS3"),
        ]
    return []


def acknowledge(stack: Stack, part: str, settings: EnvironmentSettings) -> None:
    """Acknowledges the findings of one stack, each at the construct that it is about."""
    for finding in findings(part, settings):
        construct = stack
        for name in finding.path.split("/"):
            construct = construct.node.find_child(name)
        Validations.of(construct).acknowledge(Acknowledgment(id=finding.rule, reason=finding.reason))
