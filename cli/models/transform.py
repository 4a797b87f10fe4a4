"""Batch transform: the released version answers a file or a folder in a job of its own, without an endpoint's load."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from cli.models.data import files_below, upload
from cli.models.release import endpoint_name, served_model, shared_endpoint, step_to_release
from cli.models.transform_lines import write_lines
from cli.shared.errors import CommandFailed, Interrupted
from cli.shared.run_ids import new_run_id
from cli.shared.target import Target
from definitions import names
from definitions.networks import NETWORKS
from definitions.parameters import DATA_BUCKET, KEY_ARN
from model_code.data.columns import Columns
from model_code.data.image_files import SUFFIXES as IMAGE_SUFFIXES
from model_code.data.tables import SUFFIXES as TABLE_SUFFIXES
from model_code.inference import JSON_LINES_TYPE, NPY_TYPE, TEXT_TYPE
from model_code.outputs import written
from stacks.settings.container_images import transform_host
from stacks.settings.inference import TransformSettings
from stacks.settings.instance_families import has_local_storage

POLL_SECONDS = 2
NO_COLUMNS = Columns()
LOG_GROUP = "/aws/sagemaker/TransformJobs"
CONTENT_TYPES = {
    ".jsonl": JSON_LINES_TYPE,
    ".txt": TEXT_TYPE,
    ".npy": NPY_TYPE,
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}


@dataclass(frozen=True)
class Transform:
    """A job that was started.

    Attributes:
        name: of the job, under which its log is.
        model: SageMaker's name of the released version's model.
        output_uri: below which each object's answer lies, under its own path and `.out`.
        places: of each line, the file or row that it is of, where the lines were made of other data.
    """

    name: str
    model: str
    output_uri: str
    places: tuple[str, ...] = ()


def start(
    target: Target,
    kind: str,
    source: str,
    settings: TransformSettings,
    on_detail: Callable[[str], None],
    columns: Columns = NO_COLUMNS,
) -> Transform:
    """Uploads the files, unless they are in the data bucket already, and starts the job on the released version.

    Tables and folders of images of several formats are read as `train --data` reads them, and sent as lines.

    Args:
        target: the deployment.
        kind: of network.
        source: a file, a folder, or `s3://<data bucket>/transform/…`; there, files of one type.
        settings: the job's instances.
        on_detail: hears of each file.
        columns: of a table.

    Raises:
        CommandFailed: when nothing is released, or the source cannot be transformed.
    """
    model = released_model(target, kind)
    name = names.job_name(target.environment, kind, new_run_id())
    bucket, folder = target.parameter(DATA_BUCKET), f"{names.TRANSFORM_PREFIX}/{name}"
    is_there = source.startswith("s3://")
    places: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        # Before anything is uploaded.
        if is_there:
            content_type = content_type_of(names_below(target, source, bucket), kind)
        elif wants_lines(source, kind, columns):
            on_detail("reading the samples")
            lines = write_lines(Path(source), kind, columns, Path(scratch))
            source, content_type, places = str(lines.file), JSON_LINES_TYPE, lines.places
        else:
            content_type = local_type(source, kind)
        if not is_there:
            source = upload_source(target, Path(source), f"{folder}/input", on_detail)
    output_uri = f"s3://{bucket}/{folder}/output"
    target.client("sagemaker").create_transform_job(
        **job_request(name, model, content_type, source, output_uri, target.parameter(KEY_ARN), settings)
    )
    return Transform(name, model, output_uri, tuple(places))


def released_model(target: Target, kind: str) -> str:
    """SageMaker's name of the model behind a kind's endpoint.

    Raises:
        CommandFailed: when no version serves.
    """
    name = endpoint_name(target, kind)
    shared = shared_endpoint(target)
    model = (
        target.parameter_if_published(names.served_model(kind))
        if shared
        else served_model(target.client("sagemaker"), name)
    )
    if model is None:
        raise CommandFailed(
            f"No version of {name} serves, so there is none to ask.\n{step_to_release(target, kind)}"
        )
    return model


def names_below(target: Target, uri: str, bucket: str) -> list[str]:
    """The keys below an S3 URI.

    Raises:
        CommandFailed: when it is not where jobs may read.
    """
    place = f"s3://{bucket}/{names.TRANSFORM_PREFIX}/"
    if not uri.startswith(place):
        raise CommandFailed(
            f"A job reads below {place} alone, and {uri} is not there. Copy it there, or give a folder of this machine."
        )
    pages = target.client("s3").get_paginator("list_objects_v2")
    listed = pages.paginate(Bucket=bucket, Prefix=uri.removeprefix(f"s3://{bucket}/"))
    return [
        entry["Key"]
        for page in listed
        for entry in page.get("Contents", [])
        if not entry["Key"].endswith("/")
    ]


def require_source(source: str, kind: str, columns: Columns) -> None:
    """Refuses what lies on this machine and cannot be transformed, before any AWS is asked.

    Raises:
        CommandFailed: when it is not there, or the network does not take its files; or columns are named of what lies
            in S3, which goes to the model as it is.
    """
    if not source.startswith("s3://"):
        if not wants_lines(source, kind, columns):
            local_type(source, kind)
    elif columns != NO_COLUMNS:
        raise CommandFailed(f"{source} is sent as it is, so no column can be named.")


def wants_lines(source: str, kind: str, columns: Columns) -> bool:
    """Whether what lies on this machine is a table, or a folder of images of formats that do not go together."""
    place, names = Path(source), local_names(Path(source))
    if not place.is_dir():
        ending = place.suffix.lower()
        return columns != NO_COLUMNS or ending in TABLE_SUFFIXES and ending not in CONTENT_TYPES
    types = {CONTENT_TYPES.get(PurePosixPath(name).suffix.lower(), "") for name in names}
    is_of_images = any(PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES for name in names)
    return is_of_images and "image/png" in NETWORKS[kind].content_types and len(types) > 1


def local_type(source: str, kind: str) -> str:
    """The content type of a file or a folder of this machine; see `content_type_of`."""
    return content_type_of(local_names(Path(source)), kind)


def local_names(source: Path) -> list[str]:
    """The names of a folder's files, or of the one file.

    Raises:
        CommandFailed: when there is no such thing, or a folder in it cannot be read.
    """
    if not source.exists():
        raise CommandFailed(f"There is no file or folder {source}.")
    files = filter(Path.is_file, files_below(source)) if source.is_dir() else [source]
    return [str(file) for file in files]


def content_type_of(names: list[str], kind: str) -> str:
    """The one content type of a job's files, by their endings.

    Raises:
        CommandFailed: when there is no file, there are several types, or the network does not take it.
    """
    endings = {PurePosixPath(name).suffix.lower() for name in names}
    types = {CONTENT_TYPES.get(ending, "") for ending in endings}
    takes = [
        ending
        for ending, content_type in CONTENT_TYPES.items()
        if content_type in NETWORKS[kind].content_types
    ]
    if len(types) != 1 or not types <= set(NETWORKS[kind].content_types):
        raise CommandFailed(
            f"A transform of the {kind} takes files of one type ({', '.join(takes)}), and here are: "
            f"{', '.join(sorted(ending or 'files without an ending' for ending in endings)) or 'none'}."
        )
    return types.pop()


def upload_source(target: Target, source: Path, prefix: str, on_detail: Callable[[str], None]) -> str:
    """Copies a folder or a file into the data bucket; its S3 URI."""
    if source.is_dir():
        return f"{upload(target, source, prefix, on_detail)}/"
    bucket = target.parameter(DATA_BUCKET)
    target.client("s3").upload_file(str(source), bucket, f"{prefix}/{source.name}")
    return f"s3://{bucket}/{prefix}/"


def job_request(
    name: str,
    model: str,
    content_type: str,
    source_uri: str,
    output_uri: str,
    key_arn: str,
    settings: TransformSettings,
) -> dict[str, Any]:
    """CreateTransformJob's request: lines are sent together, up to 6 MiB of them; any other file is one request."""
    in_lines = content_type == JSON_LINES_TYPE
    resources = {"InstanceType": settings.instance_type, "InstanceCount": settings.instance_count}
    if not has_local_storage(settings.instance_type):
        resources["VolumeKmsKeyId"] = key_arn
    if host := transform_host(settings.instance_type):
        resources["TransformAmiVersion"] = host
    return {
        "TransformJobName": name,
        "ModelName": model,
        "MaxConcurrentTransforms": settings.concurrent_requests_per_instance,
        "MaxPayloadInMB": 6,
        **({"BatchStrategy": "MultiRecord"} if in_lines else {}),
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source_uri}},
            "ContentType": content_type,
            "SplitType": "Line" if in_lines else "None",
        },
        "TransformOutput": {
            "S3OutputPath": output_uri,
            # Lines of answers lie one below the other, in the order of the lines that were asked.
            "Accept": JSON_LINES_TYPE,
            "AssembleWith": "Line",
            "KmsKeyId": key_arn,
        },
        "TransformResources": resources,
    }


