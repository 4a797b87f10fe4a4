"""The released version of a network: fetched from the model bucket when it is first asked for, or has changed."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from botocore.exceptions import ClientError

from lambdas.common.clients import client
from lambdas.common.errors import unavailable
from lambdas.common.releases import CHECK_SECONDS, model_group, released_version
from lambdas.litert.native import add_native_packages
from model_code.data.archives import ArchiveRefused, opened, unpack_files

if TYPE_CHECKING:
    from serving.model import Model

PRECONDITION_FAILED = 412
NEEDED = ("labels.json", "litert/float32.tflite", "litert/preprocessing.json")


@dataclass
class Released:
    """One kind's released version, kept for the life of the function's environment."""

    kind: str
    version: str | None = None
    model: Model | None = None
    checked: float = field(default=-CHECK_SECONDS)

    def present(self) -> tuple[Model, str]:
        """The model and its version; loads another one when another is released by now.

        Raises:
            RequestRefused: 503 when none is released, or it cannot be loaded.
            ClientError: when a service refuses.
        """
        model, version = self.model, self.version
        if model is None or version is None or time.monotonic() - self.checked >= CHECK_SECONDS:
            released = released_version(self.kind)
            if model is None or released != version:
                model, version = load(self.group, released), released
                self.model, self.version = model, version
            self.checked = time.monotonic()
            return model, released
        return model, version

    @property
    def group(self) -> str:
        """The model package group."""
        return model_group(self.kind)


def load(group: str, version: str) -> Model:
    """A registered version's LiteRT model, ready to answer; see `Released.present` for what is raised."""
    add_native_packages()
    from serving.model import Model, ModelUnusable

    arn = f"{os.environ['MODEL_PACKAGE_ARN_PREFIX']}{group}/{version}"
    package = client("sagemaker").describe_model_package(ModelPackageName=arn)
    (container,) = package["InferenceSpecification"]["Containers"]
    with tempfile.TemporaryDirectory() as folder:
        try:
            fetch(container["ModelDataUrl"], container.get("ModelDataETag"), Path(folder))
            model = Model(Path(folder))
        except (ArchiveRefused, ModelUnusable) as error:
            # Its own words name a folder that nobody can look into.
            sentence = (
                f"Version {version} of {group} holds no LiteRT model that can be loaded. Train it again."
            )
            raise unavailable("ModelFailed", sentence) from error
    model.warm_up()
    return model


def fetch(uri: str, etag: str | None, folder: Path) -> None:
    """Writes what LiteRT needs of a model archive; the archive passes through and is never on the disk.

    Raises:
        RequestRefused: 503 when the archive was written anew after it was registered under this entity tag.
    """
    place = urlparse(uri)
    registered = {"IfMatch": etag} if etag else {}
    try:
        response = client("s3").get_object(Bucket=place.netloc, Key=place.path.lstrip("/"), **registered)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != PRECONDITION_FAILED:
            raise
        raise unavailable(
            "ModelChanged",
            "The released version's artefact is not the one that was registered. Train it again.",
        ) from error
    body: Any = response["Body"]
    with opened(body) as archive:
        unpack_files(archive, folder, NEEDED)
