"""Where a bulk run keeps what: for the worker that writes it and the command that reads it."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "bulk"


@dataclass(frozen=True)
class Place:
    """The keys of one attempt of a run: the run itself is attempt 1, what is redriven from it 2 and so on.

    Attributes:
        run: the run's id.
        attempt: of it.
    """

    run: str
    attempt: int

    @property
    def folder(self) -> str:
        """Of the attempt."""
        return f"{PREFIX}/{self.run}/attempt-{self.attempt}"

    @property
    def manifest(self) -> str:
        """The batches, one a line."""
        return f"{self.folder}/manifest.jsonl"

    @property
    def outcomes(self) -> str:
        """Below it one object for each batch, with one line for each of its objects."""
        return f"{self.folder}/outcomes/"

    @property
    def map_results(self) -> str:
        """Where Step Functions writes how the batches' executions ended."""
        return f"{self.folder}/map"

    def outcome(self, batch: int) -> str:
        """Of one batch."""
        return f"{self.outcomes}{batch:08d}.jsonl"

    def answers(self, batch: int) -> str:
        """Below it one object for each call of one batch, for a worker that comes after one that died."""
        return f"{self.folder}/answers/{batch:08d}/"

    def lease(self, batch: int) -> str:
        """The id that says until when a worker has a batch for itself."""
        return f"lease#{self.run}#{self.attempt}#{batch}"

    @property
    def counter(self) -> str:
        """The id of the attempt's counts in the runs' table."""
        return f"run#{self.run}#{self.attempt}"

    def marker(self, batch: int) -> str:
        """The id that says that a batch is counted."""
        return f"batch#{self.run}#{self.attempt}#{batch}"
