"""One batch of a bulk run: every object of it ends in exactly one line, done or failed, that is written once."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.bulk.asking import (
    OBJECT_CHANGED,
    OPERATIONS,
    Content,
    Outcome,
    ask,
    called_of,
    calls_of,
    failed,
    rate_of,
    runs_in_bulk,
)
from lambdas.bulk.attempt_keys import AttemptKeys, is_key
from lambdas.bulk.progress import keep, kept, lease
from lambdas.bulk.rate_limiter import QueueTooLong, RateLimiter
from lambdas.common.bodies import IMAGE_BYTES, ImageBody, TextBody
from lambdas.common.budget import MONTH, RUN, Budget
from lambdas.common.clients import ATTEMPTS
from lambdas.common.costs import cost_of, price_of, text_units
from lambdas.common.errors import RequestRefused, bad_request, too_large, unavailable
from lambdas.common.operations import Operation
from lambdas.common.options import read_options
from lambdas.common.service_errors import DISBELIEF
from lambdas.common.spending import SPENT, reserve

# How often a call that may succeed later is made again, each time at the bucket's rate.
TRIES = 5
# How often a worker tries to raise the counts, which others raise too.
COUNT_TRIES = 20
# After a throttle all workers wait so long.
PAUSE_SECONDS = 1.0
# What is left of the function's time when no call is begun any more: a call with its second try, and the writing.
CLOSING_SECONDS = 40.0
THROTTLED = "ServiceThrottled"
# How often the service may have charged a call that failed: once for each try without an answer, and once for an
# answer that could not be read.
MAYBE_CHARGED = {"ServiceUnreachable": ATTEMPTS, "AnswerUnreadable": 1}
NOT_FOUND = ("NoSuchKey", "404")
CHANGED = ("PreconditionFailed", "412")
ARCHIVED = "InvalidObjectState"
# S3's errors after which its documentation wants the same request again.
PASSING = frozenset(
    {
        *("SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "OperationAborted"),
        *("Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"),
        *("KMS.ThrottlingException", "KMS.KMSInternalException", "KMS.DependencyTimeoutException"),
        *DISBELIEF,
    }
)
LATE = unavailable("NotAsked", "The worker's time was over before this object.")


class NotInBulk(ValueError):
    """An operation that answers no single objects; the message is fit for anybody."""


@dataclass(frozen=True)
class Worker:
    """What a batch needs.

    Attributes:
        s3, sqs, dynamodb: boto3 clients.
        bucket: of the data.
        table: of runs: their counts, their money, the token buckets.
        queue_url: where failures are told.
        calls_per_second: of each operation by the service's name for it, and of all others as "*".
        longest_wait_seconds: how far ahead calls may be booked.
        keep_seconds: how long counts are kept.
        limit_usd: what one execution may cost, whatever its input says.
        monthly_limit_usd: what all runs of the deployment may cost in a calendar month.
        sleep: waits.
        now: seconds since 1970.
    """

    s3: Any
    sqs: Any
    dynamodb: Any
    bucket: str
    table: str
    queue_url: str
    calls_per_second: Mapping[str, float]
    longest_wait_seconds: float
    keep_seconds: int
    limit_usd: float
    monthly_limit_usd: float
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time


@dataclass
class Batch:
    """A batch of one attempt of a run, as the state machine hands it over.

    Attributes:
        keys: of the attempt.
        operation: that is asked.
        query: its options.
        limit_usd: what the run may cost, as its input says; None where that says nothing.
        execution: of the state machine, by which its money is counted; its input cannot choose it.
        number: of the batch.
        objects: key and entity tag of each.
    """

    keys: AttemptKeys
    operation: Operation
    query: Mapping[str, str]
    limit_usd: float | None
    execution: str
    number: int
    objects: list[Mapping[str, Any]]
    lines: dict[int, Outcome] = field(default_factory=dict)

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Batch:
        """From the state machine's input.

        Raises:
            NotInBulk: when the operation answers no single objects.
            PlaceRefused: when the run's id or attempt names a place that is not its own.
        """
        run, batch = event["run"], event["batch"]
        operation = OPERATIONS.get(run["operation"])
        if operation is None or not runs_in_bulk(operation):
            raise NotInBulk(f"'{run['operation']}' is no operation that runs in bulk.")
        return cls(
            AttemptKeys(run["id"], run["attempt"]),
            operation,
            run["query"],
            run["limit_usd"],
            # A run that an older machine began, and that goes on over a deployment, tells none.
            event.get("execution", run["id"]),
            batch["number"],
            batch["objects"],
        )

    def fail(self, indices: list[int], error: RequestRefused) -> None:
        """Ends objects that have no line yet."""
        for index in indices:
            self.lines.setdefault(index, failed({"key": self.objects[index].get("key")}, error))

    @property
    def most_bytes(self) -> int:
        """Of an object, by what the operation takes."""
        body = self.operation.body
        return body.most_bytes if isinstance(body, TextBody | ImageBody) else IMAGE_BYTES

    @property
    def open(self) -> list[int]:
        """Places of the objects without a line."""
        return [index for index in range(len(self.objects)) if index not in self.lines]


def work(worker: Worker, batch: Batch, remaining_seconds: Callable[[], float]) -> dict[str, int]:
    """Ends every object of the batch, and counts them. What was answered before is not asked about again.

    Raises:
        QueueTooLong: when the batch has to come back later, because too many calls wait or another worker has it;
            nothing of it was asked or charged.
        ClientError, BotoCoreError: when S3, SQS or DynamoDB do not answer; then the same batch may be worked again.
    """
    held = worker.dynamodb, worker.table, batch.keys.lease(batch.number)
    with lease(*held, worker.now(), remaining_seconds(), worker.keep_seconds):
        lines = written(worker, batch)
        if lines is None:
            resume(worker, batch)
            rate_limiter = rate_limiter_of(worker, batch.operation)
            contents = read_all(worker, batch, remaining_seconds)
            calls = calls_of(batch.operation, contents)
            first = worker.now() + (rate_limiter.book(len(calls)) if calls else 0.0)
            ask_all(worker, batch, calls, rate_limiter, first, remaining_seconds)
            lines = write(worker, batch)
    return settle_counts(worker, batch, lines)


def give_up(worker: Worker, batch: Batch) -> dict[str, int]:
    """Ends a batch whose worker failed again and again: what was not answered is failed, and can be redriven."""
    lines = written(worker, batch)
    if lines is None:
        resume(worker, batch)
        batch.fail(
            batch.open, unavailable("WorkerFailed", "The worker of this batch did not come to its end.")
        )
        lines = write(worker, batch)
    return settle_counts(worker, batch, lines)


def resume(worker: Worker, batch: Batch) -> None:
    """Takes over what workers that died were told."""
    batch.lines |= kept(worker.s3, worker.bucket, batch.keys, batch.number)


def rate_limiter_of(worker: Worker, operation: Operation) -> RateLimiter:
    """The token bucket of what the operation calls, shared by all runs of the deployment."""
    name = f"{operation.service}#{called_of(operation).api}"
    rate = rate_of(worker.calls_per_second, operation)
    return RateLimiter(worker.dynamodb, worker.table, name, rate, worker.longest_wait_seconds, worker.now)


def read_all(worker: Worker, batch: Batch, remaining_seconds: Callable[[], float]) -> list[Content]:
    """The objects without a line that could be read, in the version that was listed; the others have ended.

    What S3 may give later is asked for again when all others were, and no longer than there is time to ask about it.
    """
    contents: list[Content] = []
    refused: dict[int, RequestRefused] = {}
    left = batch.open
    for number in range(TRIES):
        if number:
            worker.sleep(PAUSE_SECONDS)
        again: list[int] = []
        for index in left:
            if remaining_seconds() < CLOSING_SECONDS:
                again.append(index)
                continue
            try:
                contents.append(read(worker, batch, index))
            except RequestRefused as error:
                if error.may_pass:
                    refused[index] = error
                    again.append(index)
                else:
                    batch.fail([index], error)
        left = again
        if not left or remaining_seconds() < CLOSING_SECONDS:
            break
    for index in left:
        batch.fail([index], refused.get(index, LATE))
    return sorted(contents, key=lambda content: content.index)


def read(worker: Worker, batch: Batch, index: int) -> Content:
    """One object of a batch.

    Raises:
        RequestRefused: when it has no key, is gone, has changed since it was listed, is archived, is too large or
            cannot be read.
    """
    about_object, most_bytes = batch.objects[index], batch.most_bytes
    key = about_object.get("key")
    if not is_key(key):
        raise bad_request("NoKey", "An object's key is a text of 1 to 1,024 bytes of UTF-8.", "key")
    if not batch.keys.may_read(key):
        raise bad_request("NoInput", "What lies there is no input of a run.", "key")
    wanted = {"IfMatch": str(about_object["etag"])} if about_object.get("etag") else {}
    try:
        response = worker.s3.get_object(Bucket=worker.bucket, Key=key, **wanted)
        if response["ContentLength"] > most_bytes:
            response["Body"].close()
            size = f"{response['ContentLength']:,} bytes; at most {most_bytes:,} are taken"
            raise too_large("ObjectTooLarge", f"The object has {size}.", "body")
        content = response["Body"].read()
    except ClientError as error:
        raise refusal_of(error.response["Error"]["Code"]) from error
    except BotoCoreError as error:
        raise unavailable("ObjectUnreadable", "S3 did not answer. Try again.") from error
    about = {
        "key": key,
        "version_id": response.get("VersionId"),
        "etag": response["ETag"].strip('"'),
    }
    return Content(index, content, about)


def refusal_of(code: str) -> RequestRefused:
    """What S3's code means for an object. Only what S3 itself calls passing is asked for again."""
    if code in NOT_FOUND:
        return bad_request("ObjectMissing", "There is no such object any more.", "key")
    if code in CHANGED:
        return bad_request(OBJECT_CHANGED, "The object has changed since it was listed.", "key")
    if code == ARCHIVED:
        return bad_request(
            "ObjectArchived", "The object is archived. Restore it, then redrive the run.", "key"
        )
    if code in PASSING or re.fullmatch(r"5\d\d", code):
        return unavailable("ObjectUnreadable", f"S3 did not give the object just now ({code}).")
    return bad_request(
        "ObjectForbidden",
        f"S3 does not let the worker read the object ({code}): look at its policy, and at its KMS key's.",
        "key",
    )


