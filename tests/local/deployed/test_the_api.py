"""What callers get of the deployed API: answers that say where they come from, and refusals that say why."""

from __future__ import annotations

import pytest
import requests

from lambdas.catalogue import OPERATIONS
from recognition_client import RecognitionRefused

from .asking import client_of, jpeg, once_loaded, post
from .reviews import BAD, GOOD, classify


def test_a_released_version_answers_through_the_api_and_names_itself(target, released):
    for word, label in ((GOOD[0], "positive"), (BAD[0], "negative")):
        reply = classify(target, f"A {word} film.")
        assert reply.status == 200, reply.body
        assert reply.body["results"][0]["label"] == label
        assert reply.body["model"] == {"name": "recognition-dev-rnn", "version": released}


@pytest.mark.parametrize(
    ("path", "body", "content_type", "statuses"),
    [
        ("/images/labels", jpeg((200, 200))[:5_000], "image/jpeg", {400}),
        ("/images/class", jpeg((2_600, 2_600)), "image/jpeg", {413}),
        ("/texts/sentiment", b"caf\xe9", "text/plain", {400}),
        ("/texts/sentiment", b"text", "text/html", {415}),
    ],
)
def test_bad_input_gets_a_clear_answer_over_http(target, path, body, content_type, statuses):
    answer = post(target, path, body, content_type)
    assert answer.status_code in statuses, answer.text
    assert answer.json()["error"]["message"].endswith(".")


def test_what_api_gateway_refuses_reads_like_the_apis_own_errors(target):
    unsigned = requests.post(f"{target.api_url()}/texts/sentiment", data=b"A film.", timeout=60)
    assert (unsigned.status_code, unsigned.json()["error"]["code"]) == (403, "NoSuchOperationOrNotSigned")
    large = post(target, "/images/labels", b"x" * 6_000_000, "image/png")
    assert (large.status_code, large.json()["error"]["code"]) == (413, "TooLarge")
    assert "at most 4,620,288 bytes" in large.json()["error"]["message"]


def test_the_wait_is_told_in_a_header(target):
    answer = post(target, "/images/class", jpeg((64, 64)), "image/jpeg")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_a_key_is_free_again_after_a_request_that_no_network_answered(target):
    for _ in range(2):
        answer = post(
            target, "/images/class", jpeg((64, 64)), "image/jpeg", {"Idempotency-Key": "not-released"}
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "ModelNotReleased")


def test_the_stand_ins_answer_through_the_api_and_say_what_they_are(target):
    sentiment = post(target, "/texts/sentiment", b"A wonderful, moving film.", "text/plain")
    labels = post(target, "/images/labels", jpeg((200, 200)), "image/jpeg")
    assert (sentiment.status_code, labels.status_code) == (200, 200)
    assert sentiment.json()["results"][0]["label"] == "positive"
    assert all("not " in answer.json()["stand_in"] for answer in (sentiment, labels))


def test_the_deployed_api_takes_options_and_batches_and_redacts(target):
    client = client_of(target)
    text_entities = client.text_entities("Grace Hopper was born in New York.", language_code="en")
    assert [(result.label, result.span["begin"]) for result in text_entities.results] == [
        ("LOCATION", 25),
        ("PERSON", 0),
    ]
    assert "spaCy" in text_entities.stand_in
    documents = client.text_sentiment_batch(["What a wonderful day!", " "]).documents
    assert (documents[0].results[0].label, documents[1].error.code) == ("positive", "EmptyText")
    masked = client.text_pii_redaction("I am at ada@example.org.", mask_mode="MASK", mask_character="#")
    assert masked.details["redacted_text"] == "I am at ###############."
    with pytest.raises(RecognitionRefused, match="max_labels has to be a whole number"):
        client.image_labels(jpeg((100, 100)), max_labels=0)
    with pytest.raises(RecognitionRefused, match="501 NoStandIn"):
        client.image_celebrities(jpeg((100, 100)))


@pytest.mark.parametrize(
    "operation",
    [operation for operation in OPERATIONS if operation.service in ("rekognition", "comprehend")],
    ids=lambda operation: operation.name,
)
def test_every_operation_of_the_services_may_be_asked(target, operation):
    picture, text = jpeg((200, 200)), "Grace Hopper was born in New York."
    words = {"ImageBody": [picture], "ImagePairBody": [picture, picture], "TextsBody": [[text]]}
    ask = getattr(client_of(target), operation.name.replace("-", "_"))
    try:
        once_loaded(lambda: ask(*words.get(type(operation.body).__name__, [text])))
    except RecognitionRefused as refused:
        # The embedded AWS has no stand-in for each, this deployment no classifier, and noise shows no face to compare.
        assert refused.status == 501 or operation.name == "image-compare-faces", refused


def test_a_request_sent_again_with_its_key_gets_the_first_answer(target):
    first, second, other = (
        post(target, "/texts/sentiment", text, "text/plain", {"Idempotency-Key": "end-to-end"})
        for text in (b"A wonderful film.", b"A wonderful film.", b"An awful film.")
    )
    assert (first.status_code, "Idempotency-Replayed" in first.headers) == (200, False)
    assert (second.status_code, second.headers["Idempotency-Replayed"]) == (200, "true")
    assert second.json()["results"] == first.json()["results"]
    assert (other.status_code, other.json()["error"]["code"]) == (422, "IdempotencyKeyReused")


def test_the_deployed_api_advises(target):
    answer = post(target, "/advise", b'{"modality": "tabular", "task": "classification"}', "application/json")
    assert (answer.status_code, answer.json()["options"][0]["id"]) == (200, "traditional_ml")
