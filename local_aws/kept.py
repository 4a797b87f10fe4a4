"""What of SageMaker and its scaling is kept over a restart (`--keep`); ministack keeps the other services.

Kept are registered versions, models, configurations, endpoints, inference components and scaling targets. Jobs are
not: what they made is in S3 and in the registry.
"""

from __future__ import annotations

import datetime
import json
import threading
import time
from pathlib import Path
from typing import Any

from local_aws.autoscaling import Autoscaling, ScalableTarget
from local_aws.sagemaker.service import SageMaker

POLL_SECONDS = 0.2
# Of a component's description, what CreateInferenceComponent takes.
OF_A_COMPONENT = ("InferenceComponentName", "EndpointName", "VariantName", "Specification")


def write_kept(file: Path, sagemaker: SageMaker, scaling: Autoscaling, port: int) -> None:
    """Writes everything that is kept, in one step."""
    endpoints = sagemaker.endpoints
    described = [component.description for component in sagemaker.components.components.values()]
    content = {
        "port": port,
        "groups": sagemaker.registry.groups,
        "packages": sagemaker.registry.packages,
        "models": sagemaker.models.described,
        "configs": endpoints.configs,
        "tags": sagemaker.tags.by_arn,
        "endpoints": {name: endpoint["EndpointConfigName"] for name, endpoint in endpoints.endpoints.items()},
        "components": [
            {name: description[name] for name in OF_A_COMPONENT}
            | {"RuntimeConfig": {"CopyCount": description["RuntimeConfig"]["DesiredCopyCount"]}}
            for description in described
        ],
        "targets": {
            name: {"properties": target.properties, "policies": target.policies}
            for name, target in scaling.targets.items()
        },
    }
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(content, default=as_json), encoding="utf-8")
    unfinished.replace(file)


def restore_kept(file: Path, sagemaker: SageMaker, scaling: Autoscaling) -> None:
    """Reads what was kept, if anything was; the endpoints' servers start in the background."""
    if not file.exists():
        return
    content = json.loads(file.read_bytes(), object_hook=from_json)
    sagemaker.registry.groups.update(content["groups"])
    sagemaker.registry.packages.update(content["packages"])
    sagemaker.models.described.update(content["models"])
    sagemaker.endpoints.configs.update(content["configs"])
    # What was kept before there were any has none.
    sagemaker.tags.by_arn.update(content.get("tags", {}))
    scaling.targets.update({name: ScalableTarget(**target) for name, target in content["targets"].items()})
    for name, config in content["endpoints"].items():
        sagemaker.endpoints.create_endpoint({"EndpointName": name, "EndpointConfigName": config})

    def create_components() -> None:
        for component in content["components"]:
            endpoint = {"EndpointName": component["EndpointName"]}
            while sagemaker.endpoints.describe_endpoint(endpoint)["EndpointStatus"] == "Creating":
                time.sleep(POLL_SECONDS)
            sagemaker.components.create(component)

    threading.Thread(target=create_components, daemon=True).start()


def as_json(value: Any) -> Any:
    """A time as JSON carries it."""
    if isinstance(value, datetime.datetime):
        return {"__time__": value.isoformat()}
    raise TypeError(f"{type(value).__name__} is not kept.")


def from_json(value: dict[str, Any]) -> Any:
    """The inverse of `as_json`."""
    return datetime.datetime.fromisoformat(value["__time__"]) if "__time__" in value else value
