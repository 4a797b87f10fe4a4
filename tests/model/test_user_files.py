"""Labelled data is read as people's programs and machines write it, or one sentence names what is wrong and where."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_code.data.columns import Columns
from model_code.data.samples import UserData
from model_code.data.user_files import read_data
from model_code.failures import JobFailed


def written(path: Path, content: str | bytes) -> Path:
    """A file with that content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def json_lines(path: Path, *rows) -> Path:
    """A JSON Lines file."""
    return written(path, "".join(json.dumps(row) + "\n" for row in rows))


def picture(path: Path, shade: int = 0, form: str | None = None, **options) -> Path:
    """A small grey image in a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (9, 7), (shade, shade, shade)).save(path, form, **options)
    return path


def texts(data: UserData) -> list[tuple[str, str]]:
    """The samples of texts with their labels."""
    return [(sample.content.decode(), sample.label) for sample in data.samples]


def rows_of(data: UserData) -> list[list]:
    """The samples of a table without their labels."""
    return [sample.content.tolist() for sample in data.samples]


def test_steps_of_a_csv_become_the_sequences_that_they_are_of(tmp_path):
    file = tmp_path / "steps.csv"
    with file.open("w", newline="") as content:
        rows = csv.writer(content)
        rows.writerow(["sequence", "x", "label", "y", "group"])
        rows.writerows([["a", 1, "up", 2, "eve"], ["b", 9, "down", 8, "bob"], ["a", 3.5, "up", -4, "eve"]])

    data = read_data(file)

    assert data.feature == "sequence"
    assert [(sample.label, sample.group) for sample in data.samples] == [("up", "eve"), ("down", "bob")]
    np.testing.assert_array_equal(data.samples[0].content, [[1, 2], [3.5, -4]])


def test_texts_are_read_alike_from_every_kind_of_table(tmp_path):
    rows = [{"text": "naïve, ☃", "label": "good"}, {"label": "bad", "text": "x"}]
    files = [
        written(tmp_path / "a.csv", 'label,text\ngood,"naïve, ☃"\nbad,x\n'),
        written(tmp_path / "bom.csv", b"\xef\xbb\xbf" + 'text,label\n"naïve, ☃",good\nx,bad\n'.encode()),
        written(tmp_path / "a.tsv", "TEXT\tLabel\nnaïve, ☃\tgood\nx\tbad\n"),
        written(tmp_path / "utf16.csv", 'text;label\n"naïve, ☃";good\nx;bad\n'.encode("utf-16")),
        json_lines(tmp_path / "a.jsonl", *rows),
        written(tmp_path / "a.json", json.dumps(rows)),
    ]

    for file in files:
        data = read_data(file)
        assert data.feature == "text"
        assert texts(data) == [("naïve, ☃", "good"), ("x", "bad")], file


def test_texts_in_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"text": ["x", "y"], "label": [True, False]}), tmp_path / "a.parquet")

    assert texts(read_data(tmp_path / "a.parquet")) == [("x", "true"), ("y", "false")]


def test_a_file_of_western_windows_is_read_and_that_is_said(tmp_path):
    data = read_data(written(tmp_path / "a.csv", "text,label\nschön,a\nübel,b\n".encode("cp1252")))

    assert texts(data) == [("schön", "a"), ("übel", "b")]
    assert "was read as Windows-1252" in data.notes[0]


@pytest.mark.parametrize("values", [[False, True], [0, 1], ["0", "1.0"], [0.0, 1]])
def test_a_boolean_or_a_number_is_a_label_and_so_is_one_with_a_nought_behind(tmp_path, values):
    rows = [{"text": "one two three", "label": value} for value in values]

    labels = [sample.label for sample in read_data(json_lines(tmp_path / "a.jsonl", *rows)).samples]

    assert labels == (["false", "true"] if values[0] is False else ["0", "1"])


def test_a_list_of_labels_is_no_class(tmp_path):
    file = json_lines(tmp_path / "a.jsonl", {"text": "x", "label": ["a", "b"]})

    with pytest.raises(JobFailed, match="line 1 has a list or an object as its label"):
        read_data(file)


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("a;b;label\n0,5;1,25;x\n-2;1.234,5;y\n", [[0.5, 1.25], [-2.0, 1234.5]]),
        ("a\tb\tLabel\n0,095\t1\tx\n1,250\t2\ty\n", [[0.095, 1.0], [1.25, 2.0]]),
        ('a,b,label\n"30,714",$5,x\n"1,234,567.5",6 %,y\n', [[30714.0, 5.0], [1234567.5, 6.0]]),
        ("a,town,label\n1e3,Ulm,x\n,?,y\n", [[1000.0, "Ulm"], [float("nan"), None]]),
    ],
)
def test_numbers_are_read_as_the_files_separators_say(tmp_path, content, rows):
    data = read_data(written(tmp_path / "a.csv", content))

    assert data.feature == "table"
    # NaN equals nothing, and its words do.
    assert repr(rows_of(data)) == repr(rows)


@pytest.mark.parametrize(
    ("first", "second"), [("2023-02-01", "2021-12-24 18:30"), ("01.02.2023", "24.12.2021")]
)
def test_a_date_is_taken_apart(tmp_path, first, second):
    data = read_data(written(tmp_path / "a.csv", f"when,label\n{first},x\n{second},y\n"))

    assert [column.name for column in data.columns] == [
        f"when: {part}" for part in ("year", "month", "day", "weekday", "hour")
    ]
    assert rows_of(data)[0] == [2023, 2, 1, 2, 0]
    assert rows_of(data)[1][:4] == [2021, 12, 24, 4]


@pytest.mark.parametrize("name", ["PassengerId", "customerID", "order_id", "Row"])
def test_what_numbers_the_rows_is_no_feature_and_that_is_said(tmp_path, name):
    data = read_data(written(tmp_path / "a.csv", f"{name},age,label\n1,30,x\n2,30,y\n"))

    assert [column.name for column in data.columns] == ["age"]
    assert any(f"'{name}' numbers or names the rows" in note for note in data.notes)


def test_a_y_beside_an_x_is_a_coordinate_and_the_caller_says_what_is_told(tmp_path):
    file = written(tmp_path / "a.csv", "x,y,quality\n1,2,good\n3,4,bad\n")

    with pytest.raises(
        JobFailed, match=r"Say which one holds the classes \(--label\).*It has: x, y, quality"
    ):
        read_data(file)
    data = read_data(file, Columns(label="Quality"))
    assert [sample.label for sample in data.samples] == ["good", "bad"]
    assert rows_of(data) == [[1, 2], [3, 4]]
    with pytest.raises(JobFailed, match=r"has no column 'colour' for --label"):
        read_data(file, Columns(label="colour"))


def test_of_two_texts_the_longer_is_read_unless_the_caller_names_one(tmp_path):
    rows = [
        {"title": f"a title of {i}", "words": f"this is the longer text of the two {i}", "label": i}
        for i in (0, 1)
    ]
    file = json_lines(tmp_path / "a.jsonl", *rows)

    assert texts(read_data(file))[0][0] == rows[0]["words"]
    assert "'words' is read as the text, and 'title' is not" in read_data(file).notes[0]
    assert texts(read_data(file, Columns(text="title")))[0][0] == rows[0]["title"]


def test_names_beside_other_columns_make_no_text_of_a_table(tmp_path):
    rows = "".join(f"{i},Cumings Mr. Laura {i},male,{30 + i},{i % 2}\n" for i in range(9))

    assert read_data(written(tmp_path / "a.csv", f"class,name,sex,age,label\n{rows}")).feature == "table"


@pytest.mark.parametrize(
    ("one", "other"), [("这部电影无聊透顶", "非常好看推荐"), ("อาหารอร่อยมาก", "บริการแย่มาก"), ("x", "y")]
)
def test_a_column_named_text_is_text_in_any_language(tmp_path, one, other):
    data = read_data(written(tmp_path / "a.csv", f"text,label\n{one},good\n{other},bad\n"))

    assert texts(data) == [(one, "good"), (other, "bad")]


def test_a_text_without_spaces_is_recognised_by_its_script(tmp_path):
    data = read_data(
        written(tmp_path / "a.csv", "評論,label\n这部电影无聊透顶不推荐,bad\n这部电影非常好看推荐,good\n")
    )

    assert data.feature == "text"


def test_steps_are_in_the_order_of_time_and_neither_time_nor_a_name_is_a_channel(tmp_path):
    lines = ["sequence,timestamp,id,phone,x,label"]
    lines += [
        f"a,2024-01-01T00:00:0{second},{row},pixel,{second},up" for row, second in enumerate((2, 0, 1, 9, 3))
    ]

    data = read_data(written(tmp_path / "a.csv", "\n".join(lines)))

    assert data.samples[0].content.tolist() == [[0], [1], [2], [3], [9]]
    assert any("Steps are in the order of 'timestamp', 1 apart as a rule" in note for note in data.notes)
    assert any(
        note.startswith("1 gap is longer than 5 such steps, the first before line 5") for note in data.notes
    )
    assert any(note.endswith("hold no measured numbers: id, phone.") for note in data.notes)


def test_the_same_sequence_number_of_another_group_is_another_sequence(tmp_path):
    file = written(tmp_path / "a.csv", "group,sequence,x,label\neve,1,1,a\nbob,1,2,b\neve,1,3,a\n")

    assert [sample.content.tolist() for sample in read_data(file).samples] == [[[1], [3]], [[2]]]


def test_a_long_recording_is_cut_where_label_or_group_change_or_time_has_a_gap(tmp_path):
    moments = [("eve", 0, "sit"), ("eve", 1, "sit"), ("eve", 2, "run"), ("bob", 0, "run"), ("eve", 3, "run")]
    moments += [("eve", 60, "run"), ("eve", 61, "run")]
    lines = ["subject,time,x,activity", *(f"{who},{time},{time},{what}" for who, time, what in moments)]
    file = written(tmp_path / "a.csv", "\n".join(lines))

    data = read_data(file, Columns(label="activity", group="subject", time="time"), as_recordings=True)

    assert [(sample.group, sample.label, sample.content[:, 0].tolist()) for sample in data.samples] == [
        ("eve", "sit", [0, 1]),
        ("eve", "run", [2, 3]),
        ("eve", "run", [60, 61]),
        ("bob", "run", [0]),
    ]


@pytest.mark.parametrize(
    ("x", "feature"),
    [
        (np.arange(96, dtype=np.uint8).reshape(2, 4, 4, 3), "image"),
        (np.arange(32, dtype=np.uint8).reshape(2, 4, 4, 1), "image"),
        (np.ones((2, 5, 3)), "sequence"),
        (np.ones((2, 5)), "table"),
    ],
)
def test_arrays_are_images_sequences_or_a_table(tmp_path, x, feature):
    np.savez(tmp_path / "a.npz", x=x, y=np.array(["one", "two"]))

    data = read_data(tmp_path / "a.npz")

    assert data.feature == feature
    assert [sample.label for sample in data.samples] == ["one", "two"]


@pytest.mark.parametrize(
    ("factor", "kind"),
    [(1 / 255, np.float32), (1, np.float64), (1, np.int64)],
    ids=["0 to 1", "floats", "whole"],
)
@pytest.mark.parametrize("axes", [(0, 1, 2, 3), (0, 3, 1, 2)], ids=["channels last", "channels first"])
def test_images_of_other_numbers_are_those_of_8_bits(tmp_path, factor, kind, axes):
    pixels = np.arange(2 * 8 * 6 * 3).reshape(2, 8, 6, 3) % 250
    pixels[0, 0, 0, 0] = 255
    np.savez(tmp_path / "a.npz", x=(pixels * factor).astype(kind).transpose(axes), y=[0, 1])

    data = read_data(tmp_path / "a.npz")

    assert data.feature == "image" and "8 bits" in " ".join(data.notes)
    read = np.stack([np.asarray(Image.open(io.BytesIO(sample.encoded))) for sample in data.samples])
    np.testing.assert_array_equal(read, pixels)


GREY = np.random.default_rng(0).integers(0, 256, (6, 9, 9))


@pytest.mark.parametrize(
    ("name", "x", "feature", "why"),
    [
        ("x", GREY / 255, "image", "square, and its numbers are from 0 to 1"),
        ("x", GREY.astype(np.float32), "image", "square, and its numbers are whole and from 0 to 255"),
        ("x", GREY, "image", "name the array sequences."),
        ("images", GREY[:, :5] / 300, "image", "by its name"),
        ("sequences", GREY / 255, "sequence", ""),
        ("x", GREY / 127 - 1, "sequence", "its numbers are none of pixels"),
        ("x", GREY / 9, "sequence", "its numbers are none of pixels"),
        ("x", GREY[:, :, :6] / 255, "sequence", "If they are grey images, give it the shape [6, 9, 6, 1]"),
        ("x", GREY[:, :7, :7] / 255, "sequence", "not square with sides of 8 at least"),
    ],
)  # fmt: skip
def test_three_dimensions_are_told_apart_by_name_shape_and_values(tmp_path, name, x, feature, why):
    np.savez(tmp_path / "a.npz", **{name: x, "y": [0, 1] * 3})

    data = read_data(tmp_path / "a.npz")

    assert data.feature == feature
    assert why in " ".join(data.notes)


def test_grey_images_of_splits_are_told_by_all_of_them_and_keep_their_pixels(tmp_path):
    arrays = {"x_train": GREY / 255, "y_train": [0, 1] * 3, "x_test": GREY[:2] / 255, "y_test": [0, 1]}
    np.savez(tmp_path / "a.npz", **arrays)
    data = read_data(tmp_path / "a.npz")
    assert "name the array sequences_train" in " ".join(data.notes)
    read = np.stack([np.asarray(Image.open(io.BytesIO(sample.encoded))) for sample in data.samples])
    np.testing.assert_array_equal(read, np.concatenate([GREY, GREY[:2]]))

    np.savez(tmp_path / "a.npz", **{**arrays, "x_test": GREY[:2] - 300.0})
    assert read_data(tmp_path / "a.npz").feature == "sequence"


def test_standardised_images_are_refused_with_what_they_should_be(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.linspace(-2, 2, 2 * 8 * 8 * 3).reshape(2, 8, 8, 3), y=[0, 1])

    with pytest.raises(
        JobFailed, match="values from -2 to 2. Give them as they were before they were standard"
    ):
        read_data(tmp_path / "a.npz")


@pytest.mark.parametrize("names", ["x_{0} y_{0}", "{0}_images {0}_labels"], ids=["as Keras", "as MedMNIST"])
def test_arrays_of_splits_stay_in_them(tmp_path, names):
    x, y = names.split()
    arrays = {}
    for number, split in enumerate(("train", "val", "test")):
        arrays[x.format(split)] = np.full((2, 8, 8), number, np.uint8)
        arrays[y.format(split)] = np.array([[0], [1]])
    np.savez(tmp_path / "a.npz", **arrays)

    data = read_data(tmp_path / "a.npz")

    assert [sample.split for sample in data.samples] == ["train"] * 2 + ["validation"] * 2 + ["test"] * 2
    assert [sample.label for sample in data.samples] == ["0", "1"] * 3


def test_a_field_beyond_every_text_is_refused_in_the_first_lines_too(tmp_path, monkeypatch):
    monkeypatch.setattr("model_code.data.tables.LONGEST_FIELD_CHARACTERS", 100)
    for lines in (0, 2_000):
        file = written(tmp_path / "a.csv", "text,label\n" + "short,a\n" * lines + f"{'x' * 101},b\n")
        with pytest.raises(JobFailed, match="is no CSV .*field larger than field limit"):
            read_data(file)


@pytest.mark.timeout(20)
def test_a_header_of_many_columns_is_read_in_time(tmp_path):
    """No name is compared with every other."""
    names = [f"c{position}" for position in range(100_000)]
    file = written(tmp_path / "a.csv", ",".join([*names, names[-1], "label"]) + "\n")
    with pytest.raises(JobFailed, match="two columns named 'c99999'"):
        read_data(file)


def test_a_date_that_no_calendar_has_is_refused(tmp_path):
    from pyarrow import array, date32, parquet, table

    days = array([2**31 - 1] * 4, date32())
    parquet.write_table(table({"day": days, "label": ["a", "b"] * 2}), tmp_path / "a.parquet")
    with pytest.raises(JobFailed, match=r"no Parquet file that can be read \(OverflowError\)"):
        read_data(tmp_path / "a.parquet")


def test_what_can_be_no_sample_leaves_its_row_out(tmp_path):
    """A name longer than any file's, and a whole number larger than any float."""
    good = picture(tmp_path / "good.png").name
    images = json_lines(
        tmp_path / "a.jsonl", *({"image": n, "label": "a"} for n in [good] * 100 + ["n" * 5_000 + ".png"])
    )
    steps = [[[1.5]]] * 100 + [[[10**400]]]
    sequences = json_lines(tmp_path / "b.jsonl", *({"sequence": s, "label": "a"} for s in steps))
    for file in (images, sequences):
        data = read_data(file)
        assert (len(data.samples), len(data.left_out)) == (100, 1)


