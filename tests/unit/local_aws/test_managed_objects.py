"""A request to Rekognition may name an object of S3 wherever it may have bytes."""

from __future__ import annotations

import base64
import io
import json

import boto3
import pytest
from moto import mock_aws
from PIL import Image

from local_aws.iam.calls import Call
from local_aws.managed.objects import with_objects
from local_aws.managed.pictures import read_image
from local_aws.managed.service import Refused


@pytest.fixture
def clients(monkeypatch):
    """Makes clients of an S3 with one picture in it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "of-the-tests")
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="pictures")
        content = io.BytesIO()
        Image.new("RGB", (100, 90)).save(content, "PNG")
        s3.put_object(Bucket="pictures", Key="one.png", Body=content.getvalue())
        yield lambda service: s3


def body_with(**images: dict) -> bytes:
    """A request's body."""
    return json.dumps({name: {"S3Object": place} for name, place in images.items()}).encode()


def anything(call: Call) -> bool:
    """The rights of a caller who may do everything."""
    return True


def test_an_object_is_read_with_the_rights_of_who_asks(clients):
    asked = []
    place = {"Bucket": "pictures", "Name": "one.png"}
    with pytest.raises(Refused, match="access permissions") as refused:
        with_objects(body_with(Image=place), clients, lambda call: asked.append(call) or False)
    assert refused.value.code == "InvalidS3ObjectException"
    assert asked == [Call("s3:GetObject", "arn:aws:s3:::pictures/one.png")]


def test_a_version_of_an_object_wants_a_right_of_its_own(clients):
    place = {"Bucket": "pictures", "Name": "one.png", "Version": "null"}
    with pytest.raises(Refused, match="access permissions"):
        with_objects(body_with(Image=place), clients, lambda call: call.action != "s3:GetObjectVersion")


def test_every_image_of_a_request_may_be_an_object(clients):
    place = {"Bucket": "pictures", "Name": "one.png"}
    request = json.loads(with_objects(body_with(SourceImage=place, TargetImage=place), clients, anything))
    for name in ("SourceImage", "TargetImage"):
        assert read_image("CompareFaces", request, name).size == (100, 90)


def test_an_object_that_is_not_there_is_refused_in_rekognitions_words(clients):
    with pytest.raises(Refused, match="Unable to get object metadata from S3") as refused:
        with_objects(body_with(Image={"Bucket": "pictures", "Name": "two.png"}), clients, anything)
    assert refused.value.code == "InvalidS3ObjectException"


def test_an_object_may_be_larger_than_bytes_are(clients):
    content = io.BytesIO()
    Image.new("RGB", (1500, 1500)).save(content, "PNG", compress_level=0)
    assert len(content.getvalue()) > 5 * 1024 * 1024
    encoded = base64.b64encode(content.getvalue()).decode()
    assert read_image("DetectLabels", {"Image": {"S3Object": {"Bytes": encoded}}}).size == (1500, 1500)
    with pytest.raises(Refused, match="more than 5242880 bytes"):
        read_image("DetectLabels", {"Image": {"Bytes": encoded}})
