"""What a bulk run over many objects meets: money, rates, workers, items that everybody writes, its own time."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.capacity import KILOBYTES_PER_GIGABYTE
from advisor.limits import calls_per_second
from advisor.prices import price_table
from advisor.tables import assumptions
from cli.bulk.plan import IMAGES_IN_A_BATCH, TEXTS_IN_A_BATCH, BulkRequest, units_of, usd_per_unit
from cli.plan.checks import Check, ScalePlan, by_limit, charge, charges, duration, number, quota, setting
from definitions.counts import counted
from definitions.service_limits import SERVICE_LIMITS
from lambdas.bulk.asking import batch_operation, called_of, rate_of
from lambdas.bulk.batch import CLOSING_SECONDS
from lambdas.common.bodies import TextBody
from stacks.settings import EnvironmentSettings
from stacks.settings.api import SECONDS_A_DAY
from stacks.settings.bulk import MACHINE_TIMEOUT_DAYS, WORKER_TIMEOUT_SECONDS

# Each call reserves money in the run's, the execution's and the month's budget, an item each, and gives back what it
# did not need (lambdas/bulk/charges.py, lambdas/common/budget.py).
BUDGETS, WRITES_OF_A_BUDGET = 3, 2
# A batch's lease is taken and given back, its calls are booked, and its mark and counts are a transaction of two
# writes, each of which takes two units.
WRITES_OF_A_BATCH = 7
# The start of a child and its one state.
TRANSITIONS_OF_A_BATCH = 2
MONTH_SECONDS = 30 * SECONDS_A_DAY
# Of a batch's line beside the keys: names, entity tags and punctuation of each object.
LINE_BYTES_OF_AN_OBJECT = 60


@dataclass(frozen=True)
class Shape:
    """How a run is divided.

    Attributes:
        objects, calls, batches: of the run.
        objects_of_a_call: at most.
        call_seconds: of a worker for a call, with reading its objects and its own writes.
    """

    objects: int
    calls: int
    batches: int
    objects_of_a_call: int
    call_seconds: float

    @classmethod
    def of(cls, request: BulkRequest, objects: int) -> Shape:
        """As the plan of a run divides them (cli/bulk/plan.py)."""
        several, scale = batch_operation(request.operation), assumptions()["scale"]
        size = TEXTS_IN_A_BATCH if isinstance(request.operation.body, TextBody) else IMAGES_IN_A_BATCH
        together = SERVICE_LIMITS[several.api].most_documents if several else 1
        whole, left = divmod(objects, size)
        calls = whole * -(-size // together) + -(-left // together)
        seconds = scale["call_seconds"] + scale["overhead_seconds"] + together * scale["read_seconds"]
        return cls(objects, calls, whole + bool(left), together, seconds)


def plan(request: BulkRequest, objects: int, settings: EnvironmentSettings, days: float | None) -> ScalePlan:
    """A run over so many objects.

    Args:
        request: what is asked.
        objects: how many.
        settings: of the environment.
        days: in which it shall be done; None for as long as the settings take.

    Raises:
        CommandFailed: when nobody confirmed the operation's price.
    """
    shape, prices = Shape.of(request, objects), price_table(settings.region)
    usd_of_unit = usd_per_unit(request, settings.region)
    units = objects * units_of(request.operation, int(assumptions()["item"]["characters_per_item"]))
    usd_at_list = units * usd_of_unit
    allowed = rate_of(settings.bulk.calls_per_second, request.operation)
    # What the workers can do may be less than what the rate allows.
    rate = (
        shape.calls / (days * SECONDS_A_DAY)
        if days
        else min(allowed, settings.bulk.workers / shape.call_seconds)
    )
    seconds, workers = shape.calls / rate, rate * shape.call_seconds
    checks = [
        *money_checks(usd_at_list, seconds, settings),
        *rate_checks(shape, rate, called_of(request.operation).api, allowed, settings),
        *worker_checks(shape, rate, workers, settings),
        *item_checks(shape, rate, is_priced=bool(usd_of_unit)),
        *machine_checks(shape, rate, seconds, settings),
    ]
    started = max(workers, min(settings.bulk.workers, shape.batches))
    gigabyte_seconds = started * seconds * settings.api.function_memory_megabytes / 1024
    writes = shape.batches * WRITES_OF_A_BATCH
    if usd_of_unit:
        writes += shape.calls * BUDGETS * WRITES_OF_A_BUDGET
    price = request.operation.price
    usd = {
        "the service": charge(prices, price, units) if price else 0.0,
        "Lambda": charges(
            prices, {"lambda.request": shape.batches, "lambda.arm64.gb_second": gigabyte_seconds}
        ),
        "DynamoDB": charge(prices, "dynamodb.write_unit", writes),
        "Step Functions": charge(prices, "stepfunctions.transition", shape.batches * TRANSITIONS_OF_A_BATCH),
        "S3 writes": charge(prices, "s3.put", shape.calls + shape.batches),
        "S3 reads": charge(prices, "s3.get", shape.objects + shape.batches),
        "the answers in S3 for a month": charge(
            prices,
            "s3.standard.gb_month",
            objects * assumptions()["sent"]["answer_kilobytes"] / KILOBYTES_PER_GIGABYTE,
        ),
    }
    assumed = [
        f"{counted(shape.calls, 'call')} in {counted(shape.batches, 'batch', 'batches')}, {number(rate)} calls a "
        f"second; a worker takes {shape.call_seconds:.2f} s for a call ([scale] of advisor/data/assumptions.toml).",
        f"The run's limits count {usd_at_list:,.0f} US dollars, the list price of the first tier.",
    ]
    if not price:
        assumed.append(
            "The network's endpoint is paid for by the hour; `recognition plan requests` counts its instances."
        )
    return ScalePlan(
        f"{counted(objects, 'object')} by {request.operation.name}", checks, usd, "run", seconds, assumed
    )


def money_checks(usd: float, seconds: float, settings: EnvironmentSettings) -> list[Check]:
    """What the deployment lets a run, and all of a month's runs, cost; an operation without a price costs none."""
    if not usd:
        return []
    in_a_month = usd * min(1.0, MONTH_SECONDS / seconds)
    return [
        setting("bulk.limit_usd", usd, settings.bulk.limit_usd, "US dollars"),
        setting("bulk.monthly_limit_usd", in_a_month, settings.bulk.monthly_limit_usd, "US dollars a month"),
    ]


