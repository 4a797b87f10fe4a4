"""The page Watch in a real browser: what serves, what trains, and what cannot be read."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from local_aws.console import NotDeployed

from .conftest import SCREENSHOTS, configuration, nothing_yet, until

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
    "title": "Convolutional network",
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
    "labelled": [
        {"day": "2026-11-19", "samples": 12, "answered": 480, "enough": False},
        {
            "day": "2026-11-20",
            "samples": 300,
            "answered": 500,
            "enough": True,
            "metric": "balanced_accuracy",
            "score": 0.8125,
            "interval_95": [0.77, 0.85],
            "score_on_test": 0.91,
            "score_drift": 0.06,
            "calibration_error": 0.041,
            "worst_classes": [{"label": "cat", "recall": 0.62, "samples": 40, "answered_instead": "dog"}],
        },
    ],
}
EMPTY = {
    "kind": "rnn",
    "title": "Recurrent network",
    "name": "recognition-dev-rnn",
    "status": None,
    "version": None,
    "fleets": [],
    "registered": [],
    "labelled": [],
}


def run(name: str, state: str, curve: list, reason: str | None = None) -> dict:
    return {
        "name": name,
        "kind": name[:3],
        "data": "s3://data/cifar10",
        "state": state,
        "version": "3" if state == "registered" else None,
        "reason": reason,
        "started": THEN,
        "ended": None if state == "running" else THEN,
        "seconds": None if state == "running" else 274,
        "job": name,
        "curve": curve,
    }


STATE = {
    "endpoints": [CANARY, EMPTY],
    "runs": [
        run("cnn-20261126-010203-abc", "running", CURVE[:2]),
        run("cnn-20261125-090000-def", "registered", CURVE),
        run("rnn-20261125-080000-ghi", "failed", [], "The labels in row 7 are missing."),
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
            {"title": "Majority class", "accuracy": {"value": 0.5}, "stand_in": False},
            {"title": "Comprehend (stand-in)", "accuracy": {"value": 0.7}, "stand_in": True},
            {
                "title": "Logistic regression",
                "accuracy": {"value": 0.91, "low": 0.88, "high": 0.94},
                "macro_f1": {"value": 0.9, "low": 0.87, "high": 0.93},
                "confusion": [[45, 5, 0], [4, 46, 0]],
                "notes": ["It was stopped once."],
                "training_seconds": 3.25,
                "p50_ms": 0.4,
                "usd_per_month": 12.3,
                "stand_in": False,
            },
            {"title": "RNN", "accuracy": None, "stand_in": False, "reason": "It took too long."},
        ],
        "labels": ["negative", "positive"],
        "absent": [{"title": "Amazon Comprehend", "reason": "It wants an account."}],
        "notes": ["Two copies were left out."],
        "verdict": {"sentences": ["Logistic regression wins."]},
        "page": "build/bakeoff/report.html",
    },
}


@pytest.fixture
def watched(site, open_page):
    site.state = lambda: STATE
    page = open_page("#watch", timezone_id="UTC")
    page.wait_for_selector("#state .answer")
    return page


def test_what_serves_is_shown_with_the_traffic_of_a_release(watched):
    cnn, rnn = watched.locator("#state .answer").all_inner_texts()
    for words in ("Convolutional network", "Updating", "version 2", "serving, 2 instances", "90%", "10%"):
        assert words in cnn
    assert "waits for approval" in cnn
    assert "no version released" in rnn and "nothing yet" in rnn


def test_days_with_labels_have_their_score_and_the_newest_its_worst_classes(watched):
    cnn, rnn = watched.locator("#state .answer").all_inner_texts()
    assert "2026-11-19" not in cnn, "12 labels say nothing"
    for words in (
        "2026-11-20",
        "balanced accuracy 0.813 (0.770 to 0.850) on 300 of 500 answers",
        "0.910 on the test",
    ):
        assert words in cnn
    assert "cat (62% found, else mostly dog)" in cnn
    assert "labels that came later" not in rnn


def test_runs_have_their_curves_and_failed_ones_their_reason(watched):
    running, completed, failed = watched.locator("#state .run").all()
    assert "running" in running.inner_text()
    assert "26 Nov 2026, 01:02, on s3://data/cifar10" in running.inner_text()
    assert captions(running) == [
        "loss: train 0.500 validation 0.600",
        "accuracy: train 0.800 validation 0.700",
    ]
    assert captions(completed)[1] == "accuracy: train 0.900 validation 0.800"
    expect(completed.locator("canvas")).to_have_count(2)
    assert "The labels in row 7 are missing." in failed.inner_text()
    assert failed.locator("canvas").count() == 0


def captions(run) -> list[str]:
    """What stands over a run's curves."""
    return [" ".join(words.split()) for words in run.locator("figcaption").all_inner_texts()]


