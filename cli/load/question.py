"""What a load test asks: the known input of a release, or a file of the user's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cli.recognize.subjects import subject_in_file
from cli.shared.errors import CommandFailed
from definitions.networks import JSON_TYPE, NETWORKS


def request_of(kind: str, file: Path | None) -> dict[str, Any]:
    """The members of InvokeEndpoint but for the endpoint's name.

    Raises:
        CommandFailed: when the file is not there, or not of what this kind of network reads.
    """
    network = NETWORKS[kind]
    if file is None:
        return {"Body": network.known_request, "ContentType": JSON_TYPE, "Accept": JSON_TYPE}
    subject = subject_in_file(file)
    content_type = subject.content_type.partition(";")[0]
    if content_type not in network.content_types:
        raise CommandFailed(
            f"{file} is {content_type}, and the {kind} reads {', '.join(network.content_types)}."
        )
    return {"Body": subject.content, "ContentType": content_type, "Accept": JSON_TYPE}
