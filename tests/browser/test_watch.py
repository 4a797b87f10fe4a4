"""The page Watch in a real browser: what serves, what trains, and what cannot be read."""

from __future__ import annotations

import pytest

from local_aws.console import NotDeployed

THEN = "2026-11-26T01:02:03+00:00"
CURVE = [
    {
        "epoch": 1.0,
        "train_loss": 0.9,
        "validation_loss": 0.8,
        "train_accuracy": 0.5,
        "validation_accuracy": 0.6,
    },
    {
        "epoch": 2.0,
        "train_loss": 0.5,
        "validation_loss": 0.6,
        "train_accuracy": 0.8,
        "validation_accuracy": 0.7,
    },
    {
        "epoch": 3.0,
        "train_loss": 0.4,
        "validation_loss": 0.5,
        "train_accuracy": 0.9,
        "validation_accuracy": 0.8,
    },
]
CANARY = {
    "kind": "cnn",
    "name": "recognition-dev-cnn",
    "status": "Updating",
    "version": "2",
    "fleets": [
        {"role": "serving", "weight": 0.9, "instances": 2},
        {"role": "coming", "weight": 0.1, "instances": 1},
    ],
    "registered": [
        {"version": "3", "approval": "Approved", "created": THEN},
        {"version": "2", "approval": "Approved", "created": THEN},
        {"version": "1", "approval": "PendingManualApproval", "created": THEN},
    ],
}
EMPTY = {
    "kind": "rnn",
    "name": "recognition-dev-rnn",
    "status": None,
    "version": None,
    "fleets": [],
    "registered": [],
}


def run(name: str, status: str, curve: list, reason: str | None = None) -> dict:
    return {
        "name": name,
        "kind": name[:3],
        "status": status,
        "started": THEN,
        "seconds": None if status == "InProgress" else 274,
        "reason": reason,
        "curve": curve,
    }


STATE = {
    "endpoints": [CANARY, EMPTY],
    "runs": [
        run("cnn-20261126-010203-abc", "InProgress", CURVE[:2]),
        run("cnn-20261125-090000-def", "Completed", CURVE),
        run("rnn-20261125-080000-ghi", "Failed", [], "The labels in row 7 are missing."),
    ],
    "alarms": [
        {"name": "Recognition-dev-Inference-CnnErrors", "state": "ALARM"},
        {"name": "Recognition-dev-Inference-CnnLatency", "state": "OK"},
    ],
    "bakeoff": {
        "data": "reviews.csv",
        "ended": THEN,
        "interrupted": True,
        "results": [
            {"title": "Majority class", "accuracy": {"value": 0.5}, "stand_in": ""},
            {"title": "Logistic regression", "accuracy": {"value": 0.91}, "stand_in": ""},
            {"title": "RNN", "accuracy": None, "stand_in": ""},
        ],
        "verdict": {"sentences": ["Logistic regression wins."]},
    },
}


@pytest.fixture
def watched(place, open_page):
    place.state = lambda: STATE
    page = open_page("#watch", timezone_id="UTC")
    page.wait_for_selector("#state .answer")
    return page


def test_what_serves_is_shown_with_the_traffic_of_a_release(watched):
    cnn, rnn = watched.locator("#state .answer").all_inner_texts()
    for words in ("Convolutional network", "Updating", "version 2", "serving, 2 instances", "90%", "10%"):
        assert words in cnn
    assert "waits for approval" in cnn
    assert "no version released" in rnn and "nothing yet" in rnn


def test_runs_have_their_curves_and_failed_ones_their_reason(watched):
    running, completed, failed = watched.locator("#state .run").all()
    assert "running" in running.inner_text()
    assert "loss: train 0.500, validation 0.600" in running.inner_text()
    assert "accuracy: train 0.900, validation 0.800" in completed.inner_text()
    assert completed.locator("path.curve").count() == 4
    assert "The labels in row 7 are missing." in failed.inner_text()
    assert failed.locator("svg").count() == 0


def test_alarms_and_the_last_bakeoff_are_shown(watched):
    words = watched.inner_text("#state")
    assert words.index("CnnErrors") < words.index("rings") < words.index("CnnLatency")
    assert words.index("Logistic regression") < words.index("Majority class")
    assert "Logistic regression wins." in words and "Did not finish: RNN." in words
    assert "26 Nov 2026, 01:02, stopped before it was done" in words


def test_a_run_that_goes_on_is_read_again_by_itself(place, watched):
    ended = {**STATE, "runs": [run("cnn-20261126-010203-abc", "Completed", CURVE)]}
    place.state = lambda: ended
    watched.wait_for_selector("#state .run:has-text('completed')")


def test_nothing_yet_and_nothing_to_read_are_sentences(place, open_page):
    page = open_page("#watch", expects=("Failed to load resource",))
    page.wait_for_selector("#state .answer")
    words = page.inner_text("#state")
    assert "Run: recognition train cnn" in words
    assert "None has ended here yet" in words

    def refuse() -> dict:
        raise NotDeployed("The app is not deployed here yet. Run: recognition up")

    place.state = refuse
    page.click("#refresh")
    page.wait_for_selector("#state .notice.bad:has-text('Run: recognition up')")
