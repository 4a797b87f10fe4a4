"""Many texts in one request: pieces as Comprehend takes them, and exactly one outcome for each text."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from lambdas.language import batches

from .conftest import EXAMPLES, PLAIN

SCORES = {"Positive": 1.0, "Negative": 0.0, "Neutral": 0.0, "Mixed": 0.0}


def answer(indices, errors=()) -> dict:
    """Comprehend's answer to a piece: results for some positions, errors for others."""
    return {
        "ResultList": [
            {"Index": index, "Sentiment": "POSITIVE", "SentimentScore": SCORES} for index in indices
        ],
        "ErrorList": [
            {"Index": index, "ErrorCode": code, "ErrorMessage": "secret"} for index, code in errors
        ],
        **PLAIN,
    }


def send(call, texts, path="sentiment", **more):
    body = json.dumps({"texts": texts, **more}).encode()
    return call("language", f"/texts/{path}/batch", body, "application/json")


def outcomes(answer_body: dict) -> list[str]:
    """For each document its best label, or its error's code."""
    assert [document["index"] for document in answer_body["documents"]] == list(
        range(len(answer_body["documents"]))
    )
    return [
        document["results"][0]["label"] if "results" in document else document["error"]["code"]
        for document in answer_body["documents"]
    ]


def test_texts_go_in_pieces_of_twenty_five_and_come_back_in_their_order(call, service):
    texts = [f"text {number}" for number in range(60)]
    comprehend = service("comprehend")
    for first, last in ((0, 25), (25, 50), (50, 60)):
        asked = {"TextList": texts[first:last], "LanguageCode": "de"}
        # Comprehend sorts by position; an answer in another order must not matter.
        comprehend.add_response("batch_detect_sentiment", answer(reversed(range(last - first))), asked)
    status, answer_body, _ = send(call, texts, language_code="de")
    assert (status, outcomes(answer_body)) == (200, ["positive"] * 60)
    assert answer_body["cost"] == {"units": 180, "unit": "100 characters", "usd": 0.018}
    comprehend.assert_no_pending_responses()


def test_a_text_of_the_error_list_gets_its_own_sentence_and_is_not_charged(call, service):
    service("comprehend").add_response(
        "batch_detect_sentiment",
        answer([0, 2], [(1, "InternalServerException"), (3, "TextSizeLimitExceeded")]),
    )
    status, answer_body, _ = send(call, ["a", "b", "c", "d"])
    assert (status, outcomes(answer_body)) == (
        200,
        ["positive", "ServiceFaulted", "positive", "TextTooLarge"],
    )
    assert answer_body["cost"]["units"] == 6
    assert "secret" not in json.dumps(answer_body)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("INTERNAL_SERVER_ERROR", "ServiceFaulted"),
        ("InternalServerError", "ServiceFaulted"),
        ("500", "ServiceFaulted"),
        ("ServiceUnavailable", "ServiceFaulted"),
        ("THROTTLING", "ServiceThrottled"),
        ("TEXT_SIZE_LIMIT_EXCEEDED", "TextTooLarge"),
        ("UnsupportedLanguage", "InvalidText"),
        ("SOMETHING_NEW", "ServiceFailed"),
    ],
)
def test_a_code_of_the_error_list_is_read_however_it_is_spelt(call, service, code, outcome):
    service("comprehend").add_response("batch_detect_sentiment", answer([0], [(1, code)]))
    status, answer_body, _ = send(call, ["a", "b"])
    assert (status, outcomes(answer_body)) == (200, ["positive", outcome])


def test_a_piece_that_fails_keeps_nothing_from_the_others(call, service):
    comprehend = service("comprehend")
    comprehend.add_response("batch_detect_sentiment", answer(range(25)))
    comprehend.add_client_error("batch_detect_sentiment", "ThrottlingException")
    comprehend.add_response("batch_detect_sentiment", answer(range(5)))
    status, answer_body, _ = send(call, ["text"] * 55)
    assert status == 200
    assert outcomes(answer_body) == ["positive"] * 25 + ["ServiceThrottled"] * 25 + ["positive"] * 5


def test_a_text_that_cannot_be_asked_about_is_named_and_the_others_are_asked(call, service):
    comprehend = service("comprehend")
    comprehend.add_response(
        "batch_detect_sentiment", answer([0, 1]), {"TextList": ["good", "fine"], "LanguageCode": "en"}
    )
    status, answer_body, _ = send(call, [" ", "good", "é" * 2_501, "fine", "\ud800", "a\0"])
    assert (status, outcomes(answer_body)) == (
        200,
        ["EmptyText", "positive", "TextTooLarge", "positive", "InvalidText", "InvalidText"],
    )
    assert answer_body["documents"][2]["error"]["field"] == "texts[2]"


