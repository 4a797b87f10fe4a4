"""No member of a request to the embedded SageMaker is dropped in silence: the table says what becomes of each."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.model import Shape

from local_aws.keys import Keys
from local_aws.members import RECORDED, REFUSED
from local_aws.sagemaker import members as table_module
from local_aws.sagemaker.errors import ServiceError
from local_aws.sagemaker.members import TABLE
from local_aws.sagemaker.service import SageMaker
from local_aws.sagemaker.shapes import Shapes

SHAPES = Shapes("sagemaker")
ROLE = "arn:aws:iam::000000000000:role/of-the-tests"
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.21-cpu-py312"
S3_URI = "s3://bucket/key"


@pytest.fixture(scope="module")
def sagemaker(tmp_path_factory) -> Iterator[SageMaker]:
    """A service without a place for jobs: they are described and never run."""
    folder = tmp_path_factory.mktemp("sagemaker")
    record = folder / "permissions.jsonl"
    made = SageMaker(folder, "http://127.0.0.1:9", Keys.made(), record, concurrent_jobs=0)
    # IAM, which would know the role, is not running here.
    made.decisions.may_assume = lambda *_: True
    made.call("CreateModelPackageGroup", {"ModelPackageGroupName": "group"})
    made.call(
        "CreateModel", {"ModelName": "model", "PrimaryContainer": {"Image": IMAGE}, "ExecutionRoleArn": ROLE}
    )
    variant = {"VariantName": "primary", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    config = {"EndpointConfigName": "empty", "ProductionVariants": [variant], "ExecutionRoleArn": ROLE}
    made.call("CreateEndpointConfig", config)
    made.call("CreateEndpoint", {"EndpointName": "empty", "EndpointConfigName": "empty"})
    while made.call("DescribeEndpoint", {"EndpointName": "empty"})["EndpointStatus"] != "InService":
        time.sleep(0.01)
    yield made
    made.close()


def below(shape: Shape, path: str = "", above: tuple[str, ...] = ()) -> Iterator[tuple[str, Shape]]:
    """Every member of a shape that has no members itself, with its path."""
    if shape.name in above:
        return
    if shape.type_name == "structure" and shape.members:
        for name, member in shape.members.items():
            yield from below(member, f"{path}.{name}".lstrip("."), (*above, shape.name))
    elif shape.type_name == "list":
        yield from below(shape.member, f"{path}[]", above)
    else:
        yield path, shape


def members_of(operation: str) -> dict[str, Shape]:
    """Every member of an operation's request."""
    shape = SHAPES.model.operation_model(operation).input_shape
    return dict(below(shape)) if shape else {}


def sample(operation: str, path: str, shape: Shape) -> Any:
    """A value that the service takes of a member."""
    if path in TABLE[operation].values:
        return TABLE[operation].values[path][0]
    if shape.type_name == "map":
        return {"key": "value"}
    if shape.type_name == "structure":
        return {}
    if shape.type_name == "string":
        return (shape.enum or ["a"])[0] if "Uri" not in path and "S3" not in path else S3_URI
    samples = {"integer": 1, "long": 1, "float": 1.0, "double": 1.0, "boolean": True, "timestamp": 0.0}
    return samples[shape.type_name]


def with_member(request: Any, path: str, value: Any) -> Any:
    """A request with one member more."""
    name, _, rest = path.partition(".")
    if name.endswith("[]"):
        given = (request or {}).get(name[:-2]) or [{}]
        first = with_member(given[0], rest, value) if rest else value
        return {**(request or {}), name[:-2]: [first, *given[1:]]}
    return {**(request or {}), name: with_member((request or {}).get(name), rest, value) if rest else value}


def values_at(answer: Any, path: str) -> list[Any]:
    """What an answer has at a path."""
    name, _, rest = path.partition(".")
    values = answer.get(name.removesuffix("[]")) if isinstance(answer, dict) else None
    values = values if name.endswith("[]") and isinstance(values, list) else [values]
    return [leaf for each in values for leaf in values_at(each, rest)] if rest else list(values)


def test_every_operation_is_in_the_table(sagemaker):
    assert set(TABLE) == set(sagemaker.operations)


@pytest.mark.parametrize("operation", sorted(TABLE))
def test_the_table_names_members_that_there_are(operation):
    above = {part for path in members_of(operation) for part in prefixes(path)}
    entry = TABLE[operation]
    assert (entry.honoured | entry.recorded | set(entry.values)) <= above


def prefixes(path: str) -> Iterator[str]:
    """A path and all above it."""
    parts = re.split(r"(?=\[\])|\.", path)
    text = ""
    for part in parts:
        text = f"{text}{part}" if part == "[]" else f"{text}.{part}".lstrip(".")
        yield text


@pytest.mark.parametrize("operation", sorted(TABLE))
def test_a_member_that_the_table_does_not_name_is_refused_by_its_name(sagemaker, operation):
    for path, shape in members_of(operation).items():
        if TABLE[operation].fate(path) != REFUSED:
            continue
        request = with_member({}, path, sample(operation, path, shape))
        (refusal,) = TABLE[operation].refusals(request)
        assert path in refusal


@pytest.mark.parametrize("operation", [name for name, entry in TABLE.items() if entry.values])
def test_a_value_that_the_table_does_not_name_is_refused(operation):
    for path, taken in TABLE[operation].values.items():
        (refusal,) = TABLE[operation].refusals(with_member({}, path, "another"))
        assert str(taken[0]) in refusal


def test_a_refused_member_is_a_validation_error_that_names_it(sagemaker):
    request = {**REQUESTS["CreateTrainingJob"][1], "ExperimentConfig": {"ExperimentName": "one"}}
    with pytest.raises(ServiceError, match="does nothing with ExperimentConfig.ExperimentName") as refused:
        sagemaker.call("CreateTrainingJob", request)
    assert refused.value.code == "ValidationException"


