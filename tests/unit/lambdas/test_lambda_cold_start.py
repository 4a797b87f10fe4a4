"""A cold start: nothing slow is imported before the first call needs it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks.cold_start import FUNCTIONS

# boto3 makes a cold start half a second longer, X-Ray's SDK a whole one; LiteRT and NumPy wait for a model.
LATER = ("boto3", "aws_xray_sdk", "numpy", "PIL", "ai_edge_litert")
IMPORTED = """
import importlib, json, sys
importlib.import_module(f"lambdas.{sys.argv[1]}.handler")
print(json.dumps([name for name in sys.argv[2:] if name in sys.modules]))
"""


@pytest.mark.parametrize("function", [*FUNCTIONS, "bulk"])
def test_nothing_slow_is_imported_before_it_is_needed(function):
    finished = subprocess.run(
        [sys.executable, "-c", IMPORTED, function, *LATER], capture_output=True, text=True, check=True
    )
    assert json.loads(finished.stdout) == []
