"""What is measured of a data set, and which data sets are refused by the row."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits, load_wine
from typer.testing import CliRunner

from cli.advise.profiling import profile
from cli.main import app
from cli.shared.errors import CommandFailed
from model_code.data.columns import Columns


def write_rows(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def test_a_folder_of_images_by_class(tmp_path):
    digits = load_digits()
    for number, (image, label) in enumerate(zip(digits.images[:30], digits.target[:30] % 3, strict=True)):
        (tmp_path / str(label)).mkdir(exist_ok=True)
        Image.fromarray((image * 15).astype(np.uint8)).save(tmp_path / str(label) / f"{number}.png")
    assert profile(tmp_path).answers == {
        "modality": "image",
        "task": "classification",
        "image_side_pixels": 8,
        "labelled_examples": 30,
        "classes": 3,
    }


def test_a_table_in_csv(tmp_path):
    wine = load_wine()
    lines = [",".join([*wine.feature_names, "label"])]
    lines += [
        ",".join([*map(str, row), f"kind {label}"]) for row, label in zip(wine.data, wine.target, strict=True)
    ]
    (tmp_path / "wine.csv").write_text("\n".join(lines))
    answers = profile(tmp_path / "wine.csv").answers
    assert answers == {
        "modality": "tabular",
        "task": "classification",
        "labelled_examples": 178,
        "classes": 3,
    }


def test_texts_in_json_lines_with_a_note_about_rows_that_repeat(tmp_path):
    rows = [{"text": f"The film number {i} was good", "label": "good"} for i in range(5)]
    rows += [{"text": "A dull and tedious film", "label": "bad"}] * 3
    profiled = profile(write_rows(tmp_path / "reviews.jsonl", rows))
    assert (profiled.answers["modality"], profiled.answers["labelled_examples"]) == ("text", 8)
    assert "2 samples are copies of others." in profiled.notes


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_series_in_json_lines_and_in_csv(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    series = [([[i, -i]] * (3 + i), "up" if i % 2 else "down") for i in range(5)]
    if suffix == "jsonl":
        write_rows(path, [{"sequence": steps, "label": label} for steps, label in series])
    else:
        rows = [f"{i},{x},{y},{label}" for i, (steps, label) in enumerate(series) for x, y in steps]
        path.write_text("\n".join(["sequence,x,y,label", *rows]))
    expected = {"modality": "time_series", "task": "classification", "sequence_length": 5}
    assert profile(path).answers == {**expected, "labelled_examples": 5, "classes": 2}


def test_the_label_may_be_named(tmp_path):
    path = write_rows(tmp_path / "a.jsonl", [{"x": i, "y": i, "kind": i % 2} for i in range(9)])
    assert profile(path, Columns(label="kind")).answers["classes"] == 2


def test_a_target_with_many_numbers_is_a_regression(tmp_path):
    rows = [{"size": i, "y": i * 1.5} for i in range(100)]
    assert profile(write_rows(tmp_path / "prices.jsonl", rows)).answers["task"] == "regression"


@pytest.mark.parametrize(
    ("shape", "dtype", "expected"),
    [
        ((20, 8, 8), np.uint8, {"modality": "image", "image_side_pixels": 8}),
        ((20, 8, 16, 3), np.uint8, {"modality": "image", "image_side_pixels": 16}),
        ((20, 50, 6), np.float32, {"modality": "time_series", "sequence_length": 50}),
        ((20, 5), np.float64, {"modality": "tabular"}),
    ],
)
def test_arrays_in_npz(tmp_path, shape, dtype, expected):
    np.savez(tmp_path / "a.npz", x=np.ones(shape, dtype), y=np.arange(20) % 2)
    answers = profile(tmp_path / "a.npz").answers
    assert expected.items() <= answers.items()
    assert (answers["labelled_examples"], answers["classes"]) == (20, 2)


GOOD = {"text": "a b c d", "label": "x"}


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([GOOD, {"text": "e f g h", "label": ""}], "line 2 has no label"),
        ([GOOD, {"text": "e f g h", "label": None}], "line 2 has no label"),
        ([GOOD, GOOD, GOOD], "holds 1 class"),
        ([GOOD, {**GOOD, "label": "y"}], "holds 2 examples, too few"),
        ([{"label": "x"}, {"label": "y"}, {"label": "y"}], "nothing to tell it from"),
        ([{"text": "a"}], "has no column named label"),
        ([], "holds no sample"),
    ],
)
def test_rows_from_which_nothing_can_be_learnt_are_refused_by_their_number(tmp_path, rows, sentence):
    with pytest.raises(CommandFailed, match=sentence):
        profile(write_rows(tmp_path / "rows.jsonl", rows))


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.jsonl", b'{"text": ', "a.jsonl line 1 is not JSON"),
        ("a.jsonl", b"1\n", "a.jsonl line 1 is no JSON object"),
        ("a.csv", b"text,label\na,b,c\n", "a.csv line 2 has 3 columns, the header 2"),
        ("a.csv", b'text,label\n"a"b,c\n', "a.csv is no CSV at line 2"),
        ("a.csv", b"text,text,label\na,b,c\n", "has two columns named 'text'"),
        ("a.jsonl", b'{"sequence": [[1], [1, 2]], "label": "x"}\n', "step 2 has 2 channels, the first 1"),
        ("a.npz", b"PK no zip", "cannot be read as arrays"),
        ("a.xlsx", b"", "is neither a folder of images by class nor"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_the_line(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CommandFailed, match=sentence):
        profile(tmp_path / name)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CommandFailed, match="cannot be read: No such file"):
        profile(tmp_path / "none.csv")


def test_an_image_that_is_none_is_named(tmp_path):
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.png").write_bytes(b"no image")
        (tmp_path / label / "2.png").write_bytes(b"no image")
    with pytest.raises(CommandFailed, match=r"1.png is no image that can be decoded"):
        profile(tmp_path)


def test_a_value_that_is_not_finite_is_named(tmp_path):
    x = np.ones((5, 2))
    x[3, 1] = np.nan
    np.savez(tmp_path / "a.npz", x=x, y=[0, 1, 0, 1, 0])
    with pytest.raises(CommandFailed, match=r"x\[3\] holds a value that is not finite"):
        profile(tmp_path / "a.npz")


def test_advice_for_measured_data_with_a_picture_of_the_costs(tmp_path):
    rows = [{"text": f"the number {i} of all", "label": i % 2} for i in range(2_000)]
    data = write_rows(tmp_path / "rows.jsonl", rows)
    picture = tmp_path / "cost.svg"
    words = ["--data", str(data), "--set", "labels=own", "--plot", str(picture), "--json"]
    result = CliRunner().invoke(app, ["advise", *words])
    assert json.loads(result.stdout)["result"]["options"][0]["id"] == "traditional_ml"
    assert picture.read_text().rstrip().endswith("</svg>")
