"""The commands of bulk runs: bulk, and below it status, redrive, resume, stop and results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.shared.command_group import Commands
from cli.shared.consoles import say
from cli.shared.errors import CommandFailed, interruption_says
from cli.shared.options import (
    DEFAULT_ENVIRONMENT,
    MOST_USD,
    EnvironmentOption,
    JsonOption,
    OverwriteOption,
    OwnAccountOption,
    example,
    finite,
    show,
)
from cli.shared.progress import Progress
from definitions.counts import counted

if TYPE_CHECKING:
    from cli.bulk.plan import BulkPlan

app = typer.Typer()
bulk = typer.Typer(
    cls=Commands,
    invoke_without_command=True,
    epilog=example("recognition bulk --from photos --operation image-labels --limit-usd 2 --watch"),
)
app.add_typer(bulk, name="bulk")
RunArgument = Annotated[str, typer.Argument(help="The run's id, which its start printed.")]


def target_of(environment: str, own_account: bool) -> Any:
    """The deployment that a command speaks to."""
    from cli.shared.embedded import choose_target

    return choose_target(environment, own_account=own_account)


@bulk.callback()
def start(
    context: typer.Context,
    source: Annotated[
        str | None,
        typer.Option("--from", help="A folder, s3://data-bucket/prefix, or a manifest in it (.jsonl)."),
    ] = None,
    operation: Annotated[str | None, typer.Option(help="Such as image-labels or text-sentiment.")] = None,
    options: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME=VALUE", help="Of the operation; may be given again."),
    ] = None,
    limit_usd: Annotated[
        float | None,
        typer.Option(
            min=0, max=MOST_USD, callback=finite, help="What it may cost; the deployment's limit by default."
        ),
    ] = None,
    only_plan: Annotated[
        bool, typer.Option("--plan", help="Show what would be asked and what it costs, and send nothing.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the run to its end.")] = False,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run an operation over any number of objects, at the service's rate and within a limit."""
    if context.invoked_subcommand:
        return
    if source is None or operation is None:
        raise CommandFailed(
            "Say --from (what to read) and --operation (what to ask); --help shows an example."
        )
    from dataclasses import asdict

    from cli.bulk import plan as planning

    asked, query = planning.question_of(operation, options or [])
    target = target_of(environment, own_account)
    request = planning.BulkRequest(asked, query, planning.limit_of(target, limit_usd))
    if only_plan:
        plan = planning.plan_of(target, request, source)
        show(asdict(plan), as_json, words_of(plan))
        return
    nothing = interruption_says("Stopped before the run was started: nothing runs.")
    with nothing, Progress().step(f"Planning {operation} over {source}") as detail:
        run, plan = planning.start(
            target, request, source, detail, lambda plan: say(words_of(plan), err=True)
        )
    facts = {"run": run, **asdict(plan)}
    words = f"Run {run}: {words_of(plan)}"
    if not watch:
        show(facts, as_json, f"{words}\nFollow it: {target.command(f'bulk status {run} --watch')}")
        return
    say(f"Run {run} is started.", err=True)
    ended(target, follow(target, run), as_json)


def words_of(plan: BulkPlan) -> str:
    """A plan for people: what it costs, and what is left out."""
    costs = (
        f"{counted(plan.objects, 'object')} in {counted(plan.batches, 'batch', 'batches')}, up to "
        f"{plan.usd:,.4f} US dollars at the list price, {plan.seconds:,.0f} s or more at the deployment's rate."
    )
    return "\n".join([costs, *plan.left_out])


def follow(target: Any, run: str) -> dict[str, Any]:
    """The run's last status, with its progress shown."""
    from cli.bulk import runs

    goes_on = interruption_says(
        f"Stopped watching. The run {run} goes on. Look at it: {target.command(f'bulk status {run}')}. "
        f"Stop it: {target.command(f'bulk stop {run}')}"
    )
    with goes_on, Progress().step(f"Following run {run} to its end") as detail:
        return runs.watch(target, run, detail)


