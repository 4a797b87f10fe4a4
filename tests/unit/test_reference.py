"""The generated pages of the reference say what the code says."""

from __future__ import annotations

import re
import tomllib

import pytest

from tools import write_commands, write_errors, write_hyperparameters, write_operations, write_settings
from tools.markdown import ROOT, table
from tools.sentences import exceptions_of, makers_of, raised_in, written

PAGES = {
    write_commands.PAGE: write_commands.page,
    write_errors.ERRORS: write_errors.errors_page,
    write_errors.MESSAGES: write_errors.messages_page,
    write_hyperparameters.PAGE: write_hyperparameters.page,
    write_operations.PAGE: write_operations.page,
    write_settings.PAGE: write_settings.page,
}
SETTINGS = write_settings.PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_of_the_reference_is_what_the_code_makes(page):
    assert page.read_text(encoding="utf-8") == PAGES[page](), "Run: make generate"


def test_every_setting_has_a_type_and_a_meaning():
    heads, rows = [], 0
    for line in SETTINGS.splitlines():
        cells = [cell.strip() for cell in line.replace("\\|", "").split("|")]
        if line.startswith("| setting"):
            heads = cells
        elif line.startswith("| `"):
            rows += 1
            row = dict(zip(heads, cells, strict=True))
            assert row["type"] and row["meaning"], line
    assert rows > 100


def test_every_cost_is_of_a_setting_that_exists():
    assert not [place for place in write_settings.COSTS if f"| `{place}` |" not in SETTINGS]


def test_every_hyperparameter_has_a_meaning():
    for kind, _ in write_hyperparameters.SECTIONS.values():
        said = write_hyperparameters.meanings(kind)
        assert [
            row[0] for row in write_hyperparameters.rows(kind, None) if not said.get(row[0].strip("`"))
        ] == []


def test_a_part_of_the_settings_names_the_stacks_that_read_it():
    # The firewall of the API knows what comes through the console.
    assert write_settings.templates_of("console") == ["Api", "Console"]
    assert write_settings.templates_of("bulk") == ["Bulk"]
    assert {"Inference", "Release"} <= set(write_settings.templates_of("inference"))


def test_every_command_is_on_the_page():
    page = write_commands.page()
    for command in ("train", "release", "rollback", "recognize", "bulk redrive", "remove-versions", "down"):
        assert f"\n## recognition {command}\n" in page


def test_a_bar_and_a_lines_end_do_not_end_a_cell():
    assert table(("a",), [["b | c\nd"]]).splitlines()[-1] == "| b \\| c d |"


def test_a_column_without_a_word_takes_no_room():
    made = table(["name", "costs", "meaning"], [["a", "", "first"], ["b", "", ""]])
    assert made.splitlines() == ["| name | meaning |", "| --- | --- |", "| a | first |", "| b |  |"]
    assert table(["name"], []).startswith("| name |")


def test_a_sentence_is_read_with_what_is_put_into_it(tmp_path, monkeypatch):
    file = tmp_path / "package" / "module.py"
    file.parent.mkdir()
    file.write_text(
        'NAME = "X"\n\ndef f(place, n):\n    words = f"{place} holds {n + 1} of {NAME}."\n    raise Wrong(words)\n'
    )
    monkeypatch.setattr("tools.sentences.ROOT", tmp_path)
    ((found, call),) = raised_in("package", {"Wrong"})
    assert written(call.args[0], found) == "{place} holds … of X."


def test_a_sentence_that_a_function_of_the_module_writes_is_read(tmp_path, monkeypatch):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "module.py").write_text(
        "def words(place):\n    return f'{place} is in use.'\n\ndef f():\n    raise Wrong(words('here'))\n"
    )
    monkeypatch.setattr("tools.sentences.ROOT", tmp_path)
    ((found, call),) = raised_in("package", {"Wrong"})
    assert written(call.args[0], found) == "{place} is in use."


def test_an_exception_is_found_through_any_number_of_bases_and_folders(tmp_path, monkeypatch):
    for folder, words in {
        "one": "class Refused(Exception):\n    pass\n\nclass Foreign(library.SomeError):\n    pass\n",
        "two": "class Nearer(Middle):\n    pass\n\nclass Middle(one.Refused):\n    pass\n\nclass Plain:\n    pass\n",
    }.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "module.py").write_text(words)
    monkeypatch.setattr("tools.sentences.ROOT", tmp_path)
    assert exceptions_of(["one", "two"]) == {"Refused", "Foreign", "Middle", "Nearer"}


def test_a_function_that_makes_an_exception_of_its_words_is_found(tmp_path, monkeypatch):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "module.py").write_text(
        "def late(message):\n    return Refused(503, message)\n\ndef fixed(n):\n    return Refused(503, 'No.')\n"
    )
    monkeypatch.setattr("tools.sentences.ROOT", tmp_path)
    assert list(makers_of("package", {"Refused"})) == ["late"]


@pytest.mark.parametrize(
    "code", ["NotAnImage", "DamagedImage", "InvalidUtf8", "InvalidEncoding", "ObjectChanged"]
)
def test_a_code_whose_sentence_is_found_at_run_time_is_listed(code):
    assert code in {row[0].strip("`") for row in write_errors.codes()}


def test_a_code_that_the_list_cannot_read_is_refused(tmp_path, monkeypatch):
    (tmp_path / "lambdas").mkdir()
    (tmp_path / "stacks").mkdir()
    (tmp_path / "lambdas" / "module.py").write_text(
        "raise RequestRefused(400, A if b else C, 'No.', 'body')\n"
    )
    monkeypatch.setattr("tools.sentences.ROOT", tmp_path)
    with pytest.raises(ValueError, match="module.py, line 1: write the code itself"):
        write_errors.codes()


def test_what_the_guide_quotes_is_said_by_the_product():
    """Of a table that is headed `it says`, with an ellipsis for what is put in."""
    guide = (ROOT / "docs" / "when-something-fails.md").read_text()
    said = " ".join(page() for page in (write_errors.errors_page, write_errors.messages_page))
    # What is said without an exception stands in no list.
    for file in (
        "tools/install.sh",
        "cli/shared/embedded.py",
        "cli/shared/disks.py",
        "local_aws/__main__.py",
    ):
        said += (ROOT / file).read_text(encoding="utf-8")
    quoted = re.findall(
        r"^\| (.+?) \|", "".join(re.findall(r"^\| it says .*?\n\n", guide, re.M | re.S)), re.M
    )
    parts = [part.strip(" ;") for words in quoted for part in words.split("…")]
    assert len(parts) > 10
    assert [part for part in parts if part not in ("", "it says") and part not in said] == []


def test_every_package_has_a_part_among_the_sentences():
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    assert {*write_errors.SPEAKERS} == {"client" if one == "recognition_client" else one for one in packages}
