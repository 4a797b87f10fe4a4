"""The evaluation of a run, unfolded in the page Watch: asked for once, shown as text and small pictures."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from playwright.sync_api import expect

from model_code.data.images import png

from .conftest import configuration, until
from .test_watch import STATE

HOSTILE = "<img src=x onerror=alert(1)>"
PICTURE = base64.b64encode(png(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8))).decode()
LABELS = ["aeroplane", "car", HOSTILE]
MISTAKE = {"label": "car", "answer": HOSTILE, "score": 0.991, "place": "photos/<b>car</b>/1.jpg"}
EVALUATION = {
    "metric": "balanced accuracy",
    "score": 0.8125,
    "samples": 1200,
    "figures": {"macro_f1": {"value": 0.8, "interval_95": [0.77, 0.83]}},
    "classes": [
        {"label": label, "precision": 0.8, "recall": 0.75, "f1": 0.774, "support": 400} for label in LABELS
    ],
    "classes_in_all": 3,
    "matrix": {"labels": LABELS, "counts": [[300, 60, 40], [20, 380, 0], [5, 0, 395]]},
    "mistakes": [{**MISTAKE, "png_base64": PICTURE} for _ in range(8)],
}
JOB = "cnn-20261125-090000-def"
UNFOLD = "#state .evaluation"


@pytest.fixture
def watched(site, open_page):
    """Opens Watch, where one run's evaluation is there."""
    site.state = lambda: STATE
    site.evaluations[JOB] = EVALUATION

    def opened(**options):
        page = open_page("#watch", **options)
        page.wait_for_selector("#state .run")
        return page

    return opened


def unfolded(page):
    """What the evaluation of the one run that was measured shows."""
    page.locator("#state summary", has_text="What its evaluation found").click()
    page.wait_for_selector(f"{UNFOLD} h3")
    return page.locator(UNFOLD)


def test_an_evaluation_shows_figures_classes_and_a_matrix_with_the_truth_as_rows(watched):
    found = unfolded(watched())
    words = found.inner_text()
    assert "The balanced accuracy, which decides, is 0.8125 on 1,200 test samples." in words
    figures, classes, matrix = (
        [row.split("\t") for row in table.locator("tbody tr").all_inner_texts()]
        for table in found.locator("table").all()
    )
    assert figures == [["macro f1", "0.8000", "0.7700", "0.8300"]]
    assert classes[0] == ["aeroplane", "400", "0.800", "0.750", "0.774"]
    assert matrix[0] == ["aeroplane", "300", "60", "40"]


def test_the_surest_mistakes_have_their_pictures_and_the_names_of_data_stay_text(watched):
    page = watched()
    found = unfolded(page)
    expect(found.locator("img")).to_have_count(len(EVALUATION["mistakes"]))
    until(page, "[...document.querySelectorAll('.mistakes img')].every((one) => one.naturalWidth === 32)")
    (words,) = found.locator("li").first.all_inner_texts()
    assert f"{HOSTILE}, 99% sure" in words and "labelled car" in words and MISTAKE["place"] in words


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ({"text": f"A long film {HOSTILE}"}, f"A long film {HOSTILE}"),
        ({"steps": 1200}, "A sequence of 1,200 steps."),
    ],
)
def test_mistakes_of_texts_and_sequences_have_no_picture(site, watched, shown, words):
    site.evaluations[JOB] = {**EVALUATION, "mistakes": [{**MISTAKE, **shown}]}
    found = unfolded(watched())
    assert words in found.inner_text()
    assert found.locator("img").count() == 0


def test_a_mistake_about_a_recording_shows_the_course_of_each_channel(site, watched):
    lines = [[0, 0.5, 1], [0.5, 0.5, 0.5], []]
    site.evaluations[JOB] = {**EVALUATION, "mistakes": [{**MISTAKE, "steps": 300, "lines": lines}]}
    found = unfolded(watched())
    expect(found.get_by_role("img", name="The course of channel")).to_have_count(3)
    points = [line.get_attribute("points") for line in found.locator("polyline").all()]
    assert points == ["0,30 1,15 2,0", "0,15 1,15 2,15", ""]
    assert found.locator("polyline").first.bounding_box()["height"] > 10


def test_of_many_classes_the_worst_are_shown_with_how_many_there_are(site, watched):
    site.evaluations[JOB] = {**EVALUATION, "classes_in_all": 4000, "matrix": None, "mistakes": []}
    words = unfolded(watched()).inner_text()
    assert "The 3 of 4,000 with the least F1." in words
    assert "Confusion matrix" not in words and "No answer was wrong." in words


def test_what_is_unfolded_stays_so_and_is_not_asked_for_again(site, watched):
    asked = []
    page = watched()
    page.on("request", lambda request: asked.append(request.url) if "evaluation=" in request.url else None)
    unfolded(page)
    page.evaluate("window.before = document.querySelector('#state .own')")
    page.evaluate("document.querySelector('#refresh').click()")
    until(page, "window.before !== document.querySelector('#state .own')")
    expect(page.locator(f"{UNFOLD} h3").first).to_be_visible()
    assert len(asked) == 1 and asked[0].endswith(f"/watch.json?evaluation={JOB}")


def test_only_a_run_that_was_measured_has_an_evaluation(watched):
    runs = watched().locator("#state .run").all_inner_texts()
    assert ["What its evaluation found" in words for words in runs] == [False, True, False]


def test_where_the_page_may_show_none_nothing_unfolds(site, watched):
    page = watched()
    expect(page.locator(UNFOLD)).to_have_count(1)
    site.configuration = lambda: {**configuration(), "evaluations": False}
    page.reload()
    page.wait_for_selector("#state .run")
    expect(page.locator(UNFOLD)).to_have_count(0)


def test_an_evaluation_that_is_not_there_is_a_sentence(site, watched):
    site.evaluations.clear()
    page = watched()
    page.locator("#state summary", has_text="What its evaluation found").click()
    page.wait_for_selector(f"{UNFOLD} p:has-text('Its evaluation left nothing for this page.')")


@pytest.mark.parametrize(
    "changed",
    [
        {"score": None},
        {"classes": "none"},
        {"figures": {"macro_f1": {"value": "0.8", "interval_95": []}}},
        {"matrix": {"labels": LABELS}},
        {"mistakes": [{**MISTAKE, "png_base64": "no base64!"}]},
    ],
    ids=str,
)
def test_an_evaluation_of_another_form_is_a_sentence(site, watched, changed):
    site.evaluations[JOB] = {**EVALUATION, **changed}
    page = watched()
    page.locator("#state summary", has_text="What its evaluation found").click()
    page.wait_for_selector(f"{UNFOLD} :text('The file is not as the evaluation job writes it.')")


def test_an_evaluation_that_cannot_be_read_is_asked_for_when_it_is_unfolded_again(site, watched):
    broken = {"is": True}

    def answer(route) -> None:
        if broken["is"]:
            route.fulfill(status=502, json={"message": "Internal error."})
        else:
            route.fallback()

    page = watched(expects=("Failed to load resource",), routes={"**/watch.json?*": answer})
    summary = page.locator("#state summary", has_text="What its evaluation found")
    summary.click()
    page.wait_for_selector(f"{UNFOLD} .notice:has-text('Internal error.')")
    broken["is"] = False
    summary.click()
    summary.click()
    page.wait_for_selector(f"{UNFOLD} h3")
