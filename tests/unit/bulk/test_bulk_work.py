"""Whatever fails, every object of a bulk run ends in exactly one of done and failed, and is charged once."""

from __future__ import annotations

import base64
import io
import json
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from PIL import Image

from lambdas.bulk.asking import OPERATIONS, runs_in_bulk
from lambdas.bulk.attempt_keys import PlaceRefused
from lambdas.bulk.rate_limiter import QueueTooLong
from lambdas.bulk.work import CLOSING_SECONDS, Worker, count, give_up, rate_limiter_of, work
from lambdas.catalogue import OPERATIONS as CATALOGUE
from lambdas.catalogue import examples
from lambdas.common.budget import PER_USD
from lambdas.custom import operations as custom
from lambdas.vision import operations as vision

from .conftest import BUCKET, PLAIN, PRICE, aws_error

TEXTS = {f"{number:03}.txt": f"Text number {number}." for number in range(60)}
PLENTY = 1_000.0
EXAMPLES = examples()
REKOGNITION = {"rekognition.image.group1": 0.001, "rekognition.image.group2": 0.001}


def plenty() -> float:
    return PLENTY


def lines_of(worker: Worker, keys, number: int = 1) -> list[dict]:
    body = worker.s3.get_object(Bucket=BUCKET, Key=keys.outcome(number))["Body"].read()
    return [json.loads(line) for line in body.splitlines()]


def messages(worker: Worker) -> list[dict]:
    return worker.sqs.told


def codes(lines: list[dict]) -> dict[str, str]:
    return {line["key"].rsplit("/", 1)[-1]: line.get("error", {}).get("code", "done") for line in lines}


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


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_an_objects_text(worker, batch, comprehend, keys, encoding):
    made = batch({"marked.txt": "good", "plain.txt": "fine"})
    raw = worker.s3.put_object(Bucket=BUCKET, Key=made.objects[0]["key"], Body="good".encode(encoding))
    made.objects[0]["etag"] = raw["ETag"].strip('"')
    assert work(worker, made, plenty) == {"done": 2, "failed": 0}
    assert set(comprehend.charged) == {"good", "fine"}
    assert [size for _, size in comprehend.calls] == [2]


@pytest.mark.parametrize("key", [None, 5, "", "\ud800.txt", "x" * 1_025])
def test_what_can_be_no_key_fails_at_once_and_the_others_are_asked(worker, batch, comprehend, keys, key):
    made = batch({"plain.txt": "fine"})
    made.objects.append({"key": key, "etag": 5})
    assert work(worker, made, plenty) == {"done": 1, "failed": 1}
    failed = lines_of(worker, keys)[1]
    assert (failed["key"], failed["error"]["code"], failed["redrive_may_mend"]) == (key, "NoKey", False)


def test_an_entity_tag_of_another_kind_is_one_that_the_object_has_not(worker, batch, comprehend, keys):
    made = batch({"plain.txt": "fine"})
    made.objects[0]["etag"] = 5
    assert work(worker, made, plenty) == {"done": 0, "failed": 1}
    assert codes(lines_of(worker, keys)) == {"plain.txt": "ObjectChanged"}


REFUSALS = {
    "InvalidObjectState": "ObjectArchived",
    "AccessDenied": "ObjectForbidden",
    "KMS.DisabledException": "ObjectForbidden",
    "KMS.NotFoundException": "ObjectForbidden",
}


@pytest.mark.parametrize("code", REFUSALS)
def test_objects_that_s3_refuses_for_good_fail_at_once_and_the_others_are_asked(
    worker, batch, comprehend, keys, clock, code
):
    good = dict(list(TEXTS.items())[:20])
    cold = {f"cold-{number}.txt": "cold" for number in range(100)}
    worker.s3.refused = dict.fromkeys(cold, code)
    made, begun = batch({**cold, **good}), clock.seconds
    assert work(worker, made, lambda: 300 - (clock.seconds - begun)) == {"done": 20, "failed": 100}
    assert Counter(codes(lines_of(worker, keys)).values()) == {"done": 20, REFUSALS[code]: 100}
    assert clock.seconds - begun < 5
    assert not any(line.get("redrive_may_mend") for line in lines_of(worker, keys))


def test_what_s3_may_give_later_is_asked_for_again_when_the_others_were_read(worker, batch, comprehend, keys):
    texts = dict(list(TEXTS.items())[:3])
    worker.s3.refused = {"000.txt": "SlowDown"}
    worker = replace(worker, sleep=lambda _: worker.s3.refused.clear())
    assert work(worker, batch(texts), plenty) == {"done": 3, "failed": 0}
    read = [key.rpartition("/")[2] for key in worker.s3.read if key.endswith(".txt")]
    assert read == ["000.txt", "001.txt", "002.txt", "000.txt"]


