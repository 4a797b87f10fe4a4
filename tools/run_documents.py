"""Runs the lines of README and docs as a new reader would: in their order, in a fresh clone, with small files.

Example: make test-docs
What fails is told at the end, and the status is 1. It trains the demo's networks and one more, so it takes its time.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.documented_lines import PAGES, ROOT, Line, lines_of
from tools.reader_files import DATA_BUCKET_TEXTS, write_reader_files

# What is not run, and why; the first that matches counts.
NOT_RUN = {
    r"--aws\b|^cdk bootstrap|^cdk deploy|^cdk destroy|^aws |^recognition doctor": "needs an AWS account",
    r"^make test$": "is the suite of tests itself",
}
# These end when somebody ends them: the word that they print once they are ready, or the port that they answer on.
LASTING = {r"^recognition recognize --watch": "Watching", r"^python -m serving": "port 8080"}
# What a reader types when a command asks.
ANSWERS = {r"^recognition advise$": "text\nsentiment\ngeneric\n" + "\n" * 8}
# A refusal that is the right answer here, and its words.
REFUSED = {
    r"^recognition bulk redrive": "No object of the run",
    r"^recognition label": "Nothing joins labels with answers",
}
# These change what the lines after them start from.
STATE = re.compile(r"^(source|export) ")
RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
LAST = "recognition down"
LINE_SECONDS = 1_800
READY_SECONDS = 120
SHOWN_LINES = 25


@dataclass
class Reader:
    """Somebody in a fresh clone with a shell: what they have typed so far, and what it came to.

    Attributes:
        folder: of the clone.
        before: the lines whose effect the shell keeps.
        run: the id of the last bulk run, in the place of the one that the pages show.
        lasting: programs that are still there.
        failed: the lines that did not do what they promise.
    """

    folder: Path
    before: list[str] = field(default_factory=list)
    run: str = ""
    lasting: list[subprocess.Popen] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def type(self, line: Line) -> None:
        """Types one line and says what came of it."""
        if reason := matching(NOT_RUN, line.command):
            print(f"–  {line} ({reason})", flush=True)
            return
        started = time.monotonic()
        command = self.filled_in(line.command)
        ready = matching(LASTING, command)
        status, output = self.start(command, ready) if ready else self.finish(command)
        if run := RUN_ID.search(output):
            self.run = run[0] if "bulk --from" in command else self.run
        refusal = matching(REFUSED, command)
        is_right = refusal in output if refusal else status == 0
        print(f"{'✓' if is_right else '✗'}  {line} · {time.monotonic() - started:.0f} s", flush=True)
        if not is_right:
            self.failed.append(str(line))
            tail = output.strip().splitlines()[-SHOWN_LINES:]
            print("\n".join([f"   exit status {status}", *(f"   {words}" for words in tail)]), flush=True)
        elif STATE.match(command):
            self.before.append(command)

    def filled_in(self, command: str) -> str:
        """The line with what a reader puts in the place of an example."""
        if "DATA_BUCKET" in command:
            command = command.replace("DATA_BUCKET", self.put_texts())
        return RUN_ID.sub(self.run, command) if self.run else command

    def put_texts(self) -> str:
        """Puts a few texts below `reviews/` of the data bucket, which is named."""
        program = f"import sys; sys.path.insert(0, '.'); {DATA_BUCKET_TEXTS}"
        status, output = self.finish(f'python -c "{program}"')
        if status:
            raise SystemExit(f"No texts could be put into the data bucket:\n{output}")
        return output.split()[-1]

    def shell(self, command: str, **options: Any) -> subprocess.Popen[str]:
        """Starts a line in a group of processes of its own, after the lines that the shell keeps."""
        words = "\n".join([*self.before, command])
        return subprocess.Popen(
            ["bash", "-e", "-c", words],
            cwd=self.folder,
            env={**os.environ, "BROWSER": "true"},
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
            **options,
        )

    def finish(self, command: str) -> tuple[int, str]:
        """Runs a line to its end."""
        process = self.shell(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            output, _ = process.communicate(matching(ANSWERS, command) or "", timeout=LINE_SECONDS)
        except subprocess.TimeoutExpired:
            end(process)
            return 124, f"It had not ended after {LINE_SECONDS} s."
        return process.returncode, output

    def start(self, command: str, ready: str) -> tuple[int, str]:
        """Starts a line that does not end, and waits until it is ready."""
        log = Path(tempfile.mkstemp(prefix="line-", suffix=".log")[1])
        with log.open("w", encoding="utf-8") as out:
            process = self.shell(command, stdin=subprocess.DEVNULL, stdout=out)
        self.lasting.append(process)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if is_ready(ready, log.read_text(encoding="utf-8")):
                return 0, ""
            time.sleep(0.5)
        return process.poll() or 124, log.read_text(encoding="utf-8") or "It was not ready in time."

    def end_page(self) -> None:
        """Ends the programs of a page, as Ctrl-C would; the next one is read in a new shell, with `.venv` activated."""
        while self.lasting:
            end(self.lasting.pop())
        self.before = [line for line in self.before if line.startswith("source ")][:1]


def matching(table: dict[str, str], command: str) -> str | None:
    """The value of the first pattern that the command has; None without one."""
    return next((value for pattern, value in table.items() if re.search(pattern, command)), None)


def is_ready(word: str, printed: str) -> bool:
    """Whether a program printed the word, or answers on the port that it names."""
    if not word.startswith("port "):
        return word in printed
    asked = ["curl", "--silent", "--fail", f"http://127.0.0.1:{word.removeprefix('port ')}/ping"]
    return subprocess.run(asked, capture_output=True).returncode == 0


def end(process: subprocess.Popen) -> None:
    """Ctrl-C, and after ten seconds more than that, to a line's group of processes."""
    for number in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(10)
            return
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def in_order(pages: list[Path]) -> list[Line]:
    """The lines of the pages; the embedded AWS goes down at the very end, because later pages speak to it."""
    lines = [line for page in pages for line in lines_of(page)]
    return [line for line in lines if line.command != LAST] + [line for line in lines if line.command == LAST]


def main() -> None:
    """Clones the repository as it is committed, and types every line there."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", nargs="+", default=[page.name for page in PAGES], help="default: all")
    parser.add_argument("--result", type=Path, help="a JSON file for the failed lines")
    given = parser.parse_args()
    # A program that was started in the background may ignore Ctrl-C, and would hand that on to every line.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    lines = in_order([page for page in PAGES if page.name in given.pages])
    with tempfile.TemporaryDirectory(prefix="reader-") as scratch:
        folder = Path(scratch, "clone")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        write_reader_files(folder)
        reader = Reader(folder)
        try:
            for number, line in enumerate(lines):
                reader.type(line)
                if number + 1 == len(lines) or lines[number + 1].page != line.page:
                    reader.end_page()
        finally:
            reader.end_page()
            reader.finish(LAST)
    if given.result:
        given.result.write_text(json.dumps(reader.failed, indent=2) + "\n", encoding="utf-8")
    if reader.failed:
        sys.exit("These lines do not run as printed:\n" + "\n".join(reader.failed))
    print("Every line runs as printed.")


if __name__ == "__main__":
    main()
