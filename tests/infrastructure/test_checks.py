"""cdk-nag's AwsSolutions pack and cfn-lint find nothing that is not acknowledged, and no acknowledgement is idle."""

from __future__ import annotations

from pathlib import Path

import pytest
from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from stacks import app as compose
from stacks.settings import EnvironmentSettings, load_settings

from .conftest import PARTS, WATCHING, context, findings_in


@pytest.fixture(params=["dev", "prod"])
def environment(request) -> str:
    return request.param


def settings_of(environment: str) -> EnvironmentSettings:
    return load_settings(environment, context()["environments"])


def report_of(environment: str, output: Path) -> tuple[set[tuple[str, str]], bool]:
    """The findings of a synth with the pack, as construct path and rule, and whether the synth was refused."""
    app = App(context={**context(), "environment": environment}, outdir=str(output))
    compose.compose(app)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    refused = False
    try:
        app.synth()
    except RuntimeError:
        refused = True
    return findings_in(output), refused


def test_the_pack_finds_exactly_what_is_acknowledged(environment, tmp_path, monkeypatch):
    monkeypatch.setenv("CDK_VALIDATION", "true")
    monkeypatch.setattr(compose, "acknowledge", lambda *_: None)
    found, refused = report_of(environment, tmp_path)
    acknowledged = {
        (f"Recognition-{environment}-{part}/{finding.path}", finding.rule)
        for part in (*PARTS, WATCHING)
        for finding in compose.findings(part, settings_of(environment))
    }
    assert refused, "the pack has to refuse what nobody acknowledged, or it did not run"
    assert found == acknowledged


def test_with_the_acknowledgements_the_pack_finds_nothing(environment, tmp_path, monkeypatch):
    monkeypatch.setenv("CDK_VALIDATION", "true")
    found, refused = report_of(environment, tmp_path)
    assert (found, refused) == (set(), False)


def test_every_acknowledgement_has_a_reason():
    for part in (*PARTS, WATCHING):
        for finding in compose.findings(part, settings_of("dev")):
            assert finding.reason.endswith("."), finding


def test_cfn_lint_finds_nothing(templates, lint):
    lint(templates)
