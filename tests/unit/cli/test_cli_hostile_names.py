"""Names that come from data control no terminal, no table, no plot and no log, and are shown as they are."""

from __future__ import annotations

import ast
import contextlib
import html
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich import console as rich_console
from rich.control import strip_control_codes
from rich.text import Text

from cli.local.report import ModelReport, write_report
from cli.models.own_data import OwnData
from cli.models.transform_lines import write_lines
from cli.recognize import request
from cli.recognize.subjects import Subject
from cli.shared.consoles import Console, say, say_document
from cli.shared.errors import CommandFailed
from cli.shared.options import show
from cli.shared.progress import Progress
from cli.shared.tables import new_table
from model_code.data.columns import Columns
from model_code.data.profile import profile_of
from model_code.data.samples import Sample, UserData
from model_code.evaluation.files import PLOT_FILES
from model_code.evaluation.plots import write_plots
from model_code.failures import JobFailed
from model_code.markup import visible

# By their numbers, and not by what makes them visible: control characters, directions, separators, halves of pairs.
CONTROLS = re.compile(
    "[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
)
CLI = Path(request.__file__).parents[1]
HOSTILE = (
    "cat[/]",
    "[red]cat[/red]",
    "[link=https://example.org]click[/link]",
    ":cat:",
    r"$\frac{$",
    "100 $ or 200 $",
    "cat\x1b]0;title\x07\x1b[2J",
    "cat\rdog",
    "\x9b31mcat",
    "user\u202egnp.exe",
    "\ud800",
    "a\u2028b",
    "<script>alert(1)</script>",
    "| cell | **bold** [link](javascript:alert(1))",
)
names = st.one_of(
    st.sampled_from(HOSTILE), st.text(st.characters(categories=["L", "N", "P", "S", "Cc", "Cf"]))
)


def printed(*shown, **options) -> str:
    """What a terminal gets."""
    out = io.StringIO()
    console = Console(file=out, width=4_000, force_terminal=True, color_system=None)
    console.print(*shown, **options)
    return out.getvalue()


def as_shown(name: str, keep: str = "") -> str:
    """A name as Rich shows it, which leaves the bell and what moves the cursor out."""
    return visible(strip_control_codes(name), keep)


def is_harmless(words: str) -> bool:
    """Whether words hold nothing but the characters that they show, and ends of lines."""
    return not CONTROLS.search(words)


@pytest.mark.threat
@given(names)
@example("\x1b[2J")
def test_words_in_a_terminal_are_shown_and_never_obeyed(name):
    for shown in (name, Text(name), Text.assemble((name, "red"))):
        words = printed(shown, soft_wrap=True)
        assert is_harmless(words)
        assert words.split() == as_shown(name, "\n\t").split()


@given(names)
def test_a_table_shows_words_in_any_console(name):
    table = new_table("Name", title=name)
    table.add_row(name)
    out = io.StringIO()
    rich_console.Console(file=out, width=200, force_terminal=True, color_system=None).print(table)
    assert is_harmless(out.getvalue())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_step_shows_its_title_and_detail(name):
    out = io.StringIO()
    progress = Progress(Console(file=out, width=4_000))
    with progress.step(name) as say:
        say(name)
    assert out.getvalue().count(as_shown(name)) == 2
    assert is_harmless(out.getvalue())


@pytest.mark.parametrize("name", HOSTILE)
def test_one_answer_ends_no_watch(name, monkeypatch, capsys):
    body = {
        "backend": "sagemaker",
        "model": {"name": name, "version": "1"},
        "stand_in": None,
        "results": [{"label": name, "score": 0.9}],
    }
    monkeypatch.setattr(request, "ask", lambda *_: request.Reply(200, body, 0.1))
    assert request.recognize_and_show(None, Subject(b"words", "text/plain", name))
    assert is_harmless(capsys.readouterr().out)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_plain_result_is_shown_as_it_is(name, capsys):
    show(None, False, f"Data: {name}\nDone.")
    assert capsys.readouterr().out == f"Data: {visible(name)}\nDone.\n"


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_told_of_own_data_is_harmless(name, capfd):
    samples = [Sample(b"words", name, None, "place")]
    profile = profile_of(UserData(Path("data"), "text", samples, (), (name,), ()))
    card = {"profile": profile, "counts": {"train": 1}, "split_rule": name}
    say(OwnData(Path("data"), card).told(), err=True)
    told = capfd.readouterr().err
    assert is_harmless(told)
    assert told.count(visible(name)) == 3


