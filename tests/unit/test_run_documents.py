"""The program that types the documented lines tells which fail, and leaves out only what its table names."""

from __future__ import annotations

import re

import pytest

from tools import run_documents
from tools.documented_lines import PAGES, Line, lines_of
from tools.reader_files import write_reader_files
from tools.run_documents import Reader, in_order, matching

TYPED = [line for page in PAGES for line in lines_of(page)]


@pytest.fixture
def reader(tmp_path) -> Reader:
    return Reader(tmp_path)


def typed(reader: Reader, *commands: str) -> None:
    for number, command in enumerate(commands, start=1):
        reader.type(Line("page.md", number, command))


def test_a_line_that_fails_is_told_with_its_words_and_the_next_one_runs(reader, capsys):
    typed(reader, "echo the reason; false", "touch next")
    assert reader.failed == ["page.md:1: echo the reason; false"]
    assert (reader.folder / "next").exists()
    told = capsys.readouterr().out
    assert "exit status 1" in told and "the reason" in told


def test_what_a_line_exports_holds_for_the_lines_after_it(reader):
    typed(reader, "export PLACE=here", 'test "$PLACE" = here')
    assert not reader.failed


def test_the_next_page_is_read_in_a_new_shell_with_the_environment_activated(reader):
    (reader.folder / "activate").write_text("ACTIVATED=yes")
    typed(reader, "source ./activate", "export PLACE=here")
    reader.end_page()
    typed(reader, 'test -z "${PLACE:-}"', 'test "$ACTIVATED" = yes')
    assert not reader.failed


def test_a_line_that_wants_an_account_is_told_and_not_run(reader, capsys):
    typed(reader, "cdk deploy --all", "touch by-mistake --aws")
    assert "needs an AWS account" in capsys.readouterr().out
    assert list(reader.folder.iterdir()) == []


def test_a_refusal_that_is_right_has_to_be_the_one_that_is_expected(reader, monkeypatch):
    monkeypatch.setitem(run_documents.REFUSED, "^echo", "nothing failed")
    typed(reader, "echo nothing failed; false", "echo another reason; false")
    assert reader.failed == ["page.md:2: echo another reason; false"]


def test_an_id_of_an_example_is_that_of_the_run_before(reader):
    typed(
        reader,
        "echo bulk --from photos: run 20270101-000000-abcdef",
        "echo 20261126-101500-1a2b3c > shown",
    )
    assert (reader.folder / "shown").read_text().strip() == "20270101-000000-abcdef"


def test_a_line_that_does_not_end_is_ready_by_its_word_and_ended_with_its_page(reader, monkeypatch):
    monkeypatch.setitem(run_documents.LASTING, "^sleep|sleep$", "Watching")
    typed(reader, "echo Watching; exec sleep 600 # sleep")
    (process,) = reader.lasting
    assert process.poll() is None and not reader.failed
    reader.end_page()
    assert process.poll() is not None and reader.lasting == []


def test_a_line_that_should_last_and_ends_has_failed(reader, monkeypatch):
    monkeypatch.setitem(run_documents.LASTING, "sleep$", "Watching")
    typed(reader, "exit 3 # sleep")
    assert reader.failed == ["page.md:1: exit 3 # sleep"]


@pytest.mark.parametrize("table", ["NOT_RUN", "LASTING", "ANSWERS", "REFUSED"])
def test_no_row_of_a_table_is_left_over(table):
    patterns = [part for row in getattr(run_documents, table) for part in row.split("|")]
    assert [
        pattern for pattern in patterns if not any(re.search(pattern, line.command) for line in TYPED)
    ] == []


def test_most_lines_are_run_and_the_embedded_aws_goes_down_last():
    left_out = [line for line in TYPED if matching(run_documents.NOT_RUN, line.command)]
    assert len(left_out) <= len(TYPED) // 4
    assert in_order(PAGES)[-1].command == run_documents.LAST
    assert sorted(map(str, in_order(PAGES))) == sorted(map(str, TYPED))


def test_a_file_that_the_reader_has_already_is_left_alone(tmp_path):
    (tmp_path / "photo.jpg").write_text("mine")
    assert "photo.jpg" not in write_reader_files(tmp_path)
    assert (tmp_path / "photo.jpg").read_text() == "mine"
    assert write_reader_files(tmp_path) == []


def test_the_readers_files_are_those_that_the_pages_name(tmp_path):
    write_reader_files(tmp_path)
    named = {
        word for line in TYPED for word in line.command.split() if re.match(r"[a-z]+\.(jpg|csv|npy)$", word)
    }
    assert named and {one for one in named if not (tmp_path / one).exists()} == set()
