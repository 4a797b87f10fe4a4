"""Batch transform: a model's server started for one job, asked about every object below a prefix of S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local_aws.sagemaker.container_logs import LogPlace
from local_aws.sagemaker.errors import ServiceError
from local_aws.sagemaker.jobs import Job, JobFailed
from local_aws.sagemaker.logs import LogStream
from local_aws.sagemaker.model_servers import ModelServer, StartFailed, ask
from local_aws.sagemaker.models import Models
from local_aws.sagemaker.objects import none_found, objects_below, split_uri
from local_aws.sagemaker.shapes import now

DESCRIBED = (
    "TransformJobName",
    "ModelName",
    "MaxConcurrentTransforms",
    "ModelClientConfig",
    "MaxPayloadInMB",
    "BatchStrategy",
    "Environment",
    "TransformInput",
    "TransformOutput",
    "TransformResources",
    "DataProcessing",
)
# CreateTransformJob's defaults.
PAYLOAD_MEGABYTES = 6
TIMEOUT_SECONDS = 600


class TransformJob(Job):
    """One batch transform job on one host; its requests are sent one after the other."""

    log_group = "/aws/sagemaker/TransformJobs"

    def __init__(self, arn: str, request: dict[str, Any], folder: Path, clients: Any, models: Models) -> None:
        super().__init__(request["TransformJobName"], arn, request, folder, clients)
        self.models, self.s3 = models, clients("s3")
        self.server: ModelServer | None = None

    def run_in_place(self) -> None:
        """Starts the server, asks it, and ends it; an object with a request that fails gets no answer."""
        objects = list(objects_below(self.s3, self.source["S3Uri"]))
        if not objects:
            raise none_found(self.source["S3Uri"])
        self.started = now()
        try:
            variant = {"ModelName": self.request["ModelName"]}
            place = LogPlace.of_transform_job(self.name)
            variables = self.request.get("Environment")
            self.server = self.models.start_server(self.name, variant, place, variables)
        except (StartFailed, ServiceError) as failure:
            raise JobFailed(f"AlgorithmError: {failure}") from failure
        log = LogStream(self.clients("logs"), self.log_group, f"{self.name}/data-log")
        try:
            failed = [key for key, relative in objects if not self.transform(key, str(relative), log)]
        finally:
            log.close()
            self.server.stop()
        if self.stop_requested.is_set():
            self.end("Stopped")
        elif failed:
            self.end(
                "Failed",
                f"ClientError: {len(failed)} of {len(objects)} objects could not be transformed, the first is "
                f"{failed[0]}. See the job's log {self.log_group} for more information.",
            )
        else:
            self.end("Completed")

    @property
    def source(self) -> dict[str, Any]:
        """Where the objects are."""
        return self.request["TransformInput"]["DataSource"]["S3DataSource"]

    def transform(self, key: str, relative: str, log: LogStream) -> bool:
        """Answers one object unless the job is to stop; whether it did."""
        bucket, _ = split_uri(self.source["S3Uri"])
        body = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        answers = []
        try:
            for batch in self.batches(body):
                if self.stop_requested.is_set():
                    return False
                answers.append(self.ask(batch))
        except ServiceError as error:
            log.write(f"{bucket}/{key}: {error.message}")
            return False
        output = self.request["TransformOutput"]
        if output.get("AssembleWith") == "Line":
            answers = [answer if answer.endswith(b"\n") else answer + b"\n" for answer in answers]
        target, prefix = split_uri(output["S3OutputPath"])
        place = f"{prefix.rstrip('/')}/{relative}.out".lstrip("/")
        self.s3.put_object(Bucket=target, Key=place, Body=b"".join(answers))
        return True

    def batches(self, body: bytes) -> Iterator[bytes]:
        """An object's requests: the whole of it, or its lines.

        Raises:
            ServiceError: when a record is larger than a request may be.
        """
        megabytes = self.request.get("MaxPayloadInMB", PAYLOAD_MEGABYTES)
        # Zero is no limit (CreateTransformJob, MaxPayloadInMB).
        most = megabytes * 1024 * 1024 if megabytes else None
        if self.request["TransformInput"].get("SplitType", "None") == "None":
            require_small(body, most)
            yield body
            return
        strategy = self.request.get("BatchStrategy", "MultiRecord")
        yield from line_batches(body, most, single=strategy == "SingleRecord")

    def ask(self, body: bytes) -> bytes:
        """The answer to one request, tried again as often as the job wants it.

        Raises:
            ServiceError: the last failure.
        """
        headers = {"content-type": self.request["TransformInput"].get("ContentType", "")}
        if accept := self.request["TransformOutput"].get("Accept"):
            headers["accept"] = accept
        client = self.request.get("ModelClientConfig", {})
        seconds = client.get("InvocationsTimeoutInSeconds", TIMEOUT_SECONDS)
        retries_left = client.get("InvocationsMaxRetries", 0)
        if self.server is None:
            raise RuntimeError("The job has no server yet.")
        while True:
            try:
                return ask(self.server, body, headers, seconds)[1]
            except ServiceError:
                if not retries_left or self.stop_requested.is_set():
                    raise
            retries_left -= 1

    def kill(self) -> None:
        """Ends the server."""
        if self.server is not None:
            self.server.stop()

    def describe(self) -> dict[str, Any]:
        """DescribeTransformJob's answer."""
        return self.told("Transform", DESCRIBED)


def line_batches(body: bytes, most: int | None, *, single: bool) -> Iterator[bytes]:
    """The lines of a body, as many in a request as fit into `most` bytes (None: all), or one in each.

    Raises:
        ServiceError: when a line alone has more.
    """
    waiting: list[bytes] = []
    size = 0
    for line in (line for line in body.split(b"\n") if line.strip()):
        require_small(line, most)
        full = most is not None and size + len(line) + 1 > most
        if waiting and (single or full):
            yield b"\n".join(waiting)
            waiting, size = [], 0
        # With the line feed before the next one.
        size += len(line) + bool(waiting)
        waiting.append(line)
    if waiting:
        yield b"\n".join(waiting)


def require_small(record: bytes, most: int | None) -> None:
    """Refuses a record that no request can hold.

    Raises:
        ServiceError: as a failure of the object.
    """
    if most is not None and len(record) > most:
        raise ServiceError(
            "ModelError", f"A record has {len(record)} bytes, more than MaxPayloadInMB allows ({most}).", 424
        )