def ask_all(
    worker: Worker,
    batch: Batch,
    calls: list[list[Content]],
    rate_limiter: RateLimiter,
    first: float,
    remaining_seconds: Callable[[], float],
) -> None:
    """Makes the calls at their rate, those that may succeed later again, and ends every object.

    From the first call on nothing may end this early: what was answered was charged, and has to be written.
    """
    refused: dict[int, RequestRefused] = {}
    for _ in range(TRIES):
        again: list[list[Content]] = []
        for number, contents in enumerate(calls):
            wait = max(0.0, first + number * rate_limiter.interval_seconds - worker.now())
            if remaining_seconds() - wait < CLOSING_SECONDS:
                break
            worker.sleep(wait)
            if left := make_call(worker, batch, contents, rate_limiter, refused):
                again.append(left)
        if not again or remaining_seconds() < CLOSING_SECONDS:
            break
        try:
            calls, first = again, worker.now() + rate_limiter.book(len(again))
        except (QueueTooLong, ClientError, BotoCoreError):
            break
    for index in batch.open:
        batch.fail([index], refused.get(index, LATE))


def make_call(
    worker: Worker,
    batch: Batch,
    contents: list[Content],
    rate_limiter: RateLimiter,
    refused: dict[int, RequestRefused],
) -> list[Content]:
    """One call within the run's money; returns what may be asked about again, with its reasons in `refused`."""
    usd = price(batch, contents)
    indices = [content.index for content in contents]
    if usd is None and batch.operation.price is not None:
        batch.fail(
            indices, RequestRefused(422, "PriceUnknown", "Nobody confirmed the price, so no limit holds it.")
        )
        return []
    try:
        reserved = reserve(budgets(worker, batch) if usd else [], usd or 0.0)
    except RequestRefused as error:
        if error.is_final or error.code == SPENT:
            batch.fail(indices, RequestRefused(503, "LimitReached", "The run may cost no more."))
            return []
        unknown = unavailable("LimitUnknown", "What the run has cost cannot be told just now.")
        refused |= dict.fromkeys(indices, unknown)
        return contents
    asked = ask(batch.operation, batch.query, contents)
    usd_of_retries = (usd or 0.0) * asked.retries
    outcomes = asked.outcomes
    now_refused = {
        index: outcome for index, outcome in outcomes.items() if isinstance(outcome, RequestRefused)
    }
    refused |= now_refused
    ended: dict[int, Outcome] = {}
    for content in contents:
        outcome = outcomes[content.index]
        if not isinstance(outcome, RequestRefused):
            ended[content.index] = outcome
        elif not outcome.may_pass:
            ended[content.index] = failed(content.about, outcome)
    batch.lines |= ended
    if ended:
        # Before the next call, and before the money is settled: from here on no worker asks about these again.
        unless_unreachable(lambda: keep(worker.s3, worker.bucket, batch.keys, batch.number, ended))
    reserved.settle(usd_of(batch, contents, now_refused) + usd_of_retries)
    if any(error.code == THROTTLED for error in now_refused.values()):
        unless_unreachable(lambda: rate_limiter.push_back(PAUSE_SECONDS))
    return [content for content in contents if content.index not in batch.lines]


