"""The page Advise in a real browser, against the advisor itself."""

from __future__ import annotations

import itertools
import json
import math
import re
from urllib.parse import parse_qsl

import numpy as np
import pytest
from playwright.sync_api import expect

from advisor import Problem, recommend, tables
from advisor.tree import Node, tree_of

from .conftest import API, resize, until

NAMES = {candidate.id: candidate.title for candidate in tables.candidates().values()}

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


def test_the_page_shows_the_advisors_own_advice(site, open_page):
    advice = recommend(Problem.from_dict(PROBLEM))
    first = advice.options[0]
    page = open_page("#advise")
    answer(page, QUESTION)
    assert site.api.requests == []
    advised(page)
    (request,) = site.api.requests
    assert json.loads(request.body) == PROBLEM
    headline = page.inner_text("#advice .headline")
    assert f"{first.service}: {first.operation}" in headline
    for reason in (*first.reasons_for, *first.reasons_against):
        assert reason.sentence in headline
    rows = page.locator("#advice tbody").first.locator("th").all_inner_texts()
    assert rows == [NAMES[option.id] for option in advice.options[:6]]
    assert f"First choice: {first.service}: {first.operation}" in page.inner_text("#advised")
    changes = page.locator("#advice .change").all_inner_texts()
    assert [words.strip() for words in changes] == [*advice.counterfactuals, advice.most_wanted]


def test_candidates_are_named_and_no_identifier_stands_anywhere(open_page):
    page = open_page("#advise")
    for question in (QUESTION, {**QUESTION, "labels": "generic", "labelled_examples": ""}):
        answer(page, question)
        advised(page)
        until(page, "document.querySelector('#advice .change, #advice .excluded') !== null")
        page.locator("#advice details").evaluate_all("all => all.forEach((one) => (one.open = true))")
        words = page.inner_text("#advice")
        assert not re.findall(
            r"\b(?:rekognition|comprehend|bedrock|sagemaker)\.\w+|\b(?:cnn|rnn)\b|traditional_ml", words
        )
        assert "Rekognition DetectLabels" in words and "Convolutional network" in words


def test_the_questions_that_decide_are_a_tree_with_the_way_of_the_answers(open_page):
    page = open_page("#advise")
    question = {"modality": "text", "task": "sentiment", "labels": "generic", "offline": "yes"}
    answer(page, question)
    advised(page)
    tree = tree_of(Problem.from_dict({**question, "offline": True}))
    leaves, way = leaves_and_way(tree)
    assert page.locator("#advice .tree strong").all_inner_texts() == [NAMES[leaf] for leaf in leaves]
    taken = page.locator("#advice .tree .taken > .given").evaluate_all(
        "all => all.map((one) => one.firstChild.textContent)"
    )
    assert taken == way and way


def leaves_and_way(node: Node) -> tuple[list[str], list[str]]:
    """The candidates at a tree's leaves from the top down, and the answers on the caller's way."""
    if not node.branches:
        return [node.first], []
    leaves, way = [], []
    for branch in node.branches:
        below, further = leaves_and_way(branch.node)
        leaves += below
        way += [branch.words, *further] if branch.taken else []
    return leaves, way


# The only chart: what its library holds, in the canvas's own pixels too, and the marks over it.
CHART = """async () => {
    const [chart] = (await import("/_console/chart.js")).charts;
    const [volumes, ...rows] = chart.data;
    const place = (one) => [parseFloat(one.style.left), parseFloat(one.style.top)];
    const marks = (kind) => [...document.querySelectorAll(`.plot .marks ${kind}`)].map(place);
    return {
        volumes,
        curves: Object.fromEntries(rows.map((row, index) => [chart.series[index + 1].label, row])),
        dashes: chart.series.slice(1).map((one) => one.dash.join(" ")),
        points: marks(".point"),
        numbers: marks("b"),
        here: marks(".here"),
        // Where the line of each curve is, between two neighbours straight in logarithms.
        lines: rows.map((row) => volumes.map((at, index) => row[index] === null ? null
            : [chart.valToPos(at, "x"), chart.valToPos(row[index], "y")]).filter(Boolean)),
    };
}"""
# Of each curve: the share of its points near which its own colour is on the canvas.
PAINTED = """async () => {
    const [chart] = (await import("/_console/chart.js")).charts;
    const { ctx, series, data } = chart;
    const { width, height } = ctx.canvas;
    const { data: pixels } = ctx.getImageData(0, 0, width, height);
    const reach = 12 * devicePixelRatio;
    const isNear = (left, top, colour) => {
        for (let y = Math.max(0, Math.round(top - reach)); y < Math.min(height, top + reach); y++)
            for (let x = Math.max(0, Math.round(left - reach)); x < Math.min(width, left + reach); x++) {
                const [red, green, blue, alpha] = pixels.subarray(4 * (y * width + x), 4 * (y * width + x) + 4);
                if (alpha > 200 && Math.hypot(red - colour[0], green - colour[1], blue - colour[2]) < 12) return true;
            }
        return false;
    };
    return series.slice(1).map((one, index) => {
        const colour = one.stroke().match(/[0-9.]+/g).map(Number);
        const points = data[0].map((at, row) => [at, data[index + 1][row]]).filter(([, amount]) => amount !== null);
        const place = ([at, amount]) => [chart.valToPos(at, "x", true), chart.valToPos(amount, "y", true)];
        return points.filter((point) => isNear(...place(point), colour)).length / points.length;
    });
}"""
COLOURS = """async () => {
    const [chart] = (await import("/_console/chart.js")).charts;
    return chart.series.slice(1).map((one) => one.stroke());
}"""