def test_reading_ends_when_no_time_would_be_left_to_ask(worker, batch, comprehend, keys, clock):
    worker.s3.refused = dict.fromkeys(TEXTS, "SlowDown")
    begun = clock.seconds
    counts = work(worker, batch(TEXTS), lambda: CLOSING_SECONDS + 2.5 - (clock.seconds - begun))
    assert counts == {"done": 0, "failed": len(TEXTS)}
    assert clock.seconds - begun == 3
    assert all(line["redrive_may_mend"] for line in lines_of(worker, keys))


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


def test_what_changed_or_is_gone_since_it_was_listed_fails(worker, batch, comprehend, keys):
    made = batch(dict(list(TEXTS.items())[:3]))
    worker.s3.put_object(Bucket=BUCKET, Key=made.objects[0]["key"], Body=b"Another text.")
    worker.s3.delete_object(Bucket=BUCKET, Key=made.objects[1]["key"])
    work(worker, made, plenty)
    assert list(codes(lines_of(worker, keys)).values()) == ["ObjectChanged", "ObjectMissing", "done"]


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


def test_a_batch_that_is_delivered_twice_is_charged_and_counted_once(worker, batch, comprehend, keys):
    comprehend.poisoned = {TEXTS["001.txt"]}
    first = work(worker, batch(TEXTS), plenty)
    second = work(worker, batch(TEXTS), plenty)
    assert first == second == {"done": 59, "failed": 1}
    assert set(comprehend.charged.values()) == {1}
    assert count(worker, keys, 60) == {"objects": 60, "done": 59, "failed": 1, "missing": 0}


def test_of_two_workers_with_the_same_batch_one_s_outcomes_count(
    worker, batch, comprehend, keys, monkeypatch
):
    """The second finds the first's outcomes when it comes to write its own."""
    first = batch({"a.txt": "A text."})
    late = batch({"a.txt": "A text."})
    work(worker, first, plenty)
    before = lines_of(worker, keys)
    looked = []

    class Late:
        """S3 as the second worker saw it when it began."""

        def __getattr__(self, name):
            return getattr(worker.s3, name)

        def get_object(self, **wanted):
            if wanted["Key"] == keys.outcome(1) and not looked:
                looked.append(wanted)
                raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
            return worker.s3.get_object(**wanted)

    slow = Worker(**{**vars(worker), "s3": Late()})
    assert work(slow, late, plenty) == {"done": 1, "failed": 0}
    assert lines_of(worker, keys) == before
    assert count(worker, keys, 1)["missing"] == 0


class Broken:
    """A client whose operation fails for the first few times."""

    def __init__(self, client, operation: str, times: int) -> None:
        self.client, self.operation, self.times = client, operation, times

    def __getattr__(self, name):
        if name == self.operation and self.times > 0:
            self.times -= 1
            return self.fail
        return getattr(self.client, name)

    @staticmethod
    def fail(**_):
        raise ConnectionClosedError(endpoint_url="https://aws")


@pytest.mark.parametrize(
    ("service", "operation"), [("sqs", "send_message"), ("dynamodb", "transact_write_items")]
)
def test_a_worker_that_dies_after_it_wrote_loses_and_repeats_nothing(
    worker, batch, comprehend, keys, service, operation
):
    comprehend.poisoned = {"Bad."}
    texts = {"a.txt": "Good.", "b.txt": "Bad."}
    dying = Worker(**{**vars(worker), service: Broken(getattr(worker, service), operation, 1)})
    with pytest.raises(ConnectionClosedError):
        work(dying, batch(texts), plenty)
    assert work(worker, batch(texts), plenty) == {"done": 1, "failed": 1}
    assert comprehend.charged == {"Good.": 1}
    assert count(worker, keys, 2)["missing"] == 0
    # Told at least once; a redrive takes each outcome once.
    assert {message["failed"] for message in messages(worker)} == {1}


def test_a_queue_that_takes_nothing_keeps_no_run_from_its_end(worker, batch, comprehend, keys):
    comprehend.poisoned = {"Bad."}
    texts = {"a.txt": "Good.", "b.txt": "Bad."}
    full = Worker(**{**vars(worker), "sqs": Broken(worker.sqs, "send_message", 100)})
    for finish in (lambda: work(full, batch(texts), plenty), lambda: give_up(full, batch(texts))):
        with pytest.raises(ConnectionClosedError):
            finish()
    assert count(worker, keys, 2) == {"objects": 2, "done": 1, "failed": 1, "missing": 0}
    assert codes(lines_of(worker, keys)) == {"a.txt": "done", "b.txt": "InvalidText"}
    assert comprehend.charged == {"Good.": 1}


