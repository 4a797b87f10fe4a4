"""The stand-ins of Rekognition and Comprehend: answers in the services' shapes, refusals in the services' codes."""

from __future__ import annotations

import ast
import base64
import io
import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from types import SimpleNamespace

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import cbook
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_sample_image

from cli.shared.stand_ins import is_loading
from local_aws.managed import comprehend, face_embedding, nsfw, rekognition, toxic
from local_aws.managed.service import STAND_IN_HEADER, StandIn

ROOT = Path(__file__).resolve().parents[2]
REKOGNITION, COMPREHEND = rekognition.stand_in(), comprehend.stand_in()


def ask(stand_in: StandIn, operation: str, request: dict) -> tuple[int, dict, dict]:
    """Status, headers and content of an answer."""
    status, headers, body = stand_in.answer(operation, json.dumps(request).encode())
    return status, headers, json.loads(body)


def require_shape(service: str, operation: str, content: dict) -> None:
    """Fails where an answer is not of the shape in the service's own model; unknown members count as wrong."""
    shape = botocore.session.get_session().get_service_model(service).operation_model(operation).output_shape
    assert set(content) <= set(shape.members)
    assert not ParamValidator().validate(content, shape).has_errors()


def encoded(image: Image.Image, kind: str = "PNG") -> dict:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return {"Image": {"Bytes": base64.b64encode(buffer.getvalue()).decode()}}


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    """A photograph of a person (Grace Hopper, public domain, as matplotlib carries it)."""
    return Image.open(cbook.get_sample_data("grace_hopper.jpg"))


@pytest.fixture(scope="module")
def labels(portrait) -> dict:
    status, headers, content = ask(REKOGNITION, "DetectLabels", encoded(portrait, "JPEG"))
    assert (status, headers[STAND_IN_HEADER]) == (200, rekognition.LABELS_MARK)
    return content


def test_a_person_in_a_photograph_is_found_where_she_is(labels):
    require_shape("rekognition", "DetectLabels", labels)
    (person,) = [label for label in labels["Labels"] if label["Name"] == "Person"]
    box = person["Instances"][0]["BoundingBox"]
    assert person["Confidence"] > 55
    assert box["Width"] * box["Height"] > 0.5
    assert box["Left"] >= 0 and box["Left"] + box["Width"] <= 1


def test_fewer_labels_come_when_fewer_or_surer_ones_are_asked_for(portrait):
    many = ask(REKOGNITION, "DetectLabels", {**encoded(portrait), "MinConfidence": 0})[2]["Labels"]
    entry = ask(REKOGNITION, "DetectLabels", {**encoded(portrait), "MinConfidence": 0, "MaxLabels": 1})[2][
        "Labels"
    ]
    assert len(many) > 1
    assert entry == many[:1]
    assert [m["Confidence"] for m in many] == sorted((m["Confidence"] for m in many), reverse=True)


@pytest.mark.parametrize("turned", [None, Image.Transpose.FLIP_LEFT_RIGHT], ids=["as it is", "mirrored"])
@pytest.mark.parametrize("margin", [0, 400])
def test_a_face_is_found_where_it_is_with_its_eyes_above_its_nose(portrait, turned, margin):
    image = portrait.transpose(turned) if turned is not None else portrait
    wide = Image.new("RGB", (image.width + margin, image.height), "grey")
    wide.paste(image, (margin, 0))

    status, headers, content = ask(REKOGNITION, "DetectFaces", encoded(wide))

    assert (status, headers[STAND_IN_HEADER]) == (200, rekognition.FACES_MARK)
    require_shape("rekognition", "DetectFaces", content)
    (face,) = content["FaceDetails"]
    assert face["Confidence"] > 70
    box = face["BoundingBox"]
    # Her face's middle in the photograph, by eye.
    x, y = (0.48 if turned is not None else 0.52), 0.39
    left, width = box["Left"] * wide.width - margin, box["Width"] * wide.width
    assert (left + width / 2) / image.width == pytest.approx(x, abs=0.05)
    assert box["Top"] + box["Height"] / 2 == pytest.approx(y, abs=0.05)
    points = {landmark["Type"]: (landmark["X"], landmark["Y"]) for landmark in face["Landmarks"]}
    assert points["eyeLeft"][0] < points["nose"][0] < points["eyeRight"][0]
    assert max(points["eyeLeft"][1], points["eyeRight"][1]) < points["nose"][1]


@pytest.mark.parametrize("name", ["china.jpg", "flower.jpg"])
def test_no_face_is_found_where_there_is_none(name):
    picture = Image.fromarray(load_sample_image(name))
    assert ask(REKOGNITION, "DetectFaces", encoded(picture, "JPEG"))[2] == {"FaceDetails": []}


