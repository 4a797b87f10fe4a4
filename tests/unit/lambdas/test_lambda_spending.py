"""Whatever has a price is asked within its caller's and the deployment's budgets of the hour and of the month."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from lambdas.common import budget, repeats, spending
from lambdas.common.answers import BatchAnswer, CallCost, Reading
from lambdas.common.callers import payer_of
from lambdas.common.clients import ATTEMPTS

from .conftest import BY_NAME, EXAMPLES, FUNCTION_OF, PLAIN, service_answer

PLENTY = {"hour": 1_000.0, "month": 1_000.0}
NOTHING = 1e-9
PRICED = [name for name, operation in BY_NAME.items() if operation.price]
# One sentiment call is 3 units of 0.0001 US dollars.
CALL_USD = 0.0003
SENTIMENT = {"SentimentScore": {"Positive": 0.9, "Negative": 0.1, "Neutral": 0.0, "Mixed": 0.0}, **PLAIN}
MARK = {"ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {"x-recognition-stand-in": "a model"}}}


@pytest.fixture
def bounded(monkeypatch, dynamodb, empty_table):
    """Sets what a caller and the deployment may spend; gives what is reserved, by whose budget of which period."""
    monkeypatch.setattr(spending, "table_client", lambda: dynamodb)
    monkeypatch.setenv("BUDGET_TABLE", empty_table)

    def bound(*, caller=PLENTY, deployment=PLENTY, unconfirmed_unit_usd=0.002) -> None:
        limits = {"caller": caller, "deployment": deployment, "unconfirmed_unit_usd": unconfirmed_unit_usd}
        monkeypatch.setenv("SPENDING", json.dumps({"environment": "dev", **limits}))

    def reserved() -> dict[tuple[str, str], float]:
        items = dynamodb.scan(TableName=empty_table)["Items"]
        spent = {item["id"]["S"]: int(item["reserved"]["N"]) / budget.PER_USD for item in items}
        return {
            (name.partition("#")[0], "hour" if "T" in name.rpartition("#")[2] else "month"): usd
            for name, usd in spent.items()
        }

    bound.reserved = reserved
    return bound


@pytest.fixture
def ask(call, service):
    """Asks for a sentiment that Comprehend answers, as a caller."""
    comprehend = service("comprehend")

    def run(*, answers: bool = True, caller: str = "AROAONE:a", mark=PLAIN) -> tuple[int, str, dict]:
        if answers:
            comprehend.add_response("detect_sentiment", {**SENTIMENT, **mark})
        status, answer, headers = call("language", "/texts/sentiment", b"Good.", "text/plain", caller=caller)
        comprehend.assert_no_pending_responses()
        return status, answer.get("error", {}).get("code", "answered"), headers

    return run


def send_example(call, name: str) -> tuple[int, dict, dict]:
    """An operation's example through its function."""
    example = EXAMPLES[name]
    path, body = f"/{BY_NAME[name].path}", json.dumps(example["body"]).encode()
    return call(FUNCTION_OF[name], path, body, "application/json", query=example["query"])


@pytest.mark.threat
@pytest.mark.parametrize("name", PRICED)
@pytest.mark.parametrize("who", ["caller", "deployment"])
@pytest.mark.parametrize("period", ["hour", "month"])
def test_nothing_that_has_a_price_is_asked_beyond_a_budget(call, bounded, name, who, period):
    bounded(**{who: {**PLENTY, period: NOTHING}})
    # Nothing is scripted for the service: a call would fail the test.
    status, answer, headers = send_example(call, name)
    assert (status, answer["error"]["code"]) == (429, "BudgetSpent")
    assert f"in this {period}" in answer["error"]["message"]
    assert answer["error"]["message"].startswith({"caller": "Your", "deployment": "The deployment's"}[who])
    assert 0 < int(headers["Retry-After"]) <= {"hour": 3_600, "month": 31 * 86_400}[period]
    assert not any(bounded.reserved().values()), "what the other budgets had set aside came back"


