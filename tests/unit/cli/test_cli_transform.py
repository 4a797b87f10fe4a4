"""What a batch transform asks of SageMaker, and which sources it refuses before anything is uploaded."""

from __future__ import annotations

import pytest

from cli.models import transform
from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from local_aws.sagemaker.shapes import Shapes
from stacks.settings.inference import TransformSettings

VARIABLES = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
KEY = "arn:aws:kms:us-east-1:000000000000:key/1"


def request_for(content_type: str, instance_type: str = "ml.c5.xlarge") -> dict:
    settings = TransformSettings(instance_type=instance_type)
    return transform.job_request("rnn-1", "model", content_type, "s3://b/in/", "s3://b/out", KEY, settings)


@pytest.mark.parametrize(
    ("content_type", "split"),
    [("application/jsonlines", "Line"), ("text/plain", "None"), ("image/png", "None")],
)
def test_lines_are_asked_together_and_other_files_each_by_itself(content_type, split):
    request = request_for(content_type)
    Shapes("sagemaker").check_request("CreateTransformJob", request)
    assert request["TransformInput"]["SplitType"] == split
    assert request.get("BatchStrategy") == ("MultiRecord" if split == "Line" else None)
    # CreateTransformJob, MaxPayloadInMB: what is on its way at a time may come to 100 MB.
    assert (
        request["MaxPayloadInMB"] * TransformSettings.model_fields["concurrent_requests_per_instance"].default
        <= 100
    )


def test_answers_and_volumes_are_under_the_key_but_for_disks_that_take_none():
    assert request_for("text/plain")["TransformOutput"]["KmsKeyId"] == KEY
    assert request_for("text/plain")["TransformResources"]["VolumeKmsKeyId"] == KEY
    assert "VolumeKmsKeyId" not in request_for("text/plain", "ml.g5.xlarge")["TransformResources"]


def test_a_gpu_gets_the_host_that_starts_the_image_and_others_the_usual_one():
    on_gpu = request_for("text/plain", "ml.g5.xlarge")
    Shapes("sagemaker").check_request("CreateTransformJob", on_gpu)
    assert on_gpu["TransformResources"]["TransformAmiVersion"] == "al2-ami-sagemaker-batch-gpu-535"
    assert "TransformAmiVersion" not in request_for("text/plain")["TransformResources"]


@pytest.mark.parametrize(
    ("names", "kind", "said"),
    [
        (["a.jsonl", "b.txt"], "rnn", "here are: .jsonl, .txt"),
        (["a.png"], "rnn", "here are: .png"),
        (["a.txt"], "cnn", "here are: .txt"),
        (["README"], "rnn", "files without an ending"),
        ([], "rnn", "here are: none"),
    ],
)
def test_files_that_one_job_cannot_take_are_refused(names, kind, said):
    with pytest.raises(CommandFailed, match=said):
        transform.content_type_of(names, kind)


def test_endings_that_mean_the_same_go_together():
    assert transform.content_type_of(["a.jpg", "b.JPEG"], "cnn") == "image/jpeg"


def test_a_source_that_no_job_may_read_is_refused():
    target = Target("dev", VARIABLES)
    with pytest.raises(CommandFailed, match="reads below s3://data/transform/ alone"):
        transform.names_below(target, "s3://data/captured/", "data")
    with pytest.raises(CommandFailed, match="no file or folder"):
        transform.local_names(transform.Path("nowhere"))