def pair(source: Image.Image, target: Image.Image, **options) -> dict:
    return {
        "SourceImage": encoded(source, "JPEG")["Image"],
        "TargetImage": encoded(target, "JPEG")["Image"],
        **options,
    }


def test_a_face_is_recognised_in_another_picture_of_it(portrait):
    wide = Image.new("RGB", (1_000, 600), "grey")
    wide.paste(portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT).rotate(10).resize((384, 450)), (600, 100))

    status, headers, content = ask(REKOGNITION, "CompareFaces", pair(portrait, wide))

    assert (status, headers[STAND_IN_HEADER]) == (200, rekognition.COMPARISON_MARK)
    require_shape("rekognition", "CompareFaces", content)
    (match,) = content["FaceMatches"]
    assert match["Similarity"] > 99
    assert match["Face"]["BoundingBox"]["Left"] > 0.6
    assert content["UnmatchedFaces"] == []
    assert content["SourceImageFace"]["BoundingBox"]["Left"] < 0.6


def test_a_face_below_the_threshold_is_told_as_unmatched(portrait, monkeypatch):
    monkeypatch.setattr(rekognition, "similarity", lambda _: 0.79)
    strict = ask(REKOGNITION, "CompareFaces", pair(portrait, portrait))[2]
    assert (len(strict["FaceMatches"]), len(strict["UnmatchedFaces"])) == (0, 1)
    require_shape("rekognition", "CompareFaces", strict)
    lax = ask(REKOGNITION, "CompareFaces", pair(portrait, portrait, SimilarityThreshold=79))[2]
    assert (len(lax["FaceMatches"]), len(lax["UnmatchedFaces"])) == (1, 0)


def test_alike_faces_are_alike_from_a_cosine_that_two_people_seldom_reach():
    # The 80 % that Rekognition takes unless told otherwise; of two people's pictures the cosine is 0.4 mostly.
    assert face_embedding.similarity(0.65) == pytest.approx(0.8, abs=0.05)
    assert face_embedding.similarity(0.5) < 0.001 < 0.99 < face_embedding.similarity(0.72)


def test_a_source_without_a_face_is_refused_and_a_target_without_one_has_no_match(portrait):
    flower = Image.fromarray(load_sample_image("flower.jpg"))
    status, _, answer = ask(REKOGNITION, "CompareFaces", pair(flower, portrait))
    assert (status, answer["__type"]) == (400, "InvalidParameterException")
    content = ask(REKOGNITION, "CompareFaces", pair(portrait, flower))[2]
    assert (content["FaceMatches"], content["UnmatchedFaces"]) == ([], [])


@pytest.mark.parametrize("name", ["china.jpg", "flower.jpg"])
def test_a_harmless_picture_gets_no_label_of_moderation(name):
    picture = Image.fromarray(load_sample_image(name))
    status, headers, content = ask(REKOGNITION, "DetectModerationLabels", encoded(picture, "JPEG"))
    assert (status, headers[STAND_IN_HEADER]) == (200, rekognition.MODERATION_MARK)
    require_shape("rekognition", "DetectModerationLabels", content)
    assert (content["ModerationLabels"], content["ContentTypes"]) == ([], [])


@pytest.mark.parametrize(
    ("seen", "least", "labels", "kinds"),
    [
        ({"Porn": 0.9, "Sexy": 0.1}, 50, ["Explicit"], []),
        ({"Hentai": 0.6, "Drawing": 0.3, "Neutral": 0.1}, 50, ["Explicit"], ["Illustrated"]),
        ({"Sexy": 0.7, "Porn": 0.3}, 25, ["Swimwear or Underwear", "Explicit"], []),
        ({"Neutral": 1.0}, 1, [], []),
    ],
)
def test_what_the_network_sees_has_rekognitions_names(monkeypatch, seen, least, labels, kinds):
    class Scripted:
        def classify(self, image):
            return dict.fromkeys(nsfw.CLASSES, 0.0) | seen

    monkeypatch.setattr(rekognition, "nsfw", Scripted)
    picture = {**encoded(Image.new("RGB", (80, 80))), "MinConfidence": least}
    content = ask(REKOGNITION, "DetectModerationLabels", picture)[2]
    require_shape("rekognition", "DetectModerationLabels", content)
    assert [label["Name"] for label in content["ModerationLabels"]] == labels
    assert [content_type["Name"] for content_type in content["ContentTypes"]] == kinds
    assert all(label["TaxonomyLevel"] == 1 for label in content["ModerationLabels"])


