"""How large the console is, when each of its pages is seen, and when it first answers.

Example: python -m benchmarks.console_paint
The embedded AWS serves the pages, with the address of an API that nobody asks; the system's own Chromium loads each in
turn, every time in a context of its own, so that nothing is cached. A page answers when its first element does:
*Try* shows the field for a text when Text is chosen, *Advise* offers the tasks of what one says to have, *Watch* shows
what it read of the deployment.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import interleaved
from cli.shared.embedded import embedded_target
from console import page_files
from local_aws.console import PREFIX
from local_aws.launcher import EmbeddedAws, console_url

ROUNDS = 15
BROWSER = "chromium-headless-shell"
RESULT = Path(__file__).parent / "results" / "console_paint.json"
PATIENCE_MILLISECONDS = 60_000
API_URL = "https://abc123.execute-api.us-east-1.amazonaws.com/dev/"
# What a person does first on each page, tried at every frame until the page answers.
ANSWERS = {
    "try": """() => {
        document.querySelector("input[name=kind][value=text]").checked = true;
        document.querySelector("input[name=kind][value=text]").dispatchEvent(new Event("change"));
        return !document.querySelector("#text-input").hidden;
    }""",
    "advise": """() => {
        const field = document.querySelector("#answer-modality");
        if (!field) return false;
        field.value = "audio";
        field.dispatchEvent(new Event("input", { bubbles: true }));
        return document.querySelector("#answer-task").length === 3;
    }""",
    "watch": """() => document.querySelector("#state .answer") !== null""",
}
# The largest paint is what succeeded the first meaningful one (Largest Contentful Paint, W3C).
OBSERVER = """
window.painted = {};
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.painted[entry.entryType] = entry.startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });
document.addEventListener("DOMContentLoaded", () => {
  const answers = ANSWERS;
  const look = () => {
    if (answers()) window.painted.answered = performance.now();
    else requestAnimationFrame(look);
  };
  look();
});
"""
FIGURES = """() => {
    const [first] = performance.getEntriesByName("first-contentful-paint");
    const fetched = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    return {
        first_contentful_paint_milliseconds: first.startTime,
        meaningful_paint_milliseconds: window.painted["largest-contentful-paint"],
        answers_after_milliseconds: window.painted.answered,
        requests: fetched.length,
    };
}"""


def load(browser: Any, address: str, page_name: str) -> dict[str, float]:
    """One load of a page with nothing cached but the key, as after the first visit."""
    page_address, _, key = address.partition("#key=")
    known = {
        "origin": page_address.removesuffix(PREFIX),
        "localStorage": [{"name": "embedded-aws-key", "value": key}],
    }
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, storage_state={"cookies": [], "origins": [known]}
    )
    context.add_init_script(OBSERVER.replace("ANSWERS", ANSWERS[page_name]))
    page = context.new_page()
    page.goto(f"{page_address}#{page_name}")
    waited = 0
    # Playwright's own way to wait needs an eval, which the page's policy forbids.
    while not page.evaluate("'answered' in window.painted && 'largest-contentful-paint' in window.painted"):
        if waited > PATIENCE_MILLISECONDS:
            raise SystemExit(
                f"The page {page_name} did not answer within {PATIENCE_MILLISECONDS / 1000:.0f} s."
            )
        page.wait_for_timeout(20)
        waited += 20
    figures = page.evaluate(FIGURES)
    context.close()
    return figures


def measure(address: str, program: str, rounds: int) -> tuple[str, dict[str, dict[str, float]]]:
    """The browser's version, and every page's figures: the median of its loads, and the slowest of each time."""
    from playwright.sync_api import sync_playwright

    loads: dict[str, list[dict[str, float]]] = {name: [] for name in ANSWERS}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        # The first load of all also starts the browser's own processes.
        load(browser, address, "try")
        for number in range(rounds):
            for name, loaded in loads.items():
                loaded.append(load(browser, address, name))
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        version = browser.version
        browser.close()
    return version, {name: summary(loaded) for name, loaded in loads.items()}


def summary(loads: list[dict[str, float]]) -> dict[str, float]:
    """The median of every figure, and the slowest of each time."""
    made: dict[str, float] = {}
    for name in loads[0]:
        values = [load[name] for load in loads]
        made[name] = round(statistics.median(values), 1)
        if name.endswith("_milliseconds"):
            made[f"slowest_{name}"] = round(max(values), 1)
    return made


def compressed_kilobytes() -> float:
    """All files of the page, each compressed by itself as CloudFront sends it."""
    return round(sum(len(gzip.compress(file.read_bytes())) for file in page_files().values()) / 1000, 1)


def rows(result: dict[str, Any]) -> list[str]:
    """The rows of the table in docs/console.md."""
    shown = ("first_contentful_paint", "meaningful_paint", "answers_after", "slowest_answers_after")
    made = []
    for name, figures in result["pages"].items():
        cells = [f"{figures[f'{name}_milliseconds']:,.0f} ms" for name in shown]
        made.append(f"| {name.title()} | {' | '.join(cells)} |")
    return made


def main() -> None:
    """Measures and keeps the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--browser", default=BROWSER, help="a Chromium (%(default)s)")
    parser.add_argument("--result", type=Path, default=RESULT, help="file to write (%(default)s)")
    words = parser.parse_args()
    program = shutil.which(words.browser)
    if not program:
        parser.error(f"{words.browser} is not installed. On Debian: apt-get install {BROWSER}")
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedAws.start(Path(folder) / "state", log_file=Path(folder) / "aws.log") as running,
    ):
        parameters = embedded_target("dev", running.endpoint_url, running.keys).client("ssm")
        parameters.put_parameter(Name="/recognition/dev/api-url", Value=API_URL, Type="String")
        version, pages = measure(console_url(running.endpoint_url, running.keys), program, words.rounds)
    result = {
        "question": "How large is the console, when is each page seen, and when does it answer?",
        "processor": interleaved.processor(),
        "browser": f"{Path(program).name} {version}",
        "rounds": words.rounds,
        "compressed_kilobytes": compressed_kilobytes(),
        "pages": pages,
    }
    interleaved.write(words.result, result)
    print(*rows(result), sep="\n", file=sys.stderr)


if __name__ == "__main__":
    main()
