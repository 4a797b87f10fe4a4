"""Bulk runs on the deployment: each object once, what failed again, and nothing that costs too much."""

from __future__ import annotations

import pytest

from cli.bulk import plan as bulk
from cli.bulk import runs
from cli.shared.errors import CommandFailed

from .reviews import silent


def sentiment(limit_usd: float) -> bulk.BulkRequest:
    """A run that asks for the sentiment of texts and may cost so much."""
    return bulk.BulkRequest(*bulk.question_of("text-sentiment", []), limit_usd)


def test_a_bulk_run_ends_each_object_once_and_what_failed_can_be_redriven(target, tmp_path):
    texts = {f"{number:03}.txt": f"A wonderful film, number {number}." for number in range(230)}
    folder = tmp_path / "texts"
    folder.mkdir()
    for name, text in {**texts, "empty.txt": " "}.items():
        (folder / name).write_text(text)
    request = sentiment(1.0)
    run, plan = bulk.start(target, request, str(folder))
    assert (plan.objects, plan.batches, plan.calls) == (231, 2, 10)
    assert plan.usd == pytest.approx(231 * 3 * 0.0001)
    ended = runs.watch(target, run, silent)
    assert (ended["state"], ended["done"] + ended["failed"], ended["left"]) == (runs.WITH_FAILURES, 231, 0), (
        ended
    )
    lines = {line["key"].rsplit("/", 1)[-1]: line for line in runs.results(target, run)}
    assert sorted(lines) == [*texts, "empty.txt"]
    bad = lines["empty.txt"]
    assert (bad["outcome"], bad["error"]["code"]) == ("failed", "EmptyText")
    # Mended, it is asked about again, with what a busy machine did not come to; the others are not.
    target.client("s3").put_object(
        Bucket=target.parameter("data-bucket"), Key=bad["key"], Body=b"An awful film."
    )
    for _ in range(3):
        assert runs.redrive(target, run, silent, anyway=True) == ended["failed"]
        ended = runs.watch(target, run, silent)
        if not ended["failed"]:
            break
    assert (ended["state"], ended["done"], ended["failed"], ended["left"]) == ("SUCCEEDED", 231, 0, 0), ended
    with pytest.raises(CommandFailed, match="No object"):
        runs.redrive(target, run, silent)
    assert runs.write_results(target, run, tmp_path / "out.parquet") == 231
    assert runs.write_results(target, run, tmp_path / "out.jsonl") == 231


def test_a_bulk_run_that_would_cost_too_much_is_not_started(target, tmp_path):
    (tmp_path / "a.txt").write_text("A text.")
    request = sentiment(0.0001)
    with pytest.raises(CommandFailed, match="Nothing was started"):
        bulk.start(target, request, str(tmp_path))
    with pytest.raises(CommandFailed, match="lets no run cost more than"):
        bulk.limit_of(target, 1_000_000)
