"""`recognition train --data`: own data is read, told, split and uploaded, and a mistake is a sentence before that."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from cli import main
from cli.models import data, own_data, training
from cli.shared import local_copies
from cli.shared.errors import CommandFailed
from cli.shared.target import Target

BUCKET = "data-bucket"


class Account(Target):
    """A target whose S3 is moto's."""

    def parameter(self, name: str) -> str:
        return BUCKET if name == "data-bucket" else name

    def client(self, service: str):
        return boto3.client(service, region_name="us-east-1")


@pytest.fixture
def account(monkeypatch, tmp_path):
    """The account that the command speaks to, and what it started there."""
    monkeypatch.setattr(own_data, "FOLDER", tmp_path / "own")
    monkeypatch.setattr(local_copies, "OWN_DATA", tmp_path / "copies")
    started = []

    def start(_, *request) -> None:
        started.append(request)

    monkeypatch.setattr(training, "start", start)
    registered = SimpleNamespace(version="3", model_package_arn="arn:3", output={})
    monkeypatch.setattr(training, "wait", lambda *_: [registered])
    with mock_aws():
        account = Account("dev")
        account.client("s3").create_bucket(Bucket=BUCKET)
        monkeypatch.setattr("cli.shared.embedded.choose_target", lambda *_, **__: account)
        yield SimpleNamespace(target=account, started=started)


@pytest.fixture
def imported(monkeypatch):
    """The sources that were read, without the process that reads them and imports TensorFlow."""
    read = []

    def run_prepare(words: list[str], **_) -> None:
        source, out = Path(words[1]), Path(words[3])
        inside = sorted(source.iterdir()) if source.is_dir() else []
        read.append([file.name for file in inside] or source.name)
        out.mkdir(parents=True, exist_ok=True)
        counts = {split: {"0": 3, "1": 1} for split in ("train", "validation", "test")}
        profile = {
            "samples": 12,
            "classes": {"0": 9, "1": 3},
            "notes": [],
            "words": [1, 2, 3],
            "most_words": 3,
        }
        profile |= {"groups": 0, "copies": 0, "contradictions": 0, "left_out_count": 0, "scripts": ["Latin"]}
        feature = "image" if inside and inside[0].is_dir() else "text"
        profile |= {"feature": feature, "image_sides": [20, 60, 90]}
        card = {"feature": feature, "name": "a", "split_rule": "at random", "profile": profile}
        card |= {"counts": dict.fromkeys(counts, 4), "counts_by_class": counts}
        (out / "data_card.json").write_text(json.dumps(card))

    monkeypatch.setattr(data, "run_prepare", run_prepare)
    return read


def train(*words: str):
    return CliRunner().invoke(main.app, ["train", *words])


def reviews(path, count: int = 40):
    rows = [{"review": f"text number {i} is one", "stars": i % 2, "user": f"u{i // 2}"} for i in range(count)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def keys(account) -> list[str]:
    found = account.target.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return [one["Key"] for one in found]


def test_a_file_is_split_told_uploaded_and_trained_on_by_the_network_that_reads_it(account, tmp_path):
    result = train(
        "--data", str(reviews(tmp_path / "my reviews.jsonl")), "--label", "stars", "--set", "epochs=2"
    )

    assert result.exit_code == 0, result.output
    assert "40 samples of the feature 'text'" in result.stderr
    assert "Split: train 28, validation 4, test 8" in result.stderr
    assert "Release it: recognition release rnn --version 3" in result.stdout
    (kind, uri, hyperparameters, least, most_gap) = account.started[0]
    assert kind == "rnn"
    assert uri.startswith(f"s3://{BUCKET}/own/my-reviews/")
    assert {f"{uri}/{split}/labels.json" for split in ("train", "validation", "test")} <= {
        f"s3://{BUCKET}/{key}" for key in keys(account)
    }
    assert hyperparameters | {"epochs": "2", "batch_size": "16", "sequence_length": "16"} == hyperparameters
    assert (least, most_gap) == (pytest.approx(0.5001), None)


def test_data_in_s3_is_copied_and_read(account, imported, tmp_path):
    file = reviews(tmp_path / "a.jsonl")
    account.target.client("s3").upload_file(str(file), BUCKET, "raw/a.jsonl")
    account.target.client("s3").upload_file(str(file), BUCKET, "raw-of-others/b.jsonl")

    assert train("--data", f"s3://{BUCKET}/raw", "--label", "stars").exit_code == 0
    assert train("--data", f"s3://{BUCKET}/raw/a.jsonl", "--label", "stars").exit_code == 0
    assert imported == [["a.jsonl"], "a.jsonl"]
    assert len(account.started) == 2
    refused = train("--data", f"s3://{BUCKET}/ra", "--label", "stars")
    assert str(refused.exception) == f"There is no object below s3://{BUCKET}/ra."


def test_what_the_most_frequent_class_has_is_the_gate_unless_another_is_named(account, imported, tmp_path):
    file = str(reviews(tmp_path / "a.jsonl"))

    assert train("--data", file).exit_code == 0
    assert train("--data", file, "--minimum-accuracy", "0.9").exit_code == 0

    assert [request[3] for request in account.started] == [0.7501, 0.9]


def test_the_gap_of_the_worst_group_is_a_gate_where_it_is_asked_for(account, imported, tmp_path):
    assert train("--data", str(reviews(tmp_path / "a.jsonl")), "--maximum-group-gap", "0.1").exit_code == 0

    assert account.started[0][4] == 0.1


def test_an_imported_data_set_is_taken_as_it_is(account, imported, tmp_path):
    assert train("--data", str(reviews(tmp_path / "a.jsonl"))).exit_code == 0

    assert train("--data", str(tmp_path / "own" / "a")).exit_code == 0

    assert imported == ["a.jsonl"]
    assert account.started[0] == account.started[1]


@pytest.mark.parametrize("card", ["", "null", "7", "[]", "{}", "{", "[" * 100_000, "\udcff"])
def test_a_card_that_is_none_is_refused(tmp_path, card):
    (tmp_path / own_data.CARD).write_bytes(card.encode("utf-8", "surrogateescape"))
    with pytest.raises(CommandFailed, match="is not the card of a whole import"):
        own_data.read_card(tmp_path / own_data.CARD)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--data", "nowhere"], "There is no folder or file nowhere."),
        (["cnn", "--label", "stars"], "--label says how your own data is to be read: name it with --data."),
        (["--data", ".", "--dataset", "imdb"], "--dataset and --train-samples are about the public sets"),
        (["rnn", "--data", ".", "--set", "colour=red"], "has no hyperparameter 'colour'"),
        (["cnn", "--pretrained"], "--pretrained is for your own images: name them with --data."),
        (["cnn", "--data", ".", "--set", "width=48"], "--from-scratch trains the other one."),
        (["cnn", "--data", ".", "--set", "pretrained=true"], "Say --pretrained or --from-scratch"),
        ([], "Say which network trains on its public set, cnn or rnn, or name your own data with --data."),
    ],
)
def test_words_that_do_not_fit_are_refused_before_anything_is_asked(monkeypatch, words, sentence):
    monkeypatch.setattr("cli.shared.embedded.choose_target", lambda *_, **__: pytest.fail("AWS was asked"))

    refusal = train(*words).exception

    assert isinstance(refusal, CommandFailed)
    assert sentence in str(refusal)


