"""What a release asks an endpoint: a test sample of the version's evaluation, or a fixed input of its kind."""

from __future__ import annotations

import json
from typing import Any

from model_code.evaluation.files import KNOWN_INPUT_FILE
from stacks.shared.asl import choice, jsonata, lookup, task

# For a version without one of its own: an 8x8 image of two gradients; the serving graph resizes whatever it gets.
KNOWN_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAbElEQVR42hXNQRUAUQhCUaMYhShGeVGIQhSizB+XXA7ODDtouIHBQ4YO"
    "M8suWm5h8ZKl+0CskDiBsIioHhx76LiDw0eO3oN/4FVf+J8h0PduzBqZ8x/bxNQPwgaFy192SGgelC0q13/CJaXlA8Z7WAFXOTbyAAAAAElF"
    "TkSuQmCC"
)
KNOWN_INPUT = {
    "cnn": json.dumps({"instances": [{"image": {"b64": KNOWN_PNG}}]}),
    "rnn": json.dumps({"instances": [{"text": "A quiet, moving film."}]}),
}
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
            {"request": f"{body}.request", "label": f"{body}.label"},
            then,
            "NoKnownInput",
        ),
        # An evaluation in which no sample was small enough, or one of before known inputs were kept.
        "NoKnownInput": choice("Failed", ("$states.input.Error = 'S3.NoSuchKeyException'", then)),
    }
