"""Every command in README and docs is one that exists, with its options, targets, modules and files."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from pathlib import Path

import click
import pytest
from botocore import xform_name
from botocore.session import get_session
from click.testing import CliRunner
from typer.main import get_command

from cli.main import app
from model_code.hyperparameters import parse
from tools.documented_lines import PAGES, ROOT, Line, inline_lines_of, lines_of

TYPED = [line for page in PAGES for line in lines_of(page)]
NAMED = [line for page in PAGES for line in inline_lines_of(page)]
LINES = TYPED + NAMED
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
CDK = ROOT / "node_modules" / "aws-cdk" / "lib" / "cli" / "cli-type-registry.json"
# What AWS's command line has beside the services' operations, with the options that pages name.
OF_AWS_ALONE = {"logs tail": {"--since"}}
# Of the repository itself; what a reader brings, or a command leaves below build/, is not there before.
FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir()} - {"build", "node_modules", "cdk.out"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_command_stands_in_a_block_where_nobody_types_it(page):
    blocks = re.findall(r"^```(?!console\n)[a-z]*\n(\S+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert not {"$", "aws", "cdk", "curl", "make", "python", "recognition"} & set(blocks)


def lines_with(start: str, lines: list[Line] = LINES) -> list[Line]:
    matching = [line for line in lines if line.command.startswith(f"{start} ")]
    assert matching, f"no line starts with {start}"
    return matching


def without_bodies(command: click.Command) -> click.Command:
    """The command line as it is, whose commands do nothing but read their words."""
    command.callback = lambda **_: None
    for one in getattr(command, "commands", {}).values():
        without_bodies(one)
    return command


@pytest.fixture(scope="module")
def recognition() -> click.Command:
    return without_bodies(get_command(app))


@pytest.mark.parametrize("line", lines_with("recognition", TYPED), ids=str)
def test_a_line_of_recognition_is_understood(line, recognition):
    read = CliRunner().invoke(recognition, shlex.split(line.command)[1:])
    assert read.exit_code == 0, read.output or read.exception


@pytest.mark.parametrize("line", lines_with("recognition", NAMED), ids=str)
def test_a_command_of_recognition_in_a_sentence_exists_with_its_options(line, recognition):
    command = recognition
    for word in shlex.split(line.command)[1:]:
        if word in getattr(command, "commands", {}):
            command = command.commands[word]
        elif word in ("--help", "-h") or word.isupper():
            # Of every command; and a word in capitals stands for one that the reader puts in its place.
            continue
        elif word.startswith("-"):
            assert word in {
                option for param in command.params for option in param.opts + param.secondary_opts
            }, word
        else:
            assert command is not recognition, f"there is no command {word}"


@pytest.mark.parametrize("line", lines_with("make"), ids=str)
def test_a_make_target_exists(line):
    assert set(line.command.split()[1:]) <= TARGETS


@pytest.mark.parametrize("line", [line for line in LINES if "python -m " in line.command], ids=str)
def test_a_module_exists_and_knows_its_options(line):
    module, *words = shlex.split(line.command.split("python -m ")[1])
    spec = importlib.util.find_spec(module)
    assert spec, module
    if module == "model_code.train":
        parse(words)
    elif module.split(".")[0] in FOLDERS:
        program = Path(spec.origin)
        sources = program.parent.glob("*.py") if program.name == "__init__.py" else [program]
        known = "".join(source.read_text() for source in sources)
        assert [word for word in words if word.startswith("--") and f'"{word}"' not in known] == []


@pytest.mark.parametrize("line", LINES, ids=str)
def test_a_file_of_the_repository_that_a_line_names_is_there(line):
    places = [word for word in line.command.split() if word.split("/")[0] in FOLDERS and "/" in word]
    assert [word for word in places if not (ROOT / word).exists()] == []


@pytest.mark.parametrize("line", lines_with("cdk"), ids=str)
def test_a_line_of_the_cdk_has_a_command_and_options_that_it_knows(line):
    known = json.loads(CDK.read_text())
    _, command, *words = shlex.split(line.command)
    options = {*known["globalOptions"], *known["commands"][command].get("options", {})}
    assert {word for word in words if word.startswith("--")} <= {f"--{option}" for option in options}


@pytest.mark.parametrize("line", lines_with("aws"), ids=str)
def test_a_line_of_aws_names_an_operation_and_its_members(line):
    _, service, command, *words = shlex.split(line.command)
    given = {word for word in words if word.startswith("--")}
    known = OF_AWS_ALONE.get(f"{service} {command}")
    if known is None:
        model = get_session().get_service_model(service)
        (operation,) = [name for name in model.operation_names if xform_name(name, "-") == command]
        members = model.operation_model(operation).input_shape.members
        known = {f"--{xform_name(member, '-')}" for member in members}
    assert given <= known


def test_a_line_is_read_without_its_comment_and_with_its_continuation(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# Page\n\n```console\n$ one 'a # b'   # says one\n$ two \\\n    --three\n```\n\nAs `make lint`.\n"
    )
    assert [(line.number, line.command) for line in lines_of(page)] == [
        (4, "one 'a # b'"),
        (5, "two --three"),
    ]
    assert [(line.number, line.command) for line in inline_lines_of(page)] == [(9, "make lint")]
