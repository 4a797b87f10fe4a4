"""Labels told to the API: checked, left once for the daily job under the network's name, and repeated nowhere."""

from __future__ import annotations

import json

import pytest
from botocore.stub import ANY

from definitions.labels import LABEL_CHARACTERS, LABELS_AT_MOST
from model_code.evaluation.truth import labels_below

from .conftest import REQUEST_ID


class Bucket:
    """S3's part that is written to."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:
        assert Bucket == "data"
        assert Key not in self.objects
        self.objects[Key] = Body


@pytest.fixture
def bucket(monkeypatch) -> Bucket:
    from lambdas.custom import later_labels

    made = Bucket()
    monkeypatch.setattr(later_labels, "client", lambda _: made)
    return made


@pytest.fixture
def tell(call):
    def send(members: object, function: str = "custom") -> tuple[int, dict]:
        status, answer, _ = call(function, "/labels", json.dumps(members).encode(), "application/json")
        return status, answer

    return send


def joined(bucket: Bucket, folder) -> dict[str, str]:
    """What the daily job reads of all that was left."""
    for key, content in bucket.objects.items():
        file = folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return labels_below(folder)


@pytest.mark.parametrize(
    ("operation", "endpoint"),
    [
        ("image-class", "recognition-dev-cnn"),
        ("text-class", "recognition-dev-rnn"),
        ("sequence-class", "recognition-dev-rnn"),
    ],
)
def test_labels_lie_where_the_job_of_the_network_that_answered_reads_them(
    tell, bucket, tmp_path, operation, endpoint
):
    told = {REQUEST_ID: "horse", "order 7#2": "Bär\n, brown"}
    status, answer = tell({"operation": operation, "labels": told})
    assert (status, answer["labels"], answer["compared_after_days"]) == (200, 2, 7)
    (key,) = bucket.objects
    assert key.startswith(f"labels/{endpoint}/20")
    assert joined(bucket, tmp_path) == told


def test_a_label_told_twice_is_one_and_another_takes_its_place(tell, bucket, tmp_path):
    for label in ("horse", "horse", "cat"):
        assert tell({"operation": "image-class", "labels": {REQUEST_ID: label}})[0] == 200
    assert joined(bucket, tmp_path) == {REQUEST_ID: "cat"}


@pytest.mark.parametrize(
    ("members", "field", "says"),
    [
        ({"labels": {"a": "b"}}, "operation", "is missing"),
        ({"operation": "image-class"}, "labels", "is missing"),
        ({"operation": "image-labels", "labels": {"a": "b"}}, "operation", "image-class, text-class"),
        ({"operation": 1, "labels": {"a": "b"}}, "operation", "has to be a text"),
        ({"operation": "image-class", "labels": {}}, "labels", "1 to 1,000"),
        ({"operation": "image-class", "labels": [["a", "b"]]}, "labels", "an object"),
        ({"operation": "image-class", "labels": {"a": "b", "": "b"}}, "labels", "Member 2"),
        ({"operation": "image-class", "labels": {"secret\n": "b"}}, "labels", "Member 1"),
        ({"operation": "image-class", "labels": {"s" * 73: "b"}}, "labels", "72 printable"),
        ({"operation": "image-class", "labels": {"a": " "}}, "labels", "256 characters"),
        ({"operation": "image-class", "labels": {"a": 7}}, "labels", "256 characters"),
        ({"operation": "image-class", "labels": {"a": "s" * (LABEL_CHARACTERS + 1)}}, "labels", "256"),
        ({"operation": "image-class", "labels": {"a": "\ud800"}}, "labels", "surrogate"),
        (
            {"operation": "image-class", "labels": dict.fromkeys(map(str, range(LABELS_AT_MOST + 1)), "a")},
            "labels",
            "1 to 1,000",
        ),
        ({"operation": "image-class", "labels": {"a": "b"}, "label": "b"}, "body", "not one of"),
    ],
)
def test_what_is_no_label_is_refused_by_its_field_and_nothing_is_left(tell, bucket, members, field, says):
    status, answer = tell(members)
    assert (status, answer["error"]["code"], answer["error"]["field"]) == (400, "InvalidRequest", field)
    assert says in answer["error"]["message"]
    assert "secret" not in answer["error"]["message"]
    assert bucket.objects == {}


def test_an_id_that_one_body_names_twice_is_refused_and_nothing_is_left(call, bucket):
    body = b'{"operation": "image-class", "labels": {"secret": "horse", "secret": "cat"}}'
    status, answer, _ = call("custom", "/labels", body, "application/json")
    assert (status, answer["error"]["code"], answer["error"]["field"]) == (400, "MalformedJson", "body")
    assert answer["error"]["message"] == (
        "The body has an object that names a member more than once: name each once."
    )
    assert bucket.objects == {}


@pytest.mark.parametrize("function", ["custom", "litert"])
def test_where_nothing_joins_labels_with_answers_they_are_not_taken(tell, bucket, monkeypatch, function):
    monkeypatch.delenv("LABELS_BUCKET")
    status, answer = tell({"operation": "image-class", "labels": {REQUEST_ID: "horse"}}, function)
    assert (status, answer["error"]["code"], bucket.objects) == (501, "NoLabelsJoined", {})


def test_neither_an_id_nor_a_label_is_logged(tell, service, capsys):
    service("s3").add_response("put_object", {}, {"Bucket": "data", "Key": ANY, "Body": ANY})
    assert tell({"operation": "image-class", "labels": {"secret-id": "secret label"}})[0] == 200
    service("s3").add_client_error("put_object", "AccessDenied", "no secret for you")
    status, answer = tell({"operation": "image-class", "labels": {"secret-id": "secret label"}})
    told = capsys.readouterr()
    assert status >= 500
    assert "secret" not in json.dumps(answer) + told.out + told.err
    assert '"labels"' in told.out
