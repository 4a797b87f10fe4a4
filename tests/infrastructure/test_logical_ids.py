"""Resources that hold something keep their logical ids: another id would delete the old one and start anew."""

from __future__ import annotations

import json
import re

import pytest

from .conftest import PARTS

KEPT = {
    "Storage": {
        "Key961B73FD": "AWS::KMS::Key",
        "LogBucketCC3B17E8": "AWS::S3::Bucket",
        "DataBucketE3889A50": "AWS::S3::Bucket",
        "ModelBucketB33D855B": "AWS::S3::Bucket",
    },
    "Training": {
        "CnnModels": "AWS::SageMaker::ModelPackageGroup",
        "RnnModels": "AWS::SageMaker::ModelPackageGroup",
    },
    "Inference": {
        "CnnEndpoint6F0CDDC6": "AWS::SageMaker::Endpoint",
        "RnnEndpointCB4830AA": "AWS::SageMaker::Endpoint",
    },
}
TYPES = {kind for resources in KEPT.values() for kind in resources.values()}


@pytest.mark.parametrize("part", PARTS)
def test_what_holds_data_models_or_a_name_that_callers_know_keeps_its_logical_id(templates, part):
    """When this fails, the change deletes data or an endpoint at its next deployment: rename nothing, or migrate."""
    kept = {
        logical_id: resource["Type"]
        for logical_id, resource in templates[part]["Resources"].items()
        if resource["Type"] in TYPES
    }
    assert kept == KEPT.get(part, {})


def test_a_version_parameter_keeps_its_name(templates):
    """Its value is the released version: under another name the next deployment would take the endpoint down."""
    assert {"CnnModelVersion", "RnnModelVersion"} <= set(templates["Inference"]["Parameters"])


def test_any_stack_can_be_deployed_without_those_that_read_from_it(templates):
    """Stacks read each other's parameters by name, so that a producer never waits for its consumers."""
    published = {
        resource["Properties"]["Name"]
        for part in templates
        for resource in templates[part]["Resources"].values()
        if resource["Type"] == "AWS::SSM::Parameter"
    }
    for part in templates:
        others = json.dumps(templates[part])
        assert not re.search(r"Fn::ImportValue|Fn::GetStackOutput", others)
        read = [
            parameter["Default"]
            for parameter in templates[part]["Parameters"].values()
            if parameter["Type"].startswith("AWS::SSM::Parameter::Value")
            and "recognition" in parameter["Default"]
        ]
        assert set(read) <= published