def test_arrays_without_labels_are_refused_with_the_names_that_are_meant(tmp_path):
    np.savez(
        tmp_path / "a.npz", x_train=np.zeros((2, 8, 8), np.uint8), y_train=[0, 1], x_test=np.zeros((1, 8, 8))
    )

    with pytest.raises(JobFailed, match=r"x_train, y_train, x_test and y_test. It holds x_train \[2, 8, 8\]"):
        read_data(tmp_path / "a.npz")


def test_a_path_that_windows_wrote_names_the_image_all_the_same(tmp_path):
    picture(tmp_path / "images" / "a.png")
    picture(tmp_path / "images" / "b.png")
    written(tmp_path / "labels.csv", "file,label\nimages\\a.png,cat\nimages\\b.png,dog\n")

    assert [sample.label for sample in read_data(tmp_path).samples] == ["cat", "dog"]


def test_a_table_without_the_columns_names_says_so(tmp_path):
    file = written(tmp_path / "a.csv", "0,0.5,-1.25\n1,0.25,3\n")

    with pytest.raises(JobFailed, match="first line of .*a.csv holds numbers and no names of columns"):
        read_data(file)


def test_a_folder_is_read_without_what_systems_leave_in_it(tmp_path):
    for name in ("cat", "dog"):
        picture(tmp_path / name / "a.png")
    written(tmp_path / "cat" / "._a.png", b"Mac OS X")
    written(tmp_path / "cat" / "Thumbs.db", b"x")
    picture(tmp_path / ".ipynb_checkpoints" / "a.png")
    picture(tmp_path / "__MACOSX" / "cat" / "a.png")
    written(tmp_path / "dog" / "notes.txt", b"x")

    data = read_data(tmp_path)

    assert [(sample.content.name, sample.label) for sample in data.samples] == [
        ("a.png", "cat"),
        ("a.png", "dog"),
    ]
    assert not data.left_out
    assert data.notes == ("1 file is no image, passed over: dog/notes.txt.",)


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Training", "validation", "TEST"), ("train", "test")]
)
def test_train_val_and_test_are_splits_and_no_classes(tmp_path, names):
    for name in names:
        for label in ("cat", "dog"):
            picture(tmp_path / "photos" / name / label / "a.png")

    for folder in (tmp_path / "photos", tmp_path):
        samples = read_data(folder).samples
        assert {sample.label for sample in samples} == {"cat", "dog"}
        assert len({sample.split for sample in samples}) == len(names)


