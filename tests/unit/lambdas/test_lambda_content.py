"""Content as clients write it: spellings of media types, encodings of text, byte order marks, and forms of base64."""

from __future__ import annotations

import base64
import codecs
import json
import sys
from contextlib import suppress

import pytest

from definitions.content import CHARSETS, LABELS, READ_AS

from .conftest import BY_NAME, PLAIN, picture, service_answer

TEXT = "Grüße, schöner Film."
SPAN = {"begin": 7, "end": 14}


def send_text(call, content: bytes, content_type: str) -> tuple[int, dict]:
    """The API's answer about the entities of a text."""
    return call("language", "/texts/entities", content, content_type, as_base64=True)[:2]


@pytest.fixture
def entities(service):
    """Comprehend, which finds one entity and notes nothing but the text that it was asked about."""
    entity = {"Type": "OTHER", "Score": 0.9, "Text": "schöner", "BeginOffset": 7, "EndOffset": 14}

    def expect(text: str) -> None:
        asked = {"Text": text, "LanguageCode": "en"}
        service("comprehend").add_response("detect_entities", {"Entities": [entity], **PLAIN}, asked)

    return expect


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("utf-8", "utf-8"),
        ("UTF8", "utf-8"),
        ('"utf-8"', "utf-8"),
        ("utf-16le", "utf-16-le"),
        ("utf-16be", "utf-16-be"),
        ("utf-16", "utf-16"),
        ("utf-16", "utf-16-le"),
        ("unicode", "utf-16-le"),
        ("UCS-2", "utf-16-le"),
        ("unicodeFFFE", "utf-16-be"),
        ("x-cp1252", "cp1252"),
        ("iso-8859-1", "latin-1"),
        ("windows-1252", "cp1252"),
    ],
)
def test_a_text_is_decoded_by_the_charset_that_it_names(call, entities, charset, encoding):
    entities(TEXT)
    assert send_text(call, TEXT.encode(encoding), f"text/plain; charset={charset}")[0] == 200


@pytest.mark.parametrize(
    ("charset", "encoding", "text"),
    [
        ("iso-8859-1", "cp1252", "“Schön” für 5 €"),
        ("gb2312", "gb18030", "朱镕基"),
        ("shift_jis", "cp932", "①～"),
        ("x-sjis", "cp932", "①～"),
        ("windows-31j", "cp932", "①～"),
        ("x-gbk", "gb18030", "朱镕基"),
        ("ks_c_5601-1989", "cp949", "똠방각하"),
        ("cn-big5", "big5hkscs", "嘅喺"),
        ("iso-8859-8-i", "iso8859-8", "שלום"),
        ("euc-kr", "cp949", "똠방각하"),
        ("big5", "big5hkscs", "嘅喺"),
    ],
)
def test_a_charset_is_read_as_the_web_reads_it(call, entities, charset, encoding, text):
    entities(text)
    assert send_text(call, text.encode(encoding), f"text/plain; charset={charset}")[0] == 200


@pytest.mark.parametrize(
    "charset", ["utf-7", "idna", "unicode_escape", "rot13", "hex", "klingon", "utf-8\0", "a" * 900]
)
def test_a_charset_that_is_not_decoded_here_is_refused(call, charset):
    status, answer = send_text(call, TEXT.encode(), f"text/plain; charset={charset}")
    assert (status, answer["error"]["code"], answer["error"]["field"]) == (
        415,
        "UnsupportedCharset",
        "Content-Type",
    )


def test_every_charset_is_one_of_pythons_under_its_own_name():
    assert {codecs.lookup(name).name for name in CHARSETS} == CHARSETS
    assert {*READ_AS, *READ_AS.values(), *LABELS.values()} <= CHARSETS


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="Python 3.13 knows a label that 3.12 does not")
@pytest.mark.parametrize("label", LABELS)
def test_a_label_of_the_web_is_kept_where_python_does_not_know_it(label):
    with pytest.raises(LookupError):
        codecs.lookup(label)


@pytest.mark.parametrize("label", LABELS)
def test_a_label_that_a_newer_python_knows_is_the_same_encoding_there(label):
    with suppress(LookupError):
        known = codecs.lookup(label).name
        assert READ_AS.get(known, known) == READ_AS.get(LABELS[label], LABELS[label])


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
def test_who_sends_a_form_is_told_to_send_the_body_itself(call, content_type):
    status, answer = send_text(call, b"A film.", content_type)
    assert status == 415
    assert answer["error"]["message"].endswith("send the file or the text as the body itself.")


def test_bytes_that_are_not_of_their_charset_are_refused(call):
    status, answer = send_text(call, b"\0\xd8", "text/plain; charset=utf-16le")
    assert (status, answer["error"]["code"]) == (400, "InvalidEncoding")
    assert answer["error"]["message"] == "The body is not UTF-16-LE: byte 0 is wrong."


