"""Bad input and services in trouble get a truthful status and a sentence; nothing of what was sent is ever logged."""

from __future__ import annotations

import base64
import json
import logging

import pytest
from botocore.exceptions import ConnectTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from lambdas.common import clients
from lambdas.common.answers import STAND_IN_HEADER
from lambdas.common.bodies import (
    IMAGE_BYTES,
    ImageBody,
    ImagePairBody,
    ObjectBody,
    SequenceBody,
    TextBody,
    TextsBody,
    misfit,
    schema_of,
)

from .conftest import ASKING, BY_NAME, EXAMPLES, FUNCTION_OF, PLAIN, picture, service_answer

SECRET = "Xylophon4711"
PNG, JPEG = picture("PNG"), picture("JPEG")


def json_body(**fields) -> bytes:
    return json.dumps(fields).encode()


BAD_IMAGES = {
    "nothing": (b"", "image/png", 400, "EmptyImage", "body"),
    "no image": (b"GIF89a........", "image/png", 400, "NotAnImage", "body"),
    "a truncated PNG": (PNG[: len(PNG) // 2], "image/png", 400, "DamagedImage", "body"),
    "a truncated JPEG": (JPEG[: len(JPEG) // 2], "image/jpeg", 400, "DamagedImage", "body"),
    "too many bytes": (PNG + b"\0" * IMAGE_BYTES, "image/png", 413, "ImageTooLarge", "body"),
    "one pixel": (picture(size=(1, 1)), "image/png", 400, "ImageTooSmall", "body"),
    "another type": (PNG, "image/gif", 415, "UnsupportedMediaType", "Content-Type"),
    "no type": (PNG, None, 415, "UnsupportedMediaType", "Content-Type"),
    "broken JSON": (b'{"image": ', "application/json", 400, "MalformedJson", "body"),
    "deep JSON": (b"[" * 100_000, "application/json", 400, "MalformedJson", "body"),
    "a JSON list": (b"[]", "application/json", 400, "InvalidRequest", "body"),
    "no field": (b"{}", "application/json", 400, "InvalidRequest", "image"),
    "a number": (b'{"image": 5}', "application/json", 400, "InvalidRequest", "image"),
    "an unknown field": (json_body(image="", size=3), "application/json", 400, "InvalidRequest", "body"),
    "no base64": (json_body(image="%%%"), "application/json", 400, "InvalidBase64", "image"),
}
BAD_TEXTS = {
    "nothing": (b"", "text/plain", 400, "EmptyText", "body"),
    "blanks": (b" \n\t", "text/plain", 400, "EmptyText", "body"),
    "an empty field": (json_body(text=""), "application/json", 400, "EmptyText", "text"),
    "no UTF-8": (b"caf\xe9", "text/plain", 400, "InvalidUtf8", "body"),
    "a lone surrogate": (b'{"text": "\\ud800"}', "application/json", 400, "InvalidText", "text"),
    "a zero character": (b"a\0b", "text/plain", 400, "InvalidText", "body"),
    "a zero character in JSON": (b'{"text": "a\\u0000b"}', "application/json", 400, "InvalidText", "text"),
    "too many bytes": ("é".encode() * 60_000, "text/plain", 413, "TextTooLarge", "body"),
    "another type": (b"text", "text/html", 415, "UnsupportedMediaType", "Content-Type"),
    "broken JSON": (b"{", "application/json", 400, "MalformedJson", "body"),
    "a wrong language": (
        json_body(text="a", language_code="english"),
        "application/json",
        400,
        "InvalidRequest",
        "language_code",
    ),
}


@pytest.mark.parametrize("case", BAD_IMAGES)
@pytest.mark.parametrize(("function", "path"), [("vision", "/images/labels"), ("custom", "/images/class")])
def test_a_bad_image_is_refused_by_its_field(call, function, path, case):
    body, content_type, status, code, field = BAD_IMAGES[case]
    answer = call(function, path, body, content_type)
    assert (answer[0], answer[1]["error"]["code"], answer[1]["error"]["field"]) == (status, code, field)
    assert answer[1]["error"]["message"].endswith(".")


@pytest.mark.parametrize("case", BAD_TEXTS)
@pytest.mark.parametrize(("function", "path"), [("language", "/texts/entities"), ("custom", "/texts/class")])
def test_a_bad_text_is_refused_by_its_field(call, function, path, case):
    body, content_type, status, code, field = BAD_TEXTS[case]
    answer = call(
        function,
        path,
        body,
        content_type,
        as_base64=b"\xe9" in body and content_type == "text/plain" and case == "no UTF-8",
    )
    assert (answer[0], answer[1]["error"]["code"], answer[1]["error"]["field"]) == (status, code, field)


def sequence(steps: object) -> bytes:
    return json_body(sequence=steps)


BAD_SEQUENCES = {
    "no step": (sequence([]), "application/json", 400, "InvalidRequest", "sequence"),
    "a step without channels": (sequence([[1.0], []]), "application/json", 400, "InvalidRequest", "sequence"),
    "another number of channels": (
        sequence([[1, 2], [3]]),
        "application/json",
        400,
        "InvalidSequence",
        "sequence",
    ),
    "no number": (b'{"sequence": [[NaN]]}', "application/json", 400, "MalformedJson", "body"),
    "more than 32 bits": (sequence([[1e39]]), "application/json", 400, "InvalidRequest", "sequence"),
    "a truth": (sequence([[True]]), "application/json", 400, "InvalidRequest", "sequence"),
    "too many numbers": (
        sequence([[0] * 1_000] * 201),
        "application/json",
        413,
        "SequenceTooLarge",
        "sequence",
    ),
    "another type": (b"\x93NUMPY", "application/x-npy", 415, "UnsupportedMediaType", "Content-Type"),
}


@pytest.mark.parametrize("case", BAD_SEQUENCES)
def test_a_bad_sequence_is_refused_by_its_field(call, case):
    body, content_type, status, code, field = BAD_SEQUENCES[case]
    answer = call("custom", "/sequences/class", body, content_type)
    assert (answer[0], answer[1]["error"]["code"], answer[1]["error"]["field"]) == (status, code, field)


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ([[1, 2], [3]], "Step 2 of the sequence has 1 channel, and step 1 has 2."),
        ([[1], [2], [3, 4]], "Step 3 of the sequence has 2 channels, and step 1 has 1."),
    ],
)
def test_a_step_of_other_channels_is_named_and_counted(call, steps, sentence):
    _, answer, _ = call("custom", "/sequences/class", sequence(steps), "application/json")
    assert answer["error"]["message"] == sentence


@pytest.mark.parametrize("body", [b"", b" \n", b"\xef\xbb\xbf"], ids=["nothing", "blanks", "a mark"])
def test_an_empty_body_is_called_empty_and_not_wrong_at_a_place(call, body):
    status, answer, _ = call("language", "/texts/entities", body, "application/json", as_base64=True)
    assert (status, answer["error"]["code"]) == (400, "MalformedJson")
    assert answer["error"]["message"] == "The body is empty, and so no JSON."


BODIES = (ImageBody(1), ImagePairBody(1), TextBody(9), TextsBody(9, 3), SequenceBody(9), ObjectBody())
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from(["", "a", "en", "zh-TW", "EN", "en-tw", "xx-ABC"]),
    st.lists(st.sampled_from(["", "a", 1, None]), max_size=4),
    st.lists(st.lists(st.sampled_from([1, -0.5, True, 1e39, 10**400, None]), max_size=2), max_size=2),
    st.just({}),
)
NAMES = st.sampled_from(["image", "source", "target", "text", "texts", "sequence", "language_code", "other"])


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
@settings(max_examples=300)
@given(fields=st.one_of(VALUES, st.dictionaries(NAMES, VALUES, max_size=3)))
def test_a_body_is_refused_exactly_where_its_schema_says_so(body, fields):
    schema = schema_of(body)
    assert (misfit(fields, schema) is None) == Draft202012Validator(schema).is_valid(fields)


def test_a_line_feed_is_no_part_of_a_language_code():
    assert misfit({"text": "a", "language_code": "en\n"}, schema_of(TextBody(9)))[0] == "language_code"


def test_invalid_utf8_is_noticed_in_a_body_that_came_as_text_too(call):
    status, answer, _ = call("language", "/texts/sentiment", b"caf\xe9", "text/plain", as_base64=False)
    assert (status, answer["error"]["code"]) == (400, "InvalidUtf8")


@pytest.mark.parametrize(("size", "status"), [(5_000, 200), (5_001, 413)])
def test_sentiment_takes_five_thousand_bytes_of_utf8_and_not_one_more(call, service, size, status):
    text = "😀" * (size // 4) + "a" * (size % 4)
    assert len(text.encode()) == size
    answer = {**EXAMPLES["text-sentiment"]["service_answer"], **PLAIN}
    service("comprehend").add_response("detect_sentiment", answer)
    assert call("language", "/texts/sentiment", text.encode(), "text/plain")[0] == status


def test_a_small_image_is_enough_for_our_network_but_not_for_rekognition(call):
    status, answer, _ = call("vision", "/images/labels", picture(size=(32, 32)), "image/png")
    assert (status, answer["error"]["code"]) == (400, "ImageTooSmall")
    assert "80" in answer["error"]["message"]


@pytest.mark.parametrize(
    ("name", "function", "error", "words"),
    [
        ("image-protective-equipment", "vision", "ImageTooLargeException", "of at most 4,194,304 bytes"),
        ("text-classification", "language", "TextSizeLimitExceededException", "of at most 10,000 bytes"),
    ],
)
def test_what_a_service_finds_too_large_is_told_with_the_limit(call, service, name, function, error, words):
    operation = BY_NAME[name]
    service(operation.service).add_client_error(operation.method, error)
    body, kind = (picture(), "image/png") if function == "vision" else (b"Good.", "text/plain")
    status, answer, _ = call(function, f"/{operation.path}", body, kind)
    assert status == 413
    assert words in answer["error"]["message"]


@pytest.mark.parametrize(("size", "status"), [(10_000, 200), (10_001, 413)])
def test_a_classifier_takes_ten_thousand_bytes_and_not_one_more(call, service, size, status):
    operation = BY_NAME["text-classification"]
    service("comprehend").add_response(operation.method, service_answer(operation))
    assert call("language", "/texts/classification", b"x" * size, "text/plain")[0] == status


@pytest.mark.parametrize(("size", "status"), [(4 * 1024 * 1024, 200), (4 * 1024 * 1024 + 1, 413)])
def test_protective_equipment_takes_images_of_four_megabytes_and_no_more(call, service, size, status):
    operation = BY_NAME["image-protective-equipment"]
    service("rekognition").add_response(operation.method, service_answer(operation))
    content = PNG + b"\0" * (size - len(PNG))
    assert call("vision", f"/{operation.path}", content, "image/png")[0] == status


SERVICE_TROUBLE = {
    "ThrottlingException": 503,
    "ProvisionedThroughputExceededException": 503,
    "TooManyRequestsException": 503,
    "InternalServerError": 503,
    "AccessDeniedException": 502,
    "ExpiredTokenException": 503,
    "InvalidSignatureException": 503,
    "RequestTimeTooSkewed": 503,
    "UnrecognizedClientException": 503,
    "InvalidImageFormatException": 400,
    "InvalidParameterException": 400,
    "ResourceUnavailableException": 503,
    "TextSizeLimitExceededException": 413,
    "UnsupportedLanguageException": 400,
    "ImageTooLargeException": 413,
    "StandInLoading": 503,
    "NotImplementedByStandIn": 501,
    "LanguageNotReadByStandIn": 501,
    "OptionNotReadByStandIn": 501,
}


@pytest.mark.parametrize("code", SERVICE_TROUBLE)
@pytest.mark.parametrize(
    ("function", "path", "name", "method", "body", "content_type"),
    [
        ("vision", "/images/labels", "rekognition", "detect_labels", PNG, "image/png"),
        ("language", "/texts/sentiment", "comprehend", "detect_sentiment", b"Good.", "text/plain"),
    ],
)
def test_a_service_in_trouble_gives_a_truthful_status(
    call, service, code, function, path, name, method, body, content_type
):
    service(name).add_client_error(method, code, f"about {SECRET}")
    status, answer, headers = call(function, path, body, content_type)
    assert status == SERVICE_TROUBLE[code]
    assert ("Retry-After" in headers) == (status == 503)
    assert SECRET not in json.dumps(answer)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("NotImplementedByStandIn", "no stand-in for this operation of Comprehend; in an AWS account"),
        ("LanguageNotReadByStandIn", "for this operation of Comprehend reads English alone."),
        ("OptionNotReadByStandIn", "of Comprehend does not know one of these options."),
    ],
)
def test_without_a_stand_in_the_caller_is_told_which_is_missing(call, service, code, sentence):
    service("comprehend").add_client_error("detect_sentiment", code)
    _, answer, _ = call("language", "/texts/sentiment", b"Good.", "text/plain")
    assert answer["error"]["code"] == "NoStandIn"
    assert sentence in answer["error"]["message"]


