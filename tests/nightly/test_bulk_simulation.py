"""The simulation of bulk runs: nothing lost, nothing in two places, and times that can be worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from benchmarks.bulk_simulation import PICTURES, RESULT, SCENARIOS, TEXTS, Scenario, run

SMALL = Scenario("small", 100_000, PICTURES, 50.0, 30, 0.001)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"poisoned": 0.01},
        {"passing": 0.3},
        {"passing": 0.5, "poisoned": 0.01, "dying": 0.01},
        {"batch": TEXTS, "passing": 0.5, "poisoned": 0.01, "dying": 0.01},
        {"objects": 7},
    ],
)
def test_every_object_ends_in_exactly_one_of_done_and_failed(changes):
    scenario = replace(SMALL, **changes)
    outcome = run(scenario)
    assert outcome.done + outcome.failed == scenario.objects
    # After the redrives only what no try would answer has failed.
    assert outcome.failed == pytest.approx(scenario.objects * scenario.poisoned, rel=0.2)
    assert outcome.charged >= outcome.done
    if not scenario.dying:
        assert outcome.charged == outcome.done


@pytest.mark.parametrize("batch", [PICTURES, TEXTS])
def test_without_faults_a_run_takes_its_calls_at_the_pace_of_the_bucket(batch):
    size, together = batch
    pace = 100_000 / together / 50
    # The last batch's calls take their own time.
    assert pace - 1 <= run(replace(SMALL, batch=batch)).seconds <= pace + size / together * SMALL.call_seconds


def test_too_few_workers_cannot_keep_the_pace():
    # Each makes one call after the other: five make five in 0.3 s, where the bucket allows fifteen.
    assert run(replace(SMALL, workers=5)).seconds == pytest.approx(100_000 * 0.3 / 5, rel=0.02)


def test_the_recorded_result_is_of_these_scenarios_and_adds_up():
    rows = json.loads(RESULT.read_text())["rows"]
    assert [row["scenario"]["name"] for row in rows] == [scenario.name for scenario in SCENARIOS]
    for row in rows:
        assert row["done"] + row["failed"] == row["scenario"]["objects"] == 10_000_000


def test_the_page_of_bulk_runs_quotes_the_recorded_result():
    page = (RESULT.parents[2] / "docs" / "bulk-faults.md").read_text()
    for row in json.loads(RESULT.read_text())["rows"]:
        assert f"| {row['scenario']['name']} | {row['days']:.2f} | {row['usd']:,.2f} |" in page
