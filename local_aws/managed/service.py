"""What both stand-ins share: loading models, reading a request, refusing it as the service would, marking answers."""

from __future__ import annotations

import json
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from functools import cache, wraps
from typing import Any

STAND_IN_HEADER = "x-recognition-stand-in"
# Its value where a stand-in failed: the fault is not the service's.
NO_ANSWER = "no answer of a model; not the service"
# The code of a refusal that passes when the models are there.
STILL_LOADING = "StandInLoading"
CONTENT_TYPE = "application/x-amz-json-1.1"


def loaded_once(load: Callable[[], Any]) -> Callable[[], Any]:
    """`load`, whose result is kept; whoever asks while it loads waits. What it raises is not kept."""
    kept, one_at_a_time = cache(load), threading.Lock()

    @wraps(load)
    def loaded() -> Any:
        with one_at_a_time:
            return kept()

    return loaded


class Refused(Exception):
    """An error answer with one of the service's codes."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """As HTTP."""
        content = {"__type": self.code, "Message": self.message, "message": self.message}
        return 400, {"Content-Type": CONTENT_TYPE}, json.dumps(content).encode()


class StandIn:
    """Answers one service's operations, several at once if it is asked on several threads."""

    def __init__(
        self,
        service: str,
        operations: Mapping[str, tuple[str, Callable[[dict[str, Any]], dict]]],
        models: Iterable[Callable[[], Any]] = (),
    ) -> None:
        """Args:
        service: its name in sentences.
        operations: name to the sentence that marks its answers, and the function from request to answer.
        models: what loads each model that the operations use; a request loads those that it needs all the same.
        """
        self.service = service
        self.operations = operations
        self.models = tuple(models)

    def answer(self, operation: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """The HTTP answer to one operation."""
        headers = {"Content-Type": CONTENT_TYPE}
        try:
            if operation not in self.operations:
                known = ", ".join(sorted(self.operations))
                raise Refused(
                    "NotImplementedByStandIn",
                    f"The embedded AWS has no {operation} of {self.service}; it has stand-ins for {known}.",
                )
            mark, run = self.operations[operation]
            content = run(json.loads(body))
            return 200, {**headers, STAND_IN_HEADER: mark}, json.dumps(content).encode()
        except Refused as error:
            if error.code == "StandInNotReady":
                print(error.message, file=sys.stderr)
            return error.answer()
        except Exception as error:  # noqa: BLE001 - the caller gets the service's word for it, the log the place
            # The message may repeat what the customer sent; the place and the type do not.
            traceback.print_tb(error.__traceback__, file=sys.stderr)
            print(f"The stand-in of {self.service} failed: {type(error).__name__}", file=sys.stderr)
            content = {"__type": "InternalServerError", "Message": f"The stand-in of {self.service} failed."}
            return 500, {**headers, STAND_IN_HEADER: NO_ANSWER}, json.dumps(content).encode()
