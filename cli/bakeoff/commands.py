"""The command `bakeoff`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.shared.consoles import Console, say
from cli.shared.errors import CommandFailed
from cli.shared.options import (
    DATA_HELP,
    DEFAULT_ENVIRONMENT,
    INTERRUPTED,
    MOST,
    EnvironmentOption,
    GroupOption,
    ImageOption,
    JsonOption,
    LabelOption,
    MetricOption,
    OwnAccountOption,
    RegionOption,
    TextOption,
    TimeOption,
    WindowOption,
    example,
    finite,
    parse_settings,
    show,
)
from cli.shared.project import BUILD, settings_of
from definitions.metrics import AUTO

if TYPE_CHECKING:
    from bakeoff.contest import Contest

app = typer.Typer()
WEEK_MINUTES = 7 * 24 * 60
# Of NumPy's generators that scikit-learn takes.
MOST_SEED = 2**32 - 1


@app.command(epilog=example("recognition bakeoff --data reviews.csv --minutes 5 --volume 100000"))
def bakeoff(
    data: Annotated[str, typer.Option(help=f"{DATA_HELP}, here or below s3://.")],
    minutes: Annotated[
        float,
        typer.Option(min=0.5, max=WEEK_MINUTES, callback=finite, help="Time for all candidates together."),
    ] = 10.0,
    volume: Annotated[
        int | None, typer.Option(min=1, max=MOST, help="Predictions a month, to price the candidates.")
    ] = None,
    examples: Annotated[
        int, typer.Option(min=40, max=MOST, help="At most so many examples take part, chosen by the seed.")
    ] = 20_000,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Of the split and of every candidate.")] = 0,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An answer for the advisor.")
    ] = None,
    label: LabelOption = None,
    text: TextOption = None,
    image: ImageOption = None,
    group: GroupOption = None,
    time: TimeOption = None,
    window: WindowOption = None,
    metric: MetricOption = AUTO,
    region: RegionOption = None,
    place: Annotated[
        str,
        typer.Option(
            "--on", metavar="here|sagemaker", help="Where the candidates train: one job each, or here."
        ),
    ] = "here",
    release: Annotated[
        bool, typer.Option("--release", help="Release what to take; without it the line that does is shown.")
    ] = False,
    approve: Annotated[
        bool, typer.Option("--approve", help="With --release: approve the version before the release.")
    ] = False,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train every family on your own data, on one split; say which wins and whether the advisor said so; release it."""
    from bakeoff.contest import ContestSettings
    from bakeoff.statistics import METRICS
    from cli.advise import advice as advising
    from cli.advise.profiling import profile
    from cli.bakeoff import jobs, publish, report, winner
    from cli.bakeoff import progress as baking
    from cli.bakeoff.examples import read_examples
    from cli.models import release_steps as steps
    from cli.shared.embedded import choose_target
    from cli.shared.local_copies import on_this_machine
    from cli.shared.progress import Progress
    from model_code.data.columns import Columns

    if place not in ("here", "sagemaker"):
        raise CommandFailed(
            f"--on says where the candidates train, here or sagemaker, and '{place}' is neither."
        )
    if metric not in (AUTO, *METRICS):
        raise CommandFailed(
            f"A bake-off is decided by {', '.join(METRICS)}: the managed services answer no probabilities, which "
            f"'{metric}' would need."
        )
    remote = place == "sagemaker"
    if release and remote:
        raise CommandFailed(f"--release is for a bake-off here. {winner.OF_JOBS}")
    settings_there = settings_of(environment)
    choose = partial(choose_target, environment, own_account=own_account)
    needs_app = remote or release
    target = choose(needs_app=needs_app) if needs_app or own_account else None
    runner = jobs.jobs_of(target, settings_there) if remote and target else None
    progress = Progress()
    columns = Columns(label=label, text=text, image=image, group=group, time=time)
    choose = partial(choose, needs_app=False)
    with progress.step(f"Reading {data}") as detail, on_this_machine(data, choose, detail) as place_of_data:
        profiled = profile(place_of_data, columns, window)
        samples = read_examples(profiled)
    say("\n".join(profiled.notes), err=True)
    name = data.rstrip("/").rsplit("/", 1)[-1]
    answers = advising.measured(profiled) | {"labels": "own"} | parse_settings(settings or [])
    if volume is not None:
        answers["predictions_per_month"] = str(volume)
    problem = advising.problem_of(advising.in_region(answers, region))
    directory = BUILD / "bakeoff"
    baking.clear(directory)
    limits = ContestSettings(
        minutes * 60, examples_most=examples, seed=seed, own_account=own_account, metric=metric
    )
    held = baking.run(samples, problem, limits, directory, runner)
    page = report.write(directory, held, problem, name)
    if target:
        say(publish.publish_figures(target, held, name), err=True)
    if held.interrupted:
        stopped = f"Stopped: what had finished is in {page}, and nothing else runs."
        end(held, report.facts(held, problem, name), page, [], stopped, as_json)
        raise typer.Exit(INTERRUPTED)
    best = (
        winner.Winner((winner.OF_JOBS,))
        if remote
        else winner.winner_of(held, samples, limits, directory, progress)
    )
    released = best.release(target, settings_there, progress, approve=approve) if release and target else None
    line = best.line(target, environment)
    says = [*best.sentences]
    if line:
        says.append(steps.sentence(released) if released else f"Release it: {line}")
    failure = "Nothing was released." if release and not released else None
    facts = {**report.facts(held, problem, name), "release": line or None, "released": released}
    end(held, facts, page, says, failure, as_json)
    if failure:
        raise typer.Exit(1)


def end(
    held: Contest, facts: dict[str, Any], page: Path, says: Sequence[str], failure: str | None, as_json: bool
) -> None:
    """Shows what a bake-off came to, and on standard error what failed of it."""
    from cli.bakeoff import progress as baking

    if as_json:
        show(facts, True, "", problem=failure)
    else:
        Console().print(baking.render(held))
        say(f"The report: {page}")
        for sentence in says:
            say(sentence)
    if failure:
        say(failure, err=True)
