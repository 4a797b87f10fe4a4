"""Training jobs: the real SageMaker training toolkit over a full /opt/ml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from local_aws.sagemaker.containers import (
    CONTAINER_ROOT,
    HOST,
    as_on_disk,
    command_of,
    role_environment,
    role_of_image,
    unknown_image,
)
from local_aws.sagemaker.jobs import ContainerJob, JobFailed
from local_aws.sagemaker.logs import Metrics
from local_aws.sagemaker.objects import download_prefix, split_uri, upload_archive, upload_directory
from local_aws.sagemaker.shapes import now

DESCRIBED = (
    "TrainingJobName",
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "Environment",
    "RetryStrategy",
    "ProfilerConfig",
    "RemoteDebugConfig",
    "InfraCheckConfig",
)
# CheckpointConfig's LocalPath where a request has none.
CHECKPOINTS = "/opt/ml/checkpoints"
# SageMaker's FailureReason when it finds no host of the type.
NO_CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. "
    "Please retry using a different ML instance type."
)


class TrainingJob(ContainerJob):
    """One training job on one host."""

    log_group = "/aws/sagemaker/TrainingJobs"

    def __init__(
        self, arn: str, request: dict[str, Any], folder: Path, clients: Any, *, has_capacity: bool = True
    ) -> None:
        self.has_capacity = has_capacity
        super().__init__(request["TrainingJobName"], arn, request, folder, clients)
        self.metrics = Metrics.of_definitions(request["AlgorithmSpecification"].get("MetricDefinitions", []))
        self.secondary_status = "Starting"
        self.transitions: list[dict[str, Any]] = []
        self.uploaded_checkpoints: dict[str, tuple[int, int]] = {}
        self.s3 = clients("s3")

    @property
    def artefact_uri(self) -> str:
        """Where SageMaker puts the model."""
        return (
            f"{self.request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.name}/output/model.tar.gz"
        )

    @property
    def checkpoints(self) -> Path:
        """Where the script has its checkpoints."""
        place = self.request.get("CheckpointConfig", {}).get("LocalPath", CHECKPOINTS)
        return self.folder / place.removeprefix(f"{CONTAINER_ROOT}/")

    def image(self) -> str:
        """The training image."""
        return self.request["AlgorithmSpecification"].get("TrainingImage", "")

    def remarks(self) -> list[str]:
        """See there."""
        hosts = self.request["ResourceConfig"].get("InstanceCount", 1)
        alone = f"The embedded AWS trains on one host; the job has {hosts}."
        return super().remarks() + ([alone] if hosts > 1 else [])

    def prepare(self) -> tuple[list[str], dict[str, str]]:
        """Downloads channels and checkpoints and writes the configuration files."""
        if not self.has_capacity:
            raise JobFailed(NO_CAPACITY)
        if role_of_image(self.image()) != "training":
            raise JobFailed(unknown_image(self.image()))
        for name in ("input/config", "input/data", "model", "output/data", "code"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        channels = self.request.get("InputDataConfig", [])
        for channel in channels:
            uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
            download_prefix(self.s3, uri, self.folder / "input" / "data" / channel["ChannelName"])
        if checkpoint := self.request.get("CheckpointConfig"):
            download_prefix(self.s3, checkpoint["S3Uri"], self.checkpoints, required=False)
            self.note_checkpoints()
        self.write_configuration(channels)
        variables = {
            "TRAINING_JOB_NAME": self.name,
            "TRAINING_JOB_ARN": self.arn,
            **role_environment(
                self.arn,
                self.request["RoleArn"],
                self.s3.meta.endpoint_url,
                is_isolated=self.request.get("EnableNetworkIsolation", False),
            ),
            **self.request.get("Environment", {}),
        }
        return command_of(self.request["AlgorithmSpecification"], ["train"]), variables

    def write_configuration(self, channels: list[dict[str, Any]]) -> None:
        """Writes what /opt/ml/input/config has."""
        group = {"instance_group_name": "homogeneousCluster", "hosts": [HOST]}
        instance_type = self.request["ResourceConfig"].get("InstanceType", "ml.m5.large")
        files = {
            "hyperparameters.json": {
                name: as_on_disk(value, self.folder)
                for name, value in self.request.get("HyperParameters", {}).items()
            },
            "resourceconfig.json": {
                "current_host": HOST,
                "hosts": [HOST],
                "network_interface_name": "lo",
                "current_instance_type": instance_type,
                "current_group_name": "homogeneousCluster",
                "instance_groups": [{**group, "instance_type": instance_type}],
            },
            "inputdataconfig.json": {
                channel["ChannelName"]: {
                    "TrainingInputMode": channel.get("InputMode", "File"),
                    "S3DistributionType": "FullyReplicated",
                    "RecordWrapperType": channel.get("RecordWrapperType", "None"),
                    **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
                }
                for channel in channels
            },
        }
        if checkpoint := self.request.get("CheckpointConfig"):
            files["checkpointconfig.json"] = {"LocalPath": CHECKPOINTS, **checkpoint}
        for name, content in files.items():
            (self.folder / "input" / "config" / name).write_text(json.dumps(content), encoding="utf-8")

    def on_line(self, line: str) -> None:
        """Reads metrics."""
        self.metrics.read(line)

    def on_status(self, status: str, message: str) -> None:
        """Keeps SageMaker's secondary statuses."""
        self.secondary_status = status
        moment = now()
        if self.transitions:
            self.transitions[-1]["EndTime"] = moment
        self.transitions.append({"Status": status, "StartTime": moment, "StatusMessage": message})

    def while_running(self) -> None:
        """Copies new checkpoints to S3, as SageMaker does while the container runs."""
        if checkpoint := self.request.get("CheckpointConfig"):
            self.copy_checkpoints(checkpoint["S3Uri"])

    def copy_checkpoints(self, uri: str) -> None:
        """Uploads the finished checkpoint files that have changed."""
        bucket, prefix = split_uri(uri)
        for name in self.note_checkpoints():
            file = self.checkpoints / name
            if file.exists():
                self.s3.upload_file(str(file), bucket, f"{prefix.rstrip('/')}/{name}")

    def note_checkpoints(self) -> list[str]:
        """The names of files that are new or have changed since the last call."""
        changed = []
        for file in sorted(self.checkpoints.rglob("*")):
            try:
                stat = file.stat()
            except FileNotFoundError:
                continue
            name, mark = (
                file.relative_to(self.checkpoints).as_posix(),
                (stat.st_size, stat.st_mtime_ns),
            )
            if (
                file.is_file()
                and not name.endswith(".unfinished")
                and self.uploaded_checkpoints.get(name) != mark
            ):
                self.uploaded_checkpoints[name] = mark
                changed.append(name)
        return changed

    def collect(self) -> None:
        """Uploads checkpoints, the model (also after a stop, as SageMaker does) and what else was put out."""
        self.while_running()
        if not self.exit_status or self.stop_requested.is_set():
            upload_archive(self.s3, self.folder / "model", self.artefact_uri, self.folder)
        if any((self.folder / "output" / "data").iterdir()):
            base = self.artefact_uri.rsplit("/", 1)[0]
            upload_archive(self.s3, self.folder / "output" / "data", f"{base}/output.tar.gz", self.folder)
            upload_directory(self.s3, self.folder / "output" / "data", f"{base}/data")

    def reason_of_failure(self) -> str:
        """What the script wrote to /opt/ml/output/failure, behind SageMaker's own words."""
        file = self.folder / "output" / "failure"
        said = file.read_text(errors="replace", encoding="utf-8").strip() if file.is_file() else ""
        return f"AlgorithmError: {said or 'the script gave no reason'}, exit code: {self.exit_status}"

    def describe(self) -> dict[str, Any]:
        """DescribeTrainingJob's answer."""
        answer = self.told("Training", DESCRIBED) | {
            "SecondaryStatus": self.secondary_status,
            "SecondaryStatusTransitions": self.transitions,
            "LastModifiedTime": self.transitions[-1]["StartTime"] if self.transitions else self.created,
            "ModelArtifacts": {"S3ModelArtifacts": self.artefact_uri},
            "FinalMetricDataList": [
                {"MetricName": name, "Value": value, "Timestamp": moment}
                for name, (value, moment) in self.metrics.values.items()
            ],
        }
        if self.started and self.ended:
            # SageMaker bills by the started second.
            seconds = int((self.ended - self.started).total_seconds()) + 1
            answer |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
        return answer
