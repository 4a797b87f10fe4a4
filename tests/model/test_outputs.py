"""Results go into folders that were empty or our own and files that were not there; nothing of a user's is lost."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path, PurePath

import pytest

from model_code import outputs, train
from model_code.baselines import train as baselines
from model_code.data import own_data, prepare
from model_code.evaluation import comparison, drift
from model_code.evaluation.evaluate import evaluate
from model_code.export.saved_model import write_artefact
from model_code.failures import JobFailed
from model_code.outputs import MODEL_FOLDER, OutputFolder, OutputRefused, require_free, written

PHOTO = b"\xff\xd8 a photo of somebody's \x00"
NOWHERE = Path("there", "is", "no", "such", "thing")
FOLDER = OutputFolder("card.json", ("train/part-*.bin", "pictures/*.png"))


def run_program(program: Callable[[], None], *words: object) -> None:
    """Runs a program's command line in this process; its end with a status is a JobFailed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["program", *map(str, words)])
        try:
            program()
        except SystemExit as ended:
            raise JobFailed(f"status {ended.code}") from ended


def train_into(folder: Path) -> None:
    """A training job whose SM_MODEL_DIR is the folder."""
    train.train(None, train.JobDirectories(NOWHERE, NOWHERE, folder, NOWHERE, NOWHERE), None, None)


INPUTS = ("--train", NOWHERE, "--test", NOWHERE)
CAPTURED = ("--captured", NOWHERE, "--baseline", NOWHERE, "--version", "1", "--least-samples", "1")
# By its name, the file that a program writes first, and the program.
WRITERS = {
    "datasets prepare": (
        "data_card.json",
        lambda folder: prepare.prepare("imdb", cache=NOWHERE, out=folder, train_samples=None),
    ),
    "datasets import": ("data_card.json", lambda folder: own_data.import_own(NOWHERE, out=folder)),
    "train": ("model_card.json", train_into),
    "export": ("model_card.json", lambda folder: write_artefact(folder, None, ["a", "b"], {})),
    "evaluate": ("evaluation.json", lambda folder: evaluate(NOWHERE, NOWHERE, folder)),
    "baselines": (
        "evaluation.json",
        lambda folder: run_program(baselines.run, "--kind", "rnn", *INPUTS, "--output", folder),
    ),
    "drift": ("drift.json", lambda folder: run_program(drift.run, *CAPTURED, "--output", folder)),
}


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its content."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("place", ["holiday.jpg", "train/holiday.jpg", "1/holiday.jpg"])
@pytest.mark.parametrize("is_beside_ours", [False, True], ids=["alone", "beside ours"])
@pytest.mark.parametrize(("first", "write"), WRITERS.values(), ids=list(WRITERS))
def test_a_folder_with_a_photo_in_it_is_refused_and_kept(
    tmp_path, monkeypatch, capsys, first, write, is_beside_ours, place
):
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path / "job"))
    album = tmp_path / "album"
    (album / place).parent.mkdir(parents=True)
    (album / place).write_bytes(PHOTO)
    if is_beside_ours:
        (album / first).write_text("{}")
    before = snapshot(album)
    with pytest.raises(JobFailed) as refused:
        write(album)
    said = f"{refused.value}{''.join(capsys.readouterr())}"
    assert f"holds {place}, which was not written by this program" in said
    assert snapshot(album) == before


def test_the_working_directory_is_no_output_folder(tmp_path, monkeypatch):
    (tmp_path / "thesis.odt").write_bytes(PHOTO)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputRefused, match="thesis.odt"):
        own_data.import_own(NOWHERE, out=Path())
    assert snapshot(tmp_path) == {"thesis.odt": PHOTO}


def test_an_earlier_result_gives_way_and_an_unfinished_one_too(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "part-1.bin").write_bytes(b"old")
    (tmp_path / "card.json").write_text("{}")
    FOLDER.prepare(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_ones_own_inside_an_earlier_result_stays(tmp_path):
    (tmp_path / "card.json").write_text("{}")
    (tmp_path / "mine").mkdir()
    FOLDER.prepare(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_names_like_ours_without_the_first_file_are_somebody_elses(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "part-1.bin").write_bytes(PHOTO)
    with pytest.raises(OutputRefused, match="holds train/part-1.bin"):
        FOLDER.prepare(tmp_path)
    assert (tmp_path / "train" / "part-1.bin").read_bytes() == PHOTO


def test_a_link_in_an_output_folder_is_neither_followed_nor_deleted(tmp_path):
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "a.png").write_bytes(PHOTO)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "card.json").write_text("{}")
    (tmp_path / "out" / "pictures").symlink_to(tmp_path / "album")
    with pytest.raises(OutputRefused, match="holds pictures"):
        FOLDER.prepare(tmp_path / "out")
    assert (tmp_path / "album" / "a.png").read_bytes() == PHOTO


