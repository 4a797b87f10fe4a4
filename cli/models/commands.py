"""The commands that make models: train, release and rollback."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column

from cli.shared.consoles import Console
from cli.shared.errors import CommandFailed, interruption_says
from cli.shared.options import (
    DATA_HELP,
    DEFAULT_ENVIRONMENT,
    KINDS_IN_WORDS,
    MOST,
    EnvironmentOption,
    GroupOption,
    ImageOption,
    JsonOption,
    KindArgument,
    LabelOption,
    MetricOption,
    OwnAccountOption,
    TextOption,
    TimeOption,
    WindowOption,
    example,
    finite,
    parse_settings,
    require_kind,
    show,
)
from cli.shared.progress import Progress
from cli.shared.project import settings_of
from cli.shared.tables import new_table
from definitions.metrics import AUTO
from definitions.networks import KINDS
from model_code.presets import PRESETS

app = typer.Typer()


@app.command(epilog=example("recognition train cnn --set epochs=5; recognition train --data photos/"))
def train(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar=f"[{'|'.join(KINDS)}]", help=f"Which network: {KINDS_IN_WORDS}. --data can tell it."
        ),
    ] = None,
    source: Annotated[str | None, typer.Option("--data", help=f"{DATA_HELP}, here or below s3://.")] = None,
    label: LabelOption = None,
    text: TextOption = None,
    image: ImageOption = None,
    group: GroupOption = None,
    time: TimeOption = None,
    window: WindowOption = None,
    pretrained: Annotated[
        bool | None,
        typer.Option(
            "--pretrained/--from-scratch",
            help="With --data: start from a network that knows other images, or from nothing. "
            "By default the first for images.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A hyperparameter; may be given again."),
    ] = None,
    gate: Annotated[
        float | None,
        typer.Option(
            "--minimum-accuracy",
            min=0,
            max=1,
            callback=finite,
            help="Register nothing below this on the test split. By default that of the set; of your own data, that of "
            "always answering the most frequent class.",
        ),
    ] = None,
    most_gap: Annotated[
        float | None,
        typer.Option(
            "--maximum-group-gap",
            min=0,
            max=1,
            callback=finite,
            help="Register nothing whose worst group (--group) stays further behind all samples. Not asked by default.",
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help=f"A public set: {', '.join(PRESETS)}. Each network has one by default."),
    ] = None,
    train_samples: Annotated[
        int | None,
        typer.Option(min=1, max=MOST, help="Train on so many samples of a public set; all by default."),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(
            "--like",
            metavar="VERSION",
            help="As this registered version: its data, hyperparameters and gate.",
        ),
    ] = None,
    metric: MetricOption = AUTO,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a network on your own data, a public set or as a version was: train, evaluate, gate and register."""
    from cli.models import own_data, reproduction, training
    from cli.shared.embedded import choose_target

    changes = parse_settings(settings or []) | ({} if metric == AUTO else {"metric": metric})
    if "pretrained" in changes:
        raise CommandFailed("Say --pretrained or --from-scratch, and not --set pretrained.")
    columns = {"label": label, "text": text, "image": image, "group": group, "time": time, "window": window}
    if like is not None:
        given = {"--data": source, "--dataset": dataset, "--train-samples": train_samples}
        given |= {f"--{name}": value for name, value in columns.items()} | {"--pretrained": pretrained}
        if others := [name for name, value in given.items() if value is not None]:
            raise CommandFailed(f"--like says what a version was trained on, so {others[0]} cannot be given.")
        make_ready = reproduction.ready_as(require_kind(kind), like, changes)
    elif source is None:
        own_data.refuse_without_data(columns, pretrained)
        if kind is None:
            raise CommandFailed(
                f"Say which network trains on its public set, {' or '.join(KINDS)}, or name your own data with --data."
            )
        make_ready = training.public_data(require_kind(kind), dataset, train_samples, changes)
    else:
        if dataset is not None or train_samples is not None:
            raise CommandFailed(
                "--dataset and --train-samples are about the public sets, and --data is your own."
            )
        make_ready = own_data.ready_for(
            None if kind is None else require_kind(kind), source, columns, changes, pretrained
        )
    target = choose_target(environment, own_account=own_account)
    progress = Progress()
    with interruption_says("Stopped before any training: nothing runs."):
        ready = make_ready(target, progress)
    may_go_on = interruption_says(f"Stopped. A run may go on: {target.command('runs')}")
    with (
        may_go_on,
        progress.step(f"Training, evaluating, gating and registering the {ready.kind.upper()}") as detail,
    ):
        least = ready.least_score if gate is None else gate
        run = training.start(target, ready.kind, ready.uri, ready.hyperparameters, least, most_gap)
        (registered,) = training.wait(target, [run], detail)
    show(
        {
            "kind": ready.kind,
            "version": registered.version,
            "model_package_arn": registered.model_package_arn,
            **registered.output,
        },
        as_json,
        f"Registered as version {registered.version}. "
        f"Release it: {target.command(f'release {ready.kind} --version {registered.version}')}",
    )


