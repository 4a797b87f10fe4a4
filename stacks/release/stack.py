"""The release stack: the state machine that releases a version, and the rule that starts it on an approval."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_ssm as ssm
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from definitions.names import (
    ARTEFACT_PREFIXES,
    MULTI_MODEL_PREFIX,
    endpoint_name,
    machine_name,
    shared_endpoint_name,
    stack_name,
)
from definitions.networks import KINDS
from definitions.parameters import KEY_ARN, MODEL_BUCKET, RELEASE_STATE_MACHINE
from stacks.release.record import records
from stacks.release.state_machine import ReleaseContext, definition
from stacks.release.update_role import add_update_role, update_under
from stacks.settings import EnvironmentSettings
from stacks.shared.arns import arn_of, parameter_arn
from stacks.shared.grants import OBJECTS, STACK_ID, VERSIONS, Grant
from stacks.shared.iam import bucket_arn
from stacks.shared.parameters import publish, published
from stacks.shared.state_machine import add_machine, allow_own_executions, target

# Beside its own update and the one that takes it back: for those before it.
TURN_HOURS = 12


class ReleaseStack(Stack):
    """A stack of its own, because it updates the inference stack and must not be changed by that."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: EnvironmentSettings,
        configurations: dict[str, str],
        **options,
    ) -> None:
        """`configurations` has the logical id of each kind's endpoint configuration in the inference stack."""
        super().__init__(scope, construct_id, **options)
        self.update_role = add_update_role(self, settings)
        self.context = context = ReleaseContext(
            environment=settings.name,
            inference_stack=stack_name(settings.name, "Inference"),
            configurations=configurations,
            update_role_arn=self.update_role.role_arn,
            shared_endpoint=shared_endpoint_name(settings.name) if settings.inference.multi_model else None,
        )
        self.machine = machine = add_machine(
            self,
            "Release",
            definition(context),
            Duration.seconds(TURN_HOURS * 3600 + 2 * settings.inference.release_seconds),
            self.grants(settings, context),
            name=machine_name(settings.name, "release"),
        )
        allow_own_executions(machine, [Grant(["states:ListExecutions"], [machine.state_machine_arn])])
        for kind, name in records(settings.name).items():
            # Only the machine changes it: a deployment writes it again when this very text has changed.
            ssm.CfnParameter(
                self,
                f"{kind.title()}VerifiedRelease",
                name=name,
                type="String",
                value="{}",
                description=f"The last version of the {kind} that answered its release; its history is the list.",
            )
        if settings.release.on_approval:
            self.start_on_approval(settings, machine)
        publish(self, settings.name, RELEASE_STATE_MACHINE, machine.state_machine_arn)

    def start_on_approval(self, settings: EnvironmentSettings, machine: stepfunctions.StateMachine) -> None:
        """The registry tells EventBridge of every change of a version, and which of its fields have changed."""
        release = {
            "model_package_arn": events.EventField.from_path("$.detail.ModelPackageArn"),
            "requested_at": events.EventField.time,
        }
        events.Rule(
            self,
            "Approval",
            description="An approved version is released",
            event_pattern=events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=["SageMaker Model Package State Change"],
                detail={
                    "ModelPackageGroupName": [endpoint_name(settings.name, kind) for kind in KINDS],
                    "ModelApprovalStatus": ["Approved"],
                    "UpdatedModelPackageFields": ["ModelApprovalStatus"],
                },
            ),
            targets=[target(self, machine, release)],  # pyright: ignore[reportArgumentType]  # jsii
        )

    def grants(self, settings: EnvironmentSettings, context: ReleaseContext) -> list[Grant]:
        """Exactly the calls that the definition makes, and what CloudFormation takes of whoever calls it."""
        groups = [endpoint_name(settings.name, kind) for kind in KINDS]
        endpoints = [context.shared_endpoint] if context.shared_endpoint else groups
        model_bucket_arn = bucket_arn(published(self, settings.name, MODEL_BUCKET))
        key_arn = published(self, settings.name, KEY_ARN)
        inference_stack = arn_of(self, "cloudformation", "stack", f"{context.inference_stack}/*")
        # Where the endpoint is shared, the artefact is copied below its prefix.
        copies = [
            Grant(["s3:PutObject"], [f"{model_bucket_arn}/{MULTI_MODEL_PREFIX}/*"], OBJECTS),
            Grant(["kms:GenerateDataKey"], [key_arn]),
        ]
        return [
            *(copies if context.shared_endpoint else []),
            Grant(
                ["sagemaker:DescribeModelPackage"],
                [arn_of(self, "sagemaker", "model-package", f"{group}/*") for group in groups],
                VERSIONS,
            ),
            Grant(
                ["sagemaker:DescribeEndpoint", "sagemaker:InvokeEndpoint"],
                [arn_of(self, "sagemaker", "endpoint", name) for name in endpoints],
            ),
            Grant(
                ["s3:GetObject"],
                [f"{model_bucket_arn}/{prefix}*" for prefix in (*ARTEFACT_PREFIXES, "evaluations/")],
                OBJECTS,
            ),
            Grant(["kms:Decrypt"], [key_arn]),
            Grant(
                ["ssm:GetParameter", "ssm:PutParameter"],
                [parameter_arn(self, name) for name in records(settings.name).values()],
            ),
            # With it a missing object is said to be missing, not forbidden.
            Grant(["s3:ListBucket"], [model_bucket_arn]),
            Grant(
                [
                    "cloudformation:DescribeStacks",
                    "cloudformation:DescribeStackEvents",
                    "cloudformation:DescribeStackResource",
                ],
                [inference_stack],
                STACK_ID,
            ),
            *update_under(self, settings, self.update_role),
        ]