def test_a_file_that_is_left_out_is_told_by_a_harmless_name(tmp_path, capfd):
    for name in ("cat\x1b]0;title\x07\x1b[2J", "cat\rdog", "user\u202egnp.exe"):
        (tmp_path / f"{name}.jpg").write_bytes(b"no picture")
    with pytest.raises(CommandFailed, match="holds no sample"):
        write_lines(tmp_path, "cnn", Columns(), tmp_path)
    told = capfd.readouterr().err
    assert is_harmless(told)
    assert r"cat\x1b]0;title\x07\x1b[2J.jpg" in told


@given(names)
def test_a_document_for_programs_holds_names_as_they_are(name):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        say_document({"name": name})
    assert json.loads(out.getvalue()) == {"name": name}
    assert is_harmless(out.getvalue().replace("\x7f", ""))


CARD = {
    "curve": [{"step": 20, "train_loss": 0.5, "train_objective": 0.7}],
    "history": [{"epoch": 1, "validation_loss": 0.6}],
}


def test_plots_draw_every_name_of_a_class(tmp_path):
    labels = [*HOSTILE, "x" * 5_000]
    matrix = np.eye(len(labels), dtype=int)
    write_plots(matrix, np.full(len(labels), 0.5), np.ones(len(labels), bool), labels, CARD, tmp_path)
    assert all((tmp_path / name).stat().st_size for name in PLOT_FILES)


def test_the_demos_page_shows_every_name_of_a_class_as_text(tmp_path):
    figure = {"value": 0.5, "standard_deviation": 0.0}
    figures = dict.fromkeys(("accuracy", "macro_f1", "log_loss"), figure)
    matrix = {truth: dict.fromkeys(HOSTILE, 1) for truth in HOSTILE}
    for name in HOSTILE:
        card = dict.fromkeys(("name", "source", "licence", "split_rule"), name)
        evaluation = {
            "multiclass_classification_metrics": {**figures, "confusion_matrix": matrix},
            "samples": 4,
        }
        model = ModelReport(
            "cnn", name, card, evaluation, [], [{"epoch": 1.0, "train_loss": 1.5}], [], {name: name}
        )
        page = write_report(tmp_path, [model], [], steps={name: 1.0}, seconds=1.0, embedded_aws=True)
        words = page.read_text(encoding="utf-8")
        assert is_harmless(words.replace("\t", " "))
        assert "<script>alert" not in words
        assert visible(name) in html.unescape(words)


@given(names)
def test_a_jobs_failure_is_one_line_of_its_log(name):
    assert is_harmless(str(JobFailed(f"The class {name} has no sample.")))
    assert "\n" not in str(JobFailed(name))


def test_visible_words_are_left_alone():
    for words in ("cat", "Käse 🧀 👩‍🔬", "猫", "a b"):
        assert visible(words) == words


def test_every_console_of_the_command_line_is_one_of_these():
    """Rich's own would take square brackets for markup and pass control characters on."""
    for file in sorted(set(CLI.rglob("*.py")) - {CLI / "shared" / "consoles.py"}):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                taken = {(node.module, name.name) for name in node.names}
                assert not taken & {("rich.console", "Console"), ("rich.markup", "escape")}, file.name
            if isinstance(node, ast.Attribute):
                assert node.attr != "from_markup", file.name
            if isinstance(node, ast.keyword) and node.arg == "markup":
                assert isinstance(node.value, ast.Constant) and node.value.value is False, file.name


def calls_that_print(tree: ast.AST) -> list[str]:
    """What in a module prints past `say`, `say_document` and `Console`."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "print":
            found.append("print")
        if isinstance(node, ast.ImportFrom) and node.module in ("typer", "click", "rich"):
            found += [one.name for one in node.names if one.name in ("echo", "secho", "print")]
        if not isinstance(node, ast.Attribute):
            continue
        owner = ast.unparse(node.value)
        if owner in ("typer", "click", "rich") and node.attr in ("echo", "secho", "print"):
            found.append(f"{owner}.{node.attr}")
        if owner.removesuffix(".buffer") in ("sys.stdout", "sys.stderr") and node.attr in (
            "write",
            "writelines",
        ):
            found.append(f"{owner}.{node.attr}")
    return found


@pytest.mark.parametrize(
    "line",
    [
        "print('x')",
        "use(print)",
        "typer.echo('x')",
        "click.secho('x')",
        "from typer import echo",
        "rich.print('x')",
        "sys.stdout.write('x')",
        "sys.stderr.buffer.write(b'x')",
    ],
)
def test_a_line_that_prints_by_itself_is_found(line):
    assert len(calls_that_print(ast.parse(line))) == 1


def test_all_that_the_command_line_says_is_made_visible():
    found = {
        str(file.relative_to(CLI)): calls
        for file in CLI.rglob("*.py")
        if (calls := calls_that_print(ast.parse(file.read_text(encoding="utf-8"))))
    }
    assert found == {"shared/consoles.py": ["typer.echo", "typer.echo"]}
