"""The page Try in a real browser: what is sent and when, what is drawn, and what a failing API looks like."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from PIL import Image

from lambdas.common.bodies import IMAGE_BYTES
from local_aws.console import NotDeployed

from .conftest import PATIENCE_SECONDS, resize, until

PHOTO = Path(sklearn.datasets.__file__).parent / "images" / "flower.jpg"
FLOWER = {
    "operation": "image-labels",
    "backend": "rekognition",
    "model": {"name": "detect_labels", "version": "stand-in-centernet"},
    "stand_in": "A small open model answered in Rekognition's place.",
    "results": [
        {"label": "Flower", "score": 0.93, "box": {"left": 0.25, "top": 0.1, "width": 0.5, "height": 0.8}},
        {"label": "Petal", "score": 0.81, "box": {"left": 0.4, "top": 0.3, "width": 0.2, "height": 0.3}},
        {"label": "Plant", "score": 0.79},
    ],
    "details": {},
    "cost": {"units": 1, "unit": "image", "usd": 0.001},
    "latency_milliseconds": 121.4,
}
OWN = {
    "operation": "image-class",
    "backend": "sagemaker",
    "model": {"name": "recognition-dev-cnn", "version": "7"},
    "stand_in": None,
    "results": [{"label": "flower", "score": 0.88}, {"label": "bird", "score": 0.12}],
    "details": {},
    "cost": {"units": 1, "unit": None, "usd": None},
    "latency_milliseconds": 28.6,
}


@pytest.fixture
def pictured(site, open_page):
    """The page with a photograph chosen and nothing asked yet."""
    site.api.answers |= {"images/labels": (200, FLOWER), "images/class": (200, OWN)}

    def run(**options):
        page = open_page(**options)
        page.set_input_files("#file", PHOTO)
        page.wait_for_selector("#picture:visible")
        return page

    return run


def asked(page) -> None:
    """Presses the button and waits until everything is answered."""
    page.click("#go")
    until(page, "document.querySelector('#go').textContent === 'Ask both'")


def write(page, text: str) -> None:
    """Chooses text and types it."""
    page.locator(".switch span", has_text="Text").click()
    page.fill("#text", text)


def file_of(image: Image.Image, kind: str, name: str, **options) -> dict:
    """A file as a person's disk has it."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return {"name": name, "mimeType": f"image/{kind.lower()}", "buffer": buffer.getvalue()}


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


def test_nothing_is_sent_before_the_person_says_so(site, pictured):
    page = pictured()
    write(page, "A moving film.")
    page.locator("#samples button").first.click()
    page.wait_for_timeout(300)
    assert site.api.requests == []


def test_both_answer_side_by_side_with_what_each_costs(site, pictured):
    page = pictured()
    asked(page)
    managed, own = (page.locator(f".answer.{side}").inner_text() for side in ("managed", "own"))
    for words in (
        "Amazon Rekognition",
        "stand-in",
        "Flower",
        "93%",
        "0.81",
        "121 ms",
        "US$ 0.0010",
        "version stand-in-centernet",
    ):
        assert words in managed
    for words in ("Own network", "flower", "88%", "29 ms", "by the hour", "version 7", "recognition-dev-cnn"):
        assert words in own
    assert "They agree" in page.inner_text("#verdict")


def test_what_all_answers_of_the_page_cost_is_summed_up(site, pictured):
    page = pictured()
    assert page.inner_text("#spent") == ""
    asked(page)
    asked(page)
    assert page.inner_text("#spent") == (
        "So far on this page: 4 answers for US$ 0; US$ 0.0020 of stand-ins at AWS, free here, "
        "2 of an endpoint that costs by the hour."
    )
    site.api.answers["images/labels"] = (200, {**FLOWER, "stand_in": None})
    asked(page)
    assert page.inner_text("#spent").startswith("So far on this page: 6 answers for US$ 0.0010; ")


def test_the_file_is_sent_byte_for_byte_with_its_type(site, pictured):
    asked(pictured())
    assert site.api.asked() == ["images/class", "images/labels"]
    for request in site.api.requests:
        assert (request.body, request.headers["content-type"]) == (PHOTO.read_bytes(), "image/jpeg")


def test_boxes_lie_where_the_answer_says_at_any_width(pictured):
    page = pictured()
    asked(page)
    assert page.locator("#picture .box").count() == 2
    for width in (1280, 360):
        resize(page, width)
        boxes_fit(page)