@app.command(epilog=example("recognition runs --last 5"))
def runs(
    last: Annotated[int, typer.Option(min=1, max=100, help="How many, the newest first.")] = 10,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the training runs: what became of each, and why, where it registered nothing."""
    from cli.shared.embedded import choose_target
    from console.watch import watch

    target = choose_target(environment, own_account=own_account)
    last_runs = watch.runs(target.client, environment, last)
    if as_json or not last_runs:
        show(last_runs, as_json, f"Nothing was trained here yet. Train: {target.command('train cnn')}")
        return
    # A run's name begins with its network; at 80 columns the words of the last column are whole.
    became_of_it = Column("What became of it", overflow="fold", min_width=len("registered"))
    table = new_table(Column("Run", no_wrap=True), "Data", "Started", "Took", became_of_it)
    for last_run in last_runs:
        became = last_run["state"] + (f" as version {last_run['version']}" if last_run["version"] else "")
        took = "" if last_run["seconds"] is None else f"{last_run['seconds']:,} s"
        started = datetime.fromisoformat(last_run["started"]).astimezone().strftime("%Y-%m-%d %H:%M")
        data = last_run["data"] or ""
        if data.startswith("s3://"):
            # Every data set is in the data bucket; what a refused run was told may be a bucket alone.
            data = data.removeprefix("s3://").partition("/")[2] or data
        table.add_row(last_run["name"], data, started, took, became)
    console = Console()
    console.print(table)
    for last_run in last_runs:
        if last_run["reason"]:
            # Outside the table, whose last column is a word or two wide at 80 columns.
            console.print(f"{last_run['name']}: {last_run['reason']}", soft_wrap=True, highlight=False)


@app.command(epilog=example("recognition release rnn --version 3"))
def release(
    kind: Annotated[
        str | None, typer.Argument(metavar=f"[{'|'.join(KINDS)}]", help="Which network; --from can tell it.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="The registered version; the newest one by default.")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Register this model first: training's folder, or its model.tar.gz."),
    ] = None,
    evaluation: Annotated[
        Path | None,
        typer.Option(help="With --from: the folder of its evaluation, whose figures the version gets."),
    ] = None,
    approve: Annotated[
        bool, typer.Option("--approve", help="Approve the version before the release.")
    ] = False,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Release a model version to its endpoint by the release state machine, which asks it a known input."""
    from cli.models import own_model
    from cli.models import release as releases
    from cli.models import release_steps as steps
    from cli.models.archive import Model
    from cli.shared.embedded import choose_target

    if source is not None and version is not None:
        raise CommandFailed("--from registers a new version, so --version cannot be given with it.")
    if source is None and evaluation is not None:
        raise CommandFailed(
            "--evaluation is of the model that --from names; a registered version has its own."
        )
    model = None if source is None else Model(source)
    kind = require_kind(kind if model is None else own_model.kind_of_model(model, kind))
    settings = settings_of(environment)
    target = choose_target(environment, own_account=own_account)
    progress = Progress()
    if model is not None:
        version = steps.register(
            target, kind, model, settings, progress, approve=approve, evaluation=evaluation
        )
    elif version is None:
        version = releases.newest_version(target, kind)
    released = steps.release(target, kind, version, progress, approve=approve)
    show(released, as_json, steps.sentence(released))


@app.command(epilog=example("recognition rollback cnn"))
def rollback(
    kind: KindArgument,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Release the version again that an endpoint served before, if it is still approved and there."""
    from cli.models import release as releases
    from cli.models import rollback as rollbacks
    from cli.shared.embedded import choose_target

    require_kind(kind)
    target = choose_target(environment, own_account=own_account)
    version = rollbacks.version_before(target, kind)
    goes_on = interruption_says(releases.what_goes_on(target, kind))
    with (
        goes_on,
        Progress().step(f"Going back to version {version} of the {kind.upper()} by a stack update") as detail,
    ):
        releases.release(target, kind, version, detail)
    name = releases.endpoint_name(target, kind)
    show(
        {"endpoint": name, "version": version},
        as_json,
        f"The endpoint {name} serves version {version} again.",
    )
