"""Inference components: models on an endpoint that has none of its own, each with copies that may all be gone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from local_aws.sagemaker.container_logs import LogPlace
from local_aws.sagemaker.endpoints import BODY_BYTES, Endpoints
from local_aws.sagemaker.errors import not_found, validation_error
from local_aws.sagemaker.model_servers import ModelServer, ask
from local_aws.sagemaker.shapes import now

HEADER = "x-amzn-sagemaker-inference-component"
# SageMaker's own words, by which callers tell it from a refusal of what they sent.
NO_COPY = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress (if "
    "configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API."
)


@dataclass
class Component:
    """One component: its description, and the server that stands for all its copies while it has any."""

    description: dict[str, Any]
    server: ModelServer | None = None


class InferenceComponents:
    """Every component by its name."""

    def __init__(self, endpoints: Endpoints) -> None:
        self.endpoints = endpoints
        self.components: dict[str, Component] = {}
        self.lock = threading.RLock()
        # Hears the name of a component that had no copy for a request.
        self.when_refused: Callable[[str], None] = lambda name: None

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateInferenceComponent; its server starts in the background."""
        name, specification = request["InferenceComponentName"], request.get("Specification", {})
        if "ModelName" not in specification:
            raise validation_error("The embedded AWS serves components with a ModelName of their own.")
        self.endpoints.models.require_single_model(specification["ModelName"])
        endpoint = self.endpoints.describe_endpoint({"EndpointName": request["EndpointName"]})
        if self.endpoints.has_models(endpoint["EndpointConfigName"]):
            raise validation_error(f"The endpoint {request['EndpointName']} has a model of its own.")
        arn = self.endpoints.names.arn("inference-component", name)
        with self.lock:
            if name in self.components:
                raise validation_error(f'Cannot create already existing inference component "{arn}".')
            description = {
                "InferenceComponentName": name,
                "InferenceComponentArn": arn,
                "EndpointName": request["EndpointName"],
                "EndpointArn": endpoint["EndpointArn"],
                "VariantName": request.get("VariantName", endpoint["ProductionVariants"][0]["VariantName"]),
                "CreationTime": now(),
            }
            self.components[name] = component = Component(description)
        copies = request.get("RuntimeConfig", {}).get("CopyCount", 1)
        self.in_background(component, "Creating", specification, copies)
        return {"InferenceComponentArn": arn}

    def update(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateInferenceComponent: another model or number of copies; the old server answers until the new one."""
        component = self.find(request["InferenceComponentName"])
        specification = request.get("Specification", component.description["Specification"])
        copies = request.get("RuntimeConfig", {}).get("CopyCount", desired_copies(component))
        self.in_background(component, "Updating", specification, copies)
        return {"InferenceComponentArn": component.description["InferenceComponentArn"]}

    def update_copies(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateInferenceComponentRuntimeConfig, which is how Application Auto Scaling scales."""
        name, wanted = request["InferenceComponentName"], request["DesiredRuntimeConfig"]
        return self.update({"InferenceComponentName": name, "RuntimeConfig": wanted})

    def in_background(
        self, component: Component, status: str, specification: dict[str, Any], copies: int
    ) -> None:
        """Brings a component to a specification and a number of copies in a thread of its own."""
        with self.lock:
            if component.description.get("InferenceComponentStatus") in ("Creating", "Updating"):
                name = component.description["InferenceComponentName"]
                raise validation_error(f"Cannot update in-progress inference component {name}.")
            component.description |= {"InferenceComponentStatus": status, "LastModifiedTime": now()}
            component.description.setdefault("Specification", specification)
            component.description.setdefault(
                "RuntimeConfig", {"DesiredCopyCount": copies, "CurrentCopyCount": 0}
            )
        threading.Thread(target=self.bring_to, args=(component, specification, copies), daemon=True).start()

    def bring_to(self, component: Component, specification: dict[str, Any], copies: int) -> None:
        """Exchanges the server where the model is another one or there was none; a failure leaves what was there."""
        described = component.description
        name = described["InferenceComponentName"]
        kept = component.server if specification == described["Specification"] and copies else None
        try:
            place = LogPlace.of_component(name, described["VariantName"])
            models = self.endpoints.models
            server = kept or (models.start_server(name, specification, place) if copies else None)
        except Exception as error:  # noqa: BLE001 - whatever it is, the update ends; the FailureReason says it
            with self.lock:
                described |= {
                    "InferenceComponentStatus": "InService" if component.server else "Failed",
                    "FailureReason": str(error)[:1024],
                    "LastModifiedTime": now(),
                }
            return
        with self.lock:
            if self.components.get(name) is not component:
                old = server
            else:
                old = component.server if component.server is not server else None
                component.server = server
                described.pop("FailureReason", None)
                described |= {
                    "InferenceComponentStatus": "InService",
                    "Specification": specification,
                    "RuntimeConfig": {"DesiredCopyCount": copies, "CurrentCopyCount": copies},
                    "LastModifiedTime": now(),
                }
        if old is not None:
            old.retire()

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeInferenceComponent."""
        with self.lock:
            return dict(self.find(request["InferenceComponentName"]).description)

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteInferenceComponent."""
        with self.lock:
            component = self.find(request["InferenceComponentName"])
            del self.components[request["InferenceComponentName"]]
        if component.server is not None:
            component.server.retire()
        return {}

    def delete_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteEndpoint; one with components is refused, as SageMaker does."""
        name = request["EndpointName"]
        if [
            component
            for component in self.components.values()
            if component.description["EndpointName"] == name
        ]:
            raise validation_error(f"The endpoint {name} has inference components: delete them first.")
        return self.endpoints.delete_endpoint(request)

    def load_of(self, name: str) -> tuple[int, int] | None:
        """How many copies a component has, and how many requests they answer right now; None when there is none."""
        with self.lock:
            component = self.components.get(name)
            if component is None or "RuntimeConfig" not in component.description:
                return None
            requests = component.server.unanswered if component.server else 0
            return component.description["RuntimeConfig"]["CurrentCopyCount"], requests

    def find(self, name: str) -> Component:
        """A component by name.

        Raises:
            ServiceError: when there is none.
        """
        if name not in self.components:
            raise not_found("inference component", self.endpoints.names.arn("inference-component", name))
        return self.components[name]

    def invoke(
        self, endpoint: str, name: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        """InvokeEndpoint with the name of a component.

        Raises:
            ServiceError: when it is not on the endpoint, has no copy, the body is too large, or its model refuses.
        """
        if len(body) > BODY_BYTES:
            raise validation_error(f"The body has {len(body)} bytes; real-time inference takes {BODY_BYTES}.")
        with ExitStack() as stack:
            # Under the lock of the exchange: between being found and being counted a server must not be retired.
            with self.lock:
                component = self.find(name)
                if component.description["EndpointName"] != endpoint:
                    raise validation_error(
                        f"The inference component {name} is not on the endpoint {endpoint}."
                    )
                if component.server is None:
                    threading.Thread(target=self.when_refused, args=(name,), daemon=True).start()
                    raise validation_error(NO_COPY)
                stack.enter_context(component.server.answering())
                server, variant = component.server, component.description["VariantName"]
            content_type, content = ask(server, body, headers)
        return 200, {"Content-Type": content_type, "x-Amzn-Invoked-Production-Variant": variant}, content

    def close(self) -> None:
        """Ends every server."""
        for component in list(self.components.values()):
            if component.server is not None:
                component.server.stop()


def desired_copies(component: Component) -> int:
    """How many copies a component is to have."""
    return component.description["RuntimeConfig"]["DesiredCopyCount"]