def unless_unreachable(run: Callable[[], None]) -> None:
    """Does what makes a run cheaper or gentler, but is not worth an answer that was charged."""
    try:
        run()
    except (ClientError, BotoCoreError):
        return


def usd_of(batch: Batch, contents: list[Content], refused: Mapping[int, RequestRefused]) -> float:
    """What a call may have been charged for its objects, beside its tries before the answer.

    What the service refused it does not charge; each try of a call that was lost on the way may have been charged.
    """
    usd = 0.0
    for content in contents:
        tries = MAYBE_CHARGED.get(refused[content.index].code, 0) if content.index in refused else 1
        usd += tries * (price(batch, [content]) or 0.0)
    return usd


def price(batch: Batch, contents: list[Content]) -> float | None:
    """What a call about these costs at the list price; None where it has no price."""
    units = len(contents)
    if isinstance(batch.operation.body, TextBody):
        units = sum(text_units(content.body.decode("utf-8", "replace")) for content in contents)
    options = read_options(batch.operation.options, {"queryStringParameters": dict(batch.query)})
    return cost_of(price_of(batch.operation, options), batch.operation.unit, units).usd


def budgets(worker: Worker, batch: Batch) -> list[Budget]:
    """What pays for a call: the run, whose attempts share what it was allowed, the execution, and all runs of a month.

    Whoever starts an execution chooses the run's id and limit. The other two are the deployment's own.
    """
    held = partial(
        Budget, worker.dynamodb, worker.table, now=lambda: datetime.fromtimestamp(worker.now(), UTC)
    )
    of_run = worker.limit_usd if batch.limit_usd is None else min(batch.limit_usd, worker.limit_usd)
    return [
        held(f"money#{batch.keys.run}", of_run, period=RUN),
        held(f"money#{batch.execution}", worker.limit_usd, period=RUN),
        held("money", worker.monthly_limit_usd, period=MONTH),
    ]


