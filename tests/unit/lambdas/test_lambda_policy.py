"""A policy chooses who answers: in which order, within which budget, and around a backend that fails."""

from __future__ import annotations

import io
import json

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from botocore.response import StreamingBody
from hypothesis import given
from hypothesis import strategies as st

from lambdas.common import policy as policies
from lambdas.common import spending as budgets
from lambdas.common.budget import PER_USD
from lambdas.common.circuit import FAILURES_TO_OPEN, OPEN_SECONDS, Circuit
from lambdas.common.clients import ATTEMPTS, client
from lambdas.common.policy import Policy

from .conftest import PLAIN, picture

TEXT = b"Good."
# One sentiment call is 3 units of 0.0001 US dollars.
CALL_USD = 0.0003


class Spending:
    """A budget table in memory."""

    def __init__(self) -> None:
        self.reserved = 0
        self.broken = False

    def update_item(self, **request) -> dict:
        values = {name: int(value["N"]) for name, value in request["ExpressionAttributeValues"].items()}
        if self.broken:
            raise ConnectionClosedError(endpoint_url="https://dynamodb")
        if ":room" in values and self.reserved > values[":room"]:
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "UpdateItem")
        self.reserved += values.get(":amount", values.get(":surplus"))
        return {"Attributes": {"reserved": {"N": str(self.reserved)}}}

    @property
    def usd(self) -> float:
        return self.reserved / PER_USD


@pytest.fixture
def spending(monkeypatch) -> Spending:
    table = Spending()
    monkeypatch.setattr(budgets, "table_client", lambda: table)
    monkeypatch.setenv("BUDGET_TABLE", "budgets")
    return table


@pytest.fixture
def ask(call, service, monkeypatch):
    """Asks for a sentiment under a policy while Comprehend and our network answer as scripted: scores or codes."""

    comprehend, endpoint = service("comprehend"), service("sagemaker-runtime")

    def run(policy: dict, *, managed=(), own=()):
        monkeypatch.setenv("POLICIES", json.dumps({"text-sentiment": policy}))
        for outcome in managed:
            script(comprehend, "detect_sentiment", outcome, sentiment)
        for outcome in own:
            script(endpoint, "invoke_endpoint", outcome, prediction)
        status, answer, _ = call("language", "/texts/sentiment", TEXT, "text/plain")
        comprehend.assert_no_pending_responses()
        endpoint.assert_no_pending_responses()
        return status, answer

    return run


def script(stubber, method: str, outcome, answer) -> None:
    """A service's next answer: a score, or an error's code."""
    if isinstance(outcome, str):
        stubber.add_client_error(method, outcome)
    else:
        stubber.add_response(method, answer(outcome))


def sentiment(score: float) -> dict:
    scores = {"Positive": score, "Negative": 1 - score, "Neutral": 0.0, "Mixed": 0.0}
    return {"Sentiment": "POSITIVE", "SentimentScore": scores, **PLAIN}


def prediction(score: float) -> dict:
    probabilities = {"positive": score, "negative": 1 - score}
    content = json.dumps({"predictions": [{"probabilities": probabilities, "model_version": "7"}]}).encode()
    return {"Body": StreamingBody(io.BytesIO(content), len(content)), "ContentType": "application/json"}


def route(answer: dict) -> list[tuple[str, str]]:
    return [(step["backend"], step["outcome"]) for step in answer["route"]]


CASCADE = {"backend": "cascade", "first": "own", "threshold": 0.8}


def test_without_a_policy_the_managed_service_answers_and_no_route_is_told(call, service):
    service("comprehend").add_response("detect_sentiment", sentiment(0.9))
    _, answer, _ = call("language", "/texts/sentiment", TEXT, "text/plain")
    assert (answer["backend"], "route" in answer) == ("comprehend", False)


def test_our_own_network_answers_where_the_policy_says_so(ask):
    status, answer = ask({"backend": "own"}, own=[0.7])
    assert (status, answer["backend"], answer["operation"]) == (200, "sagemaker", "text-sentiment")
    assert answer["model"]["version"] == "7"
    assert route(answer) == [("own", "answered")]


def test_a_sure_first_answer_of_a_cascade_is_the_answer(ask):
    _, answer = ask(CASCADE, own=[0.8])
    assert (answer["backend"], route(answer)) == ("sagemaker", [("own", "answered")])
    assert answer["cost"]["usd"] is None


def test_an_unsure_first_answer_of_a_cascade_gets_a_second_opinion(ask):
    _, answer = ask(CASCADE, own=[0.7], managed=[0.6])
    assert (answer["backend"], route(answer)) == ("comprehend", [("own", "unsure"), ("managed", "answered")])
    assert answer["cost"]["usd"] == CALL_USD


