"""The names of what the evaluation leaves beside its figures, for those who write, read and point at them."""

from __future__ import annotations

from model_code.outputs import OutputFolder

EVALUATION_FILE = "evaluation.json"
SAMPLES_FILE = "samples.json"
BASELINE_FILE = "baseline.json"
KNOWN_INPUT_FILE = "known_input.json"
DRIFT_FILE = "drift.json"
PLOT_FILES = ("confusion_matrix.png", "reliability.png", "per_class.png")
FOLDER = OutputFolder(EVALUATION_FILE, (SAMPLES_FILE, BASELINE_FILE, KNOWN_INPUT_FILE, *PLOT_FILES))
DRIFT_FOLDER = OutputFolder(DRIFT_FILE)
