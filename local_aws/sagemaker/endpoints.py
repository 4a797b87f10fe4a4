"""Models, endpoint configurations and endpoints; each endpoint is a server process that answers /invocations."""

from __future__ import annotations

import http.client
import itertools
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_aws.processes import start_leashed, stop_leashed
from local_aws.sagemaker.captures import capture
from local_aws.sagemaker.containers import SERVERS, process_environment, role_of_image, unknown_image
from local_aws.sagemaker.errors import ServiceError, not_found, validation_error
from local_aws.sagemaker.names import Names
from local_aws.sagemaker.objects import TransferFailed, download_archive
from local_aws.sagemaker.registry import Registry
from local_aws.sagemaker.shapes import now

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180
# Limits of real-time inference: body and answer time (SageMaker Runtime API reference, InvokeEndpoint).
BODY_BYTES = 6 * 1024 * 1024
ANSWER_SECONDS = 60


class StartFailed(Exception):
    """A server did not come up; the message is fit for a FailureReason."""


@dataclass
class ModelServer:
    """One running server, with the number of requests that it has yet to answer."""

    process: subprocess.Popen
    port: int
    folder: Path
    unanswered: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Keeps `retire` waiting for one request's answer."""
        with self.changed:
            self.unanswered += 1
        try:
            yield
        finally:
            with self.changed:
                self.unanswered -= 1
                self.changed.notify_all()

    def retire(self) -> None:
        """Ends it once it has answered what it was asked; nobody may ask it any more."""
        with self.changed:
            self.changed.wait_for(lambda: not self.unanswered, timeout=ANSWER_SECONDS)
        self.stop()

    def stop(self) -> None:
        """Ends it at once and drops its files."""
        stop_leashed(self.process, grace_seconds=5)
        shutil.rmtree(self.folder, ignore_errors=True)


