"""The embedded AWS as a process: where it listens, how it says what is wrong, and that nothing outlives it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local_aws import hooks
from local_aws.launcher import EmbeddedAws, EmbeddedAwsFailed
from local_aws.processes import start_leashed, stop_leashed

from .conftest import client_of, run_training, training_request

SLEEPER = "import time\nprint('ready', flush=True)\ntime.sleep(300)\n"


def descendants(process_id: int) -> set[int]:
    """Every living process below a process, by Linux's process table."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.name)] = int(fields[1])
    found, waiting = set(), {process_id}
    while waiting:
        parent = waiting.pop()
        children = {child for child, of in parents.items() if of == parent}
        waiting |= children - found
        found |= children
    return found


def listening_addresses(process_ids: set[int]) -> set[str]:
    """The local addresses, as Linux writes them, on which any of the processes listens."""
    inodes = set()
    for process_id in process_ids:
        for link in Path(f"/proc/{process_id}/fd").glob("*"):
            try:
                target = str(link.readlink())
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            listens = fields[3] == "0A" if table.startswith("tcp") else fields[2].endswith(":0000")
            if fields[9] in inodes and listens:
                found.add(fields[1].partition(":")[0])
    return found


def gone(process_ids: set[int], seconds: float = 15) -> bool:
    """Whether all the processes end within some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not [one for one in process_ids if Path(f"/proc/{one}").exists() and state(one) != "Z"]:
            return True
        time.sleep(0.1)
    return False


def state(process_id: int) -> str:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


needs_proc = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's /proc")


@needs_proc
def test_it_listens_on_the_loopback_address_only(aws, client):
    client("s3").list_buckets()
    # 127.0.0.1 in the byte order of Linux's table.
    assert listening_addresses({aws.process_id, *descendants(aws.process_id)}) == {"0100007F"}


def test_a_taken_port_is_a_sentence_with_the_way_out(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            EmbeddedAwsFailed, match=rf"Port {port} on 127.0.0.1 cannot be used.*--port, 0 for any"
        ):
            EmbeddedAws.start(tmp_path / "state", log_file=tmp_path / "log", port=port)


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


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_nothing_outlives_it_not_even_a_training_job(tmp_path, number):
    running = EmbeddedAws.start(tmp_path / "state", log_file=tmp_path / "log")
    try:
        s3 = client_of(running, "s3")
        s3.create_bucket(Bucket="bucket")
        request = training_request(s3, "bucket", SLEEPER)
        run_training(
            client_of(running, "sagemaker"), request, until=lambda job: job["SecondaryStatus"] == "Training"
        )
        deadline = time.monotonic() + 20
        started: set[int] = set()
        # The leash, the toolkit and the script.
        while len(started) < 4 and time.monotonic() < deadline:
            started = {running.process_id, *descendants(running.process_id)}
        assert len(started) >= 4
        os.kill(running.process_id, number)
        assert gone(started)
    finally:
        running.stop()


@needs_proc
def test_what_is_leashed_ends_with_its_holder_however_that_dies(tmp_path):
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time, os\n"
            "from pathlib import Path\n"
            "from local_aws.processes import start_leashed\n"
            "start_leashed(['sleep', '300'], environment=os.environ, directory=Path('.'), output=1)\n"
            "print('up', flush=True)\n"
            "time.sleep(300)\n",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "up\n"
    time.sleep(0.5)
    held = descendants(holder.pid)
    assert held
    holder.kill()
    holder.wait()
    assert gone(held)


def test_a_leashed_process_that_ignores_sigterm_is_killed_after_the_grace(tmp_path):
    stubborn = start_leashed(
        ["sh", "-c", "trap '' TERM; echo up; sleep 300"],
        environment=os.environ,
        directory=tmp_path,
        output=subprocess.PIPE,
    )
    assert stubborn.stdout.readline() == b"up\n"
    stop_leashed(stubborn, grace_seconds=0.5)
    assert stubborn.poll() is not None


def test_every_private_name_of_ministack_that_we_use_is_there():
    assert all(value is not None for value in hooks.private_names().values())
    assert callable(hooks.private_names()["stacks._runs_on_worker_thread"])
