"""The process of the embedded AWS: `python -m local_aws --state DIRECTORY`.

Example: python -m local_aws --state build/embedded --port 4566
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from pathlib import Path

from local_aws.child_processes import leash_own_group
from local_aws.environments import keep_what_children_may_see
from local_aws.keys import Keys
from local_aws.launcher import loopback_without_proxy
from local_aws.sagemaker.deployments import WAIT_SCALE
from local_aws.state import READY_FILE, TEMPORARY, Ready, StateRefused, announce, claimed, kept_port

HOST = "127.0.0.1"
MOST_PORT = 65_535


def main() -> None:
    """Runs until SIGTERM or SIGINT; a start that cannot succeed ends with one sentence and status 1."""
    parser = argparse.ArgumentParser(
        prog="python -m local_aws", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--state", type=Path, required=True, help="directory for objects and job folders")
    parser.add_argument("--port", type=int, default=4566, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--start", default="", help="a word to write beside the address into ready.json")
    parser.add_argument("--concurrent-jobs", type=int, default=1, help="jobs that run at the same time")
    parser.add_argument(
        "--without-capacity",
        nargs="*",
        default=[],
        help="instance types whose jobs fail as if none were free",
    )
    parser.add_argument(
        "--wait-scale",
        type=float,
        default=WAIT_SCALE,
        help="the part of the waits of an endpoint's update that is waited; 1 is AWS's pace",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep buckets, models and stacks from an orderly end to the next start",
    )
    parser.add_argument(
        "--stand-ins-when-asked",
        action="store_true",
        help="load the stand-ins of Rekognition and Comprehend at the first request to one",
    )
    words = parser.parse_args()
    if not 0 <= words.port <= MOST_PORT:
        parser.error(f"--port is from 0 to {MOST_PORT:,}.")
    os.umask(0o077)
    leash_own_group()
    try:
        with claimed(words.state, keep=words.keep):
            run(words)
    except StateRefused as refused:
        sys.exit(str(refused))


def run(words: argparse.Namespace) -> None:
    """Serves from a state directory that is this process's own."""
    kept = kept_port(words.state)
    if words.port and kept not in (None, words.port):
        sys.exit(
            f"What is kept in {words.state} has addresses with the port {kept}: leave --port out, or name it."
        )
    try:
        listener = socket.create_server((HOST, kept or words.port))
    except OSError as error:
        sys.exit(
            f"Port {kept or words.port} on {HOST} cannot be used: {error.strerror}. "
            + (of_kept_port(kept, words.state) if kept else "Name another with --port, 0 for any.")
        )
    port = listener.getsockname()[1]
    keys = Keys.made()
    keep_what_children_may_see(os.environ)
    configure_ministack(words.state, port, keys, keep=words.keep)

    from local_aws.server import serve

    def tell(keys: Keys) -> None:
        ready = Ready(f"http://{HOST}:{port}", os.getpid(), words.start, keys)
        announce(words.state, ready)
        print(
            f"The embedded AWS answers at {ready.endpoint_url}. Its keys are in {words.state / READY_FILE}.",
            flush=True,
        )

    serve(
        listener,
        words.state,
        keys,
        concurrent_jobs=words.concurrent_jobs,
        without_capacity=frozenset(words.without_capacity),
        wait_scale=words.wait_scale,
        keep=words.keep,
        stand_ins_when_asked=words.stand_ins_when_asked,
        announce=tell,
    )


def of_kept_port(port: int, state: Path) -> str:
    """What helps where the port of what is kept cannot be had."""
    return (
        f"What is kept has addresses with it. `lsof -i :{port}` (Linux: `ss -ltnp 'sport = :{port}'`) names the "
        f"program that listens there: end that one. To give up what is kept, delete {state}."
    )


def temporary_directory(state: Path) -> Path:
    """An empty directory for the functions' code and whatever else is unpacked."""
    directory = (state / TEMPORARY).resolve()
    directory.mkdir()
    return directory


def configure_ministack(state: Path, port: int, keys: Keys, *, keep: bool) -> None:
    """Sets what ministack reads from its environment when it is imported: loopback only, no other listener."""
    os.environ.update(
        {
            "GATEWAY_PORT": str(port),
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "USE_SSL": "0",
            "PERSIST_STATE": "1" if keep else "0",
            "S3_PERSIST": "1" if keep else "0",
            "S3_DATA_DIR": str(state / "s3"),
            "STATE_DIR": str(state / "ministack"),
            "TMPDIR": str(temporary_directory(state)),
            "LAMBDA_EXECUTOR": "local",
            # Policies are enforced.
            "AUTH": "true",
            "DOCKER_HOST": f"unix://{state}/no-docker.sock",
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
            # The SDKs inside this process and its Lambdas must never reach for the user's own account.
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
            "AWS_SESSION_TOKEN": "",
            "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            **loopback_without_proxy(),
        }
    )


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    sys.stderr.flush()
    # All is written. The interpreter would wait for the threads of state machines that wait for a retry.
    os._exit(0)