def rate_checks(
    shape: Shape, rate: float, api: str, allowed: float, settings: EnvironmentSettings
) -> list[Check]:
    """How often the service is asked, and S3."""
    checks = [setting(f"bulk.calls_per_second of {api}", rate, allowed, "calls a second")]
    if of_service := calls_per_second(api, settings.region):
        checks.append(by_limit(of_service, rate))
    own_writes = rate * (1 + shape.batches / shape.calls)
    return [
        *checks,
        quota(
            "s3.puts_per_second",
            own_writes,
            "The run's own answers lie below one prefix: divide it into several runs.",
        ),
        quota(
            "s3.gets_per_second", rate * shape.objects_of_a_call, "Divide the objects over several prefixes."
        ),
    ]


def worker_checks(shape: Shape, rate: float, workers: float, settings: EnvironmentSettings) -> list[Check]:
    """Batches at the same time, and the time of one."""
    # All calls of a batch after its wait; they come at the rate, or one after the other where that is slower.
    calls = shape.calls / shape.batches
    busy = settings.bulk.longest_wait_seconds + calls * max(1 / rate, shape.call_seconds)
    return [
        setting("bulk.workers", workers, settings.bulk.workers, "batches at the same time"),
        quota("lambda.concurrent_executions", max(workers, settings.bulk.workers)),
        quota(
            "stepfunctions.map_concurrency",
            max(workers, settings.bulk.workers),
            "Divide the objects into several runs.",
        ),
        Check(
            "The worker's time for a batch, of this project",
            busy,
            WORKER_TIMEOUT_SECONDS - CLOSING_SECONDS,
            "s",
            "What is not asked in time fails: lower bulk.longest_wait_seconds in cdk.json, or raise the rate.",
        ),
    ]


def item_checks(shape: Shape, rate: float, *, is_priced: bool) -> list[Check]:
    """The items of DynamoDB that every worker writes."""
    batches = rate * shape.batches / shape.calls
    checks = [
        named(
            quota("dynamodb.item_writes_per_second", batches, "Ask for larger batches."),
            "the token bucket's item",
        ),
        # A write in a transaction takes two units.
        named(
            quota("dynamodb.item_writes_per_second", 2 * batches, "Ask for larger batches."),
            "the run's counts",
        ),
    ]
    if is_priced:
        change = (
            f"Each call writes it {WRITES_OF_A_BUDGET} times, and so the run's. No setting helps: here the project's "
            "own design ends. Ask for fewer calls a second."
        )
        writes = rate * WRITES_OF_A_BUDGET
        checks.append(named(quota("dynamodb.item_writes_per_second", writes, change), "the month's budget"))
    return checks


def named(check: Check, item: str) -> Check:
    """A check of an item, with which one it is."""
    return Check(f"{check.name}: {item}", check.needed, check.allowed, check.unit, check.change, check.quota)


def machine_checks(shape: Shape, rate: float, seconds: float, settings: EnvironmentSettings) -> list[Check]:
    """The state machine, and how long what it left is kept."""
    objects = shape.objects / shape.batches
    line = objects * (assumptions()["scale"]["key_bytes"] + LINE_BYTES_OF_AN_OBJECT)
    longer = f"The run takes {duration(seconds)}: raise the rate"
    return [
        Check(
            "The run's time, of this project",
            seconds,
            MACHINE_TIMEOUT_DAYS * SECONDS_A_DAY,
            "s",
            f"{longer}, or resume it.",
        ),
        Check(
            f"api.retention_days in cdk.json ({settings.api.retention_days})",
            seconds,
            settings.api.retention_days * SECONDS_A_DAY,
            "s",
            f"{longer}, or set more days: the run's counts and answers expire before its end.",
        ),
        quota("stepfunctions.state_bytes", line, "Shorten the keys: batches become smaller."),
        quota("stepfunctions.manifest_bytes", line * shape.batches, "Divide the objects into several runs."),
        quota("stepfunctions.starts_per_second", rate * shape.batches / shape.calls),
    ]
