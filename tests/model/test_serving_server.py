"""The small server over real sockets: right answers under load, 429 when it is full, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from model_code.records import read_split
from serving.admission import Limits
from serving.model import Model
from serving.server import Connection, Server
from serving.worker import Worker

ROOT = Path(__file__).resolve().parents[2]
MOST_BODY_BYTES = 10_000


class Gated:
    """A model of texts that answers each with its length, once it is let."""

    feature, channels = "text", None
    labels = ("even", "odd")
    most_samples = 4

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.asked = threading.Semaphore(0)
        self.sizes: list[int] = []

    def probabilities(self, samples):
        self.sizes.append(len(samples))
        self.asked.release()
        self.gate.wait(30)
        if "end the thread" in samples:
            sys.exit()
        if any("fail" in one for one in samples):
            raise RuntimeError(f"the model cannot take {samples}")
        odd = np.array([len(sample) % 2 for sample in samples], np.float32)
        return np.stack([1 - odd, odd], axis=1)


class Running:
    """A server in a thread of this process, and what is done with it."""

    def __init__(self, model, *, threads: int = 1, most_connections: int = 50, **limits: float) -> None:
        self.model, self.loop = model, asyncio.new_event_loop()
        limits = Limits(**{"most_wait_seconds": 30.0, "most_bytes": 1_000_000} | limits)
        self.worker = Worker([model] * threads, self.loop, version="7", limits=limits)
        self.server = Server(self.worker, most_body_bytes=MOST_BODY_BYTES, most_connections=most_connections)
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.worker.start()
        listening = self.loop.create_server(lambda: Connection(self.server), "127.0.0.1", 0)
        self.listener = self.do(listening)
        self.port = self.listener.sockets[0].getsockname()[1]

    def do(self, work):
        """Runs a coroutine in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def socket(self) -> socket.socket:
        """A connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def post(self, body: bytes, content_type: str = "text/plain", path: str = "/invocations"):
        """The response to one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("POST", path, body, {"Content-Type": content_type})
        response = connection.getresponse()
        response.content = response.read()
        connection.close()
        return response

    def close(self) -> None:
        """Ends it."""
        self.worker.stop()
        self.loop.call_soon_threadsafe(self.listener.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(30)


@pytest.fixture
def running() -> Iterator[Callable[..., Running]]:
    """Starts servers of gated models, and ends them."""
    started = []

    def start(**options: float) -> Running:
        started.append(Running(Gated(), **options))
        return started[-1]

    yield start
    for one in started:
        one.model.gate.set()
        one.close()


def request(body: bytes, head: bytes = b"") -> bytes:
    """An invocation as it goes over the wire."""
    lines = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
    return lines + head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other side ends."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def statuses(content: bytes) -> list[int]:
    """The statuses of the responses in a connection's bytes."""
    return [int(one) for one in re.findall(rb"HTTP/1\.1 (\d{3})", content)]


def test_more_than_may_wait_gets_429_and_when_to_come_back_and_the_others_their_answers(running):
    server = running(most_requests=3)
    with ThreadPoolExecutor(3) as askers:
        waiting = [askers.submit(server.post, b"abc")]
        server.model.asked.acquire()
        waiting += [askers.submit(server.post, b"abcd"), askers.submit(server.post, b"abcde")]
        while server.worker.admission.requests < 3:
            time.sleep(0.01)
        turned_away = server.post(b"abc")
        server.model.gate.set()
        answers = [json.loads(one.result().content)["predictions"][0]["label"] for one in waiting]
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


def test_the_instances_of_a_request_are_divided_over_the_threads_and_joined_in_their_order(running):
    server = running(threads=3)
    texts = ["x" * (one * one % 7 + 1) for one in range(30)]
    body = json.dumps({"instances": [{"text": text} for text in texts]}).encode()
    with ThreadPoolExecutor(1) as asker:
        waiting = asker.submit(server.post, body, "application/json")
        for _ in range(3):
            assert server.model.asked.acquire(timeout=30), "three threads work on it at the same time"
        server.model.gate.set()
        predictions = json.loads(waiting.result().content)["predictions"]
    assert [one["label"] for one in predictions] == [("even", "odd")[len(text) % 2] for text in texts]
    assert sorted(server.model.sizes) == [3, 3, 4, 4, 4, 4, 4, 4], "of like size, and no more than it takes"


def test_if_one_instance_fails_its_request_does_and_nobody_elses(running):
    server = running(threads=2)
    server.model.gate.set()
    body = json.dumps({"instances": [{"text": text} for text in ["abc"] * 9 + ["fail"]]}).encode()
    with ThreadPoolExecutor(8) as askers:
        failing = askers.submit(server.post, body, "application/json")
        others = [askers.submit(server.post, b"abc") for _ in range(7)]
        assert failing.result().status == 500
        assert [one.result().status for one in others] == [200] * 7
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
        assert [one.result().status for one in waiting] == [200] * 3


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
        assert {one.status for one in answers} == {200}, (
            "the other goes on until somebody replaces the server"
        )


def ping(server: Running) -> int:
    """The status of /ping."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/ping")
    status = connection.getresponse().status
    connection.close()
    return status


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


def test_requests_sent_at_once_are_answered_in_their_order(running):
    server = running()
    server.model.gate.set()
    bodies = [b"x" * (one % 5 + 1) for one in range(40)]
    with server.socket() as connection:
        connection.sendall(
            b"".join(map(request, bodies[:-1])) + request(bodies[-1], b"Connection: close\r\n")
        )
        content = read_all(connection)
    assert statuses(content) == [200] * 40
    labels = re.findall(rb'"label":"(\w+)"', content)
    assert labels == [(b"even", b"odd")[len(body) % 2] for body in bodies]


def test_a_request_in_single_bytes_is_a_request(running):
    server = running()
    server.model.gate.set()
    with server.socket() as connection:
        for byte in request(b"abc", b"Connection: close\r\n"):
            connection.sendall(bytes([byte]))
        assert statuses(read_all(connection)) == [200]


def test_a_body_in_chunks_is_a_body(running):
    server = running()
    server.model.gate.set()
    head = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nConnection: close\r\n"
    with server.socket() as connection:
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
        content = read_all(connection)
    assert b'"label":"odd"' in content


def test_a_caller_who_waits_before_sending_is_told_to_go_on(running):
    server = running()
    server.model.gate.set()
    whole = request(b"abc", b"Expect: 100-continue\r\nConnection: close\r\n")
    with server.socket() as connection:
        connection.sendall(whole[:-3])
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(whole[-3:])
        assert statuses(read_all(connection)) == [200]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"rubbish\r\n\r\n", 400),
        (b"GET /ping HTTP/9.9\r\n\r\n", 400),
        (b"POST /invocations HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /invocations HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
        (
            b"POST /invocations HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
            400,
        ),
        (b"GET /ping HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 200),
        (b"GET /ping HTTP/1.1\r\nX: " + b"x" * 40_000, 431),
        (b"POST /invocations HTTP/1.1\r\nContent-Length: 10001\r\n\r\n", 413),
        (
            b"POST /invocations HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4e20\r\n" + b"x" * 20_000,
            413,
        ),
    ],
)
def test_what_is_no_request_for_this_server_gets_one_answer_and_the_connection_ends(running, sent, status):
    server = running()
    with server.socket() as connection:
        connection.sendall(sent)
        content = read_all(connection)
    assert statuses(content) == [status]
    assert b"Connection: close" in content


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/ping", 200),
        ("GET", "/ping?x=1", 200),
        ("POST", "/ping", 405),
        ("GET", "/invocations", 405),
        ("GET", "/", 404),
    ],
)
def test_there_are_two_paths_with_a_method_each(running, method, path, status):
    connection = http.client.HTTPConnection("127.0.0.1", running().port, timeout=30)
    connection.request(method, path)
    response = connection.getresponse()
    assert response.status == status
    assert (response.headers["Allow"] is not None) == (status == 405)
    response.read()
    connection.request("GET", "/ping")
    assert connection.getresponse().status == 200, "the connection stays"
    connection.close()


def test_more_connections_than_it_takes_are_turned_away(running):
    server = running(most_connections=1)
    with server.socket() as first:
        first.sendall(b"GET /ping HTTP/1.1\r\n\r\n")
        assert statuses(first.recv(1000)) == [200]
        with server.socket() as second:
            assert statuses(read_all(second)) == [503]


def test_a_request_that_does_not_arrive_is_given_up(running):
    server = running()
    with server.socket() as late, server.socket() as idle:
        late.sendall(b"POST /invocations HTTP/1.1\r\n")
        idle.sendall(b"GET /ping HTTP/1.1\r\n\r\n")
        assert statuses(idle.recv(1000)) == [200]
        while not any(one.arriving_since for one in server.server.connections):
            time.sleep(0.01)
        for connection in list(server.server.connections):
            server.loop.call_soon_threadsafe(connection.end_if_late, server.loop.time() + 1)
        assert statuses(read_all(late)) == [408]
        idle.sendall(b"GET /ping HTTP/1.1\r\n\r\n")
        assert statuses(idle.recv(1000)) == [200], "a connection without a request may wait"


def test_callers_who_leave_cost_nothing(running):
    server = running()
    for _ in range(20):
        with server.socket() as connection:
            connection.sendall(request(b"abc"))
    server.model.gate.set()
    assert server.post(b"abcd").status == 200
    while server.server.connections:
        time.sleep(0.01)
    assert server.worker.admission.requests == 0


def test_what_waits_goes_through_the_model_together_as_far_as_it_takes_that_and_one_failure_is_nobody_elses(
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
        found = [one.result() for one in [first, *rest]]
    assert [one.status for one in found] == [200, 200, 200, 500, 200, 200, 200]
    labels = [json.loads(one.content)["predictions"][0]["label"] for one in found if one.status == 200]
    assert labels == ["odd", "odd", "even", "odd", "even", "odd"]
    # The first alone; four together, then each of them alone because of the one that fails; the last two together.
    assert server.model.sizes == [1, 4, 1, 1, 1, 1, 2]


def test_an_end_answers_what_was_asked_and_takes_nothing_new(running):
    server = running()
    with server.socket() as asked, server.socket() as idle, ThreadPoolExecutor(1) as ender:
        idle.sendall(b"GET /ping HTTP/1.1\r\n\r\n")
        assert statuses(idle.recv(1000)) == [200]
        asked.sendall(request(b"abc"))
        server.model.asked.acquire()
        ending = ender.submit(server.do, server.server.drain(30))
        assert idle.recv(1000) == b"", "an idle connection ends at once"
        assert not ending.done()
        server.model.gate.set()
        content = read_all(asked)
        ending.result()
    assert statuses(content) == [200]
    assert b"Connection: close" in content


def test_an_end_answers_every_request_that_a_connection_sent_ahead(running):
    server = running()
    with server.socket() as asked, ThreadPoolExecutor(1) as ender:
        asked.sendall(request(b"abc") + request(b"abcd") + b"GET /nothing HTTP/1.1\r\n\r\n")
        server.model.asked.acquire()
        while sum(len(one.exchanges) for one in server.server.connections) < 3:
            time.sleep(0.01)
        ending = ender.submit(server.do, server.server.drain(30))
        while not server.server.draining:
            time.sleep(0.01)
        server.model.gate.set()
        content = read_all(asked)
        ending.result()
    assert statuses(content) == [200, 200, 404]


@contextmanager
def process_of(artefact: Path, folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen, int]]:
    """The server as a program over an artefact, and its port."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "serving", "serve", "--directory", str(artefact), *words]
    started = subprocess.Popen(
        [*command, "--port", "0", "--port-file", str(folder / "port")],
        cwd=ROOT,
        env={**os.environ, "MODEL_VERSION": "3"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not (folder / "port").exists():
            assert started.poll() is None, started.stderr.read()
            time.sleep(0.02)
        yield started, int((folder / "port").read_text())
    finally:
        started.kill()
        started.wait()
        started.stderr.close()


def test_under_load_every_caller_gets_the_answer_to_its_own_sample(trained, tmp_path):
    split = read_split(trained.channels / "test", trained.kind)
    model = Model(trained.artefact)
    texts = split.feature == "text"
    samples = [sample.decode() for sample in split.samples] if texts else list(split.samples)
    expected = model.probabilities(samples)
    assert len(np.unique(expected[:, 0])) > 4, "the answers have to differ for the test to see a mix-up"
    types = {"text": "text/plain", "image": "image/png", "sequence": "application/json"}

    def ask_for_some(port: int, first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for index in range(first, len(samples), 16):
            sample = split.samples[index]
            if split.feature == "sequence":
                sample = json.dumps({"sequence": sample.tolist()}).encode()
            connection.request("POST", "/invocations", sample, {"Content-Type": types[split.feature]})
            response = connection.getresponse()
            (prediction,) = json.loads(response.read())["predictions"]
            assert prediction["model_version"] == "3"
            np.testing.assert_allclose(list(prediction["probabilities"].values()), expected[index], atol=1e-6)
        connection.close()

    with process_of(trained.artefact, tmp_path / "run", "--threads", "3", "--wait-milliseconds", "30000") as (
        process,
        port,
    ):
        with ThreadPoolExecutor(16) as callers:
            list(callers.map(lambda first: ask_for_some(port, first), range(16)))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        said = process.stderr.read()
        assert "Traceback" not in said and "failed" not in said


def test_an_artefact_that_cannot_be_served_ends_the_program_with_one_sentence(tmp_path):
    command = [sys.executable, "-m", "serving", "--directory", str(tmp_path)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 1
    assert finished.stderr.startswith(f"The model in {tmp_path} cannot be served:")
    assert len(finished.stderr.splitlines()) == 1


def test_the_container_has_every_file_that_it_needs_and_no_tensorflow(tmp_path):
    """The Dockerfile's COPY lines, carried out into an empty folder from which alone the program then runs."""
    lines = (ROOT / "serving" / "Dockerfile").read_text().splitlines()
    for line in lines:
        if line.startswith("COPY "):
            *sources, target = line.split()[1:]
            for source in sources:
                files = sorted(ROOT.glob(source))
                assert files, f"{source} is copied but not there"
                for file in files:
                    place = tmp_path / target / file.name if target.endswith("/") else tmp_path / target
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(file, place)
    assert (tmp_path / "serving" / "requirements.lock").is_file()
    program = (
        f"import sys; sys.path = [{str(tmp_path)!r}] + [one for one in sys.path if one != {str(ROOT)!r}]\n"
        "import serving.__main__, serving.model, model_code.inference, ai_edge_litert.interpreter\n"
        f"assert serving.__file__.startswith({str(tmp_path)!r})\n"
        "print([name for name in sys.modules if name in ('tensorflow', 'keras', 'boto3', 'aws_cdk')])"
    )
    command = [sys.executable, "-c", program]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert finished.stdout.strip() == "[]", finished.stderr
    locked = (ROOT / "serving" / "requirements.lock").read_text()
    named = {line.split("==")[0] for line in locked.splitlines() if re.match(r"^[a-z]", line)}
    asked = (ROOT / "serving" / "requirements.in").read_text().splitlines()
    assert {re.split("[=<>]", line)[0] for line in asked if line and not line.startswith("#")} <= named
