"""Models, endpoint configurations and endpoints; each endpoint is a server process that answers /invocations."""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from local_aws.sagemaker.captures import capture
from local_aws.sagemaker.containers import SERVERS, role_of_image, unknown_image
from local_aws.sagemaker.deployments import WAIT_SCALE, Pending, Plan, RolledBack, Step, shift
from local_aws.sagemaker.errors import ServiceError, not_found, validation_error
from local_aws.sagemaker.metrics import EndpointMetrics
from local_aws.sagemaker.model_servers import Answering, ModelServer, StartFailed, ask, start_process
from local_aws.sagemaker.multi_models import (
    TARGET,
    MultiModelServer,
    as_runtime_errors,
    asked_for,
    at_most,
    is_multi_model,
    require_prefix,
)
from local_aws.sagemaker.names import Names
from local_aws.sagemaker.objects import TransferFailed, download_archive
from local_aws.sagemaker.registry import Registry
from local_aws.sagemaker.shadows import Shadows
from local_aws.sagemaker.shapes import now

# Of real-time inference (SageMaker Runtime API reference, InvokeEndpoint).
BODY_BYTES = 6 * 1024 * 1024


class AlarmWatch(Protocol):
    """What tells, during an update, for which alarms it is to be rolled back."""

    def tripped(self) -> list[str]:
        """The names of those alarms now."""


