"""The command that measures an endpoint under load."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.shared.consoles import Console
from cli.shared.errors import CommandFailed, interruption_says
from cli.shared.options import (
    DEFAULT_ENVIRONMENT,
    MOST,
    MOST_USD,
    EnvironmentOption,
    JsonOption,
    KindArgument,
    OwnAccountOption,
    RegionOption,
    example,
    finite,
    require_kind,
    show,
)
from cli.shared.progress import Progress

app = typer.Typer()
# The most that one process of Python asks on two cores, measured on an AMD EPYC; more wants more machines.
MOST_RATE = 500
DAY_SECONDS = 86_400
# An endpoint has so long for an answer (SageMaker Runtime API reference, InvokeEndpoint).
MOST_MILLISECONDS = 60_000


@app.command(
    epilog=example("recognition load cnn --rate 5 --rate 20 --rate 80 --seconds 30 --target-rate 2000")
)
def load(
    kind: KindArgument,
    rates: Annotated[
        list[float] | None,
        typer.Option(
            "--rate",
            min=0.001,
            max=MOST_RATE,
            callback=finite,
            help="Requests a second; may be given again, and each is asked for in turn.",
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=1, max=DAY_SECONDS, callback=finite, help="How long each rate is asked for.")
    ] = 30,
    file: Annotated[
        Path | None, typer.Option("--file", help="What to ask about; the release's known input by default.")
    ] = None,
    p99_milliseconds: Annotated[
        float,
        typer.Option(
            "--p99-milliseconds",
            min=1,
            max=MOST_MILLISECONDS,
            callback=finite,
            help="A rate is held while 99 of 100 answers take no longer.",
        ),
    ] = 200,
    target_rate: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            max=MOST,
            callback=finite,
            help="Say how many instances so many requests a second need.",
        ),
    ] = None,
    limit_usd: Annotated[
        float,
        typer.Option(
            min=0,
            max=MOST_USD,
            callback=finite,
            help="With --aws: what it may cost, counted with all that may start under load.",
        ),
    ] = 1.0,
    connections: Annotated[int, typer.Option(min=1, max=1000, help="Requests at the same time.")] = 64,
    region: RegionOption = None,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Ask a network's endpoint at rising rates: what it holds, what an answer costs, how many instances you need."""
    from advisor.prices import HOME_REGION, price_table
    from cli.load import report
    from cli.load.endpoint import asker, fleet_of, require_within
    from cli.load.open_loop import ANSWERED, ask_at
    from cli.load.question import request_of
    from cli.shared.embedded import choose_target

    kind, chosen = require_kind(kind), sorted(set(rates or [10.0]))
    question = request_of(kind, file)
    target = choose_target(environment, own_account=own_account)
    place = region or (HOME_REGION if target.is_embedded else target.session().region_name)
    fleet = fleet_of(target, kind, price_table(place))
    if not target.is_embedded:
        require_within(fleet, seconds * len(chosen), limit_usd)
    ask = asker(target, fleet, question, connections)
    if (first := ask()) != ANSWERED:
        raise CommandFailed(f"The endpoint {fleet.endpoint} does not answer this input: {first}.")
    steps = []
    nothing_left = interruption_says(
        "Stopped: nothing is asked any more, and the endpoint stands as it stood."
    )
    with nothing_left:
        for rate in chosen:
            with Progress().step(f"{rate:g} requests a second") as detail:
                steps.append(ask_at(ask, rate, seconds, connections=connections, on_detail=detail))
    wanted = report.Wanted(p99_milliseconds, target_rate)
    facts = report.facts(steps, fleet, wanted)
    if as_json:
        show(facts, True, "")
        return
    console = Console()
    console.print(report.table_of(facts))
    for sentence in report.sentences(facts, target):
        console.print(sentence, soft_wrap=True, highlight=False)