def test_what_is_wrong_with_the_data_is_the_readers_own_sentence(account, tmp_path):
    refusal = train("--data", str(reviews(tmp_path / "a.jsonl")), "--label", "colour").exception

    assert str(refusal).endswith("a.jsonl has no column 'colour' for --label. It has: review, stars, user.")
    assert not account.started and not keys(account)


def test_another_network_than_the_datas_is_refused(account, imported, tmp_path):
    refusal = train("cnn", "--data", str(reviews(tmp_path / "a.jsonl")), "--label", "stars").exception

    assert "holds samples of the feature 'text', which the rnn reads, and not the cnn" in str(refusal)
    assert not account.started and not keys(account)


@pytest.fixture
def photos(tmp_path):
    """A folder of images by class, as its names say."""
    for name in ("cats", "dogs"):
        (tmp_path / "photos" / name).mkdir(parents=True)
    return str(tmp_path / "photos")


@pytest.fixture
def weights(monkeypatch):
    """The pretrained network's weights, which need not be fetched."""
    monkeypatch.setattr(data, "fetch_weights", lambda: Path("weights"))


def test_images_are_learnt_from_pretrained_features_unless_one_says_from_scratch(
    account, imported, weights, photos
):
    assert train("--data", photos).exit_code == 0
    assert train("--data", photos, "--from-scratch").exit_code == 0

    from_weights, from_nothing = (request[2] for request in account.started)
    assert from_weights["pretrained"] == "true"
    assert "image_size" not in from_weights and "learning_rate" not in from_weights
    assert "pretrained" not in from_nothing
    assert from_nothing["image_size"] == "64"


def test_weights_that_cannot_be_fetched_are_told_before_anything_is_uploaded(
    account, imported, photos, monkeypatch
):
    def fails() -> None:
        raise CommandFailed("The registry does not answer.")

    monkeypatch.setattr(data, "fetch_weights", fails)

    assert str(train("--data", photos).exception) == "The registry does not answer."
    assert not account.started and not keys(account)


def test_texts_learn_from_scratch_and_refuse_weights(account, imported, tmp_path):
    file = str(reviews(tmp_path / "a.jsonl"))

    assert train("--data", file).exit_code == 0
    assert "--pretrained is for images" in str(train("--data", file, "--pretrained").exception)
    assert len(account.started) == 1


def test_a_hyperparameter_of_the_network_from_scratch_names_the_option(account, imported, weights, photos):
    refusal = str(train("--data", photos, "--set", "width=48").exception)

    assert "has no hyperparameter 'width'" in refusal
    assert "--from-scratch" in refusal
    assert train("--data", photos, "--from-scratch", "--set", "width=48").exit_code == 0


def test_another_data_set_of_one_name_lies_in_another_place(account, tmp_path):
    for content in ("one", "two"):
        (tmp_path / "train").mkdir(exist_ok=True)
        (tmp_path / "train" / f"{content}.tfrecord").write_text(content)
        data.upload_dataset(account.target, tmp_path, "set", print)

    assert len({key.split("/")[1] for key in keys(account)}) == 2


@pytest.mark.parametrize(
    ("counts", "metric", "least"),
    [
        ((60, 40), "auto", 0.6001),
        ((96, 4), "accuracy", 0.9601),
        # Always answering the frequent class gets half of two classes right.
        ((96, 4), "auto", 0.5001),
        ((96, 4), "balanced_accuracy", 0.5001),
        ((50, 50), "macro_f1", 0.3334),
        ((96, 4), "average_precision", 0.0401),
    ],
)
def test_a_network_has_to_beat_the_most_frequent_class(counts, metric, least):
    card = {"counts_by_class": {"test": dict(zip("ab", counts, strict=True))}}
    assert own_data.OwnData(Path("data"), card).least_score(metric) == least
