"""A user's words are a text unless they name a file, and a missing file is never sent as a text and billed."""

from __future__ import annotations

import io
import json
import os
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.recognize import subjects
from cli.recognize.subjects import Subject, subject_in_file, subject_of
from cli.shared.errors import CommandFailed

LONG_REVIEW = "A moving, quietly funny film. " * 200


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        LONG_REVIEW,
        "x" * 300,
        "one/" * 2_000 + " and more",
        "For the rest see notes.txt",
        "/s Great, either/or as in notes.txt.",
        "Great",
        "v1.2",
        "https://example.com is a fine page",
        "Übermäßig schön",
        "two\nlines",
        "",
    ],
    ids=lambda text: text[:12],
)
def test_words_are_a_text(text):
    assert subject_of(text) == Subject(text.encode(), "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    "name", ["my photo.jpg", "holiday photos/beach.PNG", "/no such folder/notes.txt", "~/my notes.txt"]
)
def test_a_missing_file_with_a_space_in_its_name_is_not_sent_as_a_text(name):
    with pytest.raises(CommandFailed, match=f"There is no file {name}"):
        subject_of(name)


@pytest.mark.parametrize(
    "word", ["missing.webp", "missing.JPG", "notes.txt", "walk.npy", "photos/cat", "./cat", "a.b.jsonl"]
)
def test_a_missing_file_is_refused_and_the_way_to_send_it_as_a_text_is_named(word):
    with pytest.raises(CommandFailed, match=f"There is no file {word}.*--text"):
        subject_of(word)


@pytest.mark.parametrize("word", ["https://example.com/photo.jpg", "HTTP://example.com", "s3://bucket/a.png"])
def test_an_address_is_refused_as_nothing_is_fetched(word):
    with pytest.raises(CommandFailed, match=f"{word} is an address, and none is fetched: download.*--text"):
        subject_of(word)


def test_a_text_that_begins_with_a_dash_is_refused_with_the_way_to_give_it():
    ended = CliRunner().invoke(app, ["recognize", "-5 stars"], env={"COLUMNS": "200"})
    assert ended.exit_code == 2
    assert 'No such option: -5. If "-5 stars" is a text, give it behind --text.' in ended.output


def test_a_folder_is_refused_with_the_command_that_asks_about_its_files(folder):
    (folder / "my photos").mkdir()
    with pytest.raises(
        CommandFailed, match="my photos is a folder.*recognition bulk --from 'my photos' --operation"
    ):
        subject_of("my photos")


def test_a_file_is_read_whatever_it_is_called(folder):
    (folder / "my holiday.JPG").write_bytes(b"\xff\xd8")
    assert subject_of("my holiday.JPG") == Subject(b"\xff\xd8", "image/jpeg", "my holiday.JPG")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_text_is_read_in_the_encoding_that_its_mark_names(folder, monkeypatch, encoding):
    content = "Schön.".encode(encoding)
    (folder / "review.txt").write_bytes(content)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
    for word in ("review.txt", "-"):
        assert subject_of(word).content == "Schön.".encode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"caf\xe9", "no text in UTF-8: byte 3 is wrong"), ("A film".encode("utf-16-le"), "a zero character")],
)
def test_a_text_in_an_encoding_that_nothing_names_is_refused_before_it_is_sent(folder, content, reason):
    (folder / "review.txt").write_bytes(content)
    with pytest.raises(CommandFailed, match=f"review.txt .*{reason}"):
        subject_of("review.txt")


def test_a_pipe_is_refused_with_the_way_to_give_what_is_in_it(folder):
    os.mkfifo(folder / "photo.jpg")
    with pytest.raises(CommandFailed, match="no ordinary file.*standard input: - < photo.jpg"):
        subject_of("photo.jpg")


@pytest.mark.parametrize("name", ["photo.jfif", "photo.JPE", "photo", "photo.webp"])
def test_a_picture_with_another_ending_is_known_by_its_first_bytes(folder, name):
    (folder / name).write_bytes(b"\xff\xd8\xff\xe0rest")
    assert subject_of(name) == Subject(b"\xff\xd8\xff\xe0rest", "image/jpeg", name)


def test_a_picture_of_a_kind_that_is_not_taken_is_refused_with_what_to_do(folder):
    (folder / "photo.webp").write_bytes(b"RIFF....WEBP")
    with pytest.raises(CommandFailed, match="ends in .webp; the API takes .* Save it as PNG or JPEG."):
        subject_of("photo.webp")