def ended(target: Any, now: dict[str, Any], as_json: bool) -> None:
    """Shows a status; a run that ended with anything left or failed ends the command with 1."""
    words = (
        f"{now['state'].replace('_', ' ')}: {now['done']:,} done, {now['failed']:,} failed, {now['left']:,} left of "
        f"{now['objects']:,}. {now['results']}"
    )
    if now["reason"]:
        words += f"\n{now['reason']}"
    if now["state"] == "RUNNING" or not (now["left"] or now["failed"]):
        show(now, as_json, words)
        return
    go_on = next_step(target, now)
    show(now, as_json, f"{words}\n{go_on}", problem=f"Not every object is done. {go_on}")
    raise typer.Exit(1)


def next_step(target: Any, now: dict[str, Any]) -> str:
    """What brings a run with anything left or failed further; only one at its end is redriven, where that may help."""
    run = now["run"]
    if now["left"]:
        return f"Go on: {target.command(f'bulk resume {run}')}"
    why = f"{target.command(f'bulk results {run} --output {run}.jsonl')} says why each object failed."
    if not now["mendable"]:
        anyway = target.command(f"bulk redrive {run} --anyway")
        return (
            f"Another attempt would mend none of them by itself: {why}\nOnce you have mended them: {anyway}"
        )
    if now["mendable"] < now["failed"]:
        why = f"It may mend {now['mendable']:,} of them; {why}"
        return f"Go on: {target.command(f'bulk redrive {run}')}\n{why}"
    return f"Go on: {target.command(f'bulk redrive {run}')}"


@bulk.command(epilog=example("recognition bulk status 20261126-101500-1a2b3c --watch"))
def status(
    run: RunArgument,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the run to its end.")] = False,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show how far a run is: how many objects are done, failed and left."""
    from cli.bulk import runs

    target = target_of(environment, own_account)
    ended(target, follow(target, run) if watch else runs.status(target, run), as_json)


@bulk.command(epilog=example("recognition bulk redrive 20261126-101500-1a2b3c --watch"))
def redrive(
    run: RunArgument,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway",
            help="Also where another attempt mends nothing by itself: you changed the objects, say.",
        ),
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the run to its end.")] = False,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Ask again about the objects that failed; those that are done are left alone."""
    from cli.bulk import runs

    target = target_of(environment, own_account)
    with Progress().step(f"Reading what failed in {run}") as detail:
        count = runs.redrive(target, run, detail, anyway=anyway)
    if watch:
        ended(target, follow(target, run), as_json)
    else:
        show({"run": run, "objects": count}, as_json, f"Asked about again: {counted(count, 'object')}.")


@bulk.command(epilog=example("recognition bulk resume 20261126-101500-1a2b3c"))
def resume(
    run: RunArgument,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Go on with a run that was stopped or ended early."""
    from cli.bulk import runs

    target = target_of(environment, own_account)
    runs.resume(target, run)
    follow_it = target.command(f"bulk status {run} --watch")
    show({"run": run}, as_json, f"Run {run} goes on. Follow it: {follow_it}")


@bulk.command(epilog=example("recognition bulk stop 20261126-101500-1a2b3c"))
def stop(
    run: RunArgument,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Stop a run; resume goes on with it."""
    from cli.bulk import runs

    target = target_of(environment, own_account)
    runs.stop(target, run)
    show({"run": run}, as_json, f"Run {run} is stopped. Go on: {target.command(f'bulk resume {run}')}")


@bulk.command(epilog=example("recognition bulk results 20261126-101500-1a2b3c --output labels.parquet"))
def results(
    run: RunArgument,
    output: Annotated[Path, typer.Option(help="A file that ends in .jsonl or .parquet.")],
    overwrite: OverwriteOption = False,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a run's results, one row for each object, as JSON Lines or Parquet."""
    from cli.bulk import runs

    runs.require_output(output, overwrite=overwrite)
    with Progress().step(f"Reading the results of {run}"):
        count = runs.write_results(target_of(environment, own_account), run, output, overwrite=overwrite)
    show({"objects": count, "output": str(output)}, as_json, f"{counted(count, 'object')} in {output}.")
