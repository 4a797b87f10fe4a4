"""The SageMaker API on the embedded AWS: reads requests, checks them, calls what they name, writes answers."""

from __future__ import annotations

import json
import re
import sys
import traceback
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from local_aws.events import tell_event_bridge
from local_aws.iam.clients import Clients
from local_aws.iam.decisions import Decisions, Record, Refused
from local_aws.iam.sagemaker import before_container, calls_of, publish_metrics
from local_aws.keys import Keys
from local_aws.sagemaker.asynchronous import AsynchronousRequests
from local_aws.sagemaker.deployments import WAIT_SCALE
from local_aws.sagemaker.endpoints import Endpoints
from local_aws.sagemaker.errors import ServiceError, validation_error
from local_aws.sagemaker.inference_components import HEADER, InferenceComponents
from local_aws.sagemaker.jobs import Job, JobQueue
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.members import RUNTIME_TABLE, TABLE
from local_aws.sagemaker.models import Models
from local_aws.sagemaker.names import DEPLOYMENT, Names
from local_aws.sagemaker.processing_jobs import ProcessingJob
from local_aws.sagemaker.registry import Registry
from local_aws.sagemaker.shapes import Shapes, to_wire
from local_aws.sagemaker.tags import Tags
from local_aws.sagemaker.training_jobs import TrainingJob
from local_aws.sagemaker.transform_jobs import TransformJob

INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations")
ASYNCHRONOUS = re.compile(r"/endpoints/([^/]+)/async-invocations")


