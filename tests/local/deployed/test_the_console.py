"""The console that the embedded AWS shows, in a browser: it asks, advises and watches the deployment."""

from __future__ import annotations

import re
from pathlib import Path

from matplotlib import cbook

from local_aws.launcher import console_url

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
        lambda one: (
            complaints.append(one.text) if one.type == "error" and not expected.match(one.text) else None
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
    page.wait_for_selector("#advice .headline:has-text('traditional_ml')")
    page.click("nav a[href='#watch']")
    page.wait_for_selector(f"#state .answer:has-text('version {released}')")
    page.wait_for_selector("#state .run:has-text('loss: train')")
    page.close()
    assert complaints == []