def test_texts_of_which_none_is_answered_are_a_failed_request(call, service):
    assert send(call, [" ", ""])[0] == 400
    service("comprehend").add_client_error("batch_detect_sentiment", "ThrottlingException")
    status, answer_body, headers = send(call, ["good", "fine"])
    assert (status, answer_body["error"]["code"]) == (503, "ServiceThrottled")
    assert headers["Retry-After"]


def test_a_reason_that_may_pass_goes_before_one_that_does_not(call, service):
    service("comprehend").add_client_error("batch_detect_sentiment", "ThrottlingException")
    status, answer_body, headers = send(call, [" ", "good", "fine"])
    assert (status, answer_body["error"]["code"]) == (503, "ServiceThrottled")
    assert headers["Retry-After"]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_a_fault_that_is_not_the_callers_goes_before_what_is_wrong_with_a_text(call, service, code):
    service("comprehend").add_client_error("batch_detect_sentiment", code)
    status, answer_body, _ = send(call, ["", "good", "fine"])
    assert (status, answer_body["error"]["code"]) == (502, "ServiceFailed")
    assert code in answer_body["error"]["message"]


@pytest.mark.parametrize("code", ["UnsupportedLanguageException", "InvalidRequestException"])
def test_texts_that_are_refused_for_different_reasons_keep_their_own(call, service, code):
    comprehend = service("comprehend")
    # The piece, and then each of its halves.
    for _ in range(3):
        comprehend.add_client_error("batch_detect_sentiment", code)
    status, answer_body, _ = send(call, ["", "good", "x" * 5_001, "fine"])
    assert (status, outcomes(answer_body)) == (
        200,
        ["EmptyText", "InvalidText", "TextTooLarge", "InvalidText"],
    )
    assert answer_body["cost"]["units"] == 0


def test_a_piece_that_is_refused_for_one_text_is_asked_in_halves(call, service):
    comprehend = service("comprehend")
    results = EXAMPLES["text-toxicity"]["service_answer"]["ResultList"]

    def asked(*texts: str) -> dict:
        return {"TextSegments": [{"Text": text} for text in texts], "LanguageCode": "en"}

    for texts in (("a", "bad", "c", "d"), ("a", "bad")):
        comprehend.add_client_error(
            "detect_toxic_content", "TextSizeLimitExceededException", expected_params=asked(*texts)
        )
    comprehend.add_response("detect_toxic_content", {"ResultList": results, **PLAIN}, asked("a"))
    comprehend.add_client_error("detect_toxic_content", "TextSizeLimitExceededException")
    comprehend.add_response("detect_toxic_content", {"ResultList": results * 2, **PLAIN}, asked("c", "d"))
    status, answer_body, _ = send(call, ["a", "bad", "c", "d"], "toxicity")
    assert (status, outcomes(answer_body)) == (200, ["INSULT", "TextTooLarge", "INSULT", "INSULT"])


def test_no_piece_is_asked_that_would_outlive_the_function(call, service, monkeypatch):
    clock = iter([0.0, 1.0, batches.NO_CALL_AFTER_SECONDS + 1])
    monkeypatch.setattr(batches, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    service("comprehend").add_response("batch_detect_sentiment", answer(range(25)))
    status, answer_body, _ = send(call, ["text"] * 30)
    assert (status, outcomes(answer_body)) == (200, ["positive"] * 25 + ["NotAsked"] * 5)


def test_segments_are_read_for_toxicity_ten_at_a_time(call, service):
    comprehend = service("comprehend")
    results = EXAMPLES["text-toxicity"]["service_answer"]["ResultList"]
    for size in (10, 2):
        comprehend.add_response(
            "detect_toxic_content",
            {"ResultList": results * size, **PLAIN},
            {"TextSegments": [{"Text": "text"}] * size, "LanguageCode": "en"},
        )
    status, answer_body, _ = send(call, ["text"] * 12, "toxicity")
    assert (status, outcomes(answer_body)) == (200, ["INSULT"] * 12)


@pytest.mark.parametrize("wrong", [None, 1, ["a"]])
def test_what_is_no_text_in_a_list_is_named_by_its_place(call, wrong):
    status, answer_body, _ = send(call, ["a", wrong, None])
    assert (status, answer_body["error"]["field"]) == (400, "texts[1]")
    assert answer_body["error"]["message"] == "The field texts[1] has to be a text."


@pytest.mark.parametrize("texts", [[], ["a"] * 251, "a", {"0": "a"}])
def test_what_is_no_list_of_texts_is_refused(call, texts):
    status, answer_body, _ = send(call, texts)
    assert (status, answer_body["error"]["field"]) == (400, "texts")
    assert answer_body["error"]["message"] == "The field texts has to be a list of 1 to 250 texts."
