"""Where SageMaker writes what serving containers print, under the model's role (its guide, Log groups and streams)."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from local_aws.sagemaker.logs import LogStream


@dataclass(frozen=True)
class LogPlace:
    """A stream of a group."""

    group: str
    stream: str

    @classmethod
    def of_endpoint(cls, name: str, variant: str) -> LogPlace:
        """Of an instance of an endpoint's variant."""
        return cls(f"/aws/sagemaker/Endpoints/{name}", f"{variant}/{instance_id()}")

    @classmethod
    def of_component(cls, name: str, variant: str) -> LogPlace:
        """Of an inference component on an instance."""
        return cls(f"/aws/sagemaker/InferenceComponents/{name}", f"{variant}/{instance_id()}")

    @classmethod
    def of_transform_job(cls, name: str) -> LogPlace:
        """Of a transform job's instance."""
        return cls("/aws/sagemaker/TransformJobs", f"{name}/{instance_id()}")


def instance_id() -> str:
    """A name as an instance has one."""
    return f"i-{uuid.uuid4().hex[:17]}"


def follow(output: IO[bytes], file: Path, logs: Any, place: LogPlace) -> threading.Thread:
    """Writes each line that a container prints to a file and to its log, on a thread that ends with the container."""

    def copy() -> None:
        with file.open("wb") as kept:
            log = LogStream(logs, place.group, place.stream)
            try:
                for line in output:
                    kept.write(line)
                    kept.flush()
                    log.write(line.decode("utf-8", "replace").rstrip())
            finally:
                log.close()

    following = threading.Thread(target=copy, daemon=True)
    following.start()
    return following