@pytest.mark.parametrize("name", PRICED)
def test_what_has_a_price_is_charged_to_all_four_budgets(call, service, bounded, name):
    bounded()
    operation = BY_NAME[name]
    service(operation.service).add_response(operation.method, service_answer(operation))
    assert send_example(call, name)[0] == 200
    charged = bounded.reserved()
    assert charged.keys() == {(who, period) for who in ("caller", "deployment") for period in PLENTY}
    assert len(set(charged.values())) == 1
    assert all(usd > 0 for usd in charged.values())


def test_what_has_no_price_asks_no_budget(call, service, bounded):
    bounded(caller={"hour": NOTHING}, deployment={"hour": NOTHING})
    for name in ("image-class", "text-classification"):
        operation = BY_NAME[name]
        service(operation.service).add_response(operation.method, service_answer(operation))
        assert send_example(call, name)[0] == 200
    assert bounded.reserved() == {}


def test_a_caller_whose_money_is_gone_takes_nobody_elses(bounded, ask):
    bounded(caller={"hour": CALL_USD * ATTEMPTS})
    assert ask()[1] == "answered"
    assert ask(answers=False)[1] == "BudgetSpent"
    assert ask(caller="AROATWO:a")[1] == "answered"
    # Whoever assumes a role names its sessions.
    assert ask(answers=False, caller="AROAONE:b")[1] == "BudgetSpent"


def test_the_deployments_money_is_that_of_all_callers(bounded, ask):
    bounded(deployment={"month": CALL_USD * (ATTEMPTS + 1)})
    assert ask(caller="AROAONE:a")[1] == "answered"
    assert ask(caller="AROATWO:a")[1] == "answered"
    assert ask(caller="AROATHREE:a", answers=False)[1] == "BudgetSpent"


def test_each_person_of_the_console_spends_their_own():
    person = {"accountId": "1", "user": "AROA:CognitoIdentityCredentials", "cognitoIdentityPoolId": "pool"}
    payers = {
        payer_of({"requestContext": {"identity": {**person, "cognitoIdentityId": identity}}})
        for identity in ("ada", "bob")
    }
    assert len(payers) == 2


def test_what_a_stand_in_answers_costs_nothing(bounded, ask):
    bounded()
    assert ask(mark=MARK)[1] == "answered"
    assert not any(bounded.reserved().values())


def test_a_price_that_nobody_confirmed_counts_as_the_setting_says(call, service, bounded):
    bounded(unconfirmed_unit_usd=0.01)
    operation = BY_NAME["text-toxicity"]
    service("comprehend").add_response(operation.method, service_answer(operation))
    assert send_example(call, "text-toxicity")[1]["cost"]["usd"] is None
    assert bounded.reserved()["caller", "hour"] == pytest.approx(3 * 0.01)


def test_half_of_the_deployments_money_is_told_and_less_is_not(bounded, ask, capsys):
    bounded(deployment={"hour": CALL_USD * ATTEMPTS * 2 + NOTHING})
    ask()
    assert spending.METRIC not in capsys.readouterr().out
    ask()
    (told,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if spending.METRIC in line]
    assert (told[spending.METRIC], told["environment"], told["service"]) == ([75.0], "dev", "spending")


@pytest.mark.parametrize(
    ("period", "now", "seconds"),
    [
        ("hour", datetime(2026, 11, 30, 23, 45, 30, tzinfo=UTC), 14 * 60 + 31),
        ("month", datetime(2026, 12, 30, 23, 45, 30, tzinfo=UTC), 86_400 + 14 * 60 + 31),
    ],
    ids=["hour", "month"],
)
def test_a_spent_budget_says_when_its_next_period_begins(period, now, seconds):
    spent = budget.Budget(None, "table", "deployment", 1.0, now=lambda: now, period=period)
    assert spent.seconds_left() == seconds


def test_a_batch_of_which_a_text_was_too_dear_just_now_is_not_cached():
    spent = spending.spent(budget.Budget(None, "table", "deployment", 1.0))
    cost = CallCost(3, "100 characters", CALL_USD)
    answer = BatchAnswer("comprehend", [Reading([]), spent], "detect", None, None, cost)
    assert repeats.may_do_better(answer)
