"""Each operation asks its service rightly and answers in the one format."""

from __future__ import annotations

import base64
import io
import json

import pytest
from botocore.response import StreamingBody

from .conftest import picture

BOX = {"Left": 0.1, "Top": 0.2, "Width": 0.3, "Height": 0.4}
OUR_BOX = {"left": 0.1, "top": 0.2, "width": 0.3, "height": 0.4}
MARK = {
    "ResponseMetadata": {
        "HTTPStatusCode": 200,
        "HTTPHeaders": {"x-recognition-stand-in": "a small open model"},
    }
}
PLAIN = {"ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}}}
VISION = {
    "/images/labels": (
        "detect_labels",
        {
            "Labels": [
                {"Name": "Animal", "Confidence": 80.0, "Instances": []},
                {"Name": "Cat", "Confidence": 90.0, "Instances": [{"BoundingBox": BOX, "Confidence": 95.0}]},
            ],
            "LabelModelVersion": "3.0",
        },
        [{"label": "Cat", "score": 0.95, "box": OUR_BOX}, {"label": "Animal", "score": 0.8}],
        "3.0",
    ),
    "/images/text": (
        "detect_text",
        {
            "TextDetections": [
                {
                    "DetectedText": "STOP",
                    "Type": "LINE",
                    "Confidence": 99.0,
                    "Geometry": {"BoundingBox": BOX},
                },
                {
                    "DetectedText": "STOP",
                    "Type": "WORD",
                    "Confidence": 99.0,
                    "Geometry": {"BoundingBox": BOX},
                },
            ],
            "TextModelVersion": "3.0",
        },
        [{"label": "STOP", "score": 0.99, "box": OUR_BOX}],
        "3.0",
    ),
    "/images/faces": (
        "detect_faces",
        {"FaceDetails": [{"BoundingBox": BOX, "Confidence": 100.0}]},
        [{"label": "Face", "score": 1.0, "box": OUR_BOX}],
        None,
    ),
    "/images/moderation": (
        "detect_moderation_labels",
        {"ModerationLabels": [{"Name": "Alcohol", "Confidence": 70.0}], "ModerationModelVersion": "7.0"},
        [{"label": "Alcohol", "score": 0.7}],
        "7.0",
    ),
}
OPTIONS = {
    "detect_labels": {"MaxLabels": 20, "MinConfidence": 50},
    "detect_moderation_labels": {"MinConfidence": 50},
}
LANGUAGE = {
    "/texts/sentiment": (
        "detect_sentiment",
        {
            "Sentiment": "POSITIVE",
            "SentimentScore": {"Positive": 0.7, "Negative": 0.1, "Neutral": 0.15, "Mixed": 0.05},
        },
        [
            {"label": "positive", "score": 0.7},
            {"label": "neutral", "score": 0.15},
            {"label": "negative", "score": 0.1},
            {"label": "mixed", "score": 0.05},
        ],
    ),
    "/texts/language": (
        "detect_dominant_language",
        {"Languages": [{"LanguageCode": "en", "Score": 0.99}]},
        [{"label": "en", "score": 0.99}],
    ),
    "/texts/entities": (
        "detect_entities",
        {"Entities": [{"Type": "PERSON", "Text": "Ada", "Score": 0.9, "BeginOffset": 0, "EndOffset": 3}]},
        [{"label": "PERSON", "score": 0.9, "span": {"begin": 0, "end": 3}}],
    ),
    "/texts/key-phrases": (
        "detect_key_phrases",
        {"KeyPhrases": [{"Text": "Ada", "Score": 0.9, "BeginOffset": 0, "EndOffset": 3}]},
        [{"label": "KEY_PHRASE", "score": 0.9, "span": {"begin": 0, "end": 3}}],
    ),
    "/texts/pii": (
        "detect_pii_entities",
        {"Entities": [{"Type": "NAME", "Score": 0.9, "BeginOffset": 0, "EndOffset": 3}]},
        [{"label": "NAME", "score": 0.9, "span": {"begin": 0, "end": 3}}],
    ),
}


@pytest.mark.parametrize("path", VISION)
@pytest.mark.parametrize("as_json", [False, True])
def test_an_image_is_put_to_rekognition_as_sent(call, service, path, as_json):
    method, answer, results, version = VISION[path]
    content = picture("JPEG")
    service("rekognition").add_response(
        method, {**answer, **PLAIN}, {"Image": {"Bytes": content}, **OPTIONS.get(method, {})}
    )
    body = json.dumps({"image": base64.b64encode(content).decode()}).encode() if as_json else content
    status, found, _ = call("vision", path, body, "application/json" if as_json else "image/jpeg")
    assert status == 200
    assert found["results"] == results
    assert (found["backend"], found["stand_in"], found["model"]["version"]) == ("rekognition", None, version)
    assert found["latency_milliseconds"] > 0


@pytest.mark.parametrize("path", LANGUAGE)
def test_a_text_is_put_to_comprehend_with_its_language(call, service, path):
    method, answer, results = LANGUAGE[path]
    asked = {"Text": "Ada ¡hola! 😀", "LanguageCode": "es"}
    if path == "/texts/language":
        del asked["LanguageCode"]
    service("comprehend").add_response(method, {**answer, **MARK}, asked)
    body = json.dumps({"text": "Ada ¡hola! 😀", "language_code": "es"}).encode()
    status, found, _ = call("language", path, body, "application/json")
    assert status == 200
    assert found["results"] == results
    assert found["stand_in"] == "a small open model"


def test_plain_text_is_english_unless_said(call, service):
    method, answer, _ = LANGUAGE["/texts/sentiment"]
    service("comprehend").add_response(method, {**answer, **PLAIN}, {"Text": "Good.", "LanguageCode": "en"})
    assert call("language", "/texts/sentiment", b"Good.", "text/plain; charset=utf-8")[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "content_type", "endpoint", "sent"),
    [
        ("/images/class", picture(), "image/png", "recognition-dev-cnn", "image/png"),
        ("/texts/class", b"Good.", "text/plain", "recognition-dev-rnn", "text/plain"),
    ],
)
def test_our_networks_answer_with_every_class_best_first(
    call, service, path, body, content_type, endpoint, sent
):
    content = json.dumps(
        {
            "predictions": [
                {"label": "b", "score": 0.8, "probabilities": {"a": 0.2, "b": 0.8}, "model_version": "4"},
            ]
        }
    ).encode()
    service("sagemaker-runtime").add_response(
        "invoke_endpoint",
        {"Body": StreamingBody(io.BytesIO(content), len(content)), "ContentType": "application/json"},
        {"EndpointName": endpoint, "Body": body, "ContentType": sent, "Accept": "application/json"},
    )
    status, found, _ = call("custom", path, body, content_type)
    assert status == 200
    assert found["results"] == [{"label": "b", "score": 0.8}, {"label": "a", "score": 0.2}]
    assert found["model"] == {"name": endpoint, "version": "4"}


def test_a_path_that_is_not_there_is_said_so(call):
    status, found, _ = call("vision", "/images/unknown", b"x", "text/plain")
    assert (status, found["error"]["code"]) == (404, "NoSuchOperation")