def test_workers_who_meet_at_the_counter_wait_their_turn(worker, batch, comprehend, keys):
    class Crowded(Broken):
        @staticmethod
        def fail(**_):
            conflict = {"Error": {"Code": "TransactionCanceledException"}}
            conflict["CancellationReasons"] = [{"Code": "None"}, {"Code": "TransactionConflict"}]
            raise worker.dynamodb.exceptions.TransactionCanceledException(conflict, "TransactWriteItems")

    crowded = Worker(**{**vars(worker), "dynamodb": Crowded(worker.dynamodb, "transact_write_items", 5)})
    assert work(crowded, batch({"a.txt": "Good."}), plenty) == {"done": 1, "failed": 0}
    assert count(worker, keys, 1)["missing"] == 0


def test_answers_that_were_charged_are_written_though_s3_fails_for_a_while(worker, batch, comprehend, keys):
    shaky = Worker(**{**vars(worker), "s3": Broken(worker.s3, "put_object", 3)})
    made = batch({"a.txt": "Good."})
    assert work(shaky, made, plenty) == {"done": 1, "failed": 0}
    assert comprehend.charged == {"Good.": 1}


def test_lines_that_another_worker_took_away_again_are_written(worker, batch, comprehend, keys):
    put, refusals = worker.s3.put_object, [aws_error("PreconditionFailed", "PutObject")]

    def once_refused(**wanted):
        if "IfNoneMatch" in wanted and "outcome" in wanted["Key"] and refusals:
            raise refusals.pop()
        return put(**wanted)

    made = batch({"a.txt": "Good."})
    worker.s3.put_object = once_refused
    assert work(worker, made, plenty) == {"done": 1, "failed": 0}
    assert not refusals and codes(lines_of(worker, keys)) == {"a.txt": "done"}


def test_an_object_that_s3_does_not_give_at_once_is_asked_for_again(worker, batch, comprehend, keys):
    made = batch({"a.txt": "Good."})

    class Shaky(Broken):
        """The first look, for earlier outcomes, goes well."""

        def __getattr__(self, name):
            if name == "get_object" and self.times == 3:
                self.times -= 1
                return self.client.get_object
            return super().__getattr__(name)

    shaky = Worker(**{**vars(worker), "s3": Shaky(worker.s3, "get_object", 3)})
    assert work(shaky, made, plenty) == {"done": 1, "failed": 0}


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


def test_a_worker_that_never_comes_to_its_end_is_given_up_and_its_objects_fail(
    worker, batch, comprehend, keys
):
    assert give_up(worker, batch(TEXTS)) == {"done": 0, "failed": 60}
    assert set(codes(lines_of(worker, keys)).values()) == {"WorkerFailed"}
    assert messages(worker)[0]["failed"] == 60


def test_giving_up_leaves_alone_what_was_written(worker, batch, comprehend):
    work(worker, batch(TEXTS), plenty)
    assert give_up(worker, batch(TEXTS)) == {"done": 60, "failed": 0}


def spent_usd(worker: Worker) -> float:
    items = worker.dynamodb.scan(TableName=worker.table)["Items"]
    return sum(int(item["reserved"]["N"]) for item in items if item["id"]["S"] == "money#one#all") / PER_USD


def test_the_runs_limit_is_never_exceeded_and_what_it_stops_can_be_redriven(worker, batch, comprehend, keys):
    # A call of 25 texts is 75 units; it holds twice its price while it is made.
    limit = 75 * PRICE * 2.5
    counts = work(worker, batch(TEXTS, limit_usd=limit), plenty)
    assert counts == {"done": 25, "failed": 35} or counts == {"done": 35, "failed": 25}
    assert spent_usd(worker) <= limit
    assert spent_usd(worker) == pytest.approx(sum(comprehend.charged.values()) * 3 * PRICE)
    assert set(codes(lines_of(worker, keys)).values()) == {"done", "LimitReached"}


def test_a_call_whose_answer_was_lost_stays_counted_as_money(worker, batch, comprehend):
    comprehend.faults = {"lost": 1.0}
    work(worker, batch({"a.txt": "Good."}), plenty)
    assert spent_usd(worker) >= comprehend.charged["Good."] * 3 * PRICE > 0