def test_a_cascade_the_other_way_says_what_its_first_answer_cost(ask):
    _, answer = ask({**CASCADE, "first": "managed"}, managed=[0.7], own=[0.9])
    assert (answer["backend"], route(answer)) == ("sagemaker", [("managed", "unsure"), ("own", "answered")])
    assert answer["cost"]["usd"] == CALL_USD


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerException", "AccessDeniedException"])
def test_an_unsure_answer_is_better_than_none(ask, code):
    status, answer = ask(CASCADE, own=[0.7], managed=[code])
    assert (status, answer["backend"]) == (200, "sagemaker")
    assert route(answer)[0] == ("own", "unsure")


def test_a_cascade_whose_first_cannot_answer_asks_the_second(ask):
    status, answer = ask(CASCADE, own=["ModelNotReadyException"], managed=[0.6])
    assert (status, route(answer)) == (200, [("own", "ModelNotReady"), ("managed", "answered")])


def test_a_fallback_answers_only_where_the_policy_wants_one(ask):
    status, answer = ask({"backend": "managed", "fallback": True}, managed=["ThrottlingException"], own=[0.9])
    assert (status, answer["backend"]) == (200, "sagemaker")
    status, answer = ask({"backend": "managed"}, managed=["ThrottlingException"])
    assert (status, answer["error"]["code"]) == (503, "ServiceThrottled")


def test_when_nobody_answers_the_reason_is_that_of_the_first(ask):
    status, answer = ask(CASCADE, own=["ModelNotReadyException"], managed=["ThrottlingException"])
    assert (status, answer["error"]["code"]) == (503, "ModelNotReady")


def test_what_is_wrong_with_the_request_is_said_and_nobody_else_is_asked(call, monkeypatch):
    monkeypatch.setenv("POLICIES", json.dumps({"image-labels": {"backend": "managed", "fallback": True}}))
    small = picture(size=(32, 32))
    status, answer, _ = call("vision", "/images/labels", small, "image/png")
    assert (status, answer["error"]["code"]) == (400, "ImageTooSmall")


def test_a_budget_holds_what_was_spent_and_no_more(ask, spending):
    policy = {"backend": "managed", "monthly_budget_usd": 1.0}
    ask(policy, managed=[0.9])
    assert spending.usd == pytest.approx(CALL_USD)
    # A call that is refused costs nothing.
    ask(policy, managed=["ThrottlingException"])
    assert spending.usd == pytest.approx(CALL_USD)


def test_a_spent_budget_ends_the_asking(ask, spending):
    # Room for one call with the retry that might be charged too, and then for none.
    policy = {"backend": "managed", "monthly_budget_usd": CALL_USD * 2}
    assert ask(policy, managed=[0.9])[0] == 200
    status, answer = ask(policy)
    assert (status, answer["error"]["code"]) == (429, "BudgetSpent")
    assert spending.usd <= CALL_USD * 2


def test_a_cascade_goes_on_with_its_first_answers_when_the_budget_is_spent(ask, spending):
    policy = {**CASCADE, "monthly_budget_usd": CALL_USD * 2}
    assert ask(policy, own=[0.5], managed=[0.9])[1]["backend"] == "comprehend"
    status, answer = ask(policy, own=[0.5])
    assert (status, answer["backend"]) == (200, "sagemaker")
    assert route(answer) == [("own", "unsure"), ("managed", "BudgetSpent")]


def test_nothing_is_spent_while_the_budget_cannot_be_asked(ask, spending):
    spending.broken = True
    status, answer = ask({"backend": "managed", "monthly_budget_usd": 1.0})
    assert (status, answer["error"]["code"]) == (503, "BudgetUnknown")


def test_a_call_that_may_have_been_charged_stays_reserved(ask, spending, monkeypatch):
    def lost(*_, **__):
        raise ReadTimeoutError(endpoint_url="https://comprehend")

    monkeypatch.setattr(client("comprehend"), "detect_sentiment", lost)
    status, _ = ask({"backend": "managed", "monthly_budget_usd": 1.0})
    assert status == 503
    assert spending.usd == pytest.approx(CALL_USD * ATTEMPTS)


def test_a_retry_that_may_have_been_charged_is_counted(call, service, spending, monkeypatch):
    monkeypatch.setenv(
        "POLICIES", json.dumps({"text-sentiment": {"backend": "managed", "monthly_budget_usd": 1.0}})
    )
    answer = sentiment(0.9)
    answer["ResponseMetadata"] = {**answer["ResponseMetadata"], "RetryAttempts": 1}
    service("comprehend").add_response("detect_sentiment", answer)
    assert call("language", "/texts/sentiment", TEXT, "text/plain")[0] == 200
    assert spending.usd == pytest.approx(CALL_USD * 2)


