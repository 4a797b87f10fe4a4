"""What the documentation site's own script makes of a search, in a real browser."""

from __future__ import annotations

import pytest

from tools.markdown import ROOT

ECHO = """words => new Promise((resolve) => {
  const code = new Blob(["onmessage = ({ data }) => postMessage(data)"]);
  const worker = new Worker(URL.createObjectURL(code));
  worker.onmessage = ({ data }) => resolve(data);
  worker.postMessage({ type: 2, data: words });
})"""


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("--from-scratch", "from-scratch"),
        ("train --data", "train data"),
        ("blue-green", "blue-green"),
    ],
)
def test_an_option_is_searched_by_its_words(browser, typed, asked):
    page = browser.new_page()
    page.add_script_tag(path=ROOT / "docs" / "iframe-worker.js")
    assert page.evaluate(ECHO, typed) == {"type": 2, "data": asked}
    page.close()
