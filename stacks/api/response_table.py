"""The table of answers that outlive their request, under the customer's key, each until its time is over."""

from __future__ import annotations

from dataclasses import replace

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from stacks.settings import EnvironmentSettings
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
        self.key_arn = published(stack, settings.name, "key-arn")
        self.region = settings.region
        # No backup: it would keep answers beyond the time that the settings give them.
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

    def open_to(self, plan: FunctionPlan) -> FunctionPlan:
        """The plan with the right to use the table, and to use the key through DynamoDB alone."""
        actions = {f"dynamodb:{verb}Item" for verb in ("Get", "Put", "Update", "Delete")}
        key = iam.PolicyStatement(
            actions=list(KEY_ACTIONS),
            resources=[self.key_arn],
            conditions={"StringEquals": {"kms:ViaService": f"dynamodb.{self.region}.amazonaws.com"}},
        )
        variables = {
            "ANSWERS_TABLE": self.table.table_name,
            "IDEMPOTENCY_SECONDS": str(self.api.idempotency_seconds),
            "CACHE_SECONDS": str(self.api.cache_seconds),
        }
        return replace(
            plan,
            grants={**plan.grants, self.table.table_arn: actions},
            variables={**plan.variables, **variables},
            statements=(*plan.statements, key),
        )
