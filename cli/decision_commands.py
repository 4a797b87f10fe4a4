"""The commands that help to decide: advise, bakeoff, cost, doctor and prices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.arguments import (
    INTERRUPTED,
    EnvironmentOption,
    JsonOption,
    OverwriteOption,
    OwnAccountOption,
    example,
    parse_settings,
    show,
)
from cli.commands import Commands
from cli.errors import CommandFailed
from cli.progress import Progress
from cli.project import BUILD, settings_of
from cli.tables import new_table

app = typer.Typer()
RegionOption = Annotated[
    str | None, typer.Option(help="The AWS region whose prices count; us-east-1 by default.")
]
prices_app = typer.Typer(cls=Commands, no_args_is_help=True, help="The advisor's price tables.")
app.add_typer(prices_app, name="prices")


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
    overwrite: OverwriteOption = False,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which service or model a recognition problem wants, why, and what it costs; asks when nothing is set."""
    from advisor import ProblemError, recommend
    from cli import advise as advising
    from cli.cost_curve import FORMATS, draw_cost_curve
    from cli.profiling import profile
    from model_code.outputs import require_free

    if plot and plot.suffix not in FORMATS:
        raise CommandFailed(f"--plot draws {', '.join(FORMATS)}, and {plot} ends otherwise.")
    if plot:
        require_free(plot, overwrite=overwrite)
    answers = parse_settings(settings or [])
    if data:
        answers = advising.measured(profile(data)) | answers
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
    region: RegionOption = None,
    place: Annotated[
        str,
        typer.Option(
            "--on", metavar="here|sagemaker", help="Where the candidates train: one job each, or here."
        ),
    ] = "here",
    environment: EnvironmentOption = "dev",
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train every family on your own data, on one split, and say which wins and whether the advisor had said so."""
    from bakeoff.contest import Settings
    from cli import advise as advising
    from cli import bakeoff as baking
    from cli import bakeoff_figures, bakeoff_jobs, bakeoff_report
    from cli.embedded import choose_target
    from cli.plain_data import read_examples
    from cli.profiling import profile

    if place not in ("here", "sagemaker"):
        raise CommandFailed(
            f"--on says where the candidates train, here or sagemaker, and '{place}' is neither."
        )
    remote = place == "sagemaker"
    target = choose_target(environment, own_account=own_account) if remote or own_account else None
    runner = bakeoff_jobs.jobs_of(target, settings_of(environment)) if remote else None
    found = profile(data)
    answers = advising.measured(found) | {"labels": "own"} | parse_settings(settings or [])
    if volume is not None:
        answers["predictions_per_month"] = str(volume)
    problem = advising.problem_of(advising.in_region(answers, region))
    directory = BUILD / "bakeoff"
    baking.clear(directory)
    limits = Settings(minutes * 60, examples_most=examples, seed=seed, own_account=own_account)
    held = baking.run(read_examples(data, found), problem, limits, directory, runner)
    page = bakeoff_report.write(directory, held, problem, data.name)
    if target:
        typer.echo(bakeoff_figures.leave(target, held, data.name), err=True)
    stopped = f"Stopped: what had finished is in {page}, and nothing else runs." if held.interrupted else None
    if as_json:
        show(bakeoff_report.facts(held, problem, data.name), True, "", problem=stopped)
    else:
        Console().print(baking.render(held))
        typer.echo(f"The report: {page}")
    if stopped:
        typer.echo(stopped, err=True)
        raise typer.Exit(INTERRUPTED)


@app.command(epilog=example("recognition cost --environment prod"))
def cost(environment: EnvironmentOption = "dev", as_json: JsonOption = False) -> None:
    """Show what the app costs while it stands and nobody uses it, from the synthesised templates."""
    from advisor.prices import price_table
    from cli import bill
    from cli.deploy import synthesise

    assembly = BUILD / f"cost-{environment}"
    with Progress().step(f"Synthesising {environment}") as detail:
        synthesise(environment, assembly, detail)
    region = settings_of(environment).region
    lines = bill.lines_of(bill.templates_in(assembly), price_table(region))
    facts = bill.facts(lines)
    if as_json:
        show(facts, True, "")
        return
    table = new_table(
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

    settings = settings_of(environment)
    target = Target(environment, {"AWS_REGION": settings.region})
    target.require_account()
    with Progress().step(f"Asking your account in {settings.region}"):
        findings = examination.examine(target, settings, datetime.datetime.now(datetime.UTC).date())
    is_well = all(finding.is_well for finding in findings)
    if as_json:
        problem = None if is_well else "The account cannot run the app yet: see what each remedy says."
        show([vars(finding) for finding in findings], True, "", problem=problem)
    else:
        table = new_table("What", "Needed", "Found", "To do", title=f"{environment} in {settings.region}")
        for one in findings:
            numbers = ("" if value is None else f"{value:g}" for value in (one.needed, one.found))
            table.add_row(one.what, *numbers, one.remedy or "nothing")
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
    from cli import prices

    # The Price List API has no endpoint in most regions; this one answers for all of them.
    client = boto3.client("pricing", region_name="us-east-1")
    today = datetime.datetime.now(datetime.UTC).date()
    with Progress().step(f"Asking the AWS Price List API about {region}") as detail:
        found = prices.refresh(client, region, DATA, today, detail)
    table = new_table("Price", "Before", "Now", title=f"US dollars a unit in {region}")
    for one in found:
        before = "unknown" if one.before is None else prices.number(one.before)
        table.add_row(one.id, before, one.reason if one.after is None else prices.number(one.after))
    if as_json:
        show([asdict(one) for one in found], True, "")
    else:
        Console().print(table)
