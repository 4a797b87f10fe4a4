"""Writes docs/reference/operations.md from the API's own document: `python -m tools.write_operations`."""

from __future__ import annotations

import json
from typing import Any

from tools.arguments import refuse_arguments
from tools.markdown import REFERENCE, ROOT, code, table

PAGE = REFERENCE / "operations.md"
HEAD = """# Operations of the API

Written by `make generate` from [the OpenAPI document](../openapi.json), which has examples and schemas of all answers
too. [The API](../api.md) says how it behaves. Options are query parameters; every `POST` also takes the header
`Idempotency-Key`.

"""


def values(schema: dict[str, Any]) -> str:
    """Which values an option takes."""
    if schema.get("type") == "array":
        most = f", at most {schema['maxItems']}" if "maxItems" in schema else ""
        return f"list{most}: {values(schema['items'])}"
    if "enum" in schema:
        return ", ".join(map(code, schema["enum"]))
    if "minimum" in schema or "maximum" in schema:
        return f"{schema.get('minimum', '')} to {schema.get('maximum', '')}"
    return "text" if schema.get("type") == "string" else str(schema.get("type", ""))


def section(path: str, operation: dict[str, Any]) -> str:
    """An operation: what it answers, what it takes, and its options."""
    body = operation.get("requestBody", {})
    lines = [f"## POST {path}", operation["summary"]]
    if body:
        lines.append(f"Body ({', '.join(map(code, body['content']))}). {body.get('description', '')}".strip())
    options = [option for option in operation.get("parameters", []) if "$ref" not in option]
    if options:
        rows = [
            [code(option["name"]), values(option["schema"]), option.get("description", "")]
            for option in options
        ]
        lines.append(table(("option", "takes", "meaning"), rows).strip())
    lines.append(f"Statuses: {', '.join(sorted(operation['responses']))}.")
    return "\n\n".join(lines) + "\n"


def page() -> str:
    """The whole page."""
    document = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
    statuses = [
        [code(status), answer["description"]]
        for status, answer in document["components"]["responses"].items()
    ]
    sections = [section(path, methods["post"]) for path, methods in document["paths"].items()]
    return (
        HEAD + "\n".join(sections) + "\n## Statuses\n\nOf refusals; [each code](errors.md) has a page.\n\n"
    ) + table(("status", "means"), statuses)


if __name__ == "__main__":
    refuse_arguments(__doc__)
    PAGE.write_text(page(), encoding="utf-8")
