"""Writes docs/reference/settings.md from the models in stacks/settings: `python -m tools.write_settings`."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from advisor.prices import HOME_REGION, price_table
from stacks.settings import EnvironmentSettings
from tools.arguments import refuse_arguments
from tools.markdown import REFERENCE, ROOT, code, table

PAGE = REFERENCE / "settings.md"
SCHEMA = EnvironmentSettings.model_json_schema()
HEAD = """# Settings

Written by `make generate` from [stacks/settings](../../stacks/settings). An environment is an entry below
`environments` in [cdk.json](../../cdk.json); what it does not name has the default. A wrong value fails the synth, with
the setting's name. A setting of a part is written inside it:

```json
"environments": {"dev": {"training": {"instance_type": "ml.g5.2xlarge"}}}
```

*Templates* are the stacks whose template it can change. Prices are of us-east-1,
[with their dates](../../advisor/data/prices_compute.toml).

"""
UNITS = {
    "seconds": "s",
    "in_five_minutes": "in 5 min",
    "minutes": "min",
    "hours": "h",
    "days": "days",
    "milliseconds": "ms",
    "gigabytes": "GB",
    "megabytes": "MB",
    "megabytes_per_copy": "MB",
    "percent": "%",
    "percents": "%",
    "usd": "US dollars",
    "usd_per_hour": "US dollars",
    "usd_per_month": "US dollars",
    "us_dollars": "US dollars",
    "per_second": "a second",
    "per_month": "a month",
}
# The name of the stack where it is not that of its folder.
STACKS = {"monitoring": "Watching"}
COSTS = {
    "training.instance_type": "each host by the second while a job runs",
    "training.fallback_instance_types": "theirs instead, while a job runs",
    "training.instance_count": "that many hosts",
    "training.evaluation_instance_type": "by the second while a job runs",
    "training.volume_gigabytes": "storage while a job runs",
    "training.use_spot": "off: the full price of the hosts",
    "training.warm_pool_seconds": "the hosts' price for as long",
    "training.tuning": "`jobs` training jobs for each run",
    "inference.instance_type": "{sagemaker.ml.g4dn.xlarge.hosting} an hour for `ml.g4dn.xlarge`, from the release on",
    "inference.instance_count": "that many instances, around the clock",
    "inference.autoscaling.minimum_instances": "that many instances, around the clock",
    "inference.autoscaling.maximum_instances": "at most that many instances",
    "inference.shadow_percent": "an instance while a shadow version is named",
    "inference.serverless": "by the millisecond",
    "inference.serverless.provisioned_concurrency": "while it stands",
    "inference.asynchronous": "instances while requests wait",
    "inference.scale_to_zero": "instances while it is asked",
    "inference.transform.instance_type": "by the second while a job runs",
    "api.firewall": "{waf.web_acl} a month, and {waf.rule} for each rule (6 by default)",
    "api.spending": "bounds what Rekognition and Comprehend cost",
    "api.policies": "the service, or our own endpoint, for each request",
    "bulk.limit_usd": "bounds what a run costs",
    "bulk.monthly_limit_usd": "bounds what all runs cost",
    "monitoring.dashboard": "the first three of an account are free",
    "monitoring.capture": "storage in the data bucket",
    "monitoring.drift": "a job a day for each network",
    "monitoring.drift.labels": "another job a day for each network",
    "scheduled_shutdown": "saves the hours in which endpoints are away",
}
"""What a setting costs, where it costs or saves anything; a name in braces stands for that price."""


def resolved(schema: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """A property with what it refers to taken in, and whether it may be empty."""
    choices = schema.get("anyOf", [])
    is_optional = {"type": "null"} in choices
    for choice in choices:
        if choice != {"type": "null"}:
            schema = {**choice, **{key: value for key, value in schema.items() if key != "anyOf"}}
    if "$ref" in schema:
        target = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
        schema = {**target, **schema, "properties": target["properties"], "purpose": target["description"]}
    return schema, is_optional


def parts_of(schema: dict[str, Any]) -> dict[str, Any] | None:
    """The settings inside a setting: of an object, of what a list holds, or of what a table holds by name."""
    schema, _ = resolved(held_by(schema) or schema)
    return schema if "properties" in schema else None


def held_by(schema: dict[str, Any]) -> dict[str, Any] | None:
    """What a list holds, or a table by name; None of anything else."""
    inside = (
        schema.get("items"),
        schema.get("additionalProperties"),
        *schema.get("patternProperties", {}).values(),
    )
    return next((held for held in inside if isinstance(held, dict)), None)


def rows(schema: dict[str, Any], path: str) -> Iterator[list[str]]:
    """A line for each setting below a path, and below each part what is inside it."""
    required = set(schema.get("required", []))
    for name, written in schema["properties"].items():
        setting, is_optional = resolved(written)
        place = f"{path}.{name}".lstrip(".")
        meaning = setting.get("description", "") or setting.get("purpose", "")
        if setting.get("purpose") and meaning != setting["purpose"]:
            meaning = f"{setting['purpose']} {meaning}"
        default = (
            "required"
            if name in required
            else ""
            if "properties" in setting
            else default_of(setting, is_optional)
        )
        yield [code(place), kind_of(setting), allowed(setting), default, meaning, cost_of(place)]
        if inside := parts_of(setting):
            step = "" if "properties" in setting else "[]" if setting.get("type") == "array" else ".NAME"
            yield from rows(inside, place + step)


def default_of(setting: dict[str, Any], is_optional: bool) -> str:
    """What holds where nothing is written."""
    default = setting.get("default")
    if default in (None, [], {}):
        return "empty" if is_optional or default in ([], {}) else ""
    return code(json.dumps(default))


def kind_of(setting: dict[str, Any]) -> str:
    """The type, with the unit that the name ends in."""
    kinds = {
        "string": "text",
        "integer": "whole number",
        "number": "number",
        "boolean": "true or false",
        "array": "list",
    }
    kind = kinds.get(setting.get("type", ""), "part" if "properties" in setting else "table by name")
    name = setting.get("title", "").lower().replace(" ", "_")
    unit = max((end for end in UNITS if name.endswith(f"_{end}") or name == end), key=len, default="")
    is_measured = unit and kind not in ("part", "text")
    return f"{kind}, {UNITS[unit]}" if is_measured else kind


def allowed(setting: dict[str, Any]) -> str:
    """The bounds or the choices; of a list those of what it holds."""
    if (held := held_by(setting)) and (words := allowed(held)):
        return f"each {words}"
    if "enum" in setting:
        return ", ".join(f"`{choice}`" for choice in setting["enum"])
    if "pattern" in setting:
        return "`" + setting["pattern"] + "`"
    low = f"from {setting['minimum']:,}" if "minimum" in setting else ""
    low = f"above {setting['exclusiveMinimum']:,}" if "exclusiveMinimum" in setting else low
    high = f"to {setting['maximum']:,}" if "maximum" in setting else ""
    high = f"below {setting['exclusiveMaximum']:,}" if "exclusiveMaximum" in setting else high
    return f"{low} {high}".strip()


def cost_of(place: str) -> str:
    """What it costs, with the prices of the table."""
    prices = price_table(HOME_REGION)
    words = COSTS.get(place, "")
    for price in prices:
        words = words.replace(
            "{" + price.id + "}", f"{price.charge(1):,g} US dollars" if price.known else "?"
        )
    return words


@cache
def tree_of(file: Path) -> ast.Module:
    """A module of the stacks."""
    return ast.parse(file.read_text("utf-8"))


def reads(tree: ast.Module, part: str) -> bool:
    """Whether a module reads a part of the settings, or takes it by its type."""
    kind = f"{part.title().replace('_', '')}Settings"
    return any(
        isinstance(node, ast.Name)
        and node.id == kind
        or isinstance(node, ast.Attribute)
        and node.attr == part
        and ast.unparse(node.value).endswith("settings")
        for node in ast.walk(tree)
    )


def templates_of(part: str) -> list[str]:
    """The stacks whose code, or what it imports of `stacks.shared`, reads a part of the settings."""
    readers = set()
    for stack in (ROOT / "stacks").glob("*/stack.py"):
        files = list(stack.parent.glob("*.py"))
        for file in files:
            files += [shared for shared in imported_of_shared(tree_of(file)) if shared not in files]
        if any(reads(tree_of(file), part) for file in files):
            readers.add(STACKS.get(stack.parent.name, stack.parent.name.title()))
    return sorted(readers)


def imported_of_shared(tree: ast.Module) -> Iterator[Path]:
    """The files of `stacks.shared` that a module imports."""
    for node in ast.walk(tree):
        module = (isinstance(node, ast.ImportFrom) and node.module) or ""
        if module.startswith("stacks.shared."):
            yield ROOT / f"{module.replace('.', '/')}.py"


def page() -> str:
    """The whole page."""
    titles = ("setting", "type", "allowed", "default", "meaning", "costs")
    simple, parts = {}, {}
    for name, written in SCHEMA["properties"].items():
        (parts if parts_of(resolved(written)[0]) else simple)[name] = written
    general = {"properties": simple, "required": SCHEMA["required"]}
    text = HEAD + "## general\n\nTemplates: all.\n\n" + table(titles, rows(general, ""))
    for name, written in parts.items():
        section = rows({"properties": {name: written}}, "")
        text += f"\n## {name}\n\nTemplates: {', '.join(templates_of(name))}.\n\n" + table(titles, section)
    return text


if __name__ == "__main__":
    refuse_arguments(__doc__)
    PAGE.write_text(page(), encoding="utf-8")
