"""Feeds every parser of foreign bytes for minutes, guided by the lines that it reaches, and tells what failed.

Example: python -m tools.fuzz --seconds 600

What fails is kept in build/fuzz, shown in its smallest form, and tried first by the next run. The others go on.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDER = Path("build/fuzz")
FUZZER = Path("build/fuzzer")
# Each property by the parser that it is about.
GUIDED = {
    "the small server's HTTP": [
        "tests/model/test_serving_garbage.py::test_no_bytes_end_the_server_or_make_it_answer_with_a_fault"
    ],
    "a NumPy file": [
        "tests/model/test_inference.py::test_a_damaged_numpy_file_is_taken_or_refused",
        "tests/unit/test_foreign_headers.py::test_any_header_of_a_numpy_file_is_read_or_refused",
    ],
    "media types": [
        "tests/unit/test_foreign_headers.py::test_any_content_type_is_a_media_type_or_none",
        "tests/unit/test_foreign_headers.py::test_whatever_is_accepted_the_answer_has_a_type_or_is_refused",
    ],
    "a container's bodies": [
        "tests/model/test_inference.py::test_any_body_is_taken_or_refused_without_being_repeated"
    ],
    "archives": ["tests/model/test_archives.py::test_a_damaged_archive_ends_in_the_readers_own_sentence"],
    "files of arrays": ["tests/model/test_array_files.py::test_a_damaged_file_of_arrays_is_read_or_refused"],
    "PNG and JPEG": [
        "tests/unit/test_image_files.py::test_a_damaged_file_is_read_or_refused",
        "tests/unit/test_image_files.py::test_any_bytes_behind_a_signature_are_read_or_refused",
        "tests/model/test_orientation.py::test_a_damaged_exif_is_read_alike_by_graph_and_server",
    ],
    "the API's bodies": [
        "tests/unit/lambdas/test_lambda_fuzz.py::test_a_damaged_picture_under_any_content_type_is_read_or_refused",
        "tests/unit/lambdas/test_lambda_fuzz.py::test_a_damaged_picture_in_json_is_read_or_refused",
        "tests/unit/lambdas/test_lambda_fuzz.py::test_a_nasty_text_is_taken_as_it_is_or_refused",
        "tests/unit/lambdas/test_lambda_fuzz.py::test_any_json_is_read_or_refused",
    ],
    "the API's options": [
        "tests/unit/lambdas/test_lambda_options.py"
        "::test_any_text_for_an_option_is_taken_or_refused_and_never_crashes"
    ],
    "a transform's lines": [
        "tests/local/test_transform_jobs.py"
        "::test_every_line_is_asked_once_in_order_in_requests_as_full_as_they_may_be"
    ],
    "names in a terminal": [
        "tests/unit/cli/test_cli_hostile_names.py::test_words_in_a_terminal_are_shown_and_never_obeyed",
        "tests/unit/cli/test_cli_hostile_names.py::test_a_table_shows_words_in_any_console",
    ],
}
# What runs in Node tells Python's fuzzer nothing; Hypothesis alone makes these requests up.
UNGUIDED = "tests/unit/test_page_signatures.py"
PYTEST = [sys.executable, "-m", "pytest", "--quiet", "--hypothesis-profile=night"]
PYTEST += ["-o", "timeout=7200", "-o", "session_timeout=14400", "-o", "faulthandler_timeout=0"]
# Both would have the same signal for their clocks.
LIBFUZZER = ["-p", "no:timeout", "-p", "tools.libfuzzer", "--capture=no"]


def main(seconds: int, processes: int, wanted: str) -> int:
    """0 when nothing failed; else 1, behind the names of what did."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    properties = [name for several in GUIDED.values() for name in several] + [UNGUIDED]
    properties = [name for name in properties if wanted in name]
    with ThreadPoolExecutor(processes) as pool:
        held = list(pool.map(lambda name: search(name, seconds), properties))
    failed = [name for name, holds in zip(properties, held, strict=True) if not holds]
    for name in failed:
        print(f"FAILED {name}")
    print(f"{len(failed)} of {len(properties)} properties failed. What fails is kept in {FOLDER}.")
    return 1 if failed else 0


def search(test: str, seconds: int) -> bool:
    """Whether a property held for so long; where it did not, its smallest failure is printed."""
    if test == UNGUIDED:
        return run(test, [*PYTEST, test])
    bounds = [f"--fuzz-seconds={seconds}", f"--fuzz-folder={FOLDER}"]
    holds = run(test, [*PYTEST, *LIBFUZZER, *bounds, test])
    if not holds:
        run(test, [*PYTEST, test])
    return holds


def run(test: str, command: list[str]) -> bool:
    """Whether a command ends with 0; the end of what it printed is printed."""
    path = os.pathsep.join([str(FUZZER.resolve()), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    ended = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", errors="replace")
    lines = (ended.stdout + ended.stderr).splitlines()
    shown = lines[-8:] if ended.returncode == 0 else lines[-80:]
    print("\n".join([f"== {test} ended with {ended.returncode}", *shown]), flush=True)
    return ended.returncode == 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=600, help="for each property")
    parser.add_argument("--processes", type=int, default=max(1, (os.cpu_count() or 1) // 2))
    parser.add_argument("wanted", nargs="?", default="", help="a part of a test's name; empty: all")
    words = parser.parse_args()
    sys.exit(main(words.seconds, words.processes, words.wanted))
