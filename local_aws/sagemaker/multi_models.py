"""Multi-model endpoints: models below one prefix of S3, each loaded when it is asked for and gone when others are."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from weakref import WeakValueDictionary

from local_aws.sagemaker.errors import ServiceError, validation_error
from local_aws.sagemaker.model_servers import Answering, ModelServer, StartFailed
from local_aws.sagemaker.objects import TransferFailed, split_uri

TARGET = "x-amzn-sagemaker-target-model"
# SageMaker goes by the instance's memory. Here a model is a process of half a gigabyte.
LOADED_AT_MOST = 4


@dataclass
class MultiModelServer(Answering):
    """The models that are loaded, the one that was asked longest ago first.

    Attributes:
        load: starts the server of a model, by its path below the prefix.
        at_most: how many stay loaded; 0 unloads each after its answer (ModelCacheSetting Disabled).
    """

    load: Callable[[str], ModelServer]
    at_most: int = LOADED_AT_MOST
    models: OrderedDict[str, ModelServer] = field(default_factory=OrderedDict)
    # A model's lock is there while somebody holds it or waits for it: callers may name models without end.
    turns: WeakValueDictionary[str, threading.Lock] = field(default_factory=WeakValueDictionary)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def model(self, target: str) -> Iterator[ModelServer]:
        """The server of a model, loaded if it is not; it is not unloaded meanwhile.

        Raises:
            ServiceError: as SageMaker Runtime does, when it is not there or does not load.
        """
        with self.lock:
            turn = self.turns.setdefault(target, threading.Lock())
        try:
            with ExitStack() as counted:
                # Of several requests for the same model one loads it; other models are loaded meanwhile.
                with turn:
                    server = self.loaded(target, counted) or self.keep(target, self.load(target), counted)
                yield server
        finally:
            self.unload()

    def loaded(self, target: str, counted: ExitStack) -> ModelServer | None:
        """The model if it is loaded; it is the last to go from now on."""
        with self.lock:
            server = self.models.get(target)
            if server is not None:
                self.models.move_to_end(target)
                counted.enter_context(server.answering())
            return server

    def keep(self, target: str, server: ModelServer, counted: ExitStack) -> ModelServer:
        """Adds a model that was loaded just now."""
        with self.lock:
            self.models[target] = server
            counted.enter_context(server.answering())
        return server

    def unload(self) -> None:
        """Lets the models go that were asked longest ago, when there are too many; each answers first."""
        with self.lock:
            surplus = max(len(self.models) - self.at_most, 0)
            gone = [self.models.popitem(last=False)[1] for _ in range(surplus)]
        for server in gone:
            threading.Thread(target=server.retire, daemon=True).start()

    def stop(self) -> None:
        """Ends every model's server at once."""
        with self.lock:
            gone = list(self.models.values())
            self.models.clear()
        for server in gone:
            server.stop()


def is_multi_model(container: dict[str, Any]) -> bool:
    """Whether a container holds several models."""
    return container.get("Mode") == "MultiModel"


def at_most(container: dict[str, Any]) -> int:
    """How many of its models a container keeps."""
    cached = container.get("MultiModelConfig", {}).get("ModelCacheSetting", "Enabled")
    return LOADED_AT_MOST if cached == "Enabled" else 0


def require_prefix(s3: Any, uri: str) -> None:
    """Refuses a prefix below which nothing is, as SageMaker does.

    Raises:
        TransferFailed: saying where nothing is.
    """
    bucket, prefix = split_uri(uri)
    if not s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("KeyCount"):
        raise TransferFailed(f"Could not find model data at {uri}.")


@contextmanager
def asked_for(server: Answering, endpoint: str, target: str | None) -> Iterator[ModelServer]:
    """The server that answers a request to an endpoint.

    Raises:
        ServiceError: when the request names a model of an endpoint that has one, or names none of one that has several.
    """
    if not isinstance(server, MultiModelServer):
        if target:
            raise validation_error(
                f"Endpoint {endpoint} is not a multi-model endpoint and does not support target model header."
            )
        yield cast(ModelServer, server)
        return
    if not target:
        raise validation_error(
            f"The request to the multi-model endpoint {endpoint} is missing a target model header."
        )
    with server.model(target) as model:
        yield model


@contextmanager
def as_runtime_errors(uri: str) -> Iterator[None]:
    """What goes wrong while a model is loaded, as InvokeEndpoint says it."""
    try:
        yield
    except TransferFailed as error:
        bucket, key = split_uri(uri)
        raise validation_error(
            f"Failed to download model data (bucket: {bucket}, key: {key}). Please ensure that there is an object "
            "located at the URL and that the role passed to CreateModel has permissions to download the model."
        ) from error
    except StartFailed as error:
        raise ServiceError(
            "ModelError",
            f'Received server error (500) from model with message "{error}".',
            424,
            OriginalStatusCode=500,
            OriginalMessage=str(error),
        ) from error