def test_a_call_whose_price_is_unknown_fits_no_budget(call, spending, monkeypatch):
    monkeypatch.setenv(
        "POLICIES", json.dumps({"image-labels": {"backend": "managed", "monthly_budget_usd": 9.0}})
    )
    query = {"features": "IMAGE_PROPERTIES"}
    status, answer, _ = call("vision", "/images/labels", picture(), "image/png", query=query)
    assert (status, answer["error"]["code"], spending.reserved) == (503, "BudgetUnknown", 0)


def test_a_backend_that_keeps_failing_is_left_alone(ask):
    policy = {"backend": "managed", "fallback": True}
    for _ in range(FAILURES_TO_OPEN):
        ask(policy, managed=["ThrottlingException"], own=[0.9])
    # Nothing is scripted for Comprehend: a call would fail the test.
    status, answer = ask(policy, own=[0.9])
    assert (status, route(answer)) == (200, [("managed", "CircuitOpen"), ("own", "answered")])


BUDGET = {"backend": "managed", "monthly_budget_usd": 1.0}


def batch_answer(count: int, errors: int = 0) -> dict:
    """Comprehend's answer to so many texts, the last ones errors."""
    result = {name: value for name, value in sentiment(0.9).items() if name not in PLAIN}
    bad = [{"Index": index, "ErrorCode": "InternalServerException"} for index in range(count - errors, count)]
    return {"ResultList": [{"Index": n, **result} for n in range(count - errors)], "ErrorList": bad, **PLAIN}


@pytest.fixture
def ask_batch(call, monkeypatch):
    """Asks for the sentiments of so many texts under a policy; the status, and each text's end."""

    def run(policy: dict, count: int) -> tuple[int, list[str]]:
        monkeypatch.setenv("POLICIES", json.dumps({"text-sentiment": policy}))
        body = json.dumps({"texts": ["Good."] * count}).encode()
        status, answer, _ = call("language", "/texts/sentiment/batch", body, "application/json")
        if status != 200:
            return status, [answer["error"]["code"]]
        return status, [document.get("error", {}).get("code", "answered") for document in answer["documents"]]

    return run


def test_a_batch_spends_of_the_same_budget_and_its_errors_cost_nothing(ask_batch, service, spending):
    service("comprehend").add_response("batch_detect_sentiment", batch_answer(10, errors=2))
    assert ask_batch(BUDGET, 10) == (200, ["answered"] * 8 + ["ServiceFaulted"] * 2)
    assert spending.usd == pytest.approx(8 * CALL_USD)


def test_a_batch_is_charged_by_texts_and_tries_to_the_single_operations_budget(
    call, service, spending, monkeypatch
):
    charged, real = [], spending.update_item

    def noted(**request):
        charged.append(request["Key"]["id"]["S"].partition("#")[0])
        return real(**request)

    monkeypatch.setattr(spending, "update_item", noted)
    monkeypatch.setenv("POLICIES", json.dumps({"text-sentiment": BUDGET}))
    answer = batch_answer(2, errors=1)
    # The first text is the one that is refused.
    answer["ResultList"][0]["Index"], answer["ErrorList"][0]["Index"] = 1, 0
    answer["ResponseMetadata"] = {**PLAIN["ResponseMetadata"], "RetryAttempts": 1}
    service("comprehend").add_response("batch_detect_sentiment", answer)
    body = json.dumps({"texts": ["Good.", "Good. " * 100]}).encode()
    assert call("language", "/texts/sentiment/batch", body, "application/json")[0] == 200
    # The lost try was of both, 3 and 6 units; the answer is of the second.
    assert spending.usd == pytest.approx((3 + 6 + 6) * 0.0001)
    assert set(charged) == {"text-sentiment"}


def test_an_answer_without_some_of_a_batchs_texts_counts_as_charged(ask_batch, service, spending):
    service("comprehend").add_response("batch_detect_sentiment", batch_answer(0))
    assert ask_batch(BUDGET, 2) == (502, ["AnswerUnreadable"])
    assert spending.usd == pytest.approx(2 * CALL_USD)


def test_a_piece_that_the_budget_does_not_hold_keeps_no_smaller_one_from_its_answer(
    ask_batch, service, spending
):
    comprehend = service("comprehend")
    for count in (25, 1):
        comprehend.add_response("batch_detect_sentiment", batch_answer(count))
    answer = ask_batch({**BUDGET, "monthly_budget_usd": 52 * CALL_USD}, 51)
    assert answer == (200, ["answered"] * 25 + ["BudgetSpent"] * 25 + ["answered"])


def test_a_retry_before_a_refusal_may_have_been_charged(call, service, spending, monkeypatch):
    monkeypatch.setenv("POLICIES", json.dumps({"text-sentiment": BUDGET}))
    once = {"RetryAttempts": 1}
    service("comprehend").add_client_error("detect_sentiment", "InternalServerException", response_meta=once)
    assert call("language", "/texts/sentiment", TEXT, "text/plain")[0] == 503
    assert spending.usd == pytest.approx(CALL_USD)


