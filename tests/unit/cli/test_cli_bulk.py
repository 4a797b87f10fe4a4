"""The plan of a bulk run: batches that a state can hold, and a cost that is never below what will be charged."""

from __future__ import annotations

import contextlib
import errno
import functools
import io
import json
import os
from types import SimpleNamespace

import boto3
import pytest
import typer
from botocore.response import StreamingBody
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli.bulk import commands as bulk_commands
from cli.bulk import plan as bulk
from cli.bulk import runs, sources
from cli.main import app
from cli.models.archive import Model
from cli.models.data import upload
from cli.models.transform import local_type
from cli.shared.errors import CommandFailed
from lambdas.bulk.asking import OPERATIONS
from lambdas.bulk.attempt_keys import AttemptKeys
from lambdas.common.costs import text_units

SENTIMENT, LABELS = OPERATIONS["text-sentiment"], OPERATIONS["image-labels"]


class StandInTarget:
    """A deployment of which only its parameters are asked."""

    description = "nowhere"

    def __init__(self, **parameters: str) -> None:
        self.parameters = {"bulk-limit-usd": "100.0", "data-bucket": "data", **parameters}

    def parameter(self, name: str) -> str:
        return self.parameters[name]

    def command(self, words: str) -> str:
        return f"recognition {words}"


def request(operation=SENTIMENT) -> bulk.BulkRequest:
    return bulk.BulkRequest(operation, {}, 10.0)


def objects(count: int, size: int = 100, name: str = "text") -> list[dict]:
    return [{"key": f"{name}-{number}", "etag": "0" * 32, "size": size} for number in range(count)]


def test_a_manifest_has_every_object_once_in_its_order_and_numbered_batches():
    file = io.BytesIO()
    plan = bulk.write_plan(SENTIMENT, objects(450), file, 0.0001, 5.0)
    lines = [json.loads(line) for line in file.getvalue().splitlines()]
    assert [line["number"] for line in lines] == [1, 2, 3]
    assert [one["key"] for line in lines for one in line["objects"]] == [one["key"] for one in objects(450)]
    assert (plan.objects, plan.batches, plan.calls) == (450, 3, 18)
    assert (plan.usd, plan.seconds) == (pytest.approx(450 * 3 * 0.0001), 18 / 5)


def test_pictures_are_a_unit_and_a_call_each():
    plan = bulk.write_plan(LABELS, objects(60, size=4_000_000), io.BytesIO(), 0.001, 5.0)
    assert (plan.units, plan.calls, plan.batches) == (60, 60, 3)


@given(st.lists(st.integers(1, 900), min_size=1, max_size=300))
def test_no_line_is_longer_than_a_state_may_be(lengths):
    named = [{"key": "ä" * length, "etag": "0" * 32, "size": 1} for length in lengths]
    batches = list(bulk.batches_of(SENTIMENT, named))
    assert [entry["key"] for batch in batches for entry in batch] == [entry["key"] for entry in named]
    assert all(len(json.dumps(batch)) < 256 * 1024 for batch in batches)


@given(st.text(max_size=2_000))
def test_a_text_never_costs_more_than_was_planned(text):
    assert bulk.units_of(SENTIMENT, len(text.encode("utf-8", "surrogatepass"))) >= text_units(text)


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("advise", [], "does not run in bulk"),
        ("text-sentiment-batch", [], "does not run in bulk"),
        ("image-labels", ["max_labels"], "wants NAME=VALUE"),
        ("image-labels", ["max_labels=0"], "from 1 to 1000"),
        ("image-labels", ["colour=red"], "is none of this operation's, which has these: max_labels"),
        ("image-class", ["endpoint=to-zero"], "asks the endpoint that always runs"),
        ("text-class", ["endpoint=asynchronous"], "recognition transform"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_asked(name, options, reason):
    with pytest.raises(CommandFailed, match=reason):
        bulk.question_of(name, options)


def test_a_run_may_cost_what_the_deployment_allows_and_no_more():
    assert (bulk.limit_of(StandInTarget(), None), bulk.limit_of(StandInTarget(), 99.5)) == (100.0, 99.5)
    with pytest.raises(CommandFailed, match=r"lets no run cost more than 100\.00"):
        bulk.limit_of(StandInTarget(), 101.0)


def test_without_a_confirmed_price_no_limit_can_be_held_so_nothing_starts():
    with pytest.raises(CommandFailed, match="Nobody confirmed the price"):
        bulk.usd_per_unit(request(OPERATIONS["text-toxicity"]), "us-east-1")
    assert bulk.usd_per_unit(request(OPERATIONS["text-class"]), "us-east-1") == 0.0
    assert bulk.usd_per_unit(request(), "us-east-1") == 0.0001


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("s3://other/photos", "aws s3 sync s3://other/photos s3://data/photos"),
        ("nowhere at all", "neither a folder"),
    ],
)
def test_a_run_reads_the_data_bucket_or_a_folder(source, reason):
    with pytest.raises(CommandFailed, match=reason):
        list(sources.objects_from(StandInTarget(), source, "run", sources.Selection(), lambda _: None))


