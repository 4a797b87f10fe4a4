"""State machines run under their roles: what their tasks and maps take, and what Step Functions takes for itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners

from local_aws.iam.calls import Call, arn
from local_aws.iam.clients import ACTING, acting_as
from local_aws.iam.decisions import Decisions, Refused

SERVICE = "states.amazonaws.com"
TYPE = "AWS::StepFunctions::StateMachine"
LAMBDA = "arn:aws:states:::lambda:invoke"
SDK = "arn:aws:states:::aws-sdk:"
# How the optimised integration calls a refusal (its guide, Handling error conditions).
LAMBDA_ERROR = "Lambda.AWSLambdaException"
# The rules by which Step Functions hears of the end of what it waits for (its guide, IAM policies for integrations).
RULES = {
    "sagemaker:createTrainingJob.sync": "StepFunctionsGetEventsForSageMakerTrainingJobsRule",
    "sagemaker:createProcessingJob.sync": "StepFunctionsGetEventsForSageMakerProcessingJobsRule",
    "sagemaker:createTransformJob.sync": "StepFunctionsGetEventsForSageMakerTransformJobsRule",
    "sagemaker:createHyperParameterTuningJob.sync": "StepFunctionsGetEventsForSageMakerTuningJobsRule",
}
# Step Functions' guide: what a machine with a log, and one that is traced, takes of its role.
LOGGING = (
    "CreateLogDelivery",
    "DeleteLogDelivery",
    "DescribeLogGroups",
    "DescribeResourcePolicies",
    "GetLogDelivery",
    "ListLogDeliveries",
    "PutResourcePolicy",
    "UpdateLogDelivery",
)
TRACING = ("GetSamplingRules", "GetSamplingTargets", "PutTelemetryRecords", "PutTraceSegments")


class StateMachines:
    """Asks for what machines do."""

    def __init__(self, decisions: Decisions) -> None:
        self.decisions = decisions
        self.invoke, self.run = stepfunctions._invoke_resource, stepfunctions._run_execution
        self.invoke_and_wait = stepfunctions._invoke_with_callback
        self.read_items, self.run_map = stepfunctions._read_map_items, stepfunctions._run_distributed_map
        self.create = stepfunctions._create_state_machine

    def install(self) -> None:
        """Takes the places of ministack's functions."""
        stepfunctions._run_execution = self.run_under_its_role
        stepfunctions._invoke_resource = self.invoke_if_allowed
        stepfunctions._invoke_with_callback = self.invoke_and_wait_if_allowed
        stepfunctions._read_map_items = self.read_items_if_allowed
        stepfunctions._run_distributed_map = self.run_map_if_allowed
        stepfunctions._create_state_machine = self.create_if_allowed
        theirs = provisioners._RESOURCE_HANDLERS[TYPE]["create"]

        def create(logical_id: str, properties: dict, *rest: Any) -> Any:
            described = of_template(properties)
            name = properties.get("StateMachineName") or logical_id
            self.require_for_itself(properties["RoleArn"], name, described)
            machine_arn, attributes = theirs(logical_id, properties, *rest)
            # ministack keeps no such member.
            stepfunctions._state_machines[machine_arn] |= {
                "tracingConfiguration": described["tracingConfiguration"]
            }
            return machine_arn, attributes

        provisioners._RESOURCE_HANDLERS[TYPE]["create"] = create

    def create_if_allowed(self, request: dict[str, Any]) -> Any:
        """CreateStateMachine."""
        try:
            self.require_for_itself(request.get("roleArn", ""), request.get("name", ""), request)
        except Refused as refused:
            return stepfunctions.error_response_json("AccessDeniedException", str(refused), 400)
        return self.create(request)

    def require_for_itself(self, role_arn: str, name: str, machine: dict[str, Any]) -> None:
        """Asks for what Step Functions wants of a machine's role before it takes the machine.

        Raises:
            Refused: when the role may not.
        """
        if not self.decisions.may_assume(role_arn, SERVICE, arn("states", f"stateMachine:{name}")):
            raise Refused(SERVICE, Call("sts:AssumeRole", role_arn), "because the role does not trust it.")
        self.decisions.require(role_arn, *of_itself(machine))

    def run_under_its_role(self, execution_arn: str) -> None:
        """An execution, on a thread of its own."""
        execution = stepfunctions._executions[execution_arn]
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"])
        if machine is None:
            self.run(execution_arn)
            return
        role = machine["roleArn"]
        for call in of_itself(machine):
            # The machine runs on without its log or its traces; the record says so.
            self.decisions.refusal(role, call)
        with acting_as(role):
            self.run(execution_arn)

    def invoke_if_allowed(self, resource: str, request: Any) -> Any:
        """A task."""
        self.require_of_task(resource, request)
        return self.invoke(resource, request)

    def invoke_and_wait_if_allowed(self, resource: str, request: Any, token: str, state: dict) -> Any:
        """A task that waits until somebody gives its token back."""
        self.require_of_task(resource.replace(".waitForTaskToken", ""), request)
        return self.invoke_and_wait(resource, request, token, state)

    def require_of_task(self, resource: str, request: Any) -> None:
        """Asks for a task's calls. Those through clients of the machine's role are asked for as requests."""
        calls = of_task(resource, request)
        if calls is None:
            raise stepfunctions._ExecutionError(
                "States.Runtime",
                f"The embedded AWS does not know what {resource} takes of a machine's role, so it is not carried out. "
                "Name it in local_aws/iam/state_machines.py.",
            )
        self.require_in_state(calls, LAMBDA_ERROR)

    def read_items_if_allowed(self, reader: dict[str, Any], *rest: Any) -> list[Any]:
        """A distributed map's items from S3."""
        place = stepfunctions._resolve_params_obj(reader.get("Parameters") or reader["Arguments"], *rest)
        bucket = f"arn:aws:s3:::{place['Bucket']}"
        is_list = reader["Resource"].endswith("listObjectsV2")
        call = Call("s3:ListBucket", bucket) if is_list else Call("s3:GetObject", f"{bucket}/{place['Key']}")
        self.require_in_state([call], "States.ItemReaderFailed")
        return self.read_items(reader, *rest)

    def run_map_if_allowed(
        self, state: dict[str, Any], given: Any, effective: Any, iterator: Any, execution: dict, context: Any
    ) -> Any:
        """A distributed map: its children are executions of the machine itself, and their ends go to S3."""
        machine = execution["stateMachineArn"]
        own = machine.rpartition(":")[2]
        calls = [Call("states:StartExecution", machine)]
        calls.append(Call("states:DescribeExecution", arn("states", f"execution:{own}/map:child")))
        if writer := state.get("ResultWriter"):
            place = stepfunctions._resolve_params_obj(
                writer.get("Parameters") or writer["Arguments"], effective, context
            )
            manifest = f"arn:aws:s3:::{place['Bucket']}/{place['Prefix'].rstrip('/')}/{own}/manifest.json"
            # Its guide: results are uploaded in parts.
            verbs = ("PutObject", "GetObject", "ListMultipartUploadParts", "AbortMultipartUpload")
            calls += [Call(f"s3:{verb}", manifest) for verb in verbs]
        self.require_in_state(calls, "States.Permissions")
        return self.run_map(state, given, effective, iterator, execution, context)

    def require_in_state(self, calls: Iterable[Call], error: str) -> None:
        """Asks for what the role of the machine at hand does; `error` is how the state's failure is called."""
        try:
            self.decisions.require(ACTING.get() or "", *calls)
        except Refused as refused:
            raise stepfunctions._ExecutionError(error, str(refused)) from refused


