"""Which container serves a version where, and with which variables of its own."""

from __future__ import annotations

import math

from definitions.names import CPU, LITERT
from definitions.networks import NETWORKS
from stacks.settings.inference import InferenceSettings
from stacks.settings.instance_families import has_gpu, virtual_processors

# The variables are those of the container's serve.py and tfs_utils.py (deep-learning-containers,
# scripts/docker/tensorflow/inference/sagemaker); it has one worker and no batching by itself.
MOST_WORKERS = 16
# More than fit into a request: TensorFlow Serving refuses a request of more instances than a batch may have.
BATCH_INSTANCES = 65_536
BATCH_MICROSECONDS = 1_000


def specification(inference: InferenceSettings, instance_type: str | None) -> str | None:
    """The name of a version's inference specification for an instance type; None: the version's own, for GPUs.

    `instance_type` is None for a serverless endpoint.
    """
    if inference.container == "litert":
        return LITERT
    return None if instance_type and has_gpu(instance_type) else CPU


def variables(
    inference: InferenceSettings, instance_type: str | None, kind: str | None, cores: float | None = None
) -> dict[str, str]:
    """What the container is told of the instance; nothing where it has none, and to our own container.

    A worker waits for TensorFlow Serving with many requests at once, but turns them into tensors on one processor, so
    there is one for each vCPU of the instance, or of the `cores` that a copy of a component has of it. More only make a
    request dearer (benchmarks/results/serving_container.json). Requests that come together are computed together on a
    GPU, for images alone: sequences of several lengths are no batch. `kind` is None for a container of several kinds.
    """
    if inference.container == "litert" or instance_type is None:
        return {}
    processors = math.ceil(cores) if cores else virtual_processors(instance_type)
    workers = min(processors, MOST_WORKERS)
    told = {"SAGEMAKER_GUNICORN_WORKERS": str(workers)}
    if kind and "image" in NETWORKS[kind].features and has_gpu(instance_type):
        told |= {
            "SAGEMAKER_TFS_ENABLE_BATCHING": "true",
            "SAGEMAKER_TFS_MAX_BATCH_SIZE": str(BATCH_INSTANCES),
            "SAGEMAKER_TFS_BATCH_TIMEOUT_MICROS": str(BATCH_MICROSECONDS),
        }
    return told