# What a listing is asked for, so that it tells of archived objects that are there again.
RESTORED = {"OptionalObjectAttributes": ["RestoreStatus"]}


@pytest.fixture
def in_pages():
    """A target whose S3 lists these names on two pages; what is asked for the second is checked."""
    s3 = boto3.client("s3", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    target = StandInTarget()
    target.client = lambda _: s3
    with Stubber(s3) as answers:

        def listed(prefix: str, first: list[dict], second: list[dict], **more) -> StandInTarget:
            asked = {"Bucket": "data", "Prefix": prefix, **more}
            page = {"Contents": first, "IsTruncated": True, "NextContinuationToken": "more"}
            answers.add_response("list_objects_v2", page, asked)
            page = {"Contents": second, "IsTruncated": False}
            answers.add_response("list_objects_v2", page, {**asked, "ContinuationToken": "more"})
            return target

        yield listed
        answers.assert_no_pending_responses()


def test_a_prefix_of_many_pages_is_read_to_its_end_without_the_marks_of_folders(in_pages):
    first = [{"Key": "texts/", "Size": 0, "ETag": '"0"'}, {"Key": "texts/a", "Size": 7, "ETag": '"1"'}]
    target = in_pages("texts/", first, [{"Key": "texts/b", "Size": 7, "ETag": '"2"'}], **RESTORED)
    listed = list(sources.objects_from(target, "s3://data/texts", "run", sources.Selection(), lambda _: None))
    assert [(summary["key"], summary["etag"], summary["size"]) for summary in listed] == [
        ("texts/a", "1", 7),
        ("texts/b", "2", 7),
    ]


def listed_object(key: str, **more) -> dict:
    return {"Key": key, "Size": 7, "ETag": '"1"'} | more


def keys_of(target: StandInTarget, source: str, selection: sources.Selection) -> list[str]:
    """The keys of the objects that a run over this source reads."""
    return [one["key"] for one in sources.objects_from(target, source, "run", selection, lambda _: None)]


@pytest.mark.parametrize(
    ("source", "prefix"),
    [("reviews", "reviews/"), ("reviews/", "reviews/"), ("reviews*", "reviews"), ("", ""), ("*", "")],
)
def test_a_prefix_ends_where_a_folder_does_unless_the_asterisk_is_asked_for(in_pages, source, prefix):
    target = in_pages(prefix, [listed_object("reviews/a")], [listed_object("reviews/b")], **RESTORED)
    assert keys_of(target, f"s3://data/{source}", sources.Selection()) == ["reviews/a", "reviews/b"]


def test_the_tools_outputs_system_files_and_archived_objects_are_left_out_and_told(in_pages):
    first = [
        "bulk/1/run.json",
        "bulk/1/input/a.jpg",
        "captured/x",
        "labels/x",
        ".DS_Store",
        "a/._cat.jpg",
        "a/Thumbs.db",
    ]
    second = [
        listed_object("a/cat.jpg"),
        listed_object("a/cold.jpg", StorageClass="GLACIER"),
        listed_object(
            "a/colder.jpg", StorageClass="DEEP_ARCHIVE", RestoreStatus={"IsRestoreInProgress": True}
        ),
        listed_object(
            "a/warm.jpg", StorageClass="GLACIER", RestoreStatus={"RestoreExpiryDate": 1_800_000_000}
        ),
        listed_object("a/rare.jpg", StorageClass="GLACIER_IR"),
        listed_object("a/empty.jpg", Size=0),
    ]
    selection = sources.Selection()
    target = in_pages("", [listed_object(key) for key in first], second, **RESTORED)
    assert keys_of(target, "s3://data", selection) == ["a/cat.jpg", "a/warm.jpg", "a/rare.jpg"]
    assert selection.left_out == {
        "of other bulk runs": 2,
        "written by runs and endpoints of this project": 2,
        "hidden or of the system": 3,
        "archived (GLACIER); restore it first": 1,
        "archived (DEEP_ARCHIVE); restore it first": 1,
        "empty": 1,
    }
    assert "Left out: 3 (hidden or of the system), such as '.DS_Store'." in selection.sentences()


def test_what_a_run_read_can_be_read_by_another_and_what_it_wrote_cannot(in_pages):
    keys = ["bulk/1/input/a.jpg"], ["bulk/1/run.json", "bulk/1/attempt-1/outcomes/1.jsonl"]
    target = in_pages("bulk/1/", *([listed_object(key) for key in page] for page in keys), **RESTORED)
    assert keys_of(target, "s3://data/bulk/1", sources.Selection()) == keys[0]


def test_of_a_folder_the_files_that_can_be_sent_are_read_and_the_others_told(tmp_path):
    for name in ("cat.jpg", "._cat.jpg", ".DS_Store", ".git/config", "__MACOSX/cat.jpg", "more/dog.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"content")
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "gone.jpg")
    (tmp_path / "album").symlink_to(tmp_path / "more")
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"content")
    selection = sources.Selection()
    found = [local_object["key"] for local_object in sources.local_objects(tmp_path, selection)]
    assert found == ["cat.jpg", "more/dog.jpg"]
    assert selection.left_out == {
        "hidden or of the system": 4,
        "link to nothing": 1,
        "link to a folder": 1,
        "with a name that is not UTF-8": 1,
    }
    assert all(sentence.isascii() for sentence in selection.sentences())