def test_a_fault_of_a_stand_in_is_not_called_the_services(call, service):
    headers = {"HTTPHeaders": {STAND_IN_HEADER: "no answer"}}
    trouble = ("detect_labels", "ServiceUnavailable", "It ended with SIGSEGV.", 503)
    service("rekognition").add_client_error(*trouble, response_meta=headers)
    status, answer, headers = call("vision", "/images/labels", PNG, "image/png")
    assert (status, answer["error"]["code"]) == (503, "ServiceFaulted")
    assert answer["error"]["message"].startswith("The stand-in of Rekognition has a fault of its own")
    assert "Retry-After" in headers


LARGE = {
    "image": ("custom", "/images/class", PNG + b"\0" * IMAGE_BYTES, "image/png", "Shrink it: fewer pixels"),
    "text": ("custom", "/texts/class", b"a" * 100_001, "text/plain", "Send it in parts."),
    "sequence": ("custom", "/sequences/class", sequence([[1]] * 200_001), "application/json", "in parts."),
}


@pytest.mark.parametrize("case", LARGE)
def test_what_is_too_large_is_refused_with_the_limit_and_the_remedy(call, case):
    function, path, body, content_type, remedy = LARGE[case]
    status, answer, _ = call(function, path, body, content_type)
    assert status == 413
    assert "at most" in answer["error"]["message"] and remedy in answer["error"]["message"]


