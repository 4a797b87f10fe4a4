"""An object is read in the version that was listed, or says why not; nobody else's is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from definitions import names
from lambdas.bulk.attempt_keys import PlaceRefused
from lambdas.bulk.batch import CLOSING_SECONDS, Worker
from lambdas.bulk.reading import refusal_of
from lambdas.bulk.work import work
from lambdas.common.errors import RequestRefused

from .conftest import BUCKET
from .looking import TEXTS, Broken, codes, lines_of, plenty


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
    "InvalidRequest": "ObjectForbidden",
    "PermanentRedirect": "ObjectForbidden",
}
SAID = {
    "InvalidRequest": "its owner keeps \\(SSE-C\\)",
    **dict.fromkeys(("PermanentRedirect", "301", "AuthorizationHeaderMalformed"), "in another region"),
}


@pytest.mark.parametrize("code", SAID)
def test_what_no_redrive_mends_is_said_by_its_cause(code):
    with pytest.raises(RequestRefused, match=SAID[code]):
        raise refusal_of(code)


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


def test_what_changed_or_is_gone_since_it_was_listed_fails(worker, batch, comprehend, keys):
    made = batch(dict(list(TEXTS.items())[:3]))
    worker.s3.put_object(Bucket=BUCKET, Key=made.objects[0]["key"], Body=b"Another text.")
    worker.s3.delete_object(Bucket=BUCKET, Key=made.objects[1]["key"])
    work(worker, made, plenty)
    assert list(codes(lines_of(worker, keys)).values()) == ["ObjectChanged", "ObjectMissing", "done"]


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


@pytest.mark.threat
@pytest.mark.parametrize(
    "key",
    [
        "captured/recognition-dev-cnn/secret.jsonl",
        "transform/of-others/answers.jsonl",
        "labels/recognition-dev-rnn/2026/11/30/120000.000000-1a.jsonl",
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


IN_THE_MODEL_BUCKET = {
    "ASYNCHRONOUS_PREFIX",
    "LABELLED_PREFIX",
    "MULTI_MODEL_PREFIX",
    "PREPARED_PREFIX",
    "REGISTERED_PREFIX",
}
INPUTS = {"PRETRAINED_PREFIX"}


def test_each_place_of_the_data_bucket_that_has_a_name_is_an_input_or_none(keys):
    places = {name for name in vars(names) if name.endswith(("_PREFIX", "_KEY"))} - IN_THE_MODEL_BUCKET
    may_be_read = {name for name in places if keys.may_read(f"{getattr(names, name)}/object")}
    assert may_be_read == INPUTS


def test_what_was_uploaded_for_the_run_is_its_input(keys):
    assert keys.may_read(f"bulk/{keys.run}/input/a.txt")
    assert not keys.may_read(f"bulk/{keys.run}/attempt-1/outcomes/00000001.jsonl")


@pytest.mark.parametrize(
    ("run", "attempt"),
    [
        ("other/attempt-1", 1),
        ("", 1),
        ("half \ud800", 1),
        (["run"], 1),
        ("run", 0),
        ("run", "1/../2"),
        ("run", 1.5),
    ],
)
def test_a_run_names_no_place_of_another(batch, run, attempt):
    with pytest.raises(PlaceRefused, match="without slashes"):
        batch({"a.txt": "Good."}, id=run, attempt=attempt)
