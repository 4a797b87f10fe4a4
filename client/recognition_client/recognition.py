"""The client: a method for each operation, from bytes and texts to typed answers."""
# pyright: reportMissingTypeStubs=false
# botocore brings no types.

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.credentials import Credentials

from recognition_client.answers import Answer, BatchAnswer, RecognitionRefused
from recognition_client.operations import Operations
from recognition_client.transport import Reply, SignedTransport, TokenTransport, Transport, Unreachable

JSON = "application/json"
RETRIED = frozenset({409, 429, 503, 504})
PAUSE_SECONDS = 1.0
ATTEMPTS = 3


class RecognitionClient(Operations):
    """Asks one deployment of the API.

    >>> session = boto3.Session()
    >>> client = RecognitionClient.signed(url, session.get_credentials(), session.region_name)
    >>> client.image_labels(Path("photo.jpg").read_bytes(), max_labels=5).results[0].label
    """

    def __init__(self, transport: Transport, *, attempts: int = ATTEMPTS) -> None:
        """Args:
        transport: sends a request.
        attempts: in all, when the API says that the same request may succeed later. They carry one Idempotency-Key,
            so that a request whose answer was lost is not charged twice.

        Raises:
            ValueError: for fewer attempts than one.
        """
        if attempts < 1:
            raise ValueError(f"attempts is {attempts}; a request takes one at least.")
        self.transport = transport
        self.attempts = attempts

    @classmethod
    def signed(
        cls,
        url: str,
        credentials: Credentials,
        region: str,
        *,
        api_key: str | None = None,
        attempts: int = ATTEMPTS,
    ) -> RecognitionClient:
        """A client of the API at `url` (with its stage) that signs with these credentials."""
        return cls(SignedTransport(url, credentials, region, api_key), attempts=attempts)

    @classmethod
    def with_token(
        cls, url: str, token: Callable[[], str], *, api_key: str | None = None, attempts: int = ATTEMPTS
    ) -> RecognitionClient:
        """A client of an API whose door is Cognito; `token` gives one that is still good, each time it is asked."""
        return cls(TokenTransport(url, token, api_key), attempts=attempts)

    def ask_about_image(self, path: str, image: bytes, options: Mapping[str, Any]) -> Answer:
        """An operation on an image; see the methods of `Operations`."""
        kind = "image/png" if image.startswith(b"\x89PNG") else "image/jpeg"
        return Answer.of(self.send(path, options, image, kind))

    def ask_about_images(self, path: str, source: bytes, target: bytes, options: Mapping[str, Any]) -> Answer:
        """An operation on two images."""
        images = {"source": source, "target": target}
        encoded = {name: base64.b64encode(one).decode() for name, one in images.items()}
        return Answer.of(self.send_json(path, options, encoded))

    def ask_about_text(self, path: str, text: str, options: Mapping[str, Any]) -> Answer:
        """An operation on a text."""
        return Answer.of(self.send_json(path, options, {"text": text}))

    def ask_about_texts(self, path: str, texts: Sequence[str], options: Mapping[str, Any]) -> BatchAnswer:
        """An operation on several texts."""
        return BatchAnswer.of(self.send_json(path, options, {"texts": list(texts)}))

    def ask_about_sequence(
        self, path: str, sequence: Sequence[Sequence[float]], options: Mapping[str, Any]
    ) -> Answer:
        """An operation on a sequence: steps with a number for every channel, or a NumPy array of that shape."""
        steps = [[float(one) for one in step] for step in sequence]
        return Answer.of(self.send_json(path, options, {"sequence": steps}))

    def ask_about_object(self, path: str, members: Mapping[str, Any]) -> Mapping[str, Any]:
        """An operation on an object, with its answer as it is."""
        return self.send_json(path, {}, members)

    def send_json(
        self, path: str, options: Mapping[str, Any], members: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Sends an object."""
        return self.send(path, options, json.dumps(members).encode(), JSON)

    def send(
        self, path: str, options: Mapping[str, Any], body: bytes, content_type: str
    ) -> Mapping[str, Any]:
        """The answer's body.

        Raises:
            RecognitionRefused: when the API refuses, or still cannot answer at the last attempt.
            Unreachable: when it does not answer.
        """
        query = {name: written(value) for name, value in options.items() if value is not None}
        headers = {"Content-Type": content_type, "Idempotency-Key": uuid.uuid4().hex}
        attempt = 0
        while True:
            attempt += 1
            try:
                reply = self.transport(path, query, body, headers)
            except Unreachable:
                # The key makes it safe: if the first was answered, the second gets that answer.
                if attempt == self.attempts:
                    raise
                time.sleep(PAUSE_SECONDS)
                continue
            if reply.status == 200:
                return reply.body
            if reply.status not in RETRIED or attempt == self.attempts:
                raise RecognitionRefused.of(reply.status, reply.body)
            time.sleep(pause_before_retry(reply))


def pause_before_retry(reply: Reply) -> float:
    """Seconds to wait: what the API asks for, else a second."""
    return PAUSE_SECONDS if reply.retry_after_seconds is None else reply.retry_after_seconds


def written(value: Sequence[str] | str | float) -> str:
    """An option as the API reads it: lists with commas."""
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return ",".join(value)
    # No exponent: 0.00001 and not 1e-05.
    return f"{value:.9f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