def test_bytes_of_no_utf8_are_refused_with_the_charset_to_name(call):
    _, answer, _ = call("custom", "/texts/class", b"caf\xe9", "text/plain", as_base64=True)
    assert answer["error"]["message"] == (
        "The body is not UTF-8: byte 3 is wrong. Send UTF-8, or name its encoding in the content type, such as "
        "charset=iso-8859-1."
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("max_label", "The option max_label is none of"),
        ("Max-Labels", "The option Max-Labels is none of"),
        ("my secret is here", "The option is none of"),
        ("max labels", "The option is none of"),
        ("max_labels\n", "The option is none of"),
        ("max_labels" * 40, "The option is none of"),
    ],
)
def test_an_unknown_option_is_named_where_it_is_a_misspelt_one_as_it_may_be_content(call, name, told):
    _, answer, _ = call("vision", "/images/labels", PNG, "image/png", query={name: "1"})
    assert told in answer["error"]["message"]


UNREADABLE = {
    "/images/class": (PNG, "image/png", "cannot decode the image"),
    "/texts/class": (b"A film.", "text/plain", "does not read this text: it was trained on sequences"),
    "/sequences/class": (
        sequence([[1]]),
        "application/json",
        "on another number of channels or steps, or on texts",
    ),
}


@pytest.mark.parametrize("path", UNREADABLE)
def test_what_the_released_model_does_not_read_is_said_by_what_was_sent(call, service, path):
    body, content_type, said = UNREADABLE[path]
    fields = {"OriginalStatusCode": 400}
    service("sagemaker-runtime").add_client_error(
        "invoke_endpoint", "ModelError", "no", modeled_fields=fields
    )
    status, answer, _ = call("custom", path, body, content_type)
    assert (status, answer["error"]["code"]) == (400, "UnreadableInput")
    assert said in answer["error"]["message"]


