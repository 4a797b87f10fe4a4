"""The names of what the evaluation leaves beside its figures, for those who write, read and point at them."""

from __future__ import annotations

BASELINE_FILE = "baseline.json"
KNOWN_INPUT_FILE = "known_input.json"
DRIFT_FILE = "drift.json"
