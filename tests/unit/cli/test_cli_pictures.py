"""Boxes and labels are drawn where things are; texts keep every character; a folder's new files come once, whole."""

from __future__ import annotations

import io
import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from cli.main import app
from cli.recognize import request as recognizing
from cli.recognize.annotate import COLOURS, corners_of, draw, free_place, highlighted, overlap
from cli.recognize.request import Reply, recognize_and_show, require_options
from cli.recognize.subjects import Subject, subject_in_file, subject_in_words
from cli.recognize.watch import new_files
from cli.shared.errors import CommandFailed


def picture(size=(200, 100), orientation: int | None = None) -> bytes:
    buffer = io.BytesIO()
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.new("RGB", size, "white").save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def result(label: str, score: float, **box: float) -> dict:
    return {"label": label, "score": score, **({"box": box} if box else {})}


CAT = result("Cat", 0.9, left=0.25, top=0.5, width=0.5, height=0.4)


def rgb(colour: str) -> tuple[int, int, int]:
    return tuple(int(colour[position : position + 2], 16) for position in (1, 3, 5))


def test_a_box_is_drawn_where_the_thing_is(tmp_path):
    output = tmp_path / "out.png"
    assert draw(picture(), [CAT, result("Animal", 0.8)], output) == 1
    drawn = Image.open(output)
    assert drawn.size == (200, 100)
    # Animal has the first colour and no box, so the cat has the second.
    for x, y in ((50, 70), (149, 70), (100, 89)):
        assert drawn.getpixel((x, y)) == rgb(COLOURS[1])
    assert drawn.getpixel((100, 75)) == (255, 255, 255)


def test_an_exif_that_cannot_be_read_keeps_nothing_from_being_drawn(tmp_path):
    image, buffer = tmp_path / "found.png", io.BytesIO()
    Image.new("RGB", (200, 100), "white").save(buffer, "PNG", exif=b"Exif\0\0\0\x08\0\x02\x01\x12")
    require_options(Subject(buffer.getvalue(), "image/png"), picture=image)
    draw(buffer.getvalue(), [CAT], image)
    assert Image.open(image).size == (200, 100)


@pytest.mark.parametrize("mode", ["I;16", "LA"])
def test_a_picture_of_an_unusual_kind_is_drawn_as_its_owner_sees_it(mode, tmp_path):
    buffer, output = io.BytesIO(), tmp_path / "found.png"
    grey = Image.new("I;16", (200, 100), 128 * 257) if mode == "I;16" else Image.new("LA", (200, 100))
    grey.save(buffer, "PNG")
    draw(buffer.getvalue(), [], output)
    assert Image.open(output).getpixel((5, 5)) == ((128,) * 3 if mode == "I;16" else (255,) * 3)


def test_a_turned_photograph_is_drawn_upright(tmp_path):
    output = tmp_path / "out.png"
    draw(picture(orientation=6), [CAT], output)
    assert Image.open(output).size == (100, 200)


