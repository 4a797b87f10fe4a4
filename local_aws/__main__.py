"""The process of the embedded AWS: `python -m local_aws --state DIRECTORY`.

Example: python -m local_aws --state build/embedded --port 4566
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import sys
from pathlib import Path

from local_aws.launcher import loopback_without_proxy
from local_aws.sagemaker.deployments import WAIT_SCALE

HOST = "127.0.0.1"


def main() -> None:
    """Runs until SIGTERM or SIGINT; a start that cannot succeed ends with one sentence and status 1."""
    parser = argparse.ArgumentParser(prog="python -m local_aws", description=__doc__.splitlines()[0])
    parser.add_argument("--state", type=Path, required=True, help="directory for objects and job folders")
    parser.add_argument("--port", type=int, default=4566, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--ready-file", type=Path, help="file to write the address to when it answers")
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
    words = parser.parse_args()
    try:
        words.state.mkdir(parents=True, exist_ok=True)
        probe = words.state / "writable"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        sys.exit(
            f"The state directory {words.state} cannot be written: {error.strerror}. Name another with --state."
        )
    try:
        listener = socket.create_server((HOST, words.port))
    except OSError as error:
        sys.exit(
            f"Port {words.port} on {HOST} cannot be used: {error.strerror}. Name another with --port, 0 for any."
        )
    port = listener.getsockname()[1]
    configure_ministack(words.state, port)

    from local_aws.server import serve

    def announce() -> None:
        ready = {"endpoint_url": f"http://{HOST}:{port}", "process_id": os.getpid()}
        if words.ready_file:
            unfinished = words.ready_file.with_suffix(".unfinished")
            unfinished.write_text(json.dumps(ready))
            unfinished.replace(words.ready_file)
        print(f"The embedded AWS answers at {ready['endpoint_url']}.", flush=True)

    try:
        serve(
            listener,
            words.state,
            concurrent_jobs=words.concurrent_jobs,
            without_capacity=frozenset(words.without_capacity),
            wait_scale=words.wait_scale,
            announce=announce,
        )
    finally:
        shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)


def temporary_directory(state: Path) -> Path:
    """An empty directory for the functions' code and whatever else is unpacked; a killed process cannot clean up."""
    directory = (state / "temporary").resolve()
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory


def configure_ministack(state: Path, port: int) -> None:
    """Sets what ministack reads from its environment when it is imported: loopback only, no other listener."""
    os.environ.update(
        {
            "GATEWAY_PORT": str(port),
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "USE_SSL": "0",
            "PERSIST_STATE": "0",
            "S3_PERSIST": "0",
            "S3_DATA_DIR": str(state / "s3"),
            "STATE_DIR": str(state / "ministack"),
            "TMPDIR": str(temporary_directory(state)),
            "LAMBDA_EXECUTOR": "local",
            "DOCKER_HOST": f"unix://{state}/no-docker.sock",
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
            # The SDKs inside this process and its Lambdas must never reach for the user's own account.
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
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
