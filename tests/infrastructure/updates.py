"""What the machines that change an endpoint ask of CloudFormation."""

from __future__ import annotations

from typing import Any

UPDATE_ROLE = "arn:aws:iam::111122223333:role/update"


def update_to(version: str) -> dict[str, Any]:
    """The part of a stack's update that sets the version of the rnn and leaves the template and all else as it is."""
    kept = [{"ParameterKey": key, "UsePreviousValue": True} for key in ("KeyArn", "CnnModelVersion")]
    changed = {"ParameterKey": "RnnModelVersion", "ParameterValue": version}
    return {"UsePreviousTemplate": True, "RoleARN": UPDATE_ROLE, "Parameters": [*kept, changed]}
