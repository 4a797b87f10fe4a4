"""Keeps the stand-ins in a process of their own, which is asked, bounded in time and memory, and started again.

They run native code of other projects over whatever is sent: what ends that code, or makes it hang, must end nothing
else of the embedded AWS.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import socket
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from ministack.core.router import extract_access_key_id

from local_aws import environments
from local_aws.child_processes import start_child
from local_aws.iam.calls import Call
from local_aws.managed.objects import with_objects
from local_aws.managed.service import CONTENT_TYPE, NO_ANSWER, STAND_IN_HEADER, STILL_LOADING, Refused
from local_aws.managed.worker import LOADED, REQUESTS_AT_ONCE

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "local_aws.managed.worker")
SERVICES = {"rekognition": "Rekognition", "comprehend": "Comprehend"}
# The slowest request, text in a picture of 100 megapixels, takes some seconds; this is for code that hangs.
REQUEST_SECONDS = 60
# Two packages may have to be fetched, each within 300 s.
LOADING_SECONDS = 900
# What is asked meanwhile waits so long for its model. A function of the API that is in a hurry gives up after five
# seconds, and would know nothing.
LOADING_WAIT_SECONDS = 4
# All models take 1.2 GiB, two pictures of 100 megapixels that are read for text some more. RLIMIT_AS and RLIMIT_DATA
# count what is reserved and never used, which grows with the number of processors (stacks of threads, arenas), so the
# memory in use is looked at instead.
MEMORY_BYTES = 6 * 1024**3
MEMORY_LOOK_SECONDS = 0.5
# Longer than any answer: a batch of 25 texts with each word of theirs.
ANSWER_BYTES = 64 * 1024**2
# Beside what every child may see: what npm finds the registry by. A lower-case name stands for both cases.
VARIABLES = frozenset(
    (
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("ssl_cert_file", "ssl_cert_dir", "node_extra_ca_certs"),
    )
)
VARIABLES_OF_NPM = "npm_config_"

Answer = tuple[int, dict[str, str], bytes]


class WorkerEnded(Exception):
    """The process ended before it answered; the message says how, as the end of a sentence."""


class StillLoading(Exception):
    """The model that a request needs is not there yet."""


class Worker:
    """One process with the models, from its start to its end.

    Attributes:
        has_loaded: whether all models are there.
        has_ended: whether it ends or has ended.
        end_reason: why, as the end of a sentence; empty while that is not known.
    """

    def __init__(self, process: subprocess.Popen, writer: asyncio.StreamWriter) -> None:
        self.process = process
        self.writer = writer
        self.waiting: dict[int, asyncio.Future[Answer]] = {}
        self.numbers = itertools.count()
        self.has_loaded = False
        self.has_ended = False
        self.end_reason = ""

    @classmethod
    async def start(
        cls, command: Sequence[str], environment: Mapping[str, str]
    ) -> tuple[Worker, asyncio.Task]:
        """Starts the process; the task ends when the process has, and every request has its answer or error."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = start_child(
                [*command, str(theirs.fileno())],
                environment=environment,
                directory=ROOT,
                output=sys.stderr.fileno(),
                descriptors=[theirs.fileno()],
            )
        reader, writer = await asyncio.open_connection(sock=ours, limit=ANSWER_BYTES)
        worker = cls(process, writer)
        asyncio.get_running_loop().call_later(LOADING_SECONDS, worker.end_unless_loaded)
        return worker, asyncio.create_task(worker.attend(reader))

    async def ask(self, service: str, operation: str, body: bytes) -> Answer:
        """The worker's answer.

        Raises:
            WorkerEnded: when the process ends before it, of itself or because it took too long.
            StillLoading: when the models are not there within LOADING_WAIT_SECONDS.
        """
        number = next(self.numbers)
        answer = self.waiting[number] = asyncio.get_running_loop().create_future()
        # Latin-1 gives every byte a character of its own.
        self.writer.write(json.dumps([number, service, operation, body.decode("latin-1")]).encode() + b"\n")
        try:
            if not self.has_loaded:
                with suppress(TimeoutError):
                    return await asyncio.wait_for(asyncio.shield(answer), LOADING_WAIT_SECONDS)
                if not self.has_loaded:
                    raise StillLoading
            return await asyncio.wait_for(asyncio.shield(answer), REQUEST_SECONDS)
        except TimeoutError:
            self.end(f"was ended because a request took longer than {REQUEST_SECONDS} s")
            return await answer
        finally:
            self.waiting.pop(number, None)

    async def attend(self, reader: asyncio.StreamReader) -> None:
        """Hands on what the process says, and watches its memory, until it ends."""
        watching = asyncio.create_task(self.watch_memory())
        try:
            with suppress(ConnectionError):
                async for line in reader:
                    self.hear(json.loads(line))
        finally:
            watching.cancel()
            self.end("")
            status = await asyncio.to_thread(self.process.wait)
            self.end_reason = self.end_reason or ended_with(status)
            self.writer.close()
            for answer in self.waiting.values():
                if not answer.done():
                    answer.set_exception(WorkerEnded(self.end_reason))

    def hear(self, message: Any) -> None:
        """Takes one line of the process's."""
        if message == LOADED:
            self.has_loaded = True
            print("The stand-ins of Rekognition and Comprehend are loaded.", file=sys.stderr, flush=True)
            return
        number, status, headers, body = message
        answer = self.waiting.get(number)
        if answer is not None and not answer.done():
            answer.set_result((status, headers, body.encode()))

    async def watch_memory(self) -> None:
        """Ends the process when it, with what it started, uses more memory than it may."""
        while True:
            await asyncio.sleep(MEMORY_LOOK_SECONDS)
            if memory_in_use(self.process.pid) > MEMORY_BYTES:
                self.end(f"was ended because it used more than {MEMORY_BYTES // 1024**3} GiB of memory")

    def end_unless_loaded(self) -> None:
        """Kills a process that hangs while it loads."""
        if not self.has_loaded:
            self.end(f"was ended because its models were not loaded after {LOADING_SECONDS} s")

    def end(self, reason: str) -> None:
        """Kills the process, if it runs; requests that wait hear the reason when it has ended."""
        self.has_ended = True
        self.end_reason = self.end_reason or reason
        # The supervisor's pipe is closed, which kills.
        if self.process.stdin:
            self.process.stdin.close()


