"""Models, and how the server of one is started from what it names: an image and an archive, or a version."""

from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from local_aws.iam.decisions import Refused
from local_aws.iam.sagemaker import calls_of, publish_metrics, pull
from local_aws.sagemaker.container_logs import LogPlace, follow
from local_aws.sagemaker.containers import (
    SERVERS,
    other_version,
    role_environment,
    role_of_image,
    unknown_image,
)
from local_aws.sagemaker.errors import validation_error
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.model_servers import ModelServer, StartFailed, start_process
from local_aws.sagemaker.multi_models import (
    MultiModelServer,
    as_runtime_errors,
    at_most,
    is_multi_model,
    require_prefix,
)
from local_aws.sagemaker.names import Names
from local_aws.sagemaker.objects import download_archive
from local_aws.sagemaker.registry import Registry
from local_aws.sagemaker.shapes import now


class Models:
    """Every model by its name.

    Attributes:
        require: raises Refused unless a role may make calls.
    """

    def __init__(self, names: Names, registry: Registry, folder: Path, clients: Any) -> None:
        self.names, self.registry, self.folder, self.clients = names, registry, folder, clients
        self.described: dict[str, dict[str, Any]] = {}
        self.numbers = itertools.count(1)
        self.require: Callable[..., None] = lambda role_arn, *calls: None

    def create_model(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateModel."""
        name = request["ModelName"]
        if name in self.described:
            raise validation_error(f'Cannot create already existing model "{self.names.arn("model", name)}".')
        if len(request.get("Containers", ())) > 1:
            raise validation_error(
                "The embedded AWS serves models of one container, and no pipelines of several."
            )
        self.described[name] = {**request, "ModelArn": self.names.arn("model", name), "CreationTime": now()}
        self.described[name].pop("Tags", None)
        return {"ModelArn": self.described[name]["ModelArn"]}

    def describe_model(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeModel."""
        return self.find(request["ModelName"])

    def delete_model(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteModel."""
        self.find(request["ModelName"])
        del self.described[request["ModelName"]]
        return {}

    def list_models(self, request: dict[str, Any]) -> dict[str, Any]:
        """ListModels."""
        listed = ("ModelName", "ModelArn", "CreationTime")
        summaries = [{name: model[name] for name in listed} for model in self.described.values()]
        return page(request, summaries, "Models", "ModelName")

    def require_single_model(self, name: str) -> None:
        """Refuses a multi-model container where SageMaker takes none.

        Raises:
            ServiceError: saying where one can be.
        """
        if is_multi_model(own_container(self.find(name))):
            raise validation_error(
                f"The model {name} has a multi-model container, which real-time endpoints of instances without a "
                "shadow take and nothing else."
            )

    def role_of(self, name: str) -> str:
        """The role of a model by its name, under which its containers run."""
        return self.find(name)["ExecutionRoleArn"]

    def role_of_variant(self, variant: dict[str, Any], config: dict[str, Any]) -> str:
        """The role of a variant's model; without a model that of the configuration."""
        return self.role_of(variant["ModelName"]) if "ModelName" in variant else config["ExecutionRoleArn"]

    def start_one_or_many(self, name: str, variant: dict[str, Any]) -> ModelServer | MultiModelServer:
        """What answers for a variant; of a multi-model container nothing is loaded yet. See `start_server`."""
        model = variant["ModelName"]
        container = self.container_of(model)
        place = LogPlace.of_endpoint(name, variant["VariantName"])
        if not is_multi_model(container):
            return self.start_server(name, variant, place)
        require_prefix(self.clients("s3", self.role_of(model)), container["ModelDataUrl"])

        def load(target: str) -> ModelServer:
            uri = f"{container['ModelDataUrl']}{target}"
            with as_runtime_errors(uri):
                return self.start_container(name, {**container, "ModelDataUrl": uri}, model, place)

        return MultiModelServer(load, at_most(container))

    def start_server(
        self,
        name: str,
        variant: dict[str, Any],
        place: LogPlace,
        variables: dict[str, str] | None = None,
    ) -> ModelServer:
        """Downloads the variant's model and starts its server, `variables` over the model's own; waits for /ping.

        Raises:
            StartFailed: when the image is unknown or the server ends or stays silent.
            TransferFailed: when the model data cannot be had.
        """
        self.require_single_model(variant["ModelName"])
        container = self.container_of(variant["ModelName"])
        return self.start_container(name, container, variant["ModelName"], place, variables)

    def start_container(
        self,
        name: str,
        container: dict[str, Any],
        model: str,
        place: LogPlace,
        variables: dict[str, str] | None = None,
    ) -> ModelServer:
        """The server of one archive of a model, under the model's role; see `start_server`."""
        described, role_arn = self.find(model), self.role_of(model)
        module = SERVERS.get(role_of_image(container["Image"]) or "")
        if module is None:
            raise StartFailed(unknown_image(container["Image"]))
        if "ModelDataUrl" not in container:
            raise StartFailed(
                f"{name}: the embedded AWS serves what a ModelDataUrl names, and there is none."
            )
        if remark := other_version(container["Image"]):
            print(f"{name}: {remark}", file=sys.stderr, flush=True)
        try:
            self.require(role_arn, *pull(container["Image"]))
        except Refused as refused:
            raise StartFailed(str(refused)) from refused
        folder = self.folder / f"{name}-{next(self.numbers)}"
        folder.mkdir(parents=True)
        try:
            s3 = self.clients("s3", role_arn)
            download_archive(s3, container["ModelDataUrl"], folder / "model")
            is_isolated = described.get("EnableNetworkIsolation", False)
            environment = {
                **role_environment(
                    described["ModelArn"], role_arn, s3.meta.endpoint_url, is_isolated=is_isolated
                ),
                **container.get("Environment", {}),
                **(variables or {}),
            }
            # Without it a container runs on unmeasured.
            with suppress(Refused):
                self.require(role_arn, publish_metrics(place.group))
            logs = self.clients("logs", role_arn)
            return start_process(module, folder, environment, partial(follow, logs=logs, place=place))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def container_of(self, name: str) -> dict[str, Any]:
        """Image and model data of a model, which may name a version of the registry."""
        container = own_container(self.find(name))
        if "ModelPackageName" not in container:
            return container
        try:
            self.require(self.role_of(name), *calls_of("DescribeModelPackage", container))
        except Refused as refused:
            raise StartFailed(str(refused)) from refused
        package = self.registry.package(container["ModelPackageName"])
        specification = package["InferenceSpecification"]
        if wanted := container.get("InferenceSpecificationName"):
            additional = package.get("AdditionalInferenceSpecifications", [])
            specification = next(
                (specification for specification in additional if specification["Name"] == wanted), None
            )
            if specification is None:
                raise StartFailed(
                    f"The model package {package['ModelPackageArn']} has no inference specification {wanted}."
                )
        return {**specification["Containers"][0], **container}

    def find(self, name: str) -> dict[str, Any]:
        """A model by name.

        Raises:
            ServiceError: when there is none.
        """
        return self.names.find("model", self.described, name)


def own_container(model: dict[str, Any]) -> dict[str, Any]:
    """What CreateModel said of a model's container."""
    return model.get("PrimaryContainer") or model["Containers"][0]
