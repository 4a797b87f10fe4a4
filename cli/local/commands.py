"""The commands that run the embedded AWS: up, down, status and demo."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Column

from cli.shared.consoles import Console, say
from cli.shared.errors import CommandFailed, Interrupted, interruption_says
from cli.shared.options import (
    DEFAULT_ENVIRONMENT,
    EnvironmentOption,
    JsonOption,
    OwnAccountOption,
    YesOption,
    confirm,
    example,
    show,
)
from cli.shared.progress import Progress
from cli.shared.project import settings_of
from cli.shared.tables import new_table

# What the columns behind a question take at their widest in the demo's table.
WIDTH_OF_ANSWERS = 62
FREE_GIGABYTES = 0.5
ADDRESSES = {"api_url": "API:", "console_url": "Console:"}

app = typer.Typer()


@app.command(epilog=example("recognition up --port 4566"))
def up(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep buckets and models over `recognition down`; go on with them.")
    ] = False,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    browser: Annotated[bool, typer.Option(help="Open the console, where there is a desktop.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Start the embedded AWS, deploy the app onto it and leave it running."""
    from cli.local.browser import open_page
    from cli.shared import embedded
    from cli.shared.deploy import deploy
    from cli.shared.disks import require_free
    from local_aws.launcher import EmbeddedAws, console_url

    # A setting that the synth would refuse is told before anything is started.
    settings_of(environment)
    require_free(FREE_GIGABYTES, "The embedded AWS with the app")
    progress = Progress()
    aws = embedded.running()
    if aws is not None and keep and not embedded.keeps():
        raise CommandFailed(
            "The embedded AWS that runs keeps nothing. Stop it first, and lose what is in it: recognition down"
        )
    if aws is None:
        nothing = interruption_says("Stopped before the embedded AWS was up: nothing of it runs.")
        with nothing, progress.step("Starting the embedded AWS on 127.0.0.1"):
            directory = embedded.KEPT_DIRECTORY if keep else embedded.STATE_DIRECTORY
            aws = EmbeddedAws.start(
                directory, port=port, log_file=embedded.LOG_FILE, detached=True, keep=keep
            )
    embedded.write_key_files(aws.endpoint_url, aws.keys)
    target = embedded.embedded_target(environment, aws.endpoint_url, aws.keys)
    goes_on = interruption_says(
        f"Stopped deploying; {target.place()} goes on with a part of the app in it. "
        f"Deploy the rest: {target.deploy_command()}. Stop it: recognition down"
    )
    told = embedded.ending_is_told(
        lambda: embedded.running() is not None, embedded.LOG_FILE, target.deploy_command()
    )
    with goes_on, progress.step("Deploying the app with cdk deploy --all") as detail, told:
        deploy(target, detail)
    url = target.api_url()
    curl_file = shlex.quote(os.path.relpath(embedded.CURL_FILE))
    curl = (
        f"curl --aws-sigv4 aws:amz:{target.session().region_name}:execute-api --config {curl_file} "
        f"--header 'Content-Type: text/plain' --data 'What a wonderful film!' {url}/texts/sentiment"
    )
    console = console_url(aws.endpoint_url, aws.keys)
    show(
        {"endpoint_url": aws.endpoint_url, "api_url": url, "console_url": console, "curl": curl},
        as_json,
        f"AWS services: {aws.endpoint_url}\nAPI:          {url}\nConsole:      {console}\n"
        f"Try it:       {curl}\nStop it:      recognition down",
    )
    if browser and not as_json:
        open_page(embedded.CONSOLE_FILE.as_uri())


@app.command(epilog=example("recognition down"))
def down(is_sure: YesOption = False, as_json: JsonOption = False) -> None:
    """Stop the embedded AWS and everything in it; its buckets and models are gone then, unless it was to keep them.

    Asks first where they would be gone and there is a terminal to ask in.
    """
    from cli.shared import embedded

    is_kept = embedded.keeps()
    # A script that ends what it started has nobody to ask, and nothing of anybody's account is at stake.
    if embedded.running() and not is_kept and sys.stdin.isatty():
        confirm("Delete the deployed app, its buckets and its models", "the embedded AWS", is_sure)
    if not embedded.stop():
        show({"was_running": False}, as_json, "The embedded AWS is not running.")
        return
    kept = (
        "The embedded AWS has stopped. Its stacks, buckets, registered models and endpoints are kept in "
        f"{embedded.KEPT_DIRECTORY}: `recognition up --keep` goes on with them. The list of its jobs is gone."
    )
    gone = (
        "The embedded AWS has stopped, and what was in it is gone: the deployed app, its buckets and their objects, "
        "the registered models and the endpoints. `recognition up` starts an empty one, and "
        "`recognition up --keep` one whose contents stay."
    )
    killed = (
        "The embedded AWS was killed before it had kept what was in it. What the last orderly stop kept, if there was "
        f"one, is in {embedded.KEPT_DIRECTORY}: `recognition up --keep` goes on with that."
    )
    has_kept = is_kept and embedded.came_to_its_end()
    words = kept if has_kept else killed if is_kept else gone
    show({"was_running": True, "is_kept": has_kept}, as_json, words)


@app.command(epilog=example("recognition status --json"))
def status(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show every stack, the endpoints with the version each serves, the registered versions, and the addresses."""
    from cli.local.status import describe
    from cli.shared.embedded import choose_target

    target = choose_target(environment, own_account=own_account, needs_app=False)
    facts = describe(target)
    if as_json:
        show(facts, True, "")
        return
    table = new_table(
        "What", "State", title=f"{facts['environment']} on {facts['aws']}", title_justify="left"
    )
    for stack, state in facts["stacks"].items():
        table.add_row(f"stack {stack}", state or "not deployed")
    for model in facts.get("models", {}).values():
        registered = ", ".join(f"v{v['version']} {v['approval']}" for v in model["registered"]) or "none"
        serves = (
            f"serves v{model['serves_version']}" if model["serves_version"] else "no version released yet"
        )
        table.add_row(f"endpoint {model['endpoint']}", f"{serves}; registered: {registered}")
    Console().print(table)
    # Below the table, whose columns would break an address that is to be copied.
    for name in ("api_url", "console_url"):
        if address := facts.get(name):
            say(f"{ADDRESSES[name]:<9}{address}")
    if None in facts["stacks"].values():
        say(f"Deploy what is missing: {target.deploy_command()}")


@app.command(epilog=example("recognition demo"))
def demo(as_json: JsonOption = False) -> None:
    """Show the whole architecture at work on real data, on this machine, and write a report."""
    from cli.local import demo as demonstration

    try:
        result = demonstration.run(Progress())
    except KeyboardInterrupt as interrupt:
        # The runs that were stopped inside it are gone with the AWS that they were in.
        raise Interrupted(
            "Stopped the demo and everything that it had started: nothing of it runs. "
            f"What it had made is in {demonstration.DIRECTORY}."
        ) from interrupt
    if as_json:
        answers = [{**asdict(exchange), "image_png_base64": None} for exchange in result.exchanges]
        show({"report": str(result.report), "seconds": result.seconds, "answers": answers}, True, "")
        return
    console = Console()
    width_characters = min(max(console.width - WIDTH_OF_ANSWERS, 16), 60)
    table = new_table(
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
    say(f"{result.seconds:.0f} s after the data was there. The report: {result.report}")
