"""What a network of many classes meets: the sizes of its answers and reports, and the services' own bounds."""

from __future__ import annotations

import json

from advisor.prices import price_table
from advisor.tables import assumptions
from cli.plan.checks import Check, ScalePlan, charge, quota
from definitions.counts import counted
from lambdas.common.answers import Answer, CallCost, Reading, Result
from lambdas.common.idempotency import MOST_BYTES
from stacks.settings import EnvironmentSettings
from stacks.settings.instance_families import memory_gigabytes

# As a float32 is written in JSON.
LONGEST_SCORE = 0.00012345678901234567
# The evaluation holds the probabilities and the places of the scores, four bytes each, and copies of both meanwhile.
BYTES_OF_A_SCORE = 16
# A cell of evaluation.json beside the class's name: indentation, quotation marks, a count of up to four digits.
CELL_BYTES = 14
# gate.json, which alone goes through a state, holds no class's own figure (model_code/evaluation/files.py).
GATE_BYTES = 2_000
WRITE_UNIT_BYTES = 1_024
MILLION = 1_000_000


def plan(count: int, settings: EnvironmentSettings) -> ScalePlan:
    """A network of so many classes."""
    scale = assumptions()["scale"]
    answer, samples = answer_bytes(count), count * scale["test_samples_per_class"]
    evaluation = settings.training.evaluation_instance_type
    checks = [
        quota(
            "rekognition.custom_labels.classes",
            count,
            "Train a network of your own, which has no such bound.",
        ),
        quota(
            "comprehend.classifier.classes", count, "Train a network of your own, which has no such bound."
        ),
        quota("lambda.payload_bytes", answer, "Ask the endpoint itself: an answer names every class."),
        quota("stepfunctions.state_bytes", GATE_BYTES),
        Check(
            "An answer that is kept for its Idempotency-Key or by the cache, of this project",
            answer,
            MOST_BYTES,
            "bytes",
            "Larger answers are not kept, so a request that comes again is answered again.",
        ),
        Check(
            f"Memory of the evaluation's instance, training.evaluation_instance_type in cdk.json ({evaluation})",
            samples * count * BYTES_OF_A_SCORE / 1024**3,
            memory_gigabytes(evaluation),
            "GiB",
            "Choose a larger one, or test on fewer samples.",
        ),
    ]
    write_units = -(-answer // WRITE_UNIT_BYTES)
    usd = {"DynamoDB": charge(price_table(settings.region), "dynamodb.write_unit", MILLION * write_units)}
    matrix = count**2 * (scale["label_bytes"] + CELL_BYTES)
    assumed = [
        f"A class's name has {scale['label_bytes']} bytes, and the test split {scale['test_samples_per_class']} "
        "samples of each class ([scale] of advisor/data/assumptions.toml).",
        f"An answer has {answer / 1_000:,.0f} KB; a bulk run writes it twice. The confusion matrix in evaluation.json "
        f"has {matrix / 1_000_000:,.1f} MB, which no state reads: the gates read gate.json.",
    ]
    return ScalePlan(
        counted(count, "class", "classes"), checks, usd, "million answers that are kept", None, assumed
    )


def answer_bytes(count: int) -> int:
    """An answer that names so many classes, as a function writes it."""
    label = "x" * assumptions()["scale"]["label_bytes"]
    reading = Reading([Result(label, LONGEST_SCORE)] * count)
    answer = Answer("sagemaker", reading, "recognition-dev-cnn", "1", None, CallCost(1, None, None))
    return len(json.dumps(answer.as_json()))
