"""The templates as the rehearsal of a first deployment reads them: every statement can be asked about."""

from __future__ import annotations

import json

from cli.advise.assembly import Assembly, questions_of


def test_every_statement_of_a_role_can_be_asked_about(templates, tmp_path):
    for part, template in templates.items():
        (tmp_path / f"{part}.template.json").write_text(json.dumps(template))
    assembly = Assembly(tmp_path, "aws", "us-east-1", "111122223333")
    of_roles = dict(assembly.roles())
    assert len(of_roles) >= 10
    for role, statements in of_roles.items():
        asked = list(questions_of(statements))
        assert len(asked) == len([statement for statement in statements if statement["Effect"] == "Allow"]), (
            role
        )
        named = [resource for question in asked for resource in question.resources]
        assert [
            resource for resource in named if resource != "*" and not resource.startswith("arn:aws:")
        ] == []
