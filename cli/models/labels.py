"""Brings labels that arrive after the answer to where the daily job joins them with what was captured."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cli.models.release import endpoint_name
from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from definitions.labels import file_of, new_key
from definitions.parameters import DATA_BUCKET
from stacks.settings import EnvironmentSettings
from stacks.settings.monitoring import LabelSettings

REQUEST_NAMES = ("request_id", "request", "inference_id", "event_id", "id")


def expected_by(settings: EnvironmentSettings) -> LabelSettings:
    """How labels are joined with answers in an environment.

    Raises:
        CommandFailed: with the settings to set, where no answer is kept that they could be joined with.
    """
    drift = settings.monitoring.drift if settings.monitoring else None
    if drift is None or drift.labels is None:
        raise CommandFailed(
            f"Nothing joins labels with answers in '{settings.name}'. Set monitoring.capture and "
            "monitoring.drift.labels in cdk.json and deploy; answers from then on are kept. Nothing was sent."
        )
    return drift.labels


def of_words(words: Iterable[str]) -> dict[str, str]:
    """Labels by request id, of words like ID=LABEL.

    Raises:
        CommandFailed: naming the word that is none, or the id that has two labels.
    """
    pairs = [word.partition("=") for word in words]
    for request_id, _, label in pairs:
        if not (request_id and label):
            raise CommandFailed(f"A label is told as ID=LABEL, and '{request_id}' has none.")
    return without_contradiction((request_id, label) for request_id, _, label in pairs)


def of_table(file: Path, request: str | None, label: str | None) -> dict[str, str]:
    """Labels by request id, of a table's rows.

    Args:
        file: what `model_code.data.tables` reads.
        request: the column of the ids; None looks for one of REQUEST_NAMES.
        label: the column of the labels; None looks for the names that training takes.

    Raises:
        CommandFailed: naming the column that is not there, the row without a value in it, or the id that has two
            labels.
    """
    from model_code.data.columns import by_name, label_by_name, wanted
    from model_code.data.tables import read_table
    from model_code.data.values import is_missing
    from model_code.failures import JobFailed

    try:
        table = read_table(file)
        ids = wanted(table, request, "request") or by_name(table, REQUEST_NAMES)
        if ids is None:
            raise CommandFailed(
                f"{file} has no column named {', '.join(REQUEST_NAMES)}. Say which one holds the requests' ids "
                f"(--request). It has: {', '.join(table.columns)}."
            )
        labels = wanted(table, label, "label") or label_by_name(table)
    except JobFailed as failure:
        raise CommandFailed(str(failure)) from failure
    for place, row in table.rows:
        if empty := next((column for column in (ids, labels) if is_missing(row.get(column))), None):
            raise CommandFailed(f"{place} holds nothing in '{empty}'. Nothing was sent.")
    return without_contradiction((str(row[ids]).strip(), str(row[labels]).strip()) for _, row in table.rows)


def without_contradiction(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Labels by request id; CommandFailed where an id has two, since nobody could say which is right."""
    told: dict[str, str] = {}
    for request_id, label in pairs:
        if (other := told.setdefault(request_id, label)) != label:
            raise CommandFailed(
                f"'{request_id}' has two labels, '{other}' and '{label}'. Say which is right. Nothing was sent."
            )
    return told


def send(target: Target, kind: str, labels: dict[str, str]) -> str:
    """Writes the labels into the data bucket; returns their S3 URI.

    A label that is told again takes the place of the earlier one.

    Raises:
        CommandFailed: when the app is not deployed there.
    """
    bucket = target.parameter(DATA_BUCKET)
    key = new_key(endpoint_name(target, kind))
    target.client("s3").put_object(Bucket=bucket, Key=key, Body=file_of(labels))
    return f"s3://{bucket}/{key}"