@pytest.mark.parametrize("operation", sorted(TABLE))
def test_what_is_honoured_is_in_the_code(operation):
    folder = Path(table_module.__file__).parent
    code = "".join(file.read_text() for file in folder.glob("*.py") if file.name != "members.py")
    # Where one value alone is taken, it is what is done.
    honoured = TABLE[operation].honoured - set(TABLE[operation].values)
    names = {path.removesuffix("[]").rpartition(".")[2] for path in honoured}
    assert not {name for name in names if name not in code}


CLUSTER = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
S3_SOURCE = {"S3DataType": "S3Prefix", "S3Uri": S3_URI}
VARIANT = {"VariantName": "a", "ModelName": "model", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
# The least that an operation takes, and the operation that tells of it.
REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "CreateTrainingJob": (
        "DescribeTrainingJob",
        {
            "TrainingJobName": "new",
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": S3_URI},
            "ResourceConfig": CLUSTER,
            "StoppingCondition": {"MaxRuntimeInSeconds": 1},
        },
    ),
    "CreateProcessingJob": (
        "DescribeProcessingJob",
        {
            "ProcessingJobName": "new",
            "RoleArn": ROLE,
            "AppSpecification": {"ImageUri": IMAGE},
            "ProcessingResources": {"ClusterConfig": CLUSTER},
        },
    ),
    "CreateTransformJob": (
        "DescribeTransformJob",
        {
            "TransformJobName": "new",
            "ModelName": "model",
            "TransformInput": {"DataSource": {"S3DataSource": S3_SOURCE}},
            "TransformOutput": {"S3OutputPath": S3_URI},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        },
    ),
    "CreateModelPackageGroup": ("DescribeModelPackageGroup", {"ModelPackageGroupName": "new"}),
    "CreateModelPackage": ("DescribeModelPackage", {"ModelPackageGroupName": "group"}),
    "UpdateModelPackage": ("DescribeModelPackage", {}),
    "CreateModel": ("DescribeModel", {"ModelName": "new", "PrimaryContainer": {"Image": IMAGE}}),
    "CreateEndpointConfig": (
        "DescribeEndpointConfig",
        {"EndpointConfigName": "new", "ProductionVariants": [VARIANT], "ExecutionRoleArn": ROLE},
    ),
    "CreateEndpoint": ("DescribeEndpoint", {"EndpointName": "new", "EndpointConfigName": "empty"}),
    "CreateInferenceComponent": (
        "DescribeInferenceComponent",
        {
            "InferenceComponentName": "new",
            "EndpointName": "empty",
            "Specification": {"ModelName": "model"},
            "RuntimeConfig": {"CopyCount": 0},
        },
    ),
}


NUMBERS = itertools.count()


def named(describe: str, request: dict[str, Any]) -> dict[str, Any]:
    """A request for a thing of a name that no other has."""
    name = f"{describe.removeprefix('Describe')}Name"
    return {**request, name: f"new-{next(NUMBERS)}"} if request.get(name) == "new" else request


@pytest.mark.parametrize("operation", sorted(REQUESTS))
def test_what_is_recorded_is_told_again(sagemaker, operation):
    describe, least = REQUESTS[operation]
    if operation == "UpdateModelPackage":
        (arn,) = sagemaker.call("CreateModelPackage", {"ModelPackageGroupName": "group"}).values()
        least = {"ModelPackageArn": arn}
    for path, shape in members_of(operation).items():
        if TABLE[operation].fate(path) != RECORDED or "Tags" in path:
            continue
        value = sample(operation, path, shape)
        request = with_member(named(describe, least), path, value)
        # Not `call`: with one member alone of several that belong together no request is whole.
        answer = sagemaker.operations[operation](request)
        asked = next(iter(members_of(describe)))
        (arn,) = answer.values()
        described = sagemaker.operations[describe]({asked: request.get(asked, arn)})
        assert value in values_at(described, path.removesuffix("[]")) or [value] in values_at(
            described, path.removesuffix("[]")
        ), path


@pytest.mark.parametrize("operation", [name for name in sorted(TABLE) if "Tags" in TABLE[name].recorded])
def test_tags_are_told_again(sagemaker, operation):
    describe, least = REQUESTS[operation]
    tags = [{"Key": "project", "Value": "one"}]
    (arn,) = sagemaker.call(operation, {**named(describe, least), "Tags": tags}).values()
    assert sagemaker.call("ListTags", {"ResourceArn": arn}) == {"Tags": tags}
    sagemaker.call("DeleteTags", {"ResourceArn": arn, "TagKeys": ["project"]})
    assert sagemaker.call("ListTags", {"ResourceArn": arn}) == {"Tags": []}


@pytest.mark.parametrize(
    ("operation", "header", "member"),
    [
        ("InvokeEndpoint", "x-amzn-sagemaker-enable-explanations", "EnableExplanations"),
        ("InvokeEndpoint", "x-amzn-sagemaker-target-variant", "TargetVariant"),
        ("InvokeEndpointAsync", "x-amzn-sagemaker-requestttlseconds", "RequestTTLSeconds"),
    ],
)
def test_a_header_that_nothing_comes_of_is_refused_by_its_member(sagemaker, operation, header, member):
    with pytest.raises(ServiceError, match=f"does nothing with {member}"):
        sagemaker.require_known_headers(operation, {"content-type": "text/plain", header: "1"})


def test_the_headers_of_an_ordinary_invocation_are_taken(sagemaker):
    asked = {"content-type": "text/plain", "accept": "*/*", "x-amzn-sagemaker-custom-attributes": "a"}
    sagemaker.require_known_headers("InvokeEndpoint", asked)
