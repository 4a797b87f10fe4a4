"""What a job puts into S3 arrives although S3 fails twice, and one that keeps failing is told as an error."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.config import Config

from local_aws.sagemaker.objects import upload_archive

URI = "s3://models/training/job/model.tar.gz"


class FlakyStorage(ThreadingHTTPServer):
    """An S3 that refuses the first `failures` puts; `objects` are those that arrived."""

    def __init__(self, failures: int) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.failures, self.puts, self.objects = failures, 0, {}


class Answers(BaseHTTPRequestHandler):
    """One put."""

    def do_PUT(self) -> None:
        """Takes the object, or says that it is unavailable."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.puts += 1
        refused = self.server.puts <= self.server.failures
        if not refused:
            self.server.objects[self.path] = body
        self.send_response(503 if refused else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_) -> None:
        """Says nothing."""


@pytest.fixture
def storage(request) -> Iterator[FlakyStorage]:
    """With as many failures as the test's parameter says."""
    with FlakyStorage(request.param) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def s3(storage):
    """A client of it, with the retries that everybody has by default."""
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{storage.server_port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            s3={"addressing_style": "path", "payload_signing_enabled": True},
            request_checksum_calculation="when_required",
        ),
    )


@pytest.fixture
def folders(tmp_path):
    """A model's folder with one file, and one for what is packed."""
    (tmp_path / "model").mkdir()
    (tmp_path / "scratch").mkdir()
    (tmp_path / "model" / "weights").write_bytes(b"\x00\x01" * 1000)
    return tmp_path / "model", tmp_path / "scratch"


@pytest.fixture
def no_waiting(monkeypatch):
    """Retries come at once."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("storage", [2], indirect=True)
def test_a_model_arrives_whole_after_two_puts_that_failed(storage, s3, folders):
    model, scratch = folders
    upload_archive(s3, model, URI, scratch)
    assert storage.puts == 3
    with tarfile.open(fileobj=io.BytesIO(storage.objects["/models/training/job/model.tar.gz"])) as archive:
        assert archive.extractfile("weights").read() == b"\x00\x01" * 1000


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("storage", [100], indirect=True)
def test_a_storage_that_keeps_failing_is_told(storage, s3, folders):
    model, scratch = folders
    with pytest.raises(S3UploadFailedError, match="training/job/model.tar.gz"):
        upload_archive(s3, model, URI, scratch)
    assert not storage.objects
