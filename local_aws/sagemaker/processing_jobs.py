"""Processing jobs: an entry point over /opt/ml/processing, with inputs from and outputs to S3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from local_aws.sagemaker.containers import (
    CONTAINER_ROOT,
    HOST,
    command_of,
    role_environment,
    role_of_image,
    unknown_image,
)
from local_aws.sagemaker.jobs import ContainerJob, JobFailed
from local_aws.sagemaker.objects import download_prefix, upload_directory

DESCRIBED = (
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingJobName",
    "ProcessingResources",
    "StoppingCondition",
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "RoleArn",
)


class ProcessingJob(ContainerJob):
    """One processing job on one host."""

    log_group = "/aws/sagemaker/ProcessingJobs"

    def __init__(self, arn: str, request: dict[str, Any], folder: Path, clients: Any) -> None:
        super().__init__(request["ProcessingJobName"], arn, request, folder, clients)
        self.s3 = clients("s3")

    def on_disk(self, container_path: str) -> Path:
        """Where a path of the container is on this machine."""
        if not container_path.startswith(f"{CONTAINER_ROOT}/"):
            raise JobFailed(
                f"The embedded AWS can only place inputs and outputs below /opt/ml, not at {container_path}."
            )
        return self.folder / container_path.removeprefix(f"{CONTAINER_ROOT}/")

    def image(self) -> str:
        """The image of the application."""
        return self.request["AppSpecification"]["ImageUri"]

    def prepare(self) -> tuple[list[str], dict[str, str]]:
        """Downloads the inputs and makes the outputs' folders."""
        specification = self.request["AppSpecification"]
        if role_of_image(self.image()) is None:
            raise JobFailed(unknown_image(self.image()))
        for given in self.request.get("ProcessingInputs", []):
            place = given["S3Input"]
            download_prefix(self.s3, place["S3Uri"], self.on_disk(place["LocalPath"]))
        for output in self.request.get("ProcessingOutputConfig", {}).get("Outputs", []):
            self.on_disk(output["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
        (self.folder / "output").mkdir(exist_ok=True)
        self.write_configuration()
        variables = {
            **role_environment(
                self.arn,
                self.request["RoleArn"],
                self.s3.meta.endpoint_url,
                is_isolated=self.request.get("NetworkConfig", {}).get("EnableNetworkIsolation", False),
            ),
            **self.request.get("Environment", {}),
        }
        # The images' CMD, which has nothing to do.
        return command_of(specification, ["/bin/bash"]), variables

    def write_configuration(self) -> None:
        """Writes /opt/ml/config: what was asked for, and the host."""
        folder = self.folder / "config"
        folder.mkdir(exist_ok=True)
        asked = {"ProcessingJobArn": self.arn} | {
            name: value for name, value in self.request.items() if name in DESCRIBED
        }
        (folder / "processingjobconfig.json").write_text(json.dumps(asked), encoding="utf-8")
        (folder / "resourceconfig.json").write_text(
            json.dumps({"current_host": HOST, "hosts": [HOST]}), encoding="utf-8"
        )

    def collect(self) -> None:
        """Uploads the outputs."""
        for output in self.request.get("ProcessingOutputConfig", {}).get("Outputs", []):
            place = output["S3Output"]
            upload_directory(self.s3, self.on_disk(place["LocalPath"]), place["S3Uri"])

    def reason_of_failure(self) -> str:
        """What the program wrote to /opt/ml/output/failure, behind SageMaker's own words."""
        file = self.folder / "output" / "failure"
        said = "the program gave no reason"
        if file.is_file():
            said = file.read_text(encoding="utf-8", errors="replace").strip()
        return f"AlgorithmError: {said}, exit code: {self.exit_status}"

    def describe(self) -> dict[str, Any]:
        """DescribeProcessingJob's answer."""
        changed = self.ended or self.started or self.created
        return {**self.told("Processing", DESCRIBED), "LastModifiedTime": changed}
