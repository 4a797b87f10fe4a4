"""cdk-nag's packs and cfn-lint find nothing that is not acknowledged, and no acknowledgement is idle."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from aws_cdk import App

from stacks.app import compose
from stacks.shared import acknowledge

from .conftest import context
from .test_options import EVERYTHING

PACKS = {"AwsSolutions", "NIST.800.53.R5", "Serverless"}
# Environments with changes of their settings.
SETTINGS = {
    "dev": ("dev", {}),
    "prod": ("prod", {}),
    "the console": ("dev", {"console": {}}),
    "everything": ("dev", EVERYTHING),
    "one endpoint for all": ("dev", {"inference": {"multi_model": {}, "instance_type": "ml.c5.2xlarge"}}),
}


def app_of(environment: str, changes: dict, output: Path) -> App:
    """An app with other settings, composed and not yet synthesised."""
    chosen = {**context(), "environment": environment}
    chosen["environments"][environment] |= changes
    app = App(context=chosen, outdir=str(output))
    compose(app)
    return app


def findings_in(assembly: Path) -> set[tuple[str, str]]:
    """What the packs found in an assembly that they refused: paths of constructs with rules."""
    report = json.loads((assembly / "validation-report.json").read_text())
    return {
        (construct["constructPath"], violation["ruleName"])
        for plugin in report["pluginReports"]
        for violation in plugin.get("violations", [])
        for construct in violation["violatingConstructs"]
    }


@pytest.fixture
def acknowledged(monkeypatch) -> list[tuple[str, str, str]]:
    """What would be acknowledged, as path, rule and reason; with it no acknowledgement counts."""
    said = []

    def note(construct):
        return SimpleNamespace(
            acknowledge=lambda noted: said.append((construct.node.path, noted.id, noted.reason))
        )

    monkeypatch.setattr(acknowledge, "Validations", SimpleNamespace(of=note))
    return said


@pytest.mark.parametrize("name", SETTINGS)
def test_the_packs_find_exactly_what_is_acknowledged(name, acknowledged, tmp_path):
    app = app_of(*SETTINGS[name], tmp_path)
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    reported = findings_in(tmp_path)

    def is_of(finding, path, rule) -> bool:
        return finding[1] == rule and f"{finding[0]}/".startswith(f"{path}/")

    idle = {
        (path, rule)
        for path, rule, _ in acknowledged
        if not any(is_of(finding, path, rule) for finding in reported)
    }
    assert idle == set()
    unanswered = {
        finding
        for finding in reported
        if not any(is_of(finding, path, rule) for path, rule, _ in acknowledged)
    }
    assert unanswered == set()
    assert {pack for pack in PACKS if any(rule.startswith(pack) for _, rule in reported)} == PACKS
    assert all(reason.endswith(".") for _, _, reason in acknowledged)


def test_a_grant_with_a_wildcard_and_no_reason_fails_the_synth(monkeypatch, tmp_path):
    monkeypatch.setattr("stacks.shared.grants.accept_wildcards", lambda *_: None)
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app_of("dev", {}, tmp_path).synth()


def test_cfn_lint_finds_nothing(templates, lint):
    lint(templates)
