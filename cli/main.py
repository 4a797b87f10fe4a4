"""The `recognition` command line: what each command takes, and how its result and its failure are shown."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from cli.errors import CommandFailed
from cli.progress import Progress
from cli.project import BUILD, ROOT

INTERRUPTED = 130
# What the columns behind a question take at their widest in the demo's table.
WIDTH_OF_ANSWERS = 62

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Recognition on AWS: decide, build and deploy, in an AWS account or on this machine.",
)

prices_app = typer.Typer(no_args_is_help=True, help="The advisor's price tables.")
app.add_typer(prices_app, name="prices")

EnvironmentOption = Annotated[str, typer.Option("--environment", help="The app's environment: dev or prod.")]
OwnAccountOption = Annotated[bool, typer.Option("--aws", help="Use your AWS account, not the embedded AWS.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
KindArgument = Annotated[
    str, typer.Argument(metavar="cnn|rnn", help="Which network: cnn for images, rnn for texts.")
]


def example(text: str) -> str:
    """The epilogue of a command's help."""
    return f"[bold]Example:[/bold] {text}"


@app.command(epilog=example("recognition up --port 4566"))
def up(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    environment: EnvironmentOption = "dev",
    as_json: JsonOption = False,
) -> None:
    """Start the embedded AWS, deploy the app onto it and leave it running."""
    from cli import embedded
    from cli.deploy import deploy
    from local_aws.launcher import EmbeddedAws

    progress = Progress()
    session = embedded.running_session()
    if session is None:
        with progress.step("Starting the embedded AWS on 127.0.0.1"):
            log_file = embedded.STATE_DIRECTORY / "aws.log"
            aws = EmbeddedAws.start(
                embedded.STATE_DIRECTORY / "aws", port=port, log_file=log_file, detached=True
            )
            session = embedded.Session(aws.endpoint_url, aws.process_id, str(log_file))
            embedded.remember(session)
    target = embedded.embedded_target(environment, session.endpoint_url)
    with progress.step("Deploying the app with cdk deploy --all") as detail:
        deploy(target, detail)
    url = target.api_url()
    curl = (
        f"curl --aws-sigv4 aws:amz:{target.session().region_name}:execute-api --user test:test "
        f"--header 'Content-Type: text/plain' --data 'What a wonderful film!' {url}/texts/sentiment"
    )
    show(
        {"endpoint_url": session.endpoint_url, "api_url": url, "curl": curl},
        as_json,
        f"AWS services: {session.endpoint_url}\nAPI:          {url}\n"
        f"Try it:       {curl}\nStop it:      recognition down",
    )


@app.command(epilog=example("recognition down"))
def down() -> None:
    """Stop the embedded AWS and everything that runs in it."""
    from cli import embedded

    session = embedded.running_session()
    if session is None:
        typer.echo("The embedded AWS is not running.")
        return
    embedded.stop(session)
    typer.echo("The embedded AWS has stopped.")


@app.command(epilog=example("recognition status --json"))
def status(
    environment: EnvironmentOption = "dev", own_account: OwnAccountOption = False, as_json: JsonOption = False
) -> None:
    """Show the stacks, the endpoints with the version each serves, and the registered versions."""
    from cli.embedded import choose_target
    from cli.status import describe

    facts = describe(choose_target(environment, own_account=own_account))
    if as_json:
        show(facts, True, "")
        return
    table = Table("What", "State", title=f"{facts['environment']} on {facts['aws']}", title_justify="left")
    for stack, state in facts["stacks"].items():
        table.add_row(f"stack {stack}", state or "not deployed")
    for model in facts.get("models", {}).values():
        registered = ", ".join(f"v{v['version']} {v['approval']}" for v in model["registered"]) or "none"
        serves = (
            f"serves v{model['serves_version']}" if model["serves_version"] else "no version released yet"
        )
        table.add_row(f"endpoint {model['endpoint']}", f"{serves}; registered: {registered}")
    Console().print(table)


