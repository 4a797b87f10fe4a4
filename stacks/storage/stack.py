"""The storage stack: one key, and the buckets for data, models and access logs."""

from __future__ import annotations

from typing import cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from definitions.names import ASYNCHRONOUS_PREFIX, CAPTURED_PREFIX, LABELS_PREFIX, TRANSFORM_PREFIX
from definitions.parameters import DATA_BUCKET, KEY_ARN, MODEL_BUCKET
from lambdas.bulk.attempt_keys import PREFIX
from stacks.settings import EnvironmentSettings
from stacks.settings.storage import StorageSettings
from stacks.shared.acknowledge import acknowledge
from stacks.shared.iam import let_budgets_use
from stacks.shared.parameters import publish

ONE_REGION = "Where data may lie is its owner's decision: a copy in another region is not made unasked."


class StorageStack(Stack):
    """Owns everything that holds data; the other stacks know it by its published names alone."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: EnvironmentSettings, **options
    ) -> None:
        super().__init__(scope, construct_id, **options)
        storage = settings.storage
        removal = RemovalPolicy.RETAIN if storage.keep_data_when_destroyed else RemovalPolicy.DESTROY
        key = kms.Key(
            self,
            "Key",
            description=f"Data and models of recognition in {settings.name}",
            enable_key_rotation=True,
            removal_policy=removal,
            pending_window=Duration.days(7),
        )
        if settings.monitoring:
            let_event_bridge_publish(key)
            if settings.budget:
                let_budgets_use(key)
        logs = self.access_log_bucket(storage, removal)
        publish(self, settings.name, KEY_ARN, key.key_arn)
        for purpose, parameter in (("data", DATA_BUCKET), ("model", MODEL_BUCKET)):
            bucket = self.bucket(f"{purpose.title()}Bucket", storage, removal, key, logs, prefix=purpose)
            if purpose == "data":
                # What customers' objects were found to show is kept no longer than other answers about them.
                for name, folder in (("bulk-runs", PREFIX), ("transforms", TRANSFORM_PREFIX)):
                    expire(bucket, f"drop-old-{name}", folder, settings.api.retention_days)
            else:
                # Also where no asynchronous endpoint is left: its requests may be.
                expire(bucket, "drop-old-requests", ASYNCHRONOUS_PREFIX, settings.api.retention_days)
            publish(self, settings.name, parameter, bucket.bucket_name)
            if purpose == "data" and settings.training.marker_name:
                tell_event_bridge(bucket)
            if purpose == "data" and settings.monitoring and (capture := settings.monitoring.capture):
                expire(bucket, "drop-captured-requests", CAPTURED_PREFIX, capture.kept_days)
                expire(bucket, "drop-labels-of-requests", LABELS_PREFIX, capture.kept_days)

    def bucket(
        self,
        construct_id: str,
        storage: StorageSettings,
        removal: RemovalPolicy,
        key: kms.Key,
        logs: s3.Bucket,
        *,
        prefix: str,
    ) -> s3.Bucket:
        """A private, versioned bucket under our key with access logs."""
        bucket = s3.Bucket(
            self,
            construct_id,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,  # pyright: ignore[reportArgumentType]  # jsii
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            server_access_logs_bucket=logs,
            server_access_logs_prefix=f"{prefix}/",
            removal_policy=removal,
            auto_delete_objects=removal == RemovalPolicy.DESTROY,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="drop-what-was-overwritten",
                    noncurrent_version_expiration=Duration.days(storage.noncurrent_versions_days),
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                )
            ],
        )
        acknowledge(bucket, ONE_REGION, "NIST.800.53.R5-S3BucketReplicationEnabled")
        return bucket

    def access_log_bucket(self, storage: StorageSettings, removal: RemovalPolicy) -> s3.Bucket:
        """Where S3 writes who read what."""
        bucket = s3.Bucket(
            self,
            "LogBucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            removal_policy=removal,
            auto_delete_objects=removal == RemovalPolicy.DESTROY,
            lifecycle_rules=[
                s3.LifecycleRule(id="drop-old-logs", expiration=Duration.days(storage.logs_days)),
            ],
        )
        acknowledge(bucket, ONE_REGION, "NIST.800.53.R5-S3BucketReplicationEnabled")
        own_key = "S3 delivers access logs to a bucket under its own key alone."
        acknowledge(bucket, own_key, "NIST.800.53.R5-S3DefaultEncryptionKMS")
        once = "S3 writes each log under a new name, and no role of the app can write here."
        acknowledge(bucket, once, "NIST.800.53.R5-S3BucketVersioningEnabled")
        return bucket


def expire(bucket: s3.Bucket, rule: str, folder: str, days: int) -> None:
    """Deletes what lies below a folder after so many days, and does not keep it as an overwritten version after that.

    In a versioned bucket an object that expires becomes such a version, which would stay as long as others do; where
    two rules name a time for it, S3 takes the shorter (Amazon S3, conflicts in lifecycle configurations).
    """
    bucket.add_lifecycle_rule(
        id=rule,
        prefix=f"{folder}/",
        expiration=Duration.days(days),
        noncurrent_version_expiration=Duration.days(1),
    )


def let_event_bridge_publish(key: kms.Key) -> None:
    """Lets EventBridge's rules write to a topic under the key (Amazon SNS: encryption with event sources)."""
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("events.amazonaws.com")],  # pyright: ignore[reportArgumentType]  # jsii
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=["*"],
        )
    )


def tell_event_bridge(bucket: s3.Bucket) -> None:
    """Sends the bucket's events to EventBridge; CDK's own way to it adds a function to every stack that asks."""
    resource = cast(s3.CfnBucket, bucket.node.default_child)
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    )
