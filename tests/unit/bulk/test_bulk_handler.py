"""The function of bulk runs: what it is handed, what it counts, and that nothing of the objects is in its log."""

from __future__ import annotations

import importlib
import json
import sys
import uuid
from typing import Any

import pytest

from ..lambdas.conftest import LambdaContext
from .conftest import BUCKET

SECRET = "Xylophon4711"
CONTEXT = LambdaContext("bulk", remaining_milliseconds=300_000)


@pytest.fixture
def handler(worker, comprehend, monkeypatch):
    """The function's handler, made anew, with the worker of the tests."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Recognition")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", uuid.uuid4().hex)
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "DEBUG")
    monkeypatch.delitem(sys.modules, "lambdas.bulk.handler", raising=False)

    def call(event: dict[str, Any], context: Any) -> dict[str, int]:
        # Its logger writes to whatever is the standard output when it is imported.
        module = importlib.import_module("lambdas.bulk.handler")
        monkeypatch.setattr(module, "worker", lambda: worker)
        return module.handler(event, context)

    return call


def event(worker: Any, run: str, texts: dict[str, str], **more: Any) -> dict[str, Any]:
    """What the state machine hands over."""
    objects = []
    for key, text in texts.items():
        put = worker.s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode())
        objects.append({"key": key, "etag": put["ETag"].strip('"')})
    about = {"id": run, "attempt": 1, "operation": "text-sentiment", "query": {}, "objects": len(texts)}
    about |= {"limit_usd": 10.0}
    return {"run": about, "batch": {"number": 1, "objects": objects}, "execution": "arn:of:it", **more}


def test_a_batch_is_worked_and_the_run_counted_and_nothing_of_the_objects_is_logged(
    handler, worker, comprehend, capfd
):
    comprehend.poisoned = {f"{SECRET} is bad."}
    texts = {f"{SECRET}/a.txt": f"My name is {SECRET}.", f"{SECRET}/b.txt": f"{SECRET} is bad."}
    handed = event(worker, "run", texts)
    assert handler(handed, CONTEXT) == {"done": 1, "failed": 1}
    counted = handler({"run": handed["run"]}, CONTEXT)
    assert counted == {"objects": 2, "done": 1, "failed": 1, "missing": 0}
    printed = "".join(capfd.readouterr())
    assert (
        '"BulkDone":[1.0]' in printed
        and '"backend":"bulk"' in printed
        and '"operation":"text-sentiment"' in printed
    )
    assert SECRET not in printed


def test_a_batch_of_a_run_that_an_older_machine_began_is_worked(handler, worker, comprehend):
    handed = event(worker, "begun-before", {"a.txt": "A text."})
    del handed["execution"]
    assert handler(handed, CONTEXT) == {"done": 1, "failed": 0}


def test_a_batch_that_is_given_up_ends_without_a_call(handler, worker, comprehend):
    handed = event(worker, "given-up", {"a.txt": "A text."}, give_up=True)
    assert handler(handed, CONTEXT) == {"done": 0, "failed": 1}
    assert comprehend.calls == []


@pytest.mark.parametrize("operation", ["text-sentiment-batch", "nothing"])
def test_an_operation_that_does_not_run_in_bulk_is_refused_before_anything_is_asked(
    handler, worker, comprehend, operation
):
    handed = event(worker, "wrong", {"a.txt": "A text."})
    handed["run"]["operation"] = operation
    with pytest.raises(ValueError, match="no operation that runs in bulk"):
        handler(handed, CONTEXT)
    assert json.dumps(comprehend.calls) == "[]"


def test_a_fault_of_our_own_leaves_without_its_words(handler, worker, comprehend, monkeypatch, capfd):
    def broken(*_, **__):
        raise RuntimeError(f"cannot take {SECRET}")

    monkeypatch.setattr("lambdas.bulk.calls.ask", broken)
    with pytest.raises(Exception, match="A fault of our own") as raised:
        handler(event(worker, "broken", {"a.txt": "Good."}), CONTEXT)
    assert raised.value.__cause__ is None and raised.value.__suppress_context__
    printed = capfd.readouterr().out
    assert "RuntimeError" in printed and "bulk/" in printed and SECRET not in printed
