"""What is asked again is charged once, nobody gets another's answer, and nothing is kept longer than said."""

from __future__ import annotations

import gzip
import json
import time

import pytest
from botocore.exceptions import ConnectionClosedError

from lambdas.common import idempotency, repeats
from lambdas.common.answer_cache import MOST_BYTES, AnswerCache

from ..conftest import TABLE
from .conftest import ASKING, BY_NAME, EXAMPLES, FUNCTION_OF, PLAIN, picture, service_answer

TEXT = "Käthe says: good."
KEY = {"Idempotency-Key": "order-4711"}
SECRET = "Xylophon4711"


@pytest.fixture
def table(dynamodb, empty_table, monkeypatch):
    """The table of answers, empty."""
    monkeypatch.setenv("ANSWERS_TABLE", empty_table)
    monkeypatch.setattr(repeats, "table_client", lambda: dynamodb)
    monkeypatch.setattr(idempotency, "table_client", lambda: dynamodb)
    idempotency.layer.cache_clear()
    return dynamodb


@pytest.fixture
def once(table, monkeypatch):
    """The table, with idempotency for an hour."""
    monkeypatch.setenv("IDEMPOTENCY_SECONDS", "3600")
    return table


@pytest.fixture
def cached(table, monkeypatch):
    """The table, with a cache for a minute."""
    monkeypatch.setenv("CACHE_SECONDS", "60")
    return table


def sentiment() -> dict:
    scores = {"Positive": 0.9, "Negative": 0.1, "Neutral": 0.0, "Mixed": 0.0}
    return {"Sentiment": "POSITIVE", "SentimentScore": scores, **PLAIN}


@pytest.fixture
def comprehend(service):
    """Comprehend, which answers as often as `times` says; a call beyond that fails the test with a 5xx."""
    stubber = service("comprehend")

    def answer(times: int) -> None:
        for _ in range(times):
            stubber.add_response("detect_sentiment", sentiment())

    answer.stubber = stubber
    return answer


@pytest.fixture
def ask(call):
    """Asks for a sentiment."""
    return lambda text=TEXT, **how: call("language", "/texts/sentiment", text.encode(), "text/plain", **how)


def stored(dynamodb) -> list[dict]:
    return dynamodb.scan(TableName=TABLE)["Items"]


def test_the_same_key_counts_on_every_path_to_the_operation(once, comprehend, ask):
    comprehend(1)
    assert ask(headers=KEY, asked_as="/v1/texts/sentiment")[0] == 200
    _, _, headers = ask(headers=KEY, asked_as="/texts/sentiment/")
    assert headers["Idempotency-Replayed"] == "true"


def test_the_same_key_gets_the_same_answer_and_the_service_is_asked_once(once, comprehend, ask):
    comprehend(1)
    status, first, headers = ask(headers=KEY)
    assert (status, "Idempotency-Replayed" in headers) == (200, False)
    status, second, headers = ask(headers=KEY)
    assert (status, headers["Idempotency-Replayed"]) == (200, "true")
    assert {**second, "latency_milliseconds": 0} == {**first, "latency_milliseconds": 0}
    comprehend.stubber.assert_no_pending_responses()


def test_a_key_belongs_to_one_session_of_one_role(once, comprehend, ask):
    comprehend(3)
    assert "Idempotency-Replayed" not in ask(headers=KEY, caller="AROAONE:ada")[2]
    assert "Idempotency-Replayed" in ask(headers=KEY, caller="AROAONE:ada")[2]
    assert "Idempotency-Replayed" not in ask(headers=KEY, caller="AROAONE:bob")[2]
    assert "Idempotency-Replayed" not in ask(headers=KEY, caller="AROATWO:ada")[2]


