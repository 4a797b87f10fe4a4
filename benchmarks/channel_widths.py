"""How fast does the CNN train by its width and its number format on this processor?

Example: python -m benchmarks.channel_widths
oneDNN computes convolutions and batch normalisation in blocks of channels: of 16 float32 numbers with AVX-512, of 32 in
bfloat16. A width that is no multiple of a block takes other, slower code. Speed alone decides nothing: a wider network
does more in a sample, which only time to accuracy can weigh (benchmarks/time_to_accuracy.py).
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import interleaved
from benchmarks.training_speed import CLASSES, ROUND_SECONDS, ours

RESULT = Path(__file__).parent / "results" / "channel_widths.json"
WIDTHS = (16, 24, 32, 48)
FORMATS = ("float32", "bfloat16")
PRESET = "24 float32"


def gigaflops_of_a_sample(width: int) -> float:
    """Of one training step: forward, and twice that for the gradients."""
    from benchmarks.operations import operations_of
    from model_code.hyperparameters import CnnHyperparameters
    from model_code.networks.networks import build_cnn

    return 3 * operations_of(build_cnn(CnnHyperparameters(width=width), CLASSES["cnn"])) / 1e9


def measure(rounds: int, widths: Sequence[int]) -> dict[str, Any]:
    """Every width in every format, a round of each in turn."""
    contenders = {f"{width} {name}": (width, name) for width in sorted({24, *widths}) for name in FORMATS}
    command = [sys.executable, "-m", "benchmarks.channel_widths", "--contender"]
    workers = {
        title: interleaved.Worker([*command, str(width), name]) for title, (width, name) in contenders.items()
    }
    rates = interleaved.measure(workers, rounds=rounds, title="widths")
    return {
        title: {
            "samples_per_second": round(statistics.median(rates[title]), 1),
            "gigaflops_per_second": round(statistics.median(rates[title]) * gigaflops_of_a_sample(width), 1),
            f"against_{PRESET.replace(' ', '_')}": round(interleaved.ratio(rates[title], rates[PRESET]), 2),
        }
        for title, (width, _) in contenders.items()
    }


def main() -> None:
    """Measures, or is a contender's process."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--widths", nargs="+", type=int, default=WIDTHS, help="beside the preset's 24")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument(
        "--note", default="", help="what has to be known of the machine, such as that it was busy"
    )
    parser.add_argument("--result", type=Path, default=RESULT, help="file to write (%(default)s)")
    parser.add_argument("--contender", nargs=2, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.contender:
        width, name = words.contender
        interleaved.work(ours("cnn", width=int(width), mixed_precision=name), ROUND_SECONDS)
        return
    result = {
        "question": str(__doc__).splitlines()[0],
        **interleaved.environment(),
        "note": words.note,
        "rounds": words.rounds,
        "widths": measure(words.rounds, words.widths),
    }
    interleaved.write(words.result, result)


if __name__ == "__main__":
    main()
