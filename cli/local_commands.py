"""The commands that run the embedded AWS: up, down, status and demo."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from cli.arguments import EnvironmentOption, JsonOption, OwnAccountOption, example, show
from cli.errors import Interrupted, interruption_says
from cli.progress import Progress

# What the columns behind a question take at their widest in the demo's table.
WIDTH_OF_ANSWERS = 62

app = typer.Typer()


@app.command(epilog=example("recognition up --port 4566"))
def up(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    environment: EnvironmentOption = "dev",
    browser: Annotated[bool, typer.Option(help="Open the console, where there is a desktop.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Start the embedded AWS, deploy the app onto it and leave it running."""
    from cli import embedded
    from cli.browser import open_page
    from cli.deploy import deploy
    from local_aws.launcher import EmbeddedAws, console_url

    progress = Progress()
    session = embedded.running_session()
    if session is None:
        nothing = interruption_says("Stopped before the embedded AWS was up: nothing of it runs.")
        with nothing, progress.step("Starting the embedded AWS on 127.0.0.1"):
            log_file = embedded.STATE_DIRECTORY / "aws.log"
            aws = EmbeddedAws.start(
                embedded.STATE_DIRECTORY / "aws", port=port, log_file=log_file, detached=True
            )
            session = embedded.Session(aws.endpoint_url, aws.process_id, str(log_file))
            embedded.remember(session)
    target = embedded.embedded_target(environment, session.endpoint_url)
    goes_on = interruption_says(
        f"Stopped deploying; {target.place()} goes on with a part of the app in it. "
        f"Deploy the rest: {target.deploy_command()}. Stop it: recognition down"
    )
    with goes_on, progress.step("Deploying the app with cdk deploy --all") as detail:
        deploy(target, detail)
    url = target.api_url()
    curl = (
        f"curl --aws-sigv4 aws:amz:{target.session().region_name}:execute-api --user test:test "
        f"--header 'Content-Type: text/plain' --data 'What a wonderful film!' {url}/texts/sentiment"
    )
    console = console_url(session.endpoint_url)
    show(
        {"endpoint_url": session.endpoint_url, "api_url": url, "console_url": console, "curl": curl},
        as_json,
        f"AWS services: {session.endpoint_url}\nAPI:          {url}\nConsole:      {console}\n"
        f"Try it:       {curl}\nStop it:      recognition down",
    )
    if browser and not as_json:
        open_page(console)


@app.command(epilog=example("recognition down"))
def down(as_json: JsonOption = False) -> None:
    """Stop the embedded AWS and everything that runs in it."""
    from cli import embedded

    session = embedded.running_session()
    if session is None:
        show({"was_running": False}, as_json, "The embedded AWS is not running.")
        return
    embedded.stop(session)
    show({"was_running": True}, as_json, "The embedded AWS has stopped.")


@app.command(epilog=example("recognition status --json"))
def status(
    environment: EnvironmentOption = "dev", own_account: OwnAccountOption = False, as_json: JsonOption = False
) -> None:
    """Show every stack of the environment, the endpoints with the version each serves, and the registered versions."""
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
def demo(as_json: JsonOption = False) -> None:
    """Show the whole architecture at work on real data, on this machine, and write a report."""
    from cli import demo as demonstration

    try:
        result = demonstration.run(Progress())
    except KeyboardInterrupt as interrupt:
        # The runs that were stopped inside it are gone with the AWS that they were in.
        raise Interrupted(
            "Stopped the demo and everything that it had started: nothing of it runs. "
            f"What it had made is in {demonstration.DIRECTORY}."
        ) from interrupt
    if as_json:
        answers = [{**asdict(one), "image_png_base64": None} for one in result.exchanges]
        show({"report": str(result.report), "seconds": result.seconds, "answers": answers}, True, "")
        return
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