def boxes_fit(page) -> None:
    """Compares every box with its place in the picture as it is shown."""
    image = page.locator("#picture img").bounding_box()
    assert image["width"] / image["height"] == pytest.approx(640 / 427, rel=0.01)
    boxes = page.locator("#picture .box")
    # The surest lies on top, so it is drawn last.
    for found, result in zip((boxes.nth(1), boxes.nth(0)), FLOWER["results"], strict=False):
        drawn, box = found.bounding_box(), result["box"]
        assert drawn["x"] == pytest.approx(image["x"] + box["left"] * image["width"], abs=1.5)
        assert drawn["y"] == pytest.approx(image["y"] + box["top"] * image["height"], abs=1.5)
        assert drawn["width"] == pytest.approx(box["width"] * image["width"], abs=1.5)
        assert drawn["height"] == pytest.approx(box["height"] * image["height"], abs=1.5)


def test_disagreement_is_shown(site, pictured):
    page = pictured()
    for label, head in (("flower", "They agree"), ("plant", "They disagree"), ("ship", "They disagree")):
        results = [{"label": label, "score": 0.61}]
        site.api.answers["images/class"] = (200, {**OWN, "results": results})
        asked(page)
        verdict = page.inner_text("#verdict")
        assert head in verdict
        assert f"the own network says {label} (61%)" in verdict
        assert ("also among the managed service's results, with 79%" in verdict) == (label == "plant")


NO_STAND_IN = {"error": {"code": "NoStandIn", "message": "The embedded AWS has no stand-in for this."}}


def test_each_mention_is_marked_by_characters_with_the_sentiment_towards_it(site, open_page):
    text = "🎬 Ada was wonderful, the room was not, and the film ran for two hours."
    mentions = [
        ("Ada", "PERSON", "positive"),
        ("room", "FACILITY", "negative"),
        ("two hours", "DATE", "neutral"),
    ]
    site.api.answers["texts/targeted-sentiment"][1]["results"] = [
        {
            "label": sentiment,
            "score": 0.9,
            "span": {"begin": text.index(words), "end": text.index(words) + len(words)},
            "details": {"entity": number, "type": kind, "mention_score": 0.99},
        }
        for number, (words, kind, sentiment) in enumerate(mentions)
    ]
    page = open_page()
    write(page, text)
    asked(page)
    marks = page.locator("mark")
    assert marks.all_inner_texts() == [
        "Adaperson: positive",
        "roomfacility: negative",
        "two hoursdate: neutral",
    ]
    assert [mark.get_attribute("class") for mark in marks.all()] == ["good", "bad", ""]
    assert site.api.asked() == ["texts/class", "texts/sentiment", "texts/targeted-sentiment"]
    (call,) = page.locator("#marked p.small").all_inner_texts()
    assert "Targeted sentiment by Amazon Comprehend" in call and "US$ 0.0003" in call
    assert {request.body for request in site.api.requests} == {text.encode()}


def test_where_there_is_no_targeted_sentiment_the_entities_are_marked(site, open_page):
    text = "🎬 Ada Lovelace was born in London."
    site.api.answers["texts/targeted-sentiment"] = (501, NO_STAND_IN)
    entities = site.api.answers["texts/entities"][1]
    for result, words in zip(entities["results"], ("Ada Lovelace", "London"), strict=True):
        begin = text.index(words)
        result["span"] = {"begin": begin, "end": begin + len(words)}
    page = open_page(expects=("Failed to load resource",))
    write(page, text)
    asked(page)
    assert page.locator("mark").all_inner_texts() == ["Ada Lovelaceperson", "Londonlocation"]
    call, refusal = page.locator("#marked p.small").all_inner_texts()
    assert "Entities by Amazon Comprehend" in call
    assert refusal == "Targeted sentiment: The embedded AWS has no stand-in for this."


def test_where_nothing_can_be_marked_the_text_stands_with_the_reasons(site, open_page):
    for path in ("texts/targeted-sentiment", "texts/entities"):
        site.api.answers[path] = (501, NO_STAND_IN)
    page = open_page(expects=("Failed to load resource",))
    write(page, "A film.")
    asked(page)
    assert page.inner_text("#marked .text") == "A film."
    assert [
        inner_text.partition(":")[0] for inner_text in page.locator("#marked p.small").all_inner_texts()
    ] == [
        "Targeted sentiment",
        "Entities",
    ]


def test_the_sentiments_of_both_are_marked_at_the_text(site, open_page):
    page = open_page()
    write(page, "A film.")
    for label, tone in (("positive", "good"), ("negative", "bad"), ("neutral", "")):
        site.api.answers["texts/sentiment"][1]["results"] = [{"label": label, "score": 0.9}]
        asked(page)
        assert page.locator("#marked .text").get_attribute("class").strip() == f"text {tone}".strip()
        assert f"Managed service: {label} 90%" in page.locator("#marked .tag").all_inner_texts()
    assert page.locator("#marked .tag").count() == 2


