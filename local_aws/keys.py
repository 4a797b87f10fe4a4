"""The keys of one start of the embedded AWS: its user's, and those of the roles under which functions run."""

from __future__ import annotations

import os
import secrets
import string
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

CHARACTERS = string.ascii_uppercase + "234567"


@dataclass(frozen=True)
class Keys:
    """What a start knows its user by; made anew for each, so that those of an older one are worth nothing.

    Attributes:
        access_key_id: of the account's root inside the embedded AWS, of its user outside.
        secret_access_key: what requests are signed with.
        console_key: what the console's page shows to be told the keys of its role.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    console_key: str = field(repr=False)

    @classmethod
    def made(cls) -> Keys:
        """New ones, in the form that AWS gives its own."""
        return cls(key_id("AKIA"), secrets.token_urlsafe(30), secrets.token_urlsafe(30))


def key_id(prefix: str) -> str:
    """A new access key's id: 20 characters, of which the first four say what kind of key it is."""
    return prefix + "".join(secrets.choice(CHARACTERS) for _ in range(16))


def role_session(config: dict[str, Any]) -> dict[str, str]:
    """The variables with the keys of a function's role, by the function's configuration.

    They are of a session of STS. The keys that ministack makes by itself can be computed from the function's name.
    """
    return dict(session_of(config["FunctionArn"], config.get("Role", ""), config["FunctionName"]))


@cache
def session_of(function_arn: str, role_arn: str, function_name: str) -> dict[str, str]:
    """Keys of a role for one function, the same as long as the process lives."""
    from ministack.services import sts

    account, role = function_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    access_key_id, secret, token = key_id("ASIA"), secrets.token_urlsafe(30), secrets.token_urlsafe(60)
    session = {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{function_name[:64]}",
        "UserId": f"{role}:{function_name[:64]}",
        "AccountId": account,
        "SecretAccessKey": secret,
        "SessionToken": token,
    }
    sts.register_session(access_key_id, session)
    return {
        "AWS_ACCESS_KEY_ID": access_key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": token,
    }


def write_privately(path: Path, content: str) -> None:
    """Writes a file that the user alone can read, whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(
        os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(content)
    unfinished.replace(path)


def private_directory(path: Path) -> None:
    """Makes a directory that the user alone can look into, or closes one that is there.

    Raises:
        OSError: when it can be neither made nor closed.
    """
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