ENDPOINT_TROUBLE = [
    (
        "ValidationError",
        "Endpoint recognition-dev-cnn of account 1 not found.",
        None,
        503,
        "ModelNotReleased",
    ),
    ("ModelNotReadyException", "loading", None, 503, "ModelNotReady"),
    ("ModelError", "the container said no", 500, 503, "ModelFailed"),
    ("ModelError", "the container said no", 400, 400, "UnreadableInput"),
    ("ThrottlingException", "slow down", None, 503, "ServiceThrottled"),
    ("AccessDeniedException", "no", None, 502, "ServiceFailed"),
]


@pytest.mark.parametrize(("code", "message", "original", "status", "expected"), ENDPOINT_TROUBLE)
def test_an_endpoint_in_trouble_gives_a_truthful_status(
    call, service, code, message, original, status, expected
):
    stubber = service("sagemaker-runtime")
    members = {"OriginalStatusCode": original} if original else {}
    stubber.add_client_error("invoke_endpoint", code, message, modeled_fields=members or None)
    answer = call("custom", "/images/class", PNG, "image/png")
    assert (answer[0], answer[1]["error"]["code"]) == (status, expected)
    assert ("Retry-After" in answer[2]) == (status == 503)


def test_an_unreachable_service_is_unavailable_not_broken(call, monkeypatch):
    client = clients.client("comprehend")

    def time_out(**_):
        raise ConnectTimeoutError(endpoint_url="https://comprehend")

    monkeypatch.setattr(client, "detect_sentiment", time_out)
    status, answer, headers = call("language", "/texts/sentiment", b"Good.", "text/plain")
    assert (status, answer["error"]["code"]) == (503, "ServiceUnreachable")
    assert headers["Retry-After"]


