"""Whoever dies or meets another, a batch's lines are written, counted and told once."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from lambdas.bulk.batch import Worker
from lambdas.bulk.outcomes import count
from lambdas.bulk.work import give_up, work

from .conftest import aws_error
from .looking import TEXTS, Broken, codes, lines_of, messages, plenty


def test_a_batch_that_is_delivered_twice_is_charged_and_counted_once(worker, batch, comprehend, keys):
    comprehend.poisoned = {TEXTS["001.txt"]}
    first = work(worker, batch(TEXTS), plenty)
    second = work(worker, batch(TEXTS), plenty)
    assert first == second == {"done": 59, "failed": 1}
    assert set(comprehend.charged.values()) == {1}
    assert count(worker, keys, 60) == {"objects": 60, "done": 59, "failed": 1, "missing": 0}


def test_of_two_workers_with_the_same_batch_one_s_outcomes_count(
    worker, batch, comprehend, keys, monkeypatch
):
    """The second finds the first's outcomes when it comes to write its own."""
    first = batch({"a.txt": "A text."})
    late = batch({"a.txt": "A text."})
    work(worker, first, plenty)
    before = lines_of(worker, keys)
    looked = []

    class Late:
        """S3 as the second worker saw it when it began."""

        def __getattr__(self, name):
            return getattr(worker.s3, name)

        def get_object(self, **wanted):
            if wanted["Key"] == keys.outcome(1) and not looked:
                looked.append(wanted)
                raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
            return worker.s3.get_object(**wanted)

    slow = Worker(**{**vars(worker), "s3": Late()})
    assert work(slow, late, plenty) == {"done": 1, "failed": 0}
    assert lines_of(worker, keys) == before
    assert count(worker, keys, 1)["missing"] == 0


@pytest.mark.parametrize(
    ("service", "operation"), [("sqs", "send_message"), ("dynamodb", "transact_write_items")]
)
def test_a_worker_that_dies_after_it_wrote_loses_and_repeats_nothing(
    worker, batch, comprehend, keys, service, operation
):
    comprehend.poisoned = {"Bad."}
    texts = {"a.txt": "Good.", "b.txt": "Bad."}
    dying = Worker(**{**vars(worker), service: Broken(getattr(worker, service), operation, 1)})
    with pytest.raises(ConnectionClosedError):
        work(dying, batch(texts), plenty)
    assert work(worker, batch(texts), plenty) == {"done": 1, "failed": 1}
    assert comprehend.charged == {"Good.": 1}
    assert count(worker, keys, 2)["missing"] == 0
    # Told at least once; a redrive takes each outcome once.
    assert {message["failed"] for message in messages(worker)} == {1}


def test_a_queue_that_takes_nothing_keeps_no_run_from_its_end(worker, batch, comprehend, keys):
    comprehend.poisoned = {"Bad."}
    texts = {"a.txt": "Good.", "b.txt": "Bad."}
    full = Worker(**{**vars(worker), "sqs": Broken(worker.sqs, "send_message", 100)})
    for finish in (lambda: work(full, batch(texts), plenty), lambda: give_up(full, batch(texts))):
        with pytest.raises(ConnectionClosedError):
            finish()
    assert count(worker, keys, 2) == {"objects": 2, "done": 1, "failed": 1, "missing": 0}
    assert codes(lines_of(worker, keys)) == {"a.txt": "done", "b.txt": "InvalidText"}
    assert comprehend.charged == {"Good.": 1}


def test_workers_who_meet_at_the_counter_wait_their_turn(worker, batch, comprehend, keys):
    class Crowded(Broken):
        @staticmethod
        def fail(**_):
            conflict = {"Error": {"Code": "TransactionCanceledException"}}
            conflict["CancellationReasons"] = [{"Code": "None"}, {"Code": "TransactionConflict"}]
            raise worker.dynamodb.exceptions.TransactionCanceledException(conflict, "TransactWriteItems")

    crowded = Worker(**{**vars(worker), "dynamodb": Crowded(worker.dynamodb, "transact_write_items", 5)})
    assert work(crowded, batch({"a.txt": "Good."}), plenty) == {"done": 1, "failed": 0}
    assert count(worker, keys, 1)["missing"] == 0


def test_answers_that_were_charged_are_written_though_s3_fails_for_a_while(worker, batch, comprehend, keys):
    shaky = Worker(**{**vars(worker), "s3": Broken(worker.s3, "put_object", 3)})
    made = batch({"a.txt": "Good."})
    assert work(shaky, made, plenty) == {"done": 1, "failed": 0}
    assert comprehend.charged == {"Good.": 1}


def test_lines_that_another_worker_took_away_again_are_written(worker, batch, comprehend, keys):
    put, refusals = worker.s3.put_object, [aws_error("PreconditionFailed", "PutObject")]

    def once_refused(**wanted):
        if "IfNoneMatch" in wanted and "outcome" in wanted["Key"] and refusals:
            raise refusals.pop()
        return put(**wanted)

    made = batch({"a.txt": "Good."})
    worker.s3.put_object = once_refused
    assert work(worker, made, plenty) == {"done": 1, "failed": 0}
    assert not refusals and codes(lines_of(worker, keys)) == {"a.txt": "done"}


def test_a_worker_that_never_comes_to_its_end_is_given_up_and_its_objects_fail(
    worker, batch, comprehend, keys
):
    assert give_up(worker, batch(TEXTS)) == {"done": 0, "failed": 60}
    assert set(codes(lines_of(worker, keys)).values()) == {"WorkerFailed"}
    assert messages(worker)[0]["failed"] == 60


def test_giving_up_leaves_alone_what_was_written(worker, batch, comprehend):
    work(worker, batch(TEXTS), plenty)
    assert give_up(worker, batch(TEXTS)) == {"done": 60, "failed": 0}
