"""The tables of serving are what the result says."""

from __future__ import annotations

from tools.write_serving_figures import PAGE, load_row, speed_row, with_tables

FOUND = {
    "requests_per_second": {"litert": 1234.4, "signature": 205.7, "predict": 10.2},
    "litert_against": {"signature": 6.0, "predict": 121.0},
    "answers_compared": {"litert": 5000},
    "wrong_answers": {"litert": 0},
}
LOADED = {
    "requests_per_second_due": 1000.0,
    "statuses": {"200": 2000, "429": 30},
    "unanswered": 1,
    "wrong_answers": 2,
    "refused_without_retry_after": 3,
    "p50_milliseconds": 1.5,
    "p99_milliseconds": 10.0,
}


def test_the_page_has_the_tables_that_the_result_makes():
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_tables(page), "Run: make generate"


def test_the_rows_show_rates_ratios_and_what_went_wrong():
    assert speed_row("CNN", FOUND) == "| CNN | 1,234 | 206 | 6 × | 10 | 121 × | 0 of 5,000 |"
    assert load_row("CNN", LOADED) == "| CNN | 1,000 | 2,000 | 30 | 1.5 ms | 10.0 ms | 2, 1, 3 |"
