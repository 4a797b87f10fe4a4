"""Endpoint configurations and endpoints; each endpoint is a server process that answers /invocations."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from local_aws.iam.sagemaker import look_at
from local_aws.sagemaker.captures import INFERENCE_ID, capture
from local_aws.sagemaker.container_logs import LogPlace
from local_aws.sagemaker.deployments import (
    WAIT_SCALE,
    AlarmWatch,
    NoAlarms,
    Pending,
    RolledBack,
    Step,
    TrafficPlan,
    shift,
)
from local_aws.sagemaker.errors import ServiceError, validation_error
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.metrics import EndpointMetrics
from local_aws.sagemaker.model_servers import Answering, ModelServer, ask
from local_aws.sagemaker.models import Models
from local_aws.sagemaker.multi_models import TARGET, asked_for
from local_aws.sagemaker.names import Names
from local_aws.sagemaker.serverless import require_plain_serverless
from local_aws.sagemaker.shadows import Shadows
from local_aws.sagemaker.shapes import now

# Of real-time inference (SageMaker Runtime API reference, InvokeEndpoint).
BODY_BYTES = 6 * 1024 * 1024


class NoInstance(ServiceError):
    """An asynchronous endpoint has no instance that could answer now; its requests wait."""

    def __init__(self, name: str) -> None:
        super().__init__("ValidationException", f"The endpoint {name} has no instance.")


class Endpoints:
    """Every configuration and endpoint, in memory, with the server processes.

    Attributes:
        wait_scale: the part of a deployment's waits that is waited.
        pending: the update, or the creation, that each endpoint is in.
        watch_alarms: begins to watch the alarms of an update, by their names; raises RolledBack when one is not there.
        before_update: refuses an update, by the name and both configurations; raises ServiceError.
        when_changed: hears the name of an endpoint that began to serve something else, or is gone.
    """

    def __init__(self, names: Names, models: Models, clients: Any, wait_scale: float = WAIT_SCALE) -> None:
        self.names, self.models, self.clients, self.wait_scale = names, models, clients, wait_scale
        self.configs: dict[str, dict[str, Any]] = {}
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.servers: dict[str, Answering] = {}
        self.pending: dict[str, Pending] = {}
        self.when_changed: Callable[[str], None] = lambda name: None
        self.watch_alarms: Callable[[Sequence[str]], AlarmWatch] = NoAlarms
        self.before_update: Callable[[str, dict[str, Any], dict[str, Any]], None] = lambda *_: None
        self.metrics = EndpointMetrics()
        self.shadows = Shadows(models)
        self.lock = threading.RLock()

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
                require_plain_serverless(request, variant, self.models.find(variant["ModelName"]))
                if shadows or "AsyncInferenceConfig" in request or "ServerlessConfig" in variant:
                    self.models.require_single_model(variant["ModelName"])
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
        return self.names.find("endpoint-config", self.configs, request["EndpointConfigName"])

    def list_configs(self, request: dict[str, Any]) -> dict[str, Any]:
        """ListEndpointConfigs."""
        listed = ("EndpointConfigName", "EndpointConfigArn", "CreationTime")
        summaries = [{name: config[name] for name in listed} for config in list(self.configs.values())]
        return page(request, summaries, "EndpointConfigs", "EndpointConfigName")

    def delete_config(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteEndpointConfig."""
        self.names.find("endpoint-config", self.configs, request["EndpointConfigName"])
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
            config = self.names.find("endpoint-config", self.configs, request["EndpointConfigName"])
            pending = Pending(config, in_service(config["ProductionVariants"]))
            self.endpoints[name] = endpoint = {
                "EndpointName": name,
                "EndpointArn": self.names.arn("endpoint", name),
                "EndpointConfigName": request["EndpointConfigName"],
                "EndpointStatus": "Creating",
                "CreationTime": now(),
                "LastModifiedTime": now(),
            }
            self.in_background(endpoint, pending, otherwise="Failed")
        return {"EndpointArn": endpoint["EndpointArn"]}

    def update_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateEndpoint; the old fleet answers beside the new one, and goes on answering if that is given up."""
        with self.lock:
            endpoint = self.names.find("endpoint", self.endpoints, request["EndpointName"])
            config = self.names.find("endpoint-config", self.configs, request["EndpointConfigName"])
            status = endpoint["EndpointStatus"]
            if status not in ("InService", "Failed"):
                raise validation_error(f"Cannot update in-progress endpoint {endpoint['EndpointName']}.")
            self.before_update(
                endpoint["EndpointName"], self.configs.get(endpoint["EndpointConfigName"], {}), config
            )
            wanted = request.get("DeploymentConfig", {})
            if request.get("RetainDeploymentConfig"):
                wanted = endpoint.get("LastDeploymentConfig", {})
            before = endpoint.get("ProductionVariants", [])
            variants = in_service(config["ProductionVariants"], before, retained_properties(request))
            if wanted and {variant["VariantName"] for variant in before} - {
                variant["VariantName"] for variant in variants
            }:
                raise validation_error(
                    "A DeploymentConfig needs the same variant name in both configurations."
                )
            plan = TrafficPlan.of(wanted, variants[0]["DesiredInstanceCount"])
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
            endpoint = self.names.find("endpoint", self.endpoints, name)
            if endpoint["EndpointStatus"] != "InService":
                raise validation_error(f"Cannot update in-progress endpoint {name}.")
            variants = {variant["VariantName"]: dict(variant) for variant in endpoint["ProductionVariants"]}
            for wanted in request["DesiredWeightsAndCapacities"]:
                if wanted["VariantName"] not in variants:
                    raise validation_error(f"The variant {wanted['VariantName']} is not of this endpoint.")
                for part in RETAINABLE.values():
                    if f"Desired{part}" in wanted:
                        value = wanted[f"Desired{part}"]
                        variants[wanted["VariantName"]] |= {f"Desired{part}": value, f"Current{part}": value}
            config = self.names.find("endpoint-config", self.configs, endpoint["EndpointConfigName"])
            (variant,) = variants.values()
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

    def start_servers(self, name: str, pending: Pending) -> ModelServer | None:
        """Starts what answers for a pending configuration, and its shadow, which is returned.

        See `Models.start_server` for what is raised.
        """
        if not has_models(pending.config) or not pending.variants[0]["DesiredInstanceCount"]:
            return None
        server = self.models.start_one_or_many(name, pending.config["ProductionVariants"][0])
        try:
            shadows = [
                self.models.start_server(name, variant, LogPlace.of_endpoint(name, variant["VariantName"]))
                for variant in pending.config.get("ShadowProductionVariants", [])
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
            self.require_alarms(pending)
            watch = self.watch_alarms(pending.plan.alarms)
            self.look(endpoint, pending, watch)
            shadow = self.start_servers(name, pending)
            if pending.server and name in self.servers:
                look = partial(self.look, endpoint, pending, watch)
                shift(pending.plan, enter, look, wait_scale=self.wait_scale)
        except Exception as error:  # noqa: BLE001 - whatever it is, the update ends; the FailureReason says it
            reason, left = str(error)[:1024], (pending.server, shadow)
            status: dict[str, Any] = {"EndpointStatus": otherwise, "FailureReason": reason}
        else:
            status, reason, left = {"EndpointStatus": "InService"}, None, ()
        with self.lock:
            if self.endpoints.get(name) is not endpoint:
                left = pending.server, shadow
            else:
                del self.pending[name]
                if reason is None:
                    left = self.exchange(endpoint, pending, shadow)
                if pending.requested:
                    status["LastDeploymentConfig"] = pending.requested
                endpoint.update(status, LastModifiedTime=now())
        self.when_changed(name)
        for server in filter(None, left):
            server.retire()

    def require_alarms(self, pending: Pending) -> None:
        """Asks whether SageMaker may look at the alarms of a deployment, which it does as the model's role.

        Raises:
            Refused: when it may not.
        """
        if pending.plan.alarms:
            role = self.models.role_of_variant(pending.config["ProductionVariants"][0], pending.config)
            self.models.require(role, *(look_at(name) for name in pending.plan.alarms))

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

    def describe_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeEndpoint; during an update the weights say how the traffic is divided between the fleets."""
        with self.lock:
            endpoint = dict(self.names.find("endpoint", self.endpoints, request["EndpointName"]))
            pending = self.pending.get(request["EndpointName"])
            if pending and pending.config["EndpointConfigName"] != endpoint["EndpointConfigName"]:
                endpoint["PendingDeploymentSummary"] = pending.summary()
                left = 1 - float(pending.share)
                endpoint["ProductionVariants"] = [
                    {**variant, "CurrentWeight": variant["CurrentWeight"] * left}
                    for variant in endpoint.get("ProductionVariants", [])
                ]
            return endpoint

    def list_endpoints(self, request: dict[str, Any]) -> dict[str, Any]:
        """ListEndpoints."""
        listed = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
        summaries = [{name: endpoint[name] for name in listed} for endpoint in list(self.endpoints.values())]
        return page(request, summaries, "Endpoints", "EndpointName", "EndpointStatus")

    def delete_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteEndpoint."""
        with self.lock:
            self.names.find("endpoint", self.endpoints, request["EndpointName"])
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
        clients = partial(self.clients, role_arn=self.role_of(name))
        capture(clients, config, name, variant, asked, (content_type, content), headers.get(INFERENCE_ID))
        return 200, {"Content-Type": content_type, "x-Amzn-Invoked-Production-Variant": variant}, content

    def asynchronous_config(self, name: str) -> dict[str, Any] | None:
        """The AsyncInferenceConfig of an endpoint that serves; None for a real-time one, and where there is none."""
        endpoint = self.endpoints.get(name)
        config = self.configs.get(endpoint["EndpointConfigName"]) if endpoint else None
        return config.get("AsyncInferenceConfig") if config else None

    def role_of(self, name: str) -> str:
        """The role of an endpoint: its model's, or its configuration's where it has none of its own."""
        config = self.configs[self.endpoints[name]["EndpointConfigName"]]
        return self.models.role_of_variant(config["ProductionVariants"][0], config)

    def is_without_instance(self, name: str) -> bool:
        """Whether an endpoint is asynchronous and has no instance that could answer now."""
        with self.lock:
            return name not in self.servers and bool(self.asynchronous_config(name))

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
        if server and endpoint:
            return server, self.configs.get(endpoint["EndpointConfigName"], {})
        if self.is_without_instance(name):
            raise NoInstance(name)
        if endpoint and endpoint["EndpointStatus"] == "InService":
            raise validation_error(f"The endpoint {name} wants the name of an inference component.")
        raise validation_error(f"Endpoint {name} of account {self.names.account} not found.")

    def close(self) -> None:
        """Ends every server."""
        self.shadows.close()
        pending = [update.server for update in self.pending.values() if update.server]
        for server in [*self.servers.values(), *pending]:
            server.stop()


def has_models(config: dict[str, Any]) -> bool:
    """Whether a configuration's variant has a model; one without is for inference components."""
    return "ModelName" in config["ProductionVariants"][0]


# The properties of a variant that an update can retain, and how DescribeEndpoint calls them.
RETAINABLE = {"DesiredInstanceCount": "InstanceCount", "DesiredWeight": "Weight"}


def retained_properties(request: dict[str, Any]) -> tuple[str, ...]:
    """Which of RETAINABLE an UpdateEndpoint keeps from the endpoint over its new configuration."""
    if not request.get("RetainAllVariantProperties"):
        return ()
    excluded = {entry["VariantPropertyType"] for entry in request.get("ExcludeRetainedVariantProperties", [])}
    return tuple(name for name in RETAINABLE if name not in excluded)


def in_service(
    variants: list[dict[str, Any]], before: Sequence[dict[str, Any]] = (), retained: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """DescribeEndpoint's summary of variants: by their configuration, but for what is retained of the same before."""
    summaries = []
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
        summaries.append({"VariantName": variant["VariantName"], **counted})
    return summaries
