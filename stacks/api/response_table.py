"""The table of answers that outlive their request, under the customer's key, each until its time is over."""

from __future__ import annotations

from dataclasses import replace

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms

from definitions.parameters import KEY_ARN
from stacks.settings import EnvironmentSettings
from stacks.shared.acknowledge import acknowledge
from stacks.shared.grants import Grant
from stacks.shared.lambda_function import FunctionPlan
from stacks.shared.parameters import published

# What DynamoDB's caller needs of the key that encrypts a table (its encryption at rest, customer managed keys).
KEY_ACTIONS = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)


class AnswerTable:
    """The table with what a function needs to use it."""

    def __init__(self, stack: Stack, settings: EnvironmentSettings) -> None:
        self.api = settings.api
        self.key_arn = published(stack, settings.name, KEY_ARN)
        self.region = settings.region
        self.table = dynamodb.Table(
            stack,
            "Answers",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=kms.Key.from_key_arn(stack, "AnswersKey", self.key_arn),
            time_to_live_attribute="expires_at",
            removal_policy=RemovalPolicy.DESTROY,
        )
        kept = "A backup would keep answers beyond the time that the settings give them."
        backups = ("DynamoDBInBackupPlan", "DynamoDBPITREnabled")
        acknowledge(self.table, kept, "AwsSolutions-DDB3", *(f"NIST.800.53.R5-{rule}" for rule in backups))

    def open_to(self, plan: FunctionPlan) -> FunctionPlan:
        """The plan with the right to use the table, and to use the key through DynamoDB alone."""
        through_table = {"StringEquals": {"kms:ViaService": f"dynamodb.{self.region}.amazonaws.com"}}
        grants = (
            Grant(
                [f"dynamodb:{verb}Item" for verb in ("Get", "Put", "Update", "Delete")],
                [self.table.table_arn],
            ),
            Grant(KEY_ACTIONS, [self.key_arn], conditions=through_table),
        )
        variables = {
            "ANSWERS_TABLE": self.table.table_name,
            "IDEMPOTENCY_SECONDS": str(self.api.idempotency_seconds),
            "CACHE_SECONDS": str(self.api.cache_seconds),
        }
        return replace(
            plan,
            grants=(*plan.grants, *grants),
            variables={**plan.variables, **variables},
        )
