"""Records the last demo's figures in docs/demo.json and its table in the README: `python -m tools.record_demo LOG`.

LOG is what `make demo` printed. The documents take their figures from docs/demo.json; a test compares them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "docs" / "demo.json"
README = ROOT / "README.md"
PLACE = re.compile(r"(<!-- demo: [^\n]* -->\n)(?:\n```text\n.*?```\n)?", re.DOTALL)


def figures_of(report: dict[str, Any]) -> dict[str, Any]:
    """What the documents may quote of a report."""
    return {
        "seconds_after_data": report["seconds_after_data"],
        "seconds_of_steps": report["seconds_of_steps"],
        "processor_cores": os.cpu_count(),
        "models": {model["kind"]: model_figures(model) for model in report["models"]},
    }


def model_figures(model: dict[str, Any]) -> dict[str, Any]:
    """One model's data, hyperparameters and accuracy."""
    metrics = next(
        value for key, value in model["evaluation"].items() if key.endswith("classification_metrics")
    )
    return {
        "dataset": model["dataset"]["name"],
        "train_samples": model["dataset"]["counts"]["train"],
        "test_samples": model["dataset"]["counts"]["test"],
        "accuracy": round(metrics["accuracy"]["value"], 4),
        "accuracy_interval_95": [round(bound, 4) for bound in metrics["accuracy"]["interval_95"]],
        "hyperparameters": model["hyperparameters"],
    }


def with_output(readme: str, output: str) -> str:
    """The README with the demo's output in its place; the report's path is written as a reader would see it."""
    shown = output.replace(str(ROOT) + "/", "").strip("\n")
    return PLACE.sub(lambda output: f"{output[1]}\n```text\n{shown}\n```\n", readme, count=1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("log", type=Path, metavar="LOG", help="what `make demo` printed")
    printed = parser.parse_args().log.read_text(encoding="utf-8")
    report = json.loads((ROOT / "build" / "demo" / "report.json").read_bytes())
    RECORD.write_text(json.dumps(figures_of(report), indent=2) + "\n", encoding="utf-8")
    lines = [line.rstrip() for line in printed.splitlines() if not line.startswith("…")]
    README.write_text(with_output(README.read_text(encoding="utf-8"), "\n".join(lines)), encoding="utf-8")