def test_a_file_of_another_kind_is_refused_with_the_kinds_that_are_taken(folder):
    (folder / "film.mp4").write_bytes(b"\0")
    with pytest.raises(CommandFailed, match=r"takes \.png, \.jpg, \.jpeg, \.txt"):
        subject_of("film.mp4")


def test_a_file_of_readings_is_a_sequence_in_json(folder):
    steps = [[0.5, -9.75, 1.0], [0.25, -9.5, 1.5]]
    (folder / "walk.json").write_text(json.dumps({"sequence": steps}))
    np.save(folder / "walk.npy", np.array(steps))
    for name in ("walk.json", "walk.npy"):
        subject = subject_in_file(folder / name)
        assert (subject.content_type, json.loads(subject.content)) == (
            "application/json",
            {"sequence": steps},
        )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (np.zeros((2, 3, 4)), "array of 3 dimensions"),
        (np.array([["a"]]), "no NumPy file of numbers"),
        (np.zeros((2, 3), "M8[s]"), "no NumPy file of numbers"),
        (np.ones((2, 3), complex), "no NumPy file of numbers"),
        # It would become two thousand million empty lists.
        (np.zeros((2_000_000_000, 0)), "no NumPy file of numbers"),
        (np.array([[1.0, np.nan]]), "missing, or beyond 32 bits"),
        (np.array([[1.0, 1e300]]), "missing, or beyond 32 bits"),
    ],
)
def test_an_array_that_is_no_sequence_is_refused(folder, content, reason):
    file = folder / "walk.npy"
    np.save(file, content)
    with pytest.raises(CommandFailed, match=reason):
        subject_in_file(file)
    file.write_bytes(b"no array")
    with pytest.raises(CommandFailed, match="no NumPy file of numbers"):
        subject_in_file(file)


def test_an_argument_that_is_not_utf8_is_a_sentence():
    with pytest.raises(CommandFailed, match="not UTF-8"):
        subject_of(b"caf\xe9".decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        ("Schön.".encode(), "text/plain; charset=utf-8"),
        (b"\x89PNG\r\n\x1a\nrest", "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
    ],
)
def test_standard_input_is_a_picture_by_its_first_bytes_else_a_text(content, content_type, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
    assert subject_of("-") == Subject(content, content_type)


@pytest.mark.parametrize(("content", "reason"), [(b"", "is empty"), (b"caf\xe9", "byte 3 is wrong")])
def test_standard_input_that_is_nothing_to_ask_about_is_refused(content, reason, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
    with pytest.raises(CommandFailed, match=reason):
        subject_of("-")


@pytest.fixture
def asked(monkeypatch):
    """The subjects that the command asks about."""
    found: list[Subject] = []
    monkeypatch.setattr("cli.shared.embedded.choose_target", lambda *_, **__: None)
    monkeypatch.setattr(
        "cli.recognize.request.recognize_and_show", lambda _, one, **__: found.append(one) or True
    )
    return found


@pytest.mark.parametrize(
    ("words", "subject"),
    [
        (["--text", "missing.webp"], Subject(b"missing.webp", subjects.TEXT_TYPE)),
        (["--text", "-5 stars"], Subject(b"-5 stars", subjects.TEXT_TYPE)),
        (["--file", "-.txt"], Subject(b"A film.", subjects.TEXT_TYPE, "-.txt")),
        ([LONG_REVIEW], Subject(LONG_REVIEW.encode(), subjects.TEXT_TYPE)),
    ],
)
def test_an_option_says_what_a_word_is(words, subject, asked, folder):
    (folder / "-.txt").write_text("A film.")
    assert CliRunner().invoke(app, ["recognize", *words]).exit_code == 0
    assert asked == [subject]


@pytest.mark.parametrize(
    "words", [[], ["a film", "--text", "a film"], ["--watch", "photos", "--file", "a.txt"]]
)
def test_one_thing_is_recognized_at_a_time(words, asked):
    ended = CliRunner().invoke(app, ["recognize", *words])
    assert "Say what to recognize, once" in str(ended.exception)
    assert not asked


@pytest.mark.parametrize("words", [["missing.webp"], ["--file", "Great"], ["photos/cat"]])
def test_nobody_is_asked_about_a_missing_file(words, monkeypatch):
    monkeypatch.setattr(
        "cli.shared.embedded.choose_target", lambda *_, **__: pytest.fail("an AWS was chosen")
    )
    ended = CliRunner().invoke(app, ["recognize", *words])
    assert isinstance(ended.exception, CommandFailed)
