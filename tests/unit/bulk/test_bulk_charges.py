"""What a run may cost is never exceeded, and what may have been charged is counted."""

from __future__ import annotations

import io
import json

import pytest

from lambdas.bulk.batch import Worker
from lambdas.bulk.work import work
from lambdas.common.spending import METRIC
from lambdas.custom import operations as custom

from .conftest import PRICE
from .looking import TEXTS, codes, lines_of, plenty, spent_usd


def test_the_runs_limit_is_never_exceeded_and_what_it_stops_can_be_redriven(worker, batch, comprehend, keys):
    # A call of 25 texts is 75 units; it holds twice its price while it is made.
    limit = 75 * PRICE * 2.5
    counts = work(worker, batch(TEXTS, limit_usd=limit), plenty)
    assert counts == {"done": 25, "failed": 35} or counts == {"done": 35, "failed": 25}
    assert spent_usd(worker) <= limit
    assert spent_usd(worker) == pytest.approx(sum(comprehend.charged.values()) * 3 * PRICE)
    assert set(codes(lines_of(worker, keys)).values()) == {"done", "LimitReached"}


def test_a_call_whose_answer_was_lost_stays_counted_as_money(worker, batch, comprehend):
    comprehend.faults = {"lost": 1.0}
    work(worker, batch({"a.txt": "Good."}), plenty)
    assert spent_usd(worker) >= comprehend.charged["Good."] * 3 * PRICE > 0


def test_an_unreadable_answer_is_not_asked_for_again_and_stays_charged(worker, batch, comprehend, keys):
    comprehend.faults = {"unreadable": 1.0}
    assert work(worker, batch({"a.txt": "Good."}), plenty) == {"done": 0, "failed": 1}
    assert codes(lines_of(worker, keys)) == {"a.txt": "AnswerUnreadable"}
    assert comprehend.charged == {"Good.": 1}
    assert spent_usd(worker) == pytest.approx(3 * PRICE)


MANY = {f"{number}.txt": "x" * 5_000 for number in range(50)}
# A call of 25 texts of 50 units, with the retry that it holds.
CALL_USD = 25 * 50 * PRICE * 2


@pytest.mark.threat
@pytest.mark.parametrize("said", [None, 1e9], ids=["nothing", "a billion"])
def test_whatever_the_input_says_of_a_limit_the_workers_own_holds(worker, batch, comprehend, said):
    held = Worker(**{**vars(worker), "limit_usd": CALL_USD})
    assert work(held, batch(MANY, limit_usd=said), plenty) == {"done": 25, "failed": 25}
    assert spent_usd(worker) <= CALL_USD


def test_another_id_of_a_run_is_no_fresh_money_for_its_execution(worker, batch, comprehend):
    held = Worker(**{**vars(worker), "limit_usd": CALL_USD})
    work(held, batch(MANY), plenty)
    renamed = batch(MANY, id="another", started_at=4_000_000, number=2)
    assert work(held, renamed, plenty) == {"done": 0, "failed": 50}


@pytest.mark.parametrize("said", [None, 1e9], ids=["nothing", "a billion"])
def test_the_workers_own_limit_of_a_run_holds_for_all_its_executions(worker, batch, comprehend, said):
    held = Worker(**{**vars(worker), "limit_usd": CALL_USD})
    assert work(held, batch(MANY, limit_usd=said), plenty)["done"] == 25
    again = batch(MANY, limit_usd=said, execution="two", number=2)
    assert work(held, again, plenty) == {"done": 0, "failed": 50}


def test_what_a_run_was_allowed_holds_for_all_its_executions(worker, batch, comprehend):
    assert work(worker, batch(MANY, limit_usd=CALL_USD), plenty)["done"] == 25
    again = batch(MANY, limit_usd=CALL_USD, execution="two", number=2)
    assert work(worker, again, plenty) == {"done": 0, "failed": 50}


def test_all_runs_of_a_month_share_the_deployments_money(worker, batch, comprehend):
    held = Worker(**{**vars(worker), "monthly_limit_usd": CALL_USD})
    assert work(held, batch(MANY), plenty)["done"] == 25
    other = batch(MANY, id="another", execution="two", number=2)
    assert work(held, other, plenty) == {"done": 0, "failed": 50}


def test_half_of_a_months_money_is_told_and_less_is_not(worker, batch, comprehend, capsys):
    held = Worker(**{**vars(worker), "monthly_limit_usd": 2.5 * CALL_USD})
    first = dict(list(MANY.items())[:25])
    work(held, batch(first), plenty)
    assert METRIC not in capsys.readouterr().out
    work(held, batch(first, id="another", execution="two", number=2), plenty)
    (told,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if METRIC in line]
    assert (told["environment"], told["service"]) == ("dev", "bulk-spending")


def test_an_operation_of_our_own_network_costs_nothing_by_the_call(worker, batch, comprehend, monkeypatch):
    class Endpoint:
        def invoke_endpoint(self, **_):
            content = json.dumps({"predictions": [{"probabilities": {"walking": 1.0}}]}).encode()
            return {"Body": io.BytesIO(content)}

    monkeypatch.setattr(custom, "client", lambda _: Endpoint())
    monkeypatch.setenv("RNN_ENDPOINT_NAME", "recognition-dev-rnn")
    made = batch({"walk.json": '{"sequence": [[1.0, 2.0]]}'}, operation="sequence-class", limit_usd=None)
    assert work(worker, made, plenty) == {"done": 1, "failed": 0}
    assert spent_usd(worker) == 0


def test_what_has_a_price_that_nobody_confirmed_is_not_asked(worker, batch, comprehend, keys):
    assert work(worker, batch({"a.txt": "Good."}, operation="text-toxicity"), plenty)["failed"] == 1
    assert codes(lines_of(worker, keys)) == {"a.txt": "PriceUnknown"}
