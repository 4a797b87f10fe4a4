"""Draws docs/architecture.svg from the synthesised templates: `make synth && python -m tools.draw_architecture`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from cli.shared.project import default_environment
from definitions.names import stack_name
from tools.arguments import refuse_arguments

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "architecture.svg"
INK, QUIET, PAPER = "#1b2733", "#5a6b7b", "#ffffff"
COLOURS = {"Storage": "#3f7d4e", "Training": "#b8501e", "Inference": "#6a4fb3", "Api": "#1f6fb2"}
# Of the training machine's states, those that make something; the others prepare and read for them.
SHOWN = ("TrainingJob", "ProcessingJob", "ModelPackage")
PURPOSE = {
    "Storage": "Storage stack",
    "Training": "Training stack · Step Functions and SageMaker",
    "Inference": "Inference stack · SageMaker",
    "Api": "API stack · API Gateway and Lambda",
}

Template = dict[str, Any]


def of_type(template: Template, kind: str) -> dict[str, dict]:
    """The resources of a CloudFormation type: logical id to properties."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def plain(value: Any) -> str:
    """A template's text with its references left out."""
    if isinstance(value, dict) and "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return separator.join(part if isinstance(part, str) else "…" for part in parts)
    return value if isinstance(value, str) else "…"


def states(training: Template) -> list[tuple[str, str]]:
    """The state machine's states in the order of the way that succeeds: name and what each makes."""
    (machine,) = of_type(training, "AWS::StepFunctions::StateMachine").values()
    definition = json.loads(plain(machine["DefinitionString"]))
    names, name = [], definition["StartAt"]
    while name:
        state = definition["States"][name]
        names.append((name, made_by(state)))
        name = next_of(state, definition["States"])
    return names


def made_by(state: dict) -> str:
    """What a state makes, or its type when it calls no service."""
    action = re.split(r"[:.]", state.get("Resource", "").rpartition(":::")[2].removesuffix(".sync"))[-1]
    return action.removeprefix("create") or state["Type"]


def next_of(state: dict, every: dict[str, dict]) -> str | None:
    """The state after this one; a choice goes on to the target that is no failure."""
    targets = [
        state.get("Next"),
        state.get("Default"),
        *(choice["Next"] for choice in state.get("Choices", [])),
    ]
    going = [target for target in targets if target and every[target]["Type"] != "Fail"]
    return going[0] if going else None


def routes(api: Template) -> dict[str, list[str]]:
    """The paths that each function answers, by the function's logical id."""
    resources = of_type(api, "AWS::ApiGateway::Resource")

    def path(logical_id: str) -> str:
        parent = resources[logical_id]["ParentId"].get("Ref")
        return (path(parent) if parent in resources else "") + "/" + resources[logical_id]["PathPart"]

    answered: dict[str, list[str]] = {}
    for method in of_type(api, "AWS::ApiGateway::Method").values():
        text = json.dumps(method["Integration"]["Uri"])
        (function,) = re.findall(r'"Fn::GetAtt": \["(\w+)", "Arn"\]', text)
        answered.setdefault(function, []).append(path(method["ResourceId"]["Ref"]))
    return answered


def calls(api: Template, function: str) -> list[str]:
    """The service actions that a function's role allows, without logs, traces and what it keeps of its own."""
    role = of_type(api, "AWS::Lambda::Function")[function]["Role"]["Fn::GetAtt"][0]
    actions: list[str] = []
    for policy in of_type(api, "AWS::IAM::Policy").values():
        if {"Ref": role} in policy["Roles"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                action = statement["Action"]
                actions += [action] if isinstance(action, str) else action
    own = ("logs:", "xray:", "kms:", "dynamodb:")
    return sorted(action for action in actions if not action.startswith(own))


def reads(reader: Template, writer: Template) -> bool:
    """Whether one stack's parameters name what the other published."""
    published = {properties["Name"] for properties in of_type(writer, "AWS::SSM::Parameter").values()}
    return any(parameter.get("Default") in published for parameter in reader.get("Parameters", {}).values())


def text(
    x: int, y: int, words: str, *, size: int = 13, colour: str = INK, weight: int = 400, anchor: str = "start"
) -> str:
    """One line of text."""
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(words)}</text>'
    )