def of_task(resource: str, request: Any) -> list[Call] | None:
    """A task's calls that no request makes; None where they are not known."""
    if resource.startswith(LAMBDA) or resource.startswith("arn:aws:lambda:"):
        name = request["FunctionName"] if resource.startswith(LAMBDA) else resource
        function = name if name.startswith("arn:") else arn("lambda", f"function:{name}")
        return [Call("lambda:InvokeFunction", function)]
    clean = resource.removesuffix(".sync")
    return [] if any(clean.startswith(known) for known in asked_as_requests()) else None


def asked_as_requests() -> Iterator[str]:
    """The integrations that this embedded AWS carries out by clients under the machine's role."""
    for known, integration in stepfunctions._SERVICE_DISPATCH.items():
        if integration.__module__.startswith("local_aws."):
            yield known


def of_itself(machine: dict[str, Any]) -> Iterator[Call]:
    """What Step Functions takes of a machine's role for its log, its traces and the ends of jobs."""
    log = machine.get("loggingConfiguration", {})
    if (log.get("level") or log.get("Level") or "OFF") != "OFF":
        yield from (Call(f"logs:{name}") for name in LOGGING)
    if machine.get("tracingConfiguration", {}).get("enabled"):
        yield from (Call(f"xray:{name}") for name in TRACING)
    for resource, rule in RULES.items():
        if resource in machine.get("definition", ""):
            for verb in ("PutTargets", "PutRule", "DescribeRule"):
                yield Call(f"events:{verb}", arn("events", f"rule/{rule}"))


def of_template(properties: dict[str, Any]) -> dict[str, Any]:
    """What `of_itself` looks at, from a resource of CloudFormation."""
    definition = properties.get("DefinitionString") or properties.get("Definition") or ""
    return {
        "definition": definition if isinstance(definition, str) else json.dumps(definition),
        "loggingConfiguration": properties.get("LoggingConfiguration", {}),
        "tracingConfiguration": {"enabled": properties.get("TracingConfiguration", {}).get("Enabled", False)},
    }
