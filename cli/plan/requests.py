"""What so many requests a second through the API meet: throttles, functions, the service or the endpoint, budgets."""

from __future__ import annotations

import math

from advisor.capacity import KILOBYTES_PER_GIGABYTE
from advisor.limits import calls_per_second
from advisor.prices import PriceTable, price_table
from advisor.tables import assumptions
from cli.bulk.plan import BulkRequest, units_of, usd_per_unit
from cli.plan.bulk_runs import named
from cli.plan.checks import Check, ScalePlan, by_limit, charge, charges, number, quota, setting
from definitions.counts import counted
from lambdas.common.operations import Operation
from stacks.settings import EnvironmentSettings
from stacks.settings.instance_families import has_gpu, has_local_storage

HOURS_A_MONTH, SECONDS_AN_HOUR = 730, 3_600
# Each budget of a caller and of the deployment, of the hour and of the month, is an item that a priced request writes
# twice: money is reserved, and what was not needed given back (lambdas/common/spending.py).
BUDGETS, WRITES_OF_A_BUDGET = 4, 2
FIVE_MINUTES = 300
# A body reaches a function as Base64.
BASE64 = 4 / 3


def plan(
    request: BulkRequest, rate: float, kilobytes: float, callers: int, settings: EnvironmentSettings
) -> ScalePlan:
    """A constant rate of requests.

    Args:
        request: the operation and its options.
        rate: requests a second.
        kilobytes: of a body.
        callers: that share them evenly.
        settings: of the environment.

    Raises:
        CommandFailed: when nobody confirmed the operation's price.
    """
    operation, prices = request.operation, price_table(settings.region)
    usd_of_unit = usd_per_unit(request, settings.region)
    units = units_of(operation, int(assumptions()["item"]["characters_per_item"]))
    seconds = seconds_of(operation, settings)
    checks = [
        *gateway_checks(rate, callers, kilobytes, settings),
        *function_checks(rate * seconds, settings),
    ]
    month = rate * HOURS_A_MONTH * SECONDS_AN_HOUR
    gigabyte_seconds = month * seconds * settings.api.function_memory_megabytes / 1024
    answered = month * assumptions()["sent"]["answer_kilobytes"] / KILOBYTES_PER_GIGABYTE
    usd = {
        "API Gateway": charge(prices, "apigateway.request", month),
        "data out of AWS": charge(prices, "transfer.out_gb", answered),
        "Lambda": charges(prices, {"lambda.request": month, "lambda.arm64.gb_second": gigabyte_seconds}),
    }
    if operation.price:
        checks += spending_checks(rate, units * usd_of_unit, callers, settings)
        if limit := calls_per_second(operation.api, settings.region):
            checks.append(by_limit(limit, rate))
        usd["the service"] = charge(prices, operation.price, month * units)
        usd["DynamoDB"] = charge(prices, "dynamodb.write_unit", month * BUDGETS * WRITES_OF_A_BUDGET)
    elif settings.api.own_backend == "endpoint" and operation.service == "sagemaker-runtime":
        checks.append(endpoint_check(rate, settings))
        usd["the endpoint"] = endpoint_usd(
            rate, month * kilobytes / KILOBYTES_PER_GIGABYTE + answered, prices, settings
        )
    assumed = [
        f"A request keeps a function busy for {seconds:.2f} s ([scale] and [throughput] of "
        "advisor/data/assumptions.toml), and its answer has "
        f"{assumptions()['sent']['answer_kilobytes']:g} KB ([sent]); logs and traces are not counted.",
        f"The rate is constant; shared by {counted(callers, 'caller')}. From a standing start Lambda needs "
        f"{10 * math.ceil(rate * seconds / 1_000)} s to reach it.",
    ]
    return ScalePlan(
        f"{number(rate)} requests a second of {operation.name}", checks, usd, "month", None, assumed
    )


def seconds_of(operation: Operation, settings: EnvironmentSettings) -> float:
    """How long a request keeps its function busy."""
    scale = assumptions()["scale"]
    if operation.price:
        return scale["call_seconds"] + scale["overhead_seconds"]
    if settings.api.own_backend == "litert":
        return assumptions()["throughput"]["lambda"]["seconds"]
    return scale["overhead_seconds"]


def gateway_checks(rate: float, callers: int, kilobytes: float, settings: EnvironmentSettings) -> list[Check]:
    """API Gateway and the firewall before it, which a request meets before any function."""
    checks = [
        setting("api.requests_per_second", rate, settings.api.requests_per_second, "requests a second"),
        quota("apigateway.requests_per_second", rate),
        quota("lambda.payload_bytes", kilobytes * 1_000 * BASE64, "Send smaller bodies."),
    ]
    if firewall := settings.api.firewall:
        checks.append(
            setting(
                "api.firewall.requests_in_five_minutes",
                rate / callers * FIVE_MINUTES,
                firewall.requests_in_five_minutes,
                "requests of an address in five minutes",
            )
        )
    return checks