def written(worker: Worker, batch: Batch) -> list[Outcome] | None:
    """The lines that an earlier delivery of the same batch wrote; None where there was none."""
    try:
        response = worker.s3.get_object(Bucket=worker.bucket, Key=batch.keys.outcome(batch.number))
    except ClientError as error:
        if error.response["Error"]["Code"] in NOT_FOUND:
            return None
        raise
    return [json.loads(line) for line in response["Body"].read().splitlines()]


def write(worker: Worker, batch: Batch) -> list[Outcome]:
    """Writes every object's line in one object, unless somebody else did meanwhile: then theirs counts."""
    lines = [batch.lines[index] for index in range(len(batch.objects))]
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    wanted = {"Bucket": worker.bucket, "Key": batch.keys.outcome(batch.number), "Body": body}
    for attempt in range(1, TRIES + 1):
        try:
            worker.s3.put_object(**wanted, ContentType="application/jsonl", IfNoneMatch="*")
            return lines
        except ClientError as error:
            theirs = written(worker, batch) if error.response["Error"]["Code"] in CHANGED else None
            if theirs is not None:
                return theirs
            if attempt == TRIES:
                raise
        except BotoCoreError:
            # It may have been written all the same; the condition will tell.
            if attempt == TRIES:
                raise
        worker.sleep(PAUSE_SECONDS)
    return lines