class StandIns:
    """Both services' stand-ins as the embedded AWS sees them: handlers of requests that any end of the process outlive.

    Used on one event loop.

    Attributes:
        clients: makes boto3's clients, by which objects are read that a request names; set before the first request.
        may: whether who has an access key may make a call; set before the first request too.
    """

    clients: Callable[[str], Any]
    may: Callable[[str, Call], bool]

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        """Starts nothing yet.

        Args:
            command: starts the process; the number of its socket is put behind it.
        """
        self.command = command
        self.worker: Worker | None = None
        self.attending: set[asyncio.Task] = set()
        self.starting = asyncio.Lock()
        self.turns: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(REQUESTS_AT_ONCE))
        self.is_closed = False

    def register(self, service_handlers: dict[str, Any]) -> None:
        """Hangs the stand-ins into ministack's table of services."""
        for service in SERVICES:
            service_handlers[service] = partial(self.handle_request, service)

    async def start(self) -> Worker:
        """The process that runs, started if none does; its models load in the background."""
        async with self.starting:
            if self.worker is None or self.worker.has_ended:
                print("The stand-ins of Rekognition and Comprehend are loading.", file=sys.stderr, flush=True)
                self.worker, attending = await Worker.start(
                    self.command, worker_environment(environments.of_the_user())
                )
                self.attending.add(attending)
                attending.add_done_callback(partial(self.after, self.worker))
            return self.worker

    def after(self, worker: Worker, attending: asyncio.Task) -> None:
        """What follows a process's end: the next one.

        One that did not come to load its models might end there again and again, so the next request starts another.
        """
        self.attending.discard(attending)
        if self.is_closed:
            return
        message = f"The process of the stand-ins {worker.end_reason}."
        print(message, file=sys.stderr, flush=True)
        if worker.has_loaded:
            starting = asyncio.ensure_future(self.start())
            self.attending.add(starting)
            starting.add_done_callback(self.attending.discard)

    async def handle_request(
        self,
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict,
    ) -> Answer:
        """ministack's handler of one service."""
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        try:
            if service == "rekognition" and b'"S3Object"' in body:
                may = partial(self.may, extract_access_key_id(headers, query_params))
                body = await asyncio.to_thread(with_objects, body, self.clients, may)
            worker = await self.start()
            # Who waits for models to load waits beside the others, not behind them.
            async with self.turns[service] if worker.has_loaded else nullcontext():
                worker = await self.start()
                return await worker.ask(service, operation, body)
        except Refused as refused:
            return refused.answer()
        except WorkerEnded as ended:
            what = f"The process of the stand-in of {SERVICES[service]} {ended}; it starts again by itself."
            return unavailable("ServiceUnavailable", f"{what} Try again.")
        except StillLoading:
            return unavailable(
                STILL_LOADING, f"The stand-in of {SERVICES[service]} is still loading. Try again."
            )

    async def close(self) -> None:
        """Ends the process for good."""
        self.is_closed = True
        if self.worker is not None:
            self.worker.end("was ended with the embedded AWS")
        await asyncio.gather(*self.attending, return_exceptions=True)


def unavailable(code: str, message: str) -> Answer:
    """The answer to a request that may be answered later, in the form of AWS's: SDKs ask again."""
    content = {"__type": code, "Message": message, "message": message}
    headers = {"Content-Type": CONTENT_TYPE, STAND_IN_HEADER: NO_ANSWER}
    return 503, headers, json.dumps(content).encode()


def ended_with(status: int) -> str:
    """How a process under a supervisor ended, by its exit status."""
    number = status - 128
    if number in {known.value for known in signal.Signals}:
        return f"ended with {signal.Signals(number).name}"
    return f"ended with status {status}"


def memory_in_use(process_id: int) -> int:
    """Bytes of memory that a process and those below it hold; 0 when it has ended."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        supervisor = psutil.Process(process_id)
        for process in [supervisor, *supervisor.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
    return total


def worker_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that the process needs: no keys of AWS's, and of tokens only npm's own."""
    kept = {
        name: value
        for name, value in environment.items()
        if environments.is_allowed(name)
        or name.lower() in VARIABLES
        or name.lower().startswith(VARIABLES_OF_NPM)
    }
    return {**kept, "PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
