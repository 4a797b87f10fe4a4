"""What a batch transform asks of SageMaker, and which sources it refuses before anything is uploaded."""

from __future__ import annotations

import base64
import json

import pytest
from moto import mock_aws
from PIL import Image

from cli.models import transform
from cli.models.transform_lines import write_lines
from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from local_aws.sagemaker.shapes import Shapes
from model_code.data.columns import Columns
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


def photos(folder):
    """A folder of images as people have them, one of them a phone's."""
    (folder / "holiday").mkdir(parents=True)
    for name in ("a.png", "b.webp", "holiday/c.jpg"):
        Image.new("RGB", (8, 8), (9, 9, 9)).save(folder / name)
    (folder / "d.jpg").write_bytes(b"\0\0\0\x18ftypheic")
    (folder / "._a.png").write_bytes(b"left by a system")
    return folder


def test_photos_of_several_formats_are_sent_as_lines_that_know_their_files(tmp_path, capsys):
    folder = photos(tmp_path / "photos")
    assert transform.wants_lines(str(folder), "cnn", Columns())

    lines = write_lines(folder, "cnn", Columns(), tmp_path)

    assert lines.places == ["a.png", "b.webp", "holiday/c.jpg"]
    sent = [json.loads(line) for line in lines.file.read_text().splitlines()]
    assert [base64.b64decode(one["image"]["b64"])[1:4] for one in sent] == [b"PNG", b"PNG", b"\xd8\xff\xe0"]
    assert "d.jpg is of the format HEIC, which is not read here" in capsys.readouterr().err


def test_a_table_is_sent_by_its_texts_and_needs_no_label(tmp_path):
    table = tmp_path / "reviews.csv"
    table.write_text("id;review\n1;A quiet and moving film\n2;Far too long for me\n")
    assert transform.wants_lines(str(table), "rnn", Columns())

    lines = write_lines(table, "rnn", Columns(), tmp_path)

    sent = [json.loads(line) for line in lines.file.read_text().splitlines()]
    assert sent == [{"text": "A quiet and moving film"}, {"text": "Far too long for me"}]
    assert len(lines.places) == 2


def test_lines_that_are_ready_go_as_they_are_unless_a_column_is_named(tmp_path):
    ready = tmp_path / "a.jsonl"
    ready.write_text('{"text": "one"}\n')

    assert not transform.wants_lines(str(ready), "rnn", Columns())
    assert transform.wants_lines(str(ready), "rnn", Columns(text="review"))


def test_samples_of_another_network_are_refused(tmp_path):
    with pytest.raises(CommandFailed, match="samples of the feature 'image', which the rnn does not read"):
        write_lines(photos(tmp_path / "photos"), "rnn", Columns(), tmp_path)
    with pytest.raises(CommandFailed, match="sent as it is, so no column can be named"):
        transform.require_source("s3://data/transform/a", "rnn", Columns(text="review"))


def test_each_answer_is_under_the_file_that_it_is_of(tmp_path):
    with mock_aws():
        target = Target("dev", VARIABLES)
        target.client("s3").create_bucket(Bucket="answers")
        answers = '{"label": "cat"}\n{"label": "dog"}\n'
        target.client("s3").put_object(Bucket="answers", Key="out/samples.jsonl.out", Body=answers.encode())
        job = transform.Transform("job", "model", "s3://answers/out", ("a.png", "holiday/c.jpg"))

        assert transform.fetch(target, job, tmp_path / "answers.jsonl") == 2

    found = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert [(one["object"], one["label"]) for one in found] == [("a.png", "cat"), ("holiday/c.jpg", "dog")]


def test_who_asks_a_kind_that_does_not_serve_is_told_every_step_to_one_that_does(monkeypatch):
    monkeypatch.setattr(transform, "shared_endpoint", lambda _: None)
    monkeypatch.setattr(transform, "served_model", lambda *_: None)
    monkeypatch.setattr("cli.models.release.versions_of", lambda *_: [])
    monkeypatch.setattr(Target, "client", lambda *_: None)
    with pytest.raises(
        CommandFailed, match=r"(?s)No version of .*train cnn.*release cnn.*release --from FOLDER"
    ):
        transform.released_model(Target("dev"), "cnn")
