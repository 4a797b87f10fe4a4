"""Every number that a command takes has bounds, and what is outside them is refused while the words are read."""

from __future__ import annotations

from typing import Any

import pytest
from typer.exceptions import TyperException
from typer.main import get_command

from cli.main import app

from .leaves import leaves
from .test_cli_before_it_costs import WORDS

NUMBERS = [
    (path, command, param)
    for path, command in leaves(get_command(app))
    for param in command.params
    if "int" in param.type.name or "float" in param.type.name
]


def refusal(path: str, command: Any, param: Any, value: str) -> str:
    """Why a command does not take a value for a parameter; nothing is run."""
    words = [] if param.param_type_name == "argument" else [f"{param.opts[0]}={value}"]
    for other in command.params:
        if other.required and other is not param:
            name = [other.opts[0]] if other.param_type_name == "option" else []
            words += [*name, WORDS[other.name]]
    with pytest.raises(TyperException) as refused:
        command.make_context(path, words)
    return refused.value.format_message()


@pytest.mark.parametrize(
    ("path", "command", "param"), NUMBERS, ids=[f"{path} {param.name}" for path, _, param in NUMBERS]
)
def test_a_number_outside_its_bounds_is_refused(path, command, param):
    least, most = param.type.min, param.type.max
    for value in (least - 1, most + 1):
        assert f" is not in the range {least}<=x<={most}." in refusal(path, command, param, str(value))


@pytest.mark.parametrize(
    ("path", "command", "param"),
    [one for one in NUMBERS if "float" in one[2].type.name],
    ids=[f"{path} {param.name}" for path, _, param in NUMBERS if "float" in param.type.name],
)
def test_what_is_no_number_is_within_no_bounds(path, command, param):
    assert "'nan' is no number." in refusal(path, command, param, "nan")
    assert "inf is not in the range" in refusal(path, command, param, "inf")


def test_every_command_with_a_number_is_among_them():
    assert {"up", "train", "load", "bakeoff", "plan training"} <= {path for path, _, _ in NUMBERS}
