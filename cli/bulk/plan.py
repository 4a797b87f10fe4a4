"""Plans and starts bulk runs: works out cost and time, and writes the manifest of batches."""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from advisor.prices import price_table
from cli.bulk.sources import ANY, Selection, local_objects, objects_from
from cli.models.release import endpoint_name, serving_version, step_to_release
from cli.shared.errors import CommandFailed
from cli.shared.options import parse_settings
from cli.shared.run_ids import new_run_id
from cli.shared.target import Target
from definitions.parameters import BULK_CALLS_PER_SECOND, BULK_LIMIT, BULK_STATE_MACHINE, DATA_BUCKET
from definitions.service_limits import SERVICE_LIMITS
from lambdas.bulk.asking import (
    IMAGES_IN_A_BATCH,
    TEXTS_IN_A_BATCH,
    batch_operation,
    rate_of,
    runs_in_bulk,
)
from lambdas.bulk.attempt_keys import PREFIX, AttemptKeys
from lambdas.catalogue import OPERATIONS
from lambdas.common.bodies import TextBody
from lambdas.common.costs import UNIT_CHARACTERS, UNITS_LEAST, price_of
from lambdas.common.errors import RequestRefused
from lambdas.common.operations import Operation
from lambdas.common.options import read_options
from lambdas.custom.idle_endpoints import ENDPOINT
from lambdas.custom.later_labels import KIND_OF_OPERATION

# What a state may hold is 256 KiB (Step Functions' quotas); the run's own members stand beside the batch.
LINE_BYTES = 200_000


@dataclass(frozen=True)
class BulkRequest:
    """What a run is to do.

    Attributes:
        operation: of the API.
        query: its options, as query parameters.
        limit_usd: what the run may cost at the list price.
    """

    operation: Operation
    query: Mapping[str, str]
    limit_usd: float


@dataclass
class BulkPlan:
    """What a run will do: its objects, and what they cost at most.

    Attributes:
        objects: how many.
        units: that the service charges at most; a text's bytes are never fewer than its characters.
        calls: to the service.
        batches: of the manifest.
        usd: of the units at the first tier's list price; 0 where a call has no price of its own.
        seconds: at the deployment's rate, when nothing has to be asked twice.
        left_out: what of the source is not read, a sentence for each reason.
    """

    objects: int = 0
    units: int = 0
    calls: int = 0
    batches: int = 0
    usd: float = 0.0
    seconds: float = 0.0
    left_out: list[str] = field(default_factory=list)


def question_of(name: str, options: Iterable[str]) -> tuple[Operation, Mapping[str, str]]:
    """The operation and its options, as query parameters; no AWS is asked.

    Raises:
        CommandFailed: when the operation does not run in bulk, or an option is wrong.
    """
    known = {operation.name: operation for operation in OPERATIONS if runs_in_bulk(operation)}
    if name not in known:
        raise CommandFailed(f"'{name}' does not run in bulk. These do: {', '.join(sorted(known))}.")
    query = parse_settings(options, "--option")
    if ENDPOINT.name in query:
        raise CommandFailed(
            f"A bulk run asks the endpoint that always runs, so it takes no option {ENDPOINT.name}. One job over a "
            "file needs no endpoint of its own: recognition transform --help"
        )
    try:
        read_options(known[name].options, {"queryStringParameters": query})
    except RequestRefused as error:
        raise CommandFailed(error.message) from error
    return known[name], query


def limit_of(target: Target, limit_usd: float | None) -> float:
    """What a run may cost: the caller's limit, or else the deployment's.

    Raises:
        CommandFailed: when the limit is above what the deployment allows.
    """
    most = float(target.parameter(BULK_LIMIT))
    if limit_usd is not None and limit_usd > most:
        raise CommandFailed(
            f"The deployment lets no run cost more than {most:,.2f} US dollars (bulk.limit_usd in cdk.json)."
        )
    return most if limit_usd is None else limit_usd


