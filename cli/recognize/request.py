"""Asks the deployed recognition API, with a signed request like any caller's."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from cli.models.release import step_to_release
from cli.recognize import annotate
from cli.recognize.subjects import Subject
from cli.shared import embedded
from cli.shared.consoles import Console
from cli.shared.errors import CommandFailed
from cli.shared.options import INTERRUPTED, show
from cli.shared.progress import Progress
from cli.shared.tables import new_table
from cli.shared.target import Target
from definitions.networks import FEATURES, kind_of_feature
from lambdas.catalogue import OPERATIONS
from model_code.outputs import require_free
from recognition_client import RecognitionClient, RecognitionRefused, SignedTransport, Unreachable
from recognition_client.recognition import NOT_RELEASED, PATIENCE_SECONDS

# Who is asked about what: first the managed service where there is one, then our own network.
PATHS = {
    "text": ("/texts/sentiment", "/texts/class"),
    "image": ("/images/labels", "/images/class"),
    "application": ("/sequences/class",),
}


KIND_OF_PATH = {f"/{feature}s/class": kind_of_feature(feature) for feature in FEATURES}
# Which setting makes each endpoint that the API asks only where a request's option `endpoint` says so.
SETTING_OF_ENDPOINT = {"asynchronous": "inference.asynchronous", "to-zero": "inference.scale_to_zero"}
# How long their answers are waited for: an asynchronous request's longest (SageMaker's guide, asynchronous inference)
# and an instance's start before it.
LONGEST_SECONDS = 2 * 3600
# The statuses of refusals that may pass, API Gateway's own among them.
PASSING = frozenset({409, 429, 500, 502, 503, 504})
# What stands where no answer came, beside the codes of the API.
UNREACHABLE, STOPPED = "Unreachable", "Stopped"


@dataclass(frozen=True)
class Question:
    """What to ask: the operation's path, the body and its content type, and query parameters."""

    path: str
    body: bytes
    content_type: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """The API's answer: the HTTP status, the parsed body and the seconds it took as the caller saw them.

    The status is None where no answer came; then the body's error says why.
    """

    status: int | None
    body: dict[str, Any]
    seconds: float


def ask(target: Target, question: Question, patience_seconds: float = PATIENCE_SECONDS) -> Reply:
    """Asks one question; again for so long while the API says that it may be answered later, or gives no answer.

    Raises:
        CommandFailed: when the API cannot be reached or does not answer in JSON.
    """
    session = target.session()
    transport = SignedTransport(target.api_url(), session.get_credentials(), session.region_name)
    client = RecognitionClient(transport, patience_seconds=patience_seconds)
    started = time.monotonic()
    try:
        body = client.send(question.path.lstrip("/"), question.options, question.body, question.content_type)
    except Unreachable as error:
        is_over = target.is_embedded and embedded.has_ended()
        raise CommandFailed(
            embedded.ended(embedded.LOG_FILE, target.deploy_command()) if is_over else str(error)
        ) from error
    except RecognitionRefused as error:
        refused = {"code": error.code, "message": error.message, "field": error.field}
        return Reply(error.status, {"error": refused}, time.monotonic() - started)
    return Reply(200, dict(body), time.monotonic() - started)


def ask_each(target: Target, questions: list[Question]) -> list[tuple[Question, Reply]]:
    """Asks one question after the other; the failure of one stands beside what the others were answered and paid for.

    An interruption ends the asking, and stands in the place of each answer that has not come.

    Raises:
        CommandFailed: when none was answered at all; see `ask`.
        KeyboardInterrupt: when nothing had been answered before it.
    """
    replies: list[tuple[Question, Reply]] = []
    failure = None
    with Progress().step(
        f"Asking, each for up to {PATIENCE_SECONDS:.0f} s while there may be an answer later"
    ):
        for question in questions:
            started = time.monotonic()
            try:
                reply = ask(target, question)
            except CommandFailed as error:
                failure = error
                reply = no_answer(UNREACHABLE, str(error), started)
            except KeyboardInterrupt:
                if not any(reply.status for _, reply in replies):
                    raise
                reply = no_answer(STOPPED, "Stopped before an answer came.", started)
                return [*replies, *((left, reply) for left in questions[len(replies) :])]
            replies.append((question, reply))
        if failure and all(reply.status is None for _, reply in replies):
            raise failure
    return replies


