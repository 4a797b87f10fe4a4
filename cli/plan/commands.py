"""The commands that say what a large task meets before anything is spent: plan bulk, classes, requests, training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.shared.command_group import Commands
from cli.shared.consoles import Console
from cli.shared.options import (
    DEFAULT_ENVIRONMENT,
    MOST,
    EnvironmentOption,
    JsonOption,
    example,
    finite,
    show,
)
from cli.shared.project import settings_of

if TYPE_CHECKING:
    from cli.plan.checks import ScalePlan

app = typer.Typer()
MOST_DAYS = 36_500
# An answer of so many is made, to be counted.
MOST_CLASSES = 1_000_000
plan = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    help="Say on paper which limit a large task meets first, what it costs and what to change; no AWS is asked.",
)
app.add_typer(plan, name="plan")
OperationOption = Annotated[str, typer.Option(help="Such as image-labels or text-sentiment.")]
OptionsOption = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="NAME=VALUE", help="Of the operation; may be given again."),
]


@plan.command(epilog=example("recognition plan bulk --objects 10000000 --operation image-labels --days 3"))
def bulk(
    objects: Annotated[int, typer.Option(min=1, max=MOST, help="How many objects the run has.")],
    operation: OperationOption,
    days: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            max=MOST_DAYS,
            callback=finite,
            help="In which it shall be done; as long as the settings take by default.",
        ),
    ] = None,
    options: OptionsOption = None,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    as_json: JsonOption = False,
) -> None:
    """A bulk run over many objects."""
    from cli.bulk.plan import BulkRequest, question_of
    from cli.plan import bulk_runs

    settings = settings_of(environment)
    asked, query = question_of(operation, options or [])
    tell(bulk_runs.plan(BulkRequest(asked, query, settings.bulk.limit_usd), objects, settings, days), as_json)


@plan.command(epilog=example("recognition plan requests --rate 2000 --operation image-labels --callers 50"))
def requests(
    rate: Annotated[float, typer.Option(min=0.001, max=MOST, callback=finite, help="Requests a second.")],
    operation: OperationOption,
    kilobytes: Annotated[
        float, typer.Option(min=0.001, max=MOST, callback=finite, help="Of a request's body.")
    ] = 100,
    callers: Annotated[int, typer.Option(min=1, max=MOST, help="Who share the requests evenly.")] = 1,
    options: OptionsOption = None,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    as_json: JsonOption = False,
) -> None:
    """So many requests a second through the API."""
    from cli.bulk.plan import BulkRequest, question_of
    from cli.plan import requests as api_requests

    asked, query = question_of(operation, options or [])
    request = BulkRequest(asked, query, 0.0)
    tell(api_requests.plan(request, rate, kilobytes, callers, settings_of(environment)), as_json)


@plan.command(epilog=example("recognition plan classes --count 1000"))
def classes(
    count: Annotated[
        int, typer.Option(min=2, max=MOST_CLASSES, help="How many classes the network tells apart.")
    ],
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    as_json: JsonOption = False,
) -> None:
    """A network of many classes."""
    from cli.plan import classes as of_classes

    tell(of_classes.plan(count, settings_of(environment)), as_json)


@plan.command(
    epilog=example("recognition plan training --images 10000000 --kilobytes 20 --pixels 96 --hosts 4")
)
def training(
    images: Annotated[int, typer.Option(min=1, max=MOST, help="Of the training split.")],
    kilobytes: Annotated[
        float, typer.Option(min=0.001, max=MOST, callback=finite, help="Of an image's file.")
    ] = 20,
    pixels: Annotated[int, typer.Option(min=8, max=MOST, help="A side of what the network reads.")] = 32,
    epochs: Annotated[int | None, typer.Option(min=1, max=MOST, help="The network's own by default.")] = None,
    hosts: Annotated[
        int | None, typer.Option(min=1, max=MOST, help="The environment's own by default.")
    ] = None,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    as_json: JsonOption = False,
) -> None:
    """Training the CNN on many images in shards."""
    from cli.plan import training_jobs

    tell(training_jobs.plan(images, kilobytes, pixels, epochs, hosts, settings_of(environment)), as_json)


def tell(plan: ScalePlan, as_json: bool) -> None:
    """Shows a plan; one that does not fit is no failure of the command."""
    from cli.plan.checks import facts, shown

    if as_json:
        show(facts(plan), True, "")
        return
    Console().print(shown(plan))
