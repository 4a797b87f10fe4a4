"""The inference stack: for each kind of network a model, a configuration and an endpoint, once one is released."""

from __future__ import annotations

from aws_cdk import CfnCondition, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from definitions.names import (
    ARTEFACT_PREFIXES,
    ASYNCHRONOUS_PREFIX,
    MULTI_MODEL_PREFIX,
    TRANSFORM_PREFIX,
    endpoint_name,
)
from definitions.networks import KINDS
from definitions.parameters import DATA_BUCKET, KEY_ARN, MODEL_BUCKET, MODEL_ROLE_ARN
from stacks.inference.data_capture import data_capture
from stacks.inference.multi_model import MultiModelEndpoint
from stacks.inference.released_model import Release, ReleasedModel, Serving
from stacks.settings import EnvironmentSettings
from stacks.settings.container_images import INFERENCE_IMAGES
from stacks.settings.inference import InferenceSettings
from stacks.shared import iam as roles
from stacks.shared.arns import arn_of
from stacks.shared.grants import VERSIONS, Grant, allow
from stacks.shared.iam import bucket_arn
from stacks.shared.parameters import publish, published


class InferenceStack(Stack):
    """The only writer of endpoints: a release is an update of this stack's version parameters."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: EnvironmentSettings, **options
    ) -> None:
        super().__init__(scope, construct_id, **options)
        self.key_arn = published(self, settings.name, KEY_ARN)
        self.model_bucket = published(self, settings.name, MODEL_BUCKET)
        data_bucket = published(self, settings.name, DATA_BUCKET)
        self.role = self.model_role(settings, bucket_arn(self.model_bucket), bucket_arn(data_bucket))
        # Whoever updates this stack for a release has to pass it on.
        publish(self, settings.name, MODEL_ROLE_ARN, self.role.role_arn)
        capture = data_capture(self, settings, self.role, self.key_arn)
        releases = {kind: Release.of(self, settings.name, kind) for kind in KINDS}
        shared = self.shared_endpoint(settings, [release.is_there for release in releases.values()])
        serving = Serving(self.role, self.key_arn, self.model_bucket, capture, shared)
        self.models = {
            kind: ReleasedModel(
                self, kind.title(), settings=settings, kind=kind, release=release, serving=serving
            )
            for kind, release in releases.items()
        }

    def configurations(self) -> dict[str, str]:
        """The logical id of each kind's endpoint configuration."""
        return {kind: self.get_logical_id(model.config) for kind, model in self.models.items()}

    def shared_endpoint(
        self, settings: EnvironmentSettings, released: list[CfnCondition]
    ) -> MultiModelEndpoint | None:
        """The endpoint of all networks, where the settings want one in the place of one for each."""
        if not settings.inference.multi_model:
            return None
        return MultiModelEndpoint(
            self,
            "MultiModel",
            settings=settings,
            role=self.role,
            bucket=self.model_bucket,
            key_arn=self.key_arn,
            released=released,
        )

    def model_role(
        self, settings: EnvironmentSettings, model_bucket_arn: str, data_bucket_arn: str
    ) -> iam.Role:
        """What a serving container may do: read models, transform, and let SageMaker watch a release's alarms."""
        role = iam.Role(self, "ModelRole", assumed_by=roles.service_of_this_account(self, "sagemaker"))  # pyright: ignore[reportArgumentType]  # jsii
        groups = [endpoint_name(settings.name, kind) for kind in KINDS]
        versions = [arn_of(self, "sagemaker", "model-package", f"{group}/*") for group in groups]
        alarms = arn_of(self, "cloudwatch", "alarm", f"{self.stack_name}-*")
        grants = [
            *roles.read_objects(model_bucket_arn, *read_prefixes(settings.inference)),
            roles.use_key(self.key_arn),
            *roles.pull_image(INFERENCE_IMAGES[settings.inference.image_version], settings.region),
            *roles.write_sagemaker_logs(self, *log_groups(settings.inference)),
            # A batch transform job has no role but that of its model.
            roles.use_key_for_volumes(self.key_arn),
            *roles.read_objects(data_bucket_arn, f"{TRANSFORM_PREFIX}/"),
            roles.write_objects(data_bucket_arn, f"{TRANSFORM_PREFIX}/"),
            Grant(["sagemaker:DescribeModelPackage"], versions, VERSIONS),
            Grant(
                ["cloudwatch:DescribeAlarms"], [alarms], "This stack's alarms and no others; CDK names them."
            ),
        ]
        if settings.inference.litert_image_uri:
            grants.append(roles.pull_own_image(settings.inference.litert_image_uri))
        if settings.inference.asynchronous:
            # Requests lie below the same prefix as their answers.
            grants += roles.read_objects(model_bucket_arn, f"{ASYNCHRONOUS_PREFIX}/")
            grants.append(roles.write_objects(model_bucket_arn, f"{ASYNCHRONOUS_PREFIX}/"))
        allow(role, grants)
        return role


def read_prefixes(inference: InferenceSettings) -> list[str]:
    """Below which prefixes of the model bucket there is what containers serve."""
    copied = [f"{MULTI_MODEL_PREFIX}/"] if inference.multi_model else []
    return [*ARTEFACT_PREFIXES, *copied]


def log_groups(inference: InferenceSettings) -> list[str]:
    """Where SageMaker writes what serving containers say."""
    components = ["InferenceComponents/*"] if inference.scale_to_zero else []
    return ["Endpoints/*", *components, "TransformJobs"]
