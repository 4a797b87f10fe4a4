"""The page Advise in a real browser, against the advisor itself."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from advisor import Problem, recommend

from .conftest import until

QUESTION = {
    "modality": "image",
    "task": "classification",
    "labels": "own",
    "labelled_examples": "20,000",
    "predictions_per_month": "100000",
    "offline": "no",
}
PROBLEM = {**QUESTION, "labelled_examples": 20_000, "predictions_per_month": 100_000, "offline": False}


def answer(page, question: dict[str, str]) -> None:
    """Fills answers in as a person does."""
    for name, value in question.items():
        field = page.locator(f"#answer-{name}")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)


def advised(page) -> None:
    page.click("#questions button[type=submit]")
    page.wait_for_selector("#advice .headline, #advice .notice.bad")


def test_the_page_shows_the_advisors_own_advice(place, open_page):
    advice = recommend(Problem.from_dict(PROBLEM))
    first = advice.options[0]
    page = open_page("#advise")
    answer(page, QUESTION)
    assert place.api.requests == []
    advised(page)
    (request,) = place.api.requests
    assert json.loads(request.body) == PROBLEM
    headline = page.inner_text("#advice .headline")
    assert f"{first.service}: {first.operation}" in headline
    for reason in (*first.reasons_for, *first.reasons_against):
        assert reason.sentence in headline
    rows = page.locator("#advice tbody").first.locator("th").all_inner_texts()
    # Ids may break after a dot or an underscore, and have something invisible there.
    assert [row.replace("\u200b", "") for row in rows] == [option.id for option in advice.options[:6]]
    assert f"First choice: {first.service}: {first.operation}" in page.inner_text("#advised")
    changes = page.locator("#advice .change").all_inner_texts()
    assert [words.strip() for words in changes] == [*advice.counterfactuals, advice.most_wanted]


def test_every_break_even_of_the_drawn_curves_is_marked_on_its_curve(open_page):
    advice = recommend(Problem.from_dict(PROBLEM))
    page = open_page("#advise")
    answer(page, QUESTION)
    advised(page)
    page.wait_for_selector(".chart svg path.curve")
    drawn = {option.id for option in advice.options[:5] if option.usd_per_month is not None}
    expected = [one for one in advice.break_evens if {one.below, one.above} <= drawn]
    assert page.locator(".chart .curve").count() == 2 * len(drawn)
    assert (
        page.locator(".chart .crossing").count() == page.locator(".crossings li").count() == len(expected) > 0
    )
    # The dot lies on the curve of the option that gets cheaper.
    distances = page.evaluate(
        """() => [...document.querySelectorAll(".chart .crossing .point")].map((dot) => {
            const [x, y] = [dot.cx.baseVal.value, dot.cy.baseVal.value];
            return Math.min(...[...dot.closest("svg").querySelectorAll("path.curve")].map((curve) => {
              const length = curve.getTotalLength();
              let least = Infinity;
              for (let at = 0; at <= length; at += length / 800) {
                const point = curve.getPointAtLength(at);
                least = Math.min(least, Math.hypot(point.x - x, point.y - y));
              }
              return least;
            }));
        })"""
    )
    assert max(distances) < 4
    page.set_viewport_size({"width": 360, "height": 900})
    until(page, "document.querySelector('.chart svg').clientWidth < 360")
    gaps = page.evaluate(
        """() => {
            const numbers = [...document.querySelectorAll(".chart .crossing circle:not(.point)")];
            return numbers.flatMap((one, index) => numbers.slice(index + 1).map((other) => Math.hypot(
              one.cx.baseVal.value - other.cx.baseVal.value, one.cy.baseVal.value - other.cy.baseVal.value)));
        }"""
    )
    assert min(gaps) > 16, "a number lies on another"


def test_after_the_first_advice_the_answer_follows_what_is_typed(place, open_page):
    page = open_page("#advise")
    answer(page, QUESTION)
    advised(page)
    answer(page, {"predictions_per_month": "50000000"})
    changed = recommend(Problem.from_dict({**PROBLEM, "predictions_per_month": 50_000_000})).options[0]
    words = f"{changed.usd_per_month:,.0f} a month"
    until(page, "words => document.querySelector('#advice .price').textContent.includes(words)", words)
    assert len(place.api.requests) == 2


def test_the_advice_before_stays_until_the_next_one_comes(place, open_page):
    page = open_page("#advise")
    answer(page, QUESTION)
    advised(page)
    place.api.held = {"advise"}
    answer(page, {"predictions_per_month": "50000000"})
    page.wait_for_selector("#advice[aria-busy=true] .headline")
    place.api.released.set()
    page.wait_for_selector("#advice:not([aria-busy]) .headline")


def test_a_link_holds_the_question_and_sends_nothing_by_itself(place, open_page):
    page = open_page("#advise", permissions=["clipboard-read", "clipboard-write"])
    answer(page, QUESTION)
    page.click("#share")
    until(page, "document.querySelector('#share-note').textContent.includes('copied')")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url
    assert dict(parse_qsl(link.partition("?")[2])) == QUESTION
    opened = open_page(link.partition("/_console/")[2])
    for name, value in QUESTION.items():
        assert opened.locator(f"#answer-{name}").input_value() == value
    assert place.api.requests == []
    advised(opened)
    assert json.loads(place.api.requests[0].body) == PROBLEM


def test_what_matters_most_can_be_answered_and_only_where_it_can_be(place, open_page):
    little = {
        name: QUESTION[name] for name in ("modality", "task", "labelled_examples", "predictions_per_month")
    }
    problem = {name: PROBLEM[name] for name in little}
    page = open_page("#advise")
    answer(page, little)
    advised(page)
    wanted = recommend(Problem.from_dict(problem)).most_wanted
    assert wanted.startswith("The answer to image_kind") and wanted in page.inner_text("#advice")
    page.click("#more summary")
    answer(page, {"image_kind": "uniform"})
    changed = recommend(Problem.from_dict({**problem, "image_kind": "uniform"})).options[0]
    words = f"{changed.service}: {changed.operation}"
    until(page, "words => document.querySelector('#advice .name strong').textContent === words", words)
    opened = open_page(page.url.partition("/_console/")[2])
    assert opened.input_value("#answer-image_kind") == "uniform"
    assert opened.locator("#answer-image_kind").is_visible()
    answer(page, {"modality": "text"})
    assert not page.locator("#answer-image_kind").is_visible() and "image_kind" not in page.url


def test_only_the_tasks_of_what_one_has_are_offered(open_page):
    page = open_page("#advise")
    answer(page, {"modality": "audio"})
    options = page.locator("#answer-task option").evaluate_all("options => options.map((one) => one.value)")
    assert options == ["", "transcription", "classification"]


WRONG = [
    ({}, "modality", "Say first: what do you have?"),
    ({"modality": "image", "task": "classification", "classes": "many"}, "classes", "wants a number"),
    ({"classes": "9", "labelled_examples": "5"}, "classes", "9 classes cannot come from 5 labelled"),
]


def test_an_answer_that_cannot_be_is_a_sentence_at_its_field(open_page):
    page = open_page("#advise", expects=("Failed to load resource",))
    for question, field, sentence in WRONG:
        answer(page, question)
        page.click("#questions button[type=submit]")
        page.wait_for_selector(f"#advice .notice.bad:has-text('{sentence}')")
        marked = page.locator("[aria-invalid=true]").evaluate_all("fields => fields.map((one) => one.id)")
        assert marked == [f"answer-{field}"]


def test_where_nothing_is_left_the_page_says_why(open_page):
    page = open_page("#advise")
    answer(page, {"modality": "image", "task": "celebrity", "offline": "yes"})
    page.click("#questions button[type=submit]")
    page.wait_for_selector("#advice details")
    assert "Nothing is left" in page.inner_text("#advice")
    page.click("#advice summary")
    assert recommend(Problem(modality="image", task="celebrity", offline=True)).ruled_out[0][
        1
    ] in page.inner_text("#advice")