def settle_counts(worker: Worker, batch: Batch, lines: list[Outcome]) -> dict[str, int]:
    """Counts the batch once, however often it is delivered, and tells of failures."""
    keys = batch.keys
    bad = sum(line["outcome"] == "failed" for line in lines)
    mendable = sum(line.get("redrive_may_mend", False) for line in lines)
    counts = {"done": len(lines) - bad, "failed": bad, "mendable": mendable}
    expiry = {"N": str(int(worker.now()) + worker.keep_seconds)}
    marker = {
        "TableName": worker.table,
        "Item": {"id": {"S": keys.marker(batch.number)}, "expires_at": expiry},
        "ConditionExpression": "attribute_not_exists(id)",
    }
    counter = {
        "TableName": worker.table,
        "Key": {"id": {"S": keys.counter}},
        "UpdateExpression": "ADD done :done, failed :failed, mendable :mendable "
        "SET expires_at = if_not_exists(expires_at, :expiry)",
        "ExpressionAttributeValues": {
            **{f":{name}": {"N": str(count)} for name, count in counts.items()},
            ":expiry": expiry,
        },
    }
    count_once(worker, marker, counter)
    # Last, so that a queue that takes nothing keeps no run from its end: the redrive reads the outcomes.
    if bad:
        message = {
            "run": keys.run,
            "attempt": keys.attempt,
            "outcomes": keys.outcome(batch.number),
            "failed": bad,
        }
        worker.sqs.send_message(QueueUrl=worker.queue_url, MessageBody=json.dumps(message))
    return {"done": counts["done"], "failed": bad}


def count_once(worker: Worker, marker: Mapping[str, Any], counter: Mapping[str, Any]) -> None:
    """Raises the counts unless the batch has its mark already; workers who meet at the counter wait their turn."""
    for attempt in range(1, COUNT_TRIES + 1):
        try:
            worker.dynamodb.transact_write_items(TransactItems=[{"Put": marker}, {"Update": counter}])
            return
        except worker.dynamodb.exceptions.TransactionCanceledException as error:
            reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
            if reasons[:1] == ["ConditionalCheckFailed"]:
                return
            if attempt == COUNT_TRIES:
                raise
        # Each batch has a pause of its own, so that they do not meet again.
        worker.sleep(attempt * (0.1 + random.random() / 5))


def count(worker: Worker, keys: AttemptKeys, objects: int) -> dict[str, int]:
    """How many objects of an attempt are done, failed, and in neither."""
    response = worker.dynamodb.get_item(
        TableName=worker.table, Key={"id": {"S": keys.counter}}, ConsistentRead=True
    ).get("Item", {})
    done, bad = (int(response.get(name, {"N": "0"})["N"]) for name in ("done", "failed"))
    return {"objects": objects, "done": done, "failed": bad, "missing": objects - done - bad}
