"""Does an ASGI application on uvicorn answer as fast as our own HTTP server, with the same worker behind both?

Example: python -m benchmarks.http_server --python ~/uvicorn/bin/python
The Python named there has uvicorn beside what requirements.lock names; uvicorn takes httptools and uvloop where they
are, as ours does. What ours bounds besides (the head, a request's arrival, connections) is left out, in its favour.
Of both it tells answers a second, which need a machine of their own, and the processor's time of an answer, which does
not.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psutil

from benchmarks import interleaved, serving_speed
from serving.__main__ import MOST_BODY_BYTES, SWITCH_SECONDS
from serving.admission import Limits
from serving.contract import InferenceRequest
from serving.cores import usable_cores
from serving.model import Model
from serving.server import TOO_MANY
from serving.worker import PendingRequest, Response, Worker, refused

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
RESULT = Path(__file__).parent / "results" / "http_server.json"
CONTENDERS = {"litert": "serving/, with our own HTTP server", "asgi": "the same worker on uvicorn, ASGI"}


class Application:
    """/ping and /invocations as an ASGI application."""

    def __init__(self, models: list[Model]) -> None:
        self.models = models
        self.worker: Worker

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self.live(receive, send)
            return
        response = await self.response(scope, receive)
        headers = [
            (b"content-type", response.content_type.encode()),
            (b"content-length", b"%d" % len(response.content)),
        ]
        if response.headers:
            name, value = response.headers.strip().split(b": ")
            headers.append((name.lower(), value))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.content})

    async def live(self, receive: Receive, send: Send) -> None:
        """Starts the worker and stops it."""
        await receive()
        self.worker = Worker(self.models, asyncio.get_running_loop(), version=None, limits=Limits())
        self.worker.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.worker.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def response(self, scope: Message, receive: Receive) -> Response:
        """What a request gets."""
        if scope["path"] == "/ping":
            return Response(HTTPStatus.OK, b"")
        if (scope["method"], scope["path"]) != ("POST", "/invocations"):
            return refused(HTTPStatus.NOT_FOUND, "There are /ping and /invocations.")
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > MOST_BODY_BYTES:
                return refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large.")
        if not self.worker.admission.has_room(len(body)):
            return TOO_MANY
        headers = dict(scope["headers"])
        kind, accept = (
            None if (value := headers.get(name)) is None else value.decode("latin-1")
            for name in (b"content-type", b"accept")
        )
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def tell(response: Response) -> None:
            if not answered.done():
                answered.set_result(response)

        self.worker.offer(PendingRequest(InferenceRequest(body, kind, accept), tell))
        return await answered


def serve(directory: Path, port: int) -> None:
    """Serves until SIGTERM."""
    import uvicorn  # pyright: ignore[reportMissingImports]  # of the Python that is named

    model = Model(directory)
    models = [model, *(model.twin() for _ in range(usable_cores() - 1))]
    for twin in models:
        twin.warm_up()
    # As serving/ does.
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(SWITCH_SECONDS)
    options = {"log_level": "error", "access_log": False, "lifespan": "on"}
    uvicorn.run(Application(models), host="127.0.0.1", port=port, **options)


def compare(title: str, directory: Path, words: argparse.Namespace) -> dict[str, Any]:
    """A workload's figures, one round of each server in turn."""
    questions = serving_speed.questions_of(serving_speed.WORKLOADS[title], directory)
    rates: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    costs: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    ports, servers, wrong = {}, {}, 0
    with ExitStack() as stack:
        for name in CONTENDERS:
            ports[name] = stack.enter_context(serving_speed.serving(name, words.python, directory))
            servers[name] = psutil.Process().children()[-1]
        for port in ports.values():
            serving_speed.as_fast_as_it_answers(port, questions, words.seconds / 2)
        for number in range(words.rounds):
            for name, port in ports.items():
                before = servers[name].cpu_times()
                outcome = serving_speed.as_fast_as_it_answers(port, questions, words.seconds)
                after = servers[name].cpu_times()
                spent = after.user - before.user + after.system - before.system
                costs[name].append(1000 * spent / outcome.statuses[200])
                rates[name].append(outcome.answers_per_second)
                wrong += outcome.wrong
            print(f"{title}: round {number + 1} of {words.rounds}", file=sys.stderr, flush=True)
    return {
        "requests_per_second": {name: round(statistics.median(values), 1) for name, values in rates.items()},
        "processor_milliseconds_an_answer": {
            name: round(statistics.median(values), 3) for name, values in costs.items()
        },
        "asgi_against_ours_by_processor_time": round(interleaved.ratio(costs["litert"], costs["asgi"]), 2),
        "asgi_against_ours": round(interleaved.ratio(rates["asgi"], rates["litert"]), 2),
        "wrong_answers": wrong,
    }


def main() -> None:
    """Measures and keeps the result, or is the server that is measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", help="a Python that has uvicorn and what requirements.lock names")
    parser.add_argument("--rounds", type=int, default=7, help="of each server (%(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of a round (%(default)s)")
    parser.add_argument("--busy", help="what else ran on the machine, for the result")
    parser.add_argument("--output", type=Path, default=RESULT, help="where the result is written")
    parser.add_argument("--directory", type=Path, help="where the networks are made, and found the next time")
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.port:
        serve(words.directory, words.port)
        return
    with tempfile.TemporaryDirectory() as folder:
        root = words.directory or Path(folder)
        serving_speed.make_networks(root)
        figures = {
            title: compare(title, root / workload.network, words)
            for title, workload in serving_speed.WORKLOADS.items()
        }
    result = {
        "question": str(__doc__).splitlines()[0],
        "contenders": CONTENDERS,
        "processor": interleaved.processor(),
        "processor_cores": os.cpu_count(),
        "connections": serving_speed.CONNECTIONS,
        "rounds": words.rounds,
        "seconds_a_round": words.seconds,
        "beside": words.busy,
        "closed_loop": figures,
    }
    interleaved.write(words.output, result)


if __name__ == "__main__":
    main()
