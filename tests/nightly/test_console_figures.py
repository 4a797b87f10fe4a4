"""The page of the console quotes what was measured of it."""

from __future__ import annotations

import json

from benchmarks.console_paint import RESULT, compressed_kilobytes, rows


def test_the_documents_quote_the_measured_figures():
    words = (RESULT.parents[2] / "docs" / "console.md").read_text(encoding="utf-8")
    recorded = json.loads(RESULT.read_text())
    for kilobytes in (compressed_kilobytes(), recorded["compressed_kilobytes"]):
        assert f"{kilobytes:.0f} kB compressed" in words
    assert len(rows(recorded)) == 3
    for row in rows(recorded):
        assert row in words
