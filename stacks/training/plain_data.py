"""The states that split plain data: what lies below a run's place without `validation/` is read and divided first."""

from __future__ import annotations

import json
from typing import Any

from definitions.names import PREPARED_PREFIX
from model_code.fitted import HYPERPARAMETERS_FILE
from stacks.settings import EnvironmentSettings
from stacks.shared.asl import choice, jsonata, task
from stacks.shared.job_context import JobContext, name_of_job
from stacks.shared.processing_job import code_uri, folder_of_job, processing_input, processing_task
from stacks.training.training_job import IS_PRETRAINED


def plain_data_states(settings: EnvironmentSettings, context: JobContext, *, then: str) -> dict[str, Any]:
    """The states from `FindSplits` to `then`; of plain data they change `data` and fit `hyperparameters` to it."""
    prepared = f"'{PREPARED_PREFIX}/' & $job_name & '/'"
    fitted = f"$lookup($parse($states.result.Body), {IS_PRETRAINED} ? 'pretrained' : 'from_scratch')"
    return {
        "FindSplits": task(
            "s3:listObjectsV2",
            {
                "Bucket": context.data_bucket,
                "Prefix": jsonata(f"$substringAfter($data, 's3://{context.data_bucket}/') & 'validation/'"),
                "MaxKeys": 1,
            },
            {"has_splits": "$exists($states.result.Contents)"},
            "HasSplits",
            "JobFailed",
        ),
        "HasSplits": choice("Prepare", ("$has_splits", then)),
        "Prepare": {
            **processing_task(
                settings,
                context,
                name=name_of_job(settings, "data"),
                instance_type=settings.training.evaluation_instance_type,
                steps=prepare_steps(settings),
                inputs=f"[{processing_input('code', code_uri(context))}, {processing_input('data', '$data')}]",
                output=folder_of_job(PREPARED_PREFIX, name_of_job(settings, "data")),
            ),
            "Next": "ReadFitting",
        },
        "ReadFitting": task(
            "s3:getObject",
            {"Bucket": context.model_bucket, "Key": jsonata(f"{prepared} & '{HYPERPARAMETERS_FILE}'")},
            {
                "hyperparameters": f"$merge([{fitted}, $hyperparameters])",
                "data": f"'s3://{context.model_bucket}/' & {prepared}",
            },
            then,
            "JobFailed",
        ),
    }


def prepare_steps(settings: EnvironmentSettings) -> list[str]:
    """What the job runs. The marker lies among the data and is none."""
    marker = settings.training.marker_name
    without = [f"rm -f {json.dumps(f'data/{marker}')}"] if marker else []
    return [*without, "python3 -m model_code.data.prepare import data --out output"]