def test_a_large_picture_is_shrunk_in_the_browser_and_the_page_says_so(site, open_page):
    page = open_page()
    large = file_of(noise(1_300, 1_200), "PNG", "large.png", compress_level=0)
    assert len(large["buffer"]) > IMAGE_BYTES
    page.set_input_files("#file", large)
    page.wait_for_selector("#picture:visible")
    assert "Shrunk in your browser from 1,300 × 1,200 (4.7 MB)" in page.inner_text("#image-note")
    asked(page)
    assert site.api.asked() == ["images/class", "images/labels"]
    for request in site.api.requests:
        assert request.headers["content-type"] == "image/jpeg"
        assert len(request.body) <= IMAGE_BYTES
        assert Image.open(io.BytesIO(request.body)).format == "JPEG"


def test_another_format_is_written_anew_and_the_page_says_so(site, open_page):
    page = open_page()
    page.set_input_files("#file", file_of(noise(120, 90), "WEBP", "small.webp"))
    page.wait_for_selector("#picture:visible")
    assert "Written anew as JPEG" in page.inner_text("#image-note")
    asked(page)
    assert Image.open(io.BytesIO(site.api.requests[0].body)).size == (120, 90)


def test_what_is_no_picture_is_a_sentence_and_nothing_can_be_sent(open_page):
    page = open_page()
    page.set_input_files("#file", {"name": "notes.png", "mimeType": "image/png", "buffer": b"no picture"})
    until(page, "document.querySelector('#image-note').textContent !== ''")
    assert "notes.png is no picture that this browser can read" in page.inner_text("#image-note")
    assert page.locator("#go").is_disabled()


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_picture_can_be_pasted_and_dropped(open_page, way):
    page = open_page()
    page.evaluate(
        """async ([way, bytes]) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], "photo.jpg", { type: "image/jpeg" }));
            const event = way === "paste"
              ? new ClipboardEvent("paste", { clipboardData: files, bubbles: true })
              : new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
            (way === "paste" ? document : document.querySelector("#drop")).dispatchEvent(event);
        }""",
        [way, list(file_of(noise(60, 40), "JPEG", "photo.jpg")["buffer"])],
    )
    page.wait_for_selector("#picture:visible")
    assert page.locator("#go").is_enabled()


def test_the_camera_gives_a_picture_and_is_off_afterwards(site, open_page):
    page = open_page(permissions=["camera"])
    page.click("#camera")
    until(page, "document.querySelector('video').videoWidth > 0")
    page.click("#viewfinder button[value=take]")
    page.wait_for_selector("#picture:visible")
    assert page.evaluate("document.querySelector('video').srcObject") is None
    assert site.api.requests == []


LOADING = {"error": {"code": "ModelNotReady", "message": "The model is still loading."}}
NOT_RELEASED = {"error": {"code": "ModelNotReleased", "message": "No model is released yet."}}
REFUSALS = [
    (503, LOADING, {"retry-after": "5"}, "still loading. It may work in 5 seconds."),
    (503, NOT_RELEASED, {"retry-after": "5"}, "No model is released yet.\n\nTrain and release one:"),
    (403, {"message": "Not allowed."}, {}, "Not allowed."),
    (502, b"<html>Bad gateway</html>", {}, "answered 502 with something other than JSON"),
    (500, {}, {}, "The API answered 500."),
]


def test_a_refusal_is_a_sentence_and_the_other_answer_stands(site, pictured):
    page = pictured(expects=("Failed to load resource",))
    for status, body, headers, sentence in REFUSALS:
        site.api.answers["images/class"] = (status, body)
        site.api.headers["images/class"] = headers
        asked(page)
        assert sentence in page.inner_text(".answer.own")
        assert "Flower" in page.inner_text(".answer.managed")
        assert page.inner_text("#verdict") == ""
        said = page.inner_text("#said")
        assert "Managed service: Flower" in said and sentence.partition("\n")[0] in said


def test_another_endpoint_is_asked_under_one_key_until_its_instance_is_there(site, pictured):
    site.api.answers["images/class"] = (503, LOADING)
    site.api.headers["images/class"] = {"retry-after": "1"}
    page = pictured(expects=("Failed to load resource",))
    page.select_option("#endpoint", "to-zero")
    page.click("#go")
    while "images/class" not in site.api.asked():
        page.wait_for_timeout(30)
    site.api.answers["images/class"] = (200, OWN)
    until(page, "document.querySelector('#go').textContent === 'Ask both'")
    asked = [request for request in site.api.requests if request.path == "images/class"]
    assert "flower" in page.inner_text(".answer.own") and len(asked) > 1
    assert {request.query for request in asked} == {"endpoint=to-zero"}
    assert len({request.headers["idempotency-key"] for request in asked}) == 1