@pytest.fixture
def charted(open_page):
    """The page with its advice and chart drawn."""
    page = open_page("#advise", color_scheme="light", expects=("Canvas2D: Multiple readback operations",))
    answer(page, QUESTION)
    advised(page)
    page.wait_for_selector(".chart canvas")
    return page


def drawn_options(advice):
    """Those of the chart: the first five, as far as their prices are known."""
    return [option for option in advice.options[:5] if option.usd_per_month is not None]


def test_the_chart_draws_the_advisors_own_figures(site, charted):
    advice = recommend(Problem.from_dict(PROBLEM))
    (request,) = site.api.requests
    given = site.api.answer("advise", request.body, request.headers, API + "advise")[1]["cost_curves"]
    found = charted.evaluate(CHART)
    assert found["volumes"] == given["volumes"]
    drawn = drawn_options(advice)
    assert list(found["curves"]) == [NAMES[option.id] for option in drawn]
    for option in drawn:
        amounts = given["usd_per_month"][option.id]
        assert found["curves"][NAMES[option.id]] == [amount or None for amount in amounts]


def test_every_curve_is_on_the_canvas_in_its_own_colour_in_both_themes(charted):
    colours = []
    for theme in ("light", "dark"):
        charted.emulate_media(color_scheme=theme)
        until(charted, f"async () => Math.min(...await ({PAINTED})()) > 0.9")
        colours.append(charted.evaluate(COLOURS))
    assert len({*colours[0], *colours[1]}) == 2 * len(colours[0]), "two curves, or two themes, share a colour"


def test_curves_are_told_apart_without_their_colours(charted):
    dashes = charted.evaluate(CHART)["dashes"]
    assert len(set(dashes)) == len(dashes) > 2
    samples = charted.locator(".legend .sample path").evaluate_all(
        "all => all.map((one) => one.getAttribute('stroke-dasharray') ?? '')"
    )
    assert samples == dashes, "the legend shows other dashes than the chart"


def test_the_chart_can_be_read_by_pointing_and_without_seeing_it(charted):
    found = charted.evaluate(CHART)
    box = charted.locator(".plot .u-over").bounding_box()
    x, _ = found["lines"][0][3]
    charted.mouse.move(box["x"] + x, box["y"] + box["height"] / 2)
    until(charted, "document.querySelector('.chart .plot + p').textContent.startsWith('At ')")
    read = charted.locator(".legend .number").all_inner_texts()
    assert all(words.startswith("US$ ") or words == "unknown" for words in read)
    name = charted.get_by_role("img", name="cost a month").get_attribute("aria-label")
    charted.click(".chart summary")
    expect(charted.locator(".chart tbody th").first).to_be_visible()
    rows = charted.locator(".chart tbody th").all_inner_texts()
    assert all(option in name for option in found["curves"])
    assert set(found["curves"]) <= set(rows)


def test_every_break_even_of_the_drawn_curves_is_marked_on_its_curve(charted):
    advice = recommend(Problem.from_dict(PROBLEM))
    drawn = {option.id for option in drawn_options(advice)}
    expected = [
        break_even for break_even in advice.break_evens if {break_even.below, break_even.above} <= drawn
    ]
    found = charted.evaluate(CHART)
    assert len(found["points"]) == len(found["numbers"]) == len(expected) > 0
    assert charted.locator(".crossings li").count() == len(expected)
    # The dot lies on the curve of the option that gets cheaper.
    places = dict(zip(found["curves"], found["lines"], strict=True))
    for one, (x, y) in zip(sorted(expected, key=lambda each: each.volume), found["points"], strict=True):
        across, along = zip(*places[NAMES[one.above]], strict=True)
        assert y == pytest.approx(np.interp(x, across, along), abs=4)


