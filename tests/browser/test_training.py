"""The form with which a person starts a training run: what it asks for, what it sends, and what it refuses before."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from local_aws.console import COST_HERE

from .conftest import configuration
from .test_watch import STATE


@pytest.fixture
def form(site, open_page):
    """The page Watch with the form."""
    site.state = lambda: STATE
    page = open_page("#watch", expects=("Failed to load resource",))
    page.wait_for_selector("#train-kind option", state="attached")
    return page


def sent(page, data: str, score: str = "") -> None:
    """Fills the form in and sends it."""
    page.fill("#train-data", data)
    page.fill("#train-score", score)
    page.click("#train-go")


@pytest.mark.parametrize(
    ("data", "score", "asked"),
    [
        ("photos", "", {"data_s3_uri": "s3://data/photos"}),
        (" /own/photos/1a ", "0.6", {"data_s3_uri": "s3://data/own/photos/1a", "minimum_accuracy": 0.6}),
        ("s3://data/photos", "0", {"data_s3_uri": "s3://data/photos", "minimum_accuracy": 0}),
    ],
)
def test_a_run_is_asked_about_and_started_as_the_command_does(site, form, data, score, asked):
    site.api.answers["/"] = (200, {"executionArn": "run"})
    form.select_option("#train-kind", "rnn")
    sent(form, data, score)
    question = f"Train the recurrent network on {asked['data_s3_uri']}?"
    expect(form.locator("#sure-question")).to_have_text(question)
    expect(form.locator("#sure-sentence")).to_have_text(COST_HERE)
    assert site.api.requests == []
    form.click("#sure-yes")
    expect(form.locator("#train-note")).to_contain_text("is started. It stands among the training runs")
    (start,) = site.api.requests
    assert start.headers["x-amz-target"] == "AWSStepFunctions.StartExecution"
    body = json.loads(start.body)
    given = json.loads(body["input"])
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{6}", given["run_id"])
    assert (body["stateMachineArn"], body["name"]) == ("trains", f"rnn-{given.pop('run_id')}")
    assert given == {"kind": "rnn", **asked}


def test_a_run_that_is_not_confirmed_is_not_started(site, form):
    sent(form, "photos")
    form.click("#sure button:not(.primary)")
    expect(form.locator("#sure")).to_be_hidden()
    assert site.api.requests == []


@pytest.mark.parametrize(
    ("data", "score", "field", "sentence"),
    [
        ("", "", "#train-data", "A data set lies below s3://data/, for example s3://data/photos."),
        ("s3://data/", "", "#train-data", "A data set lies below s3://data/"),
        ("s3://data//", "", "#train-data", "A data set lies below s3://data/"),
        ("s3://database/photos", "", "#train-data", "A data set lies below s3://data/"),
        ("https://data/photos", "", "#train-data", "A data set lies below s3://data/"),
        ("photos", "1.5", "#train-score", "The least score is a number from 0 to 1, or left out."),
    ],
)
def test_what_cannot_be_is_refused_where_it_stands_and_nothing_is_asked(
    site, form, data, score, field, sentence
):
    sent(form, data, score)
    expect(form.locator("#train-note")).to_contain_text(sentence)
    expect(form.locator(field)).to_be_focused()
    expect(form.locator("#train [aria-invalid]")).to_have_count(1)
    expect(form.locator("#sure")).to_be_hidden()
    assert site.api.requests == []


def test_what_was_trained_on_before_is_offered(form):
    offered = form.locator("#train-known option").evaluate_all("all => all.map((one) => one.value)")
    assert offered == ["s3://data/cifar10"]


def test_a_start_that_is_refused_is_a_sentence_and_can_be_tried_again(site, form):
    site.api.answers["/"] = (400, {"Message": "You may not."})
    sent(form, "photos")
    form.click("#sure-yes")
    expect(form.locator("#train-note")).to_have_text("Nothing was started: You may not.")
    expect(form.locator("#train-go")).to_be_enabled()
    expect(form.locator("#train-go")).to_be_focused()


def test_what_was_wrong_before_is_no_longer_said_of_what_is_right(form):
    sent(form, "", "")
    expect(form.locator("#train-note")).to_contain_text("A data set lies below")
    sent(form, "photos")
    form.click("#sure button:not(.primary)")
    expect(form.locator("#train-note")).to_be_empty()
    expect(form.locator("#train [aria-invalid]")).to_have_count(0)


def test_a_page_that_may_not_train_has_no_form(site, open_page):
    site.configuration = lambda: {name: value for name, value in configuration().items() if name != "train"}
    page = open_page("#watch")
    page.wait_for_selector("#state .answer")
    expect(page.locator("#train")).to_be_hidden()