@pytest.mark.parametrize("endpoints", [[], ["asynchronous"]])
def test_only_endpoints_that_the_deployment_has_are_offered(site, open_page, endpoints):
    told = {**site.configuration(), "endpoints": endpoints}
    site.configuration = lambda: told
    page = open_page()
    assert page.is_visible("#endpoint") == bool(endpoints)
    offered = page.eval_on_selector_all("#endpoint option", "options => options.map((one) => one.value)")
    assert offered == ["", *endpoints]


def test_a_network_that_was_never_released_is_told_with_what_to_run(site, pictured):
    site.api.answers["images/class"] = (503, NOT_RELEASED)
    page = pictured(expects=("Failed to load resource",))
    asked(page)
    assert page.inner_text(".answer.own .tag") == "not released"
    commands = page.locator(".answer.own code").all_inner_texts()
    assert commands == [
        "recognition train cnn --environment dev",
        "recognition release cnn --environment dev",
    ]


def test_an_api_that_cannot_be_reached_is_a_sentence(pictured):
    page = pictured(expects=("Failed to load resource",))
    page.route("**/images/*", lambda route: route.abort())
    asked(page)
    for side in ("managed", "own"):
        assert "The API cannot be reached" in page.inner_text(f".answer.{side}")


def test_a_slow_api_shows_what_is_there_counts_the_seconds_and_can_be_stopped(site, pictured):
    site.api.held = {"images/labels"}
    page = pictured()
    page.click("#go")
    page.wait_for_selector(".answer.own .best")
    until(
        page,
        "document.querySelector('.answer.managed .wait').textContent.startsWith('Waiting for ')"
        " && document.querySelector('.answer.managed .wait').textContent.includes(' s ')",
    )
    assert page.inner_text("#go") == "Stop"
    page.click("#go")
    assert page.inner_text("#go") == "Ask both"
    assert page.locator(".wait").count() == 0


def test_what_an_answer_says_is_never_markup(site, pictured):
    evil = "<img src=x onerror=alert(1)>"
    results = [{"label": evil, "score": 0.5, "box": FLOWER["results"][0]["box"]}]
    site.api.answers["images/labels"] = (200, {**FLOWER, "results": results, "stand_in": evil})
    page = pictured()
    asked(page)
    assert page.locator(".answer.managed .best strong").inner_text() == evil
    assert page.locator(".answer img").count() == 0


def test_without_a_deployment_the_page_says_what_to_run(site, browser):
    def refuse() -> dict:
        raise NotDeployed("The app is not deployed here yet. Run: recognition up")

    site.configuration = refuse
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    page.goto(site.address)
    page.wait_for_selector("#failure:visible")
    assert "Run: recognition up" in page.inner_text("#failure")
    page.close()


def test_nothing_written_is_nothing_to_ask_and_too_much_is_told_before_it_is_sent(open_page):
    page = open_page()
    for text in ("", "   "):
        write(page, text)
        assert page.locator("#go").is_disabled()
    write(page, "é" * 2_501)
    assert "5,002 of 5,000 bytes. That is more than Comprehend takes" in page.inner_text("#text-note")


SIGNED = [
    {"path": "/dev/images/class", "query": "", "body": "", "token": None},
    {"path": "/a%20b/%C3%A9/~x", "query": "", "body": "text", "token": "a/token+with=signs"},
    {"path": "/dev/x", "query": "b=2&a=%2F&a=1&c=d%20e", "body": "ünï", "token": None},
]
SIGN = """async ([given, host]) => (await import("/_console/sigv4.js")).signed({
    method: "POST", host, path: given.path, query: given.query, region: "eu-central-1",
    service: "execute-api", headers: { "content-type": "text/plain" },
    body: new TextEncoder().encode(given.body), date: new Date("2026-11-26T01:02:03.456Z"),
    credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret/key", sessionToken: given.token },
})"""


def test_a_signature_is_the_one_that_botocore_computes(open_page):
    page = open_page()
    host = "abc.execute-api.eu-central-1.amazonaws.com"
    for case in SIGNED:
        headers = page.evaluate(SIGN, [case, host])
        address = f"https://{host}{case['path']}" + (f"?{case['query']}" if case["query"] else "")
        sent = {name: value for name, value in headers.items() if name != "authorization"}
        request = AWSRequest("POST", address, data=case["body"].encode(), headers=sent)
        request.context["timestamp"] = "20261126T010203Z"
        credentials = Credentials("AKIDEXAMPLE", "secret/key", case["token"])
        signer = SigV4Auth(credentials, "execute-api", "eu-central-1")
        expected = signer.signature(
            signer.string_to_sign(request, signer.canonical_request(request)), request
        )
        assert headers["authorization"].endswith(f"Signature={expected}")
        assert headers["x-amz-date"] == "20261126T010203Z"
        assert "secret/key" not in json.dumps(headers)
