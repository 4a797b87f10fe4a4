"""The small server's threads: what goes through a model together, what is divided, and what is turned away."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from model_code.inference import JSON_TYPE
from serving.contract import Asked, InferenceRequest
from serving.worker import PendingRequest

from .small_server import ping, request


def test_more_than_may_wait_get_429_with_a_time_and_the_others_their_answers(running):
    server = running(most_requests=3)
    with ThreadPoolExecutor(3) as askers:
        waiting = [askers.submit(server.post, b"abc")]
        server.model.asked.acquire()
        waiting += [askers.submit(server.post, b"abcd"), askers.submit(server.post, b"abcde")]
        while server.worker.admission.requests < 3:
            time.sleep(0.01)
        turned_away = server.post(b"abc")
        server.model.gate.set()
        answers = [json.loads(answer.result().content)["predictions"][0]["label"] for answer in waiting]
    assert (turned_away.status, turned_away.headers["Retry-After"]) == (429, "1")
    assert answers == ["odd", "even", "odd"]
    assert server.post(b"abc").status == 200, "there is room again"


def test_bodies_that_wait_are_bounded_too(running):
    server = running(most_bytes=1_500)
    with ThreadPoolExecutor(1) as asker:
        waiting = asker.submit(server.post, b"x" * 1_000)
        server.model.asked.acquire()
        assert server.post(b"x" * 1_000).status == 429
        server.model.gate.set()
        assert waiting.result().status == 200


def test_who_would_wait_too_long_gets_429_and_when_to_come_back_though_few_wait(running):
    server = running(most_wait_seconds=1.0, patient_requests=1)
    with ThreadPoolExecutor(1) as asker:
        waiting = asker.submit(server.post, b"abc")
        server.model.asked.acquire()
        server.worker.admission.measured(1, 0.5)
        turned_away = server.post(b"abc")
        server.model.gate.set()
        assert waiting.result().status == 200
    assert (turned_away.status, turned_away.headers["Retry-After"]) == (429, "1")
    assert server.post(b"abc").status == 200, "nobody is before this one"


def test_a_requests_instances_are_divided_over_threads_and_joined_in_order(running):
    server = running(threads=3)
    texts = ["x" * (answer * answer % 7 + 1) for answer in range(30)]
    body = json.dumps({"instances": [{"text": text} for text in texts]}).encode()
    with ThreadPoolExecutor(1) as asker:
        waiting = asker.submit(server.post, body, "application/json")
        for _ in range(3):
            assert server.model.asked.acquire(timeout=120), "three threads work on it at the same time"
        server.model.gate.set()
        predictions = json.loads(waiting.result().content)["predictions"]
    assert [prediction["label"] for prediction in predictions] == [
        ("even", "odd")[len(text) % 2] for text in texts
    ]
    assert sorted(server.model.sizes) == [3, 3, 4, 4, 4, 4, 4, 4], "of like size, and no more than it takes"


def test_the_parts_of_a_request_that_has_begun_stand_before_what_has_not(running):
    server = running()
    many = json.dumps({"instances": [{"text": "x"}] * 9}).encode()
    bodies = [(b"abc", "text/plain"), (many, "application/json"), (b"ab", "text/plain")]
    with ThreadPoolExecutor(len(bodies)) as askers:
        waiting = []
        for number, body in enumerate(bodies, start=1):
            waiting.append(askers.submit(server.post, *body))
            while server.worker.admission.requests < number:
                time.sleep(0.01)
            if number == 1:
                server.model.asked.acquire()
        server.model.gate.set()
        assert [answer.result().status for answer in waiting] == [200] * 3
    assert server.model.sizes == [1, 3, 3, 3, 1]


def test_a_request_is_divided_by_the_length_of_its_samples():
    asked = Asked(["x" * length for length in (9, 1, 8, 2)], JSON_TYPE)
    parts = PendingRequest(InferenceRequest(b"", None, None), print).divide(asked, 2)
    assert [[len(sample) for sample in part.samples] for part in parts] == [[1, 2], [8, 9]]


def test_if_one_instance_fails_its_request_does_and_nobody_elses(running):
    server = running(threads=2)
    server.model.gate.set()
    body = json.dumps({"instances": [{"text": text} for text in ["abc"] * 9 + ["fail"]]}).encode()
    with ThreadPoolExecutor(8) as askers:
        failing = askers.submit(server.post, body, "application/json")
        others = [askers.submit(server.post, b"abc") for _ in range(7)]
        assert failing.result().status == 500
        assert [answer.result().status for answer in others] == [200] * 7
    assert server.worker.admission.requests == 0


def test_texts_are_no_business_of_a_second_thread_before_half_a_group_waits(running):
    server = running(threads=2)
    with ThreadPoolExecutor(3) as askers:
        waiting = [askers.submit(server.post, b"a")]
        server.model.asked.acquire()
        waiting.append(askers.submit(server.post, b"ab"))
        while server.worker.admission.requests < 2:
            time.sleep(0.01)
        assert server.model.sizes == [1]
        waiting.append(askers.submit(server.post, b"ab"))
        server.model.asked.acquire()
        assert server.model.sizes == [1, 2]
        server.model.gate.set()
        assert [answer.result().status for answer in waiting] == [200] * 3


# The test ends the thread itself, and pytest would warn of it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_server_of_which_a_thread_has_ended_is_not_well(running):
    server = running(threads=2)
    server.model.gate.set()
    assert ping(server) == 200
    with server.socket() as lost:
        lost.sendall(request(b"end the thread"))
        while server.worker.alive:
            time.sleep(0.01)
        assert ping(server) == 503
        with ThreadPoolExecutor(8) as askers:
            answers = list(askers.map(server.post, [b"abc"] * 40))
        assert {answer.status for answer in answers} == {200}, (
            "the other goes on until somebody replaces the server"
        )


# This one ends a thread too.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_waits_for_a_thread_that_ends_is_answered_by_another(running):
    server = running(threads=2)
    with server.socket() as lost, ThreadPoolExecutor(1) as asker:
        lost.sendall(request(b"end the thread"))
        server.model.asked.acquire()
        waiting = asker.submit(server.post, b"abc")
        while server.worker.admission.requests < 2:
            time.sleep(0.01)
        server.model.gate.set()
        assert waiting.result().status == 200


def test_ping_answers_while_the_model_is_busy(running):
    server = running()
    with ThreadPoolExecutor(1) as asker:
        waiting = asker.submit(server.post, b"abc")
        server.model.asked.acquire()
        assert ping(server) == 200
        server.model.gate.set()
        assert waiting.result().status == 200


def test_a_request_on_which_the_model_fails_gets_500_and_the_next_is_answered(running, capfd):
    server = running()
    server.model.gate.set()

    failed = server.post(b"fail on customer-secret-7316")

    assert (failed.status, json.loads(failed.content)) == (
        500,
        {"error": "The model failed on this request."},
    )
    assert server.post(b"abc").status == 200
    said = capfd.readouterr().err
    assert "RuntimeError" in said
    assert "customer-secret-7316" not in said, "an error's words may repeat what a customer sent"


def test_what_waits_is_predicted_together_and_one_failure_is_nobody_elses(
    running,
):
    server = running()
    bodies = [b"a", b"ab", b"fail", b"abc", b"abcd", b"abcde"]
    with ThreadPoolExecutor(len(bodies) + 1) as askers:
        first = askers.submit(server.post, b"first")
        server.model.asked.acquire()
        rest = []
        for number, body in enumerate(bodies, start=2):
            rest.append(askers.submit(server.post, body))
            while server.worker.admission.requests < number:
                time.sleep(0.01)
        server.model.gate.set()
        answers = [answer.result() for answer in [first, *rest]]
    assert [answer.status for answer in answers] == [200, 200, 200, 500, 200, 200, 200]
    labels = [
        json.loads(answer.content)["predictions"][0]["label"] for answer in answers if answer.status == 200
    ]
    assert labels == ["odd", "odd", "even", "odd", "even", "odd"]
    # The first alone; four together, then each of them alone because of the one that fails; the last two together.
    assert server.model.sizes == [1, 4, 1, 1, 1, 1, 2]
