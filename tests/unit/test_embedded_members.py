"""The page of the embedded SageMaker's members: it is what the table and botocore's model make."""

from __future__ import annotations

from tools.write_embedded_members import PAGE, page


def test_the_page_is_what_the_table_makes():
    assert PAGE.read_text(encoding="utf-8") == page(), "Run: make generate"
