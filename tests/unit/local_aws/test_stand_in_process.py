"""The process of the stand-ins, seen from the embedded AWS: whatever ends it, requests are answered, it comes back."""

from __future__ import annotations

import asyncio
import json
import sys

import psutil
import pytest

from local_aws.managed import process
from local_aws.managed.process import StandIns, worker_environment

# Speaks as the worker does, without models: an operation's name says what becomes of the process.
PLAYER = """
import itertools, json, os, signal, socket, sys, time

channel = socket.socket(fileno=int(sys.argv[-1]))
if "broken" in sys.argv:
    sys.exit(3)
lines = channel.makefile("rb")
if "slow" in sys.argv:
    # It is loaded when it is asked for the second time.
    next(lines)
    lines = itertools.chain([next(lines)], lines)
channel.sendall(b'"loaded"\\n')
for line in lines:
    number, service, operation, body = json.loads(line)
    if operation == "Crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if operation == "Hang":
        continue
    if operation == "Grow":
        grown = bytearray(os.urandom(1024)) * 200_000
        continue
    content = json.dumps({"process": os.getpid(), "service": service, "bytes": len(body.encode("latin-1"))})
    channel.sendall(json.dumps([number, 200, {}, content]).encode() + b"\\n")
"""


def run(scenario, *words: str) -> None:
    """Runs a scenario with stand-ins that the player plays."""

    async def with_stand_ins() -> None:
        stand_ins = StandIns([sys.executable, "-c", PLAYER, *words])
        try:
            # What is waited for in vain is a failed test, not a run without an end.
            async with asyncio.timeout(60):
                await scenario(stand_ins)
        finally:
            await stand_ins.close()

    asyncio.run(with_stand_ins())


async def ask(stand_ins: StandIns, operation: str, body: bytes = b"{}") -> tuple[int, dict]:
    """Status and content of an answer of Comprehend's."""
    headers = {"x-amz-target": f"Comprehend_20171127.{operation}"}
    status, _, content = await stand_ins.handle_request("comprehend", "POST", "/", headers, body, {})
    return status, json.loads(content)


def test_a_request_is_answered_whatever_bytes_it_has():
    async def scenario(stand_ins):
        status, content = await ask(stand_ins, "Answer", b"\xff\n\x00\xe9")
        assert (status, content["service"], content["bytes"]) == (200, "comprehend", 4)

    run(scenario)


def test_a_crash_is_a_503_with_a_sentence_and_the_next_request_is_answered():
    async def scenario(stand_ins):
        _, before = await ask(stand_ins, "Answer")
        status, error = await ask(stand_ins, "Crash")
        assert (status, error["__type"]) == (503, "ServiceUnavailable")
        assert "The process of the stand-in of Comprehend ended with SIGSEGV" in error["message"]
        status, after = await ask(stand_ins, "Answer")
        assert status == 200
        assert after["process"] != before["process"]

    run(scenario)


def test_every_request_in_work_is_told_of_a_crash():
    async def scenario(stand_ins):
        answers = await asyncio.gather(ask(stand_ins, "Hang"), ask(stand_ins, "Crash"))
        assert [status for status, _ in answers] == [503, 503]

    run(scenario)


def test_it_starts_again_before_anybody_asks():
    async def scenario(stand_ins):
        await ask(stand_ins, "Crash")
        while stand_ins.worker.has_ended or not stand_ins.worker.has_loaded:
            await asyncio.sleep(0.01)

    run(scenario)


def test_one_that_ends_while_it_loads_is_started_again_by_a_request_alone():
    async def scenario(stand_ins):
        worker = await stand_ins.start()
        await asyncio.gather(*stand_ins.attending)
        assert stand_ins.worker is worker
        assert not stand_ins.attending
        status, error = await ask(stand_ins, "Answer")
        assert status == 503
        assert "ended with status 3" in error["message"]
        assert stand_ins.worker is not worker

    run(scenario, "broken")


def test_a_request_that_hangs_ends_the_process_and_says_so(monkeypatch):
    async def scenario(stand_ins):
        await ask(stand_ins, "Answer")
        hung = psutil.Process(stand_ins.worker.process.pid)
        monkeypatch.setattr(process, "REQUEST_SECONDS", 0.1)
        status, error = await ask(stand_ins, "Hang")
        assert status == 503
        assert "took longer than 0.1 s" in error["message"]
        assert not hung.is_running()

    run(scenario)


def test_a_request_that_takes_too_much_memory_ends_the_process_and_says_so(monkeypatch):
    monkeypatch.setattr(process, "MEMORY_BYTES", 150 * 1024**2)
    monkeypatch.setattr(process, "MEMORY_LOOK_SECONDS", 0.05)

    async def scenario(stand_ins):
        assert (await ask(stand_ins, "Answer"))[0] == 200
        status, error = await ask(stand_ins, "Grow")
        assert status == 503
        assert "of memory" in error["message"]

    run(scenario)


def test_who_asks_while_models_load_waits_a_little_and_is_told_so(monkeypatch):
    monkeypatch.setattr(process, "LOADING_WAIT_SECONDS", 0.05)

    async def scenario(stand_ins):
        status, error = await ask(stand_ins, "Answer")
        assert (status, error["__type"]) == (503, "StandInLoading")
        assert error["message"] == "The stand-in of Comprehend is still loading. Try again."
        while (answer := await ask(stand_ins, "Answer"))[0] == 503:
            assert answer[1]["__type"] == "StandInLoading"
        assert answer[0] == 200

    run(scenario, "slow")


def test_one_that_hangs_while_it_loads_is_ended(monkeypatch):
    monkeypatch.setattr(process, "LOADING_SECONDS", 0.1)

    async def scenario(stand_ins):
        status, error = await ask(stand_ins, "Answer")
        assert (status, error["__type"]) == (503, "ServiceUnavailable")
        assert "its models were not loaded after 0.1 s" in error["message"]

    run(scenario, "slow")


def test_a_client_that_goes_away_leaves_the_process_to_others():
    async def scenario(stand_ins):
        _, before = await ask(stand_ins, "Answer")
        gone = asyncio.create_task(ask(stand_ins, "Hang"))
        while not stand_ins.worker.waiting:
            await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert (await ask(stand_ins, "Answer"))[1]["process"] == before["process"]

    run(scenario)


def test_nothing_is_left_of_it_when_it_is_closed():
    processes = []

    async def scenario(stand_ins):
        await ask(stand_ins, "Answer")
        supervisor = psutil.Process(stand_ins.worker.process.pid)
        processes.extend([supervisor, *supervisor.children(recursive=True)])

    run(scenario)
    # The supervisor, its leash and the worker.
    assert len(processes) == 3
    assert psutil.wait_procs(processes, 30)[1] == []


@pytest.mark.parametrize(
    ("name", "is_there"),
    [
        ("PATH", True),
        ("HTTPS_PROXY", True),
        ("npm_config_registry", True),
        ("TF_ENABLE_ONEDNN_OPTS", True),
        ("AWS_SECRET_ACCESS_KEY", False),
        ("GITHUB_TOKEN", False),
        ("LD_PRELOAD", False),
    ],
)
def test_the_environment_holds_what_is_needed_and_no_secret(name, is_there):
    assert (name in worker_environment({name: "value"})) == is_there