@pytest.mark.parametrize(
    ("image", "name", "reason"),
    [
        (picture(), "out.webp", r"writes \.png"),
        (picture(), "missing/out.png", "there is no folder"),
        (b"no picture", "out.png", "no PNG or JPEG image that can be decoded"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_anybody_is_asked(image, name, reason, tmp_path, monkeypatch):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(image)
    monkeypatch.setattr(
        "cli.shared.embedded.choose_target", lambda *_, **__: pytest.fail("an AWS was chosen")
    )
    ended = CliRunner().invoke(app, ["recognize", str(photo), "--show", str(tmp_path / name)])
    assert isinstance(ended.exception, CommandFailed)
    assert re.search(reason, str(ended.exception))
    assert not (tmp_path / name).exists()


share = st.floats(-0.5, 1.5)
inside = st.floats(0, 1)


@given(st.lists(st.tuples(inside, inside), min_size=1, max_size=8))
def test_no_caption_covers_another_while_there_is_room(corners):
    """Eight captions at most, each a twentieth of the height: above or below there is room."""
    size, caption, taken = (400, 400), (90.0, 20.0), []
    for left, top in corners:
        x, y = left * 399, top * 399
        place = free_place((x, y, 399.0, 399.0), caption, size, taken)
        assert (place[2] - place[0], place[3] - place[1]) == pytest.approx(caption)
        assert place[0] >= 0 and place[1] >= 0 and place[2] <= 400 and place[3] <= 400
        assert not any(overlap(place, one) for one in taken)
        taken.append(place)


def test_a_caption_stands_above_its_box_unless_the_picture_ends_there():
    assert free_place((5.0, 50.0, 90.0, 90.0), (40.0, 20.0), (100, 100), []) == (5.0, 30.0, 45.0, 50.0)
    assert free_place((5.0, 10.0, 90.0, 90.0), (40.0, 20.0), (100, 100), []) == (5.0, 10.0, 45.0, 30.0)


def test_at_the_lower_edge_a_caption_goes_up_to_where_there_is_room():
    taken = [(0.0, 70.0, 60.0, 90.0)]
    place = free_place((0.0, 90.0, 50.0, 99.0), (60.0, 20.0), (100, 100), taken)
    assert place[3] < 70 and not overlap(place, taken[0])


def test_the_surest_box_is_drawn_over_the_others(tmp_path):
    output = tmp_path / "out.png"
    here = CAT["box"]
    draw(picture(), [result("Dog", 0.9, **here), result("Cat", 0.8, **here)], output)
    assert Image.open(output).getpixel((149, 85)) == rgb(COLOURS[1])


def test_a_caption_that_would_be_covered_stands_below_it(tmp_path):
    output = tmp_path / "out.png"
    here = {"left": 0.0, "top": 0.5, "width": 0.5, "height": 0.4}
    draw(picture(), [result("Cat", 0.9, **here), result("Dog", 0.8, **here)], output)
    drawn = Image.open(output)
    colours = {drawn.getpixel((1, y)) for y in range(100)}
    assert {rgb(COLOURS[0]), rgb(COLOURS[1])} <= colours


@given(share, share, share, share)
def test_corners_lie_in_the_picture(left, top, width, height):
    box = {"left": left, "top": top, "width": width, "height": height}
    x0, y0, x1, y1 = corners_of(box, (200, 100))
    assert 0 <= x0 <= x1 <= 199
    assert 0 <= y0 <= y1 <= 99


@given(st.text(max_size=40), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=5))
def test_a_text_with_its_entities_marked_is_still_the_text(text, places):
    spans = [
        {"label": "NAME", "score": 0.9, "span": {"begin": begin, "end": end}}
        for begin, end in places
        if begin < end <= len(text)
    ]
    shown = highlighted(text, spans).plain
    if " [NAME]" not in text:
        assert shown.replace(" [NAME]", "") == highlighted(text, []).plain
    assert shown.count(" [NAME]") >= bool(spans)


class RecordingTarget:
    """A target that nobody asks."""


@pytest.fixture
def answers(monkeypatch):
    """Every operation answers with what stands here."""
    results = {
        "/images/labels": [CAT],
        "/texts/entities": [{"label": "PERSON", "score": 0.9, "span": {"begin": 0, "end": 3}}],
    }

    def answer(_, question):
        body = {"backend": "b", "model": {"name": "m", "version": None}, "stand_in": None}
        return Reply(200, {**body, "results": results.get(question.path, [])}, 0.01)

    monkeypatch.setattr(recognizing, "ask", answer)
    return results


def test_a_photograph_is_shown_with_what_was_found(answers, tmp_path, capsys):
    photo, output = tmp_path / "photo.jpg", tmp_path / "out.png"
    photo.write_bytes(picture())
    assert recognize_and_show(RecordingTarget(), subject_in_file(photo), picture=output)
    assert Image.open(output).size == (200, 100)
    printed = capsys.readouterr()
    assert "photo.jpg" in printed.out and "1 box is drawn" in printed.err


def test_a_photograph_whose_labels_nobody_told_is_not_drawn_and_that_is_said(monkeypatch, tmp_path, capsys):
    refused = {"error": {"code": "ServiceThrottled", "message": "Busy.", "field": None}}
    monkeypatch.setattr(recognizing, "ask", lambda *_: Reply(503, refused, 0.01))
    photo, output = tmp_path / "photo.jpg", tmp_path / "out.png"
    photo.write_bytes(picture())
    assert not recognize_and_show(RecordingTarget(), subject_in_file(photo), picture=output)
    assert not output.exists()
    assert "Nothing is drawn" in capsys.readouterr().err


def test_a_watched_folder_is_watched_on_after_a_file_that_cannot_be_asked_about(
    answers, tmp_path, monkeypatch
):
    files = [tmp_path / name for name in ("a.png", "broken.npy", "b.txt")]
    for file in files:
        file.write_bytes(b"Ada was here.")
    monkeypatch.setattr("cli.shared.embedded.choose_target", lambda *_, **__: RecordingTarget())
    monkeypatch.setattr("cli.recognize.watch.new_files", lambda *_: iter(files))
    ended = CliRunner().invoke(app, ["recognize", "--watch", str(tmp_path)], env={"COLUMNS": "200"})
    assert ended.exit_code == 0, ended.output
    assert "broken.npy is no NumPy file of numbers." in ended.output
    assert "a.png" in ended.output and "b.txt" in ended.output


def test_a_text_is_printed_with_its_entities(answers, capsys):
    assert recognize_and_show(RecordingTarget(), subject_in_words("Ada was here."), entities=True)
    assert "Ada [PERSON] was here." in capsys.readouterr().out


READINGS = Subject(b'{"sequence": [[1.0]]}', "application/json")


@pytest.mark.parametrize(
    ("subject", "options"),
    [
        (subject_in_words("Ada was here."), {"picture": Path("out.png")}),
        (READINGS, {"picture": Path("out.png")}),
        (READINGS, {"entities": True}),
        (Subject(picture(), "image/jpeg"), {"entities": True}),
    ],
)
def test_only_images_are_drawn_and_only_texts_marked(subject, options):
    with pytest.raises(CommandFailed, match="--show is for images and --entities for texts"):
        require_options(subject, **options)


def test_new_files_come_once_and_when_they_are_written(tmp_path):
    (tmp_path / "old.png").write_bytes(b"old")
    looks = itertools.count(1)
    growing = tmp_path / "b.png"

    def pause(_: float) -> None:
        match next(looks):
            case 1:
                (tmp_path / "a.TXT").write_text("whole")
                (tmp_path / "note.doc").write_text("none of ours")
                growing.write_bytes(b"half")
            case 2:
                growing.write_bytes(b"half and the rest")
            case 5:
                (tmp_path / "old.png").write_bytes(b"changed")
            case 8:
                raise KeyboardInterrupt

    names = []
    with pytest.raises(KeyboardInterrupt):
        names.extend(file.name for file in iterate(new_files(tmp_path, (".png", ".txt"), pause), names))
    assert names == ["a.TXT", "b.png", "old.png"]


def iterate(files, names):
    """Keeps what came before the interruption."""
    for file in files:
        names.append(file.name)
    yield from ()


def test_a_folder_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(CommandFailed, match="There is no folder"):
        next(new_files(tmp_path / "missing", (".png",)))
