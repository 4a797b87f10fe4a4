"""A file that the user named with --output, --show or --plot is never lost, and that is told before anything costs."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from PIL import Image

from advisor import Problem, recommend
from cli import main
from cli.advise.cost_curve import draw_cost_curve
from cli.bakeoff import progress
from cli.bulk import runs
from cli.models import transform
from cli.recognize.annotate import draw
from cli.shared import embedded
from model_code.outputs import OutputRefused

from .test_cli_pictures import CAT, picture

PHOTO = b"\xff\xd8 a photo of somebody's \x00"
COMMANDS = {
    "recognize --show": ["recognize", "{folder}/asked.jpg", "--show", "{folder}/holiday.png"],
    "advise --plot": ["advise", "--set", "modality=text", "--plot", "{folder}/holiday.png"],
    "advise --tree": ["advise", "--set", "modality=text", "--tree", "{folder}/holiday.png"],
    "transform --output": ["transform", "rnn", "--from", "{folder}", "--output", "{folder}/holiday.png"],
    "bulk results": ["bulk", "results", "20261126-101500-1a2b3c", "--output", "{folder}/holiday.jsonl"],
}


def exit_status(monkeypatch, words: list[str]) -> int:
    monkeypatch.setattr(sys, "argv", ["recognition", *words])
    with pytest.raises(SystemExit) as ended:
        main.run()
    return ended.value.code


@pytest.mark.parametrize("words", COMMANDS.values(), ids=list(COMMANDS))
def test_a_command_keeps_the_file_that_is_there_and_asks_nobody(tmp_path, monkeypatch, capsys, words):
    # There is no API behind it, so whoever asks fails in another way.
    monkeypatch.setattr(embedded, "choose_target", lambda *_, **__: SimpleNamespace())
    (tmp_path / "asked.jpg").write_bytes(picture())
    photo = tmp_path / words[-1].rpartition("/")[2]
    photo.write_bytes(PHOTO)
    status = exit_status(monkeypatch, [word.format(folder=tmp_path) for word in words])
    assert (status, photo.read_bytes()) == (1, PHOTO)
    said = " ".join(capsys.readouterr().err.split())
    assert "is there already. Name another file, or add --overwrite to replace it." in said


def no_results(monkeypatch) -> None:
    monkeypatch.setattr(runs, "results", lambda *_: iter([]))


class EmptyBucket:
    """S3 with nothing in it."""

    def get_paginator(self, _: str) -> EmptyBucket:
        return self

    def paginate(self, **_: str) -> list[dict]:
        return [{}]


def write_plot(file, **options) -> None:
    problem = Problem(modality="text", task="sentiment")
    draw_cost_curve(problem, recommend(problem), file, **options)


def write_picture(file, **options) -> None:
    draw(picture(), [CAT], file, **options)


def write_results(file, **options) -> None:
    runs.write_results(None, "run", file, **options)


def write_answers(file, **options) -> None:
    target = SimpleNamespace(client=lambda _: EmptyBucket())
    transform.fetch(target, transform.Transform("job", "model", "s3://bucket/output"), file, **options)


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (write_plot, "holiday.png"),
        (write_picture, "holiday.jpg"),
        (write_results, "holiday.jsonl"),
        (write_results, "holiday.parquet"),
        (write_answers, "holiday.jsonl"),
    ],
)
def test_what_is_there_gives_way_with_overwrite_only(tmp_path, monkeypatch, write, name):
    no_results(monkeypatch)
    photo = tmp_path / name
    photo.write_bytes(PHOTO)
    with pytest.raises(OutputRefused):
        write(photo)
    assert photo.read_bytes() == PHOTO
    write(photo, overwrite=True)
    assert photo.read_bytes() != PHOTO
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    output, asked = tmp_path / "holiday.png", picture()
    output.write_bytes(PHOTO)

    def fail(self, file, **_) -> None:
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="No space left"):
        draw(asked, [CAT], output, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.png"]
    assert output.read_bytes() == PHOTO


def test_a_bakeoff_deletes_what_its_candidates_left_and_nothing_else(tmp_path):
    for name in ("cnn", "holiday"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(PHOTO)
    (tmp_path / "cnn" / progress.LOG_FILE).write_text("")
    (tmp_path / "thesis.odt").write_bytes(PHOTO)
    progress.clear(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["holiday", "thesis.odt"]