class Endpoints:
    """Everything that is needed to serve, in memory, with the server processes."""

    def __init__(self, names: Names, registry: Registry, folder: Path, clients: Any) -> None:
        self.names, self.registry, self.folder, self.clients = names, registry, folder, clients
        self.models: dict[str, dict[str, Any]] = {}
        self.configs: dict[str, dict[str, Any]] = {}
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.servers: dict[str, ModelServer] = {}
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
        """CreateEndpointConfig; one production variant, because there is one machine."""
        name = request["EndpointConfigName"]
        if name in self.configs:
            raise validation_error(f'Cannot create already existing endpoint configuration "{name}".')
        if len(request["ProductionVariants"]) != 1:
            raise validation_error("The embedded AWS serves one production variant an endpoint.")
        for variant in request["ProductionVariants"]:
            self.find("model", self.models, variant["ModelName"])
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
            self.find("endpoint-config", self.configs, request["EndpointConfigName"])
            self.endpoints[name] = {
                "EndpointName": name,
                "EndpointArn": self.names.arn("endpoint", name),
                "EndpointConfigName": request["EndpointConfigName"],
                "EndpointStatus": "Creating",
                "CreationTime": now(),
                "LastModifiedTime": now(),
            }
        self.in_background(name, request["EndpointConfigName"])
        return {"EndpointArn": self.endpoints[name]["EndpointArn"]}

    def update_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateEndpoint; the old server answers until the new one does, and goes on answering if that fails."""
        name = request["EndpointName"]
        with self.lock:
            endpoint = self.find("endpoint", self.endpoints, name)
            self.find("endpoint-config", self.configs, request["EndpointConfigName"])
            if endpoint["EndpointStatus"] not in ("InService", "Failed"):
                raise validation_error(f"Cannot update in-progress endpoint {name}.")
            endpoint.update(EndpointStatus="Updating", LastModifiedTime=now())
            endpoint.pop("FailureReason", None)
        self.in_background(name, request["EndpointConfigName"])
        return {"EndpointArn": endpoint["EndpointArn"]}

    def in_background(self, name: str, config_name: str) -> None:
        """Brings an endpoint to a configuration in a thread of its own."""
        threading.Thread(target=self.bring_to, args=(name, config_name), daemon=True).start()

    def bring_to(self, name: str, config_name: str) -> None:
        """Starts the configuration's server, then changes over; a failure leaves what was there."""
        try:
            server = self.start_server(name, self.configs[config_name]["ProductionVariants"][0])
        except (StartFailed, TransferFailed, ServiceError, OSError, KeyError) as error:
            with self.lock:
                if name not in self.endpoints:
                    return
                kept = name in self.servers
                self.endpoints[name].update(
                    EndpointStatus="InService" if kept else "Failed",
                    FailureReason=str(error)[:1024],
                    LastModifiedTime=now(),
                )
            return
        with self.lock:
            endpoint = self.endpoints.get(name)
            if endpoint is None:
                server.stop()
                return
            old = self.servers.get(name)
            self.servers[name] = server
            endpoint.update(
                EndpointStatus="InService",
                EndpointConfigName=config_name,
                LastModifiedTime=now(),
                ProductionVariants=self.variants_in_service(config_name),
            )
        if old is not None:
            old.retire()

    def variants_in_service(self, config_name: str) -> list[dict[str, Any]]:
        """DescribeEndpoint's summary of the variants."""
        return [
            {
                "VariantName": variant["VariantName"],
                "CurrentWeight": variant.get("InitialVariantWeight", 1.0),
                "DesiredWeight": variant.get("InitialVariantWeight", 1.0),
                "CurrentInstanceCount": variant.get("InitialInstanceCount", 1),
                "DesiredInstanceCount": variant.get("InitialInstanceCount", 1),
            }
            for variant in self.configs[config_name]["ProductionVariants"]
        ]

    def start_server(self, name: str, variant: dict[str, Any]) -> ModelServer:
        """Downloads the variant's model and starts its server; returns when /ping answers.

        Raises:
            StartFailed: when the image is unknown or the server ends or stays silent.
            TransferFailed: when the model data cannot be had.
        """
        container = self.container_of(self.find("model", self.models, variant["ModelName"]))
        module = SERVERS.get(role_of_image(container["Image"]))
        if module is None:
            raise StartFailed(unknown_image(container["Image"]))
        folder = self.folder / f"{name}-{next(self.numbers)}"
        folder.mkdir(parents=True)
        try:
            download_archive(self.clients("s3"), container["ModelDataUrl"], folder / "model")
            return self.start_process(module, folder, container.get("Environment", {}))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def container_of(self, model: dict[str, Any]) -> dict[str, Any]:
        """Image and model data of a model, which may name a version of the registry."""
        container = model.get("PrimaryContainer") or model["Containers"][0]
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

    def start_process(self, module: str, folder: Path, variables: dict[str, str]) -> ModelServer:
        """Starts the server process over an unpacked model; see `start_server` for what is raised."""
        port_file, log = folder / "port", folder / "log"
        command = [
            sys.executable,
            *("-m", module),
            *("--directory", str(folder / "model")),
            *("--port", "0", "--port-file", str(port_file)),
        ]
        environment = process_environment({**variables, "PYTHONPATH": str(ROOT)})
        with log.open("wb") as output:
            process = start_leashed(command, environment=environment, directory=ROOT, output=output)
        deadline = time.monotonic() + START_SECONDS
        try:
            while not (port_file.exists() and answers_ping(int(port_file.read_text()))):
                if process.poll() is not None:
                    last = [line for line in log.read_text(errors="replace").splitlines() if line.strip()][
                        -1:
                    ]
                    raise StartFailed(f"The container did not pass the ping health check. {''.join(last)}")
                if time.monotonic() > deadline:
                    raise StartFailed(
                        f"The container did not pass the ping health check within {START_SECONDS} s."
                    )
                time.sleep(0.1)
        except BaseException:
            stop_leashed(process, grace_seconds=0)
            raise
        return ModelServer(process, int(port_file.read_text()), folder)

    def describe_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeEndpoint."""
        with self.lock:
            return dict(self.find("endpoint", self.endpoints, request["EndpointName"]))

    def list_endpoints(self, request: dict[str, Any]) -> dict[str, Any]:
        """ListEndpoints."""
        listed = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
        return {"Endpoints": [{name: one[name] for name in listed} for one in self.endpoints.values()]}

    def delete_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteEndpoint."""
        with self.lock:
            self.find("endpoint", self.endpoints, request["EndpointName"])
            del self.endpoints[request["EndpointName"]]
            server = self.servers.pop(request["EndpointName"], None)
        if server is not None:
            server.retire()
        return {}

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
        with self.asked(name) as (server, variant):
            content_type, content = self.ask(server, body, headers)
        config = self.configs.get(self.endpoints.get(name, {}).get("EndpointConfigName"), {})
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
    def asked(self, name: str) -> Iterator[tuple[ModelServer, str]]:
        """The server of an endpoint and its variant's name; the server is not retired meanwhile.

        Raises:
            ServiceError: when no such endpoint serves.
        """
        with ExitStack() as stack:
            # Under the lock of the exchange: between being found and being counted a server must not be retired.
            with self.lock:
                server = self.servers.get(name)
                if server is None:
                    raise validation_error(f"Endpoint {name} of account {self.names.account} not found.")
                stack.enter_context(server.answering())
                variant = self.endpoints[name]["ProductionVariants"][0]["VariantName"]
            yield server, variant

    def ask(self, server: ModelServer, body: bytes, headers: dict[str, str]) -> tuple[str, bytes]:
        """Passes a request to a server; returns the answer's content type and content.

        Raises:
            ServiceError: the model's own error (424).
        """
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=ANSWER_SECONDS)
        passed = {key: headers[key] for key in ("content-type", "accept") if key in headers}
        try:
            connection.request("POST", "/invocations", body=body, headers=passed)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ServiceError("ModelError", f"The container did not answer: {error}.", 424) from error
        finally:
            connection.close()
        if answer.status != 200:
            raise ServiceError(
                "ModelError",
                f"Received client error ({answer.status}) from primary with message "
                f'"{content.decode("utf-8", "replace")}".',
                424,
                OriginalStatusCode=answer.status,
                OriginalMessage=content.decode("utf-8", "replace"),
            )
        return answer.headers.get("Content-Type", "application/json"), content

    def close(self) -> None:
        """Ends every server."""
        for server in list(self.servers.values()):
            server.stop()


def answers_ping(port: int) -> bool:
    """Whether the server at a port answers /ping with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
