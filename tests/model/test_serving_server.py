"""The small server's HTTP over real sockets: requests of any form, answers in their order, an end without a loss."""

from __future__ import annotations

import http.client
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from .small_server import read_all, request, statuses


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
    connection = http.client.HTTPConnection("127.0.0.1", running().port, timeout=120)
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
        while not any(connection.arriving_since for connection in server.server.connections):
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
        while sum(len(connection.exchanges) for connection in server.server.connections) < 3:
            time.sleep(0.01)
        ending = ender.submit(server.do, server.server.drain(30))
        while not server.server.draining:
            time.sleep(0.01)
        server.model.gate.set()
        content = read_all(asked)
        ending.result()
    assert statuses(content) == [200, 200, 404]
