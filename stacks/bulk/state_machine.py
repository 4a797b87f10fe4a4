"""The state machine of a bulk run, state_machine.asl.json: batches to workers, then a count that comes out even.

A line of the manifest is a batch, so that a run that is resumed has the same ones. A batch whose worker found the queue
too long asked nothing, and comes back for as long as others are before it. A batch that failed as a whole is missed by
the count, which says so. The answers of a million batches are no state: the worker has written what counts.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

DEFINITION = Path(__file__).with_name("state_machine.asl.json")


@dataclass(frozen=True)
class BulkContext:
    """What the machine refers to, by the names that stand in its definition as ${…}.

    Attributes:
        bucket: with the manifests, and where Step Functions writes how the batches ended.
        function_arn: of the worker.
        workers: batches at the same time.
        wait_seconds: before a batch that found the queue too long comes back.
    """

    bucket: str
    function_arn: str
    workers: int
    wait_seconds: int


def definition(context: BulkContext) -> dict[str, Any]:
    """The machine in Amazon States Language."""
    text = DEFINITION.read_text(encoding="utf-8")
    for name, value in asdict(context).items():
        # With its quotation marks: a number stands there without.
        text = text.replace(json.dumps(f"${{{name}}}"), json.dumps(value))
    return json.loads(text)