def test_an_unreadable_answer_is_not_asked_for_again_and_stays_charged(worker, batch, comprehend, keys):
    comprehend.faults = {"unreadable": 1.0}
    assert work(worker, batch({"a.txt": "Good."}), plenty) == {"done": 0, "failed": 1}
    assert codes(lines_of(worker, keys)) == {"a.txt": "AnswerUnreadable"}
    assert comprehend.charged == {"Good.": 1}
    assert spent_usd(worker) == pytest.approx(3 * PRICE)


MANY = {f"{number}.txt": "x" * 5_000 for number in range(50)}
# A call of 25 texts of 50 units, with the retry that it holds.
CALL_USD = 25 * 50 * PRICE * 2


@pytest.mark.parametrize("said", [None, 1e9], ids=["nothing", "a billion"])
def test_whatever_the_input_says_of_a_limit_the_workers_own_holds(worker, batch, comprehend, said):
    held = Worker(**{**vars(worker), "limit_usd": CALL_USD})
    assert work(held, batch(MANY, limit_usd=said), plenty) == {"done": 25, "failed": 25}
    assert spent_usd(worker) <= CALL_USD


def test_another_id_of_a_run_is_no_fresh_money_for_its_execution(worker, batch, comprehend):
    held = Worker(**{**vars(worker), "limit_usd": CALL_USD})
    work(held, batch(MANY), plenty)
    renamed = batch(MANY, id="another", started_at=4_000_000, number=2)
    assert work(held, renamed, plenty) == {"done": 0, "failed": 50}


def test_what_a_run_was_allowed_holds_for_all_its_executions(worker, batch, comprehend):
    assert work(worker, batch(MANY, limit_usd=CALL_USD), plenty)["done"] == 25
    again = batch(MANY, limit_usd=CALL_USD, execution="two", number=2)
    assert work(worker, again, plenty) == {"done": 0, "failed": 50}


def test_all_runs_of_a_month_share_the_deployments_money(worker, batch, comprehend):
    held = Worker(**{**vars(worker), "monthly_limit_usd": CALL_USD})
    assert work(held, batch(MANY), plenty)["done"] == 25
    other = batch(MANY, id="another", execution="two", number=2)
    assert work(held, other, plenty) == {"done": 0, "failed": 50}


def test_an_operation_of_our_own_network_costs_nothing_by_the_call(worker, batch, comprehend, monkeypatch):
    class Endpoint:
        def invoke_endpoint(self, **_):
            content = json.dumps({"predictions": [{"probabilities": {"walking": 1.0}}]}).encode()
            return {"Body": io.BytesIO(content)}

    monkeypatch.setattr(custom, "client", lambda _: Endpoint())
    monkeypatch.setenv("RNN_ENDPOINT_NAME", "recognition-dev-rnn")
    made = batch({"walk.json": '{"sequence": [[1.0, 2.0]]}'}, operation="sequence-class", limit_usd=None)
    assert work(worker, made, plenty) == {"done": 1, "failed": 0}
    assert spent_usd(worker) == 0


def test_what_has_a_price_that_nobody_confirmed_is_not_asked(worker, batch, comprehend, keys):
    assert work(worker, batch({"a.txt": "Good."}, operation="text-toxicity"), plenty)["failed"] == 1
    assert codes(lines_of(worker, keys)) == {"a.txt": "PriceUnknown"}


@pytest.mark.parametrize(
    "key",
    [
        "captured/recognition-dev-cnn/secret.jsonl",
        "transform/of-others/answers.jsonl",
        "bakeoffs/report.json",
        "bulk/another-run/input/letter.txt",
        "bulk/another-run/attempt-1/outcomes/00000001.jsonl",
    ],
)
def test_what_is_no_input_of_the_run_is_not_read(worker, batch, comprehend, keys, key):
    made = batch({"a.txt": "Good."})
    put = worker.s3.put_object(Bucket=BUCKET, Key=key, Body=b"the customer's secret")
    made.objects[0] = {"key": key, "etag": put["ETag"].strip('"')}
    assert work(worker, made, plenty) == {"done": 0, "failed": 1}
    assert [line["error"]["code"] for line in lines_of(worker, keys)] == ["NoInput"]
    assert comprehend.calls == []


def test_what_was_uploaded_for_the_run_is_its_input(keys):
    assert keys.may_read(f"bulk/{keys.run}/input/a.txt")
    assert not keys.may_read(f"bulk/{keys.run}/attempt-1/outcomes/00000001.jsonl")


@pytest.mark.parametrize(("run", "attempt"), [("other/attempt-1", 1), ("", 1), ("run", 0), ("run", "1/../2")])
def test_a_run_names_no_place_of_another(batch, run, attempt):
    with pytest.raises(PlaceRefused, match="without slashes"):
        batch({"a.txt": "Good."}, id=run, attempt=attempt)


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
        "advise"
    }
