"""The bulk stack: a state machine over millions of objects, its worker, its counts, and a queue for what failed."""

from __future__ import annotations

import json
from pathlib import Path

from aws_cdk import Duration, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from definitions.parameters import (
    BULK_CALLS_PER_SECOND,
    BULK_LIMIT,
    BULK_QUEUE,
    BULK_STATE_MACHINE,
    BULK_TABLE,
    DATA_BUCKET,
    KEY_ARN,
)
from lambdas.bulk.asking import runs_in_bulk
from lambdas.bulk.attempt_keys import NO_INPUTS, PREFIX
from lambdas.catalogue import OPERATIONS
from stacks.bulk.state_machine import BulkContext, definition
from stacks.settings import EnvironmentSettings
from stacks.settings.api import SECONDS_A_DAY
from stacks.settings.bulk import MACHINE_TIMEOUT_DAYS, WORKER_TIMEOUT_SECONDS
from stacks.shared import iam as roles
from stacks.shared.arns import arn_of
from stacks.shared.counter_table import add_counters
from stacks.shared.dead_letters import add_dead_letter_queue
from stacks.shared.endpoint_access import INVOKE, own_grants, own_variables
from stacks.shared.grants import NO_RESOURCE, OBJECTS, Grant
from stacks.shared.iam import bucket_arn
from stacks.shared.lambda_function import CLASSIFY, FunctionPlan, add_function, list_prices
from stacks.shared.parameters import publish, published
from stacks.shared.state_machine import add_machine, allow_own_executions

PARTS = ("vision", "language", "custom")


class BulkStack(Stack):
    """Any operation over what lies in the data bucket."""

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
        self.data_bucket = published(self, settings.name, DATA_BUCKET)
        self.key_arn = published(self, settings.name, KEY_ARN)
        # Which batches have failures; the outcomes themselves lie in S3.
        table, queue = add_counters(self, "Runs"), add_dead_letter_queue(self, "Failures")
        worker = add_function(
            self,
            settings.api,
            self.plan(settings, table, queue),
            build_directory,
            description="Recognition: the worker of bulk runs",
            timeout=Duration.seconds(WORKER_TIMEOUT_SECONDS),
            reserved_concurrent_executions=None,
        )
        # It reads whatever the manifest names, but for what customers sent, and what was found in it.
        worker.add_to_role_policy(roles.never_read_objects(bucket_arn(self.data_bucket), *NO_INPUTS))
        context = BulkContext(
            bucket=self.data_bucket,
            function_arn=worker.function_arn,
            workers=settings.bulk.workers,
            wait_seconds=settings.bulk.longest_wait_seconds,
        )
        machine = self.state_machine(context)
        for name, value in (
            (BULK_STATE_MACHINE, machine.state_machine_arn),
            (BULK_TABLE, table.table_name),
            (BULK_QUEUE, queue.queue_url),
            (BULK_LIMIT, str(settings.bulk.limit_usd)),
            (BULK_CALLS_PER_SECOND, json.dumps(settings.bulk.calls_per_second, sort_keys=True)),
        ):
            publish(self, settings.name, name, value)

    def plan(self, settings: EnvironmentSettings, table: dynamodb.Table, queue: sqs.Queue) -> FunctionPlan:
        """The worker: what the API's functions may ask, and its own resources. Policies are the API's alone."""
        data = bucket_arn(self.data_bucket)
        asked = {operation.action for operation in OPERATIONS if runs_in_bulk(operation)}
        batches = {
            operation.action
            for operation in OPERATIONS
            if operation.api and operation.api.startswith("Batch")
        }
        named = "The objects are the run's own choice; it reads them and can do nothing else outside bulk/."
        grants = [
            Grant((asked | batches) - {CLASSIFY, INVOKE}, ["*"], NO_RESOURCE),
            *own_grants(self, settings),
            Grant(["s3:GetObject"], [f"{data}/*"], named),
            Grant(["s3:ListBucket"], [data]),
            Grant(["s3:PutObject"], [f"{data}/{PREFIX}/*"], OBJECTS),
            Grant(["kms:Decrypt", "kms:GenerateDataKey"], [self.key_arn]),
            Grant([f"dynamodb:{verb}Item" for verb in ("Get", "Put", "Update")], [table.table_arn]),
            Grant(["sqs:SendMessage"], [queue.queue_arn]),
        ]
        variables = {
            **own_variables(settings),
            "PRICES_USD": list_prices(settings.region),
            "DATA_BUCKET": self.data_bucket,
            "RUNS_TABLE": table.table_name,
            "FAILURES_QUEUE_URL": queue.queue_url,
            "CALLS_PER_SECOND": json.dumps(settings.bulk.calls_per_second, sort_keys=True),
            "LONGEST_WAIT_SECONDS": str(settings.bulk.longest_wait_seconds),
            "LIMIT_USD": str(settings.bulk.limit_usd),
            "MONTHLY_LIMIT_USD": str(settings.bulk.monthly_limit_usd),
            "SPENDING": json.dumps({"environment": settings.name}),
            "KEEP_SECONDS": str(settings.api.retention_days * SECONDS_A_DAY),
        }
        if classifier := settings.api.document_classifier_endpoint_arn:
            grants.append(Grant([CLASSIFY], [classifier]))
            variables["DOCUMENT_CLASSIFIER_ENDPOINT_ARN"] = classifier
        return FunctionPlan("bulk", (), tuple(grants), variables, parts=PARTS)

    def state_machine(self, context: BulkContext) -> stepfunctions.StateMachine:
        """The machine with its log, and the rights that a distributed map needs of itself."""
        data = bucket_arn(self.data_bucket)
        attempts = f"{data}/{PREFIX}/*/attempt-*"
        grants = [
            Grant(["lambda:InvokeFunction"], [context.function_arn]),
            Grant(["s3:GetObject"], [f"{attempts}/manifest.jsonl"], OBJECTS),
            Grant(
                ["s3:GetObject", "s3:PutObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"],
                [f"{attempts}/map/*"],
                OBJECTS,
            ),
            Grant(["s3:ListBucket"], [data]),
            roles.use_key(self.key_arn),
        ]
        timeout = Duration.days(MACHINE_TIMEOUT_DAYS)
        machine = add_machine(self, "Machine", definition(context), timeout, grants)
        executions = arn_of(self, "states", "execution", f"{machine.state_machine_name}/*")
        children = "A distributed map names its children; the machine is named in full."
        allow_own_executions(
            machine,
            [
                Grant(["states:StartExecution"], [machine.state_machine_arn]),
                Grant(["states:DescribeExecution", "states:StopExecution"], [executions], children),
            ],
        )
        return machine
