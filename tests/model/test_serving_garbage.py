"""Whatever bytes come to the small server, it answers requests or refuses them, and the next caller is served."""

from __future__ import annotations

import socket
from functools import cache

from hypothesis import example, given
from hypothesis import strategies as st

from .small_server import Gated, Running, ping, read_all, request, statuses

PARTS = st.sampled_from(
    [
        *(
            b"GET ",
            b"POST ",
            b"PUT ",
            b"/ping",
            b"/invocations",
            b" HTTP/1.1",
            b" HTTP/1.0",
            b"\r\n",
            b"\r\n\r\n",
        ),
        *(b"Content-Length: 3", b"Content-Length: 99999999999999999999", b"Transfer-Encoding: chunked"),
        *(b"Connection: close", b"Connection: Upgrade", b"Expect: 100-continue", b"Content-Type: "),
        *(
            b"text/plain",
            b"application/json",
            b"application/x-npy",
            b"3\r\nabc\r\n0\r\n\r\n",
            b"\x93NUMPY\x01\x00",
        ),
        *(b'{"instances": [', b'{"text": "a"}', b"]}", b"\x00", b"\xff" * 9, b"abc"),
        request(b"abc"),
        request(b"abc", b"Connection: close\r\n"),
    ]
)
SENT = st.lists(PARTS | st.binary(max_size=40), max_size=12).map(b"".join)


# No fixture: the fuzzer calls the property alone.
@cache
def open_server() -> Running:
    """A server whose model answers at once; its threads end with the process."""
    server = Running(Gated())
    server.model.gate.set()
    return server


@given(sent=SENT)
@example(sent=request(b"abc")[:-1])
@example(sent=request(b"abc") * 3 + b"\x00")
def test_no_bytes_end_the_server_or_make_it_answer_with_a_fault(sent):
    with open_server().socket() as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        content = read_all(connection)
    assert {status for status in statuses(content) if not 100 <= status < 500} == set()
    assert ping(open_server()) == 200
