"""What the doctor says: one thing that was looked at in an AWS account, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: in words; a quota by the name that Service Quotas gives it.
        needed: at least; None where nothing is counted.
        found: None where AWS does not say.
        remedy: what to do; empty when all is well, or when nobody knows.
        not_asked: why AWS could not be asked; empty when it could.
    """

    what: str
    needed: float | None
    found: float | None
    remedy: str
    not_asked: str = ""

    @property
    def is_well(self) -> bool:
        """Whether there is nothing to do, as far as AWS could be asked."""
        return not self.remedy


def asked(what: str, question: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """The findings of a question to AWS; where AWS does not answer it whole, the last one says why."""
    findings: list[Finding] = []
    try:
        findings.extend(question())
    except (ClientError, BotoCoreError) as error:
        findings.append(Finding(what, None, None, "", str(error)))
    return findings
