"""A stand-in of TensorFlow Serving's REST interface, which answers after a time that is known.

Example: python -m benchmarks.serving_stand_in --milliseconds 5
It prints its port. POST …:predict answers one prediction of ten classes; GET /most says how many requests waited at the
same time since it was asked last.
"""

from __future__ import annotations

import argparse
import asyncio
import json

CLASSES = 10
PREDICTION = {"label": "class 0", "score": 0.1, "probabilities": [1 / CLASSES] * CLASSES}


class Server:
    """Answers, and counts who waits at the same time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.waiting = self.most = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection with any number of requests."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
                await reader.readexactly(length)
                writer.write(await self.answer(head.startswith(b"get /most")))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def answer(self, is_about_itself: bool) -> bytes:
        """The bytes of an answer."""
        if is_about_itself:
            content, self.most = {"most": self.most}, 0
        else:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            await asyncio.sleep(self.seconds)
            self.waiting -= 1
            content = {"predictions": [PREDICTION]}
        body = json.dumps(content).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
            len(body),
            body,
        )


async def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--milliseconds", type=float, required=True, help="of an answer")
    words = parser.parse_args()
    server = await asyncio.start_server(Server(words.milliseconds / 1_000).serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
