"""The model registry: groups of numbered model versions with an approval status."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local_aws.sagemaker.errors import ServiceError, validation_error
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.names import Names
from local_aws.sagemaker.shapes import now

PACKAGE_DESCRIBED = (
    "ModelPackageGroupName",
    "ModelPackageDescription",
    "InferenceSpecification",
    "AdditionalInferenceSpecifications",
    "ModelMetrics",
    "CustomerMetadataProperties",
    "MetadataProperties",
    "Domain",
    "Task",
    "ModelCard",
    "DriftCheckBaselines",
)
STATE_CHANGE = "SageMaker Model Package State Change"
TOLD = (
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageStatus",
    "ModelApprovalStatus",
)
# Of the event of a version that has changed: which of its members have.
UPDATED_FIELDS = "UpdatedModelPackageFields"
PROPERTIES = "CustomerMetadataProperties"
TO_REMOVE = "CustomerMetadataPropertiesToRemove"
UPDATABLE = ("ModelApprovalStatus", "ApprovalDescription", PROPERTIES)


class Registry:
    """Groups and versions in memory."""

    def __init__(self, names: Names, tell: Callable[[str, dict[str, Any]], None]) -> None:
        self.names, self.tell = names, tell
        self.groups: dict[str, dict[str, Any]] = {}
        self.packages: dict[str, dict[str, Any]] = {}

    def create_group(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateModelPackageGroup."""
        name = request["ModelPackageGroupName"]
        if name in self.groups:
            raise validation_error(f"Model Package Group already exists: {name}.")
        self.groups[name] = {
            "ModelPackageGroupName": name,
            "ModelPackageGroupArn": self.names.arn("model-package-group", name),
            "ModelPackageGroupDescription": request.get("ModelPackageGroupDescription", ""),
            "CreationTime": now(),
            "CreatedBy": {},
            "ModelPackageGroupStatus": "Completed",
        }
        return {"ModelPackageGroupArn": self.groups[name]["ModelPackageGroupArn"]}

    def describe_group(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeModelPackageGroup; takes a name or an ARN."""
        return self.group(request["ModelPackageGroupName"])

    def group(self, name: str) -> dict[str, Any]:
        """A group by name or ARN."""
        name = name.rsplit("/", 1)[-1]
        if name not in self.groups:
            raise validation_error(
                f"ModelPackageGroup {self.names.arn('model-package-group', name)} does not exist."
            )
        return self.groups[name]

    def delete_group(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteModelPackageGroup; a group with versions is refused, as SageMaker does."""
        name = self.group(request["ModelPackageGroupName"])["ModelPackageGroupName"]
        if self.versions(name):
            raise ServiceError(
                "ConflictException", f"Model Package Group {name} has versions and cannot be deleted."
            )
        del self.groups[name]
        return {}

    def versions(self, group: str) -> list[dict[str, Any]]:
        """The versions of a group, oldest first."""
        return [package for package in self.packages.values() if package["ModelPackageGroupName"] == group]

    def create_package(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateModelPackage in a group: the next version."""
        if "ModelPackageGroupName" not in request:
            raise validation_error(
                "The embedded AWS registers model packages in a group: name a ModelPackageGroupName."
            )
        group = self.group(request["ModelPackageGroupName"])["ModelPackageGroupName"]
        version = max((package["ModelPackageVersion"] for package in self.versions(group)), default=0) + 1
        arn = self.names.arn("model-package", f"{group}/{version}")
        self.packages[arn] = {
            **{name: request[name] for name in PACKAGE_DESCRIBED if name in request},
            "ModelPackageGroupName": group,
            "ModelPackageVersion": version,
            "ModelPackageArn": arn,
            "ModelPackageName": f"{group}/{version}",
            "CreationTime": now(),
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": []},
            "ModelApprovalStatus": request.get("ModelApprovalStatus", "PendingManualApproval"),
        }
        self.tell_of(self.packages[arn])
        return {"ModelPackageArn": arn}

    def tell_of(self, package: dict[str, Any], updated: list[str] | None = None) -> None:
        """Sends EventBridge the event of a version that is new, or whose members `updated` have changed."""
        fields = {} if updated is None else {UPDATED_FIELDS: updated}
        self.tell(STATE_CHANGE, {name: package[name] for name in TOLD} | fields)

    def package(self, name: str) -> dict[str, Any]:
        """A version by ARN."""
        if name not in self.packages:
            raise validation_error(f"ModelPackage {name} does not exist.")
        return self.packages[name]

    def describe_package(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeModelPackage."""
        package = self.package(request["ModelPackageName"])
        return dict(package)

    def update_package(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateModelPackage: approval, its description and properties; those that are not named stay."""
        package = self.package(request["ModelPackageArn"])
        given = {name: request[name] for name in UPDATABLE if name in request}
        if PROPERTIES in request or TO_REMOVE in request:
            removed = request.get(TO_REMOVE, [])
            kept = {name: value for name, value in package.get(PROPERTIES, {}).items() if name not in removed}
            given[PROPERTIES] = kept | request.get(PROPERTIES, {})
        updated = [name for name in given if given[name] != package.get(name)]
        package |= given
        package["LastModifiedTime"] = now()
        self.tell_of(package, updated)
        return {"ModelPackageArn": package["ModelPackageArn"]}

    def list_packages(self, request: dict[str, Any]) -> dict[str, Any]:
        """ListModelPackages, of all groups or of one."""
        group = request.get("ModelPackageGroupName")
        packages = (
            self.versions(self.group(group)["ModelPackageGroupName"]) if group else self.packages.values()
        )
        if wanted := request.get("ModelApprovalStatus"):
            packages = [package for package in packages if package["ModelApprovalStatus"] == wanted]
        listed = (
            "ModelPackageGroupName",
            "ModelPackageVersion",
            "ModelPackageArn",
            "CreationTime",
            "ModelPackageStatus",
            "ModelApprovalStatus",
        )
        summaries = [{name: package[name] for name in listed} for package in packages]
        return page(request, summaries, "ModelPackageSummaryList", "ModelPackageGroupName")

    def list_groups(self, request: dict[str, Any]) -> dict[str, Any]:
        """ListModelPackageGroups."""
        listed = (
            "ModelPackageGroupName",
            "ModelPackageGroupArn",
            "ModelPackageGroupDescription",
            "CreationTime",
            "ModelPackageGroupStatus",
        )
        summaries = [{name: group[name] for name in listed} for group in self.groups.values()]
        return page(request, summaries, "ModelPackageGroupSummaryList", "ModelPackageGroupName")

    def delete_package(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteModelPackage."""
        del self.packages[self.package(request["ModelPackageName"])["ModelPackageArn"]]
        return {}
