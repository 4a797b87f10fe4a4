"""What an update of a registered version changes, and which of its event's members say so."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.sagemaker.names import Names
from local_aws.sagemaker.registry import UPDATED_FIELDS, Registry


@pytest.fixture
def told() -> list[dict[str, Any]]:
    """What EventBridge was told."""
    return []


@pytest.fixture
def registry(told) -> Registry:
    """A registry with one version that waits for its approval."""
    made = Registry(Names(), lambda _, detail: told.append(detail))
    made.create_group({"ModelPackageGroupName": "g"})
    made.create_package({"ModelPackageGroupName": "g"})
    return made


def update(registry: Registry, **members: Any) -> None:
    (arn,) = registry.packages
    registry.update_package({"ModelPackageArn": arn, **members})


def properties(registry: Registry) -> dict[str, str]:
    (package,) = registry.packages.values()
    return package["CustomerMetadataProperties"]


def test_a_new_version_has_no_updated_fields(registry, told):
    (event,) = told
    assert (event["ModelApprovalStatus"], UPDATED_FIELDS in event) == ("PendingManualApproval", False)


def test_an_approval_says_that_the_approval_has_changed(registry, told):
    update(registry, ModelApprovalStatus="Approved", ApprovalDescription="it is good")
    assert told[-1][UPDATED_FIELDS] == ["ModelApprovalStatus", "ApprovalDescription"]


def test_an_edit_of_an_approved_version_says_that_something_else_has_changed(registry, told):
    update(registry, ModelApprovalStatus="Approved")
    update(registry, ModelApprovalStatus="Approved", CustomerMetadataProperties={"note": "looked at again"})
    assert told[-1]["ModelApprovalStatus"] == "Approved"
    assert told[-1][UPDATED_FIELDS] == ["CustomerMetadataProperties"]


def test_properties_that_an_update_does_not_name_stay(registry, told):
    """As the members CustomerMetadataProperties and CustomerMetadataPropertiesToRemove want."""
    update(registry, CustomerMetadataProperties={"run_id": "one", "note": "old"})
    update(registry, CustomerMetadataProperties={"note": "new"}, ApprovalDescription="looked at")
    assert properties(registry) == {"run_id": "one", "note": "new"}
    assert told[-1][UPDATED_FIELDS] == ["ApprovalDescription", "CustomerMetadataProperties"]


def test_properties_go_where_an_update_removes_them(registry, told):
    update(registry, CustomerMetadataProperties={"run_id": "one", "note": "old"})
    update(registry, CustomerMetadataPropertiesToRemove=["note"])
    assert properties(registry) == {"run_id": "one"}
    assert told[-1][UPDATED_FIELDS] == ["CustomerMetadataProperties"]


def test_an_update_that_changes_no_property_says_so(registry, told):
    update(registry, CustomerMetadataProperties={"run_id": "one"})
    update(registry, CustomerMetadataProperties={"run_id": "one"}, CustomerMetadataPropertiesToRemove=["x"])
    assert told[-1][UPDATED_FIELDS] == []
