"""Your own data becomes shards without a leak, or one sentence names what is wrong and where."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import model_code
from model_code.data.prepare import import_plain
from model_code.data.records import read_split
from model_code.data.splits import NAMES
from model_code.data.user_files import read_plain
from model_code.failures import JobFailed


def image(shade: int) -> bytes:
    """A small grey PNG."""
    buffer = io.BytesIO()
    Image.new("L", (9, 7), shade).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def photos(tmp_path) -> Path:
    """Ten photographs of each of two classes, and two that are there twice."""
    for name, first in (("cat", 0), ("dog", 100)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(10):
            (tmp_path / "photos" / name / f"{i}.png").write_bytes(image(first + i))
        (tmp_path / "photos" / name / "again.png").write_bytes(image(first))
    return tmp_path / "photos"


def json_lines(path: Path, *rows) -> Path:
    """A JSON Lines file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def recordings(path: Path, people: int = 6, steps: int = 20) -> Path:
    """Two recordings of each person, one of each exercise, whose first channel is the person's number."""
    rows = [
        {
            "sequence": [[person, step, exercise] for step in range(steps)],
            "label": label,
            "group": f"person {person}",
        }
        for person in range(people)
        for exercise, label in enumerate(("lift", "turn"))
    ]
    return json_lines(path, *rows)


def splits_of(out: Path, kind: str) -> dict:
    """What was written."""
    return {name: read_split(out / name, kind) for name in NAMES}


def test_a_folder_of_images_is_split_without_its_repetitions(photos, tmp_path):
    import_plain(photos, out=tmp_path / "out", licence="CC0")

    splits = splits_of(tmp_path / "out", "cnn")
    everything = [sample for split in splits.values() for sample in split.samples]
    assert len(everything) == len(set(everything)) == 20
    for split in splits.values():
        assert set(split.targets.tolist()) == {0, 1}
        for sample, target in zip(split.samples, split.targets, strict=True):
            assert (np.asarray(Image.open(io.BytesIO(sample)))[0, 0] >= 100) == target
    card = json.loads((tmp_path / "out" / "data_card.json").read_text())
    assert card["counts"] == {"train": 14, "validation": 2, "test": 4}
    assert card["counts_by_class"]["test"] == {"cat": 2, "dog": 2}
    assert card["shape"] == "9 x 7 pixels, PNG or JPEG"
    assert card["split_rule"].startswith("2 repeated samples left out; ")
    assert card["licence"] == "CC0"


def test_a_person_is_in_one_split_only_and_so_are_his_windows(tmp_path):
    import_plain(recordings(tmp_path / "wrist.jsonl"), out=tmp_path / "out", window=8, stride=4)

    splits = splits_of(tmp_path / "out", "rnn")
    people = [{int(sample[0, 0]) for sample in split.samples} for split in splits.values()]
    assert sorted(person for some in people for person in some) == list(range(6))
    for split in splits.values():
        assert len(split.samples) % 4 == 0, "a recording of 20 steps has 4 windows"
        assert {sample.shape for sample in split.samples} == {(8, 3)}
        assert {tuple(np.diff(sample[:, 1])) for sample in split.samples} == {(1.0,) * 7}


def test_steps_of_a_csv_become_the_sequences_that_they_are_of(tmp_path):
    file = tmp_path / "steps.csv"
    with file.open("w", newline="") as content:
        rows = csv.writer(content)
        rows.writerow(["sequence", "x", "label", "y", "group"])
        rows.writerows([["a", 1, "up", 2, "eve"], ["b", 9, "down", 8, "bob"], ["a", 3.5, "up", -4, "eve"]])

    feature, samples = read_plain(file)

    assert feature == "sequence"
    assert [(one.label, one.group) for one in samples] == [("up", "eve"), ("down", "bob")]
    np.testing.assert_array_equal(samples[0].content, [[1, 2], [3.5, -4]])


def test_texts_are_read_alike_from_csv_and_json_lines(tmp_path):
    (tmp_path / "a.csv").write_text('label,text\ngood,"naïve, ☃"\n1,x\n', encoding="utf-8")
    json_lines(tmp_path / "a.jsonl", {"text": "naïve, ☃", "label": "good"}, {"label": 1, "text": "x"})

    both = [read_plain(tmp_path / f"a.{suffix}") for suffix in ("csv", "jsonl")]

    for feature, samples in both:
        assert feature == "text"
        assert [(one.content.decode(), one.label) for one in samples] == [("naïve, ☃", "good"), ("x", "1")]


