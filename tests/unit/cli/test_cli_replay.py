"""A replay tells what a threshold would have done, by the rule that the API itself follows."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from benchmarks.cascade import RECORDS, RESULT
from cli.main import app
from cli.recognize.replay import Record, effect_of, effects, read_records
from cli.shared.errors import CommandFailed


def record(
    truth: str, own: tuple[str, float], managed: tuple[str, float], usd: float | None = 0.0003
) -> Record:
    return Record(truth, {"own": own[0], "managed": managed[0]}, {"own": own[1], "managed": managed[1]}, usd)


FOUR = [
    record("good", ("good", 0.95), ("good", 0.9)),
    record("good", ("bad", 0.55), ("good", 0.7)),
    record("bad", ("bad", 0.7), ("good", 0.6)),
    record("bad", ("good", 0.6), ("bad", 0.8)),
]


@pytest.mark.parametrize(
    ("threshold", "accuracy", "second_share"),
    [(0.0, 0.5, 0.0), (0.6, 0.75, 0.25), (0.65, 1.0, 0.5), (0.8, 0.75, 0.75), (1.0, 0.75, 1.0)],
)
def test_a_threshold_asks_the_second_exactly_where_the_first_is_below_it(threshold, accuracy, second_share):
    effect = effect_of(FOUR, "own", threshold)
    assert (effect.accuracy, effect.second_share) == (accuracy, second_share)
    assert effect.usd_per_request == pytest.approx(0.0003 * second_share)


def test_the_managed_service_first_is_paid_for_every_time():
    assert effect_of(FOUR, "managed", 0.0).usd_per_request == pytest.approx(0.0003)


def test_a_cost_that_a_record_does_not_say_is_unknown_only_where_it_counts():
    records = [*FOUR[:1], record("good", ("bad", 0.5), ("good", 0.9), None)]
    assert effect_of(records, "own", 0.0).usd_per_request == 0
    assert effect_of(records, "own", 0.9).usd_per_request is None


@pytest.mark.parametrize("separator", ["\u2028", "\x85"])
def test_what_other_texts_end_a_line_with_stands_within_a_class(separator, tmp_path):
    label = f"a{separator}b"
    answer = {"label": label, "score": 0.9}
    written = json.dumps({"truth": label, "own": answer, "managed": answer}, ensure_ascii=False)
    (tmp_path / "records.jsonl").write_text(f"{written}\n", encoding="utf-8")
    (read,) = read_records(tmp_path / "records.jsonl")
    assert read.truth == label


@given(
    st.lists(
        st.tuples(st.booleans(), st.floats(0, 1), st.booleans(), st.floats(0, 1)), min_size=1, max_size=30
    )
)
def test_a_higher_threshold_never_asks_less_often(answers):
    records = [record("a", ("a" if r else "b", s), ("a" if q else "b", t)) for r, s, q, t in answers]
    shares = [effect.second_share for effect in effects(records, "own")]
    assert shares == sorted(shares)


def test_the_command_prints_a_row_for_each_threshold(tmp_path):
    file = tmp_path / "answers.jsonl"
    lines = [
        {"truth": one.truth}
        | {
            name: {"label": one.label[name], "score": one.score[name], "usd": one.usd}
            for name in ("own", "managed")
        }
        for one in FOUR
    ]
    file.write_text("\n".join(json.dumps(line) for line in lines) + "\n\n")
    assert read_records(file) == FOUR
    finished = CliRunner().invoke(app, ["replay", str(file), "--json"])
    accuracies = {row["threshold"]: row["accuracy"] for row in json.loads(finished.stdout)["result"]}
    assert (accuracies[0.0], accuracies[0.8]) == (0.5, 0.75)
    shown = CliRunner().invoke(app, ["replay", str(file), "--requests-per-month", "1000000"]).stdout
    assert "225.00" in shown and "4 records" in shown


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "holds no record"),
        ('{"truth": "a"', "Line 1"),
        (
            '{"truth": "a", "own": {"label": "a", "score": 1.5}, "managed": {"label": "a", "score": 1}}',
            "0 to 1",
        ),
        ('\n{"truth": "a"}', "Line 2 .*own"),
        ("[1]", "Line 1"),
        ("[" * 100_000, "Line 1"),
        ("\udcff", "Line 1"),
    ],
)
def test_a_file_that_holds_something_else_is_refused_by_its_line(tmp_path, content, reason):
    file = tmp_path / "answers.jsonl"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(CommandFailed, match=reason):
        read_records(file)


def test_the_recorded_replay_is_that_of_its_record_which_holds_nothing_of_the_texts():
    recorded = read_records(RECORDS)
    told = json.loads(RESULT.read_text())["effects"]
    assert set(told) == {"own", "managed"}
    for first, rows in told.items():
        # A sum of floats has another last digit since Python 3.12.
        assert [pytest.approx(asdict(effect)) for effect in effects(recorded, first)] == rows
    assert len(recorded) == 1_000
    for line in RECORDS.read_text().splitlines():
        record = json.loads(line)
        assert set(record) == {"truth", "own", "managed"}
        assert set(record["managed"]) == {"label", "score", "usd"} and set(record["own"]) == {
            "label",
            "score",
        }


def test_the_page_of_the_policies_quotes_the_recorded_replay():
    page = (RESULT.parents[2] / "docs" / "api-policies.md").read_text()
    own, managed = (json.loads(RESULT.read_text())["effects"][first] for first in ("own", "managed"))
    for ours, theirs in zip(own, managed, strict=True):
        cells = [f"{ours['threshold']:.2f}"]
        for one in (ours, theirs):
            usd = one["usd_per_request"] * 100_000
            cells += [f"{one['accuracy']:.3f}", f"{one['second_share']:.1%}", f"{usd:,.2f}"]
        assert f"| {' | '.join(cells)} |" in page
