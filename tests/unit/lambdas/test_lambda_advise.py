"""What /advise answers, and which problems it refuses."""

from __future__ import annotations

import json

import pytest


def test_a_problem_gets_its_advice(call):
    problem = {"modality": "text", "task": "sentiment", "labels": "generic", "predictions_per_month": 100_000}
    status, body, _ = call("advise", "/advise", json.dumps(problem).encode(), "application/json")
    assert (status, body["operation"], body["backend"]) == (200, "advise", "advisor")
    assert body["options"][0]["id"] == "comprehend.detect_sentiment"
    assert body["options"][0]["usd_per_month"] == pytest.approx(30)
    assert body["counterfactuals"] and body["latency_milliseconds"] > 0


def test_the_curves_cross_where_the_advice_says_that_costs_do(call):
    problem = {"modality": "image", "task": "classification", "labels": "own", "labelled_examples": 20_000}
    _, body, _ = call("advise", "/advise", json.dumps(problem).encode(), "application/json")
    volumes, curves = body["cost_curves"]["volumes"], body["cost_curves"]["usd_per_month"]
    assert list(curves) == [option["id"] for option in body["options"][:5]]
    drawn = [
        break_even
        for break_even in body["break_evens"]
        if {break_even["below"], break_even["above"]} <= set(curves)
    ]
    assert drawn
    for crossing in drawn:
        after = next(index for index, volume in enumerate(volumes) if volume > crossing["volume"])
        assert curves[crossing["below"]][after] > curves[crossing["above"]][after]
        assert curves[crossing["below"]][after - 1] <= curves[crossing["above"]][after - 1]


def test_the_answer_has_the_questions_that_decide_and_the_way_of_the_callers(call):
    problem = {"modality": "text", "task": "sentiment", "labels": "generic", "offline": True}
    _, body, _ = call("advise", "/advise", json.dumps(problem).encode(), "application/json")
    assert body["tree"]["question"] == "offline"
    assert {branch["words"]: branch["taken"] for branch in body["tree"]["branches"]} == {
        "no": False,
        "yes": True,
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"task": "sentiment"}', "modality"),
        (b'{"modality": "text", "task": "segmentation"}', "task"),
        (b'{"modality": "text", "task": "sentiment", "classes": NaN}', "body"),
        (b'{"modality": "text", "task": "sentiment", "accuracy_needed": Infinity}', "body"),
        (b'{"modality": "text", "task": "sentiment", "accuracy_needed": 1e400}', "accuracy_needed"),
        (b'{"modality": "text", "task": "sentiment", "weeks_to_market": 1' + b"0" * 400 + b"}", "weeks_to_market"),
        (b'{"modality": "text", "task": "sentiment", "classes": ' + b"1" * 5_000 + b"}", "body"),
        (b'{"modality": ["text"], "task": "sentiment"}', "modality"),
        (b'{"smell": 1}', "smell"),
        (b"[]", "body"),
        (b"{", "body"),
    ],
)  # fmt: skip
def test_a_problem_that_cannot_be_is_refused_by_its_field(call, body, field):
    status, answer, _ = call("advise", "/advise", body, "application/json")
    assert (status, answer["error"]["field"]) == (400, field)
    assert answer["error"]["message"].endswith(".")


@pytest.mark.parametrize(
    "long", ["x" * 1_000_000, ["x" * 1_000] * 1_000, {"x" * 9_000: {}}, 10**4_000], ids=type
)
def test_a_refusal_does_not_grow_with_what_was_sent(call, long):
    """Lambda answers 6 MiB at most."""
    bodies = [{name: long} for name in ("modality", "classes", "accuracy_needed", "free_tier", "region")]
    bodies += [{"existing_customer_of": long}, {"x" * 1_000_000: 1}]
    for body in bodies:
        status, answer, _ = call("advise", "/advise", json.dumps(body).encode(), "application/json")
        assert status == 400
        assert len(json.dumps(answer)) < 5_000


def test_another_content_type_is_refused(call):
    assert call("advise", "/advise", b"modality=text", "text/plain")[0] == 415