PERSON = {"accountId": "1", "user": "A:CognitoIdentityCredentials", "cognitoIdentityPoolId": "us-east-1:pool"}
WHO = {
    "another account": {"identity": {"accountId": "2", "user": "A"}},
    "another role": {"identity": {"accountId": "1", "user": "B"}},
    "another session of the role": {"identity": {"accountId": "1", "user": "A:bob"}},
    "a person of the console": {"identity": PERSON | {"cognitoIdentityId": "us-east-1:ada"}},
    "another person of the console": {"identity": PERSON | {"cognitoIdentityId": "us-east-1:bob"}},
    "another API key": {"identity": {"accountId": "1", "user": "A", "apiKeyId": "k"}},
    "a token": {"authorizer": {"claims": {"iss": "pool", "sub": "ada"}}},
    "another's token": {"authorizer": {"claims": {"iss": "pool", "sub": "bob"}}},
    "another pool's token": {"authorizer": {"claims": {"iss": "pond", "sub": "ada"}}},
    "an application's token": {"authorizer": {"claims": {"iss": "pool", "client_id": "app"}}},
    "another application's token": {"authorizer": {"claims": {"iss": "pool", "client_id": "app2"}}},
    "nobody": {},
}


@pytest.mark.threat
def test_no_two_callers_are_taken_for_one():
    callers = [idempotency.caller_of({"requestContext": context}) for context in WHO.values()]
    callers.append(idempotency.caller_of({"requestContext": {"identity": {"accountId": "1", "user": "A"}}}))
    assert len({tuple(caller) for caller in callers}) == len(WHO) + 1


def test_the_same_bytes_written_otherwise_are_another_request(once, cached, call, service):
    """A text that is JSON, sent as JSON, asks about what stands in it."""
    comprehend, body = service("comprehend"), b'{"text": "Good."}'
    for text in (body.decode(), "Good."):
        asked = {"Text": text, "LanguageCode": "en"}
        comprehend.add_response("detect_sentiment", sentiment(), asked)
    for content_type in ("text/plain", "application/json"):
        status, _, headers = call("language", "/texts/sentiment", body, content_type)
        assert (status, "Age" in headers) == (200, False)
    assert call("language", "/texts/sentiment", body, "text/plain", headers=KEY)[0] == 200
    assert call("language", "/texts/sentiment", body, "application/json", headers=KEY)[0] == 422


def test_a_key_that_was_used_for_something_else_is_refused(once, comprehend, ask):
    comprehend(1)
    ask(headers=KEY)
    for changed in ({"text": "Another text."}, {"query": {"language_code": "de"}}):
        status, members, _ = ask(headers=KEY, **changed)
        assert (status, members["error"]["code"]) == (422, "IdempotencyKeyReused")


def test_a_request_that_was_refused_may_be_sent_again(once, comprehend, ask):
    comprehend.stubber.add_client_error("detect_sentiment", "ThrottlingException")
    comprehend(1)
    assert ask(headers=KEY)[0] == 503
    assert stored(once) == []
    assert ask(headers=KEY)[0] == 200


def test_a_request_that_is_still_being_answered_is_not_answered_twice(once, comprehend, ask, monkeypatch):
    comprehend(2)
    assert ask(headers=KEY)[0] == 200
    (record,) = stored(once)
    running = {"status": {"S": "INPROGRESS"}, "in_progress_expiration": {"N": str(2**50)}}
    once.put_item(TableName=TABLE, Item={**record, **running})
    status, members, headers = ask(headers=KEY)
    assert (status, members["error"]["code"], headers["Retry-After"]) == (409, "RequestInProgress", "2")
    # Its function died, and its time would be over.
    once.put_item(TableName=TABLE, Item={**record, **running, "in_progress_expiration": {"N": "1000"}})
    assert ask(headers=KEY)[0] == 200


@pytest.mark.parametrize("key", ["", "two words", "ä", "x" * 256])
def test_what_is_no_key_is_refused(once, ask, key):
    status, members, _ = ask(headers={"idempotency-key": key})
    assert (status, members["error"]["field"]) == (400, "Idempotency-Key")


