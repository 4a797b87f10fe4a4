"""Whatever fails, every object of a bulk run ends in exactly one of done and failed, and is charged once."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from PIL import Image

from lambdas.bulk.asking import OPERATIONS, runs_in_bulk
from lambdas.bulk.batch import Worker
from lambdas.bulk.outcomes import count
from lambdas.bulk.rate_limiter import QueueTooLong
from lambdas.bulk.work import rate_limiter_of, work
from lambdas.catalogue import OPERATIONS as CATALOGUE
from lambdas.catalogue import examples
from lambdas.custom import operations as custom
from lambdas.vision import operations as vision

from .conftest import BUCKET, PLAIN, PRICE
from .looking import TEXTS, codes, lines_of, messages, plenty

EXAMPLES = examples()
REKOGNITION = {"rekognition.image.group1": 0.001, "rekognition.image.group2": 0.001}


def test_texts_are_asked_about_25_at_a_time_and_each_has_a_line_with_its_version(
    worker, batch, comprehend, keys
):
    assert work(worker, batch(TEXTS), plenty) == {"done": 60, "failed": 0}
    assert [size for _, size in comprehend.calls] == [25, 25, 10]
    lines = lines_of(worker, keys)
    assert list(codes(lines)) == list(TEXTS)
    for line in lines:
        assert (line["outcome"], line["results"][0]["label"], line["backend"]) == (
            "done",
            "positive",
            "comprehend",
        )
        assert line["version_id"] and line["etag"]
        assert line["cost"] == {"units": 3, "unit": "100 characters", "usd": pytest.approx(3 * PRICE)}
    assert messages(worker) == []


def test_calls_are_made_at_the_deployments_pace(worker, batch, comprehend):
    work(worker, batch(TEXTS), plenty)
    times = [time for time, _ in comprehend.calls]
    assert [round(time - times[0], 6) for time in times] == [0.0, 0.2, 0.4]


def test_a_throttled_call_with_an_empty_text_in_it_is_made_again_for_the_others(
    worker, batch, comprehend, keys
):
    comprehend.faults = {"ThrottlingException": 1.0}
    comprehend.dice = SimpleNamespace(random=iter([0.0, 2.0]).__next__)
    texts = {"empty.txt": " ", **dict(list(TEXTS.items())[:24])}
    assert work(worker, batch(texts), plenty) == {"done": 24, "failed": 1}
    assert codes(lines_of(worker, keys)) == {"empty.txt": "EmptyText"} | dict.fromkeys(
        list(texts)[1:], "done"
    )


def test_a_poisoned_object_fails_alone(worker, batch, comprehend, keys):
    texts = {**dict(list(TEXTS.items())[:3]), "empty.txt": " ", "bytes.txt": "bad", "long.txt": "x" * 5_001}
    comprehend.poisoned = {TEXTS["001.txt"]}
    made = batch(texts)
    raw = worker.s3.put_object(Bucket=BUCKET, Key=made.objects[4]["key"], Body=b"caf\xe9")
    made.objects[4]["etag"] = raw["ETag"].strip('"')
    assert work(worker, made, plenty) == {"done": 2, "failed": 4}
    assert codes(lines_of(worker, keys)) == {
        "000.txt": "done",
        "001.txt": "InvalidText",
        "002.txt": "done",
        "empty.txt": "EmptyText",
        "bytes.txt": "InvalidUtf8",
        "long.txt": "ObjectTooLarge",
    }
    (told,) = messages(worker)
    assert (told["failed"], told["outcomes"]) == (4, keys.outcome(1))
    assert "Text number" not in json.dumps(told) and "secret" not in json.dumps(lines_of(worker, keys))


@pytest.mark.parametrize(
    "faults",
    [
        {"ThrottlingException": 0.5},
        {"InternalServerException": 0.5},
        {"reset": 0.5},
        {"ExpiredTokenException": 0.5},
        {"ThrottlingException": 0.2, "InternalServerException": 0.2, "reset": 0.2},
    ],
    ids=["throttled", "server errors", "connection resets", "expired tokens", "all of them"],
)
def test_passing_faults_cost_time_and_nothing_else(worker, batch, comprehend, keys, faults):
    comprehend.faults = faults
    counts = work(worker, batch(TEXTS), plenty)
    lines = lines_of(worker, keys)
    assert counts["done"] + counts["failed"] == len(lines) == 60
    done = {line["key"] for line in lines if line["outcome"] == "done"}
    assert sum(comprehend.charged.values()) == len(done) == counts["done"] >= 25
    assert set(comprehend.charged.values()) == {1}


def test_a_throttle_makes_every_worker_wait(worker, batch, comprehend, clock):
    comprehend.faults = {"ThrottlingException": 1.0}
    began = clock.seconds
    assert work(worker, batch({"a.txt": "A text."}), plenty) == {"done": 0, "failed": 1}
    assert len(comprehend.calls) == 5
    assert clock.seconds - began >= 4


def test_what_the_time_does_not_suffice_for_is_failed_and_not_lost(worker, batch, comprehend, keys, clock):
    began = clock.seconds
    counts = work(worker, batch(TEXTS), lambda: 40.3 - (clock.seconds - began))
    assert counts == {"done": 50, "failed": 10}
    assert set(codes(lines_of(worker, keys)).values()) == {"done", "NotAsked"}


def test_a_batch_that_has_to_wait_too_long_comes_back_and_was_not_charged(worker, batch, comprehend, keys):
    slow = Worker(**{**vars(worker), "calls_per_second": {"*": 0.01}})
    work(slow, batch({"a.txt": "One."}, number=1), plenty)
    with pytest.raises(QueueTooLong):
        work(slow, batch({"b.txt": "Two."}, number=2), plenty)
    assert comprehend.charged == {"One.": 1}
    assert count(worker, keys, 2) == {"objects": 2, "done": 1, "failed": 0, "missing": 1}


def test_the_rate_is_of_what_is_called_the_batch_operation_where_there_is_one(worker, batch):
    rates = {"*": 5.0, "DetectSentiment": 20.0, "BatchDetectSentiment": 2.0}
    operation = batch({"a.txt": "One."}).operation
    assert rate_limiter_of(replace(worker, calls_per_second=rates), operation).calls_per_second == 2.0


def test_pictures_are_asked_about_one_by_one(worker, batch, keys, monkeypatch):
    class Rekognition:
        def detect_faces(self, Image):
            return {"FaceDetails": [], "ResponseMetadata": PLAIN}

    monkeypatch.setattr(vision, "client", lambda _: Rekognition())
    buffer = io.BytesIO()
    Image.new("RGB", (90, 90)).save(buffer, "PNG")
    monkeypatch.setenv("PRICES_USD", json.dumps(REKOGNITION))
    made = batch({"a.png": "", "b.png": "no picture"}, operation="image-faces")
    put = worker.s3.put_object(Bucket=BUCKET, Key=made.objects[0]["key"], Body=buffer.getvalue())
    made.objects[0]["etag"] = put["ETag"].strip('"')
    assert work(worker, made, plenty) == {"done": 1, "failed": 1}
    assert codes(lines_of(worker, keys)) == {"a.png": "done", "b.png": "NotAnImage"}


def test_pairs_and_sequences_are_objects_of_the_json_that_the_api_takes(worker, batch, keys, monkeypatch):
    asked = []

    class Rekognition:
        def compare_faces(self, **request):
            asked.append(request)
            return {"FaceMatches": [], "ResponseMetadata": PLAIN}

    monkeypatch.setattr(vision, "client", lambda _: Rekognition())
    image = base64.b64decode(EXAMPLES["image-compare-faces"]["body"]["source"])
    texts = {
        "pair.json": json.dumps(EXAMPLES["image-compare-faces"]["body"]),
        "half.json": json.dumps({"source": EXAMPLES["image-compare-faces"]["body"]["source"]}),
    }
    monkeypatch.setenv("PRICES_USD", json.dumps(REKOGNITION))
    made = batch(texts, operation="image-compare-faces", query={"similarity_threshold": "0.9"})
    assert work(worker, made, plenty) == {"done": 1, "failed": 1}
    assert codes(lines_of(worker, keys)) == {"pair.json": "done", "half.json": "InvalidRequest"}
    (request,) = asked
    assert (request["SourceImage"], request["SimilarityThreshold"]) == ({"Bytes": image}, 90.0)

    class Endpoint:
        def invoke_endpoint(self, **request):
            asked.append(request)
            content = json.dumps({"predictions": [{"probabilities": {"walking": 1.0}}]}).encode()
            return {"Body": io.BytesIO(content)}

    monkeypatch.setattr(custom, "client", lambda _: Endpoint())
    monkeypatch.setenv("RNN_ENDPOINT_NAME", "recognition-dev-rnn")
    steps = {"walk.json": '{"sequence": [[1.0, 2.0]]}', "stumble.json": '{"sequence": [[1.0], [1.0, 2.0]]}'}
    made = batch(steps, operation="sequence-class", limit_usd=None, number=2)
    assert work(worker, made, plenty) == {"done": 1, "failed": 1}
    assert codes(lines_of(worker, keys, 2)) == {"walk.json": "done", "stumble.json": "InvalidSequence"}
    assert asked[-1]["ContentType"] == "application/json"


def test_every_operation_runs_in_bulk_but_those_on_many_texts_which_it_uses_itself():
    names = {name for name, operation in OPERATIONS.items() if runs_in_bulk(operation)}
    assert names == {operation.name for operation in CATALOGUE if not operation.name.endswith("-batch")} - {
        "advise",
        "labels",
    }
