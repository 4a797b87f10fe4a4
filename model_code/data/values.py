"""Single values as people write them: labels, numbers with any separators, dates, and what stands for nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from model_code.failures import JobFailed

MISSING = ("", "na", "n/a", "nan", "null", "none", "?")
PLAIN_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|[-+]?inf(inity)?", re.IGNORECASE)
# 30,714 and 1,234,567.8; a group of three never follows a single leading zero.
THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
# 0,095 and 1.234,5
DECIMAL_COMMA = re.compile(r"[-+]?(\d+|\d{1,3}(\.\d{3})+),\d+(e[-+]?\d+)?", re.IGNORECASE)
AROUND_A_NUMBER = re.compile(r"^[€$£¥]\s?|\s?[€$£¥%]$")
DATE_FORMATS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d")
TIMES_OF_DAY = ("", " %H:%M", " %H:%M:%S")
WHOLE = re.compile(r"-?\d+(\.0+)?")

Numbers = Callable[[Any], float | None]
"""From a value to a number; None for what is none."""


def is_missing(value: Any) -> bool:
    """Whether a value stands for nothing."""
    return value is None or str(value).strip().casefold() in MISSING


def label_name(value: Any, place: str) -> str:
    """A label's name; a number or a boolean has one too.

    Raises:
        JobFailed: when there is none, or more than one.
    """
    if isinstance(value, list | tuple | dict):
        raise JobFailed(f"{place} has a list or an object as its label. A sample has one class; name one.")
    if value is None or not str(value).strip() or isinstance(value, float) and math.isnan(value):
        raise JobFailed(f"{place} has no label.")
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def alike(labels: Sequence[str]) -> list[str]:
    """The labels with 1 and 1.0 as one class, where all of them are whole numbers."""
    if all(WHOLE.fullmatch(label) for label in labels):
        return [label.partition(".")[0] for label in labels]
    return list(labels)


def numbers_of(values: Sequence[Any], separator: str) -> Numbers:
    """How a column's numbers are to be read.

    A comma in them is a decimal one in a file whose columns are separated by something else, and one between thousands
    in a file whose columns commas separate; unless a value shows that it can only be the other.
    """
    texts = [without_signs(value) for value in values if isinstance(value, str) and "," in value]
    is_decimal = separator not in ("", ",")
    if any(DECIMAL_COMMA.fullmatch(text) and not THOUSANDS.fullmatch(text) for text in texts):
        is_decimal = True
    elif any(THOUSANDS.fullmatch(text) and not DECIMAL_COMMA.fullmatch(text) for text in texts):
        is_decimal = False

    def number(value: Any) -> float | None:
        if isinstance(value, bool | int | float | Decimal):
            return float(value)
        if not isinstance(value, str):
            return None
        text = without_signs(value)
        if "," in text and (DECIMAL_COMMA if is_decimal else THOUSANDS).fullmatch(text):
            text = text.replace(".", "").replace(",", ".") if is_decimal else text.replace(",", "")
        return float(text) if PLAIN_NUMBER.fullmatch(text) else None

    return number


def without_signs(text: str) -> str:
    """A number's text without a currency, a per cent sign and spaces."""
    return AROUND_A_NUMBER.sub("", text.strip().replace("\u00a0", "").replace("\u202f", "")).strip()


def dates_of(values: Sequence[Any]) -> Callable[[Any], datetime | None] | None:
    """What reads a column of dates: the first form that fits all its values; None where none does."""
    present = [value for value in values if not is_missing(value)]
    readers: list[Callable[[Any], datetime | None]] = [from_iso]
    readers += [by_format(day + time) for day in DATE_FORMATS for time in TIMES_OF_DAY]
    for read in readers:
        if present and all(read(value) is not None for value in present):
            return read
    return None


def from_iso(value: Any) -> datetime | None:
    """A date as ISO 8601 writes it, or as Parquet holds it; naive, in the clock that it was written by."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    # Python reads 20230108 too, which is rather a number.
    if not isinstance(value, str) or value.strip().isdigit():
        return None
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        return None


def by_format(form: str) -> Callable[[Any], datetime | None]:
    """What reads dates of one form."""

    def read(value: Any) -> datetime | None:
        try:
            return datetime.strptime(value.strip(), form) if isinstance(value, str) else None
        except ValueError:
            return None

    return read


def seconds_of(moment: datetime) -> float:
    """A moment as a number, for ordering and for intervals."""
    return moment.timestamp() if moment.tzinfo else (moment - datetime(1970, 1, 1)).total_seconds()