PICTURES = {"a.png": b"\x89PNG\r\n\x1a\n.", "b.jpg": b"\xff\xd8\xff."}
TEXTS = {"a.txt": b"A film.", "b.txt": "Ein schöner Film.".encode("utf-16"), "c.txt": b"caf\xe9"}


@pytest.mark.parametrize(
    ("operation", "read", "left_out"),
    [
        ("image-labels", PICTURES, {"empty": 1, "neither PNG nor JPEG": 4}),
        ("text-sentiment", TEXTS, {"empty": 1, "no text": 3}),
        ("image-compare-faces", {**PICTURES, **TEXTS, "d.bin": b""}, {"empty": 1}),
    ],
)
def test_a_folders_files_that_could_only_be_refused_are_neither_priced_nor_sent(
    tmp_path, operation, read, left_out
):
    files = {**PICTURES, **TEXTS, "d.bin": b"\0\1"}
    for name, content in {**files, "empty.txt": b""}.items():
        (tmp_path / name).write_bytes(content)
    selection = sources.Selection(OPERATIONS[operation].body)
    assert [one["key"] for one in sources.local_objects(tmp_path, selection)] == sorted(read)
    assert selection.left_out == left_out


def test_a_file_that_its_user_may_not_read_is_left_out(tmp_path, monkeypatch):
    for name in PICTURES:
        (tmp_path / name).write_bytes(PICTURES[name])
    readable = {**vars(os), "access": lambda file, mode: file.name != "b.jpg"}
    monkeypatch.setattr(sources, "os", SimpleNamespace(**readable))
    selection = sources.Selection()
    assert [one["key"] for one in sources.local_objects(tmp_path, selection)] == ["a.png"]
    assert selection.left_out == {"not to be read by you": 1}


def test_what_the_plan_of_a_folder_leaves_out_is_not_uploaded_by_its_run(tmp_path, monkeypatch):
    for name, content in {**PICTURES, **TEXTS}.items():
        (tmp_path / name).write_bytes(content)
    sent, planned = [], []

    def upload(target, folder, prefix, on_detail, files) -> str:
        sent.extend(file.name for file in files)
        return "s3://elsewhere"

    monkeypatch.setattr(sources, "upload", upload)
    target = StandInTarget(**{"bulk-calls-per-second": '{"*": 5.0}'})
    target.session = lambda: boto3.Session(region_name="us-east-1")
    with pytest.raises(CommandFailed, match="reads the data bucket alone"):
        bulk.start(target, request(LABELS), str(tmp_path), on_plan=planned.append)
    assert [plan.objects for plan in planned] == [2]
    assert sent == ["a.png", "b.jpg"]


@pytest.fixture
def closed(tmp_path, monkeypatch):
    """A folder with a file, and in it a folder that its user may not look into."""
    (tmp_path / "a.png").write_bytes(PICTURES["a.png"])
    (tmp_path / "private").mkdir()
    scandir = os.scandir

    def look(place):
        if str(place).endswith("private"):
            raise PermissionError(errno.EACCES, "Permission denied", str(place))
        return scandir(place)

    monkeypatch.setattr(os, "scandir", look)
    return tmp_path