def test_an_unavailable_backend_is_counted(call, service, capsys):
    service("comprehend").add_client_error("detect_sentiment", "ThrottlingException")
    call("language", "/texts/sentiment", b"Good.", "text/plain")
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert [metric["Unavailable"] for metric in metrics] == [[1.0]]


def test_a_fault_of_our_own_is_told_without_its_words_and_logged_by_its_place(call, monkeypatch, capfd):
    """Lambda would log the message of an exception that nobody handles, and it may repeat what was sent."""

    def stumble(_: object) -> None:
        raise RuntimeError(f"cannot read {SECRET}")

    monkeypatch.setattr("lambdas.language.operations.client", stumble)
    status, answer, _ = call("language", "/texts/sentiment", SECRET.encode(), "text/plain")
    assert (status, answer["error"]["code"]) == (500, "InternalError")
    printed = "".join(capfd.readouterr())
    assert SECRET not in json.dumps(answer) + printed
    assert '"error":"RuntimeError"' in printed and '"function":"stumble"' in printed
    assert '"Unavailable":[1.0]' in printed


MARKED_PNG = PNG[:-12] + b"\0\0\0\x0ctEXt" + SECRET.encode() + b"\0\0\0\0" + PNG[-12:]
MARKED_TEXT = f"My name is {SECRET}."
MARKED_NUMBER = 4711.0815471108


def body_with_the_secret(operation) -> bytes:
    """A good request's JSON that carries the secret."""
    image = base64.b64encode(MARKED_PNG).decode()
    fields = {
        ImageBody: {"image": image},
        ImagePairBody: {"source": image, "target": image},
        TextBody: {"text": MARKED_TEXT},
        TextsBody: {"texts": [MARKED_TEXT, MARKED_TEXT]},
        SequenceBody: {"sequence": [[MARKED_NUMBER, 1.0]]},
    }
    return json_body(**fields[type(operation.body)])


@pytest.mark.threat
@pytest.mark.parametrize("name", ASKING)
@pytest.mark.parametrize("outcome", ["answered", "refused by the service", "malformed", "a bad option"])
def test_nothing_that_a_customer_sent_is_logged(call, service, name, outcome, capfd, caplog):
    operation = BY_NAME[name]
    caplog.set_level(logging.DEBUG)
    stubber = service(operation.service)
    if outcome == "answered":
        stubber.add_response(operation.method, service_answer(operation))
    else:
        stubber.add_client_error(operation.method, "ValidationException", f"cannot read {SECRET}")
    body = body_with_the_secret(operation)
    if outcome == "malformed":
        body = body[:-1]
    query = {SECRET: SECRET} if outcome == "a bad option" else {}
    status, answer, _ = call(FUNCTION_OF[name], f"/{operation.path}", body, "application/json", query=query)
    assert (status == 200) == (outcome == "answered")
    if status != 200:
        assert SECRET not in json.dumps(answer)
    printed = "".join(capfd.readouterr()) + caplog.text
    assert "operation" in printed or "Answered" in printed, (
        "nothing was logged at all, so this test shows nothing"
    )
    assert SECRET not in printed and str(MARKED_NUMBER) not in printed
    for offset in range(3):
        middle = base64.b64encode(SECRET[offset:].encode())[:-4].decode()
        assert middle not in printed