# Of each chart: its name for a screen reader, what its library holds, and how many of its pixels are drawn.
CHARTS = """async () => [...(await import("/_console/chart.js")).charts].map(({ data, series, ctx, root }) => {
    const { data: pixels } = ctx.getImageData(0, 0, ctx.canvas.width, ctx.canvas.height);
    return {
        name: root.parentNode.getAttribute("aria-label"),
        data,
        dashes: series.slice(1).map((one) => one.dash.length),
        drawn: pixels.filter((value, index) => index % 4 === 3 && value > 0).length,
    };
})"""


def test_curves_are_drawn_and_told_apart_without_their_colours(watched):
    expect(watched.locator("#state .run canvas")).to_have_count(4)
    charts = {one["name"]: one for one in watched.evaluate(CHARTS)}
    assert len(charts) == 4
    (loss,) = (
        chart
        for name, chart in charts.items()
        if name.startswith("The loss of cnn-20261125-090000-def over 3")
    )
    assert loss["data"] == [[1, 2, 3], [0.9, 0.5, 0.4], [0.8, 0.6, 0.5]]
    assert loss["dashes"][0] == 0 < loss["dashes"][1]
    assert all(chart["drawn"] > 1000 for chart in charts.values())


@pytest.mark.parametrize("epochs", [100, 1_000])
def test_the_number_of_the_last_epoch_is_whole(site, open_page, epochs):
    curve = [{**CURVE[0], "epoch": epoch} for epoch in (1, epochs // 2, epochs)]
    site.state = lambda: {**STATE, "runs": [run("cnn-long", "running", curve)]}
    page = open_page("#watch", expects=("Canvas2D",))
    painted = """left => {
        const canvas = document.querySelector("#state .run canvas");
        if (!canvas?.width) return false;
        const width = canvas.width - left;
        return canvas.getContext("2d").getImageData(left, 0, width, canvas.height).data.some((part) => part > 0);
    }"""
    until(page, painted, 0)
    last = page.evaluate("document.querySelector('#state .run canvas').width - 1")
    assert not page.evaluate(painted, last)


def test_where_runs_may_be_missing_the_command_that_lists_them_is_named(site, open_page):
    command = "recognition runs --last 20 --environment dev"
    site.state = lambda: {**STATE, "runs": [run(f"cnn-{number}", "failed", []) for number in range(6)]}
    page = open_page("#watch")
    expect(page.locator("#state .run")).to_have_count(6)
    expect(page.locator("#state code", has_text=command)).to_have_count(1)
    site.state = lambda: STATE
    page.click("#refresh")
    expect(page.locator("#state code", has_text=command)).to_have_count(0)


def test_the_curves_figures_are_a_table_too(watched):
    completed = watched.locator("#state .run").nth(1)
    completed.locator("summary", has_text="The figures").click()
    rows = [words.split() for words in completed.locator("tbody tr").all_inner_texts()]
    assert rows[2] == ["3", "0.400", "0.500", "0.900", "0.800"]


def test_an_epoch_that_comes_in_is_drawn_where_one_looks(site, watched):
    """The chart and the table stay: what somebody unfolded, or has the focus in, is as it was."""
    running = watched.locator("#state .run").first
    running.locator("summary").click()
    longer = [run("cnn-20261126-010203-abc", "running", CURVE), *STATE["runs"][1:]]
    site.state = lambda: {**STATE, "runs": longer}
    watched.evaluate("document.querySelector('#refresh').click()")
    watched.wait_for_selector("#state .run:first-child tbody tr:nth-child(3)")
    expect(running.locator("canvas")).to_have_count(2)
    assert watched.evaluate("document.activeElement.tagName") == "SUMMARY"
    (loss, *_) = [
        one for one in watched.evaluate(CHARTS) if one["name"].startswith("The loss of cnn-20261126")
    ]
    assert loss["data"][0] == [1, 2, 3]


@pytest.mark.parametrize(
    ("status", "serving", "approval", "command"),
    [
        (None, None, "Approved", "recognition release cnn --version 3 --environment dev"),
        (
            "InService",
            "2",
            "PendingManualApproval",
            "recognition release cnn --version 3 --approve --environment dev",
        ),
        ("InService", "3", "Approved", None),
        ("InService", "2", "Rejected", None),
        ("Updating", "2", "Approved", None),
    ],
)
def test_the_newest_version_names_the_command_that_releases_it(
    site, watched, status, serving, approval, command
):
    newest = {"version": "3", "approval": approval, "created": THEN}
    card = {**CANARY, "status": status, "version": serving, "fleets": [], "registered": [newest]}
    site.state = lambda: {**STATE, "endpoints": [card]}
    watched.click("#refresh")
    expect(watched.locator("#state .own")).to_have_count(1)
    assert watched.locator("#state .own code").all_inner_texts() == ([command] if command else [])


NEWEST = {"arn": "arn:aws:sagemaker:us-east-1:0:model-package/recognition-dev-cnn/3", "version": "3"}
WAITS = {**CANARY, "status": "InService", "fleets": []}
BUTTON = "#state .own button"


def releasing(site, open_page, approval: str = "Approved", **options):
    """The page of a deployment whose newest version does not serve, where the page may release."""
    newest = {**NEWEST, "approval": approval, "created": THEN}
    site.state = lambda: {**STATE, "endpoints": [{**WAITS, "registered": [newest]}]}
    site.configuration = lambda: {**configuration(), "release": {"machine": "releases", "address": "/"}}
    page = open_page("#watch", **options)
    page.wait_for_selector("#state .own")
    return page


def test_a_release_is_asked_about_started_and_followed_to_its_end(site, open_page):
    page = releasing(site, open_page)
    page.click(BUTTON)
    expect(page.locator("#sure-question")).to_have_text(
        "Release version 3 of the convolutional network in dev?"
    )
    page.screenshot(path=SCREENSHOTS / "watch-release.png")
    assert site.api.requests == []
    site.api.answers["/"] = (200, {"executionArn": "run", "status": "RUNNING"})
    page.click("#sure button.primary")
    page.wait_for_selector("#state [role=status]:has-text('Version 3 is being released.')")
    expect(page.locator("#state .own code")).to_have_count(0)
    expect(page.locator(BUTTON)).to_have_count(0)
    # The button had the focus, which has to stay in the page.
    expect(page.locator("#refresh")).to_be_focused()
    site.api.answers["/"] = (200, {"status": "SUCCEEDED", "output": "{}"})
    page.wait_for_selector("#state [role=status]:has-text('Version 3 serves.')")
    start, *looks = site.api.requests
    assert start.headers["x-amz-target"] == "AWSStepFunctions.StartExecution"
    asked = json.loads(start.body)
    assert asked["stateMachineArn"] == "releases"
    assert json.loads(asked["input"]) == {"model_package_arn": NEWEST["arn"]}
    assert {json.loads(look.body)["executionArn"] for look in looks} == {"run"}


def test_a_release_that_is_not_confirmed_is_not_started(site, open_page):
    page = releasing(site, open_page)
    for leave in (lambda: page.click("#sure button:not(.primary)"), lambda: page.keyboard.press("Escape")):
        page.click(BUTTON)
        leave()
        expect(page.locator("#sure")).to_be_hidden()
    assert site.api.requests == []


@pytest.mark.parametrize(
    ("status", "answer", "sentence"),
    [
        (400, {"Message": "You may not."}, "Version 3 was not released: You may not."),
        (
            200,
            {"executionArn": "run", "status": "FAILED", "cause": "Version 2 serves again."},
            "Version 2 serves again.",
        ),
        (
            200,
            {"executionArn": "run", "status": "SUCCEEDED", "output": '{"said": "It stepped aside."}'},
            "It stepped aside.",
        ),
        (
            200,
            {"executionArn": "run", "status": "ABORTED"},
            "The release of version 3 was stopped (ABORTED). What serves now stands above.",
        ),
    ],
)
def test_a_release_that_does_not_succeed_is_a_sentence(site, open_page, status, answer, sentence):
    page = releasing(site, open_page, expects=("Failed to load resource",))
    site.api.answers["/"] = (status, answer)
    page.click(BUTTON)
    page.click("#sure button.primary")
    expect(page.locator("#state [role=status]")).to_have_text(sentence)
    expect(page.locator(BUTTON)).to_have_count(1)


def test_a_button_keeps_the_focus_when_the_state_is_read_again(site, open_page):
    page = releasing(site, open_page)
    page.focus(BUTTON)
    page.evaluate("window.before = document.querySelector('#state .own')")
    page.evaluate("document.querySelector('#refresh').click()")
    until(page, "window.before !== document.querySelector('#state .own')")
    expect(page.locator(BUTTON)).to_be_focused()


def test_what_nobody_approved_has_its_command_and_no_button(site, open_page):
    page = releasing(site, open_page, "PendingManualApproval")
    assert "--approve" in page.inner_text("#state .own code")
    assert page.locator(BUTTON).count() == 0


def test_a_page_that_may_not_release_has_no_button(site, watched):
    newest = {**NEWEST, "approval": "Approved", "created": THEN}
    site.state = lambda: {**STATE, "endpoints": [{**WAITS, "registered": [newest]}]}
    watched.click("#refresh")
    watched.wait_for_selector("#state .own code")
    assert watched.locator(BUTTON).count() == 0


def test_alarms_and_the_last_bakeoff_are_shown(watched):
    words = watched.inner_text("#state")
    assert words.index("CnnErrors") < words.index("rings") < words.index("CnnLatency")
    assert words.index("Logistic regression") < words.index("Majority class")
    assert "Logistic regression wins." in words and "Did not finish: RNN (It took too long)." in words
    assert words.count("stand-in") == 1
    assert "26 Nov 2026, 01:02, stopped before it was done" in words


def test_the_figures_of_the_bakeoff_unfold_and_stay_so_when_the_page_reads_again(watched):
    figures = watched.locator("#bakeoff-figures")
    figures.locator("summary").click()
    cells = figures.locator("tbody tr").first.locator("th, td").all_inner_texts()
    regression = ["0.910 (0.88 to 0.94)", "0.900 (0.87 to 0.93)", "3.3 s", "0.40 ms", "12.30"]
    assert cells == ["Logistic regression", *regression]
    assert "build/bakeoff/report.html" in watched.inner_text("#state")
    watched.click("#refresh")
    until(watched, "document.querySelector('#read-at').textContent.startsWith('As of')")
    expect(figures).to_have_attribute("open", "")


def test_with_the_figures_unfolds_what_the_report_says_besides(watched):
    figures = watched.locator("#bakeoff-figures")
    figures.locator("summary").click()
    rows = [words.split() for words in figures.locator(".matrix tr").all_inner_texts()]
    assert rows == [
        ["label", "\\", "answer", "negative", "positive"],
        ["negative", "45", "5"],
        ["positive", "4", "46"],
    ]
    for words in (
        "What Logistic regression confuses",
        "Amazon Comprehend took no part: It wants an account.",
        "Two copies were left out.",
        "Logistic regression: It was stopped once.",
    ):
        assert words in figures.inner_text()


def test_of_figures_alone_as_a_deployment_keeps_them_nothing_else_is_said(site, watched):
    of_report = ("confusion", "notes", "reason")
    results = [
        {name: value for name, value in result.items() if name not in of_report}
        for result in STATE["bakeoff"]["results"]
    ]
    kept = {"data": "kept.csv", "ended": THEN, "interrupted": False, "results": results, "verdict": None}
    site.state = lambda: {**STATE, "bakeoff": kept}
    watched.click("#refresh")
    watched.wait_for_selector("#state:has-text('kept.csv')")
    expect(watched.locator(".matrix")).to_have_count(0)
    assert "Did not finish: RNN." in watched.inner_text("#state")


def test_a_run_that_goes_on_is_read_again_by_itself(site, watched):
    ended = {**STATE, "runs": [run("cnn-20261126-010203-abc", "registered", CURVE)]}
    site.state = lambda: ended
    watched.wait_for_selector("#state .run:has-text('registered as version 3')")


BELOW = "The accuracy of the cnn is 0.5000, which is 0.1500 below the gate of 0.6500. Nothing was registered."


def test_a_run_that_its_gate_kept_back_is_shown_as_failed_with_the_figures(site, open_page):
    kept_back = run("cnn-20261126-010203-abc", "failed at the gate", CURVE, BELOW)
    site.state = lambda: {**nothing_yet(), "runs": [kept_back]}
    page = open_page("#watch")
    page.wait_for_selector(f"#state .run:has-text('{BELOW}')")
    assert page.inner_text("#state .run .tag.bad") == "failed at the gate"


@pytest.fixture
def read(site, open_page):
    """The page Watch with a clock of ours, on which nothing is going on, and how often it has read the state."""
    times = []

    def state() -> dict:
        times.append(len(times))
        return nothing_yet()

    site.state = state
    page = open_page("#try")
    page.clock.install()
    page.evaluate("location.hash = '#watch'")
    page.wait_for_selector("#state .answer")
    return page, times


def test_what_begins_elsewhere_is_seen_without_a_hand(site, read):
    page, _ = read
    site.state = lambda: STATE
    page.clock.run_for(15_000)
    page.wait_for_selector("#state .run:has-text('cnn-20261126-010203-abc')")


HIDE = """is => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => is });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_page_that_nobody_sees_asks_nothing_and_reads_anew_once_it_is_seen(site, read):
    page, times = read
    page.evaluate(HIDE, True)
    page.clock.run_for(3_600_000)
    assert len(times) == 1
    site.state = lambda: STATE
    page.evaluate(HIDE, False)
    page.wait_for_selector("#state .run:has-text('cnn-20261126-010203-abc')")


def test_another_page_of_the_console_asks_nothing_of_the_state(read):
    page, times = read
    page.evaluate("location.hash = '#try'")
    page.clock.run_for(3_600_000)
    assert len(times) == 1


def test_the_commands_that_are_named_lead_to_the_deployment_of_the_page(site, open_page):
    site.configuration = lambda: {**configuration(), "environment": "prod"}
    page = open_page("#watch")
    page.wait_for_selector("#state:has-text('Run: recognition train cnn --environment prod')")


def test_nothing_yet_and_nothing_to_read_are_sentences(site, open_page):
    page = open_page("#watch", expects=("Failed to load resource",))
    page.wait_for_selector("#state .answer")
    words = page.inner_text("#state")
    assert "Run: recognition train cnn --environment dev" in words
    assert "None has ended here yet" in words

    def refuse() -> dict:
        raise NotDeployed("The app is not deployed here yet. Run: recognition up")

    site.state = refuse
    page.click("#refresh")
    page.wait_for_selector("#state .notice.bad:has-text('Run: recognition up')")