def card(part: str, x: int, y: int, width: int, height: int) -> str:
    """A stack's frame with its title."""
    colour = COLOURS[part]
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="10" fill="{colour}" fill-opacity="0.06" '
        f'stroke="{colour}" stroke-width="1.5"/>'
        + text(x + 16, y + 26, PURPOSE[part], size=15, colour=colour, weight=600)
    )


def box(x: int, y: int, width: int, height: int, title: str, lines: list[str], colour: str) -> str:
    """One resource: its name and what the template says of it."""
    rows = "".join(text(x + 12, y + 42 + 17 * i, line, size=12, colour=QUIET) for i, line in enumerate(lines))
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="7" fill="{PAPER}" stroke="{colour}"/>'
        + text(x + 12, y + 22, title, weight=600)
        + rows
    )


def arrow(points: str, label: str = "", at: tuple[int, int] = (0, 0), anchor: str = "middle") -> str:
    """A line with a head at its end."""
    line = f'<polyline points="{points}" fill="none" stroke="{QUIET}" stroke-width="1.6" marker-end="url(#head)"/>'
    return line + (text(*at, label, size=12, colour=QUIET, anchor=anchor) if label else "")


def draw_storage(template: Template) -> Iterator[str]:
    """The key and the buckets."""
    buckets = of_type(template, "AWS::S3::Bucket")
    names = [re.sub(r"Bucket[0-9A-F]{8}$|[0-9A-F]{8}$", "", name) for name in buckets]
    yield card("Storage", 20, 20, 250, 200)
    yield box(36, 62, 218, 56, "KMS key", ["rotates; encrypts all that is below"], COLOURS["Storage"])
    yield box(
        36,
        130,
        218,
        72,
        f"{len(buckets)} buckets",
        [", ".join(names), "private, encrypted, TLS only"],
        COLOURS["Storage"],
    )


def draw_training(template: Template) -> Iterator[str]:
    """The state machine's way to a registered version."""
    yield card("Training", 330, 20, 650, 200)
    shown = [(name, made) for name, made in states(template) if made in SHOWN or name.endswith("Gate")]
    width = (650 - 32 - 14 * (len(shown) - 1)) // len(shown)
    for position, (name, made) in enumerate(shown):
        x = 346 + position * (width + 14)
        yield box(
            x,
            62,
            width,
            56,
            name,
            [made],
            COLOURS["Training"],
        )
        if position:
            yield arrow(f"{x - 14},90 {x - 2},90")
    groups = of_type(template, "AWS::SageMaker::ModelPackageGroup").values()
    yield box(
        346,
        136,
        618,
        66,
        "Model registry",
        [
            " · ".join(plain(group["ModelPackageGroupName"]) for group in groups)
            + ": a version holds its metrics, data and code"
        ],
        COLOURS["Training"],
    )


