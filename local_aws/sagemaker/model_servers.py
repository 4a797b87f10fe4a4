"""The server of one model, as a process of this machine: how it starts, is asked, and ends without losing answers."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from local_aws.child_processes import start_child, stop_child
from local_aws.sagemaker.containers import process_environment
from local_aws.sagemaker.errors import ServiceError

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180
# Of real-time inference (SageMaker Runtime API reference, InvokeEndpoint).
ANSWER_SECONDS = 60
# What SageMaker passes on to a container.
PASSED_ON = ("content-type", "accept", "x-amzn-sagemaker-custom-attributes")
# From a process's end to that of its output.
END_SECONDS = 2
# Before the next try to start a server again, twice as long after each.
PAUSE_SECONDS = 5

Follow = Callable[[IO[bytes], Path], threading.Thread]


class StartFailed(Exception):
    """A server did not come up; the message is fit for a FailureReason."""


@dataclass
class Answering(ABC):
    """What is asked, with the number of requests that it has yet to answer."""

    unanswered: int = field(default=0, kw_only=True)
    changed: threading.Condition = field(default_factory=threading.Condition, kw_only=True)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Keeps `retire` waiting for one request's answer."""
        with self.changed:
            self.unanswered += 1
        try:
            yield
        finally:
            with self.changed:
                self.unanswered -= 1
                self.changed.notify_all()

    def retire(self) -> None:
        """Ends it once it has answered what it was asked; nobody may ask it any more."""
        with self.changed:
            self.changed.wait_for(lambda: not self.unanswered, timeout=ANSWER_SECONDS)
        self.stop()

    @property
    def ended(self) -> bool:
        """Whether it can answer no more; what is no process of its own always can."""
        return False

    @abstractmethod
    def stop(self) -> None:
        """Ends it at once."""


@dataclass
class ModelServer(Answering):
    """One running server of one model.

    Attributes:
        launch: starts its process again; returns it and its port.
        has_died: whether its process ever ended of itself.
    """

    process: subprocess.Popen
    port: int
    folder: Path
    launch: Callable[[], tuple[subprocess.Popen, int]]
    has_died: bool = field(default=False, kw_only=True)
    is_stopped: bool = field(default=False, kw_only=True)

    @property
    def ended(self) -> bool:
        """Whether its process is over, or was before it was started again."""
        return self.has_died or self.process.poll() is not None

    def stop(self) -> None:
        """Ends it at once and drops its files."""
        with self.changed:
            self.is_stopped = True
            self.changed.notify_all()
        stop_child(self.process, grace_seconds=5)
        shutil.rmtree(self.folder, ignore_errors=True)

    def keep_alive(self) -> None:
        """Starts it again whenever its process has ended of itself, as SageMaker does with a container."""
        pause_seconds = PAUSE_SECONDS
        while True:
            self.process.wait()
            with self.changed:
                if self.is_stopped:
                    return
                self.has_died = True
            try:
                process, port = self.launch()
            except Exception as error:  # noqa: BLE001 - a fault of ours too must not keep it dead
                print(f"A model's server did not start again. {error}", file=sys.stderr, flush=True)
                with self.changed:
                    self.changed.wait_for(lambda: self.is_stopped, timeout=pause_seconds)
                pause_seconds *= 2
                continue
            with self.changed:
                if not self.is_stopped:
                    self.process, self.port = process, port
                    pause_seconds = PAUSE_SECONDS
                    continue
            stop_child(process, grace_seconds=0)
            return


def start_process(module: str, folder: Path, variables: dict[str, str], follow: Follow) -> ModelServer:
    """Starts the server of an unpacked model; see `launched` for `follow` and for what is raised."""
    launch = partial(launched, module, folder, variables, follow)
    server = ModelServer(*launch(), folder, launch)
    threading.Thread(target=server.keep_alive, daemon=True).start()
    return server


def launched(
    module: str, folder: Path, variables: dict[str, str], follow: Follow
) -> tuple[subprocess.Popen, int]:
    """Starts the server process over an unpacked model; returns it and its port when it answers /ping.

    Args:
        module: the server's.
        folder: where the model is, and where the port and the log are written.
        variables: of its environment.
        follow: copies what it prints to a file, on a thread that ends with it.

    Raises:
        StartFailed: when it ends or stays silent.
    """
    port_file, log = folder / "port", folder / "log"
    # Of a process that was there before.
    port_file.unlink(missing_ok=True)
    command = [
        sys.executable,
        *("-m", module),
        *("--directory", str(folder / "model")),
        *("--port", "0", "--port-file", str(port_file)),
    ]
    environment = process_environment({**variables, "PYTHONPATH": str(ROOT)})
    process = start_child(command, environment=environment, directory=ROOT, output=subprocess.PIPE)
    assert process.stdout  # a pipe, as asked for
    following = follow(process.stdout, log)
    deadline = time.monotonic() + START_SECONDS
    try:
        while not (port_file.exists() and answers_ping(int(port_file.read_bytes()))):
            if process.poll() is not None:
                following.join(END_SECONDS)
                said = log.read_text(encoding="utf-8", errors="replace")
                last = [line for line in said.splitlines() if line.strip()][-1:]
                raise StartFailed(f"The container did not pass the ping health check. {''.join(last)}")
            if time.monotonic() > deadline:
                raise StartFailed(
                    f"The container did not pass the ping health check within {START_SECONDS} s."
                )
            time.sleep(0.1)
    except BaseException:
        stop_child(process, grace_seconds=0)
        raise
    return process, int(port_file.read_bytes())


def answers_ping(port: int) -> bool:
    """Whether the server at a port answers /ping with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def ask(
    server: ModelServer, body: bytes, headers: dict[str, str], seconds: float = ANSWER_SECONDS
) -> tuple[str, bytes]:
    """Passes a request to a server; returns the answer's content type and content.

    Raises:
        ServiceError: the model's own error, or the end of its process, which is started again (424).
    """
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=seconds)
    passed = {key: headers[key] for key in PASSED_ON if key in headers}
    try:
        connection.request("POST", "/invocations", body=body, headers=passed)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise ServiceError("ModelError", f"The container did not answer: {error}.", 424) from error
    finally:
        connection.close()
    if answer.status != 200:
        raise ServiceError(
            "ModelError",
            f"Received client error ({answer.status}) from primary with message "
            f'"{content.decode("utf-8", "replace")}".',
            424,
            OriginalStatusCode=answer.status,
            OriginalMessage=content.decode("utf-8", "replace"),
        )
    return answer.headers.get("Content-Type", "application/json"), content
