"""Measures every figure of docs/figures.md in order, then writes its table anew. The machine has to be quiet meanwhile.

Example: python -m benchmarks --cache ~/.cache/recognition --torch-python ~/torch/bin/python \
    --litert-python ~/litert/bin/python --older-python ~/tensorflow-2.20/bin/python
benchmarks/README.md says what these Pythons are and how long each part takes. A part whose Python is not named is left
out; one that fails is reported at the end, and the others are measured all the same.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path


def programs(words: argparse.Namespace) -> dict[str, list[str]]:
    """Each part's name with its arguments, the shorter ones first."""
    cache = ["--cache", str(words.cache.expanduser())]
    chosen = {"training_memory": [], "eight_bits": cache}
    if words.litert_python:
        chosen["lambda_artefact"] = ["--litert-python", words.litert_python]
    if words.older_python:
        chosen["serving_versions"] = [*cache, "--older-python", words.older_python]
    chosen["training_speed"] = ["--torch-python", words.torch_python] if words.torch_python else []
    chosen |= {"accuracy": cache, "smartwatch": cache, "time_to_accuracy": cache}
    return {name: chosen[name] for name in words.only or chosen if name in chosen}


def run(name: str, arguments: list[str]) -> bool:
    """Runs a part to its end; returns whether it succeeded."""
    started = time.monotonic()
    print(f"{name}: started at {time.strftime('%H:%M:%S')}", file=sys.stderr, flush=True)
    status = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments]).returncode
    minutes = (time.monotonic() - started) / 60
    print(f"{name}: status {status} after {minutes:.1f} minutes", file=sys.stderr, flush=True)
    return status == 0


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True, help="where downloads are kept")
    parser.add_argument("--torch-python", help="a Python that has PyTorch and NumPy")
    parser.add_argument("--litert-python", help="a Python that has ai-edge-litert and NumPy")
    parser.add_argument("--older-python", help="a Python that has TensorFlow 2.20 and Pillow")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these parts, in this order")
    words = parser.parse_args()
    failed = [name for name, arguments in programs(words).items() if not run(name, arguments)]
    subprocess.run([sys.executable, "-m", "tools.write_figures"], check=True)
    if failed:
        raise SystemExit(f"These failed: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
