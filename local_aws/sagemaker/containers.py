"""What stands for SageMaker's containers here: which image means which command, and how it sees /opt/ml."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from local_aws.environments import allowed
from local_aws.keys import session_of

CONTAINER_ROOT = "/opt/ml"
# A job's first host, and here its only one.
HOST = "algo-1"
# Stand-ins of programs that AWS's training images have.
PROGRAMS = Path(__file__).resolve().parents[1] / "image"
IMAGE_ENTRYPOINT = "/usr/local/bin/entrypoint.sh"
# ENTRYPOINT of those images; SageMaker runs `docker run IMAGE train` (deep-learning-containers, docker/tensorflow).
DEFAULT_ENTRYPOINT = ("bash", "-m", IMAGE_ENTRYPOINT)
# A digest tells no version, so only our own image, which has none here, may be named by one.
REPOSITORY = re.compile(
    r"(?:^|/)(tensorflow-training|tensorflow-inference|recognition-serving)"
    r"(?::[\w.-]+|(?<=/recognition-serving)@sha256:[0-9a-f]{64})\Z"
)
TENSORFLOW = re.compile(r"(tensorflow-\w+):(\d+\.\d+)")
ROLES = {
    "tensorflow-training": "training",
    "tensorflow-inference": "inference",
    "recognition-serving": "litert",
}
# The servers' modules: a stand-in of AWS's container, and the very program of ours.
SERVERS = {"inference": "local_aws.serving", "litert": "serving"}


def role_of_image(image: str) -> str | None:
    """`training` or `inference` for an AWS TensorFlow image, `litert` for ours, None for one that cannot run here."""
    match = REPOSITORY.search(image)
    return ROLES[match[1]] if match else None


def unknown_image(image: str) -> str:
    """The sentence for an image that cannot run here."""
    return (
        f"The embedded AWS has no stand-in for the image {image}; it runs AWS's tensorflow-training and "
        "tensorflow-inference images and our recognition-serving with the packages of this virtual environment."
    )


def other_version(image: str) -> str | None:
    """A sentence for an image of another TensorFlow than the one that stands for it here; None for ours and its own."""
    match, here = TENSORFLOW.search(image), tensorflow_version()
    if match is None or here.startswith(f"{match[2]}."):
        return None
    return (
        f"The embedded AWS runs the image {match[1]}:{match[2]} on TensorFlow {here}: what works here need not work "
        "there."
    )


@cache
def tensorflow_version() -> str:
    """The version of this virtual environment's TensorFlow, whose package has two names; it is not imported."""
    try:
        return version("tensorflow-cpu")
    except PackageNotFoundError:
        return version("tensorflow")


@cache
def can_bind_mount() -> bool:
    """Whether a process here can see a folder as /opt/ml without being root: needs user namespaces (Linux)."""
    if shutil.which("unshare") is None or sys.base_prefix.startswith("/opt/"):
        return False
    probe = subprocess.run(in_namespace(["true"], Path("/tmp")), capture_output=True, check=False)
    return probe.returncode == 0


def in_namespace(command: Sequence[str], folder: Path) -> list[str]:
    """`command` with `folder` mounted as /opt/ml, as process 1 of a namespace of its own.

    Where /opt/ml does not exist, an empty file system over /opt makes room for it, in that namespace alone.
    """
    script = (
        'if [ ! -d /opt/ml ]; then mount -t tmpfs none /opt && mkdir /opt/ml; fi && mount --bind "$1" /opt/ml '
        '&& shift && exec "$@"'
    )
    return [
        *("unshare", "--user", "--map-root-user", "--mount"),
        *("--pid", "--fork", "--kill-child", "--mount-proc"),
        "sh",
        "-c",
        script,
        "sh",
        str(folder),
        *command,
    ]


def command_of(specification: dict[str, Any], arguments: Sequence[str]) -> list[str]:
    """What a container runs: the request's own entry point, or the image's with `arguments` unless it has others."""
    if entrypoint := specification.get("ContainerEntrypoint"):
        return [*entrypoint, *specification.get("ContainerArguments", [])]
    return [*DEFAULT_ENTRYPOINT, *specification.get("ContainerArguments", arguments)]


def as_in_container(command: Sequence[str], folder: Path) -> tuple[list[str], dict[str, str]]:
    """How to run `command` so that it finds its folder where SageMaker has it, and the variables it needs for that.

    With user namespaces the folder really is /opt/ml. Without them SAGEMAKER_BASE_DIR, which the toolkit knows,
    points to it, and /opt/ml in the command's own words is rewritten.
    """
    ours = str(PROGRAMS / "entrypoint.sh")
    # A word alone is a program; in a longer one it stands in a shell's line, where a space in our path would divide it.
    command = [
        word.replace(IMAGE_ENTRYPOINT, ours if word == IMAGE_ENTRYPOINT else shlex.quote(ours))
        for word in command
    ]
    if can_bind_mount():
        return in_namespace(command, folder), {"SAGEMAKER_BASE_DIR": CONTAINER_ROOT}
    return [as_on_disk(word, folder) for word in command], {"SAGEMAKER_BASE_DIR": str(folder)}


def as_on_disk(text: str, folder: Path) -> str:
    """A text that names /opt/ml, as the job will find it."""
    return text if can_bind_mount() else text.replace(CONTAINER_ROOT, str(folder))


def role_environment(arn: str, role_arn: str, endpoint_url: str, *, is_isolated: bool) -> dict[str, str]:
    """What a container reaches AWS's services by: where they are, and a session of its role.

    One in network isolation has no credentials (SageMaker developer guide, internet-free mode).
    """
    region = arn.split(":")[3]
    if is_isolated:
        return {"AWS_REGION": region}
    return {
        "AWS_REGION": region,
        # SageMaker does not set it. boto3 reaches S3 without a region there, but not where it is told an address.
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": endpoint_url,
        **session_of(arn, role_arn, "SageMaker"),
    }


def process_environment(extra: dict[str, str]) -> dict[str, str]:
    """What a container sees of this machine: the programs of this virtual environment and nothing of the user's.

    It carries no keys: who needs a container's role is given them by `extra`. Nor are the user's profiles found.
    """
    programs = f"{PROGRAMS}{os.pathsep}{Path(sys.executable).parent}"
    return {
        **allowed(os.environ),
        "HOME": tempfile.gettempdir(),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PATH": f"{programs}{os.pathsep}/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "PYTHONUNBUFFERED": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        # The toolkit's own name for a run without SageMaker's network: it does not wait for the host's DNS name.
        "SM_STUDIO_LOCAL_MODE": "true",
        **extra,
    }
