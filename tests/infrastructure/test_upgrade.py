"""An upgrade replaces nothing that holds data, models or a name: this synth against a record of an earlier one."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

# The properties whose change makes CloudFormation replace a resource (createOnlyProperties of its own schemas).
CREATE_ONLY = {
    "AWS::KMS::Key": (),
    "AWS::S3::Bucket": ("BucketName", "BucketNamePrefix", "BucketNamespace"),
    "AWS::SageMaker::Endpoint": ("EndpointName",),
    "AWS::SageMaker::ModelPackageGroup": ("ModelPackageGroupName", "ModelPackageGroupDescription"),
    "AWS::SSM::Parameter": ("Name",),
}
EARLIER = json.loads(Path(__file__).with_name("earlier_stateful_resources.json").read_text())


def replaced(earlier: dict[str, dict], templates: dict[str, dict]) -> list[str]:
    """What of an earlier synth an upgrade to `templates` would delete, replace or protect less, in words."""
    replaced_resources = []
    for part, resources in earlier.items():
        for name, before in resources.items():
            after = templates[part]["Resources"].get(name)
            if after is None or after["Type"] != before["type"]:
                replaced_resources.append(f"{part}: {name} is gone")
                continue
            now = {
                key: after["Properties"][key]
                for key in CREATE_ONLY[before["type"]]
                if key in after["Properties"]
            }
            if now != before["create_only"]:
                replaced_resources.append(
                    f"{part}: {name} is replaced, because of {now} for {before['create_only']}"
                )
            # It keeps as Retain does, but for a first creation that failed.
            policy = after.get("DeletionPolicy", "Delete").removesuffix("ExceptOnCreate")
            if policy != before["deletion_policy"]:
                replaced_resources.append(f"{part}: {name} has another deletion policy")
    return replaced_resources


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_nothing_that_holds_something_is_replaced(environment, request):
    """When this fails, an upgrade loses what the resource holds: keep the property, or write a migration."""
    assert replaced(EARLIER[environment], request.getfixturevalue(environment)) == []


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_record_has_everything_that_holds_something(environment, request):
    """When this fails, a new resource that holds something is in no record yet: add it."""
    # A parameter is written anew at each deployment.
    holding = set(CREATE_ONLY) - {"AWS::SSM::Parameter"}
    for part, template in request.getfixturevalue(environment).items():
        recorded = EARLIER[environment].get(part, {}).items()
        assert {name for name, resource in template["Resources"].items() if resource["Type"] in holding} == {
            name for name, entry in recorded if entry["type"] in holding
        }, part


def test_a_version_parameter_keeps_its_name(templates):
    """Its value is the released version: under another name the next deployment would take the endpoint down."""
    assert {"CnnModelVersion", "RnnModelVersion"} <= set(templates["Inference"]["Parameters"])


def changed(templates: dict[str, dict], part: str, name: str, **properties: Any) -> dict[str, dict]:
    """Templates with other properties of a resource."""
    others = copy.deepcopy(templates)
    others[part]["Resources"][name]["Properties"] |= properties
    return others


def test_a_change_that_replaces_is_noticed(dev):
    described = changed(dev, "Training", "CnnModels", ModelPackageGroupDescription="other words")
    assert len(replaced(EARLIER["dev"], described)) == 1
    named = changed(dev, "Storage", "DataBucketE3889A50", BucketName="a-name")
    assert len(replaced(EARLIER["dev"], named)) == 1
    kept = copy.deepcopy(dev)
    kept["Storage"]["Resources"]["DataBucketE3889A50"]["DeletionPolicy"] = "Retain"
    assert replaced(EARLIER["dev"], kept) == ["Storage: DataBucketE3889A50 has another deletion policy"]
    gone = copy.deepcopy(dev)
    del gone["Inference"]["Resources"]["RnnEndpointCB4830AA"]
    assert replaced(EARLIER["dev"], gone) == ["Inference: RnnEndpointCB4830AA is gone"]
