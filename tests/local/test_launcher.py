"""The embedded AWS as a process: where it listens, how it says what is wrong, and that nothing outlives it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest
from ministack.core import router

from local_aws import hooks
from local_aws.child_processes import start_child, stop_child
from local_aws.launcher import EmbeddedAws, EmbeddedAwsFailed, environment, loopback_without_proxy
from local_aws.sagemaker.containers import can_bind_mount
from local_aws.state import KEPT_FILE, LOCK_FILE, kept_port

from .conftest import ROLE, client_of, run_training, start_with_role, training_request
from .roles import create_role

SLEEPER = "import time\nprint('ready', flush=True)\ntime.sleep(300)\n"


def family(process_id: int, members: int = 1) -> list[psutil.Process]:
    """A process and every living process below it, once there are so many of them."""
    deadline = time.monotonic() + 240
    while True:
        parent = psutil.Process(process_id)
        processes = [parent, *parent.children(recursive=True)]
        if len(processes) >= members:
            return processes
        assert time.monotonic() < deadline, processes
        time.sleep(0.1)


def listening_addresses(processes: list[psutil.Process]) -> set[str]:
    """The local addresses on which any of the processes listens or takes datagrams from anybody."""
    addresses = set()
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            addresses |= {
                net_connection.laddr.ip
                for net_connection in process.net_connections("inet")
                if net_connection.status == psutil.CONN_LISTEN
                or (net_connection.type == socket.SOCK_DGRAM and not net_connection.raddr)
            }
    return addresses


def test_it_listens_on_the_loopback_address_only(aws, client):
    client("s3").list_buckets()
    assert listening_addresses(family(aws.process_id)) == {"127.0.0.1"}


def test_a_proxy_of_the_machine_is_never_asked_for_the_loopback_address(tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nobody answers
    words = {"log_file": tmp_path / "log", "stand_ins_when_asked": True}
    with EmbeddedAws.start(tmp_path / "state", **words) as running:
        for name, value in environment(running.endpoint_url, running.keys).items():
            monkeypatch.setenv(name, value)
        create_role(client_of(running, "iam"), ROLE.rpartition("/")[2])
        client_of(running, "s3").create_bucket(Bucket="reached")
        request = training_request(client_of(running, "s3"), "reached", "print('trained')")
        described = run_training(client_of(running, "sagemaker"), request)
    assert described["TrainingJobStatus"] == "Completed", described


@pytest.mark.parametrize(
    ("given", "expected"),
    [("", "127.0.0.1,localhost"), ("inside.example", "inside.example,127.0.0.1,localhost"), ("*", "*")],
)
def test_what_the_user_keeps_from_the_proxy_stays_so(monkeypatch, given, expected):
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", given)
    assert loopback_without_proxy() == {"NO_PROXY": expected, "no_proxy": expected}


def test_a_taken_port_is_a_sentence_with_the_way_out(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            EmbeddedAwsFailed, match=rf"Port {port} on 127.0.0.1 cannot be used.*--port, 0 for any"
        ):
            EmbeddedAws.start(tmp_path / "state", log_file=tmp_path / "log", port=port)


def test_a_taken_port_of_what_is_kept_is_a_sentence_with_both_ways_out(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        state = tmp_path / "state"
        state.mkdir()
        (state / LOCK_FILE).touch()
        (state / KEPT_FILE).write_text(json.dumps({"port": port}))
        ways = rf"Port {port} on .* cannot be used.*`lsof -i :{port}`.* end that one.* delete .*state"
        with pytest.raises(EmbeddedAwsFailed, match=ways):
            EmbeddedAws.start(state, log_file=tmp_path / "log", keep=True)
        assert kept_port(state) == port


def test_a_state_directory_that_is_a_file_is_a_sentence(tmp_path):
    (tmp_path / "state").write_text("")
    finished = subprocess.run(
        [sys.executable, "-m", "local_aws", "--state", str(tmp_path / "state")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 1
    assert "cannot be written" in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_nothing_outlives_it_not_even_a_training_job(tmp_path, number, gone):
    running = start_with_role(tmp_path)
    try:
        s3 = client_of(running, "s3")
        s3.create_bucket(Bucket="bucket")
        request = training_request(s3, "bucket", SLEEPER)
        run_training(
            client_of(running, "sagemaker"), request, until=lambda job: job["SecondaryStatus"] == "Training"
        )
        # The embedded AWS, its leash, the supervisor, its leash, the toolkit, the script, and where there is one the
        # namespace.
        started = family(running.process_id, members=6 + can_bind_mount())
        os.kill(running.process_id, number)
        assert gone(started)
    finally:
        running.stop()


def test_it_ends_at_once_where_a_state_machine_waits(tmp_path, gone):
    waits = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    each = {"Type": "Map", "ItemProcessor": waits, "End": True}
    running = start_with_role(tmp_path)
    try:
        states = client_of(running, "stepfunctions")
        machine = states.create_state_machine(
            name="waits", roleArn=ROLE, definition=json.dumps({"StartAt": "Each", "States": {"Each": each}})
        )["stateMachineArn"]
        execution = states.start_execution(stateMachineArn=machine, input="[1, 2]")["executionArn"]
        events, deadline = [], time.monotonic() + 60
        while "WaitStateEntered" not in events and "MapStateEntered" not in events:
            assert time.monotonic() < deadline, events
            history = states.get_execution_history(executionArn=execution)["events"]
            events = [event["type"] for event in history]
        process = psutil.Process(running.process_id)
        process.terminate()
        assert gone([process], 60)
    finally:
        running.stop()


def test_a_child_process_ends_with_its_parent_however_that_dies(gone):
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time, os\n"
            "from pathlib import Path\n"
            "from local_aws.child_processes import start_child\n"
            "start_child(['sleep', '300'], environment=os.environ, directory=Path('.'), output=1)\n"
            "print('up', flush=True)\n"
            "time.sleep(300)\n",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "up\n"
    # The holder, the supervisor, its leash and what it holds.
    _, *held = family(holder.pid, members=4)
    holder.kill()
    holder.wait()
    assert gone(held)


def test_a_child_process_ends_where_its_supervisor_alone_is_killed(tmp_path, gone):
    child = start_child(
        ["sh", "-c", "sleep 300 & echo up; wait"],
        environment=os.environ,
        directory=tmp_path,
        output=subprocess.PIPE,
    )
    assert child.stdout.readline() == b"up\n"
    _, *held = family(child.pid, members=4)
    child.kill()
    assert gone(held)
    assert child.stdout.read() == b""
    assert stop_child(child, grace_seconds=5) == -signal.SIGKILL


def test_a_child_process_that_ignores_sigterm_is_killed_after_the_grace(tmp_path):
    stubborn = start_child(
        ["sh", "-c", "trap '' TERM; echo up; sleep 300"],
        environment=os.environ,
        directory=tmp_path,
        output=subprocess.PIPE,
    )
    assert stubborn.stdout.readline() == b"up\n"
    stop_child(stubborn, grace_seconds=0.5)
    assert stubborn.poll() is not None


def test_every_private_name_of_ministack_that_we_use_is_there():
    assert all(value is not None for value in hooks.private_names().values())
    assert callable(hooks.private_names()["stacks._runs_on_worker_thread"])


def test_the_router_knows_our_services_without_reading_the_models_of_all_others(monkeypatch):
    """Reading them takes six seconds, in which the embedded AWS answers nobody."""

    def read_models(name: str) -> bool:
        raise AssertionError(f"The router looks {name} up among all services of AWS.")

    monkeypatch.setattr(router, "SERVICE_PATTERNS", dict(router.SERVICE_PATTERNS))
    monkeypatch.setattr(router, "_is_aws_service_name", read_models)
    hooks.name_services("sagemaker", "rekognition", "comprehend")
    for service in ("sagemaker", "rekognition", "comprehend"):
        scope = f"AWS4-HMAC-SHA256 Credential=test/20261126/us-east-1/{service}/aws4_request"
        assert router.detect_service("POST", "/", {"authorization": scope}, {}) == service
