"""Leaves a bake-off's figures in the data bucket of a deployment, where its console's page Watch reads them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from bakeoff.contest import Contest
from cli.shared.target import Target
from definitions.names import BAKEOFF_KEY
from definitions.parameters import DATA_BUCKET


def figures(held: Contest, data: str) -> dict[str, Any]:
    """What may leave the machine of the bake-off: titles, figures and the verdict.

    Reasons, notes and the names of classes stay in the report there, for they may repeat what an example says.
    """
    return {
        "data": data,
        "modality": held.modality,
        "examples": held.parts,
        "seconds": round(held.seconds, 1),
        "interrupted": held.interrupted,
        "results": [
            {
                "title": result.candidate.title,
                "family": result.candidate.family,
                "stand_in": result.candidate.stand_in,
                "status": result.status,
                "accuracy": asdict(result.accuracy) if result.accuracy else None,
                "macro_f1": asdict(result.macro_f1) if result.macro_f1 else None,
                "training_seconds": result.training_seconds,
                "p50_ms": result.p50_ms,
                "p99_ms": result.p99_ms,
                "usd_per_month": result.usd_per_month,
            }
            for result in held.results
        ],
        "verdict": {"sentences": held.verdict.sentences} if held.verdict else None,
    }


def publish_figures(target: Target, held: Contest, data: str) -> str:
    """Writes the figures in place of those of the bake-off before; a sentence that says what became of it.

    The bake-off is over and its report is written, so that nothing here may fail it.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        bucket = target.parameter_if_published(DATA_BUCKET)
        if bucket is None:
            return (
                f"The app is not deployed in {target.description}, so no console there shows these figures."
            )
        content = json.dumps(figures(held, data)).encode()
        target.client("s3").put_object(
            Bucket=bucket, Key=BAKEOFF_KEY, Body=content, ContentType="application/json"
        )
    except (BotoCoreError, ClientError) as error:
        return f"The figures could not be published for the console in {target.description}: {error}"
    return f"The figures are at s3://{bucket}/{BAKEOFF_KEY}, where the console's page Watch reads them."
