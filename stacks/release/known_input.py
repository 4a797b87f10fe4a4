"""What a release asks an endpoint: a test sample of the version's evaluation, or a fixed input of its kind."""

from __future__ import annotations

from typing import Any

from definitions.networks import NETWORKS
from model_code.evaluation.files import KNOWN_INPUT_FILE
from stacks.shared.asl import choice, jsonata, lookup, task

# For a version without one of its own.
KNOWN_INPUT = {kind: network.known_request for kind, network in NETWORKS.items()}
# Of a version that was trained on sequences, by the number of their channels: some steps of zeros.
KNOWN_STEPS = 8
KNOWN_SEQUENCE = (
    "($step := '[' & $join([1..$number($channels)].('0'), ',') & ']'; "
    f"'{{\"instances\": [{{\"sequence\": [' & $join([1..{KNOWN_STEPS}].($step), ',') & ']}}]}}')"
)
# The fixed request, as an expression.
FIXED_REQUEST = f"$channels = '' ? {lookup(KNOWN_INPUT)} : {KNOWN_SEQUENCE}"


def known_input_states(*, then: str) -> dict[str, Any]:
    """The states that find `request` and `label`: a test sample with the answer that the evaluation left."""
    body = "$parse($states.result.Body)"
    return {
        # A version that was registered by hand has no evaluation.
        "HasKnownInput": choice(then, ("$evaluation != ''", "ReadKnownInput")),
        "ReadKnownInput": task(
            "s3:getObject",
            {
                "Bucket": jsonata("$split($evaluation, '/')[2]"),
                "Key": jsonata(
                    "$replace($substringAfter($substringAfter($evaluation, 's3://'), '/'), /[^\\/]+$/, "
                    f"'{KNOWN_INPUT_FILE}')"
                ),
            },
            # Without one where no sample was small enough.
            {name: f"$exists({body}.{name}) ? {body}.{name} : ${name}" for name in ("request", "label")},
            then,
            "NoKnownInput",
        ),
        # An evaluation of before known inputs were kept.
        "NoKnownInput": choice("Failed", ("$states.input.Error = 'S3.NoSuchKeyException'", then)),
    }