def test_a_folder_that_its_user_may_not_look_into_is_left_out_and_told(closed):
    selection = sources.Selection()
    assert [one["key"] for one in sources.local_objects(closed, selection)] == ["a.png"]
    assert selection.sentences() == ["Left out: 1 (folder not to be read by you), such as 'private'."]


def test_nothing_is_sent_of_a_folder_that_cannot_be_read_to_its_end(closed):
    target = StandInTarget()
    target.client = lambda _: SimpleNamespace()
    for read in (
        lambda: upload(target, closed, "photos", lambda _: None),
        lambda: local_type(str(closed), "cnn"),
        lambda: Model(closed),
    ):
        with pytest.raises(CommandFailed, match="private cannot be read"):
            read()


def test_an_upload_with_a_link_to_nothing_is_refused_before_anything_is_sent(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"content")
    (tmp_path / "b.jpg").symlink_to(tmp_path / "gone.jpg")
    target = StandInTarget()
    target.client = lambda _: SimpleNamespace()
    with pytest.raises(CommandFailed, match=r"b\.jpg is a link to nothing\. Nothing was sent\."):
        upload(target, tmp_path, "photos", lambda _: None)


def test_a_plan_can_be_looked_at_and_starts_nothing(in_pages, monkeypatch):
    pages = [listed_object("texts/a"), listed_object("texts/.hidden")], [listed_object("texts/b")]
    target = in_pages("texts/", *pages, **RESTORED)
    target.session = lambda: boto3.Session(region_name="us-east-1")
    target.parameters["bulk-calls-per-second"] = '{"*": 5.0}'
    monkeypatch.setattr("cli.shared.embedded.choose_target", lambda *_, **__: target)
    monkeypatch.setattr(bulk, "begin", lambda *_: pytest.fail("was started"))
    words = ["bulk", "--from", "s3://data/texts", "--operation", "text-sentiment", "--plan"]
    ended = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert ended.exit_code == 0, ended.output
    assert "2 objects in 1 batch, up to 0.0006 US dollars" in ended.output
    assert "Left out: 1 (hidden or of the system), such as 'texts/.hidden'." in ended.output


@pytest.mark.parametrize(("limit", "reason"), [(0.0008, "Nothing was started"), (1.0, None)])
def test_a_run_that_would_cost_more_than_its_limit_is_refused_before_it_starts(
    in_pages, monkeypatch, limit, reason
):
    started = []
    monkeypatch.setattr(bulk, "begin", lambda *what: started.append(what))
    pages = ([{"Key": f"texts/{entry}", "Size": 500, "ETag": '"1"'}] for entry in "ab")
    target = in_pages("texts/", *pages, **RESTORED)
    target.session = lambda: boto3.Session(region_name="us-east-1")
    target.parameters["bulk-calls-per-second"] = '{"*": 5.0}'
    wanted = bulk.BulkRequest(SENTIMENT, {}, limit)
    if reason is None:
        _, plan = bulk.start(target, wanted, "s3://data/texts")
        assert (plan.usd, len(started)) == (pytest.approx(0.001), 1)
        return
    with pytest.raises(CommandFailed, match=reason):
        bulk.start(target, wanted, "s3://data/texts")
    assert started == []


def test_outcomes_of_many_pages_are_all_read(in_pages):
    attempt_keys = AttemptKeys("run", 1)
    keys = [attempt_keys.outcome(number) for number in (1, 2)]
    target = in_pages(attempt_keys.outcomes, [{"Key": keys[0]}], [{"Key": keys[1]}])
    assert list(runs.outcome_keys(target, attempt_keys)) == keys


