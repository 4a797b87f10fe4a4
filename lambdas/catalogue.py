"""Every operation of the API by the function that answers it, for the stacks, the API's document and the client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lambdas.advise.operations import OPERATIONS as ADVISE
from lambdas.common.operations import Operation
from lambdas.custom.operations import OPERATIONS as CUSTOM
from lambdas.language.operations import OPERATIONS as LANGUAGE
from lambdas.vision.operations import OPERATIONS as VISION

FUNCTIONS: dict[str, tuple[Operation, ...]] = {
    "vision": VISION,
    "language": LANGUAGE,
    "custom": CUSTOM,
    "advise": ADVISE,
}
OPERATIONS: tuple[Operation, ...] = tuple(
    operation for operations in FUNCTIONS.values() for operation in operations
)


def examples() -> dict[str, dict[str, Any]]:
    """An example of each operation by its name: what a caller sends, what the service is asked and says, our answer."""
    return json.loads(Path(__file__).with_name("examples.json").read_text(encoding="utf-8"))
