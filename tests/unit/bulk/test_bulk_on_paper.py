"""What `recognition plan bulk` says of a run, against the worker itself working a small one."""

from __future__ import annotations

from collections import Counter

import pytest

from cli.bulk.plan import BulkRequest, question_of
from cli.plan import bulk_runs
from lambdas.bulk.work import work
from lambdas.common.budget import PER_USD
from stacks.settings import EnvironmentSettings

from .conftest import PRICE

COUNT = 230


@pytest.fixture
def writes(dynamodb):
    """Units that are written of each item, by the first part of its id."""
    counted: Counter[str] = Counter()

    def update(params, **_):
        counted[params["Key"]["id"]["S"].partition("#")[0]] += 1

    def transact(params, **_):
        for action in params["TransactItems"]:
            ((_, write),) = action.items()
            # A write in a transaction takes two units.
            counted[(write.get("Key") or write["Item"])["id"]["S"].partition("#")[0]] += 2

    hooks = {"UpdateItem": update, "TransactWriteItems": transact}
    for name, hook in hooks.items():
        dynamodb.meta.events.register(f"provide-client-params.dynamodb.{name}", hook)
    yield counted
    for name, hook in hooks.items():
        dynamodb.meta.events.unregister(f"provide-client-params.dynamodb.{name}", hook)


def test_calls_batches_cost_and_writes_of_a_small_run_are_those_on_paper(
    worker, batch, comprehend, writes, dynamodb
):
    request = BulkRequest(*question_of("text-sentiment", []), 10.0)
    shape = bulk_runs.Shape.of(request, COUNT)
    texts = {f"{number:03}.txt": f"Text number {number}." for number in range(COUNT)}
    names = list(texts)
    for number in range(shape.batches):
        part = names[number * 200 : (number + 1) * 200]
        work(worker, batch({name: texts[name] for name in part}, number=number + 1), lambda: 1_000.0)
    assert len(comprehend.calls) == shape.calls
    assert sum(comprehend.charged.values()) == shape.objects
    money = writes.pop("money")
    assert money == shape.calls * bulk_runs.BUDGETS * bulk_runs.WRITES_OF_A_BUDGET
    # The bucket that nobody used is written twice: it is not there to be moved on.
    assert sum(writes.values()) == pytest.approx(
        shape.batches * bulk_runs.WRITES_OF_A_BATCH, abs=shape.batches
    )
    spent = dynamodb.get_item(TableName=worker.table, Key={"id": {"S": "money#one#all"}})["Item"]["reserved"][
        "N"
    ]
    plan = bulk_runs.plan(request, COUNT, EnvironmentSettings(name="dev"), None)
    (listed,) = [check.needed for check in plan.checks if check.name.startswith("bulk.limit_usd")]
    assert int(spent) / PER_USD == pytest.approx(listed) == pytest.approx(COUNT * 3 * PRICE)