class SageMaker:
    """One account's SageMaker in one region."""

    def __init__(
        self,
        folder: Path,
        endpoint_url: str,
        keys: Keys,
        record: Path,
        *,
        concurrent_jobs: int,
        without_capacity: frozenset[str] = frozenset(),
        wait_scale: float = WAIT_SCALE,
        names: Names = DEPLOYMENT,
    ) -> None:
        self.without_capacity = without_capacity
        self.endpoint_url = endpoint_url
        self.keys = keys
        self.names = names
        self.client = Clients(endpoint_url, keys, self.names.region)
        self.decisions = Decisions(Record(record))
        self.shapes, self.runtime_shapes = Shapes("sagemaker"), Shapes("sagemaker-runtime")
        self.training = JobQueue(folder / "jobs", concurrent_jobs)
        # Jobs of all kinds share the machine, so they share its places.
        self.processing = JobQueue(folder / "jobs", concurrent_jobs)
        self.transforming = JobQueue(folder / "jobs", concurrent_jobs)
        self.processing.places = self.transforming.places = self.training.places
        self.registry = Registry(self.names, partial(tell_event_bridge, "aws.sagemaker", place=self.names))
        self.models = Models(self.names, self.registry, folder / "endpoints", self.client)
        self.models.require = self.decisions.require
        self.endpoints = Endpoints(self.names, self.models, self.client, wait_scale)
        self.components = InferenceComponents(self.endpoints)
        self.asynchronous = AsynchronousRequests(self.endpoints, self.client)
        self.tags = Tags()
        # By operation and ClientToken: a request that is sent again is the same one.
        self.answers: dict[tuple[str, str | None], dict[str, Any]] = {}
        self.folder = folder
        self.operations = self.operation_table()

    def operation_table(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """Every operation that is here; any other is answered with an UnknownOperationException."""
        registry, models = self.registry, self.models
        endpoints, components = self.endpoints, self.components
        return {
            "CreateTrainingJob": self.create_training_job,
            "DescribeTrainingJob": lambda r: self.training.get(r["TrainingJobName"]).describe(),
            "StopTrainingJob": lambda r: self.training.get(r["TrainingJobName"]).stop() or {},
            "ListTrainingJobs": lambda r: self.list_jobs("Training", r),
            "CreateProcessingJob": self.create_processing_job,
            "DescribeProcessingJob": lambda r: self.processing.get(r["ProcessingJobName"]).describe(),
            "StopProcessingJob": lambda r: self.processing.get(r["ProcessingJobName"]).stop() or {},
            "ListProcessingJobs": lambda r: self.list_jobs("Processing", r),
            "CreateTransformJob": self.create_transform_job,
            "DescribeTransformJob": lambda r: self.transforming.get(r["TransformJobName"]).describe(),
            "StopTransformJob": lambda r: self.transforming.get(r["TransformJobName"]).stop() or {},
            "ListTransformJobs": lambda r: self.list_jobs("Transform", r),
            "CreateModelPackageGroup": registry.create_group,
            "DescribeModelPackageGroup": registry.describe_group,
            "DeleteModelPackageGroup": registry.delete_group,
            "CreateModelPackage": registry.create_package,
            "DescribeModelPackage": registry.describe_package,
            "UpdateModelPackage": registry.update_package,
            "ListModelPackages": registry.list_packages,
            "DeleteModelPackage": registry.delete_package,
            "ListModelPackageGroups": registry.list_groups,
            "CreateModel": models.create_model,
            "DescribeModel": models.describe_model,
            "DeleteModel": models.delete_model,
            "ListModels": models.list_models,
            "CreateEndpointConfig": endpoints.create_config,
            "DescribeEndpointConfig": endpoints.describe_config,
            "DeleteEndpointConfig": endpoints.delete_config,
            "ListEndpointConfigs": endpoints.list_configs,
            "CreateEndpoint": endpoints.create_endpoint,
            "DescribeEndpoint": endpoints.describe_endpoint,
            "UpdateEndpoint": endpoints.update_endpoint,
            "UpdateEndpointWeightsAndCapacities": endpoints.update_weights_and_capacities,
            "DeleteEndpoint": components.delete_endpoint,
            "ListEndpoints": endpoints.list_endpoints,
            "CreateInferenceComponent": components.create,
            "DescribeInferenceComponent": components.describe,
            "UpdateInferenceComponent": components.update,
            "UpdateInferenceComponentRuntimeConfig": components.update_copies,
            "DeleteInferenceComponent": components.delete,
            "AddTags": self.tags.add,
            "DeleteTags": self.tags.delete,
            "ListTags": self.tags.list,
        }

    def client_of(self, role_arn: str) -> Callable[[str], Any]:
        """Makes clients of other services under a role.

        Raises:
            ServiceError: when SageMaker may not assume it.
        """
        if not self.decisions.may_assume(role_arn, "sagemaker.amazonaws.com"):
            raise validation_error(
                f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
                "'sagemaker.amazonaws.com' to assume the role."
            )
        return partial(self.client, role_arn=role_arn)

    def of_role(self, role_arn: str, job: Job) -> Callable[[], None]:
        """Asks for what SageMaker does with a job's role itself, when the job begins; see `Job.run`."""

        def ask() -> None:
            self.decisions.require(role_arn, *before_container(job.request))
            # Without it a job runs on unmeasured.
            self.decisions.refusal(role_arn, publish_metrics(job.log_group))

        return ask

    def create_training_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateTrainingJob."""
        arn = self.names.arn("training-job", request["TrainingJobName"])
        if request.get("EnableManagedSpotTraining"):
            condition = request["StoppingCondition"]
            if condition.get("MaxWaitTimeInSeconds", 0) < condition.get("MaxRuntimeInSeconds", 86_400):
                raise validation_error(
                    "Invalid MaxWaitTimeInSeconds: it has to be at least MaxRuntimeInSeconds."
                )
        folder = self.folder / "jobs" / uuid.uuid4().hex
        has_capacity = request["ResourceConfig"].get("InstanceType") not in self.without_capacity
        job = TrainingJob(arn, request, folder, self.client_of(request["RoleArn"]), has_capacity=has_capacity)
        self.training.submit(job, self.of_role(request["RoleArn"], job))
        return {"TrainingJobArn": arn}

    def create_processing_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateProcessingJob."""
        arn = self.names.arn("processing-job", request["ProcessingJobName"])
        folder = self.folder / "jobs" / uuid.uuid4().hex
        job = ProcessingJob(arn, request, folder, self.client_of(request["RoleArn"]))
        self.processing.submit(job, self.of_role(request["RoleArn"], job))
        return {"ProcessingJobArn": arn}

    def create_transform_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateTransformJob."""
        arn = self.names.arn("transform-job", request["TransformJobName"])
        self.models.require_single_model(request["ModelName"])
        folder = self.folder / "jobs" / uuid.uuid4().hex
        role = self.models.role_of(request["ModelName"])
        job = TransformJob(arn, request, folder, self.client_of(role), self.models)
        self.transforming.submit(job, self.of_role(role, job))
        return {"TransformJobArn": arn}

    def list_jobs(self, kind: str, request: dict[str, Any]) -> dict[str, Any]:
        """ListTrainingJobs and its like."""
        queues = {"Training": self.training, "Processing": self.processing, "Transform": self.transforming}
        summaries = (
            {
                f"{kind}JobName": job.name,
                f"{kind}JobArn": job.arn,
                f"{kind}JobStatus": job.status,
                "CreationTime": job.created,
                "LastModifiedTime": job.ended or job.started or job.created,
                **({f"{kind}EndTime": job.ended} if job.ended else {}),
            }
            for job in list(queues[kind].jobs.values())
        )
        return page(request, summaries, f"{kind}JobSummaries", f"{kind}JobName", f"{kind}JobStatus")

    def call(self, operation: str, request: dict[str, Any], role_arn: str | None = None) -> dict[str, Any]:
        """Checks a request, carries it out, checks the answer.

        Args:
            operation: of the API.
            request: its members.
            role_arn: whose policies have to allow it; None where those of the caller did.

        Raises:
            ServiceError: the answer when it cannot be done.
        """
        if operation not in self.operations:
            raise ServiceError(
                "UnknownOperationException", f"The embedded AWS has no SageMaker operation {operation}.", 404
            )
        if role_arn is not None:
            try:
                self.decisions.require(role_arn, *calls_of(operation, request))
            except Refused as refused:
                raise ServiceError("AccessDeniedException", str(refused)) from refused
        self.shapes.check_request(operation, request)
        if refusals := list(TABLE[operation].refusals(request)):
            raise validation_error(f"{operation}: {' '.join(refusals)}")
        self.shapes.check_patterns(operation, request)
        token = operation, request.get("ClientToken")
        if token in self.answers:
            return self.answers[token]
        answer = self.operations[operation](request)
        if token[1]:
            self.answers[token] = answer
        if operation.startswith("Create"):
            self.tags.note(request, answer)
        self.shapes.check_answer(operation, answer)
        return answer

    def require_known_headers(self, operation: str, headers: dict[str, str]) -> None:
        """Refuses members of an invocation that nothing comes of here.

        Raises:
            ServiceError: naming them.
        """
        given = self.runtime_shapes.in_headers(operation, headers)
        if refusals := list(RUNTIME_TABLE[operation].refusals(given)):
            raise validation_error(f"{operation}: {' '.join(refusals)}")

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """The HTTP answer to a request of either of SageMaker's two APIs."""
        try:
            if match := INVOCATION.fullmatch(path):
                self.require_known_headers("InvokeEndpoint", headers)
                if component := headers.get(HEADER):
                    return self.components.invoke(unquote(match[1]), component, body, headers)
                return self.endpoints.invoke(unquote(match[1]), body, headers)
            if match := ASYNCHRONOUS.fullmatch(path):
                self.require_known_headers("InvokeEndpointAsync", headers)
                return self.asynchronous.accept(unquote(match[1]), headers)
            operation = headers.get("x-amz-target", "").rpartition(".")[2]
            return (
                200,
                json_headers(),
                json.dumps(to_wire(self.call(operation, json.loads(body or b"{}")))).encode(),
            )
        except ServiceError as error:
            members = {
                "__type": error.code,
                "message": error.message,
                "Message": error.message,
                **error.members,
            }
            return (
                error.status,
                {**json_headers(), "x-amzn-ErrorType": error.code},
                json.dumps(members).encode(),
            )
        except Exception as error:  # noqa: BLE001 - the caller gets the service's word for it, the log the trace
            traceback.print_exc(file=sys.stderr)
            content = {"__type": "InternalFailure", "message": f"The embedded SageMaker failed: {error}"}
            return 500, json_headers(), json.dumps(content).encode()

    def close(self) -> None:
        """Ends every job and every server."""
        self.training.close()
        self.processing.close()
        self.transforming.close()
        self.asynchronous.close()
        self.components.close()
        self.endpoints.close()


def json_headers() -> dict[str, str]:
    """The content type of AWS's JSON protocol."""
    return {"Content-Type": "application/x-amz-json-1.1"}