@pytest.fixture
def in_manifest():
    """The objects that a manifest of these bytes names."""
    s3 = boto3.client("s3", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    target = StandInTarget()
    target.client = lambda _: s3

    def objects(content: bytes):
        answers.add_response("get_object", {"Body": StreamingBody(io.BytesIO(content), len(content))})
        return sources.objects_from(target, "s3://data/all.jsonl", "run", sources.Selection(), lambda _: None)

    with Stubber(s3) as answers:
        yield objects


FIRST = {"key": "a", "etag": None, "size": 7}


@pytest.mark.parametrize(
    "line",
    [
        *(b"7", b'"key"', b'["a"]', b'{"etag": "e"}', b"{", b"[" * 100_000, b'{"key": "\xe4", "size": 1}'),
        *(b'{"key": 5}', b'{"key": null}', b'{"key": ""}', b'{"key": "' + b"x" * 1_025 + b'", "size": 1}'),
        *(b'{"key": "\\ud800"}', b'{"key": "\\ud800", "size": 1}', b'{"key": "a", "size": 1, "etag": 5}'),
        *(b'{"key": "a", "size": "large"}', b'{"key": "a", "size": 1e400}', b'{"key": "a", "size": NaN}'),
        *(b'{"key": "a", "size": -1}', b'{"key": "a", "size": true}', b'{"key": "a", "size": 1.5}'),
        b'{"key": "a", "size": ' + b"9" * 5_000 + b"}",
    ],
    ids=range(21),
)
def test_a_line_of_a_manifest_that_names_no_object_is_a_sentence(in_manifest, line):
    objects = in_manifest(b'{"key": "a", "size": 7}\n' + line + b"\n")
    assert next(objects) == FIRST
    with pytest.raises(CommandFailed, match="Line 2 of all.jsonl is not JSON with a 'key' of an object"):
        next(objects)


def test_a_manifest_is_read_as_editors_and_other_programs_write_it(in_manifest):
    content = b'\xef\xbb\xbf{"key": "a", "size": "7"}\r\n\r\n  \n{"key": "\xc3\xa4 +%2B\\n", "size": 0}'
    assert list(in_manifest(content)) == [FIRST, {"key": "ä +%2B\n", "etag": None, "size": 0}]


@pytest.mark.parametrize("member", ["version_id", "versionId", "VersionId", "version"])
def test_a_version_in_a_manifest_is_not_passed_over_in_silence(in_manifest, member):
    lines = ({**FIRST, "etag": "e", member: "1"}, {**FIRST, member: None}, {**FIRST, member: "1"})
    objects = in_manifest("\n".join(json.dumps(line) for line in lines).encode())
    assert [next(objects), next(objects)] == [{**FIRST, "etag": "e"}, FIRST]
    with pytest.raises(CommandFailed, match=rf"Line 3 .* names a version of an object \('{member}'\)"):
        next(objects)


def test_a_manifest_that_is_not_there_is_a_sentence():
    s3 = boto3.client("s3", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    target = StandInTarget()
    target.client = lambda _: s3
    with Stubber(s3) as answers:
        answers.add_client_error("get_object", "NoSuchKey")
        with pytest.raises(CommandFailed, match="There is no manifest s3://data/all.jsonl."):
            list(sources.objects_from(target, "s3://data/all.jsonl", "", sources.Selection(), lambda _: None))


@pytest.mark.parametrize(
    ("state", "failed", "mendable", "left", "remedy"),
    [
        ("SUCCEEDED", 2, 2, 0, "redrive"),
        ("SUCCEEDED", 2, 1, 0, "redrive"),
        ("SUCCEEDED", 2, 0, 0, "results"),
        ("ABORTED", 2, 2, 5, "resume"),
        ("ABORTED", 0, 0, 5, "resume"),
        ("SUCCEEDED", 0, 0, 0, None),
        ("RUNNING", 2, 2, 5, None),
    ],
)
def test_a_run_that_ended_early_is_resumed_and_one_whose_failures_may_pass_redriven(
    state, failed, mendable, left, remedy, capsys
):
    counts = {"done": 1, "failed": failed, "left": left, "objects": 1 + failed + left, "mendable": mendable}
    now = {"run": "one", "state": state, "results": "s3://data/one", "reason": None, **counts}
    if remedy is None:
        bulk_commands.ended(StandInTarget(), now, False)
    else:
        with pytest.raises(typer.Exit):
            bulk_commands.ended(StandInTarget(), now, False)
    told = capsys.readouterr().out
    lines = told.splitlines()
    offered = [
        entry for entry in ("resume", "redrive") if any(line.endswith(f"bulk {entry} one") for line in lines)
    ]
    assert offered == ([remedy] if remedy in ("resume", "redrive") else [])
    assert ("bulk results one" in told) == (left == 0 and mendable < failed)
    assert ("bulk redrive one --anyway" in told) == (left == 0 and mendable == 0 and failed > 0)


@pytest.mark.parametrize(
    ("execution", "failed", "state"),
    [
        ("SUCCEEDED", 0, "SUCCEEDED"),
        ("SUCCEEDED", 1, "ENDED_WITH_FAILURES"),
        ("RUNNING", 1, "RUNNING"),
        ("ABORTED", 1, "ABORTED"),
    ],
)
def test_only_a_run_without_failures_succeeded(execution, failed, state):
    assert runs.state_of(execution, failed) == state


def test_the_state_of_a_run_is_told_in_words(capsys):
    counts = {"done": 1, "failed": 1, "left": 0, "objects": 2, "mendable": 1}
    now = {"run": "one", "state": runs.WITH_FAILURES, "results": "s3://data/one", "reason": None, **counts}
    with pytest.raises(typer.Exit):
        bulk_commands.ended(StandInTarget(), now, False)
    assert capsys.readouterr().out.startswith("ENDED WITH FAILURES: 1 done, 1 failed")


@pytest.mark.parametrize(("words", "anyway"), [([], False), (["--anyway"], True)])
def test_another_attempt_that_mends_nothing_by_itself_has_to_be_asked_for(monkeypatch, words, anyway):
    asked = []

    def redrive(target, run, on_detail, *, anyway: bool) -> int:
        asked.append((run, anyway))
        return 1

    monkeypatch.setattr("cli.shared.embedded.choose_target", lambda *_, **__: StandInTarget())
    monkeypatch.setattr(runs, "redrive", redrive)
    ended = CliRunner().invoke(app, ["bulk", "redrive", "one", *words])
    assert ended.exit_code == 0, ended.output
    assert asked == [("one", anyway)]
    assert "Asked about again: 1 object." in ended.output


def test_results_become_rows_with_the_best_label(tmp_path):
    from pyarrow import parquet

    done = {
        "key": "a",
        "version_id": "v",
        "etag": "e",
        "outcome": "done",
        "details": {},
        "cost": {"usd": 0.1},
    }
    done["results"] = [{"label": "Dog", "score": 0.9}, {"label": "Cat", "score": 0.1}]
    bad = {"key": "b", "outcome": "failed", "error": {"code": "NotAnImage"}}
    file = tmp_path / "out.parquet"
    assert runs.write_parquet(iter([done, bad]), file) == 2
    first, second = parquet.read_table(file).to_pylist()
    assert (first["label"], first["score"], first["usd"], first["version_id"]) == ("Dog", 0.9, 0.1, "v")
    assert json.loads(first["results"]) == done["results"]
    assert (second["label"], json.loads(second["error"])) == (None, {"code": "NotAnImage"})


def test_a_run_is_started_and_watched_to_its_end_by_one_command(monkeypatch):
    states = iter([("RUNNING", 0, 3), ("RUNNING", 2, 1), ("SUCCEEDED", 3, 0)])
    started, pauses, shown = [], [], []

    def status(target: StandInTarget, run: str) -> dict:
        state, done, left = next(states)
        counts = {"done": done, "failed": 0, "left": left, "objects": 3}
        return {"run": run, "state": state, "results": "s3://data/out", "reason": None, **counts}

    def start(
        target: StandInTarget, wanted: bulk.BulkRequest, source: str, detail, on_plan
    ) -> tuple[str, bulk.BulkPlan]:
        started.append((wanted.operation.name, wanted.query, wanted.limit_usd, source))
        plan = bulk.BulkPlan(objects=3, units=3, calls=3, batches=1, usd=0.003, seconds=1.0)
        on_plan(plan)
        return "one", plan

    class Progress:
        @contextlib.contextmanager
        def step(self, words: str):
            yield shown.append

    monkeypatch.setattr("cli.shared.embedded.choose_target", lambda *_, **__: StandInTarget())
    monkeypatch.setattr(bulk_commands, "Progress", Progress)
    monkeypatch.setattr(bulk, "start", start)
    monkeypatch.setattr(runs, "status", status)
    monkeypatch.setattr(runs, "watch", functools.partial(runs.watch, pause=pauses.append))
    words = ["bulk", "--from", "photos", "--operation", "image-labels", "--option", "max_labels=5"]
    ended = CliRunner().invoke(app, [*words, "--limit-usd", "2", "--watch"], env={"COLUMNS": "200"})
    assert ended.exit_code == 0, ended.output
    assert started == [("image-labels", {"max_labels": "5"}, 2.0, "photos")]
    assert len(pauses) == 2
    assert "3 objects in 1 batch, up to 0.0030 US dollars" in ended.output
    left = [(0, 3), (2, 1), (3, 0)]
    assert shown == [f"{done} done, 0 failed, {left} left of 3" for done, left in left]
    assert "SUCCEEDED: 3 done" in ended.output
