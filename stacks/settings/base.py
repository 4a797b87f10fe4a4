"""What every part of the settings is: unchangeable once read, strict in its types, and nothing unknown in it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from definitions.names import CUSTOMERS_PREFIXES
from definitions.networks import KINDS
from lambdas.bulk.attempt_keys import PREFIX as BULK_PREFIX

# A data set may lie anywhere else in the data bucket; below these lies what customers sent, and what was found in it.
OF_CUSTOMERS = (*CUSTOMERS_PREFIXES, f"{BULK_PREFIX}/")


def known_kind(kind: str) -> str:
    """A kind of the table of networks."""
    if kind not in KINDS:
        raise ValueError(f"there is no network '{kind}'; there are {', '.join(KINDS)}")
    return kind


Kind = Annotated[str, AfterValidator(known_kind)]


def readable_prefix(prefix: str) -> str:
    """A place in the data bucket that the training job may read."""
    if f"{prefix}/".startswith(OF_CUSTOMERS):
        raise ValueError(
            f"'{prefix}' lies where no training job may read, because what customers sent lies below "
            f"{', '.join(OF_CUSTOMERS)}: copy the data set to another prefix of the data bucket and name that"
        )
    return prefix


# A key of S3's has 1,024 bytes at most, and a rule's description, which names the prefix, 512 characters.
DataPrefix = Annotated[
    str,
    Field(max_length=256, pattern=r"^[^/\x00-\x20\x7f][^\x00-\x1f\x7f]*$"),
    AfterValidator(readable_prefix),
]


def without_repeats(values: list[Any]) -> list[Any]:
    """A list that names nothing twice."""
    if repeated := next((value for value in values if values.count(value) > 1), None):
        raise ValueError(f"'{repeated}' stands there more than once; name it once")
    return values


class SettingsModel(BaseModel):
    """A part of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
