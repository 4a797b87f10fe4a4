"""Labels that arrive later: read from words or a table, refused where nothing joins them, written by request id."""

from __future__ import annotations

import pytest
from moto import mock_aws
from typer.testing import CliRunner

from cli.main import app
from cli.models import labels
from cli.models.labels import expected_by, of_table, of_words, send
from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from model_code.evaluation.truth import labels_below
from stacks.settings import load_settings

VARIABLES = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


@pytest.fixture
def target():
    with mock_aws():
        made = Target("dev", VARIABLES)
        made.client("s3").create_bucket(Bucket="data")
        made.client("ssm").put_parameter(Name="/recognition/dev/data-bucket", Value="data", Type="String")
        yield made


def test_what_is_sent_is_what_the_daily_job_reads(target, tmp_path):
    told = {"one": "cat", "two": "Bär, brown"}
    place = send(target, "cnn", told)
    bucket, _, key = place.removeprefix("s3://").partition("/")
    assert key.startswith("labels/recognition-dev-cnn/20")
    target.client("s3").download_file(bucket, key, str(tmp_path / "1.jsonl"))
    assert labels_below(tmp_path) == told


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "request_id,label\none,cat\ntwo, dog\n"),
        ("a.csv", "ID;Class\none;cat\ntwo;dog\n"),
        ("a.jsonl", '{"request_id": "one", "label": "cat"}\n{"request_id": "two", "label": "dog"}\n'),
    ],
)
def test_the_columns_of_a_table_are_found_by_their_names(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    assert of_table(tmp_path / name, None, None) == {"one": "cat", "two": "dog"}


def test_columns_of_other_names_are_said(tmp_path):
    (tmp_path / "a.csv").write_text("ticket,truth,label\none,cat,x\n")
    assert of_table(tmp_path / "a.csv", "ticket", "truth") == {"one": "cat"}
    with pytest.raises(CommandFailed, match=r"no column named request_id.*--request.*ticket, truth"):
        of_table(tmp_path / "a.csv", None, "truth")


def test_a_row_without_a_label_is_named_and_nothing_is_sent(tmp_path):
    (tmp_path / "a.csv").write_text("request_id,label\none,cat\ntwo,\n")
    with pytest.raises(CommandFailed, match=r"a\.csv line 3 holds nothing in 'label'\. Nothing was sent"):
        of_table(tmp_path / "a.csv", None, None)


def test_two_labels_of_one_id_are_refused_and_the_same_one_twice_is_not(tmp_path):
    (tmp_path / "a.csv").write_text("request_id,label\none,cat\ntwo,dog\none,cat \n")
    assert of_table(tmp_path / "a.csv", None, None) == {"one": "cat", "two": "dog"}
    contradiction = r"'one' has two labels, 'cat' and 'cow'\. Say which is right\. Nothing was sent"
    with pytest.raises(CommandFailed, match=contradiction):
        of_words(["one=cat", "two=dog", "one=cow"])
    (tmp_path / "a.csv").write_text("request_id,label\none,cat\none,cow\n")
    with pytest.raises(CommandFailed, match=contradiction):
        of_table(tmp_path / "a.csv", None, None)


def test_labels_are_told_one_by_one_too():
    assert of_words(["one=cat", "two=a=b"]) == {"one": "cat", "two": "a=b"}
    with pytest.raises(CommandFailed, match="'one' has none"):
        of_words(["one="])


def test_where_nothing_joins_labels_with_answers_the_settings_to_set_are_named():
    for drift in ({}, {"monitoring": {"capture": {}, "drift": {}}}):
        with pytest.raises(CommandFailed, match=r"monitoring\.drift\.labels in cdk\.json"):
            expected_by(load_settings("dev", {"dev": drift}))
    joined = {"monitoring": {"capture": {}, "drift": {"labels": {"after_days": 2}}}}
    assert expected_by(load_settings("dev", {"dev": joined})).after_days == 2


def test_either_labels_or_a_table_are_told(monkeypatch):
    monkeypatch.setattr(labels, "expected_by", lambda _: None)
    for words in (["label", "cnn"], ["label", "cnn", "one=cat", "--data", "a.csv"]):
        outcome = CliRunner().invoke(app, words)
        assert isinstance(outcome.exception, CommandFailed)
        assert "either labels as ID=LABEL or a table" in str(outcome.exception)
