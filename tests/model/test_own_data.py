"""Your own data becomes shards without a leak, or one sentence names what is wrong and where."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import model_code
from model_code.data import prepare
from model_code.data.columns import Columns
from model_code.data.own_data import Plan, import_own
from model_code.data.records import read_split
from model_code.data.splits import NAMES
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
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
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
    import_own(photos, out=tmp_path / "out", licence="CC0")

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
    assert card["profile"]["image_sides"] == [9, 9, 9]
    assert card["split_rule"].startswith("2 repeated or contradicting samples left out; ")
    assert card["licence"] == "CC0"
    # Of each sample the file that it came from, and what fits the set.
    for name, split in splits.items():
        places = json.loads((tmp_path / "out" / name / "places.json").read_text())
        assert [(photos / place).read_bytes() for place in places] == split.samples
        assert not (tmp_path / "out" / name / "groups.json").exists()
    fitting = json.loads((tmp_path / "out" / "hyperparameters.json").read_text())
    assert fitting["from_scratch"]["image_size"] == "16"
    assert fitting["pretrained"]["pretrained"] == "true"


def test_a_person_is_in_one_split_only_and_so_are_his_windows(tmp_path):
    import_own(recordings(tmp_path / "wrist.jsonl"), out=tmp_path / "out", plan=Plan(window=8, stride=4))

    splits = splits_of(tmp_path / "out", "rnn")
    people = [{int(sample[0, 0]) for sample in split.samples} for split in splits.values()]
    assert sorted(person for some in people for person in some) == list(range(6))
    for name, split in splits.items():
        groups = json.loads((tmp_path / "out" / name / "groups.json").read_text())
        assert groups == [f"person {int(sample[0, 0])}" for sample in split.samples]
        places = json.loads((tmp_path / "out" / name / "places.json").read_text())
        assert all(place.startswith("wrist.jsonl line ") for place in places)
    for split in splits.values():
        assert len(split.samples) % 4 == 0, "a recording of 20 steps has 4 windows"
        assert {sample.shape for sample in split.samples} == {(8, 3)}
        assert {tuple(np.diff(sample[:, 1])) for sample in split.samples} == {(1.0,) * 7}


def test_a_damaged_image_is_left_out_and_named_or_ends_the_import(photos, tmp_path):
    whole = image(7)
    for number in range(200):
        (photos / "cat" / f"more {number}.png").write_bytes(image(number % 90) + bytes([number]))
    for number in (1, 2):
        (photos / "dog" / f"half {number}.png").write_bytes(whole[: len(whole) // 2] + bytes([number]))

    card = import_own(photos, out=tmp_path / "out")

    assert sum(card["counts"].values()) == 220
    assert card["profile"]["left_out_count"] == 2
    named = card["profile"]["left_out"]
    assert sorted(one.split(" is no image")[0] for one in named) == [
        str(photos / "dog" / f"half {number}.png") for number in (1, 2)
    ]
    (photos / "dog" / "half 3.png").write_bytes(b"nothing")
    with pytest.raises(JobFailed, match=r"half 3\.png is no image .* 3 of 225 samples cannot be used"):
        import_own(photos, out=tmp_path / "out")


def test_the_splits_of_the_data_are_kept_and_a_copy_is_tested_on(tmp_path):
    rows = [
        {"text": f"{split} {i}", "label": i % 2, "split": split}
        for split in ("train", "val", "test")
        for i in range(4)
    ]
    rows.append({"text": "test 0", "label": 0, "split": "train"})

    import_own(json_lines(tmp_path / "a.jsonl", *rows), out=tmp_path / "out")

    splits = splits_of(tmp_path / "out", "rnn")
    for name, word in (("train", b"train"), ("validation", b"val"), ("test", b"test")):
        assert sorted(splits[name].samples) == [word + b" %d" % i for i in range(4)]


def test_a_split_that_the_data_does_not_have_is_taken_from_its_training_samples(tmp_path):
    rows = [
        {"text": f"{split} {i}", "label": i % 2, "split": split}
        for split in ("train", "test")
        for i in range(20)
    ]

    card = import_own(json_lines(tmp_path / "a.jsonl", *rows), out=tmp_path / "out")

    assert card["counts"] == {"train": 18, "validation": 2, "test": 20}


def test_the_latest_samples_are_held_out_where_a_time_is_named(tmp_path):
    rows = [{"text": f"{day:02}", "label": day % 2, "day": f"2024-01-{day:02}"} for day in range(30, 0, -1)]

    import_own(json_lines(tmp_path / "a.jsonl", *rows), out=tmp_path / "out", columns=Columns(time="day"))

    splits = {
        name: sorted(map(int, split.samples)) for name, split in splits_of(tmp_path / "out", "rnn").items()
    }
    assert splits == {"train": list(range(1, 22)), "validation": [22, 23, 24], "test": list(range(25, 31))}


def test_of_contradicting_copies_the_label_of_most_is_kept_or_none(tmp_path):
    rows = [{"text": f"{i}", "label": i % 2} for i in range(20)]
    rows += [{"text": "0", "label": 0}, {"text": "0", "label": 1}, {"text": "1", "label": 0}]

    card = import_own(json_lines(tmp_path / "a.jsonl", *rows), out=tmp_path / "out")

    found = {
        text: split.labels[target]
        for split in splits_of(tmp_path / "out", "rnn").values()
        for text, target in zip(split.samples, split.targets, strict=True)
    }
    assert found.pop(b"0") == "0"
    assert b"1" not in found
    assert len(found) == 18
    assert card["profile"]["contradictions"] == 2


def test_a_window_of_one_step_moves_by_one(tmp_path):
    card = import_own(recordings(tmp_path / "wrist.jsonl"), out=tmp_path / "out", plan=Plan(window=1))

    assert sum(card["counts"].values()) == 12 * 20


def test_a_table_and_a_quantity_are_refused_with_what_to_do(tmp_path):
    table = json_lines(tmp_path / "a.jsonl", *({"age": i, "label": i % 2} for i in range(9)))
    priced = json_lines(tmp_path / "c.jsonl", *({"rooms": i % 4, "label": i / 7} for i in range(50)))
    quantity = json_lines(tmp_path / "b.jsonl", *({"text": f"text {i}", "label": i / 7} for i in range(50)))

    with pytest.raises(JobFailed, match=r"is a table of 1 columns \(age\).*--text"):
        import_own(table, out=tmp_path / "out")
    for one in (quantity, priced):
        with pytest.raises(JobFailed, match="a quantity rather than a class"):
            import_own(one, out=tmp_path / "out")


def test_a_class_with_too_few_samples_or_groups_is_named(tmp_path):
    rows = [{"text": f"{label} {i}", "label": label} for label in ("a", "b") for i in range(9)]
    few = json_lines(tmp_path / "few.jsonl", *rows, {"text": "c", "label": "c"})
    grouped = [{**row, "group": row["label"]} for row in rows]

    with pytest.raises(JobFailed, match="The class 'c' is in too few samples"):
        import_own(few, out=tmp_path / "out")
    with pytest.raises(JobFailed, match="The class '[ab]' is in too few groups"):
        import_own(json_lines(tmp_path / "grouped.jsonl", *grouped), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_group_that_some_samples_lack_is_named(tmp_path):
    rows = [{"text": str(i), "label": i % 2, "group": None if i == 3 else "g"} for i in range(9)]

    with pytest.raises(JobFailed, match=r"line 4 has no group, but other samples have one"):
        import_own(json_lines(tmp_path / "a.jsonl", *rows), out=tmp_path / "out")


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


def test_in_a_job_the_sentence_is_where_sagemaker_reads_it(tmp_path, monkeypatch):
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["prepare", "import", str(tmp_path / "none.csv"), "--out", "out"])
    for is_job in (False, True):
        with pytest.raises(SystemExit):
            prepare.run()
        assert (tmp_path / "output").exists() is is_job
        (tmp_path / "config").mkdir(exist_ok=True)

    assert (
        (tmp_path / "output" / "message").read_text().endswith("cannot be read: No such file or directory.")
    )


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
    )

    assert finished.returncode == 1
    assert finished.stderr == f"{tmp_path / 'none.csv'} cannot be read: No such file or directory.\n"
