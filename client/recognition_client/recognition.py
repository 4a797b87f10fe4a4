"""The client: a method for each operation, from bytes and texts to typed answers."""
# pyright: reportMissingTypeStubs=false
# botocore brings no types.

from __future__ import annotations

import base64
import json
import math
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, TypeVar

from botocore.credentials import Credentials

from recognition_client.answers import Answer, BatchAnswer, RecognitionRefused, error_in
from recognition_client.operations import Operations
from recognition_client.transport import Reply, SignedTransport, TokenTransport, Transport, Unreachable

Read = TypeVar("Read")
JSON = "application/json"
RETRIED = frozenset({409, 429, 503, 504})
NO_STEPS = "sequence is no steps, each with a number for every channel."
NOT_RELEASED = "ModelNotReleased"
# After the first try, and twice as long after each that follows.
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 8.0
# Twice as long as a request may take: while the first try is still being answered, the API says 409 to a second.
PATIENCE_SECONDS = 60.0


class RecognitionClient(Operations):
    """Asks one deployment of the API.

    >>> session = boto3.Session()
    >>> client = RecognitionClient.signed(url, session.get_credentials(), session.region_name)
    >>> [result.label for result in client.image_labels(Path("photo.jpg").read_bytes(), max_labels=5).results]
    """

    def __init__(self, transport: Transport, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Args:
        transport: sends a request.
        patience_seconds: how long a request is sent again when the API says that it may succeed later, or does not
            answer; 0 sends it once. All carry one Idempotency-Key, so that a request whose answer was lost is not
            charged twice.

        Raises:
            ValueError: for less than no time.
        """
        if patience_seconds < 0:
            raise ValueError(f"patience_seconds is {patience_seconds}; it is 0 or more.")
        self.transport = transport
        self.patience_seconds = patience_seconds

    @classmethod
    def signed(
        cls,
        url: str,
        credentials: Credentials,
        region: str,
        *,
        api_key: str | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> RecognitionClient:
        """A client of the API at `url` (with its stage) that signs with these credentials."""
        return cls(SignedTransport(url, credentials, region, api_key), patience_seconds=patience_seconds)

    @classmethod
    def with_token(
        cls,
        url: str,
        token: Callable[[], str],
        *,
        api_key: str | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> RecognitionClient:
        """An API's client with Cognito's tokens; `token` gives one that is still good, each time it is asked."""
        return cls(TokenTransport(url, token, api_key), patience_seconds=patience_seconds)

    def ask_about_image(self, path: str, image: bytes, options: Mapping[str, Any]) -> Answer:
        """An operation on an image; see the methods of `Operations`."""
        require(image, (bytes, bytearray), "image", "the file's bytes, as Path.read_bytes gives them")
        kind = "image/png" if image.startswith(b"\x89PNG") else "image/jpeg"
        return read(Answer.of, self.send(path, options, image, kind))

    def ask_about_images(self, path: str, source: bytes, target: bytes, options: Mapping[str, Any]) -> Answer:
        """An operation on two images."""
        images = {"source": source, "target": target}
        for name, image in images.items():
            require(image, (bytes, bytearray), name, "the file's bytes, as Path.read_bytes gives them")
        encoded = {name: base64.b64encode(image).decode() for name, image in images.items()}
        return read(Answer.of, self.send_json(path, options, encoded))

    def ask_about_text(self, path: str, text: str, options: Mapping[str, Any]) -> Answer:
        """An operation on a text."""
        require(text, str, "text", "a str")
        return read(Answer.of, self.send_json(path, options, {"text": text}))

    def ask_about_texts(self, path: str, texts: Sequence[str], options: Mapping[str, Any]) -> BatchAnswer:
        """An operation on several texts."""
        if isinstance(texts, (str, bytes, bytearray)):
            raise TypeError(
                f"texts is of type {type(texts).__name__}; a list of str is meant, also for one text."
            )
        listed = list(texts)
        for number, text in enumerate(listed):
            require(text, str, f"texts[{number}]", "a str")
        return read(BatchAnswer.of, self.send_json(path, options, {"texts": listed}))

    def ask_about_sequence(
        self, path: str, sequence: Sequence[Sequence[float]], options: Mapping[str, Any]
    ) -> Answer:
        """An operation on a sequence: steps with a number for every channel, or a NumPy array of that shape."""
        try:
            if isinstance(sequence, str) or any(isinstance(step, str) for step in sequence):
                raise TypeError(NO_STEPS)
            steps = [[float(number) for number in step] for step in sequence]
        except OverflowError as error:
            raise ValueError("sequence holds a number that is too large for a float.") from error
        except (TypeError, ValueError) as error:
            raise TypeError(NO_STEPS) from error
        if not all(math.isfinite(number) for step in steps for number in step):
            raise ValueError("sequence holds a NaN or an infinity, for which JSON has no number.")
        return read(Answer.of, self.send_json(path, options, {"sequence": steps}))

    def tell_labels(self, path: str, operation: str, labels: Mapping[str, str]) -> Mapping[str, Any]:
        """What an operation's answers should have been, by their `details["request_id"]`."""
        require(labels, Mapping, "labels", "a mapping of request ids to labels")
        for label in labels.values():
            require(label, str, "A label", "a str")
        return self.send_json(path, {}, {"operation": operation, "labels": dict(labels)})

    def ask_about_object(self, path: str, members: Mapping[str, Any]) -> Mapping[str, Any]:
        """An operation on an object, with its answer as it is."""
        require(members, Mapping, "problem", "a mapping")
        try:
            body = json.dumps(members, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise type(error)(f"problem cannot be written in JSON: {error}.") from error
        return self.send(path, {}, body, JSON)

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
            RecognitionRefused: when the API refuses, or still cannot answer when the patience is over.
            Unreachable: when it does not answer, or not as the API does.
            TypeError, ValueError: when something cannot be sent; then nothing was.
        """
        query = {name: written(name, value) for name, value in options.items() if value is not None}
        headers = {"Content-Type": content_type, "Idempotency-Key": uuid.uuid4().hex}
        until = time.monotonic() + self.patience_seconds
        pause_seconds = PAUSE_SECONDS
        while True:
            # The key makes another try safe: if the first was answered, the second gets that answer.
            try:
                reply = self.transport(path, query, body, headers)
            except Unreachable:
                if time.monotonic() + pause_seconds > until:
                    raise
                time.sleep(pause_seconds)
            else:
                if reply.status == 200:
                    return reply.body
                wanted = pause_seconds if reply.retry_after_seconds is None else reply.retry_after_seconds
                if not may_pass(reply) or time.monotonic() + wanted > until:
                    raise RecognitionRefused.of(reply.status, reply.body)
                time.sleep(wanted)
            pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)


def may_pass(reply: Reply) -> bool:
    """Whether the same request may succeed soon: the API says so with Retry-After, API Gateway by its status alone.

    A network of which no version is released waits for a person.
    """
    error = error_in(reply.body)
    if error is None:
        return reply.status in RETRIED
    waits = reply.status in RETRIED and reply.retry_after_seconds is not None
    return waits and error["code"] != NOT_RELEASED


def require(value: object, kinds: type | tuple[type, ...], name: str, meant: str) -> None:
    """Refuses, before anything is sent, an argument of another type.

    Raises:
        TypeError: naming the argument, and what is meant.
    """
    if not isinstance(value, kinds):
        raise TypeError(f"{name} is of type {type(value).__name__}; {meant} is meant.")


def read(reading: Callable[[Mapping[str, Any]], Read], body: Mapping[str, Any]) -> Read:
    """An answer's typed form.

    Raises:
        Unreachable: when the body is none of the API's answers.
    """
    try:
        return reading(body)
    except (AttributeError, KeyError, TypeError) as error:
        raise Unreachable(
            f"What answered is not the API, or one of another version: its JSON is no answer ({error!r})."
        ) from error


def written(name: str, value: Sequence[str] | str | float) -> str:
    """An option as the API reads it: lists with commas; NumPy's numbers are numbers.

    Raises:
        TypeError: when it is neither a text, a number nor a list of texts.
        ValueError: when it is a NaN or an infinity.
    """
    if isinstance(value, str):
        return value
    meant = "a text, a number or a list of texts"
    if isinstance(value, (bool, bytes, bytearray)):
        raise TypeError(f"{name} is of type {type(value).__name__}; {meant} is meant.")
    if isinstance(value, Sequence):
        for position, text in enumerate(value):
            require(text, str, f"{name}[{position}]", "a str")
        return ",".join(value)
    require(value, Real, name, meant)
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value}, which is no number.")
    # No exponent: 0.00001 and not 1e-05.
    return str(int(value)) if isinstance(value, Integral) else f"{float(value):.9f}".rstrip("0").rstrip(".")
