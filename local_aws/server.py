"""Serves ministack with our services and the console on one listening socket until a signal ends it."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from local_aws.keys import Keys


def serve(
    listener: socket.socket,
    state: Path,
    keys: Keys,
    *,
    concurrent_jobs: int,
    without_capacity: frozenset[str],
    wait_scale: float,
    keep: bool,
    stand_ins_when_asked: bool,
    announce: Callable[[Keys], None],
) -> None:
    """Runs the server; returns after SIGTERM or SIGINT, when every child process has ended.

    Raises:
        StateRefused: when nobody can be told that it answers.
    """
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config
    from ministack import app as ministack

    from local_aws.console import PREFIX, configuration_of, evaluation_of, state_of, warm, with_console
    from local_aws.hooks import install
    from local_aws.iam.console_role import lend_keys
    from local_aws.iam.user import keys_of_user
    from local_aws.kept import restore_kept, write_kept
    from local_aws.launcher import REGION
    from local_aws.managed.process import StandIns
    from local_aws.own_origin import for_own_origin
    from local_aws.sagemaker.names import Names
    from local_aws.sagemaker.places import Places
    from local_aws.sagemaker.service import SageMaker
    from local_aws.signatures import for_known_keys
    from local_aws.state import DECISIONS_FILE, KEPT_FILE, unwritable

    port = listener.getsockname()[1]

    def sagemaker_in(place: Names) -> SageMaker:
        return SageMaker(
            state / "sagemaker" / f"{place.account}-{place.region}",
            f"http://127.0.0.1:{port}",
            keys,
            state / DECISIONS_FILE,
            concurrent_jobs=concurrent_jobs,
            without_capacity=without_capacity,
            wait_scale=wait_scale,
            names=place,
        )

    places = Places(sagemaker_in)
    sagemaker = places.first
    stand_ins = StandIns()
    scaling = install(places, stand_ins)
    if keep:
        restore_kept(state / KEPT_FILE, sagemaker, scaling)
    application = with_console(
        ministack.app,
        lambda: configuration_of(
            sagemaker.client("ssm"), lambda machines: lend_keys(sagemaker.client("iam"), machines), REGION
        ),
        lambda: state_of(sagemaker.client),
        lambda job: evaluation_of(sagemaker.client, job),
    )
    application = for_own_origin(for_known_keys(application, keys.console_key), PREFIX)
    config = Config()
    # The socket is bound already: a port that was free when it was asked for cannot be lost to another program.
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"

    refusals: list[OSError] = []

    async def prepare(stopped: asyncio.Event) -> None:
        await answers(port)
        try:
            announce(await asyncio.to_thread(keys_of_user, sagemaker.client("iam"), keys))
        except OSError as error:
            # Nobody would ever know that it answers.
            refusals.append(error)
            stopped.set()
            return
        sagemaker.decisions.roles_are_there.set()
        if not stand_ins_when_asked:
            await stand_ins.start()
        await asyncio.to_thread(warm, sagemaker.client)

    async def run() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        # Hypercorn describes each kind of ASGI's messages by its members; ours are dictionaries.
        served = cast(Any, application)
        serving = asyncio.create_task(hypercorn_serve(served, config, shutdown_trigger=stopped.wait))
        preparing = asyncio.create_task(prepare(stopped))
        await serving
        preparing.cancel()
        await stand_ins.close()

    try:
        asyncio.run(run())
        for error in refusals:
            raise unwritable(state, error) from error
        if keep:
            # After ministack's own: the file says that everything is complete.
            write_kept(state / KEPT_FILE, sagemaker, scaling, port)
    finally:
        places.close()


async def answers(port: int) -> None:
    """Waits until the server answers a request."""
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /_ministack/health HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            await writer.drain()
            answer = await reader.readline()
            writer.close()
            if b" 200 " in answer:
                return
        except OSError:
            await asyncio.sleep(0.05)