def test_what_is_no_picture_costs_the_budget_nothing(call, spending, monkeypatch):
    monkeypatch.setenv("POLICIES", json.dumps({"image-labels": BUDGET}))
    assert call("vision", "/images/labels", b"no picture", "image/png")[0] == 400
    assert spending.usd == 0


def test_a_batch_that_the_budget_does_not_hold_is_answered_as_far_as_it_does(ask_batch, service, spending):
    comprehend = service("comprehend")
    comprehend.add_response("batch_detect_sentiment", batch_answer(25))
    # Room for a call of 25 texts with its retry, after which half of that is left.
    policy = {**BUDGET, "monthly_budget_usd": 50 * CALL_USD}
    assert ask_batch(policy, 50) == (200, ["answered"] * 25 + ["BudgetSpent"] * 25)
    assert spending.usd == pytest.approx(25 * CALL_USD)
    assert ask_batch({**BUDGET, "monthly_budget_usd": 26 * CALL_USD}, 25) == (429, ["BudgetSpent"])
    comprehend.assert_no_pending_responses()


def test_what_a_batch_may_have_been_charged_stays_reserved(ask_batch, spending, monkeypatch):
    def lost(*_, **__):
        raise ReadTimeoutError(endpoint_url="https://comprehend")

    monkeypatch.setattr(client("comprehend"), "batch_detect_sentiment", lost)
    assert ask_batch(BUDGET, 2) == (503, ["ServiceUnreachable"])
    assert spending.usd == pytest.approx(2 * CALL_USD * ATTEMPTS)
    spending.broken = True
    assert ask_batch(BUDGET, 2) == (503, ["BudgetUnknown"])


def test_a_batch_without_a_budget_asks_nobody_for_one(ask_batch, service):
    service("comprehend").add_response("batch_detect_sentiment", batch_answer(2))
    assert ask_batch({"backend": "managed"}, 2) == (200, ["answered"] * 2)


def test_an_open_circuit_says_when_to_come_again_and_closes_by_itself(ask, spending, call, monkeypatch):
    policy = {"backend": "managed", "monthly_budget_usd": 1.0}
    for _ in range(FAILURES_TO_OPEN):
        ask(policy, managed=["ThrottlingException"])
    # Nobody is asked, however often: with an answer of Comprehend's the call would have succeeded.
    for _ in range(3):
        status, answer, headers = call("language", "/texts/sentiment", TEXT, "text/plain")
        assert (status, answer["error"]["code"]) == (503, "CircuitOpen")
        assert headers["Retry-After"]
    assert spending.usd == 0
    circuit = policies.circuit_of("text-sentiment", "managed")
    circuit.opened_at -= OPEN_SECONDS
    # One trial fails and it is open again; after the next it is closed for good.
    assert ask(policy, managed=["ThrottlingException"])[1]["error"]["code"] == "ServiceThrottled"
    assert ask(policy)[1]["error"]["code"] == "CircuitOpen"
    circuit.opened_at -= OPEN_SECONDS
    for _ in range(2):
        assert ask(policy, managed=[0.9])[0] == 200
    assert spending.usd == pytest.approx(2 * CALL_USD)


def test_refusals_of_bad_requests_open_no_circuit(ask):
    for _ in range(FAILURES_TO_OPEN + 1):
        status, _ = ask({"backend": "managed"}, managed=["UnsupportedLanguageException"])
        assert status == 400


@given(st.lists(st.sampled_from(["fail", "succeed", "wait"]), max_size=40))
def test_a_circuit_is_open_exactly_for_its_time_after_enough_failures_in_a_row(events):
    now, since_opened, in_a_row = 0.0, None, 0
    circuit = Circuit(clock=lambda: now)
    for event in events:
        if event == "wait":
            now += OPEN_SECONDS
        if since_opened is not None and now - since_opened >= OPEN_SECONDS:
            since_opened, in_a_row = None, FAILURES_TO_OPEN - 1
        assert circuit.is_open == (since_opened is not None)
        if circuit.is_open:
            continue
        if event == "fail":
            circuit.failed()
            in_a_row += 1
            since_opened = now if in_a_row >= FAILURES_TO_OPEN else None
        elif event == "succeed":
            circuit.succeeded()
            in_a_row = 0


@given(st.floats(0, 1), st.floats(0.01, 1))
def test_a_cascade_is_sure_from_its_threshold_on(score, threshold):
    assert Policy("cascade", threshold=threshold).is_sure(score) == (score >= threshold)
    assert Policy("managed", threshold=threshold).is_sure(score)