def draw_inference(template: Template) -> Iterator[str]:
    """The endpoints, and what holds them back or rolls them back."""
    yield card("Inference", 330, 262, 650, 150)
    configurations = list(of_type(template, "AWS::SageMaker::EndpointConfig").values())
    endpoints = list(of_type(template, "AWS::SageMaker::Endpoint").values())
    for position, (endpoint, configuration) in enumerate(zip(endpoints, configurations, strict=True)):
        (variant,) = configuration["ProductionVariants"]
        alarms = endpoint["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
        lines = [
            f"{variant['InstanceType']} × {variant['InitialInstanceCount']}, blue/green",
            f"{len(alarms)} alarms roll a release back",
            "not there until a version is released",
        ]
        yield box(
            346 + position * 313,
            304,
            305,
            92,
            f"Endpoint {endpoint['EndpointName']}",
            lines,
            COLOURS["Inference"],
        )


def release_way(template: Template) -> str:
    """How a version comes to its endpoint."""
    started = of_type(template, "AWS::Events::Rule")
    by = "an approval or a command" if started else "a command"
    return f"a release, by {by}: the version parameter, by stack update"


SERVICES = {
    "rekognition": "Amazon Rekognition",
    "comprehend": "Amazon Comprehend",
    "sagemaker": "the endpoints",
}


def draw_api(template: Template) -> Iterator[str]:
    """Each function between the paths it answers and the service it asks."""
    yield card("Api", 150, 456, 830, 290)
    answered = routes(template)
    width = (830 - 32 - 10 * (len(answered) - 1)) // len(answered)
    for position, (function, paths) in enumerate(answered.items()):
        x = 166 + position * (width + 10)
        description = of_type(template, "AWS::Lambda::Function")[function]
        name = description["Handler"].split(".")[1]
        asked = calls(template, function)
        service = asked[0].split(":")[0] if asked else ""
        lines = [
            *shown_paths(paths),
            f"asks {SERVICES[service]}" if service else "asks nobody: rules and prices",
            *([f"may call {len(asked)} of its operations"] if len(asked) > 1 else []),
        ]
        yield box(x, 498, width, 232, f"Lambda {name}", lines, COLOURS["Api"])
        if service == "sagemaker":
            middle = x + width // 2
            yield arrow(f"{middle},498 {middle},416", "InvokeEndpoint", (middle + 10, 438), "start")


def shown_paths(paths: list[str]) -> list[str]:
    """A function's paths on lines: what they all begin with once, and those with /batch by their number."""
    batches = [path for path in paths if path.endswith("/batch")]
    single = [path for path in paths if path not in batches]
    (folder, *others) = sorted(
        {path[: path.index("/", 1) + 1] if "/" in path[1:] else "/" for path in single}
    )
    if others:
        return wrapped(single, 27)
    names = wrapped([path.removeprefix(folder) for path in single], 28)
    return [folder, *names, *([f"{len(batches)} of them also with /batch"] if batches else [])]


def wrapped(words: list[str], columns: int) -> list[str]:
    """Words on lines of at most so many characters."""
    lines = [""]
    for word in words:
        joined = f"{lines[-1]}  {word}".strip()
        lines = [*lines[:-1], joined] if len(joined) <= columns else [*lines, word]
    return lines


def draw(templates: dict[str, Template]) -> str:
    """The picture of an environment's templates, by part."""
    parts = [
        *draw_storage(templates["Storage"]),
        *draw_training(templates["Training"]),
        *draw_inference(templates["Inference"]),
        *draw_api(templates["Api"]),
        box(20, 575, 92, 60, "Your app", ["IAM-signed"], QUIET),
        arrow("112,605 148,605"),
        arrow("655,220 655,260", release_way(templates["Release"]), (665, 246), "start"),
    ]
    if reads(templates["Training"], templates["Storage"]):
        parts.append(arrow("270,110 328,110"))
    if reads(templates["Inference"], templates["Storage"]):
        parts.append(arrow("145,220 145,337 328,337"))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 766" role="img" '
        'aria-label="Architecture: storage, training, inference and API stacks" '
        'font-family="system-ui, Segoe UI, Helvetica, Arial, sans-serif">'
        f'<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 8 4 0 8z" fill="{QUIET}"/></marker></defs>'
        f'<rect width="1000" height="766" rx="12" fill="{PAPER}"/>' + "\n".join(parts) + "</svg>\n"
    )


def templates_in(assembly: Path, environment: str) -> dict[str, Template]:
    """The templates of a synthesised cloud assembly, by part."""
    return {
        part: json.loads((assembly / f"{stack_name(environment, part)}.template.json").read_bytes())
        for part in (*COLOURS, "Release")
    }


if __name__ == "__main__":
    refuse_arguments(__doc__)
    PICTURE.write_text(draw(templates_in(ROOT / "cdk.out", default_environment())), encoding="utf-8")
