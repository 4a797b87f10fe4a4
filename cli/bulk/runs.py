"""Follows bulk runs, starts them again where they stopped or failed, and reads their results."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from cli.bulk.plan import begin, record_key, require_released, write_manifest
from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from definitions.counts import counted
from definitions.parameters import BULK_QUEUE, BULK_TABLE, DATA_BUCKET
from lambdas.bulk.asking import OPERATIONS
from lambdas.bulk.attempt_keys import AttemptKeys
from model_code.outputs import require_free, written

POLL_SECONDS = 2.0
# SQS gives ten messages at a time, and a look that finds none may have asked the wrong hosts (short polling).
MESSAGES = 10
EMPTY_LOOKS = 3
HIDDEN_SECONDS = 300
ROWS_IN_A_GROUP = 10_000
WITH_FAILURES = "ENDED_WITH_FAILURES"


def record_of(target: Target, run: str) -> dict[str, Any]:
    """What is known of a run.

    Raises:
        CommandFailed: when there is none of this id.
    """
    s3 = target.client("s3")
    try:
        response = s3.get_object(Bucket=target.parameter(DATA_BUCKET), Key=record_key(run))
    except s3.exceptions.NoSuchKey as error:
        raise CommandFailed(f"There is no bulk run {run} in {target.description}.") from error
    return json.loads(response["Body"].read())


def status(target: Target, run: str) -> dict[str, Any]:
    """The state of a run (see `state_of`), and how many objects are done, failed, and in neither yet."""
    record = record_of(target, run)
    counts = [counts_of(target, AttemptKeys(run, number)) for number in range(1, record["attempt"] + 1)]
    done, bad, mendable = sum(count["done"] for count in counts), counts[-1]["failed"], counts[-1]["mendable"]
    execution = target.client("stepfunctions").describe_execution(executionArn=record["execution_arn"])
    first = record["plan"]["objects"]
    return {
        "run": run,
        "operation": record["operation"],
        "state": state_of(execution["status"], bad),
        "attempt": record["attempt"],
        "objects": first,
        "done": done,
        "failed": bad,
        "mendable": mendable,
        "left": first - done - bad,
        "reason": execution.get("cause"),
        "results": f"s3://{target.parameter('data-bucket')}/{AttemptKeys(run, record['attempt']).outcomes}",
    }


def state_of(execution: str, failed: int) -> str:
    """Step Functions' state of a run's last execution; one that came to its end succeeded only if no object failed."""
    return WITH_FAILURES if execution == "SUCCEEDED" and failed else execution


def counts_of(target: Target, attempt_keys: AttemptKeys) -> dict[str, int]:
    """Done and failed objects of an attempt so far, and how many of those another attempt may mend by itself."""
    response = target.client("dynamodb").get_item(
        TableName=target.parameter(BULK_TABLE), Key={"id": {"S": attempt_keys.counter}}, ConsistentRead=True
    )
    item = response.get("Item", {})
    return {name: int(item.get(name, {"N": "0"})["N"]) for name in ("done", "failed", "mendable")}


def watch(
    target: Target, run: str, on_detail: Callable[[str], None], pause: Callable[[float], None] = time.sleep
) -> dict[str, Any]:
    """Follows a run to its end; returns its last status."""
    while True:
        now = status(target, run)
        on_detail(
            f"{now['done']:,} done, {now['failed']:,} failed, {now['left']:,} left of {now['objects']:,}"
        )
        if now["state"] != "RUNNING":
            return now
        pause(POLL_SECONDS)


def resume(target: Target, run: str) -> None:
    """Starts the last attempt of a run that ended early again; batches with an outcome are not asked about again.

    Raises:
        CommandFailed: when it is running, or has nothing left.
    """
    record, now = record_of(target, run), status(target, run)
    if now["state"] == "RUNNING":
        raise CommandFailed(f"The run {run} is running.")
    if not now["left"]:
        failed = f"{counted(now['failed'], 'object')} failed: {target.command(f'bulk redrive {run}')}"
        raise CommandFailed(f"The run {run} has nothing left. {failed if now['failed'] else ''}".rstrip())
    require_released(target, OPERATIONS[record["operation"]])
    begin(target, record, record["attempt"], record["objects"], None)


def redrive(target: Target, run: str, on_detail: Callable[[str], None], *, anyway: bool = False) -> int:
    """Starts a next attempt on the objects that failed in the last one; returns how many.

    Args:
        target: the deployment.
        run: its id.
        on_detail: hears how far the reading is.
        anyway: also where another attempt mends nothing by itself.

    Raises:
        CommandFailed: when the run has not ended, nothing failed, or another attempt would mend nothing.
    """
    record, now = record_of(target, run), status(target, run)
    if now["state"] == "RUNNING" or now["left"]:
        raise CommandFailed(f"The run {run} has not come to its end; watch it or resume it first.")
    if not now["failed"]:
        raise CommandFailed(f"No object of the run {run} failed.")
    if not now["mendable"] and not anyway:
        raise CommandFailed(
            f"By itself another attempt would mend none of the {counted(now['failed'], 'object')} that failed.\n"
            f"Why each failed: {target.command(f'bulk results {run} --output {run}.jsonl')}\n"
            f"Once you have mended them: {target.command(f'bulk redrive {run} --anyway')}"
        )
    require_released(target, OPERATIONS[record["operation"]])
    attempt_keys = AttemptKeys(run, record["attempt"])
    told, receipts = told_failures(target, attempt_keys)
    bad = list(failures(target, attempt_keys, sorted(told), on_detail))
    if len(bad) < now["failed"]:
        # SQS keeps messages for 14 days at most; the outcomes are complete.
        bad = list(failures(target, attempt_keys, outcome_keys(target, attempt_keys), on_detail))
    with tempfile.TemporaryFile() as file:
        write_manifest(OPERATIONS[record["operation"]], bad, file)
        begin(target, record, record["attempt"] + 1, len(bad), file)
    queue, sqs = target.parameter(BULK_QUEUE), target.client("sqs")
    for receipt in receipts:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=receipt)
    return len(bad)


def told_failures(target: Target, attempt_keys: AttemptKeys) -> tuple[set[str], list[str]]:
    """The outcomes with failures that the queue tells of, and the messages; those of other runs are put back."""
    queue, sqs = target.parameter(BULK_QUEUE), target.client("sqs")
    told: set[str] = set()
    ours: list[str] = []
    others: list[str] = []
    empty = 0
    while empty < EMPTY_LOOKS:
        response = sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=MESSAGES, VisibilityTimeout=HIDDEN_SECONDS
        )
        messages = response.get("Messages", [])
        empty = 0 if messages else empty + 1
        for message in messages:
            body = json.loads(message["Body"])
            mine = (body["run"], body["attempt"]) == (attempt_keys.run, attempt_keys.attempt)
            (ours if mine else others).append(message["ReceiptHandle"])
            if mine:
                told.add(body["outcomes"])
    for receipt in others:
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=receipt, VisibilityTimeout=0)
    return told, ours


def outcome_keys(target: Target, attempt_keys: AttemptKeys) -> Iterator[str]:
    """The outcomes of an attempt, a batch each."""
    pages = target.client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=target.parameter(DATA_BUCKET), Prefix=attempt_keys.outcomes):
        yield from (entry["Key"] for entry in page.get("Contents", []))


def lines_of(target: Target, keys: Iterator[str] | list[str]) -> Iterator[dict[str, Any]]:
    """The lines of outcomes."""
    s3, bucket = target.client("s3"), target.parameter(DATA_BUCKET)
    for key in keys:
        for line in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_lines():
            yield json.loads(line)


def failures(
    target: Target,
    attempt_keys: AttemptKeys,
    keys: Iterator[str] | list[str],
    on_detail: Callable[[str], None],
) -> Iterator[Mapping[str, Any]]:
    """The failed objects of outcomes, as they are now: what has changed is looked at anew."""
    for number, line in enumerate(lines_of(target, keys), start=1):
        if line["outcome"] == "failed":
            on_detail(f"{counted(number, 'outcome')} of attempt {attempt_keys.attempt} read")
            yield {"key": line["key"], "etag": None}


def results(target: Target, run: str) -> Iterator[dict[str, Any]]:
    """One line for each object of a run: done in whichever attempt, or failed in the last."""
    last = record_of(target, run)["attempt"]
    for number in range(1, last + 1):
        for line in lines_of(target, outcome_keys(target, AttemptKeys(run, number))):
            if line["outcome"] == "done" or number == last:
                yield line


def require_output(file: Path, *, overwrite: bool) -> None:
    """Refuses a file that results cannot be written to, before any is read.

    Raises:
        CommandFailed: when its ending names no format that is written here.
        OutputRefused: when it is there and may not be replaced.
    """
    if file.suffix not in (".jsonl", ".parquet"):
        raise CommandFailed(f"{file} ends in neither .jsonl nor .parquet.")
    require_free(file, overwrite=overwrite)


def write_results(target: Target, run: str, file: Path, *, overwrite: bool = False) -> int:
    """Writes a run's results as JSON Lines or, by the file's ending, as Parquet; returns how many.

    See `require_output` for what is raised.
    """
    require_output(file, overwrite=overwrite)
    with written(file, overwrite=overwrite) as unfinished:
        if file.suffix == ".parquet":
            return write_parquet(results(target, run), unfinished)
        count = 0
        with unfinished.open("w", encoding="utf-8") as out:
            for line in results(target, run):
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
                count += 1
        return count


def write_parquet(lines: Iterator[dict[str, Any]], file: Path) -> int:
    """A row for each object; what differs between operations stands in it as JSON."""
    import pyarrow
    from pyarrow import parquet

    text = pyarrow.string()
    schema = pyarrow.schema(
        [(name, text) for name in ("key", "version_id", "etag", "outcome", "label")]
        + [("score", pyarrow.float64()), ("usd", pyarrow.float64())]
        + [(name, text) for name in ("results", "details", "error")]
    )
    count, rows = 0, []
    with parquet.ParquetWriter(file, schema) as writer:
        for line in lines:
            rows.append(row_of(line))
            count += 1
            if len(rows) == ROWS_IN_A_GROUP:
                writer.write_table(pyarrow.Table.from_pylist(rows, schema))
                rows = []
        if rows:
            writer.write_table(pyarrow.Table.from_pylist(rows, schema))
    return count


def row_of(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line as a row of the table, with the best result in columns of its own."""
    best = next(iter(line.get("results") or []), {})
    as_json = {name: json.dumps(line[name]) for name in ("results", "details", "error") if name in line}
    plain = {name: line.get(name) for name in ("key", "version_id", "etag", "outcome")}
    usd = (line.get("cost") or {}).get("usd")
    return {**plain, **as_json, "label": best.get("label"), "score": best.get("score"), "usd": usd}


def stop(target: Target, run: str) -> None:
    """Stops a run's execution; batches that are being worked are worked to their end."""
    record = record_of(target, run)
    try:
        target.client("stepfunctions").stop_execution(
            executionArn=record["execution_arn"], cause="stopped by the recognition command"
        )
    except ClientError as error:
        raise CommandFailed(
            f"The run {run} cannot be stopped: {error.response['Error']['Message']}"
        ) from error
