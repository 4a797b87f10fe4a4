"""The training stack: the state machine, the roles it and its jobs run under, and the model package groups."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from definitions.names import (
    ARTEFACT_PREFIXES,
    PREPARED_PREFIX,
    REGISTERED_PREFIX,
    endpoint_name,
    job_name,
)
from definitions.networks import KINDS
from definitions.parameters import (
    CPU_INFERENCE_IMAGE,
    DATA_BUCKET,
    INFERENCE_IMAGE,
    KEY_ARN,
    LITERT_IMAGE,
    MODEL_BUCKET,
    TRAINING_STATE_MACHINE,
)
from stacks.settings import EnvironmentSettings
from stacks.settings.base import OF_CUSTOMERS
from stacks.settings.container_images import TRAINING_IMAGES, Image
from stacks.settings.training import TrainingSettings
from stacks.shared import iam as roles
from stacks.shared.arns import arn_of
from stacks.shared.grants import OBJECTS, RUNS, STACK_ID, VERSIONS, Grant, allow
from stacks.shared.iam import bucket_arn
from stacks.shared.job_context import JobContext, job_context, source_of_jobs
from stacks.shared.job_network import JobNetwork, publish_network
from stacks.shared.parameters import publish, published
from stacks.shared.state_machine import add_machine
from stacks.training.state_machine import definition
from stacks.training.triggers import add_triggers

# For the start of the jobs, the evaluation, and what is waited for after a refusal that may pass.
SECONDS_BESIDE_TRAINING = 24 * 3600
# A Standard execution's (Step Functions quotas).
LONGEST_EXECUTION = Duration.days(365)


def longest_run(training: TrainingSettings) -> Duration:
    """How long a run may take: every training job that the settings allow, as long as each may take, and the rest."""
    one_job = training.max_wait_seconds if training.use_spot else training.max_runtime_seconds
    tuning = training.tuning
    in_a_row = math.ceil(tuning.jobs / tuning.parallel_jobs) if tuning else 1
    attempts = 1 + len(training.fallback_instance_types)
    seconds = SECONDS_BESIDE_TRAINING + attempts * in_a_row * one_job
    return Duration.seconds(min(seconds, LONGEST_EXECUTION.to_seconds()))


class TrainingStack(Stack):
    """From data in S3 to a registered model version."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: EnvironmentSettings,
        build_directory: Path,
        inference_stack: str,
        **options,
    ) -> None:
        super().__init__(scope, construct_id, **options)
        image = TRAINING_IMAGES[settings.training.image_version]
        code = source_of_jobs(self, build_directory)
        self.key_arn = published(self, settings.name, KEY_ARN)
        data_bucket = published(self, settings.name, DATA_BUCKET)
        self.data_bucket_arn = bucket_arn(data_bucket)
        model_bucket = published(self, settings.name, MODEL_BUCKET)
        self.model_bucket_arn = bucket_arn(model_bucket)
        job_role = self.job_role(settings, image, code)
        self.add_groups(settings)
        network = self.network(settings, data_bucket, model_bucket, code)
        if network:
            publish_network(self, settings.name, network.vpc_config)
        context = job_context(
            self,
            settings,
            code,
            job_role.role_arn,
            processing_instance_type=settings.training.evaluation_instance_type,
            inference_stack=inference_stack,
            vpc=network.vpc_config if network else None,
        )
        machine = add_machine(
            self,
            "Training",
            definition(settings, context),
            longest_run(settings.training),
            self.machine_grants(settings, context, job_role),
        )
        add_triggers(self, settings, machine, data_bucket)
        publish(self, settings.name, TRAINING_STATE_MACHINE, machine.state_machine_arn)
        publish(self, settings.name, INFERENCE_IMAGE, context.inference_image)
        publish(self, settings.name, CPU_INFERENCE_IMAGE, context.cpu_inference_image)
        if context.litert_image:
            publish(self, settings.name, LITERT_IMAGE, context.litert_image)

    def add_groups(self, settings: EnvironmentSettings) -> None:
        """The groups of versions, which are data: they stay where the data stays."""
        for kind in KINDS:
            group = sagemaker.CfnModelPackageGroup(
                self,
                f"{kind.title()}Models",
                model_package_group_name=endpoint_name(settings.name, kind),
                model_package_group_description=f"Versions of the {kind.upper()} of recognition in {settings.name}",
            )
            # Not when the first deployment fails: a group that stayed would hold its name against the next one.
            kept = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
            keep = settings.storage.keep_data_when_destroyed
            group.apply_removal_policy(kept if keep else RemovalPolicy.DESTROY)

    def job_role(self, settings: EnvironmentSettings, image: Image, code: s3_assets.Asset) -> iam.Role:
        """What the containers may do: read data and code, write splits, checkpoints, models and evaluations."""
        role = iam.Role(self, "JobRole", assumed_by=roles.service_of_this_account(self, "sagemaker"))  # pyright: ignore[reportArgumentType]  # jsii
        role.add_to_policy(roles.never_read_objects(self.data_bucket_arn, *OF_CUSTOMERS))
        grants = [
            *roles.read_objects(self.data_bucket_arn),
            # The champion may be any version that was ever registered.
            *roles.read_objects(
                self.model_bucket_arn, "checkpoints/", f"{PREPARED_PREFIX}/", *ARTEFACT_PREFIXES
            ),
            *roles.read_code(self, code.s3_bucket_name),
            roles.write_objects(
                self.model_bucket_arn, "checkpoints/", "training/", "evaluations/", f"{PREPARED_PREFIX}/"
            ),
            roles.use_key(self.key_arn),
            roles.use_key_for_volumes(self.key_arn),
            *roles.pull_image(image, settings.region),
            *roles.write_sagemaker_logs(self, "TrainingJobs", "ProcessingJobs"),
        ]
        if settings.training.network:
            grants.append(roles.place_network_interfaces())
        allow(role, grants)
        return role

    def network(
        self, settings: EnvironmentSettings, data_bucket: str, model_bucket: str, code: s3_assets.Asset
    ) -> JobNetwork | None:
        """The jobs' own network, where the settings want one."""
        if settings.training.network is None:
            return None
        buckets = (data_bucket, model_bucket, code.s3_bucket_name)
        return JobNetwork(
            self,
            "Network",
            settings=settings.training.network,
            bucket_arns=[bucket_arn(name) for name in buckets],
        )

    def machine_grants(
        self, settings: EnvironmentSettings, context: JobContext, job_role: iam.Role
    ) -> list[Grant]:
        """Exactly the calls that the definition makes, and those with which Step Functions waits for a job's end."""
        tuned = sorted(settings.training.tuning.ranges) if settings.training.tuning else []
        arn = partial(arn_of, self, "sagemaker")
        jobs = [
            arn(f"{kind}-job", f"{job_name(settings.name, name)}-*")
            for kind in ("training", "processing")
            for name in KINDS
        ]
        jobs += [arn("hyper-parameter-tuning-job", f"{job_name(settings.name, kind)}-*") for kind in tuned]
        kinds = ("Training", "Processing", *(["HyperParameterTuning"] if tuned else []))
        names = [endpoint_name(settings.name, kind) for kind in KINDS]
        groups = [arn("model-package-group", name) for name in names]
        versions = [arn("model-package", f"{name}/*") for name in names]
        rules = [
            arn_of(self, "events", "rule", f"StepFunctionsGetEventsForSageMaker{kind}")
            for kind in ("TrainingJobsRule", "ProcessingJobsRule", *(["TuningJobsRule"] if tuned else []))
        ]
        inference_stack = arn_of(self, "cloudformation", "stack", f"{context.inference_stack}/*")
        verbs = ("Create", "Describe", "Stop")
        return [
            # A job that is created with tags needs the right to tag it.
            Grant(
                [*(f"sagemaker:{verb}{kind}Job" for kind in kinds for verb in verbs), "sagemaker:AddTags"],
                jobs,
                RUNS,
            ),
            Grant(["sagemaker:CreateModelPackage"], [*groups, *versions], VERSIONS),
            Grant(["sagemaker:DescribeModelPackage"], versions, VERSIONS),
            Grant(["cloudformation:DescribeStacks"], [inference_stack], STACK_ID),
            # With it a missing object is said to be missing, not forbidden.
            Grant(["s3:ListBucket"], [self.data_bucket_arn, self.model_bucket_arn]),
            Grant(["events:PutEvents"], [arn_of(self, "events", "event-bus", "default")]),
            roles.pass_role(job_role.role_arn),
            Grant(["events:PutTargets", "events:PutRule", "events:DescribeRule"], rules),
            # Of the champion's artefact the machine asks only whether it is there.
            Grant(
                ["s3:GetObject"],
                [
                    f"{self.model_bucket_arn}/{prefix}*"
                    for prefix in ("evaluations/", f"{PREPARED_PREFIX}/", *ARTEFACT_PREFIXES)
                ],
                OBJECTS,
            ),
            Grant(["s3:PutObject"], [f"{self.model_bucket_arn}/{REGISTERED_PREFIX}/*"], OBJECTS),
            *self.read_markers(settings),
            Grant(["kms:Decrypt", "kms:GenerateDataKey"], [self.key_arn]),
        ]

    def read_markers(self, settings: EnvironmentSettings) -> list[Grant]:
        """Reading the objects that start runs, where the settings want them."""
        name = settings.training.marker_name
        anywhere = "The data set's folder is its owner's choice."
        return [Grant(["s3:GetObject"], [f"{self.data_bucket_arn}/*/{name}"], anywhere)] if name else []
