"""Whether one more request may wait: bounds their number, their bytes and, above all, the time that they wait."""

from __future__ import annotations

from dataclasses import dataclass

# How much of what was measured before still counts after one more measurement: about the last twenty decide.
KEPT = 0.95


@dataclass(frozen=True)
class Limits:
    """What may be unanswered at a time.

    Attributes:
        most_wait_seconds: a request is turned away when it would wait longer than this for a thread.
        patient_requests: so many are taken however long they wait, or callers with slow requests were never answered.
        most_requests: more are never taken.
        most_bytes: of their bodies.
    """

    most_wait_seconds: float = 0.01
    patient_requests: int = 16
    most_requests: int = 64
    most_bytes: int = 64 * 1024 * 1024


class Admission:
    """Counts what is unanswered, and estimates from what was answered how long that will take.

    How many samples a request has is not known before it is read, but its bytes are: a body's time is that of a byte as
    last measured, times its bytes. All but `measured` belongs to the event loop's thread.
    """

    def __init__(self, limits: Limits, *, threads: int) -> None:
        self.limits, self.threads = limits, threads
        self.requests, self.bytes = 0, 0
        self.measured_seconds, self.measured_bytes = 0.0, 0.0
        self.seconds_a_byte = 0.0

    @property
    def wait_seconds(self) -> float:
        """How long one more request would wait for a thread; 0 before anything was measured."""
        return self.bytes * self.seconds_a_byte / self.threads

    def has_room(self, size: int) -> bool:
        """Whether one more request with a body of `size` bytes may wait."""
        limits = self.limits
        if not self.requests:
            # A single body is taken however large it is; the server bounds it.
            return True
        if self.requests >= limits.most_requests or self.bytes + size > limits.most_bytes:
            return False
        return self.requests < limits.patient_requests or self.wait_seconds <= limits.most_wait_seconds

    def took(self, size: int) -> None:
        """A request is unanswered."""
        self.requests += 1
        self.bytes += size

    def answered(self, size: int) -> None:
        """A request is answered."""
        self.requests -= 1
        self.bytes -= size

    def measured(self, size: float, seconds: float) -> None:
        """So many bytes of bodies took a thread so many seconds. Not for several threads at once."""
        self.measured_seconds = KEPT * self.measured_seconds + seconds
        self.measured_bytes = KEPT * self.measured_bytes + size
        # One assignment, so that the event loop's thread never sees half a measurement.
        self.seconds_a_byte = self.measured_seconds / self.measured_bytes if self.measured_bytes else 0.0
