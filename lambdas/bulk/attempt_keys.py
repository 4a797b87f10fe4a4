"""The keys of a bulk run's objects: for the worker that writes it and the command that reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeGuard

from definitions.names import BAKEOFF_KEY, CUSTOMERS_PREFIXES

PREFIX = "bulk"
# What lies there in the data bucket is of others. The worker refuses it, and its role is denied it.
NO_INPUTS = (*CUSTOMERS_PREFIXES, f"{BAKEOFF_KEY.partition('/')[0]}/")
# A part of a key, which names one folder and no other.
RUN_ID = r"[^/\x00-\x1f]{1,100}"
# Amazon S3 User Guide, Naming Amazon S3 objects.
KEY_BYTES = 1_024


class PlaceRefused(ValueError):
    """A run names a place that is not its own; the message is fit for anybody."""


def is_key(value: object) -> TypeGuard[str]:
    """Whether a value, which somebody wrote into a manifest or a machine's input, can be an object's key."""
    try:
        return isinstance(value, str) and 1 <= len(value.encode()) <= KEY_BYTES
    except UnicodeEncodeError:
        # Half of a surrogate pair.
        return False


@dataclass(frozen=True)
class AttemptKeys:
    """The keys of one attempt of a run: the run itself is attempt 1, what is redriven from it 2 and so on.

    Attributes:
        run: the run's id.
        attempt: of it.
    """

    run: str
    attempt: int

    def __post_init__(self) -> None:
        """Refuses what would be a place in another run's folder."""
        # An execution may be started with anything.
        whole = isinstance(self.attempt, int) and self.attempt >= 1  # pyright: ignore[reportUnnecessaryIsInstance]
        named = is_key(self.run) and re.fullmatch(RUN_ID, self.run)
        if not (whole and named):
            raise PlaceRefused("A run's id is a name without slashes, and its attempt a number from 1 on.")

    def may_read(self, key: str) -> bool:
        """Whether an object may be an input of this run: a data set, or what was uploaded for it."""
        return key.startswith(self.input) or not key.startswith((*NO_INPUTS, f"{PREFIX}/"))

    @property
    def input(self) -> str:
        """Below it the objects that were uploaded for the run."""
        return f"{PREFIX}/{self.run}/input/"

    @property
    def folder(self) -> str:
        """Of the attempt."""
        return f"{PREFIX}/{self.run}/attempt-{self.attempt}"

    @property
    def manifest(self) -> str:
        """The batches, one a line; the state machine makes the same key of the run."""
        return f"{self.folder}/manifest.jsonl"

    @property
    def outcomes(self) -> str:
        """Below it one object for each batch, with one line for each of its objects."""
        return f"{self.folder}/outcomes/"

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