@pytest.mark.parametrize("content_type", ["text/plain", "text/plain; charset=iso-8859-1", "application/json"])
def test_utf16_that_nothing_names_is_refused_and_not_read_with_zero_characters(call, content_type):
    status, answer = send_text(call, "A film.".encode("utf-16-le"), content_type)
    assert (status, answer["error"]["code"]) == (400, "InvalidText")
    assert "charset=utf-16le" in answer["error"]["message"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("content_type", ["text/plain", "text/plain; charset=utf-8"])
def test_a_byte_order_mark_says_the_encoding_and_shifts_no_span(call, entities, encoding, content_type):
    entities(TEXT)
    status, answer = send_text(call, TEXT.encode(encoding), content_type)
    assert (status, answer["results"][0]["span"]) == (200, SPAN)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_with_a_byte_order_mark_is_json(call, entities, encoding):
    entities(TEXT)
    assert send_text(call, json.dumps({"text": TEXT}).encode(encoding), "application/json")[0] == 200


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_json_has_no_number_for_is_called_by_its_name(call, number):
    content = f'{{"sequence": [[{number}]]}}'.encode()
    status, answer, _ = call("custom", "/sequences/class", content, "application/json")
    assert (status, answer["error"]["code"]) == (400, "MalformedJson")
    assert answer["error"]["message"] == f"The body is no JSON: {number} is no number of JSON's."


@pytest.mark.parametrize(
    "content_type", ["image/jpg", "IMAGE/JPEG", "image/pjpeg", "image/jpeg; q=0.9", "image/jpeg (photo)"]
)
def test_other_spellings_of_an_image_type_are_taken(call, service, content_type):
    operation = BY_NAME["image-faces"]
    service("rekognition").add_response(operation.method, service_answer(operation))
    assert call("vision", "/images/faces", picture("JPEG"), content_type, as_base64=True)[0] == 200


@pytest.mark.parametrize(
    ("content_type", "words"),
    [
        ("application/vnd.api+json", "is application/vnd.api+json"),
        ("image/*", "is image/*"),
        ("application/x-www-form-urlencoded", "is application/x-www-form-urlencoded"),
        ("Text/HTML; charset=utf-8", "is text/html"),
        ("text", "is no media type"),
        ("text/", "is no media type"),
        ("image/", "is no media type"),
        ("text/;charset=utf-8", "is no media type"),
        ("application/json,", "is no media type"),
        ("a/b/c", "is no media type"),
        ("(" * 5_000, "is no media type"),
        ("", "is not given"),
        (" ", "is not given"),
    ],
)
def test_a_type_that_is_not_taken_is_told_truly(call, content_type, words):
    status, answer, _ = call("vision", "/images/faces", picture(), content_type, as_base64=True)
    assert (status, answer["error"]["code"]) == (415, "UnsupportedMediaType")
    assert answer["error"]["message"].startswith(f"The content type {words}; this operation takes image/png,")


PNG = picture()
STANDARD = base64.b64encode(PNG).decode()


@pytest.mark.parametrize(
    "encoded",
    [
        STANDARD,
        base64.encodebytes(PNG).decode(),
        base64.encodebytes(PNG).decode().replace("\n", "\r\n"),
        base64.urlsafe_b64encode(PNG).decode(),
        base64.urlsafe_b64encode(PNG).decode().rstrip("="),
        f"data:image/png;base64,{STANDARD}",
        f"data:;base64,{STANDARD.replace('+', '%2B').replace('=', '%3D')}",
        f"image/png;base64,{STANDARD}",
    ],
    ids=[
        "plain",
        "lines",
        "lines of Windows",
        "URL-safe",
        "no padding",
        "data URI",
        "escaped data URI",
        "cut URI",
    ],
)
def test_base64_is_read_as_its_standards_allow(call, service, encoded):
    asked = {"Image": {"Bytes": PNG}, "Attributes": ["DEFAULT"]}
    operation = BY_NAME["image-faces"]
    service("rekognition").add_response(operation.method, service_answer(operation), asked)
    body, query = json.dumps({"image": encoded}).encode(), {"attributes": "DEFAULT"}
    assert call("vision", "/images/faces", body, "application/json", query=query)[0] == 200


@pytest.mark.parametrize("encoded", ["%%%", "A", "AAAA=A", "AA AA", "data:image/png,AAAA", "Käse"])
def test_what_is_no_base64_is_refused(call, encoded):
    body = json.dumps({"image": encoded}).encode()
    status, answer, _ = call("vision", "/images/faces", body, "application/json")
    assert (status, answer["error"]["code"]) == (400, "InvalidBase64")


def test_a_body_that_api_gateway_unpacked_is_read_as_it_is(call, entities):
    """The header that named its coding stays."""
    entities(TEXT)
    headers = {"Content-Encoding": "gzip"}
    sent = call("language", "/texts/entities", TEXT.encode(), "text/plain", as_base64=True, headers=headers)
    assert sent[0] == 200


TRAILED_PNG, TRAILED_JPEG = PNG + b"trail", picture("JPEG") + b"\xff\xd8"
STRAY_JPEG = picture("JPEG").replace(b"\xff\xdb", b"stray\xff\xdb", 1)


@pytest.mark.parametrize(
    "content", [PNG + b"trail", picture("JPEG") + b"\xff\xd8", STRAY_JPEG], ids=["PNG", "JPEG", "stray"]
)
@pytest.mark.parametrize(("function", "name"), [("vision", "image-faces"), ("custom", "image-class")])
def test_an_image_that_decoders_read_is_sent_as_it_is(call, service, content, function, name):
    operation = BY_NAME[name]
    stubber = service(operation.service)
    stubber.add_response(operation.method, service_answer(operation))
    assert call(function, f"/{operation.path}", content, "image/png", as_base64=True)[0] == 200