def test_neither_content_nor_key_nor_caller_is_stored_in_clear(once, cached, comprehend, ask):
    comprehend(1)
    ask(headers=KEY)
    records = repr(stored(once))
    assert len(stored(once)) == 2
    for secret in ("Käthe", "K\\\\u00e4the", KEY["Idempotency-Key"], "AROAEXAMPLE", "says"):
        assert secret not in records


def with_content(answer: object, word: str) -> object:
    """A service's answer whose words of the content are this one."""
    if isinstance(answer, dict):
        return {
            name: word if name in ("Text", "DetectedText") else with_content(value, word)
            for name, value in answer.items()
        }
    return [with_content(value, word) for value in answer] if isinstance(answer, list) else answer


@pytest.mark.parametrize("name", ASKING)
def test_nothing_of_the_content_is_stored_with_any_answer(once, cached, call, service, name):
    operation, example = BY_NAME[name], EXAMPLES[name]
    # Longer than the places at which the example finds personal data.
    sentence = f"My name is {SECRET}. " * 20
    body = dict(example["body"])
    if "text" in body:
        body["text"] = sentence
    if "texts" in body:
        body["texts"] = [sentence for _ in body["texts"]]
    answer = service_answer(operation)
    if operation.service != "sagemaker-runtime":
        answer = with_content(answer, SECRET)
    service(operation.service).add_response(operation.method, answer)
    members = call(
        FUNCTION_OF[name],
        f"/{operation.path}",
        json.dumps(body).encode(),
        "application/json",
        query={option: value for option, value in example["query"].items() if option != "pii_entity_types"},
        headers=KEY,
    )
    assert members[0] == 200, members
    for item in stored(once):
        kept = gzip.decompress(item["answer"]["B"]) if "answer" in item else b""
        assert SECRET not in repr(item) and SECRET.encode() not in kept
    assert bool(stored(once)) == (not operation.repeats_content)


def test_an_answer_that_repeats_the_content_is_asked_anew_and_one_at_a_time(once, call, service):
    """Words that stood in a picture may be personal data, so the key guards the request only while it is answered."""
    rekognition = service("rekognition")
    statuses = []

    def again(**_) -> None:
        statuses.append(call("vision", "/images/text", picture(), "image/png", headers=KEY)[0])

    rekognition.client.meta.events.register_first("before-parameter-build.rekognition.DetectText", again)
    for _ in range(2):
        rekognition.add_response("detect_text", {"TextDetections": [], **PLAIN})
        status, _, headers = call("vision", "/images/text", picture(), "image/png", headers=KEY)
        assert (status, "Idempotency-Replayed" in headers) == (200, False)
    assert statuses == [409, 409]
    assert stored(once) == []


def test_nothing_is_kept_beyond_its_time(once, cached, comprehend, ask):
    comprehend(1)
    ask(headers=KEY)
    now = time.time()
    lifetimes = sorted(round(int(item.get("expires_at")["N"]) - now, -1) for item in stored(once))
    assert lifetimes == [60, 3600]


def test_an_answer_that_is_too_long_for_a_record_is_given_all_the_same(once, comprehend, ask, monkeypatch):
    comprehend(2)
    monkeypatch.setattr(idempotency, "MOST_BYTES", 10)
    for _ in range(2):
        status, _, headers = ask(headers=KEY)
        assert (status, "Idempotency-Replayed" in headers) == (200, False)
    assert stored(once) == []


def broken(*_, **__):
    raise ConnectionClosedError(endpoint_url="https://dynamodb")


def test_without_its_table_a_key_promises_nothing_and_nothing_is_charged(once, ask, monkeypatch):
    monkeypatch.setattr(once, "put_item", broken)
    status, members, _ = ask(headers=KEY)
    assert (status, members["error"]["code"]) == (503, "IdempotencyUnknown")


def test_an_answer_that_was_charged_is_given_though_it_could_not_be_kept(once, comprehend, ask, monkeypatch):
    comprehend(1)
    monkeypatch.setattr(once, "update_item", broken)
    assert ask(headers=KEY)[0] == 200


