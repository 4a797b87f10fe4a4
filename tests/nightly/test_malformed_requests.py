"""Fifty thousand malformed pictures and texts through the handlers: each a 4xx, and the process as it was."""

from __future__ import annotations

from lambdas.custom import operations as custom
from lambdas.language import operations as language
from lambdas.vision import operations as vision

from . import malformed_requests

REQUESTS = 50_000


def test_fifty_thousand_are_refused_and_leave_the_memory_flat(monkeypatch):
    for module in (vision, language, custom):
        # The program puts services of its own there.
        monkeypatch.setattr(module, "client", module.client)
    found = malformed_requests.measure(REQUESTS, seed=2)
    assert sum(found["statuses"].values()) == REQUESTS
    assert set(found["statuses"]) <= {"200", "400", "413", "415"}
    assert found["good_ones_answered_afterwards"] == "6 of 6"
    held = found["resident_megabytes"]
    assert held[-1] - held[0] < 5
