"""SageMaker's HTTP contract, /ping and /invocations, on an asyncio protocol with the llhttp parser."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

import httptools

from serving.contract import InferenceRequest
from serving.worker import PendingRequest, Response, Worker, refused

HEAD_BYTES = 32 * 1024
# Requests of one connection that may wait for their turn before no more of it is read.
PIPELINED = 8
RETRY_AFTER_SECONDS = 1
# SageMaker waits 60 s for an answer, so a request that takes longer to arrive is nobody's.
ARRIVAL_SECONDS = 60
SWEEP_SECONDS = 5
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
METHODS = {b"/ping": b"GET", b"/invocations": b"POST"}
PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}
TOO_MANY = refused(
    HTTPStatus.TOO_MANY_REQUESTS,
    "More requests are waiting than the model can answer soon.",
    b"Retry-After: %d\r\n" % RETRY_AFTER_SECONDS,
)


@dataclass(slots=True, eq=False)
class Exchange:
    """A request's place in its connection's order; `content` is the whole response once there is one."""

    stays: bool
    content: bytes | None = None


class Server:
    """What the connections share, and how they end.

    Attributes:
        draining: no request is taken any more but those that have begun to arrive.
    """

    def __init__(self, worker: Worker, *, most_body_bytes: int, most_connections: int) -> None:
        self.worker = worker
        self.most_body_bytes, self.most_connections = most_body_bytes, most_connections
        self.connections: set[Connection] = set()
        self.draining = False
        self.empty = asyncio.Event()
        self.empty.set()

    def ping(self) -> Response:
        """Whether requests are answered here."""
        if self.draining or not self.worker.alive:
            return refused(HTTPStatus.SERVICE_UNAVAILABLE, "The server is stopping.")
        return Response(HTTPStatus.OK, b"")

    def opened(self, connection: Connection) -> bool:
        """Counts a connection in; False when there are too many."""
        if len(self.connections) >= self.most_connections:
            return False
        self.connections.add(connection)
        self.empty.clear()
        return True

    def closed(self, connection: Connection) -> None:
        """Counts a connection out."""
        self.connections.discard(connection)
        if not self.connections:
            self.empty.set()

    async def sweep(self) -> None:
        """Ends connections whose request does not arrive, until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            for connection in list(self.connections):
                connection.end_if_late(loop.time() - ARRIVAL_SECONDS)

    async def drain(self, grace_seconds: float) -> None:
        """Ends every connection after the answers that it waits for, and at once when the grace is over."""
        self.draining = True
        for connection in list(self.connections):
            connection.end_if_idle()
        try:
            await asyncio.wait_for(self.empty.wait(), grace_seconds)
        except TimeoutError:
            for connection in list(self.connections):
                connection.transport.abort()