def test_words_in_a_picture_are_read_with_their_lines_and_places():
    image = Image.new("RGB", (640, 120), "white")
    ImageDraw.Draw(image).text((20, 30), "Invoice-2026", fill="black", font=ImageFont.load_default(64))
    status, headers, content = ask(REKOGNITION, "DetectText", encoded(image))
    assert (status, headers[STAND_IN_HEADER]) == (200, rekognition.TEXT_MARK)
    require_shape("rekognition", "DetectText", content)
    line, word = content["TextDetections"]
    assert (line["Type"], line["DetectedText"]) == ("LINE", "Invoice-2026")
    assert (word["Type"], word["ParentId"]) == ("WORD", line["Id"])
    assert line["Geometry"]["BoundingBox"]["Left"] < 0.1 < line["Geometry"]["BoundingBox"]["Width"]


@pytest.mark.parametrize("size", [(10_000, 80), (80, 10_000)])
def test_a_strip_is_read_for_text_as_a_picture_that_is_not_so_narrow(monkeypatch, size):
    seen = []

    def read(pixels):
        seen.append(pixels.shape[:2])
        return SimpleNamespace(boxes=None, txts=None, scores=None)

    monkeypatch.setattr(rekognition, "reader", lambda: read)
    assert ask(REKOGNITION, "DetectText", encoded(Image.new("RGB", size)))[0] == 200
    assert sorted(seen[0]) == [1_250, 10_000]


def test_a_word_in_a_strip_has_its_place_in_the_strip():
    image = Image.new("RGB", (2_400, 160), "white")
    ImageDraw.Draw(image).text((1_200, 20), "Invoice", fill="black", font=ImageFont.load_default(110))
    _, _, content = ask(REKOGNITION, "DetectText", encoded(image))
    box = content["TextDetections"][0]["Geometry"]["BoundingBox"]
    assert 0.48 < box["Left"] < 0.52
    assert box["Height"] > 0.4