def test_without_the_setting_a_key_is_looked_at_and_means_nothing(comprehend, ask):
    comprehend(2)
    for _ in range(2):
        assert "Idempotency-Replayed" not in ask(headers=KEY)[2]


def test_the_same_content_is_answered_from_the_cache_and_costs_nothing(cached, comprehend, ask):
    comprehend(1)
    _, first, headers = ask()
    assert (first["cost"]["units"], "Age" in headers) == (3, False)
    _, second, headers = ask(caller="AROATWO:a")
    assert (second["results"], headers["Age"]) == (first["results"], "0")
    assert second["cost"] == {"units": 0, "unit": "100 characters", "usd": 0.0}


@pytest.mark.parametrize("changed", [{"text": "Another."}, {"query": {"language_code": "de"}}])
def test_other_content_or_another_option_is_asked_anew(cached, comprehend, ask, changed):
    comprehend(2)
    ask()
    assert "Age" not in ask(**changed)[2]
    comprehend.stubber.assert_no_pending_responses()


def test_no_refusal_is_cached(cached, comprehend, ask):
    comprehend.stubber.add_client_error("detect_sentiment", "ThrottlingException")
    comprehend(1)
    assert [ask()[0], ask()[0]] == [503, 200]


@pytest.mark.parametrize(("code", "calls"), [("InternalServerException", 2), ("TextSizeLimitExceeded", 1)])
def test_a_batch_is_cached_unless_a_text_of_it_may_be_answered_later(cached, call, service, code, calls):
    comprehend = service("comprehend")
    item = {name: value for name, value in sentiment().items() if name not in PLAIN} | {"Index": 0}
    for _ in range(calls):
        errors = [{"Index": 1, "ErrorCode": code, "ErrorMessage": "No."}]
        answer = {"ResultList": [item], "ErrorList": errors, **PLAIN}
        comprehend.add_response("batch_detect_sentiment", answer)
    body = json.dumps({"texts": ["good", "bad"]}).encode()
    for number in range(2):
        status, _, headers = call("language", "/texts/sentiment/batch", body, "application/json")
        assert (status, "Age" in headers) == (200, number >= calls)
    comprehend.assert_no_pending_responses()


def test_own_networks_and_policies_are_never_answered_from_the_cache(cached, comprehend, ask, monkeypatch):
    monkeypatch.setenv("POLICIES", json.dumps({"text-sentiment": {"backend": "managed"}}))
    comprehend(2)
    ask()
    assert "Age" not in ask()[2]
    assert stored(cached) == []


def test_a_cache_that_cannot_be_reached_costs_a_call_and_no_request(cached, comprehend, ask, monkeypatch):
    comprehend(2)
    monkeypatch.setattr(cached, "get_item", broken)
    monkeypatch.setattr(cached, "put_item", broken)
    assert [ask()[0], ask()[0]] == [200, 200]


def test_an_expired_answer_that_dynamodb_has_not_deleted_yet_does_not_count(cached):
    now = [1_000.0]
    cache = AnswerCache(cached, TABLE, 60, now=lambda: now[0])
    cache.keep("digest", {"cost": {}})
    now[0] = 1_059
    assert cache.find("digest") == ({"cost": {}}, 59)
    now[0] = 1_060
    assert cache.find("digest") is None


def test_an_answer_that_does_not_fit_into_an_item_is_not_cached(cached):
    from random import Random

    cache = AnswerCache(cached, TABLE, 60)
    cache.keep("digest", {"long": Random(0).randbytes(MOST_BYTES).hex()})
    assert cache.find("digest") is None


def test_a_picture_is_cached_by_its_bytes(cached, call, service):
    service("rekognition").add_response("detect_faces", {"FaceDetails": [], **PLAIN})
    for age in (False, True):
        status, _, headers = call("vision", "/images/faces", picture(), "image/png")
        assert (status, "Age" in headers) == (200, age)
