"""The names of what the evaluation leaves beside its figures, for those who write, read and point at them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from definitions.names import SUMMARY_FILE
from model_code.outputs import OutputFolder

EVALUATION_FILE = "evaluation.json"
# What the training state machine reads: the whole report has a row and a column for every class, and a state holds
# 256 KiB (Step Functions quotas).
GATE_FILE = "gate.json"
GATE_MEMBERS = ("gate", "metric", "score", "group_gap", "champion", "artefact_sha256")
SAMPLES_FILE = "samples.json"
BASELINE_FILE = "baseline.json"
KNOWN_INPUT_FILE = "known_input.json"
DRIFT_FILE = "drift.json"
LABELLED_FILE = "labelled.json"
PLOT_FILES = ("confusion_matrix.png", "reliability.png", "per_class.png", "learning_curve.png")
PAGE_FILE = "report.html"
FOLDER = OutputFolder(
    EVALUATION_FILE,
    (GATE_FILE, SAMPLES_FILE, SUMMARY_FILE, BASELINE_FILE, KNOWN_INPUT_FILE, PAGE_FILE, *PLOT_FILES),
)
DRIFT_FOLDER = OutputFolder(DRIFT_FILE)
LABELLED_FOLDER = OutputFolder(LABELLED_FILE)


def write_report(report: dict[str, Any], folder: Path) -> None:
    """Writes the whole report, and beside it what the gates look at."""
    (folder / EVALUATION_FILE).write_text(json.dumps(report, indent=1), encoding="utf-8")
    looked_at = {name: report[name] for name in GATE_MEMBERS if name in report}
    (folder / GATE_FILE).write_text(json.dumps(looked_at), encoding="utf-8")