def bomb(side: int) -> bytes:
    """A PNG whose header promises side × side pixels and which holds none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"no image", "InvalidImageFormatException"),
        (bomb(60_000), "InvalidParameterException"),
        (bomb(200), "InvalidImageFormatException"),
        (bomb(79), "InvalidParameterException"),
        (b"\0" * (5 * 1024 * 1024 + 1), "ImageTooLargeException"),
    ],
    ids=["no image", "bomb", "empty", "too small", "too many bytes"],
)
def test_an_image_that_rekognition_would_refuse_is_refused_with_its_code(content, code):
    request = {"Image": {"Bytes": base64.b64encode(content).decode()}}
    status, _, answer = ask(REKOGNITION, "DetectLabels", request)
    assert (status, answer["__type"]) == (400, code)


@pytest.mark.parametrize(
    "request_", [{}, {"Image": {}}, {"Image": None}, {"Image": {"Bytes": "*"}}, {"Image": {"Bytes": 3}}]
)
def test_a_request_without_an_image_is_refused(request_):
    status, _, answer = ask(REKOGNITION, "DetectLabels", request_)
    assert (status, answer["__type"]) == (400, "InvalidParameterException")


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        ("I love this hotel. Breakfast was wonderful!", "POSITIVE"),
        ("The room was dirty and the staff were rude.", "NEGATIVE"),
        ("The meeting is on Monday.", "NEUTRAL"),
    ],
)
def test_an_opinion_is_told_from_its_words(text, sentiment):
    status, headers, content = ask(COMPREHEND, "DetectSentiment", {"Text": text, "LanguageCode": "en"})
    assert (status, headers[STAND_IN_HEADER]) == (200, comprehend.SENTIMENT_MARK)
    require_shape("comprehend", "DetectSentiment", content)
    assert content["Sentiment"] == sentiment


@settings(max_examples=50, deadline=None)
@given(st.text(min_size=1, max_size=300))
def test_the_four_scores_of_any_text_sum_to_one(text):
    scores = ask(COMPREHEND, "DetectSentiment", {"Text": text, "LanguageCode": "en"})[2]["SentimentScore"]
    assert sum(scores.values()) == pytest.approx(1)
    assert all(0 <= score <= 1 for score in scores.values())


def test_an_insult_is_told_from_a_harmless_sentence_each_segment_by_itself():
    texts = ["You are an idiot.", "The trains run on time.", "Go to hell."]
    request = {"TextSegments": [{"Text": text} for text in texts], "LanguageCode": "en"}
    status, headers, content = ask(COMPREHEND, "DetectToxicContent", request)
    assert (status, headers[STAND_IN_HEADER]) == (200, toxic.MARK)
    require_shape("comprehend", "DetectToxicContent", content)
    assert [entry["Toxicity"] > 0.5 for entry in content["ResultList"]] == [True, False, True]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"TextSegments": []}, "InvalidRequestException"),
        ({"TextSegments": ["a"]}, "InvalidRequestException"),
        ({"TextSegments": [{"Text": "a"}] * 11}, "InvalidRequestException"),
        ({"TextSegments": [{"Text": "a"}, {"Text": "x" * 1_001}]}, "TextSizeLimitExceededException"),
        ({"LanguageCode": "de"}, "UnsupportedLanguageException"),
    ],
)
def test_segments_that_comprehend_would_refuse_are_refused_with_its_code(changes, code):
    request = {"TextSegments": [{"Text": "a"}], "LanguageCode": "en", **changes}
    status, _, answer = ask(COMPREHEND, "DetectToxicContent", request)
    assert (status, answer["__type"]) == (400, code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Das ist ein schöner Tag, und wir gehen in den Park.", "de"),
        ("La maison est au bout de la rue, près de la gare.", "fr"),
        ("Where is the nearest railway station, please?", "en"),
    ],
)
def test_a_language_is_known(text, code):
    status, _, content = ask(COMPREHEND, "DetectDominantLanguage", {"Text": text})
    require_shape("comprehend", "DetectDominantLanguage", content)
    assert (status, content["Languages"][0]["LanguageCode"]) == (200, code)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"LanguageCode": "en"}, "InvalidRequestException"),
        ({"Text": "", "LanguageCode": "en"}, "InvalidRequestException"),
        ({"Text": "é" * 2_501, "LanguageCode": "en"}, "TextSizeLimitExceededException"),
        ({"Text": "hello", "LanguageCode": "tlh"}, "UnsupportedLanguageException"),
    ],
)
def test_a_text_that_comprehend_would_refuse_is_refused_with_its_code(request_, code):
    status, _, answer = ask(COMPREHEND, "DetectSentiment", request_)
    assert (status, answer["__type"]) == (400, code)


PERSONAL = "Ada Lovelace wrote to ada@example.org from 192.168.10.4 and paid with 4111 1111 1111 1111."
ENGLISH = {
    "DetectEntities": (
        "Grace Hopper was born in New York.",
        lambda answer: [(entity["Type"], entity["Text"]) for entity in answer["Entities"]],
        [("PERSON", "Grace Hopper"), ("LOCATION", "New York")],
    ),
    "DetectKeyPhrases": (
        "She designed the first compiler.",
        lambda answer: [key_phrase["Text"] for key_phrase in answer["KeyPhrases"]],
        ["the first compiler"],
    ),
    "DetectSyntax": (
        "The dogs run quickly.",
        lambda answer: [syntax_token["PartOfSpeech"]["Tag"] for syntax_token in answer["SyntaxTokens"]],
        ["DET", "NOUN", "VERB", "ADV", "PUNCT"],
    ),
    "DetectPiiEntities": (
        PERSONAL,
        lambda answer: [
            (entity["Type"], PERSONAL[entity["BeginOffset"] : entity["EndOffset"]])
            for entity in answer["Entities"]
        ],
        [
            ("NAME", "Ada Lovelace"),
            ("EMAIL", "ada@example.org"),
            ("IP_ADDRESS", "192.168.10.4"),
            ("CREDIT_DEBIT_NUMBER", "4111 1111 1111 1111"),
        ],
    ),
}


@pytest.mark.parametrize("operation", ENGLISH)
def test_an_english_text_is_read(operation):
    text, found_in, expected = ENGLISH[operation]
    status, headers, content = ask(COMPREHEND, operation, {"Text": text, "LanguageCode": "en"})
    assert (status, "not Comprehend" in headers[STAND_IN_HEADER]) == (200, True)
    require_shape("comprehend", operation, content)
    assert found_in(content) == expected


def test_each_thing_in_a_text_has_the_sentiment_of_its_own_clause():
    text = "The room was awful, but Grace Hopper was wonderful. The room faced a street."
    status, headers, content = ask(
        COMPREHEND, "DetectTargetedSentiment", {"Text": text, "LanguageCode": "en"}
    )
    assert (status, "not Comprehend" in headers[STAND_IN_HEADER]) == (200, True)
    require_shape("comprehend", "DetectTargetedSentiment", content)
    mentions = [
        [
            (mention["Text"], mention["Type"], mention["MentionSentiment"]["Sentiment"])
            for mention in entity["Mentions"]
        ]
        for entity in content["Entities"]
    ]
    assert mentions == [
        [("The room", "OTHER", "NEGATIVE"), ("The room", "OTHER", "NEUTRAL")],
        [("Grace Hopper", "PERSON", "POSITIVE")],
        [("a street", "OTHER", "NEUTRAL")],
    ]


@settings(max_examples=30, deadline=None)
@given(st.text(min_size=1, max_size=100), st.sampled_from(sorted(ENGLISH)))
def test_spans_of_any_text_lie_in_it_in_characters(text, operation):
    status, _, content = ask(COMPREHEND, operation, {"Text": text, "LanguageCode": "en"})
    assert status == 200
    require_shape("comprehend", operation, content)
    for entry in next(iter(content.values())):
        assert 0 <= entry["BeginOffset"] < entry["EndOffset"] <= len(text)
        assert entry.get("Text", "") in ("", text[entry["BeginOffset"] : entry["EndOffset"]])


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        ("DetectEntities", {"Text": "Hallo, Ada."}),
        ("DetectSentiment", {"Text": "Ein wunderbarer Film."}),
        ("BatchDetectSentiment", {"TextList": ["Ein wunderbarer Film."]}),
    ],
)
def test_a_language_that_the_model_does_not_read_is_not_guessed_at(operation, text):
    status, _, answer = ask(COMPREHEND, operation, {**text, "LanguageCode": "de"})
    assert (status, answer["__type"]) == (400, "LanguageNotReadByStandIn")
    assert "English only" in answer["message"]


@pytest.mark.parametrize(
    "operation", sorted(name for name in COMPREHEND.operations if name.startswith("Batch"))
)
def test_a_batch_answers_each_text_as_the_single_operation_does(operation):
    texts = ["Grace Hopper loved New York.", "é" * 2_501, "", "It was a wonderful day."]
    status, _, content = ask(COMPREHEND, operation, {"TextList": texts, "LanguageCode": "en"})
    assert status == 200
    require_shape("comprehend", operation, content)
    assert [entry["Index"] for entry in content["ResultList"]] == [0, 3]
    assert [(entry["Index"], entry["ErrorCode"]) for entry in content["ErrorList"]] == [
        (1, "TextSizeLimitExceededException"),
        (2, "InvalidRequestException"),
    ]
    single = ask(COMPREHEND, operation.removeprefix("Batch"), {"Text": texts[0], "LanguageCode": "en"})[2]
    assert content["ResultList"][0] == {"Index": 0, **single}


def test_a_batch_of_more_than_comprehend_takes_is_refused():
    request = {"TextList": ["text"] * 26, "LanguageCode": "en"}
    status, _, answer = ask(COMPREHEND, "BatchDetectSentiment", request)
    assert (status, answer["__type"]) == (400, "BatchSizeLimitExceededException")


def test_the_stand_ins_load_nothing_before_they_are_asked():
    code = "import sys; from local_aws.managed import comprehend; comprehend.stand_in(); print(sorted(sys.modules))"
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert not {"spacy", "presidio_analyzer", "vaderSentiment", "profanity_check", "sklearn"} & set(
        ast.literal_eval(finished.stdout)
    )


def test_an_operation_without_a_stand_in_says_which_there_are():
    status, _, answer = ask(REKOGNITION, "RecognizeCelebrities", {})
    assert (status, answer["__type"]) == (400, "NotImplementedByStandIn")
    known = "CompareFaces, DetectFaces, DetectLabels, DetectModerationLabels, DetectText"
    assert known in answer["message"]


def test_a_fault_of_a_stand_in_repeats_nothing_that_was_sent(capsys):
    def broken(request):
        raise ValueError(f"cannot read {request['Text']}")

    status, _, body = StandIn("Comprehend", {"DetectSentiment": ("mark", broken)}).answer(
        "DetectSentiment", json.dumps({"Text": "a secret of the customer"}).encode()
    )
    printed = capsys.readouterr()
    assert status == 500
    assert b"secret" not in body and "secret" not in printed.out + printed.err
    assert "ValueError" in printed.err


def test_a_service_asked_through_the_embedded_aws_marks_its_answer(client):
    asked = {"Text": "What a wonderful day!", "LanguageCode": "en"}
    while is_loading(lambda: client("comprehend").detect_sentiment(**asked)):
        continue
    answer = client("comprehend").detect_sentiment(**asked)
    assert answer["Sentiment"] == "POSITIVE"
    assert STAND_IN_HEADER in answer["ResponseMetadata"]["HTTPHeaders"]
