"""A circuit breaker: a backend that keeps failing is left alone for a while, so that callers do not wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable

FAILURES_TO_OPEN = 5
OPEN_SECONDS = 30.0


class Circuit:
    """The breaker of one backend, for the life of the function's environment (each environment has its own)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.failures = 0
        self.opened_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the backend is to be left alone. After OPEN_SECONDS one call may try it again."""
        if self.opened_at is None:
            return False
        if self.clock() - self.opened_at < OPEN_SECONDS:
            return True
        # One trial: the next failure opens it again at once.
        self.opened_at = None
        self.failures = FAILURES_TO_OPEN - 1
        return False

    def succeeded(self) -> None:
        """The backend answered, be it with a refusal of its own."""
        self.failures = 0
        self.opened_at = None

    def failed(self) -> None:
        """The backend could not answer."""
        self.failures += 1
        if self.failures >= FAILURES_TO_OPEN:
            self.opened_at = self.clock()