@pytest.mark.parametrize(
    ("x", "feature"),
    [(np.arange(96, dtype=np.uint8).reshape(2, 4, 4, 3), "image"), (np.ones((2, 5, 3)), "sequence")],
)
def test_arrays_are_images_or_sequences(tmp_path, x, feature):
    np.savez(tmp_path / "a.npz", x=x, y=np.array(["one", "two"]))

    found, samples = read_plain(tmp_path / "a.npz")

    assert found == feature
    assert [one.label for one in samples] == ["one", "two"]
    if feature == "image":
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(samples[1].content))), x[1])


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", "text\nx\n", "has no column 'label'"),
        ("a.csv", "text,label\nx\n", "a.csv line 2 has 1 columns, the header 2."),
        ("a.csv", "text,label\nx,\n", "a.csv line 2 has no label."),
        ("a.csv", "", "has no column 'text'"),
        ("a.csv", b"text,label\n\xff,a\n", "is not UTF-8: byte 11 is wrong."),
        ("a.csv", "sequence,label,x\n1,a,zwei\n", "line 2 holds 'zwei' where a number has to be."),
        ("a.csv", "sequence,label,x\n1,a,\n", "line 2 holds no number at step 0."),
        ("a.csv", "sequence,label,x\n1,a,1\n1,b,1\n", "line 3 has another label or group"),
        ("a.jsonl", '{"text": "x"}\n', "a.jsonl line 1 has no label."),
        ("a.jsonl", "\n{", "a.jsonl line 2 is not JSON"),
        ("a.jsonl", '{"label": "a"}', "line 1 has neither a text nor a sequence."),
        ("a.jsonl", '{"sequence": [], "label": "a"}', "line 1 is a sequence of length 0."),
        ("a.jsonl", '{"sequence": [[]], "label": "a"}', "line 1 is a sequence of length 0."),
        ("a.jsonl", '{"sequence": [[1, 2], [1]], "label": "a"}', "Step 1 of the sequence of"),
        ("a.jsonl", '{"sequence": [[1], [NaN]], "label": "a"}', "line 1 holds no number at step 1."),
        ("a.jsonl", '{"sequence": [["x"]], "label": "a"}', "holds something that is no number."),
        (
            "a.jsonl",
            json.dumps({"sequence": [[1]] * 100_000, "label": "a"}),
            "is a sequence of 100,000 steps",
        ),
        (
            "a.jsonl",
            '{"sequence": [[1]], "label": "a"}\n{"text": "x", "label": "a"}',
            "line 2 has a text, the samples before it a sequence.",
        ),
        (
            "a.jsonl",
            '{"text": "x", "label": "a"}\n{"sequence": [[1]], "label": "a"}',
            "line 2 has a sequence, the samples before it a text.",
        ),
        (
            "a.jsonl",
            '{"sequence": [[1]], "label": 0}\n{"sequence": [[1, 2]], "label": 0}',
            "line 2 has 2 channels",
        ),
        ("a.npz", b"no archive", "cannot be read as arrays of numbers or strings"),
        ("a.txt", "x", "is neither a folder of images by class nor one of .csv, .jsonl, .npz."),
        ("a.jsonl", "", "holds no sample."),
    ],
)
def test_a_bad_input_is_named(tmp_path, name, content, sentence):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(JobFailed) as failure:
        read_plain(file)
    assert sentence in str(failure.value)
    assert str(file) in str(failure.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(JobFailed, match="cannot be read: No such file or directory"):
        read_plain(tmp_path / "a.csv")


def test_arrays_that_would_run_code_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([print], dtype=object), y=np.array([0]))

    with pytest.raises(JobFailed, match="cannot be read as arrays of numbers or strings"):
        read_plain(tmp_path / "a.npz")


def test_a_corrupt_image_is_named(photos):
    whole = image(7)
    (photos / "dog" / "half.png").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(JobFailed, match=r"dog/half\.png is no PNG or JPEG image that can be decoded"):
        read_plain(photos)


def test_an_empty_class_is_named(photos):
    (photos / "eel").mkdir()

    with pytest.raises(JobFailed, match="The class 'eel' is empty"):
        read_plain(photos)


def test_a_class_with_too_few_samples_or_groups_is_named(tmp_path):
    rows = [{"text": f"{label} {i}", "label": label} for label in ("a", "b") for i in range(9)]
    few = json_lines(tmp_path / "few.jsonl", *rows, {"text": "c", "label": "c"})
    grouped = [{**row, "group": row["label"]} for row in rows]

    with pytest.raises(JobFailed, match="The class 'c' is in too few samples"):
        import_plain(few, out=tmp_path / "out")
    with pytest.raises(JobFailed, match="The class '[ab]' is in too few groups"):
        import_plain(json_lines(tmp_path / "grouped.jsonl", *grouped), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_group_that_some_samples_lack_is_named(tmp_path):
    rows = [{"text": str(i), "label": i % 2, "group": None if i == 3 else "g"} for i in range(9)]

    with pytest.raises(JobFailed, match=r"line 4 has no group, but other samples have one"):
        import_plain(json_lines(tmp_path / "a.jsonl", *rows), out=tmp_path / "out")


def test_a_sequence_shorter_than_a_window_is_named(tmp_path):
    with pytest.raises(JobFailed, match="is a sequence of 20 steps, shorter than one window of 21"):
        import_plain(recordings(tmp_path / "wrist.jsonl"), out=tmp_path / "out", window=21)


def test_a_plain_folder_is_a_channel_too(photos, tmp_path):
    split = read_split(photos, "cnn")

    assert split.labels == ["cat", "dog"]
    assert split.feature == "image"
    assert np.bincount(split.targets).tolist() == [11, 11]
    with pytest.raises(JobFailed, match="holds samples of the feature 'image', which the rnn does not read"):
        read_split(photos, "rnn")


def test_a_plain_channel_takes_its_classes_from_labels_json(tmp_path):
    json_lines(tmp_path / "a.jsonl", {"text": "x", "label": "b"})
    (tmp_path / "labels.json").write_text('["c", "b"]')

    assert read_split(tmp_path, "rnn").targets.tolist() == [1]

    (tmp_path / "labels.json").write_text('["c", "d"]')
    with pytest.raises(JobFailed, match=r"has the class 'b', which labels\.json does not name"):
        read_split(tmp_path, "rnn")


def test_the_command_ends_with_a_sentence_and_no_traceback(tmp_path):
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "model_code.data.prepare",
            "import",
            str(tmp_path / "none.csv"),
            "--out",
            "out",
        ],
        cwd=Path(model_code.__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=240,
    )

    assert finished.returncode == 1
    assert finished.stderr == f"{tmp_path / 'none.csv'} cannot be read: No such file or directory.\n"