def function_checks(at_once: float, settings: EnvironmentSettings) -> list[Check]:
    """Functions at the same time, and how fast more of them come."""
    checks = [
        quota("lambda.concurrent_executions", at_once),
        quota("lambda.new_environments_in_ten_seconds", at_once, "Let the rate rise over minutes."),
    ]
    if reserved := settings.api.reserved_concurrency:
        checks.append(setting("api.reserved_concurrency", at_once, reserved, "requests at the same time"))
    return checks


def spending_checks(rate: float, usd: float, callers: int, settings: EnvironmentSettings) -> list[Check]:
    """What asking a managed service may cost, and the items that hold it."""
    spending, hourly = settings.api.spending, rate * SECONDS_AN_HOUR * usd
    limits = {
        "usd_per_hour": (hourly, spending.usd_per_hour, "an hour"),
        "usd_per_month": (hourly * HOURS_A_MONTH, spending.usd_per_month, "a month"),
        "caller_usd_per_hour": (hourly / callers, spending.caller_usd_per_hour, "an hour"),
        "caller_usd_per_month": (hourly * HOURS_A_MONTH / callers, spending.caller_usd_per_month, "a month"),
    }
    checks = [
        setting(f"api.spending.{name}", needed, allowed, f"US dollars {period}")
        for name, (needed, allowed, period) in limits.items()
    ]
    change = (
        "Each request writes that of the hour twice, and so that of the month. No setting helps: here the project's "
        "own design ends. Let a network of your own answer, or deploy several environments."
    )
    writes = rate * WRITES_OF_A_BUDGET
    return [
        *checks,
        named(quota("dynamodb.item_writes_per_second", writes, change), "the deployment's budget"),
        named(
            quota("dynamodb.item_writes_per_second", writes / callers, "Use more callers."),
            "a caller's budget",
        ),
    ]


def endpoint_check(rate: float, settings: EnvironmentSettings) -> Check:
    """The instances of an endpoint, or the places of a serverless one."""
    inference, throughput = settings.inference, assumptions()["throughput"]
    if inference.serverless:
        at_once = rate * throughput["serverless"]["small_seconds"]
        allowed = inference.serverless.maximum_concurrency
        return setting(
            "inference.serverless.maximum_concurrency", at_once, allowed, "requests at the same time"
        )
    needed = instances_of(rate, settings)
    name = "autoscaling.maximum_instances" if inference.autoscaling else "instance_count"
    return setting(
        f"inference.{name}",
        needed,
        inference.most_instances,
        f"× {inference.instance_type}",
        f"Set it to {needed}, and ask for as many of the quota “{inference.instance_type} for "
        "endpoint usage”, which a new account has few of. Measure yours: `recognition load`.",
    )


def instances_of(rate: float, settings: EnvironmentSettings) -> int:
    """How many instances answer so many requests a second at autoscaling's target."""
    rates = assumptions()["throughput"][
        "gpu_endpoint" if has_gpu(settings.inference.instance_type) else "cpu_endpoint"
    ]
    return math.ceil(rate / (rates["small"] * assumptions()["capacity"]["target_utilisation"]))


def endpoint_usd(
    rate: float, gigabytes: float, prices: PriceTable, settings: EnvironmentSettings
) -> float | None:
    """What the endpoint costs in a month.

    Args:
        rate: requests a second.
        gigabytes: that it is sent and answers in a month.
        prices: of the region.
        settings: of the environment.
    """
    units = {"sagemaker.endpoint.data_gb": gigabytes}
    if serverless := settings.inference.serverless:
        seconds = assumptions()["throughput"]["serverless"]["small_seconds"]
        gigabyte_seconds = seconds * serverless.memory_megabytes / 1024
        month = rate * HOURS_A_MONTH * SECONDS_AN_HOUR
        return charges(prices, {**units, "sagemaker.serverless.gb_second": month * gigabyte_seconds})
    instances, instance = instances_of(rate, settings), settings.inference.instance_type
    units[f"sagemaker.{instance}.hosting"] = instances * HOURS_A_MONTH
    if not has_local_storage(instance):
        volume = assumptions()["throughput"]["cpu_endpoint"]["volume_gigabytes"]
        units["sagemaker.endpoint.volume_gb_month"] = instances * volume
    return charges(prices, units)