def test_a_file_in_the_place_of_an_output_folder_is_kept(tmp_path):
    (tmp_path / "out").write_bytes(PHOTO)
    with pytest.raises(OutputRefused, match="is a file"):
        FOLDER.prepare(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == PHOTO


def test_every_file_of_an_artefact_is_known_as_ours(trained):
    MODEL_FOLDER.check(trained.artefact)


def test_a_file_that_is_no_evaluation_does_not_get_a_comparison(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path / "job"))
    for content in (b'{"gate": "of my garden"}', PHOTO, b"[]"):
        (tmp_path / "mine.json").write_bytes(content)
        words = ("--model", NOWHERE, "--champion", NOWHERE, "--test", NOWHERE)
        with pytest.raises(JobFailed):
            run_program(comparison.run, *words, "--evaluation", tmp_path / "mine.json")
        assert "mine.json" in capsys.readouterr().out
        assert (tmp_path / "mine.json").read_bytes() == content


def test_a_file_that_is_there_is_kept_unless_it_may_be_replaced(tmp_path):
    file = tmp_path / "answers.jsonl"
    file.write_bytes(PHOTO)
    with pytest.raises(OutputRefused, match="answers.jsonl is there already.*--overwrite"):
        require_free(file, overwrite=False)
    with written(file, overwrite=True) as unfinished:
        unfinished.write_bytes(b"new")
    assert snapshot(tmp_path) == {"answers.jsonl": b"new"}


def test_a_file_that_could_not_be_written_in_the_end_is_refused_at_the_start(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(PHOTO)
    with pytest.raises(OutputRefused, match="holiday.jpg is no folder that you may write to"):
        require_free(tmp_path / "holiday.jpg" / "new" / "answers.jsonl", overwrite=False)


def test_a_file_that_came_while_results_were_made_is_kept(tmp_path):
    file = tmp_path / "answers.jsonl"
    with pytest.raises(OutputRefused), written(file, overwrite=False) as unfinished:
        unfinished.write_bytes(b"new")
        file.write_bytes(PHOTO)
    assert snapshot(tmp_path) == {"answers.jsonl": PHOTO}


def test_a_failure_half_way_leaves_the_old_file_and_nothing_else(tmp_path):
    file = tmp_path / "answers.jsonl"
    file.write_bytes(PHOTO)
    with pytest.raises(ZeroDivisionError), written(file, overwrite=True) as unfinished:
        unfinished.write_bytes(b"half")
        raise ZeroDivisionError
    assert snapshot(tmp_path) == {"answers.jsonl": PHOTO}


def test_a_link_stays_a_link_when_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "real.jsonl").write_bytes(b"old")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "real.jsonl")
    with written(tmp_path / "link.jsonl", overwrite=True) as unfinished:
        unfinished.write_bytes(b"new")
    assert (tmp_path / "link.jsonl").is_symlink()
    assert (tmp_path / "real.jsonl").read_bytes() == b"new"


def test_a_device_is_written_to_and_stays_a_device(tmp_path):
    with written(Path(os.devnull), overwrite=True) as unfinished:
        assert unfinished == Path(os.devnull)


def test_a_folder_is_no_file_to_write(tmp_path):
    with pytest.raises(OutputRefused, match="is a folder"):
        require_free(tmp_path, overwrite=True)


def test_of_a_folder_with_somebody_elses_files_only_the_first_is_looked_at(tmp_path, monkeypatch):
    def endless(_):
        yield PurePath("photo.jpg")
        raise AssertionError("The root of a disk would take minutes.")

    monkeypatch.setattr(outputs, "files_below", endless)
    with pytest.raises(OutputRefused, match="photo.jpg"):
        OutputFolder("card.json").check(tmp_path)


@pytest.mark.parametrize("name", ["link", "file"])
def test_a_folder_below_what_is_none_is_refused_before_anything_is_spent(tmp_path, name):
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputRefused, match=f"{name} is no folder that you may write to"):
        OutputFolder("card.json").check(tmp_path / name / "out")
    with pytest.raises(OutputRefused, match=f"{name} is no folder that you may write to"):
        require_free(tmp_path / name / "out.json", overwrite=False)
