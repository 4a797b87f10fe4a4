"""Asks the deployed recognition API, with a signed request like any caller's."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.table import Table

from cli.models.removal import versions_of
from cli.recognize import annotate
from cli.recognize.subjects import Subject
from cli.shared.consoles import Console
from cli.shared.errors import CommandFailed
from cli.shared.options import show
from cli.shared.progress import Progress
from cli.shared.tables import new_table
from cli.shared.target import Target
from definitions.networks import FEATURES, kind_of_feature
from lambdas.catalogue import OPERATIONS
from model_code.outputs import require_free
from recognition_client.transport import SignedTransport, Unreachable

# Who is asked about what: first the managed service where there is one, then our own network.
PATHS = {
    "text": ("/texts/sentiment", "/texts/class"),
    "image": ("/images/labels", "/images/class"),
    "application": ("/sequences/class",),
}


KIND_OF_PATH = {f"/{feature}s/class": kind_of_feature(feature) for feature in FEATURES}


@dataclass(frozen=True)
class Question:
    """What to ask: the operation's path, the body and its content type, and query parameters."""

    path: str
    body: bytes
    content_type: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """The API's answer: the HTTP status, the parsed body and the seconds it took as the caller saw them."""

    status: int
    body: dict[str, Any]
    seconds: float


def ask(target: Target, question: Question) -> Reply:
    """Sends one question.

    Raises:
        CommandFailed: when the API cannot be reached or does not answer in JSON.
    """
    session = target.session()
    transport = SignedTransport(target.api_url(), session.get_credentials(), session.region_name)
    headers = {"Content-Type": question.content_type}
    started = time.monotonic()
    try:
        answer = transport(question.path.lstrip("/"), question.options, question.body, headers)
    except Unreachable as error:
        raise CommandFailed(str(error)) from error
    return Reply(answer.status, dict(answer.body), time.monotonic() - started)


def questions_about(subject: Subject) -> list[Question]:
    """The managed service's operation, where there is one, and the own model's."""
    return [Question(path, subject.content, subject.content_type) for path in PATHS[subject.kind]]


def describe_answer(reply: Reply) -> tuple[str, str, str]:
    """Who answered, the best label or the error's sentence, and the confidence, for a line of a table."""
    if reply.status != 200:
        error = reply.body.get("error") or {"message": reply.body.get("message", json.dumps(reply.body))}
        return "–", f"{reply.status}: {error['message']}", ""
    who = reply.body["backend"]
    if version := reply.body["model"].get("version"):
        who += f" {reply.body['model']['name']} v{version}"
    if reply.body["stand_in"]:
        who += " (stand-in)"
    if not reply.body["results"]:
        return who, "nothing", ""
    best = reply.body["results"][0]
    return who, best["label"], f"{best['score']:.2f}"


def require_options(
    subject: Subject, *, picture: Path | None = None, overwrite: bool = False, entities: bool = False
) -> None:
    """Refuses, before anybody is asked, options that do not go with the subject.

    Raises:
        CommandFailed: when they do not, or the picture could not be drawn afterwards.
        OutputRefused: when the picture's file is there and may not be replaced.
    """
    if picture and subject.kind != "image" or entities and subject.kind != "text":
        raise CommandFailed("--show is for images and --entities for texts.")
    if picture:
        annotate.require_drawable(subject.content, picture)
        require_free(picture, overwrite=overwrite)


def recognize_and_show(
    target: Target,
    subject: Subject,
    *,
    picture: Path | None = None,
    overwrite: bool = False,
    entities: bool = False,
    as_json: bool = False,
) -> bool:
    """Asks about a subject and prints the answers; whether anyone answered.

    Args:
        target: where the API is.
        subject: an image, a text or a sensor's readings.
        picture: where boxes and labels are drawn; images only.
        overwrite: whether the picture may replace a file that is there.
        entities: print a text with its entities marked; texts only.
        as_json: print JSON in place of a table.

    Raises:
        CommandFailed: when the API cannot be reached; see `ask`. `require_options` comes before it.
        OutputRefused: when the picture's file is there and may not be replaced.
    """
    questions = questions_about(subject)
    if entities:
        questions.append(Question("/texts/entities", questions[0].body, questions[0].content_type))
    replies = [(question, with_hint(target, question, ask(target, question))) for question in questions]
    console = Console()
    if as_json:
        names = {f"/{operation.path}": operation.name for operation in OPERATIONS}
        facts = [{"operation": names[q.path], "status": reply.status, **reply.body} for q, reply in replies]
        is_answered = any(reply.status == 200 for _, reply in replies)
        show(facts, True, "", problem=None if is_answered else "Nobody answered: each result says why.")
    else:
        console.print(table_of(replies, title=subject.name))
        for _, reply in replies:
            if hint := reply.body.get("error", {}).get("hint"):
                # Outside the table, whose columns would break a command that is to be copied.
                console.print(hint, soft_wrap=True, highlight=False)
    results = {question.path: reply.body["results"] for question, reply in replies if reply.status == 200}
    if entities and "/texts/entities" in results and not as_json:
        console.print(annotate.highlighted(questions[0].body.decode(), results["/texts/entities"]))
    if picture:
        labels = results.get("/images/labels")
        drawn = (
            None if labels is None else annotate.draw(questions[0].body, labels, picture, overwrite=overwrite)
        )
        Console(stderr=True).print(words_of(drawn, picture))
    return bool(results)


def ask_own_and_show(
    target: Target,
    subject: Subject,
    ask_own: Callable[[Target, Question, Callable[[str], None]], Reply],
    *,
    as_json: bool = False,
) -> None:
    """Asks one of our own endpoints about a subject, which may take long, and prints the answer.

    Raises:
        CommandFailed: see `ask_own`.
    """
    question = questions_about(subject)[-1]
    with Progress().step("Asking our own endpoint") as detail:
        reply = ask_own(target, question, detail)
    if as_json:
        show([{"operation": question.path.strip("/"), "status": reply.status, **reply.body}], True, "")
    else:
        Console().print(table_of([(question, reply)], title=subject.name))


def with_hint(target: Target, question: Question, reply: Reply) -> Reply:
    """The reply; one that says that no model is released also says which command makes the next step."""
    error = reply.body.get("error", {})
    if error.get("code") != "ModelNotReleased":
        return reply
    kind = KIND_OF_PATH[question.path]
    is_registered = bool(versions_of(target, kind))
    step = f"Release it: {target.command(f'release {kind}')}"
    if not is_registered:
        step = f"Train it first: {target.command(f'train {kind}')}"
    return replace(reply, body={**reply.body, "error": {**error, "hint": step}})


def words_of(drawn: int | None, picture: Path) -> str:
    """What became of the picture, by the number of boxes; None where nobody told any labels."""
    if drawn is None:
        return f"Nothing is drawn in {picture}, because /images/labels was not answered."
    return f"{drawn} {'box is' if drawn == 1 else 'boxes are'} drawn in {picture}."


def table_of(replies: list[tuple[Question, Reply]], title: str | None) -> Table:
    """The answers, a row each."""
    table = new_table("Operation", "Answered by", "Answer", "Confidence", "Time", title=title)
    for question, reply in replies:
        table.add_row(question.path, *describe_answer(reply), f"{reply.seconds * 1000:.0f} ms")
    return table
