"""The command of batch transform."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.shared.errors import interruption_says
from cli.shared.options import (
    DEFAULT_ENVIRONMENT,
    EnvironmentOption,
    JsonOption,
    KindArgument,
    OverwriteOption,
    OwnAccountOption,
    example,
    require_kind,
    show,
)
from cli.shared.progress import Progress

app = typer.Typer()


@app.command(epilog=example("recognition transform rnn --from reviews.jsonl --output answers.jsonl"))
def transform(
    kind: KindArgument,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            help="A table, a folder of images, or files of one type; the last also below s3://data-bucket/transform/.",
        ),
    ],
    output: Annotated[Path, typer.Option(help="The file of JSON Lines that the answers are written to.")],
    text: Annotated[str | None, typer.Option(help="The column of a table with the texts.")] = None,
    image: Annotated[str | None, typer.Option(help="The column of a table with the images' paths.")] = None,
    overwrite: OverwriteOption = False,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    own_account: OwnAccountOption = False,
    as_json: JsonOption = False,
) -> None:
    """Let the released version answer any number of samples in one job (SageMaker batch transform)."""
    from cli.models import transform as transforms
    from cli.shared.embedded import choose_target
    from cli.shared.project import settings_of
    from model_code.data.columns import Columns
    from model_code.outputs import require_free

    require_kind(kind)
    require_free(output, overwrite=overwrite)
    columns = Columns(text=text, image=image)
    transforms.require_source(source, kind, columns)
    target = choose_target(environment, own_account=own_account)
    settings = settings_of(environment).inference.transform
    progress = Progress()
    nothing = interruption_says("Stopped before the job was started: nothing runs.")
    with nothing, progress.step(f"Starting a transform of {source} by the {kind.upper()}") as detail:
        job = transforms.start(target, kind, source, settings, detail, columns)
    with progress.step(f"Transforming in the job {job.name}") as detail:
        transforms.wait(target, job, detail)
    with interruption_says(
        f"Stopped reading the answers. The job is done, and they are below {job.output_uri}."
    ):
        count = transforms.fetch(target, job, output, overwrite=overwrite)
    show(
        {"job": job.name, "answers": count, "output": str(output), "output_uri": job.output_uri},
        as_json,
        f"{count:,} answers are in {output}.",
    )
