"""Each operation asks its service rightly and answers in the one format."""

from __future__ import annotations

import base64
import json

import pytest

from lambdas.common.bodies import ImageBody, TextBody

from .conftest import ASKING, BY_NAME, EXAMPLES, FUNCTION_OF, PLAIN, asked_of, picture, service_answer

MARK = {
    "ResponseMetadata": {
        "HTTPStatusCode": 200,
        "HTTPHeaders": {"x-recognition-stand-in": "a small open model"},
    }
}


def test_every_operation_has_an_example_and_a_path_of_its_own():
    assert set(EXAMPLES) == set(BY_NAME)
    assert len({operation.path for operation in BY_NAME.values()}) == len(BY_NAME)


@pytest.mark.parametrize("name", ASKING)
def test_an_example_is_put_to_the_service_and_answered_in_the_one_format(call, service, name):
    operation, example = BY_NAME[name], EXAMPLES[name]
    stubber = service(operation.service)
    stubber.add_response(operation.method, service_answer(operation), asked_of(operation))
    body = json.dumps(example["body"]).encode()
    status, answer, _ = call(
        FUNCTION_OF[name], f"/{operation.path}", body, "application/json", query=example["query"]
    )
    assert answer.pop("latency_milliseconds") >= 0
    assert (status, answer) == (200, example["answer"])
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize("name", ASKING)
def test_every_score_of_an_answer_is_a_share(name):
    answer = EXAMPLES[name]["answer"]
    for reading in answer.get("documents", [answer]):
        scores = [result["score"] for result in reading.get("results", [])]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)


@pytest.mark.parametrize("name", [name for name in ASKING if isinstance(BY_NAME[name].body, ImageBody)])
def test_an_image_may_be_the_body_itself(call, service, name):
    operation, content = BY_NAME[name], picture("JPEG")
    asked = asked_of(operation)
    if "Image" in asked:
        asked["Image"] = {"Bytes": content}
    else:
        asked |= {"Body": content, "ContentType": "image/jpeg"}
    service(operation.service).add_response(operation.method, service_answer(operation), asked)
    answer = call(
        FUNCTION_OF[name], f"/{operation.path}", content, "image/jpeg", query=EXAMPLES[name]["query"]
    )
    assert (answer[0], answer[1]["results"]) == (200, EXAMPLES[name]["answer"]["results"])


@pytest.mark.parametrize("name", [name for name in ASKING if isinstance(BY_NAME[name].body, TextBody)])
def test_a_text_may_be_the_body_itself(call, service, name):
    operation, example = BY_NAME[name], EXAMPLES[name]
    service(operation.service).add_response(operation.method, service_answer(operation), asked_of(operation))
    body = example["body"]["text"].encode()
    status, answer, _ = call(
        FUNCTION_OF[name], f"/{operation.path}", body, "text/plain; charset=utf-8", query=example["query"]
    )
    assert (status, answer["results"]) == (200, example["answer"]["results"])


def test_a_stand_in_is_named(call, service):
    answer = {**EXAMPLES["text-sentiment"]["service_answer"], **MARK}
    service("comprehend").add_response("detect_sentiment", answer)
    _, answer, _ = call("language", "/texts/sentiment", b"Good.", "text/plain")
    assert answer["stand_in"] == "a small open model"


def test_the_options_that_nobody_gives_are_those_of_the_table(call, service):
    content = picture()
    answer = {"Labels": [], "LabelModelVersion": "3.0", **PLAIN}
    service("rekognition").add_response(
        "detect_labels", answer, {"Image": {"Bytes": content}, "MaxLabels": 20, "MinConfidence": 50}
    )
    assert call("vision", "/images/labels", content, "image/png")[0] == 200


def test_required_equipment_gets_the_confidence_that_rekognition_wants_with_it(call, service):
    operation, content = BY_NAME["image-protective-equipment"], picture()
    attributes = {"RequiredEquipmentTypes": ["HAND_COVER"], "MinConfidence": 80.0}
    service("rekognition").add_response(
        operation.method,
        service_answer(operation),
        {"Image": {"Bytes": content}, "SummarizationAttributes": attributes},
    )
    query = {"required_equipment": "HAND_COVER"}
    assert call("vision", f"/{operation.path}", content, "image/png", query=query)[0] == 200


def test_a_deployment_without_a_classifier_says_so(call, monkeypatch):
    monkeypatch.delenv("DOCUMENT_CLASSIFIER_ENDPOINT_ARN")
    status, answer, _ = call("language", "/texts/classification", b"Good.", "text/plain")
    assert (status, answer["error"]["code"]) == (501, "NoClassifier")


def test_a_path_that_is_not_there_is_said_so(call):
    status, answer, _ = call("vision", "/images/unknown", b"x", "text/plain")
    assert (status, answer["error"]["code"]) == (404, "NoSuchOperation")


@pytest.mark.parametrize("path", ["/v1/texts/sentiment", "/texts/sentiment/", "//texts/sentiment"])
def test_an_operation_is_found_whatever_the_path_before_and_behind_it(call, service, path):
    """Behind a custom domain the path begins with the domain's base path; the resource never does."""
    service("comprehend").add_response("detect_sentiment", service_answer(BY_NAME["text-sentiment"]))
    status, answer, _ = call("language", "/texts/sentiment", b"Good.", "text/plain", asked_as=path)
    assert (status, answer["operation"]) == (200, "text-sentiment")


@pytest.mark.parametrize(
    ("characters", "units", "usd"), [(1, 3, 0.0003), (300, 3, 0.0003), (301, 4, 0.0004), (4_950, 50, 0.005)]
)
def test_a_text_is_charged_by_the_hundred_characters_and_three_at_least(
    call, service, characters, units, usd
):
    answer = {**EXAMPLES["text-sentiment"]["service_answer"], **PLAIN}
    service("comprehend").add_response("detect_sentiment", answer)
    _, answer, _ = call("language", "/texts/sentiment", b"x" * characters, "text/plain")
    assert answer["cost"] == {"units": units, "unit": "100 characters", "usd": usd}


def test_a_cost_that_nobody_confirmed_is_unknown_and_not_nothing(call, service):
    operation, content = BY_NAME["image-labels"], picture()
    service("rekognition").add_response(operation.method, service_answer(operation))
    query = {"features": "GENERAL_LABELS,IMAGE_PROPERTIES"}
    _, answer, _ = call("vision", "/images/labels", content, "image/png", query=query)
    assert answer["cost"] == {"units": 1, "unit": "image", "usd": None}


def test_our_networks_see_the_bytes_and_not_their_base64(call, service):
    operation = BY_NAME["image-class"]
    content = base64.b64decode(EXAMPLES["image-class"]["body"]["image"])
    stubber = service("sagemaker-runtime")
    stubber.add_response(operation.method, service_answer(operation), asked_of(operation))
    assert call("custom", "/images/class", content, "image/png")[0] == 200
