"""What CloudFormation does with SageMaker's resource types on the embedded AWS."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from local_aws.iam.calls import Call
from local_aws.iam.sagemaker import calls_of
from local_aws.iam.stacks import ROLE
from local_aws.sagemaker.errors import ServiceError
from local_aws.sagemaker.service import SageMaker

POLL_SECONDS = 0.2
# Properties of an endpoint that only its updates have.
OF_UPDATES = (
    "RetainAllVariantProperties",
    "ExcludeRetainedVariantProperties",
    "DeploymentConfig",
    "RetainDeploymentConfig",
)


class Provisioner:
    """Creates, updates and deletes the resources of a stack."""

    def __init__(self, sagemaker: SageMaker) -> None:
        self.sagemaker = sagemaker

    def handlers(self) -> dict[str, dict[str, Any]]:
        """ministack's table of handlers for our types."""
        named = {
            "AWS::SageMaker::Model": ("ModelName", "CreateModel", "DeleteModel"),
            "AWS::SageMaker::EndpointConfig": (
                "EndpointConfigName",
                "CreateEndpointConfig",
                "DeleteEndpointConfig",
            ),
            "AWS::SageMaker::ModelPackageGroup": (
                "ModelPackageGroupName",
                "CreateModelPackageGroup",
                "DeleteModelPackageGroup",
            ),
        }
        simple = {type_name: self.simple_handler(*words) for type_name, words in named.items()}
        return simple | {
            "AWS::SageMaker::Endpoint": {
                "create": self.create_endpoint,
                "update": self.update_endpoint,
                "delete": self.delete_endpoint,
            },
            "AWS::SageMaker::InferenceComponent": {
                "create": self.create_component,
                "update": self.update_component,
                "delete": self.delete_component,
            },
        }

    def simple_handler(self, name_member: str, create: str, delete: str) -> dict[str, Any]:
        """Handlers of a type whose every change is a replacement."""

        def create_one(logical_id: str, properties: dict, stack_name: str) -> tuple[str, dict]:
            name = properties.get(name_member) or generated_name(stack_name, logical_id)
            answer = self.call(create, {**typed(properties), name_member: name})
            (arn,) = answer.values()
            # Ref gives the ARN for all but the model package group's name on AWS too.
            return arn, {name_member: name, "Name": name, name_member.replace("Name", "Arn"): arn}

        def replace_one(physical_id: str, old: dict, new: dict, stack_name: str, *_: Any) -> tuple[str, dict]:
            if name_member in new and old.get(name_member) == new.get(name_member):
                return physical_id, {name_member: new[name_member]}
            # The old one stays: a rollback of the stack may still need what an endpoint serves from.
            return create_one(name_member.removesuffix("Name"), new, stack_name)

        def delete_one(physical_id: str, properties: dict) -> None:
            try:
                self.call(delete, {name_member: physical_id.rsplit("/", 1)[-1]})
            except ValueError as error:
                if "Could not find" not in str(error) and "does not exist" not in str(error):
                    raise

        return {"create": create_one, "update": replace_one, "delete": delete_one}

    def create_endpoint(self, logical_id: str, properties: dict, stack_name: str) -> tuple[str, dict]:
        """CreateEndpoint, and wait for it; one that does not come into service is deleted, as a rollback would."""
        name = properties.get("EndpointName") or generated_name(stack_name, logical_id)
        config_name = last_part(properties["EndpointConfigName"])
        answer = self.call("CreateEndpoint", {"EndpointName": name, "EndpointConfigName": config_name})
        # ministack hears of no name when a create fails, so its rollback could not delete what is left.
        with deleted_unless_done(self.delete_endpoint, name):
            self.wait_for_endpoint(name, config_name)
        return answer["EndpointArn"], {"EndpointName": name}

    def update_endpoint(
        self, physical_id: str, old: dict, new: dict, stack_name: str, *_: Any
    ) -> tuple[str, dict]:
        """UpdateEndpoint when the configuration changed, and wait for it."""
        name = last_part(physical_id)
        config_name = last_part(new["EndpointConfigName"])
        described = self.call("DescribeEndpoint", {"EndpointName": name})
        if described["EndpointConfigName"] != config_name:
            request = {"EndpointName": name, "EndpointConfigName": config_name}
            kept = {member: new[member] for member in OF_UPDATES if member in new}
            self.call("UpdateEndpoint", request | typed(kept))
            self.wait_for_endpoint(name, config_name)
        return physical_id, {"EndpointName": name}

    def wait_for_endpoint(self, name: str, config_name: str) -> None:
        """Returns when the endpoint serves the configuration.

        Raises:
            ValueError: with the failure reason; ministack makes it the resource's status reason.
        """
        while True:
            described = self.call("DescribeEndpoint", {"EndpointName": name})
            if described["EndpointStatus"] not in ("Creating", "Updating"):
                break
            time.sleep(POLL_SECONDS)
        if described["EndpointStatus"] != "InService" or described["EndpointConfigName"] != config_name:
            raise ValueError(described.get("FailureReason", "the endpoint did not come into service"))

    def delete_endpoint(self, physical_id: str, properties: dict) -> None:
        """DeleteEndpoint; one that is gone already is no error."""
        try:
            self.call("DeleteEndpoint", {"EndpointName": last_part(physical_id)})
        except ValueError as error:
            if "Could not find" not in str(error):
                raise

    def create_component(self, logical_id: str, properties: dict, stack_name: str) -> tuple[str, dict]:
        """CreateInferenceComponent, and wait for it; one that does not come into service is deleted."""
        name = properties.get("InferenceComponentName") or generated_name(stack_name, logical_id)
        request = {**typed(properties), "InferenceComponentName": name}
        answer = self.call("CreateInferenceComponent", request)
        with deleted_unless_done(self.delete_component, name):
            self.wait_for_component(name)
        return answer["InferenceComponentArn"], {"InferenceComponentName": name}

    def update_component(
        self, physical_id: str, old: dict, new: dict, stack_name: str, *_: Any
    ) -> tuple[str, dict]:
        """UpdateInferenceComponent, and wait for it; the number of copies is the scaling's since the first."""
        name = last_part(physical_id)
        specification = typed(new["Specification"])
        self.call(
            "UpdateInferenceComponent", {"InferenceComponentName": name, "Specification": specification}
        )
        self.wait_for_component(name)
        return physical_id, {"InferenceComponentName": name}

    def wait_for_component(self, name: str) -> None:
        """Returns when a component is in service.

        Raises:
            ValueError: with the failure reason.
        """
        while True:
            described = self.call("DescribeInferenceComponent", {"InferenceComponentName": name})
            if described["InferenceComponentStatus"] not in ("Creating", "Updating"):
                break
            time.sleep(POLL_SECONDS)
        if reason := described.get("FailureReason"):
            raise ValueError(reason)

    def delete_component(self, physical_id: str, properties: dict) -> None:
        """DeleteInferenceComponent; one that is gone already is no error."""
        try:
            self.call("DeleteInferenceComponent", {"InferenceComponentName": last_part(physical_id)})
        except ValueError as error:
            if "Could not find" not in str(error):
                raise

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """An operation of the API; its error becomes the ValueError that ministack expects of a provisioner.

        Raises:
            Refused: when the update names a role that may not.
        """
        if role := ROLE.get():
            self.sagemaker.decisions.require(role, *map(self.with_tags, calls_of(operation, request)))
        try:
            return self.sagemaker.call(operation, request)
        except ServiceError as error:
            raise ValueError(error.message) from error

    def with_tags(self, call: Call) -> Call:
        """A call with the tags of what it names."""
        tags = self.sagemaker.tags.by_arn.get(call.resource, {})
        keys = {f"aws:ResourceTag/{name}": value for name, value in tags.items()}
        return replace(call, context={**call.context, **keys})