def test_at_any_width_no_number_lies_on_another_and_the_volume_is_marked(charted):
    for width in (360, 2000):
        resize(charted, width)
        until(
            charted, "Object.is(...['.plot', '.uplot'].map((one) => document.querySelector(one).clientWidth))"
        )
        found = charted.evaluate(CHART)
        gaps = [math.dist(one, other) for one, other in itertools.combinations(found["numbers"], 2)]
        assert min(gaps) > 16, "a number lies on another"
        ((x, _),) = found["here"]
        at = found["volumes"].index(PROBLEM["predictions_per_month"])
        assert x == pytest.approx(found["lines"][0][at][0], abs=1)


def test_after_the_first_advice_the_answer_follows_what_is_typed(site, open_page):
    page = open_page("#advise")
    answer(page, QUESTION)
    advised(page)
    answer(page, {"predictions_per_month": "50000000"})
    changed = recommend(Problem.from_dict({**PROBLEM, "predictions_per_month": 50_000_000})).options[0]
    words = f"{changed.usd_per_month:,.0f} a month"
    until(page, "words => document.querySelector('#advice .price').textContent.includes(words)", words)
    assert len(site.api.requests) == 2


def test_the_advice_before_stays_until_the_next_one_comes(site, open_page):
    page = open_page("#advise")
    answer(page, QUESTION)
    advised(page)
    site.api.held = {"advise"}
    answer(page, {"predictions_per_month": "50000000"})
    page.wait_for_selector("#advice[aria-busy=true] .headline")
    site.api.released.set()
    page.wait_for_selector("#advice:not([aria-busy]) .headline")


def test_a_link_holds_the_question_and_sends_nothing_by_itself(site, open_page):
    page = open_page("#advise", permissions=["clipboard-read", "clipboard-write"])
    answer(page, QUESTION)
    page.click("#share")
    until(page, "document.querySelector('#share-note').textContent.includes('copied')")
    link = page.evaluate("navigator.clipboard.readText()")
    expect(page).to_have_url(link)
    assert dict(parse_qsl(link.partition("?")[2])) == QUESTION
    opened = open_page(link.partition("/_console/")[2])
    for name, value in QUESTION.items():
        expect(opened.locator(f"#answer-{name}")).to_have_value(value)
    assert site.api.requests == []
    advised(opened)
    assert json.loads(site.api.requests[0].body) == PROBLEM


def test_what_matters_most_can_be_answered_and_only_where_it_can_be(site, open_page):
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
    expect(page).to_have_url(re.compile("image_kind=uniform"))
    opened = open_page(page.url.partition("/_console/")[2])
    expect(opened.locator("#answer-image_kind")).to_have_value("uniform")
    expect(opened.locator("#answer-image_kind")).to_be_visible()
    answer(page, {"modality": "text"})
    expect(page.locator("#answer-image_kind")).to_be_hidden()
    expect(page).not_to_have_url(re.compile("image_kind"))


def test_only_the_tasks_of_what_one_has_are_offered(open_page):
    page = open_page("#advise")
    answer(page, {"modality": "audio"})
    options = page.locator("#answer-task option").evaluate_all("options => options.map((one) => one.value)")
    assert options == ["", "transcription", "classification"]


WRONG = [
    ({}, "modality", "Say first: what do you have?"),
    ({"modality": "image", "task": "classification", "classes": "many"}, "classes", "wants a whole number"),
    ({"classes": "20.000"}, "classes", "wants a whole number"),
    ({"classes": "9", "max_latency_ms": "12,5"}, "max_latency_ms", "wants a number, such as 12,000.5"),
    (
        {"max_latency_ms": "1,200.5", "labelled_examples": "5"},
        "classes",
        "9 classes cannot come from 5 labelled",
    ),
]


def test_an_answer_that_cannot_be_is_a_sentence_at_its_field(open_page):
    page = open_page("#advise", expects=("Failed to load resource",))
    for question, field, sentence in WRONG:
        answer(page, question)
        page.click("#questions button[type=submit]")
        page.wait_for_selector(f"#advice .notice.bad:has-text('{sentence}')")
        marked = page.locator("[aria-invalid=true]").evaluate_all("fields => fields.map((one) => one.id)")
        assert marked == [f"answer-{field}"]
        expect(page.locator(f"#answer-{field}")).to_be_focused()


def test_each_question_stands_beside_the_name_that_sentences_call_it_by(open_page):
    page = open_page("#advise")
    page.click("#more summary")
    for field in page.locator("#fields [name]").all():
        name = field.get_attribute("name")
        expect(page.locator(f"#{field.get_attribute('aria-describedby')}")).to_have_text(name)
        assert page.inner_text(f"label[for=answer-{name}]").removesuffix(" (needed)").endswith("?")


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