def wait(target: Target, job: Transform, on_detail: Callable[[str], None]) -> None:
    """Returns when the job has completed; whoever interrupts it stops the job, whose instances cost money.

    Raises:
        CommandFailed: when it did not complete, with the job's reason.
        Interrupted: once the job is told to stop.
    """
    sagemaker = target.client("sagemaker")
    try:
        while True:
            described = sagemaker.describe_transform_job(TransformJobName=job.name)
            status = described["TransformJobStatus"]
            on_detail(status)
            if status not in ("InProgress", "Stopping"):
                break
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt as interrupt:
        sagemaker.stop_transform_job(TransformJobName=job.name)
        raise Interrupted(
            f"Stopped the job {job.name}: nothing of it goes on. What was answered is below {job.output_uri}."
        ) from interrupt
    if status != "Completed":
        raise CommandFailed(
            f"The job {job.name} ended as {status}: {described.get('FailureReason', 'it was stopped.')} "
            f"Its log is in {LOG_GROUP}. What was answered before is below {job.output_uri}."
        )


def fetch(target: Target, job: Transform, output: Path, *, overwrite: bool = False) -> int:
    """Writes all answers into one file of JSON Lines, with the object that each is about; returns their number.

    Raises:
        OutputRefused: when the file is there and may not be replaced.
    """
    s3 = target.client("s3")
    bucket, _, prefix = job.output_uri.removeprefix("s3://").partition("/")
    count = 0
    with written(output, overwrite=overwrite) as unfinished, unfinished.open("w", encoding="utf-8") as lines:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
            for entry in page.get("Contents", []):
                name = entry["Key"].removeprefix(f"{prefix}/").removesuffix(".out")
                content = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read().decode()
                for number, line in enumerate(filter(str.strip, content.split("\n")), start=1):
                    place = job.places[number - 1] if job.places else name
                    answer = {"object": place, "line": number, **json.loads(line)}
                    lines.write(json.dumps(answer, ensure_ascii=False) + "\n")
                    count += 1
    return count
