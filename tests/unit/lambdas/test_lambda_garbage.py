"""Malformed pictures and texts through the handlers: each a 4xx. A part of what the benchmark sends, and its result."""

from __future__ import annotations

import json

from benchmarks import malformed_requests
from lambdas.custom import operations as custom
from lambdas.language import operations as language
from lambdas.vision import operations as vision


def test_malformed_requests_are_refused(monkeypatch):
    for module in (vision, language, custom):
        # The benchmark puts services of its own there.
        monkeypatch.setattr(module, "client", module.client)
    figures = malformed_requests.measure(200, seed=1)
    statuses = figures["statuses"]
    assert sum(statuses.values()) == 200
    assert set(statuses) <= {"200", "400", "413", "415"}
    # Bits may flip where nobody looks, and decoders pass over an EXIF segment that lies about its length: that is a
    # picture.
    assert statuses.get("200", 0) < 60
    assert figures["good_ones_answered_afterwards"] == "6 of 6"


def test_the_recorded_ten_thousand_were_refused_and_left_the_memory_flat():
    recorded = json.loads(malformed_requests.RESULT.read_text())
    assert recorded["requests"] == sum(recorded["statuses"].values())
    assert recorded["requests"] - recorded["statuses"]["200"] >= 10_000
    assert set(recorded["statuses"]) <= {"200", "400", "413", "415"}
    assert recorded["good_ones_answered_afterwards"] == "6 of 6"
    held = recorded["resident_megabytes"]
    assert held[-1] - held[0] < 5