def test_a_file_may_name_images_beside_it(tmp_path):
    picture(tmp_path / "images" / "a.png")
    picture(tmp_path / "images" / "b.jpg")
    written(tmp_path / "labels.csv", "filename,species\nimages/a.png,cat\nimages/b.jpg,dog\n")

    data = read_data(tmp_path, Columns(label="species"))

    assert data.feature == "image"
    assert [(sample.content.name, sample.label) for sample in data.samples] == [
        ("a.png", "cat"),
        ("b.jpg", "dog"),
    ]


def test_files_named_train_and_test_are_splits(tmp_path):
    for name in ("train", "test"):
        written(tmp_path / f"{name}.csv", f"text,label\n{name},a\nx,b\n")

    samples = read_data(tmp_path).samples

    assert {(sample.content, sample.split) for sample in samples if sample.label == "a"} == {
        (b"train", "train"),
        (b"test", "test"),
    }


def test_one_in_a_hundred_may_be_unusable_and_is_named(tmp_path):
    rows = [{"text": f"text {i}", "label": i % 2} for i in range(99)]

    data = read_data(json_lines(tmp_path / "a.jsonl", *rows, {"text": " ", "label": 0}))

    assert len(data.samples) == 99
    assert [str(one) for one in data.left_out] == [f"{tmp_path / 'a.jsonl'} line 100 has no text."]
    with pytest.raises(JobFailed, match=r"line 99 has no text\. 1 of 99 samples cannot be used"):
        read_data(json_lines(tmp_path / "b.jsonl", *rows[:98], {"text": "", "label": 0}))


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", "text\nx\n", "has no column named label"),
        ("a.csv", "text,label\nx\n", "a.csv line 2 has 1 column, the header 2."),
        ("a.csv", "text,label\nx,\n", "a.csv line 2 has no label."),
        ("a.csv", "", "holds no sample"),
        ("a.csv", "text,label\n", "holds no sample"),
        ("a.csv", 'text,label\n"a"b,c\n', "a.csv is no CSV at line 2"),
        ("a.csv", "text,text,label\na,b,c\n", "has two columns named 'text'"),
        ("a.csv", b"\xff\xfet", "begins as UTF-16, but its byte"),
        ("a.csv", "label\nx\n", "has a label and nothing to tell it from"),
        ("a.csv", "sequence,label,x\n1,a,zwei\n1,a,2\n", "line 2 holds 'zwei' where a number has to be."),
        ("a.csv", "sequence,label,x\n1,a,zwei\n", "has no column of numbers that could be a channel"),
        ("a.csv", "sequence,label,x\n1,a,\n", "line 2 holds no number at step 1."),
        ("a.csv", "sequence,label,x\n1,a,1\n1,b,1\n", "line 3 has another label or group"),
        ("a.csv", "sequence,time,label,x\n1,soon,a,1\n", "line 2 holds 'soon' in the column 'time'"),
        ("a.csv", "age,label\n" + "1,x\n" * 20 + "old,x\n", "line 22 holds 'old' in 'age'"),
        (
            "a.csv",
            "age,label\n" + "1,x\n" * 20 + "inf,x\n",
            "line 22 holds a number in 'age' that is not finite",
        ),
        ("a.csv", "image,label\nnone.png,x\n", "names the image none.png, which is not there"),
        ("a.jsonl", '{"text": "x"}\n', "has no column named label"),
        ("a.jsonl", '{"text": "x", "label": "a"}\n{"text": "x"}\n', "a.jsonl line 2 has no label."),
        ("a.jsonl", "\n{", "a.jsonl line 2 is not JSON"),
        ("a.jsonl", "[1", "a.jsonl is not JSON"),
        ("a.jsonl", "1\n", "a.jsonl line 1 is no JSON object"),
        ("a.jsonl", '{"a": [1], "label": "x"}', "line 1 holds no plain value but a list or an object in 'a'"),
        ("a.jsonl", '{"sequence": [], "label": "a"}', "line 1 is a sequence of length 0."),
        ("a.jsonl", '{"sequence": [[]], "label": "a"}', "line 1 is a sequence of length 0."),
        (
            "a.jsonl",
            '{"sequence": [[1, 2], [1]], "label": "a"}',
            "line 1 has a sequence whose step 2 has 1 channels",
        ),
        ("a.jsonl", '{"sequence": [[1], [NaN]], "label": "a"}', "line 1 holds no number at step 2."),
        ("a.jsonl", '{"sequence": [["x"]], "label": "a"}', "holds something that is no number."),
        (
            "a.jsonl",
            json.dumps({"sequence": [[1]] * 100_000, "label": "a"}),
            "is a sequence of 100,000 steps",
        ),
        (
            "a.jsonl",
            '{"sequence": [[1]], "label": "a"}\n{"text": "x", "label": "a"}',
            "line 2 has a sequence that is no list of steps",
        ),
        (
            "a.jsonl",
            '{"sequence": [[1]], "label": 0}\n{"sequence": [[1, 2]], "label": 0}',
            "line 2 has 2 channels, the first sample that has any 1.",
        ),
        ("a.npz", b"no archive", "cannot be read as arrays of numbers or strings"),
        ("a.txt", "x", "is neither a folder of images by class nor one of .csv, .tsv"),
        ("a.jsonl", "", "holds no sample"),
        ("a.parquet", b"PAR1", "is no Parquet file"),
    ],
)
def test_a_bad_input_is_named(tmp_path, name, content, sentence):
    file = written(tmp_path / name, content)

    with pytest.raises(JobFailed) as failure:
        read_data(file)
    assert sentence in str(failure.value)
    assert str(file) in str(failure.value)


@pytest.mark.parametrize("name", ["a.csv", "a.npz"])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(JobFailed, match="cannot be read: No such file or directory"):
        read_data(tmp_path / name)


def test_arrays_that_would_run_code_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([print], dtype=object), y=np.array([0]))

    with pytest.raises(JobFailed, match="cannot be read as arrays of numbers or strings"):
        read_data(tmp_path / "a.npz")


def test_an_empty_class_is_named(tmp_path):
    picture(tmp_path / "cat" / "a.png")
    (tmp_path / "eel").mkdir()

    with pytest.raises(JobFailed, match="The class 'eel' is empty"):
        read_data(tmp_path)
