"""Takes what our networks' answers should have been, and leaves it where the daily job joins it with the answers."""

from __future__ import annotations

import os
from typing import Any

from definitions.labels import file_of, new_key
from definitions.names import LABELS_AFTER_DAYS_VARIABLE, LABELS_BUCKET_VARIABLE
from definitions.networks import FEATURES, kind_of_feature
from lambdas.common.bodies import LabelsBody, read_labels
from lambdas.common.clients import client
from lambdas.common.errors import RequestRefused
from lambdas.common.operations import Operation
from lambdas.common.options import read_options
from lambdas.common.releases import model_group

# The operations of our own networks, and the kind that answers each.
KIND_OF_OPERATION = {f"{feature}-class": kind_of_feature(feature) for feature in FEATURES}


def take_labels(operation: Operation, event: dict[str, Any]) -> dict[str, Any]:
    """How many labels were taken, and after how many days the answers of a day are held against theirs.

    A label that is told again takes the place of the earlier one.

    Raises:
        RequestRefused: 501 where the deployment joins no labels with answers; 400 or 415 when the body is none.
        ClientError: when S3 refuses.
    """
    read_options(operation.options, event)
    answered_by, labels = read_labels(event, operation.body_as(LabelsBody))
    bucket = os.environ.get(LABELS_BUCKET_VARIABLE)
    if bucket is None:
        raise RequestRefused(
            501, "NoLabelsJoined", "This deployment keeps no answers that labels could be held against."
        )
    key = new_key(model_group(KIND_OF_OPERATION[answered_by]))
    client("s3").put_object(Bucket=bucket, Key=key, Body=file_of(labels))
    return {"labels": len(labels), "compared_after_days": int(os.environ[LABELS_AFTER_DAYS_VARIABLE])}


LABELS = Operation(
    name="labels",
    path="labels",
    summary="Takes what answers of our own networks should have been.",
    service="",
    api="",
    body=LabelsBody(tuple(KIND_OF_OPERATION)),
    run=take_labels,
)
