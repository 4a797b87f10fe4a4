"""Writes what a job prints to CloudWatch Logs as it comes, and reads its metrics out of it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

FLUSH_SECONDS = 1.0
BATCH_LINES = 500
# CloudWatch Logs takes events of at most 256 KB.
EVENT_CHARACTERS = 60_000


@dataclass
class Metrics:
    """The last value of each metric that a job's MetricDefinitions find in its lines."""

    patterns: dict[str, re.Pattern[str]]
    values: dict[str, tuple[float, float]] = field(default_factory=dict)

    @staticmethod
    def of_definitions(definitions: Iterable[dict[str, str]]) -> Metrics:
        """From CreateTrainingJob's MetricDefinitions."""
        return Metrics({definition["Name"]: re.compile(definition["Regex"]) for definition in definitions})

    def read(self, line: str) -> None:
        """Notes the metrics of one line, with the time."""
        for name, pattern in self.patterns.items():
            if match := pattern.search(line):
                self.values[name] = (float(match[1]), time.time())


class LogStream:
    """One stream of a log group; lines are sent at least once a second, from a thread of its own.

    Attributes:
        is_refused: whether the role may not write it; then, as on AWS, the work goes on and no line is kept.
    """

    def __init__(self, logs: Any, group: str, stream: str) -> None:
        self.logs, self.group, self.stream = logs, group, stream
        of_group = {"logGroupName": group}
        self.is_refused = False
        for call, names in (
            (logs.create_log_group, of_group),
            (logs.describe_log_streams, of_group),
            (logs.create_log_stream, {**of_group, "logStreamName": stream}),
        ):
            with suppress(logs.exceptions.ResourceAlreadyExistsException):
                self.unless_refused(call, **names)
        self.pending: list[dict[str, Any]] = []
        self.lock = threading.Lock()
        self.closed = threading.Event()
        self.thread = threading.Thread(target=self.flush_regularly, daemon=True)
        self.thread.start()

    def unless_refused(self, call: Callable[..., Any], **words: Any) -> None:
        """Makes a call, unless it or one before it is refused."""
        if self.is_refused:
            return
        try:
            call(**words)
        except self.logs.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "AccessDeniedException":
                raise
            self.is_refused = True

    def write(self, line: str) -> None:
        """Adds one line."""
        event = {"timestamp": int(time.time() * 1000), "message": line[:EVENT_CHARACTERS] or " "}
        with self.lock:
            self.pending.append(event)

    def flush_regularly(self) -> None:
        """Sends until the stream is closed."""
        while not self.closed.wait(FLUSH_SECONDS):
            self.flush()
        self.flush()

    def flush(self) -> None:
        """Sends what has gathered."""
        with self.lock:
            events, self.pending = self.pending, []
        for start in range(0, len(events), BATCH_LINES):
            self.unless_refused(
                self.logs.put_log_events,
                logGroupName=self.group,
                logStreamName=self.stream,
                logEvents=events[start : start + BATCH_LINES],
            )

    def close(self) -> None:
        """Sends the rest and ends the thread."""
        self.closed.set()
        self.thread.join()