class Connection(asyncio.Protocol):
    """One connection: requests in, responses out in the order of the requests."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.parser = httptools.HttpRequestParser(self)
        self.exchanges: deque[Exchange] = deque()
        self.transport: asyncio.Transport
        self.arriving_since: float | None = None
        self.in_head, self.head_bytes = True, 0
        self.ended = False
        self.reader_is_slow = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins, or turns the caller away."""
        self.transport = cast(asyncio.Transport, transport)
        if not self.server.opened(self):
            self.refuse(HTTPStatus.SERVICE_UNAVAILABLE, "There are too many connections.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets what nobody waits for any more."""
        self.ended = True
        self.exchanges.clear()
        self.server.closed(self)

    def data_received(self, data: bytes) -> None:
        """Feeds the parser, which calls the methods on_… below."""
        if self.ended:
            return
        if self.in_head:
            self.head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # The wish for another protocol is not granted: its request is answered, and was the last.
            self.ended = True
        except httptools.HttpParserError:
            self.refuse(HTTPStatus.BAD_REQUEST, "The request is not HTTP/1.1.")
        else:
            if self.in_head and self.head_bytes > HEAD_BYTES:
                self.refuse(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"The head has over {HEAD_BYTES:,} bytes."
                )
        self.regulate()

    def on_message_begin(self) -> None:
        """A request begins."""
        self.url, self.content_type, self.accept = b"", None, None
        self.length, self.waits_to_send = 0, False
        self.body: list[bytes] = []
        self.body_bytes = 0
        self.in_head = True
        self.arriving_since = asyncio.get_running_loop().time()

    def on_url(self, url: bytes) -> None:
        """A part of the request's target."""
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; only these matter."""
        name = name.lower()
        if name == b"content-type":
            self.content_type = value.decode("latin-1")
        elif name == b"accept":
            self.accept = value.decode("latin-1")
        elif name == b"content-length":
            self.length = int(value)
        elif name == b"expect":
            self.waits_to_send = value.lower() == b"100-continue"

    def on_headers_complete(self) -> None:
        """The head is there: what cannot be taken is refused before its body arrives."""
        self.in_head, self.head_bytes = False, 0
        if self.ended:
            return
        if self.length > self.server.most_body_bytes:
            self.refuse_body()
        elif self.waits_to_send and not self.exchanges:
            self.transport.write(CONTINUE)

    def on_body(self, part: bytes) -> None:
        """A part of the body."""
        self.body_bytes += len(part)
        if self.body_bytes > self.server.most_body_bytes:
            self.refuse_body()
        if not self.ended:
            self.body.append(part)

    def on_message_complete(self) -> None:
        """The whole request is there."""
        self.arriving_since, self.in_head = None, True
        if self.ended:
            return
        parser = self.parser
        stays = parser.should_keep_alive() and parser.get_http_version() == "1.1"
        exchange = Exchange(stays and not parser.should_upgrade())
        self.exchanges.append(exchange)
        path = self.url.partition(b"?")[0]
        method = METHODS.get(path)
        if method is None:
            self.finish(exchange, refused(HTTPStatus.NOT_FOUND, "There are /ping and /invocations."))
        elif self.parser.get_method() != method:
            sentence, allowed = f"{path.decode()} takes {method.decode()}.", b"Allow: %s\r\n" % method
            self.finish(exchange, refused(HTTPStatus.METHOD_NOT_ALLOWED, sentence, allowed))
        elif path == b"/ping":
            self.finish(exchange, self.server.ping())
        elif not self.server.worker.admission.has_room(self.body_bytes):
            # Before anything is made of the body: turning away has to cost little.
            self.finish(exchange, TOO_MANY)
        else:
            body = self.body[0] if len(self.body) == 1 else b"".join(self.body)
            request = InferenceRequest(body, self.content_type, self.accept)
            self.server.worker.offer(
                PendingRequest(request, lambda response: self.finish(exchange, response))
            )
        self.body = []

    def refuse_body(self) -> None:
        """413."""
        most = self.server.most_body_bytes
        self.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body has more than {most:,} bytes.")

    def refuse(self, status: int, sentence: str) -> None:
        """Answers what is no whole request, and ends the connection behind the answers that it still waits for."""
        if self.ended:
            return
        exchange = Exchange(stays=False)
        self.exchanges.append(exchange)
        self.ended = True
        self.finish(exchange, refused(status, sentence))

    def finish(self, exchange: Exchange, response: Response) -> None:
        """Sends the response when those before it are sent."""
        if self.transport.is_closing():
            return
        if self.server.draining and exchange is self.exchanges[-1]:
            exchange.stays = False
        exchange.content = written(response, exchange.stays)
        while self.exchanges and (content := self.exchanges[0].content) is not None:
            first = self.exchanges.popleft()
            self.transport.write(content)
            if not first.stays:
                self.ended = True
                self.transport.close()
                return
        if self.server.draining:
            self.end_if_idle()
        self.regulate()

    def pause_writing(self) -> None:
        """The caller does not read its answers: nothing more is taken from it."""
        self.reader_is_slow = True
        self.regulate()

    def resume_writing(self) -> None:
        """The caller reads again."""
        self.reader_is_slow = False
        self.regulate()

    def regulate(self) -> None:
        """Reads on only while the caller's earlier requests are not too many."""
        if self.transport.is_closing():
            return
        full = self.reader_is_slow or len(self.exchanges) >= PIPELINED
        if full == self.transport.is_reading():
            (self.transport.pause_reading if full else self.transport.resume_reading)()

    def end_if_idle(self) -> None:
        """Ends the connection unless a request is arriving or being answered."""
        if self.arriving_since is None and not self.exchanges:
            self.transport.close()

    def end_if_late(self, earliest: float) -> None:
        """Ends the connection when its request has been arriving since before `earliest`."""
        if self.arriving_since is not None and self.arriving_since < earliest:
            self.refuse(HTTPStatus.REQUEST_TIMEOUT, f"The request took over {ARRIVAL_SECONDS} s to arrive.")


def written(response: Response, stays: bool) -> bytes:
    """A response as bytes."""
    return b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s%s\r\n%s" % (
        response.status,
        PHRASES[response.status],
        response.content_type.encode(),
        len(response.content),
        response.headers,
        b"" if stays else b"Connection: close\r\n",
        response.content,
    )