@app.command(epilog=example("recognition demo"))
def demo() -> None:
    """Show the whole architecture at work on real data, on this machine, and write a report."""
    from cli import demo as demonstration

    result = demonstration.run(Progress())
    console = Console()
    width_characters = min(max(console.width - WIDTH_OF_ANSWERS, 16), 60)
    table = Table(
        Column("Asked", no_wrap=True, overflow="ellipsis", max_width=width_characters),
        Column("Truth", no_wrap=True),
        Column("Answered by", no_wrap=True),
        Column("Answer", no_wrap=True),
        Column("Score", justify="right"),
        Column("Time", justify="right", no_wrap=True),
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for before, exchange in zip([None, *result.exchanges], result.exchanges, strict=False):
        same_question = before is not None and before.asked == exchange.asked
        table.add_row(
            "" if same_question else " ".join(exchange.asked.split()),
            "" if same_question else exchange.truth,
            exchange.answered_by + (" stand-in" if exchange.stand_in else ""),
            exchange.label,
            f"{exchange.score:.2f}",
            f"{exchange.milliseconds:.0f} ms",
        )
    console.print(table)
    typer.echo(f"{result.seconds:.0f} s after the data was there. The report: {result.report}")


@app.command(epilog=example("recognition train cnn --set epochs=5"))
def train(
    kind: KindArgument,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A hyperparameter; may be given again."),
    ] = None,
    train_samples: Annotated[
        int | None, typer.Option(min=1, help="Train on so many samples; all by default.")
    ] = None,
    environment: EnvironmentOption = "dev",
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a network on its public data set: train, evaluate, gate and register."""
    from cli import data, training
    from cli.embedded import choose_target
    from cli.project import BUILD
    from model_code.hyperparameters import DEMO

    require_kind(kind)
    target = choose_target(environment, own_account=own_account)
    hyperparameters = {**DEMO[kind].hyperparameters, **parse_settings(settings or [])}
    dataset = data.DATASET_OF_KIND[kind]
    directory = BUILD / "data" / dataset
    progress = Progress()
    with progress.step(f"Fetching and preparing {dataset}") as detail:
        data.prepare(dataset, directory, train_samples=train_samples, on_detail=detail)
    with progress.step("Writing the data to the data bucket") as detail:
        uri = data.upload(target, directory, dataset, detail)
    with progress.step(f"Training, evaluating, gating and registering the {kind.upper()}") as detail:
        (registered,) = training.wait(target, [training.start(target, kind, uri, hyperparameters)], detail)
    show(
        {
            "kind": kind,
            "version": registered.version,
            "model_package_arn": registered.model_package_arn,
            **registered.output,
        },
        as_json,
        f"Registered as version {registered.version}. "
        f"Release it: recognition release {kind} --version {registered.version}",
    )


@app.command(epilog=example("recognition release rnn --version 3"))
def release(
    kind: Annotated[
        str | None, typer.Argument(metavar="[cnn|rnn]", help="Which network; --from can tell it.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="The registered version; the newest one by default.")
    ] = None,
    directory: Annotated[
        Path | None, typer.Option("--from", exists=True, file_okay=False, help="Register this model first.")
    ] = None,
    approve: Annotated[
        bool, typer.Option("--approve", help="Approve the version before the release.")
    ] = False,
    environment: EnvironmentOption = "dev",
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Release a model version to its endpoint by a stack update, and check that it is the one that serves."""
    from cli import release as releases
    from cli.embedded import choose_target

    target = choose_target(environment, own_account=own_account)
    progress = Progress()
    if directory is not None:
        if version is not None:
            raise CommandFailed("--from registers a new version, so --version cannot be given with it.")
        kind = kind or releases.kind_of_model(directory)
        with progress.step(f"Registering the {kind.upper()} in {directory}"):
            version = releases.register_local_model(target, require_kind(kind), directory)
    kind = require_kind(kind)
    version = releases.newest_version(target, kind) if version is None else version
    if approve:
        releases.approve(target, kind, version)
    with progress.step(f"Releasing the {kind.upper()} version {version} by a stack update") as detail:
        releases.release(target, kind, version, detail)
    name = releases.endpoint_name(target, kind)
    show({"endpoint": name, "version": version}, as_json, f"The endpoint {name} serves version {version}.")


@app.command(epilog=example("recognition rollback cnn"))
def rollback(
    kind: KindArgument,
    environment: EnvironmentOption = "dev",
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Release the version again that an endpoint served before, if it is still approved and there."""
    from cli import release as releases
    from cli import rollback as rollbacks
    from cli.embedded import choose_target

    target = choose_target(environment, own_account=own_account)
    version = rollbacks.version_before(target, require_kind(kind))
    with Progress().step(
        f"Going back to version {version} of the {kind.upper()} by a stack update"
    ) as detail:
        releases.release(target, kind, version, detail)
    name = releases.endpoint_name(target, kind)
    show(
        {"endpoint": name, "version": version},
        as_json,
        f"The endpoint {name} serves version {version} again.",
    )


@app.command(epilog=example("recognition recognize photo.jpg --show found.png"))
def recognize(
    subject: Annotated[
        str | None, typer.Argument(metavar="[FILE|TEXT]", help="An image or text file, or a text.")
    ] = None,
    environment: EnvironmentOption = "dev",
    own_account: OwnAccountOption = False,
    picture: Annotated[
        Path | None, typer.Option("--show", help="Draw boxes and labels into this .png or .jpg file.")
    ] = None,
    entities: Annotated[
        bool, typer.Option("--entities", help="Print a text with its entities marked.")
    ] = False,
    watch: Annotated[
        Path | None, typer.Option(help="Ask about every file that appears in this folder.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the managed service and our own model about an image or a text."""
    from cli.embedded import choose_target
    from cli.recognize import CONTENT_TYPES, recognize_and_show
    from cli.watching import new_files

    if (subject is None) == (watch is None):
        raise CommandFailed("Say either what to recognize, or --watch with a folder.")
    target = choose_target(environment, own_account=own_account)
    if watch is None:
        if not recognize_and_show(target, subject, picture=picture, entities=entities, as_json=as_json):
            raise typer.Exit(1)
        return
    if picture:
        raise CommandFailed("--show draws one picture, so it does not go with --watch.")
    Console(stderr=True).print(f"Watching {watch} for {', '.join(CONTENT_TYPES)}; Ctrl-C ends it.")
    for file in new_files(watch, CONTENT_TYPES):
        recognize_and_show(target, str(file), entities=entities, as_json=as_json)


@app.command(epilog=example("recognition replay answers.jsonl --requests-per-month 100000"))
def replay(
    records: Annotated[
        Path, typer.Argument(help="JSON Lines: truth, and label and score of own and managed.")
    ],
    first: Annotated[str, typer.Option(help="Which is asked first: own or managed.")] = "own",
    requests_per_month: Annotated[int, typer.Option(help="For the cost of a month.", min=1)] = 100_000,
    as_json: JsonOption = False,
) -> None:
    """Show what each threshold of a cascade would have done to accuracy and cost."""
    from cli.replay import effects, read_records

    if first not in ("own", "managed"):
        raise CommandFailed(f"--first is own or managed, and not '{first}'.")
    recorded = read_records(records)
    found = effects(recorded, first)
    if as_json:
        show([vars(effect) for effect in found], True, "")
        return
    table = Table("Threshold", "Accuracy", "Second asked", "US$ a month", title=f"{len(recorded)} records")
    for effect in found:
        usd = effect.usd_per_request
        table.add_row(
            f"{effect.threshold:.2f}",
            f"{effect.accuracy:.4f}",
            f"{effect.second_share:.1%}",
            "unknown" if usd is None else f"{usd * requests_per_month:,.2f}",
        )
    Console().print(table)


@app.command(epilog=example("recognition advise --set modality=text --set task=sentiment"))
def advise(
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An answer; may be given again.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Measure a folder of images by class, or a .csv, .jsonl or .npz file.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw cost against volume into this .svg, .png or .pdf file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say which service or model a recognition problem wants, why, and what it costs; asks when nothing is set."""
    from advisor import ProblemError, recommend
    from cli import advise as advising
    from cli.cost_curve import FORMATS, draw_cost_curve

    if plot and plot.suffix not in FORMATS:
        raise CommandFailed(f"--plot draws {', '.join(FORMATS)}, and {plot} ends otherwise.")
    answers = parse_settings(settings or [])
    if data:
        answers = advising.measured(data) | answers
    elif not answers:
        answers = advising.ask_questions(
            answers, lambda question: typer.prompt(question, default="", show_default=False)
        )
    problem = advising.problem_of(answers)
    try:
        advice = recommend(problem)
    except ProblemError as error:
        raise CommandFailed(str(error)) from error
    if plot:
        draw_cost_curve(problem, advice, plot)
    if as_json:
        show(advice.to_dict(), True, "")
    else:
        Console().print(advising.render(advice))


@app.command(epilog=example("recognition bakeoff --data reviews.csv --minutes 5 --volume 100000"))
def bakeoff(
    data: Annotated[
        Path, typer.Option(help="A folder of images by class, or a .csv, .jsonl or .npz file with labels.")
    ],
    minutes: Annotated[float, typer.Option(min=0.5, help="Time for all candidates together.")] = 10.0,
    volume: Annotated[
        int | None, typer.Option(min=1, help="Predictions a month, to price the candidates.")
    ] = None,
    examples: Annotated[
        int, typer.Option(min=40, help="At most so many examples take part, chosen by the seed.")
    ] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Of the split and of every candidate.")] = 0,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An answer for the advisor.")
    ] = None,
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train every family on your own data, on one split, and say which wins and whether the advisor had said so."""
    from bakeoff.contest import Settings
    from cli import advise as advising
    from cli import bakeoff as baking
    from cli import bakeoff_report
    from cli.plain_data import read_examples

    answers = advising.measured(data) | {"labels": "own"} | parse_settings(settings or [])
    if volume is not None:
        answers["predictions_per_month"] = str(volume)
    problem = advising.problem_of(answers)
    directory = BUILD / "bakeoff"
    shutil.rmtree(directory, ignore_errors=True)
    limits = Settings(minutes * 60, examples_most=examples, seed=seed, own_account=own_account)
    held = baking.run(read_examples(data), problem, limits, directory)
    page = bakeoff_report.write(directory, held, problem, data.name)
    if as_json:
        show(bakeoff_report.facts(held, problem, data.name), True, "")
    else:
        Console().print(baking.render(held))
        typer.echo(f"The report: {page}")
    if held.interrupted:
        raise typer.Exit(INTERRUPTED)


@app.command(epilog=example("recognition cost --environment prod"))
def cost(environment: EnvironmentOption = "dev", as_json: JsonOption = False) -> None:
    """Show what the app costs while it stands and nobody uses it, from the synthesised templates."""
    from advisor.prices import price_table
    from cli import bill
    from cli.deploy import synthesise
    from stacks.settings import load_settings

    assembly = BUILD / f"cost-{environment}"
    with Progress().step(f"Synthesising {environment}") as detail:
        synthesise(environment, assembly, detail)
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    region = load_settings(environment, context["environments"]).region
    lines = bill.lines_of(bill.templates_in(assembly), price_table(region))
    facts = bill.facts(lines)
    if as_json:
        show(facts, True, "")
        return
    table = Table(
        "What", "How many", "From", "US$ an hour", "US$ a month", title=f"{environment} in {region}"
    )
    for line in lines:
        known = line.usd_per_hour is not None
        month = f"{line.usd_per_hour * bill.HOURS_PER_MONTH:,.2f}" if known else f"unknown: {line.price}"
        table.add_row(
            line.what, str(line.count), line.when, f"{line.usd_per_hour:.4f}" if known else "", month
        )
    Console().print(table)
    typer.echo(
        f"Together {facts['usd_per_hour']:.4f} US dollars an hour, {facts['usd_per_month']:,.2f} a month, before tax. "
        "Requests, storage, training and logs come on top by use."
    )


@app.command(epilog=example("recognition doctor --environment prod"))
def doctor(environment: EnvironmentOption = "dev", as_json: JsonOption = False) -> None:
    """Ask your AWS account whether it can run the app: instance quotas, Lambda concurrency, container images."""
    import datetime

    from cli import doctor as examination
    from cli.target import Target
    from stacks.settings import SettingsRefused, load_settings

    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    try:
        settings = load_settings(environment, context["environments"])
    except SettingsRefused as refusal:
        raise CommandFailed(str(refusal)) from refusal
    target = Target(environment, {"AWS_REGION": settings.region})
    with Progress().step(f"Asking your account in {settings.region}"):
        findings = examination.examine(target, settings, datetime.datetime.now(datetime.UTC).date())
    if as_json:
        show([vars(finding) for finding in findings], True, "")
    else:
        table = Table("What", "Needed", "Found", "To do", title=f"{environment} in {settings.region}")
        for one in findings:
            numbers = ("" if value is None else f"{value:g}" for value in (one.needed, one.found))
            table.add_row(one.what, *numbers, one.remedy or "nothing")
        Console().print(table)
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


@prices_app.command(epilog=example("recognition prices refresh --region eu-central-1"))
def refresh(
    region: Annotated[str, typer.Option(help="Whose prices.")] = "us-east-1", as_json: JsonOption = False
) -> None:
    """Read the AWS Price List API with your credentials and write its prices into the advisor's tables."""
    import datetime
    from dataclasses import asdict

    import boto3

    from advisor.tables import DATA
    from cli import prices

    # The Price List API has no endpoint in most regions; this one answers for all of them.
    client = boto3.client("pricing", region_name="us-east-1")
    today = datetime.datetime.now(datetime.UTC).date()
    with Progress().step(f"Asking the AWS Price List API about {region}") as detail:
        found = prices.refresh(client, region, DATA, today, detail)
    table = Table("Price", "Before", "Now", title=f"US dollars a unit in {region}")
    for one in found:
        before = "unknown" if one.before is None else prices.number(one.before)
        table.add_row(one.id, before, one.reason if one.after is None else prices.number(one.after))
    if as_json:
        show([asdict(one) for one in found], True, "")
    else:
        Console().print(table)


def require_kind(kind: str | None) -> str:
    """The kind of network, checked.

    Raises:
        CommandFailed: when it is neither cnn nor rnn.
    """
    if kind not in ("cnn", "rnn"):
        raise CommandFailed(f"'{kind or ''}' is no kind of network: say cnn (images) or rnn (texts).")
    return kind


def parse_settings(settings: list[str]) -> dict[str, str]:
    """Hyperparameters from NAME=VALUE words.

    Raises:
        CommandFailed: when a word has no '='.
    """
    pairs = [setting.partition("=") for setting in settings]
    for name, equals, _ in pairs:
        if not equals or not name:
            raise CommandFailed(f"--set wants NAME=VALUE, and '{name}' has no value.")
    return {name: value for name, _, value in pairs}


def show(facts: Any, as_json: bool, text: str) -> None:
    """Prints a result: JSON for a program, else the text."""
    typer.echo(json.dumps(facts, indent=2, default=str) if as_json else text)


def run() -> None:
    """Runs the command line; a failure ends in a sentence on standard error and a non-zero exit status."""
    from botocore.exceptions import BotoCoreError, ClientError

    from local_aws.launcher import EmbeddedAwsFailed

    errors = Console(stderr=True, highlight=False)
    try:
        app()
    except (CommandFailed, EmbeddedAwsFailed) as error:
        errors.print("[bold red]Failed:[/bold red]", end=" ")
        errors.print(str(error), markup=False, soft_wrap=True)
        sys.exit(1)
    except OSError as error:
        errors.print("[bold red]Failed:[/bold red]", end=" ")
        reason = f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror or error}."
        errors.print(reason, markup=False, soft_wrap=True)
        sys.exit(1)
    except (ClientError, BotoCoreError) as error:
        errors.print("[bold red]Failed:[/bold red] AWS refused a call.", end=" ")
        errors.print(str(error), markup=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        errors.print("Stopped.")
        sys.exit(INTERRUPTED)
