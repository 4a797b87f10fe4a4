"""The benchmark's load generator sees wrong answers, refusals and lost requests, and keeps its own rate."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from contextlib import closing, suppress

import numpy as np
import pytest

from benchmarks.load import JSON_TYPE, NPY_TYPE, Load, Outcome, Question

LABELS = ("cat", "dog")
RIGHT = np.array([[0.75, 0.25]])


def as_json(probabilities: np.ndarray) -> bytes:
    rows = [{"probabilities": dict(zip(LABELS, row, strict=True))} for row in probabilities.tolist()]
    return json.dumps({"predictions": rows}).encode()


def as_npy(probabilities: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, probabilities)
    return buffer.getvalue()


def question(body: bytes = b"a", content_type: str = JSON_TYPE, expected: np.ndarray = RIGHT) -> Question:
    return Question(body, content_type, LABELS, expected)


def loaded(
    answer: Callable[[int], bytes | None],
    run: Callable[[Load], object],
    *questions: Question,
    ends_after_each_answer: bool = False,
) -> Outcome:
    """What a load finds at a server that answers its nth request with these bytes; None: never."""

    async def go() -> Outcome:
        count = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal count
            while head := await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
                count += 1
                content = answer(count)
                if content is None:
                    continue
                # In two pieces, as a network may bring it.
                writer.write(content[:20])
                await writer.drain()
                writer.write(content[20:])
                if ends_after_each_answer:
                    return

        async def until_it_leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # Python 3.11.2 leaves the connection of a server that failed open.
            with closing(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
                await serve(reader, writer)

        server = await asyncio.start_server(until_it_leaves, "127.0.0.1", 0)
        load = Load(server.sockets[0].getsockname()[1], questions or (question(),))
        try:
            return await run(load)
        finally:
            server.close()

    return asyncio.run(go())


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


def busy(wait: bytes = b"Retry-After: 1\r\n") -> bytes:
    return b"HTTP/1.1 429 Too Many Requests\r\n%sContent-Length: 2\r\n\r\n{}" % wait


def for_a_moment(load: Load):
    return load.as_fast_as_it_answers(connections=3, seconds=0.05)


def test_every_answer_is_compared_and_a_wrong_one_counted_each_time():
    found = loaded(lambda n: ok(as_json(RIGHT if n % 3 else RIGHT[:, ::-1])), for_a_moment)
    assert found.asked == found.statuses[200] == len(found.latencies)
    assert found.wrong == found.statuses[200] // 3 > 0
    assert found.unanswered == found.refused_without_wait == 0


@pytest.mark.parametrize("body", [b"", b"{}", b'{"predictions": [{}]}', as_json(RIGHT[[0, 0]])])
def test_what_is_no_answer_is_wrong(body):
    assert not question().is_answered_by(body)


def test_another_questions_answer_is_wrong():
    other = question(b"b", expected=RIGHT[:, ::-1])
    found = loaded(lambda _: ok(as_json(RIGHT)), for_a_moment, question(), other)
    assert 0 < found.wrong < found.statuses[200]


def test_numpy_files_are_compared_too():
    asked = question(content_type=NPY_TYPE)
    assert asked.is_answered_by(as_npy(RIGHT + 1e-5))
    assert not asked.is_answered_by(as_npy(RIGHT + 0.1))
    assert not asked.is_answered_by(as_json(RIGHT))


def test_a_refusal_counts_apart_and_has_to_say_when_to_come_again():
    found = loaded(lambda n: busy() if n % 2 else busy(b""), for_a_moment)
    assert found.statuses == {429: found.asked}
    assert found.refused_without_wait == found.asked // 2
    assert found.latencies == [] and found.milliseconds(0.99) is None


def test_an_open_loop_asks_at_its_rate_whatever_the_answers_take(monkeypatch):
    monkeypatch.setattr("benchmarks.load.GRACE_SECONDS", 0.1)
    found = loaded(
        lambda n: ok(as_json(RIGHT)) if n <= 2 else None,
        lambda load: load.at_rate(200.0, connections=4, seconds=0.25),
    )
    # By a seeded Poisson process, so always the same number of 50 or so.
    assert 30 < found.asked < 70
    assert found.statuses == {200: 2}
    assert found.unanswered == found.asked - 2


def test_a_connection_that_the_server_ended_between_requests_is_made_anew():
    found = loaded(
        lambda _: ok(as_json(RIGHT)),
        lambda load: load.at_rate(50.0, connections=2, seconds=0.3),
        ends_after_each_answer=True,
    )
    assert found.statuses[200] == found.asked > 4


def test_a_server_that_ends_a_connection_ends_the_load():
    with pytest.raises(ConnectionError):
        loaded(lambda _: 1 / 0, lambda load: load.at_rate(100.0, connections=1, seconds=0.1))
