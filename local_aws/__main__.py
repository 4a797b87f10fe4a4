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
from dataclasses import asdict
from pathlib import Path

from local_aws.environments import keep_what_children_may_see
from local_aws.keys import Keys, private_directory, write_privately
from local_aws.sagemaker.deployments import WAIT_SCALE

HOST = "127.0.0.1"


def main() -> None:
    """Runs until SIGTERM or SIGINT; a start that cannot succeed ends with one sentence and status 1."""
    parser = argparse.ArgumentParser(prog="python -m local_aws", description=__doc__.splitlines()[0])
    parser.add_argument("--state", type=Path, required=True, help="directory for objects and job folders")
    parser.add_argument("--port", type=int, default=4566, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument(
        "--ready-file", type=Path, help="for address and keys, while it answers; else ready.json in the state"
    )
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
    os.umask(0o077)
    try:
        private_directory(words.state)
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
    keys = Keys.made()
    ready_file = words.ready_file or words.state / "ready.json"
    keep_what_children_may_see(os.environ)
    configure_ministack(words.state, port, keys)

    from local_aws.server import serve

    def announce() -> None:
        endpoint_url = f"http://{HOST}:{port}"
        ready = {"endpoint_url": endpoint_url, "process_id": os.getpid(), "keys": asdict(keys)}
        write_privately(ready_file, json.dumps(ready, indent=2))
        print(f"The embedded AWS answers at {endpoint_url}. Its keys are in {ready_file}.", flush=True)

    try:
        serve(
            listener,
            words.state,
            keys,
            concurrent_jobs=words.concurrent_jobs,
            without_capacity=frozenset(words.without_capacity),
            wait_scale=words.wait_scale,
            announce=announce,
        )
    finally:
        ready_file.unlink(missing_ok=True)
        shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)


def temporary_directory(state: Path) -> Path:
    """An empty directory for the functions' code and whatever else is unpacked; a killed process cannot clean up."""
    directory = (state / "temporary").resolve()
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory


def configure_ministack(state: Path, port: int, keys: Keys) -> None:
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
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
            "AWS_SESSION_TOKEN": "",
            "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
    )


if __name__ == "__main__":
    main()