def no_answer(code: str, sentence: str, started: float) -> Reply:
    """What stands in the place of an answer that did not come, to a question that was asked at `started`."""
    error = {"code": code, "message": sentence, "field": None}
    return Reply(None, {"error": error}, time.monotonic() - started)


def problem_of(replies: list[Reply]) -> str | None:
    """Why a command does not succeed with these replies; None where each is an answer or a refusal that stays.

    An image that is too small for a service is such a refusal, and so is a network that waits for its release.
    """
    if not any(reply.status == 200 for reply in replies):
        return "Nobody answered: each result says why."
    if any(is_passing(reply) for reply in replies):
        return "Not every question was answered: its result says why, and it may be answered later."
    return None


def is_passing(reply: Reply) -> bool:
    """Whether no answer came for a reason that may pass."""
    error = reply.body.get("error") or {}
    return reply.status is None or (reply.status in PASSING and error.get("code") != NOT_RELEASED)


def questions_about(subject: Subject) -> list[Question]:
    """The managed service's operation, where there is one, and the own model's."""
    return [Question(path, subject.content, subject.content_type) for path in PATHS[subject.kind]]


def describe_answer(reply: Reply) -> tuple[str, str, str]:
    """Who answered, the best label or the error's sentence, and the confidence, for a line of a table."""
    if reply.status != 200:
        error = reply.body.get("error") or {"message": reply.body.get("message", json.dumps(reply.body))}
        status = "" if reply.status is None else f"{reply.status}: "
        return "–", f"{status}{error['message']}", ""
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
    """Asks about a subject and prints the answers; whether nothing is left to be asked again, see `problem_of`.

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
        typer.Exit: after an interruption, when what came before it is printed.
    """
    questions = questions_about(subject)
    if entities:
        questions.append(Question("/texts/entities", questions[0].body, questions[0].content_type))
    replies = [
        (question, with_hint(target, question, reply)) for question, reply in ask_each(target, questions)
    ]
    problem = problem_of([reply for _, reply in replies])
    console = Console()
    if as_json:
        names = {f"/{operation.path}": operation.name for operation in OPERATIONS}
        facts = [{"operation": names[q.path], "status": reply.status, **reply.body} for q, reply in replies]
        show(facts, True, "", problem=problem)
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
    if any(reply.body.get("error", {}).get("code") == STOPPED for _, reply in replies):
        raise typer.Exit(INTERRUPTED)
    return problem is None


def ask_own_and_show(target: Target, subject: Subject, endpoint: str, *, as_json: bool = False) -> None:
    """Asks one of our network's endpoints that have no instance while nobody asks, and prints the answer.

    Raises:
        CommandFailed: when there is no such endpoint, or it does not answer.
    """
    question = replace(questions_about(subject)[-1], options={"endpoint": endpoint})
    with Progress().step("Asking an endpoint whose instance may have to start"):
        reply = with_hint(target, question, ask(target, question, LONGEST_SECONDS))
    if reply.status != 200:
        raise CommandFailed(" ".join(filter(None, map(reply.body["error"].get, ("message", "hint")))))
    if as_json:
        show([{"operation": question.path.strip("/"), "status": reply.status, **reply.body}], True, "")
    else:
        Console().print(table_of([(question, reply)], title=subject.name))


def with_hint(target: Target, question: Question, reply: Reply) -> Reply:
    """The reply; one that says that there is no model or no endpoint also says which command makes the next step."""
    error = reply.body.get("error", {})
    kind = KIND_OF_PATH.get(question.path)
    if kind is None or error.get("code") not in ("ModelNotReleased", "NoSuchEndpoint"):
        return reply
    if error["code"] == "NoSuchEndpoint":
        setting = SETTING_OF_ENDPOINT[question.options["endpoint"]]
        deploy = f"deploy ({target.deploy_command()})"
        step = (
            f"Set {setting} of '{target.environment}' in cdk.json, {deploy} and release a version: "
            + target.command(f"release {kind}")
        )
    else:
        step = step_to_release(target, kind)
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
