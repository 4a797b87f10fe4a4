"""Shadow variants: servers that get copies of an endpoint's requests, and whose answers no caller ever sees."""

from __future__ import annotations

import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from local_aws.sagemaker.captures import INFERENCE_ID, capture
from local_aws.sagemaker.errors import ServiceError
from local_aws.sagemaker.model_servers import ModelServer, ask
from local_aws.sagemaker.models import Models

CONCURRENT_COPIES = 4


@dataclass(frozen=True)
class Shadow:
    """One endpoint's shadow: its server, and the configuration that it is of."""

    server: ModelServer
    config: dict[str, Any]

    @property
    def variant(self) -> dict[str, Any]:
        """Its variant in the configuration."""
        return self.config["ShadowProductionVariants"][0]

    @property
    def share(self) -> float:
        """Of the requests: its weight over the production variant's."""
        weights = [
            variant.get("InitialVariantWeight", 1.0)
            for variant in (self.variant, self.config["ProductionVariants"][0])
        ]
        return weights[0] / weights[1]


class Shadows:
    """Every endpoint's shadow by the endpoint's name."""

    def __init__(self, models: Models) -> None:
        self.models = models
        self.shadows: dict[str, Shadow] = {}
        self.lock = threading.Lock()
        self.workers = ThreadPoolExecutor(CONCURRENT_COPIES, "shadow")

    def exchange(self, name: str, server: ModelServer | None, config: dict[str, Any]) -> ModelServer | None:
        """Puts a server (None: none) in the place of the endpoint's shadow; returns the old one, to be retired."""
        with self.lock:
            old = self.shadows.pop(name, None)
            if server is not None:
                self.shadows[name] = Shadow(server, config)
        return old.server if old else None

    def copy(self, name: str, body: bytes, headers: dict[str, str]) -> None:
        """Sends a share of requests to the endpoint's shadow, where it has one; does not wait for the answer."""
        with self.lock:
            shadow = self.shadows.get(name)
            if shadow is None or random.random() >= shadow.share:
                return
            counted = ExitStack()
            # Until the copy is answered the server is not retired.
            counted.enter_context(shadow.server.answering())
        self.workers.submit(self.carry_out, name, shadow, body, headers, counted)

    def carry_out(
        self, name: str, shadow: Shadow, body: bytes, headers: dict[str, str], counted: ExitStack
    ) -> None:
        """Asks the shadow and captures its answer; nobody waits for it, so a failure is told to the log alone."""
        with counted:
            try:
                answered = ask(shadow.server, body, headers)
                asked = (headers.get("content-type", ""), body)
                role = self.models.role_of_variant(shadow.variant, shadow.config)
                clients = partial(self.models.clients, role_arn=role)
                variant, inference_id = shadow.variant["VariantName"], headers.get(INFERENCE_ID)
                capture(clients, shadow.config, name, variant, asked, answered, inference_id)
            except Exception as error:  # noqa: BLE001 - nobody waits for this thread, and the log says it
                # Not the message, which may repeat the request.
                status = error.members.get("OriginalStatusCode") if isinstance(error, ServiceError) else None
                print(f"The shadow of {name} failed: {status or type(error).__name__}.", file=sys.stderr)

    def close(self) -> None:
        """Drops the copies that wait and ends every shadow."""
        self.workers.shutdown(wait=False, cancel_futures=True)
        for shadow in list(self.shadows.values()):
            shadow.server.stop()
