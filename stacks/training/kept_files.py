"""The states that copy what a version is made of to where no job may write: its artefact, then its evaluation.

All jobs have one role, so the code of one could change what another left. A bucket's policy that demands the header
If-None-Match helps neither place: SageMaker itself uploads a job's output and promises no such header, and of copies
where such a policy holds AWS says both that S3 makes none (Amazon S3 User Guide, "Enforce conditional writes") and that
it does (its announcement of conditional copies, 2025). A copy's key has the name of its job, which is used once.
"""

from __future__ import annotations

from typing import Any

from definitions.names import REGISTERED_PREFIX, SUMMARY_FILE
from model_code.evaluation.files import (
    BASELINE_FILE,
    EVALUATION_FILE,
    GATE_FILE,
    KNOWN_INPUT_FILE,
    SAMPLES_FILE,
)
from stacks.shared.asl import jsonata, task
from stacks.shared.job_context import JobContext

# In the order in which they are copied: what decides about the version first.
KEPT = {
    "KeepGate": GATE_FILE,
    "KeepKnownInput": KNOWN_INPUT_FILE,
    "KeepEvaluation": EVALUATION_FILE,
    "KeepBaseline": BASELINE_FILE,
    "KeepSamples": SAMPLES_FILE,
    "KeepSummary": SUMMARY_FILE,
}
FIRST_KEPT = next(iter(KEPT))


def kept_key(file: str) -> str:
    """Where a file of the version is kept, as an expression."""
    return f"'{REGISTERED_PREFIX}/' & $training_job_name & '/{file}'"


def keep_artefact(context: JobContext, *, then: str) -> dict[str, Any]:
    """Copies the artefact before it is measured: that copy is what is registered.

    S3 copies 5 GB at most in one call (CopyObject).
    """
    key = kept_key("model.tar.gz")
    return task(
        "s3:copyObject",
        {
            "Bucket": context.model_bucket,
            "Key": jsonata(key),
            "CopySource": jsonata("$substringAfter($artefact, 's3://')"),
        },
        {
            "artefact": f"'s3://{context.model_bucket}/' & {key}",
            "artefact_etag": "$replace($states.result.CopyObjectResult.ETag, '\"', '')",
        },
        then,
        "JobFailed",
    )


def keep_evaluation_states(context: JobContext, *, then: str) -> dict[str, Any]:
    """Copies what the evaluation left, before a gate looks at it: figures, baseline, known input, samples, summary."""
    following = [*list(KEPT)[1:], then]
    return {
        state: task(
            "s3:copyObject",
            {
                "Bucket": context.model_bucket,
                "Key": jsonata(kept_key(file)),
                "CopySource": jsonata(f"'{context.model_bucket}/evaluations/' & $job_name & '/{file}'"),
            },
            {},
            next_state,
            "JobFailed",
        )
        for (state, file), next_state in zip(KEPT.items(), following, strict=True)
    }
