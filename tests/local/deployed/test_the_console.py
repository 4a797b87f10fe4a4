"""The console that the embedded AWS shows, in a browser: it asks, advises and watches the deployment."""

from __future__ import annotations

import json
import re
from pathlib import Path

import boto3
import pytest
import requests
from botocore.exceptions import ClientError
from matplotlib import cbook

from definitions.parameters import BULK_STATE_MACHINE
from local_aws.launcher import console_url
from recognition_client import RecognitionClient, RecognitionRefused

from .asking import client_of, once_loaded
from .reviews import GOOD

# A photograph of a person (Grace Hopper, public domain, as matplotlib carries it).
PORTRAIT = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)


def test_the_console_asks_the_deployed_api_in_a_browser(running, target, released, browser):
    client = client_of(target)
    once_loaded(lambda: client.text_sentiment("A film."))
    once_loaded(lambda: client.text_class("A film."))
    once_loaded(lambda: client.text_entities("A film.", language_code="en"))
    once_loaded(lambda: client.image_labels(Path(PORTRAIT).read_bytes()))
    page = browser.new_page(color_scheme="light", viewport={"width": 1280, "height": 900})
    page.set_default_timeout(180_000)
    complaints = []
    # No network for pictures is released, and a stand-in may be without an answer; the browser tells of both.
    expected = re.compile(r"^Failed to load resource: the server responded with a status of 50[13]")
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            if message.type == "error" and not expected.match(message.text)
            else None
        ),
    )
    page.goto(console_url(running.endpoint_url, running.keys))
    page.wait_for_selector("#place:not(:empty)")
    page.set_input_files("#file", PORTRAIT)
    page.click("#go:enabled")
    page.wait_for_selector(".answer.managed .best:has-text('Person')")
    page.wait_for_selector("#picture .box:has-text('Person')")
    page.wait_for_selector(".answer.own .tag:has-text('not released')")
    page.locator(".switch span", has_text="Text").click()
    page.fill("#text", f"A {GOOD[0]} film.")
    page.click("#go")
    own, managed = page.locator(".answer.own .best"), page.locator(".answer.managed .best")
    own.wait_for()
    managed.wait_for()
    assert "positive" in own.inner_text()
    assert "recognition-dev-rnn" in page.inner_text(".answer.own")
    assert "positive" in managed.inner_text()
    assert "stand-in" in page.inner_text(".answer.managed")
    page.goto(page.url.partition("#")[0] + "#advise?modality=tabular&task=classification")
    page.click("#questions button[type=submit]")
    page.wait_for_selector("#advice .headline:has-text('Amazon SageMaker AI: gradient boosting')")
    page.click("nav a[href='#watch']")
    page.wait_for_selector(f"#state .answer:has-text('version {released}')")
    page.wait_for_selector("#state .run:has-text('loss: train')")
    page.locator("#state summary", has_text="What its evaluation found").first.click()
    page.wait_for_selector("#state .evaluation .matrix:has-text('positive')")
    # No host is paid for what the machine refuses at its door.
    page.fill("#train-data", "captured/reviews")
    page.click("#train-go")
    page.click("#sure-yes")
    page.wait_for_selector("#state .run:has-text('not below captured/')")
    page.close()
    assert complaints == []


def test_the_consoles_keys_ask_the_pages_paths_release_train_and_do_nothing_else(running, target):
    address, _, key = console_url(running.endpoint_url, running.keys).partition("#key=")
    told = requests.get(
        f"{address}config.json", headers={"Authorization": f"Bearer {key}"}, timeout=60
    ).json()
    keys = told["credentials"]
    session = boto3.Session(
        keys["accessKeyId"], keys["secretAccessKey"], keys["sessionToken"], told["region"]
    )
    client = RecognitionClient.signed(target.api_url(), session.get_credentials(), told["region"])
    assert once_loaded(lambda: client.text_sentiment("A film."))
    with pytest.raises(RecognitionRefused) as refused:
        client.text_key_phrases("A film.")
    assert refused.value.status == 403
    with pytest.raises(ClientError, match="AccessDenied"):
        session.client("s3", endpoint_url=running.endpoint_url).list_buckets()
    states = session.client("stepfunctions", endpoint_url=running.endpoint_url)
    # Of a version that nobody registered: the machine refuses it and changes nothing.
    given = json.dumps(
        {"model_package_arn": "arn:aws:sagemaker:us-east-1:0:model-package/recognition-dev-rnn/999"}
    )
    started = states.start_execution(stateMachineArn=told["release"]["machine"], input=given)
    assert states.describe_execution(executionArn=started["executionArn"])["input"] == given
    # Of no data: the machine refuses it at its door.
    started = states.start_execution(stateMachineArn=told["train"]["machine"], input="{}")
    assert states.describe_execution(executionArn=started["executionArn"])["input"] == "{}"
    with pytest.raises(ClientError, match="AccessDenied"):
        states.start_execution(stateMachineArn=target.parameter(BULK_STATE_MACHINE), input="{}")