def usd_per_unit(request: BulkRequest, region: str) -> float:
    """The list price of a unit; 0 for our own networks and classifiers, which are paid for by the hour.

    Raises:
        CommandFailed: when nobody confirmed the price, so that no limit could be held.
    """
    if request.operation.price is None:
        return 0.0
    options = read_options(request.operation.options, {"queryStringParameters": dict(request.query)})
    name = price_of(request.operation, options)
    price = price_table(region)[name] if name else None
    if price is None or not price.is_sure_at(1):
        raise CommandFailed(
            f"Nobody confirmed the price of {request.operation.name} with these options, so no limit can be held. "
            "`recognition prices refresh` may learn it."
        )
    return price.charge(1)


def require_released(target: Target, operation: Operation) -> None:
    """Refuses an operation of our own network that no endpoint would answer.

    Raises:
        CommandFailed: when no version of its kind serves.
    """
    kind = KIND_OF_OPERATION.get(operation.name)
    if kind and serving_version(target, kind) is None:
        raise CommandFailed(
            f"{operation.name} asks the {kind}, and no version of {endpoint_name(target, kind)} serves.\n"
            f"{step_to_release(target, kind)}"
        )


def batches_of(operation: Operation, objects: Iterable[Mapping[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The objects in batches, in their order; none longer than a state may be."""
    size = TEXTS_IN_A_BATCH if isinstance(operation.body, TextBody) else IMAGES_IN_A_BATCH
    batch: list[dict[str, Any]] = []
    length = 0
    for listed in objects:
        named = {"key": listed["key"], "etag": listed["etag"]}
        longer = length + len(json.dumps(named))
        if batch and (len(batch) == size or longer > LINE_BYTES):
            yield batch
            batch, longer = [], len(json.dumps(named))
        batch.append(named)
        length = longer
    if batch:
        yield batch


def write_manifest(
    operation: Operation, objects: Iterable[Mapping[str, Any]], file: BinaryIO
) -> tuple[int, int]:
    """Writes the objects to an open file, a batch a line; returns how many batches, and the calls that they take."""
    several = batch_operation(operation)
    together = SERVICE_LIMITS[several.api].most_documents if several else 1
    number = calls = 0
    for number, batch in enumerate(batches_of(operation, objects), start=1):
        file.write(json.dumps({"number": number, "objects": batch}).encode() + b"\n")
        calls += -(-len(batch) // together)
    return number, calls


def write_plan(
    operation: Operation,
    objects: Iterable[Mapping[str, Any]],
    file: BinaryIO,
    usd: float,
    calls_per_second: float,
) -> BulkPlan:
    """Writes the manifest to an open file, and adds up what its objects cost."""
    plan = BulkPlan()

    def counted() -> Iterator[Mapping[str, Any]]:
        for listed in objects:
            plan.objects += 1
            plan.units += units_of(operation, listed["size"])
            yield listed

    plan.batches, plan.calls = write_manifest(operation, counted(), file)
    plan.usd = round(plan.units * usd, 6)
    plan.seconds = plan.calls / calls_per_second
    return plan


def units_of(operation: Operation, size_bytes: int) -> int:
    """The units of an object at most."""
    if not isinstance(operation.body, TextBody):
        return 1
    return max(UNITS_LEAST, -(-min(size_bytes, operation.body.most_bytes) // UNIT_CHARACTERS))


def start(
    target: Target,
    request: BulkRequest,
    source: str,
    on_detail: Callable[[str], None] = lambda _: None,
    on_plan: Callable[[BulkPlan], None] = lambda _: None,
) -> tuple[str, BulkPlan]:
    """Plans a run and starts it; returns its id and the plan.

    Args:
        target: the deployment.
        request: what is asked.
        source: see `objects_from`.
        on_detail: hears how far the upload is.
        on_plan: hears the plan before anything is sent.

    Raises:
        CommandFailed: when there is nothing to do, or it would cost more than the limit. Then nothing was started.
    """
    run, selection = new_run_id(), Selection(request.operation.body)
    before_upload = plan_of(target, request, source) if Path(source).is_dir() else None
    if before_upload:
        on_plan(before_upload)
    with tempfile.TemporaryFile() as file:
        objects = objects_from(target, source, run, selection, on_detail)
        plan = checked_plan(target, request, source, objects, selection, file)
        if before_upload:
            plan.left_out = before_upload.left_out
        else:
            on_plan(plan)
        about = {
            "id": run,
            "operation": request.operation.name,
            "query": dict(request.query),
            "limit_usd": request.limit_usd if request.operation.price else None,
            "source": source,
            "plan": asdict(plan),
        }
        begin(target, about, 1, plan.objects, file)
    return run, plan


def plan_of(target: Target, request: BulkRequest, source: str) -> BulkPlan:
    """What a run would do and cost; nothing is sent.

    Raises:
        CommandFailed: as `start`.
    """
    selection, folder = Selection(request.operation.body), Path(source)
    if folder.is_dir():
        objects = local_objects(folder, selection)
    else:
        objects = objects_from(target, source, "", selection, lambda _: None)
    with tempfile.TemporaryFile() as file:
        return checked_plan(target, request, source, objects, selection, file)


def checked_plan(
    target: Target,
    request: BulkRequest,
    source: str,
    objects: Iterable[Mapping[str, Any]],
    selection: Selection,
    file: BinaryIO,
) -> BulkPlan:
    """The plan of objects, whose manifest is written to an open file.

    Raises:
        CommandFailed: when nothing would answer, there is nothing to do, or it would cost more than the limit.
    """
    require_released(target, request.operation)
    usd = usd_per_unit(request, target.session().region_name)
    rate = rate_of(json.loads(target.parameter(BULK_CALLS_PER_SECOND)), request.operation)
    plan = write_plan(request.operation, objects, file, usd, rate)
    plan.left_out = selection.sentences()
    if not plan.objects:
        words = [f"There is no object below {source}.", *plan.left_out]
        if source.startswith("s3://") and not source.endswith((ANY, "/", ".jsonl")):
            words.append(f"An object of this name, and whatever else begins so: {source}{ANY}")
        raise CommandFailed(" ".join(words))
    if plan.usd > request.limit_usd:
        raise CommandFailed(
            f"The run would cost up to {plan.usd:,.4f} US dollars at the list price, and its limit is "
            f"{request.limit_usd:,.4f}. Nothing was started."
        )
    return plan


def begin(
    target: Target, about: Mapping[str, Any], attempt: int, objects: int, manifest: BinaryIO | None
) -> None:
    """Starts an attempt of a run: writes its manifest, unless it is there already, and what `status` reads."""
    bucket, s3 = target.parameter(DATA_BUCKET), target.client("s3")
    keys = AttemptKeys(about["id"], attempt)
    if manifest is not None:
        manifest.seek(0)
        s3.upload_fileobj(manifest, bucket, keys.manifest)
    names = ("id", "operation", "query", "limit_usd")
    run = {**{name: about[name] for name in names}, "attempt": attempt, "objects": objects}
    machine = target.parameter(BULK_STATE_MACHINE)
    execution = target.client("stepfunctions").start_execution(
        stateMachineArn=machine,
        name=f"{about['id']}-{attempt}-{uuid.uuid4().hex[:6]}",
        input=json.dumps({"run": run}),
    )
    record = {**about, "attempt": attempt, "objects": objects, "execution_arn": execution["executionArn"]}
    s3.put_object(Bucket=bucket, Key=record_key(about["id"]), Body=json.dumps(record).encode())


def record_key(run: str) -> str:
    """Where the command keeps what it knows of a run."""
    return f"{PREFIX}/{run}/run.json"
