"""The commands that help to decide: advise, cost, doctor and prices."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cli.shared.command_group import Commands
from cli.shared.consoles import Console, say
from cli.shared.errors import CommandFailed
from cli.shared.options import (
    DATA_HELP,
    DEFAULT_ENVIRONMENT,
    EnvironmentOption,
    GroupOption,
    ImageOption,
    JsonOption,
    LabelOption,
    OverwriteOption,
    OwnAccountOption,
    RegionOption,
    TextOption,
    TimeOption,
    WindowOption,
    example,
    parse_settings,
    show,
)
from cli.shared.progress import Progress
from cli.shared.project import BUILD, settings_of
from cli.shared.tables import new_table

app = typer.Typer()
prices_app = typer.Typer(cls=Commands, no_args_is_help=True, help="The advisor's price tables.")
app.add_typer(prices_app, name="prices")


@app.command(epilog=example("recognition advise --set modality=text --set task=sentiment"))
def advise(
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An answer; may be given again.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help=f"{DATA_HELP}, here or below s3://, to be measured.")
    ] = None,
    label: LabelOption = None,
    text: TextOption = None,
    image: ImageOption = None,
    group: GroupOption = None,
    time: TimeOption = None,
    window: WindowOption = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw cost against volume into this .svg, .png or .pdf file.")
    ] = None,
    tree: Annotated[
        Path | None,
        typer.Option(help="Draw the tree of questions, with the answers' way, into such a file."),
    ] = None,
    overwrite: OverwriteOption = False,
    region: RegionOption = None,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say which service or model a recognition problem wants, why, and what it costs; asks when nothing is set."""
    from advisor import ProblemError, recommend
    from cli.advise import advice as advising
    from cli.advise.cost_curve import FORMATS, draw_cost_curve
    from cli.advise.profiling import profile
    from cli.advise.tree_picture import draw_tree
    from cli.shared.embedded import choose_target
    from cli.shared.local_copies import on_this_machine
    from model_code.data.columns import Columns
    from model_code.outputs import require_free

    for option, picture in (("--plot", plot), ("--tree", tree)):
        if picture and picture.suffix not in FORMATS:
            raise CommandFailed(f"{option} draws {', '.join(FORMATS)}, and {picture} ends otherwise.")
        if picture:
            require_free(picture, overwrite=overwrite)
    answers = parse_settings(settings or [])
    if data:
        columns = Columns(label=label, text=text, image=image, group=group, time=time)
        # Whose S3 is meant is asked for data that lie there alone.
        choose = partial(choose_target, environment, own_account=own_account, needs_app=False)
        with Progress().step(f"Reading {data}") as detail, on_this_machine(data, choose, detail) as place:
            profiled = profile(place, columns, window)
        answers = advising.measured(profiled) | answers
    elif not answers:
        answers = advising.ask_questions(
            answers, lambda question: typer.prompt(question, default="", show_default=False, err=True)
        )
    problem = advising.problem_of(advising.in_region(answers, region))
    try:
        advice = recommend(problem)
    except ProblemError as error:
        raise CommandFailed(str(error)) from error
    if plot:
        draw_cost_curve(problem, advice, plot, overwrite=overwrite)
    if tree:
        draw_tree(problem, tree, overwrite=overwrite)
    if as_json:
        show(advice.to_dict(), True, "")
    else:
        Console().print(advising.render(advice))


@app.command(epilog=example("recognition cost --environment prod"))
def cost(environment: EnvironmentOption = DEFAULT_ENVIRONMENT, as_json: JsonOption = False) -> None:
    """Show what the app costs while it stands and nobody uses it, from the synthesised templates."""
    from advisor.prices import price_table
    from cli.advise import standing_cost
    from cli.shared.deploy import synthesise

    assembly = BUILD / f"cost-{environment}"
    with Progress().step(f"Synthesising {environment}") as detail:
        synthesise(environment, assembly, detail)
    region = settings_of(environment).region
    lines = standing_cost.lines_of(standing_cost.templates_in(assembly), price_table(region))
    facts = standing_cost.facts(lines)
    if as_json:
        show(facts, True, "")
        return
    table = new_table(
        "What", "How many", "From", "US$ an hour", "US$ a month", title=f"{environment} in {region}"
    )
    for line in lines:
        usd = line.usd_per_hour
        hour = "" if usd is None else f"{usd:.4f}"
        month = f"unknown: {line.price}" if usd is None else f"{usd * standing_cost.HOURS_PER_MONTH:,.2f}"
        table.add_row(line.what, str(line.count), line.when, hour, month)
    Console().print(table)
    say(standing_cost.sum_in_words(facts))


@app.command(epilog=example("recognition doctor --aws --environment prod"))
def doctor(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    rehearsed: Annotated[
        bool,
        typer.Option(
            "--aws", help="Rehearse the deployment too: synthesise, and ask about templates and permissions."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Ask your AWS account whether it can run the app: instance quotas, Lambda concurrency, container images."""
    import datetime

    from cli.advise import doctor as examination
    from cli.advise import rehearsal
    from cli.shared.deploy import synthesise
    from cli.shared.target import Target

    settings = settings_of(environment)
    target = Target(environment, {"AWS_REGION": settings.region})
    target.require_account()
    with Progress().step(f"Asking your account in {settings.region}") as detail:
        findings = examination.examine(target, settings, datetime.datetime.now(datetime.UTC).date())
        if rehearsed:
            assembly = BUILD / f"doctor-{environment}"
            synthesise(environment, assembly, detail)
            findings += rehearsal.rehearse(target, settings, assembly, detail)
    is_well = all(finding.is_well for finding in findings)
    if as_json:
        problem = None if is_well else "The account cannot run the app yet: see what each remedy says."
        show([vars(finding) for finding in findings], True, "", problem=problem)
    else:
        table = new_table("What", "Needed", "Found", "To do", title=f"{environment} in {settings.region}")
        for finding in findings:
            numbers = ("" if value is None else f"{value:g}" for value in (finding.needed, finding.found))
            not_asked = f"not asked: {finding.not_asked}" if finding.not_asked else "nothing"
            table.add_row(finding.what, *numbers, finding.remedy or not_asked)
        Console().print(table)
    if not is_well:
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
    from cli.advise import prices

    # The Price List API has no endpoint in most regions; this one answers for all of them.
    client = boto3.client("pricing", region_name="us-east-1")
    today = datetime.datetime.now(datetime.UTC).date()
    with Progress().step(f"Asking the AWS Price List API about {region}") as detail:
        changes = prices.refresh(client, region, DATA, today, detail)
    table = new_table("Price", "Before", "Now", title=f"US dollars a unit in {region}")
    for change in changes:
        before = "unknown" if change.before is None else prices.number(change.before)
        table.add_row(
            change.id, before, change.reason if change.after is None else prices.number(change.after)
        )
    if as_json:
        show([asdict(change) for change in changes], True, "")
    else:
        Console().print(table)