@contextmanager
def deleted_unless_done(delete: Callable[[str, dict], None], name: str) -> Iterator[None]:
    """Deletes what was created when the block that waits for it fails."""
    try:
        yield
    except BaseException:
        delete(name, {})
        raise


def generated_name(stack_name: str, logical_id: str) -> str:
    """A physical name like CloudFormation's, within SageMaker's 63 characters."""
    return f"{logical_id[:40]}-{uuid.uuid4().hex[:12]}"


def last_part(name_or_arn: str) -> str:
    """The name in an ARN, or the name itself."""
    return name_or_arn.rsplit("/", 1)[-1]


def typed(properties: Any) -> Any:
    """Properties as the API wants them: CloudFormation carries numbers and booleans as text, and names as ARNs."""
    if isinstance(properties, dict):
        return {
            name: last_part(value)
            if name in ("ModelName", "EndpointName") and isinstance(value, str)
            else typed_value(name, value)
            for name, value in properties.items()
        }
    if isinstance(properties, list):
        return [typed(value) for value in properties]
    return properties


def typed_value(name: str, value: Any) -> Any:
    """One property; a container's variables are text, whatever they look like."""
    if name == "Environment":
        return value
    if isinstance(value, str):
        if value in ("true", "false"):
            return value == "true"
        if (
            name.endswith(("Count", "Weight", "InSeconds", "Percentage", "Required", "InMb"))
            and value.replace(".", "", 1).isdigit()
        ):
            return float(value) if "." in value or name.endswith("Weight") else int(value)
        return value
    return typed(value)