class NoAlarms:
    """Where there is no CloudWatch."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def tripped(self) -> list[str]:
        """None ever."""
        return []


class NoInstance(ServiceError):
    """An asynchronous endpoint has no instance that could answer now; its requests wait."""

    def __init__(self, name: str) -> None:
        super().__init__("ValidationException", f"The endpoint {name} has no instance.")


class Endpoints:
    """Everything that is needed to serve, in memory, with the server processes.

    Attributes:
        wait_scale: the part of a deployment's waits that is waited.
        pending: the update, or the creation, that each endpoint is in.
        watch_alarms: begins to watch the alarms of an update, by their names; raises RolledBack when one is not there.
        when_changed: hears the name of an endpoint that began to serve something else, or is gone.
    """

    def __init__(
        self, names: Names, registry: Registry, folder: Path, clients: Any, wait_scale: float = WAIT_SCALE
    ) -> None:
        self.names, self.registry, self.folder, self.clients = names, registry, folder, clients
        self.wait_scale = wait_scale
        self.models: dict[str, dict[str, Any]] = {}
        self.configs: dict[str, dict[str, Any]] = {}
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.servers: dict[str, ModelServer | MultiModelServer] = {}
        self.pending: dict[str, Pending] = {}
        self.when_changed: Callable[[str], None] = lambda name: None
        self.watch_alarms: Callable[[Sequence[str]], AlarmWatch] = NoAlarms
        self.metrics = EndpointMetrics()
        self.shadows = Shadows(clients)
        self.lock = threading.RLock()
        self.numbers = itertools.count(1)

    def create_model(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateModel."""
        name = request["ModelName"]
        if name in self.models:
            raise validation_error(f'Cannot create already existing model "{self.names.arn("model", name)}".')
        self.models[name] = {**request, "ModelArn": self.names.arn("model", name), "CreationTime": now()}
        self.models[name].pop("Tags", None)
        return {"ModelArn": self.models[name]["ModelArn"]}

    def describe_model(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeModel."""
        return self.find("model", self.models, request["ModelName"])

    def delete_model(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteModel."""
        self.find("model", self.models, request["ModelName"])
        del self.models[request["ModelName"]]
        return {}

    def create_config(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateEndpointConfig; one production variant, because there is one machine, and perhaps its shadow."""
        name = request["EndpointConfigName"]
        if name in self.configs:
            raise validation_error(f'Cannot create already existing endpoint configuration "{name}".')
        if len(request["ProductionVariants"]) != 1:
            raise validation_error("The embedded AWS serves one production variant an endpoint.")
        shadows = request.get("ShadowProductionVariants", [])
        if len(shadows) > 1:
            raise validation_error("An endpoint takes one shadow variant.")
        for variant in (*request["ProductionVariants"], *shadows):
            if "ModelName" in variant:
                if shadows or "AsyncInferenceConfig" in request or "ServerlessConfig" in variant:
                    self.require_single_model(variant["ModelName"])
                self.find("model", self.models, variant["ModelName"])
            elif "ExecutionRoleArn" not in request:
                raise validation_error(
                    "A variant without a model needs the configuration's ExecutionRoleArn."
                )
        arn = self.names.arn("endpoint-config", name)
        self.configs[name] = {**request, "EndpointConfigArn": arn, "CreationTime": now()}
        self.configs[name].pop("Tags", None)
        return {"EndpointConfigArn": arn}

    def describe_config(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeEndpointConfig."""
        return self.find("endpoint-config", self.configs, request["EndpointConfigName"])

    def delete_config(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteEndpointConfig."""
        self.find("endpoint-config", self.configs, request["EndpointConfigName"])
        del self.configs[request["EndpointConfigName"]]
        return {}

    def create_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateEndpoint; the server starts in the background."""
        name = request["EndpointName"]
        with self.lock:
            if name in self.endpoints:
                raise validation_error(
                    f'Cannot create already existing endpoint "{self.names.arn("endpoint", name)}".'
                )
            config = self.find("endpoint-config", self.configs, request["EndpointConfigName"])
            self.endpoints[name] = endpoint = {
                "EndpointName": name,
                "EndpointArn": self.names.arn("endpoint", name),
                "EndpointConfigName": request["EndpointConfigName"],
                "EndpointStatus": "Creating",
                "CreationTime": now(),
                "LastModifiedTime": now(),
            }
            pending = Pending(config, in_service(config["ProductionVariants"]))
            self.in_background(endpoint, pending, otherwise="Failed")
        return {"EndpointArn": endpoint["EndpointArn"]}

    def update_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateEndpoint; the old fleet answers beside the new one, and goes on answering if that is given up."""
        with self.lock:
            endpoint = self.find("endpoint", self.endpoints, request["EndpointName"])
            config = self.find("endpoint-config", self.configs, request["EndpointConfigName"])
            status = endpoint["EndpointStatus"]
            if status not in ("InService", "Failed"):
                raise validation_error(f"Cannot update in-progress endpoint {endpoint['EndpointName']}.")
            wanted = request.get("DeploymentConfig", {})
            if request.get("RetainDeploymentConfig"):
                wanted = endpoint.get("LastDeploymentConfig", {})
            before = endpoint.get("ProductionVariants", [])
            variants = in_service(config["ProductionVariants"], before, retained_properties(request))
            if wanted and {one["VariantName"] for one in before} - {one["VariantName"] for one in variants}:
                raise validation_error(
                    "A DeploymentConfig needs the same variant name in both configurations."
                )
            plan = Plan.of(wanted, variants[0]["DesiredInstanceCount"])
            endpoint.pop("FailureReason", None)
            endpoint["EndpointStatus"] = "Updating"
            self.in_background(endpoint, Pending(config, variants, wanted, plan), otherwise=status)
        return {"EndpointArn": endpoint["EndpointArn"]}

    def update_weights_and_capacities(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateEndpointWeightsAndCapacities, which is how Application Auto Scaling scales.

        Instances are a record, kept at once; but an asynchronous endpoint's server ends with its last instance, and
        starts with the first.
        """
        name = request["EndpointName"]
        with self.lock:
            endpoint = self.find("endpoint", self.endpoints, name)
            if endpoint["EndpointStatus"] != "InService":
                raise validation_error(f"Cannot update in-progress endpoint {name}.")
            variants = {one["VariantName"]: dict(one) for one in endpoint["ProductionVariants"]}
            for wanted in request["DesiredWeightsAndCapacities"]:
                if wanted["VariantName"] not in variants:
                    raise validation_error(f"The variant {wanted['VariantName']} is not of this endpoint.")
                for part in RETAINABLE.values():
                    if f"Desired{part}" in wanted:
                        value = wanted[f"Desired{part}"]
                        variants[wanted["VariantName"]] |= {f"Desired{part}": value, f"Current{part}": value}
            config, (variant,) = self.configs[endpoint["EndpointConfigName"]], variants.values()
            has_instance = variant["DesiredInstanceCount"] > 0
            if has_models(config) and not has_instance and "AsyncInferenceConfig" not in config:
                raise validation_error(f"The endpoint {name} needs an instance, because it is in real time.")
            if has_models(config) and has_instance != (name in self.servers):
                endpoint["EndpointStatus"] = "Updating"
                self.in_background(endpoint, Pending(config, [variant]), otherwise="InService")
            else:
                endpoint.update(ProductionVariants=[variant], LastModifiedTime=now())
        return {"EndpointArn": endpoint["EndpointArn"]}

    def in_background(self, endpoint: dict[str, Any], pending: Pending, *, otherwise: str) -> None:
        """Brings an endpoint to what is pending in a thread of its own; if that fails it has the status `otherwise`."""
        self.pending[endpoint["EndpointName"]] = pending
        endpoint["LastModifiedTime"] = now()
        threading.Thread(target=self.bring_to, args=(endpoint, pending, otherwise), daemon=True).start()

    def has_models(self, config_name: str) -> bool:
        """Whether a configuration's variant has a model."""
        return has_models(self.configs[config_name])

    def require_single_model(self, name: str) -> None:
        """Refuses a multi-model container where SageMaker takes none.

        Raises:
            ServiceError: saying where one can be.
        """
        if is_multi_model(own_container(self.find("model", self.models, name))):
            raise validation_error(
                f"The model {name} has a multi-model container, which real-time endpoints of instances without a "
                "shadow take and nothing else."
            )

    def start_servers(self, name: str, pending: Pending) -> ModelServer | None:
        """Starts what answers for a pending configuration, and its shadow, which is returned.

        See `start_server` for what is raised.
        """
        if not has_models(pending.config) or not pending.variants[0]["DesiredInstanceCount"]:
            return None
        server = self.start_one_or_many(name, pending.config["ProductionVariants"][0])
        try:
            shadows = [
                self.start_server(name, one) for one in pending.config.get("ShadowProductionVariants", [])
            ]
        except BaseException:
            server.stop()
            raise
        pending.server = server
        return shadows[0] if shadows else None

    def bring_to(self, endpoint: dict[str, Any], pending: Pending, otherwise: str) -> None:
        """Starts the new fleet, shifts the traffic to it, then drops the old one; or leaves what was there."""
        name, shadow = endpoint["EndpointName"], None

        def enter(step: Step) -> None:
            with self.lock:
                pending.enter(step)

        try:
            watch = self.watch_alarms(pending.plan.alarms)
            self.look(endpoint, pending, watch)
            shadow = self.start_servers(name, pending)
            if pending.server and name in self.servers:
                look = partial(self.look, endpoint, pending, watch)
                shift(pending.plan, enter, look, wait_scale=self.wait_scale)
        except (RolledBack, StartFailed, TransferFailed, ServiceError, OSError, KeyError) as error:
            reason, left = str(error)[:1024], (pending.server, shadow)
            status = {"EndpointStatus": otherwise, "FailureReason": reason}
        else:
            reason, left = None, ()
        with self.lock:
            if self.endpoints.get(name) is not endpoint:
                left = pending.server, shadow
            else:
                del self.pending[name]
                if reason is None:
                    left = self.exchange(endpoint, pending, shadow)
                    status = {"EndpointStatus": "InService"}
                if pending.requested:
                    status["LastDeploymentConfig"] = pending.requested
                endpoint.update(status, LastModifiedTime=now())
        self.when_changed(name)
        for one in filter(None, left):
            one.retire()

    def look(self, endpoint: dict[str, Any], pending: Pending, watch: AlarmWatch) -> None:
        """Looks whether a deployment may go on.

        Raises:
            RolledBack: when the endpoint is gone, the new fleet has ended, or an alarm is in the state ALARM.
        """
        kept = f"The endpoint keeps the configuration {endpoint['EndpointConfigName']}."
        if self.endpoints.get(endpoint["EndpointName"]) is not endpoint:
            raise RolledBack("The endpoint was deleted.")
        if pending.server and pending.server.ended:
            raise RolledBack(f"The container of the new fleet ended while it was baking. {kept}")
        if tripped := watch.tripped():
            raise RolledBack(
                f"One or more auto-rollback alarms are in the ALARM state: {', '.join(tripped)}. {kept}"
            )

    def exchange(
        self, endpoint: dict[str, Any], pending: Pending, shadow: ModelServer | None
    ) -> tuple[Answering | None, Answering | None]:
        """Puts the new fleet in the place of the old one, which is returned to be retired."""
        name, config = endpoint["EndpointName"], pending.config
        old = self.servers.pop(name, None), self.shadows.exchange(name, shadow, config)
        if pending.server:
            self.servers[name] = pending.server
        endpoint.update(EndpointConfigName=config["EndpointConfigName"], ProductionVariants=pending.variants)
        endpoint.pop("ShadowProductionVariants", None)
        if shadow:
            endpoint["ShadowProductionVariants"] = in_service(config["ShadowProductionVariants"])
        return old

    def start_one_or_many(self, name: str, variant: dict[str, Any]) -> ModelServer | MultiModelServer:
        """What answers for a variant; of a multi-model container nothing is loaded yet. See `start_server`."""
        container = self.container_of(self.find("model", self.models, variant["ModelName"]))
        if not is_multi_model(container):
            return self.start_server(name, variant)
        require_prefix(self.clients("s3"), container["ModelDataUrl"])

        def load(target: str) -> ModelServer:
            uri = f"{container['ModelDataUrl']}{target}"
            with as_runtime_errors(uri):
                return self.start_container(name, {**container, "ModelDataUrl": uri})

        return MultiModelServer(load, at_most(container))

    def start_server(
        self, name: str, variant: dict[str, Any], variables: dict[str, str] | None = None
    ) -> ModelServer:
        """Downloads the variant's model and starts its server, `variables` over the model's own; waits for /ping.

        Raises:
            StartFailed: when the image is unknown or the server ends or stays silent.
            TransferFailed: when the model data cannot be had.
        """
        self.require_single_model(variant["ModelName"])
        container = self.container_of(self.find("model", self.models, variant["ModelName"]))
        return self.start_container(name, container, variables)

    def start_container(
        self, name: str, container: dict[str, Any], variables: dict[str, str] | None = None
    ) -> ModelServer:
        """The server of one model archive; see `start_server`."""
        module = SERVERS.get(role_of_image(container["Image"]))
        if module is None:
            raise StartFailed(unknown_image(container["Image"]))
        folder = self.folder / f"{name}-{next(self.numbers)}"
        folder.mkdir(parents=True)
        try:
            download_archive(self.clients("s3"), container["ModelDataUrl"], folder / "model")
            return start_process(module, folder, container.get("Environment", {}) | (variables or {}))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def container_of(self, model: dict[str, Any]) -> dict[str, Any]:
        """Image and model data of a model, which may name a version of the registry."""
        container = own_container(model)
        if "ModelPackageName" not in container:
            return container
        package = self.registry.package(container["ModelPackageName"])
        specification = package["InferenceSpecification"]
        if name := container.get("InferenceSpecificationName"):
            additional = package.get("AdditionalInferenceSpecifications", [])
            specification = next((one for one in additional if one["Name"] == name), None)
            if specification is None:
                raise StartFailed(
                    f"The model package {package['ModelPackageArn']} has no inference specification {name}."
                )
        return {**specification["Containers"][0], **container}

    def describe_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeEndpoint; during an update the weights say how the traffic is divided between the fleets."""
        with self.lock:
            endpoint = dict(self.find("endpoint", self.endpoints, request["EndpointName"]))
            pending = self.pending.get(request["EndpointName"])
            if pending and pending.config["EndpointConfigName"] != endpoint["EndpointConfigName"]:
                endpoint["PendingDeploymentSummary"] = pending.summary()
                left = 1 - float(pending.share)
                endpoint["ProductionVariants"] = [
                    {**one, "CurrentWeight": one["CurrentWeight"] * left}
                    for one in endpoint.get("ProductionVariants", [])
                ]
            return endpoint

    def list_endpoints(self, request: dict[str, Any]) -> dict[str, Any]:
        """ListEndpoints."""
        listed = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
        return {"Endpoints": [{name: one[name] for name in listed} for one in self.endpoints.values()]}

    def delete_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteEndpoint."""
        with self.lock:
            self.find("endpoint", self.endpoints, request["EndpointName"])
            del self.endpoints[request["EndpointName"]]
            name = request["EndpointName"]
            # A pending fleet ends where it was started: that thread finds the endpoint gone.
            self.pending.pop(name, None)
            servers = self.servers.pop(name, None), self.shadows.exchange(name, None, {})
        self.when_changed(name)
        for server in filter(None, servers):
            server.retire()
        return {}

    def load_of(self, name: str) -> tuple[int, int] | None:
        """How many instances an endpoint has, and how many requests they answer right now; None when none serves."""
        with self.lock:
            server = self.servers.get(name)
            if server is None:
                return None
            (variant,) = self.endpoints[name]["ProductionVariants"]
            coming = self.pending[name].server if name in self.pending else None
            requests = server.unanswered + (coming.unanswered if coming else 0)
            return variant["CurrentInstanceCount"], requests

    def find(self, kind: str, things: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
        """A thing by name.

        Raises:
            ServiceError: when there is none.
        """
        if name not in things:
            raise not_found(kind, self.names.arn(kind, name))
        return things[name]

    def invoke(self, name: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """InvokeEndpoint: passes the request to the endpoint's server.

        Raises:
            ServiceError: as SageMaker Runtime does: no endpoint, too large a body, or a model's own error (424).
        """
        if self.asynchronous_config(name):
            raise validation_error(f"The endpoint {name} is asynchronous; ask it with InvokeEndpointAsync.")
        if len(body) > BODY_BYTES:
            raise validation_error(f"The body has {len(body)} bytes; real-time inference takes {BODY_BYTES}.")
        self.shadows.copy(name, body, headers)
        with self.asked(name, headers.get(TARGET)) as (server, variant, config):
            content_type, content = ask(server, body, headers)
        asked = (headers.get("content-type", ""), body)
        capture(self.clients, config, name, variant, asked, (content_type, content))
        return 200, {"Content-Type": content_type, "x-Amzn-Invoked-Production-Variant": variant}, content

    def asynchronous_config(self, name: str) -> dict[str, Any] | None:
        """The AsyncInferenceConfig of an endpoint that serves; None for a real-time one, and where there is none."""
        endpoint = self.endpoints.get(name)
        config = self.configs.get(endpoint["EndpointConfigName"]) if endpoint else None
        return config.get("AsyncInferenceConfig") if config else None

    def asynchronous_output(self, name: str) -> dict[str, Any]:
        """Where an asynchronous endpoint writes.

        Raises:
            ServiceError: when there is no such endpoint or it is not asynchronous.
        """
        if name not in self.endpoints:
            raise validation_error(f"Endpoint {name} of account {self.names.account} not found.")
        config = self.asynchronous_config(name)
        if config is None:
            raise validation_error(f"The endpoint {name} is not asynchronous.")
        return config["OutputConfig"]

    @contextmanager
    def asked(
        self, name: str, target: str | None = None
    ) -> Iterator[tuple[ModelServer, str, dict[str, Any]]]:
        """What answers a request to an endpoint: a server or one of its models, the variant, the configuration.

        It is not retired meanwhile, and the answer is measured.

        Raises:
            ServiceError: when no such endpoint serves, or no such model on it.
            NoInstance: when it is asynchronous and has none.
        """
        with ExitStack() as stack:
            # Under the lock of the exchange: between being found and being counted a server must not be retired.
            with self.lock:
                server, config = self.fleet_of_next(name)
                stack.enter_context(server.answering())
                variant = self.endpoints[name]["ProductionVariants"][0]["VariantName"]
            stack.enter_context(self.metrics.measured(name, variant))
            yield stack.enter_context(asked_for(server, name, target)), variant, config

    def fleet_of_next(self, name: str) -> tuple[Answering, dict[str, Any]]:
        """The fleet that has to answer the next request, as its server and its configuration; see `asked`."""
        endpoint, server, pending = self.endpoints.get(name), self.servers.get(name), self.pending.get(name)
        if server and pending and pending.server and pending.takes_next():
            return pending.server, pending.config
        if server:
            return server, self.configs.get(endpoint["EndpointConfigName"], {})
        if self.asynchronous_config(name):
            raise NoInstance(name)
        if endpoint and endpoint["EndpointStatus"] == "InService":
            raise validation_error(f"The endpoint {name} wants the name of an inference component.")
        raise validation_error(f"Endpoint {name} of account {self.names.account} not found.")

    def close(self) -> None:
        """Ends every server."""
        self.shadows.close()
        pending = [one.server for one in self.pending.values() if one.server]
        for server in [*self.servers.values(), *pending]:
            server.stop()


def has_models(config: dict[str, Any]) -> bool:
    """Whether a configuration's variant has a model; one without is for inference components."""
    return "ModelName" in config["ProductionVariants"][0]


def own_container(model: dict[str, Any]) -> dict[str, Any]:
    """What CreateModel said of a model's container."""
    return model.get("PrimaryContainer") or model["Containers"][0]


# The properties of a variant that an update can retain, and how DescribeEndpoint calls them.
RETAINABLE = {"DesiredInstanceCount": "InstanceCount", "DesiredWeight": "Weight"}


def retained_properties(request: dict[str, Any]) -> tuple[str, ...]:
    """Which of RETAINABLE an UpdateEndpoint keeps from the endpoint over its new configuration."""
    if not request.get("RetainAllVariantProperties"):
        return ()
    excluded = {one["VariantPropertyType"] for one in request.get("ExcludeRetainedVariantProperties", [])}
    return tuple(name for name in RETAINABLE if name not in excluded)


def in_service(
    variants: list[dict[str, Any]], before: list[dict[str, Any]] = (), retained: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """DescribeEndpoint's summary of variants: by their configuration, but for what is retained of the same before."""
    found = []
    for variant in variants:
        values = {
            "InstanceCount": variant.get("InitialInstanceCount", 1),
            "Weight": variant.get("InitialVariantWeight", 1.0),
        }
        for old in before:
            if old["VariantName"] == variant["VariantName"]:
                values |= {part: old[name] for name, part in RETAINABLE.items() if name in retained}
        counted = {
            f"{state}{part}": value for part, value in values.items() for state in ("Current", "Desired")
        }
        found.append({"VariantName": variant["VariantName"], **counted})
    return found
