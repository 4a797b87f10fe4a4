"""IAM is enforced: who may not do something is refused as on AWS, and what services do with a role is asked too."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.state import DECISIONS_FILE

from .conftest import run_training, training_request
from .roles import create_role, document

SCRIPT = "print('the script says this')"
JOB_ACTIONS = [
    *("s3:GetObject", "s3:ListBucket", "s3:PutObject", "ecr:*", "kms:*", "ec2:*"),
    *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
]
HOSTS = {
    "InstanceType": "ml.m5.large",
    "InstanceCount": 1,
    "VolumeSizeInGB": 1,
    "VolumeKmsKeyId": "arn:aws:kms:us-east-1:000000000000:key/of-the-tests",
}


@pytest.fixture
def client_as(aws, client) -> Callable[..., Any]:
    """Makes clients of a new role that may do actions on resources."""

    def make(service: str, actions: str | list[str], resources: str | list[str] = "*", **more: Any) -> Any:
        name = f"asks-{uuid.uuid4().hex[:12]}"
        role = create_role(client("iam"), name, actions, resources)
        if boundary := more.get("boundary"):
            client("iam").put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
        keys = client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
        return boto3.client(
            service,
            endpoint_url=aws.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    return make


def test_whoever_has_the_keys_of_the_start_is_a_user_whose_calls_are_decided(state_directory, client):
    assert client("sts").get_caller_identity()["Arn"].endswith(":user/user-of-this-machine")
    client("sagemaker").list_models()
    decided = map(json.loads, (state_directory / DECISIONS_FILE).read_text().splitlines())
    assert ("user-of-this-machine", "sagemaker:ListModels") in {
        (decision["principal"], decision["action"]) for decision in decided
    }


def refused(ask: Callable[..., Any], **words: Any) -> dict[str, Any]:
    """The answer to what is refused."""
    with pytest.raises(ClientError) as raised:
        ask(**words)
    return raised.value.response


@pytest.mark.parametrize(
    ("service", "operation", "words", "code", "status", "action", "resource"),
    [
        (
            "s3",
            "get_object",
            {"Bucket": "bucket-of-the-tests", "Key": "k"},
            "AccessDenied",
            403,
            "s3:GetObject",
            '"arn:aws:s3:::bucket-of-the-tests/k"',
        ),
        (
            *("sagemaker", "describe_training_job", {"TrainingJobName": "j"}, "AccessDeniedException", 400),
            *("sagemaker:DescribeTrainingJob", "arn:aws:sagemaker:us-east-1:000000000000:training-job/j"),
        ),
        (
            *("sagemaker-runtime", "invoke_endpoint", {"EndpointName": "e", "Body": b""}),
            *("AccessDeniedException", 403, "sagemaker:InvokeEndpoint"),
            "arn:aws:sagemaker:us-east-1:000000000000:endpoint/e",
        ),
        (
            *(
                "ssm",
                "get_parameter",
                {"Name": "/of/tests"},
                "AccessDeniedException",
                400,
                "ssm:GetParameter",
            ),
            "arn:aws:ssm:us-east-1:000000000000:parameter/of/tests",
        ),
        (
            *("cloudformation", "describe_stacks", {"StackName": "s"}, "AccessDenied", 403),
            *("cloudformation:DescribeStacks", "arn:aws:cloudformation:us-east-1:000000000000:stack/s/*"),
        ),
        (
            *(
                "cloudwatch",
                "put_metric_data",
                {"Namespace": "n", "MetricData": [{"MetricName": "m", "Value": 1}]},
            ),
            *("AccessDenied", 400, "cloudwatch:PutMetricData", "*"),
        ),
        (
            *("rekognition", "detect_text", {"Image": {"Bytes": b"x"}}, "AccessDeniedException", 400),
            *("rekognition:DetectText", "*"),
        ),
    ],
)
def test_a_refusal_names_principal_action_and_resource(
    client_as, bucket, service, operation, words, code, status, action, resource
):
    answer = refused(getattr(client_as(service, "iam:GetRole"), operation), **words)
    error = answer["Error"]
    assert (error["Code"].removesuffix("Exception"), answer["ResponseMetadata"]["HTTPStatusCode"]) == (
        code.removesuffix("Exception"),
        status,
    )
    principal, _, said = error["Message"].partition(" is not authorized to perform: ")
    assert principal.startswith("User: arn:aws:sts::000000000000:assumed-role/asks-")
    assert (
        said
        == f"{action} on resource: {resource} because no identity-based policy allows the {action} action"
    )


def test_who_is_granted_an_action_may_do_it_on_that_resource_alone(client, client_as, bucket):
    client("s3").put_object(Bucket=bucket, Key="mine", Body=b"1")
    client("s3").put_object(Bucket=bucket, Key="yours", Body=b"2")
    s3 = client_as("s3", "s3:GetObject", f"arn:aws:s3:::{bucket}/mine")
    assert s3.get_object(Bucket=bucket, Key="mine")["Body"].read() == b"1"
    assert refused(s3.get_object, Bucket=bucket, Key="yours")["Error"]["Code"] == "AccessDenied"


def test_a_missing_object_is_said_to_be_missing_to_who_may_list(client_as, bucket):
    assert refused(client_as("s3", "s3:GetObject").get_object, Bucket=bucket, Key="none")["Error"][
        "Code"
    ] == ("AccessDenied")
    lists = client_as("s3", ["s3:GetObject", "s3:ListBucket"])
    assert refused(lists.get_object, Bucket=bucket, Key="none")["Error"]["Code"] == "NoSuchKey"


@pytest.fixture
def encrypted(client) -> str:
    """A bucket under a key of its own, with one object."""
    name, s3 = f"encrypted-{uuid.uuid4().hex[:12]}", client("s3")
    s3.create_bucket(Bucket=name)
    rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": client("kms").create_key()["KeyMetadata"]["Arn"]}
    s3.put_bucket_encryption(
        Bucket=name,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": rule}]},
    )
    s3.put_object(Bucket=name, Key="k", Body=b"content")
    return name


@pytest.mark.parametrize(
    ("operation", "action"), [("get_object", "kms:Decrypt"), ("put_object", "kms:GenerateDataKey")]
)
def test_an_object_under_a_key_takes_the_use_of_the_key_too(client_as, encrypted, operation, action):
    def ask(*actions: str) -> Any:
        return getattr(client_as("s3", ["s3:GetObject", "s3:PutObject", *actions]), operation)

    assert (
        f"perform: {action} on resource: arn:aws:kms:"
        in refused(ask(), Bucket=encrypted, Key="k")["Error"]["Message"]
    )
    ask(action)(Bucket=encrypted, Key="k")


def test_the_head_of_an_object_takes_no_key(client_as, encrypted):
    client_as("s3", "s3:GetObject").head_object(Bucket=encrypted, Key="k")


def test_a_bucket_can_refuse_whom_policies_allow(client, client_as):
    name = f"closed-{uuid.uuid4().hex[:12]}"
    client("s3").create_bucket(Bucket=name)
    closed = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    client("s3").put_bucket_policy(Bucket=name, Policy=document(closed))
    said = refused(client_as("s3", "s3:*").put_object, Bucket=name, Key="k", Body=b"")["Error"]["Message"]
    assert said.endswith("with an explicit deny in a resource-based policy")


def test_a_key_can_refuse_whom_policies_allow(client, client_as):
    mine = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:role/nobody"},
        "Action": "kms:*",
    }
    key = client("kms").create_key(Policy=document({**mine, "Resource": "*"}))["KeyMetadata"]["KeyId"]
    said = refused(client_as("kms", "kms:*").describe_key, KeyId=key)["Error"]["Message"]
    assert said.endswith("because no resource-based policy allows the kms:DescribeKey action")


def test_a_boundary_holds_whatever_the_role_is_granted(client, client_as):
    policy = document({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})
    boundary = client("iam").create_policy(PolicyName=f"b-{uuid.uuid4().hex[:8]}", PolicyDocument=policy)
    s3 = client_as("s3", "*", boundary=boundary["Policy"]["Arn"])
    said = refused(s3.list_buckets)["Error"]["Message"]
    assert said.endswith("because no permissions boundary allows the s3:ListAllMyBuckets action")


def test_what_the_embedded_aws_knows_no_action_of_is_refused_and_named(client_as):
    said = refused(client_as("kinesisanalyticsv2", "*").list_applications)["Error"]["Message"]
    assert "unknown:kinesisanalyticsv2 POST / on resource" in said


def test_a_handed_over_role_and_tags_are_asked_for(client, client_as, bucket):
    request = training_request(client("s3"), bucket, SCRIPT, Tags=[{"Key": "k", "Value": "v"}])
    said = []
    for actions in (["sagemaker:CreateTrainingJob"], ["sagemaker:CreateTrainingJob", "sagemaker:AddTags"]):
        answer = refused(client_as("sagemaker", actions).create_training_job, **request)
        said.append(answer["Error"]["Message"].partition("perform: ")[2].partition(" ")[0])
    assert said == ["sagemaker:AddTags", "iam:PassRole"]


def test_a_job_of_a_role_that_does_not_trust_sagemaker_is_refused(client, bucket):
    name = f"distrusts-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    request = training_request(client("s3"), bucket, SCRIPT, RoleArn=role)
    said = refused(client("sagemaker").create_training_job, **request)["Error"]["Message"]
    assert said.startswith(f"Could not assume role {role}.")


def job_without(client: Callable[[str], Any], bucket: str, action: str, **changes: Any) -> dict[str, Any]:
    """How a job ends whose role may do all but one action."""
    name = f"job-{uuid.uuid4().hex[:12]}"
    role = create_role(client("iam"), name, JOB_ACTIONS)
    denied = {"Effect": "Deny", "Action": action, "Resource": "*"}
    client("iam").put_role_policy(RoleName=name, PolicyName="denied", PolicyDocument=document(denied))
    request = training_request(client("s3"), bucket, SCRIPT, RoleArn=role, **changes)
    return run_training(client("sagemaker"), request)


@pytest.mark.parametrize(
    ("action", "changes"),
    [
        ("ecr:GetAuthorizationToken", {}),
        ("ecr:GetDownloadUrlForLayer", {}),
        ("s3:ListBucket", {}),
        ("s3:PutObject", {}),
        (
            "ec2:CreateNetworkInterface",
            {"VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}},
        ),
        (
            "kms:CreateGrant",
            {"ResourceConfig": HOSTS},
        ),
    ],
)
def test_a_job_fails_for_want_of_what_sagemaker_does_as_its_role(client, bucket, action, changes):
    ended = job_without(client, bucket, action, **changes)
    assert ended["TrainingJobStatus"] == "Failed"
    assert ended["FailureReason"].startswith("ClientError: ")
    assert f"is not authorized to perform: {action} on resource: " in ended["FailureReason"]


def test_a_job_that_may_not_read_its_data_fails(client, bucket):
    ended = job_without(client, bucket, "s3:GetObject")
    # The head of an object, which SageMaker asks for first, has no body that could say more.
    assert "(403) when calling the HeadObject operation: Forbidden" in ended["FailureReason"]


def lines_of(client: Callable[[str], Any], group: str, stream: str) -> list[str]:
    """What the streams of a group say whose names begin so."""
    logs = client("logs")
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)["logStreams"]
    return [
        event["message"]
        for stream in streams
        for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    ]


def test_a_job_that_may_not_write_its_log_runs_and_has_none(client, bucket):
    group = "/aws/sagemaker/TrainingJobs"
    for action, has_log in (("s3:DeleteObject", True), ("logs:PutLogEvents", False)):
        ended = job_without(client, bucket, action)
        assert ended["TrainingJobStatus"] == "Completed", ended.get("FailureReason")
        said = lines_of(client, group, ended["TrainingJobName"])
        assert any("the script says this" in line for line in said) is has_log


def test_a_machine_may_ask_the_functions_that_its_role_names_alone(client, ended_execution):
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
    definition = {
        "StartAt": "Ask",
        "States": {"Ask": {**task, "Parameters": {"FunctionName": "none", "Payload": {}}}},
    }
    name, states = f"asks-{uuid.uuid4().hex[:8]}", client("stepfunctions")
    role = create_role(client("iam"), name, "lambda:InvokeFunction", "arn:aws:lambda:*:*:function:other")
    machine = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
    started = states.start_execution(stateMachineArn=machine["stateMachineArn"])
    ended = ended_execution(states, started["executionArn"])
    assert (ended["status"], ended["error"]) == ("FAILED", "Lambda.AWSLambdaException")
    assert (
        "perform: lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:000000000000:function:none"
        in ended["cause"]
    )


def test_a_task_of_which_nobody_knows_what_it_takes_is_not_carried_out(client, ended_execution):
    task = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "End": True, "Parameters": {}}
    name, states = f"asks-{uuid.uuid4().hex[:8]}", client("stepfunctions")
    machine = states.create_state_machine(
        name=name,
        definition=json.dumps({"StartAt": "Ask", "States": {"Ask": task}}),
        roleArn=create_role(client("iam"), name),
    )
    started = states.start_execution(stateMachineArn=machine["stateMachineArn"])
    ended = ended_execution(states, started["executionArn"])
    assert "does not know what arn:aws:states:::sns:publish takes" in ended["cause"]


def test_a_machine_that_waits_for_jobs_needs_the_rule_that_step_functions_makes(client):
    resource = "arn:aws:states:::sagemaker:createTrainingJob.sync"
    definition = {
        "StartAt": "Train",
        "States": {"Train": {"Type": "Task", "Resource": resource, "End": True}},
    }
    name = f"waits-{uuid.uuid4().hex[:8]}"
    role = create_role(client("iam"), name, "sagemaker:*")
    answer = refused(
        client("stepfunctions").create_state_machine,
        **{"name": name, "definition": json.dumps(definition), "roleArn": role},
    )
    assert "rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule" in answer["Error"]["Message"]


def test_rekognition_reads_an_object_with_the_rights_of_who_asks(state_directory, client, client_as, bucket):
    key = f"{uuid.uuid4().hex}.png"
    client("s3").put_object(Bucket=bucket, Key=key, Body=b"no picture")
    place = {"Image": {"S3Object": {"Bucket": bucket, "Name": key}}}
    answer = refused(client_as("rekognition", "rekognition:DetectLabels").detect_labels, **place)
    assert answer["Error"]["Code"] == "InvalidS3ObjectException"
    lines = (state_directory / DECISIONS_FILE).read_text().splitlines()
    decided = [decision for decision in map(json.loads, lines) if decision["resource"].endswith(key)]
    (asked,) = [decision for decision in decided if decision["action"] == "s3:GetObject"]
    assert asked["action"] == "s3:GetObject" and "refused" in asked


def test_every_decision_about_a_role_is_written_down_once(state_directory, client_as, bucket):
    name = uuid.uuid4().hex
    s3 = client_as("s3", "s3:PutObject", f"arn:aws:s3:::{bucket}/{name}/mine")
    for _ in range(2):
        s3.put_object(Bucket=bucket, Key=f"{name}/mine", Body=b"")
        refused(s3.put_object, Bucket=bucket, Key=f"{name}/yours", Body=b"")
    lines = (state_directory / DECISIONS_FILE).read_text().splitlines()
    mine, yours = [decision for decision in map(json.loads, lines) if name in decision["resource"]]
    assert (mine["action"], mine.get("refused")) == ("s3:PutObject", None)
    assert yours["refused"].startswith(
        f"User: arn:aws:sts::000000000000:assumed-role/{yours['principal']}/session"
    )
