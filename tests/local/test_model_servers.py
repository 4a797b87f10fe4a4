"""A model's server whose process dies in a request fails that request and answers the later ones."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import IO

import psutil
import pytest

from local_aws.sagemaker import model_servers
from local_aws.sagemaker.errors import ServiceError

SERVER = """
import argparse, http.server, os, pathlib, signal


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"die":
            os.kill(os.getpid(), signal.SIGSEGV)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)


parser = argparse.ArgumentParser()
for name in ("--directory", "--port", "--port-file"):
    parser.add_argument(name)
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
port_file = pathlib.Path(parser.parse_args().port_file)
unfinished = port_file.with_suffix(".unfinished")
unfinished.write_text(str(server.server_port))
unfinished.replace(port_file)
server.serve_forever()
"""


def copy(output: IO[bytes], file: Path) -> threading.Thread:
    """Writes what a server prints to its file."""
    copying = threading.Thread(target=lambda: file.write_bytes(output.read()), daemon=True)
    copying.start()
    return copying


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A running one that dies when it is asked to."""
    (tmp_path / "mortal.py").write_text(SERVER)
    monkeypatch.setattr(model_servers, "ROOT", tmp_path)
    monkeypatch.setattr(model_servers, "PAUSE_SECONDS", 0.1)
    (tmp_path / "folder").mkdir()
    started = model_servers.start_process("mortal", tmp_path / "folder", {}, copy)
    yield started
    started.stop()


def answer_of(server: model_servers.ModelServer) -> bytes:
    """What it answers as soon as it does."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return model_servers.ask(server, b"live", {})[1]
        except ServiceError:
            assert time.monotonic() < deadline, "It was not started again."
            time.sleep(0.1)


def test_a_server_that_dies_while_nobody_asks_is_started_again_at_once(server):
    first, deadline = server.process, time.monotonic() + 60
    supervisor = psutil.Process(first.pid)
    # Its leash has the supervisor's own command line.
    (of_the_supervisor,) = [
        child for child in supervisor.children() if child.cmdline() != supervisor.cmdline()
    ]
    of_the_supervisor.kill()
    while server.process is first:
        assert time.monotonic() < deadline, "It was not started again."
        time.sleep(0.05)
    assert model_servers.ask(server, b"live", {})[1] == b"live"


def test_a_server_that_dies_in_a_request_is_started_again(server):
    first = server.process
    with pytest.raises(ServiceError, match="did not answer") as raised:
        model_servers.ask(server, b"die", {})
    assert raised.value.status == 424
    assert answer_of(server) == b"live"
    assert server.process is not first
    assert server.ended, "a deployment that bakes it has to know"


@pytest.mark.parametrize(
    "fault", [model_servers.StartFailed("no ping"), ValueError("of no kind that is known")]
)
def test_a_start_that_fails_is_tried_again(server, fault):
    launch, tries = server.launch, []

    def launch_at_the_second_try():
        tries.append(time.monotonic())
        if len(tries) == 1:
            raise fault
        return launch()

    server.launch = launch_at_the_second_try
    with pytest.raises(ServiceError, match="did not answer"):
        model_servers.ask(server, b"die", {})
    assert answer_of(server) == b"live"
    assert len(tries) == 2


def test_a_server_that_was_stopped_stays_so(server):
    server.stop()
    with pytest.raises(ServiceError, match="did not answer"):
        model_servers.ask(server, b"live", {})
    assert server.process.poll() is not None
