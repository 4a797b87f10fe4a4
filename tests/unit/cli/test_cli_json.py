"""With --json every command prints one document of one shape on standard output, whatever comes of it."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from cli import main
from cli.bakeoff.winner import Winner
from cli.bulk.plan import BulkPlan
from cli.load.endpoint import Fleet
from cli.recognize.request import Reply, recognize_and_show
from cli.recognize.subjects import subject_in_words
from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from local_aws.keys import Keys

from .leaves import leaves

AWS = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_REGION": "us-east-1"}
STATUS = {"run": "one", "state": "SUCCEEDED", "done": 3, "failed": 0, "left": 0, "objects": 3}
BULK_STATUS = {**STATUS, "results": "s3://data/out", "reason": None}
LEFT_OVER = {**BULK_STATUS, "state": "ABORTED", "done": 1, "left": 2}
PLAN = BulkPlan(objects=3, units=3, calls=3, batches=1, usd=0.003, seconds=1.0)
REGISTERED = SimpleNamespace(version="1", model_package_arn="arn:1", output={"metrics": {"accuracy": 0.9}})
JOB = SimpleNamespace(name="rnn-1", output_uri="s3://data/out")
FLEET = Fleet("recognition-dev-cnn", "ml.g4dn.xlarge", instances=1, most_instances=1, usd_per_hour=0.7)
ADVISE = ["--set", "modality=image", "--set", "task=text_in_image"]
REPLY = SimpleNamespace(status=200, body={"results": []}, seconds=0.1)


class Api(Target):
    """The embedded AWS, of which nothing is asked."""

    def parameter(self, name: str) -> str:
        return name

    def api_url(self) -> str:
        return "http://127.0.0.1:1/api"


def gives(value):
    return lambda *_, **__: value


# Of each command: its words, and what stands in for what it would do.
COMMANDS = {
    "up": (
        [],
        {
            "cli.shared.embedded.running": gives(
                SimpleNamespace(endpoint_url=AWS["AWS_ENDPOINT_URL"], keys=Keys.made())
            ),
            "cli.shared.embedded.embedded_target": gives(Api("dev", AWS)),
            "cli.shared.embedded.write_key_files": gives(None),
            "cli.shared.deploy.deploy": gives(None),
        },
    ),
    "down": ([], {"cli.shared.embedded.keeps": gives(False), "cli.shared.embedded.stop": gives(False)}),
    "status": (
        [],
        {"cli.local.status.describe": gives({"aws": "here", "environment": "dev", "stacks": {"Api": None}})},
    ),
    "demo": (
        [],
        {"cli.local.demo.run": gives(SimpleNamespace(exchanges=[], report="report.html", seconds=1.0))},
    ),
    "train": (
        ["cnn"],
        {
            "cli.models.data.prepare": gives(None),
            "cli.models.data.upload_dataset": gives("s3://data/cifar10"),
            "cli.models.training.start": gives(None),
            "cli.models.training.wait": gives([REGISTERED]),
        },
    ),
    "plan bulk": (["--objects", "10", "--operation", "image-labels"], {}),
    "plan requests": (["--rate", "10", "--operation", "image-labels"], {}),
    "plan classes": (["--count", "10"], {}),
    "plan training": (["--images", "10"], {}),
    "runs": ([], {"console.watch.watch.runs": gives([{"name": "cnn-1", "state": "running"}])}),
    "release": (
        ["cnn"],
        {
            "cli.models.release.newest_version": gives("1"),
            "cli.models.release.release": gives(None),
        },
    ),
    "rollback": (
        ["cnn"],
        {"cli.models.rollback.version_before": gives("1"), "cli.models.release.release": gives(None)},
    ),
    "label": (
        ["cnn", "one=cat"],
        {
            "cli.models.labels.expected_by": gives(SimpleNamespace(after_days=7)),
            "cli.models.labels.send": gives("s3://data/labels/one"),
        },
    ),
    "recognize": (["A film.", "--entities"], {"cli.recognize.request.ask": gives(REPLY)}),
    "replay": (["{records}"], {}),
    "load": (
        ["cnn", "--rate", "20", "--seconds", "1"],
        {"cli.load.endpoint.fleet_of": gives(FLEET), "cli.load.endpoint.asker": gives(lambda: "answered")},
    ),
    "transform": (
        ["rnn", "--from", "s3://data/transform/a", "--output", "b.jsonl"],
        {
            "cli.models.transform.start": gives(JOB),
            "cli.models.transform.wait": gives(None),
            "cli.models.transform.fetch": gives(2),
        },
    ),
    "bulk": (
        ["--from", "photos", "--operation", "image-labels"],
        {"cli.bulk.plan.limit_of": gives(1.0), "cli.bulk.plan.start": gives(("one", PLAN))},
    ),
    "bulk status": (["one"], {"cli.bulk.runs.status": gives(BULK_STATUS)}),
    "bulk redrive": (["one"], {"cli.bulk.runs.redrive": gives(3)}),
    "bulk resume": (["one"], {"cli.bulk.runs.resume": gives(None)}),
    "bulk stop": (["one"], {"cli.bulk.runs.stop": gives(None)}),
    "bulk results": (["one", "--output", "x.jsonl"], {"cli.bulk.runs.write_results": gives(3)}),
    "advise": (ADVISE, {}),
    "bakeoff": (
        ["--data", "reviews.csv"],
        {
            "cli.shared.local_copies.on_this_machine": gives(nullcontext(Path("reviews.csv"))),
            "cli.advise.profiling.profile": gives(SimpleNamespace(answers={}, notes=[])),
            "cli.advise.advice.problem_of": gives(None),
            "cli.bakeoff.examples.read_examples": gives(None),
            "cli.bakeoff.progress.run": gives(SimpleNamespace(interrupted=False)),
            "cli.bakeoff.report.write": gives("report.html"),
            "cli.bakeoff.report.facts": gives({"results": []}),
            "cli.bakeoff.winner.winner_of": gives(Winner(())),
        },
    ),
    "cost": (
        [],
        {"cli.shared.deploy.synthesise": gives(None), "cli.advise.standing_cost.templates_in": gives([])},
    ),
    "doctor": (
        ["--aws"],
        {
            "cli.shared.target.Target.require_account": gives(None),
            "cli.shared.deploy.synthesise": gives(None),
            "cli.advise.doctor.examine": gives([]),
            "cli.advise.rehearsal.rehearse": gives([]),
        },
    ),
    "prices refresh": ([], {"cli.advise.prices.refresh": gives([])}),
    "remove-versions": (
        ["--yes"],
        {
            "cli.models.removal.require_removable": gives(None),
            "cli.models.removal.remove_versions": gives({"cnn": 2}),
        },
    ),
}


def printed(path: str, monkeypatch, capsys, tmp_path) -> tuple[int, str]:
    """The status and the standard output of a command."""
    words, stand_ins = COMMANDS[path]
    records = tmp_path / "answers.jsonl"
    entry = {"truth": "a", "own": {"label": "a", "score": 0.9}, "managed": {"label": "a", "score": 0.8}}
    records.write_text(json.dumps(entry))
    monkeypatch.setattr("cli.advise.commands.BUILD", tmp_path)
    for name in ("cli.shared.embedded.choose_target", "cli.bulk.commands.target_of"):
        monkeypatch.setattr(name, gives(Api("dev", AWS)))
    for name, stand_in in stand_ins.items():
        monkeypatch.setattr(name, stand_in)
    words = [str(records) if word == "{records}" else word for word in words]
    monkeypatch.setattr(sys, "argv", ["recognition", *path.split(), *words, "--json"])
    with pytest.raises(SystemExit) as ended:
        main.run()
    return ended.value.code, capsys.readouterr().out


def test_every_command_is_in_the_table():
    assert {path for path, _ in leaves(typer.main.get_command(main.app))} == set(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS)
def test_a_command_prints_one_document_and_nothing_else(path, monkeypatch, capsys, tmp_path):
    status, output = printed(path, monkeypatch, capsys, tmp_path)
    document = json.loads(output)
    assert (status, document["ok"], set(document)) == (0, True, {"ok", "result"})


@pytest.mark.parametrize("path", [path for path, (_, stand_ins) in COMMANDS.items() if stand_ins])
def test_a_failure_has_the_same_shape(path, monkeypatch, capsys, tmp_path):
    def fail(*_: object, **__: object) -> None:
        raise CommandFailed("The sentence.")

    words, stand_ins = COMMANDS[path]
    monkeypatch.setitem(COMMANDS, path, (words, dict.fromkeys(stand_ins, fail)))
    status, output = printed(path, monkeypatch, capsys, tmp_path)
    assert (status, json.loads(output)) == (1, {"ok": False, "error": {"message": "The sentence."}})


@pytest.mark.parametrize(
    ("path", "stand_ins"),
    [
        (
            "recognize",
            {"cli.recognize.request.ask": gives(SimpleNamespace(**{**vars(REPLY), "status": 500}))},
        ),
        ("bulk status", {"cli.bulk.runs.status": gives(LEFT_OVER)}),
        (
            "doctor",
            {
                "cli.shared.target.Target.require_account": gives(None),
                "cli.shared.deploy.synthesise": gives(None),
                "cli.advise.doctor.examine": gives([]),
                "cli.advise.rehearsal.rehearse": gives([SimpleNamespace(is_well=False, what="role")]),
            },
        ),
    ],
)
def test_a_result_that_is_no_success_comes_with_the_reason(path, stand_ins, monkeypatch, capsys, tmp_path):
    words, _ = COMMANDS[path]
    monkeypatch.setitem(COMMANDS, path, (words, stand_ins))
    status, output = printed(path, monkeypatch, capsys, tmp_path)
    document = json.loads(output)
    assert (status, document["ok"], set(document)) == (1, False, {"ok", "error", "result"})


def test_a_usage_error_has_the_same_shape(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["recognition", "rollback", "--json"])
    with pytest.raises(SystemExit, match="2"):
        main.run()
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False and "cnn|rnn" in document["error"]["message"]


def test_the_word_json_behind_two_dashes_is_no_option(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["recognition", "train", "--", "cnn", "--json"])
    with pytest.raises(SystemExit, match="2"):
        main.run()
    assert capsys.readouterr().out == ""


def test_an_operation_that_was_refused_has_the_name_that_it_answers_by(monkeypatch, capsys):
    refused = Reply(500, {"error": {"code": "Internal", "message": "It failed."}}, 0.1)
    monkeypatch.setattr("cli.recognize.request.ask", gives(refused))
    recognize_and_show(Api("dev", AWS), subject_in_words("A film."), as_json=True)
    result = json.loads(capsys.readouterr().out)["result"]
    assert [entry["operation"] for entry in result] == ["text-sentiment", "text-class"]
