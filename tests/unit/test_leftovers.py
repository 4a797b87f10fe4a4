"""What a destroy leaves is held to the table of docs/releases.md."""

from __future__ import annotations

from ..leftovers import HEADING, ROOT, not_named


def test_the_page_has_the_table():
    assert (ROOT / "docs" / "releases.md").read_text().count(f"\n{HEADING}\n") == 1


def test_what_a_row_stands_for_is_named():
    left = ["/aws/sagemaker/TrainingJobs", "Recognition-dev-Api-ApiCloudWatchRole73EC6FC4-"]
    assert not_named(left) == []


def test_anything_else_is_told():
    left = ["recognition-dev-storage-databuckete3889a50-", "/aws/sagemaker/TrainingJobs"]
    assert not_named(left) == ["recognition-dev-storage-databuckete3889a50-"]
