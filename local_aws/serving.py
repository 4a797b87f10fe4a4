"""Plays the TensorFlow inference container: /ping and /invocations over the artefact's own code and SavedModel.

Between the artefact's `input_handler` and `output_handler` the container asks TensorFlow Serving; no package carries
that program, so a stand-in of its REST predict runs here, in process.
"""

from __future__ import annotations

import argparse
import base64
import importlib.util
import io
import json
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local_aws import default_inference
from model_code.light_import import import_tensorflow

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Context:
    """What the container tells the handlers about a request."""

    request_content_type: str | None
    accept_header: str | None
    custom_attributes: str | None = None
    model_name: str = "model"
    method: str = "predict"


@dataclass(frozen=True)
class Answer:
    """TensorFlow Serving's answer, as `requests` would give it to `output_handler`."""

    status_code: int
    content: bytes

    def json(self) -> Any:
        """The parsed content."""
        return json.loads(self.content)


class Predictor:
    """The stand-in of TensorFlow Serving's REST predict in row format, over one SavedModel signature."""

    def __init__(self, directory: Path) -> None:
        import_tensorflow()
        import tensorflow as tf

        versions = sorted(
            (int(path.name) for path in directory.iterdir() if path.name.isdecimal()), reverse=True
        )
        if not versions:
            raise ValueError("The model archive holds no numbered version folder such as 1/.")
        # TensorFlow Serving answers with the highest version unless a request names another.
        self.model = tf.saved_model.load(str(directory / str(versions[0])))
        self.signature = self.model.signatures["serving_default"]
        self.inputs = self.signature.structured_input_signature[1]
        self.tf = tf
        # One prediction at a time: TensorFlow spreads each over the cores already.
        self.lock = threading.Lock()

    def predict(self, body: str | bytes) -> Answer:
        """Answers `{"instances": […]}`, or `{"inputs": …}` with the outputs as wholes.

        A request that does not fit the signature gets 400 and a reason.
        """
        try:
            question = json.loads(body)
            rows = question.get("instances")
            columns = {
                name: value_of(question["inputs"], name)
                if rows is None
                else [value_of(row, name) for row in rows]
                for name in self.inputs
            }
            tensors = {
                name: self.tf.constant(column, self.inputs[name].dtype) for name, column in columns.items()
            }
            with self.lock:
                outputs = {name: tensor.numpy() for name, tensor in self.signature(**tensors).items()}
        except (AttributeError, KeyError, TypeError, ValueError, self.tf.errors.OpError) as error:
            reason = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
            return Answer(400, json.dumps({"error": reason}).encode())
        if rows is None:
            wholes = {name: plain(output) for name, output in outputs.items()}
            answer = next(iter(wholes.values())) if len(outputs) == 1 else wholes
            return Answer(200, json.dumps({"outputs": answer}).encode())
        predictions = [{name: plain(output[i]) for name, output in outputs.items()} for i in range(len(rows))]
        if len(outputs) == 1:
            predictions = [next(iter(prediction.values())) for prediction in predictions]
        return Answer(200, json.dumps({"predictions": predictions}).encode())


def value_of(row: Any, name: str) -> Any:
    """One input of one instance, or of all of them; the only input may be there without its name."""
    return decoded(row[name] if isinstance(row, dict) and "b64" not in row else row)


def decoded(value: Any) -> Any:
    """A value in which base64 objects are bytes."""
    if isinstance(value, dict) and list(value) == ["b64"]:
        return base64.b64decode(value["b64"], validate=True)
    return [decoded(element) for element in value] if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """A NumPy value, or a part of one, as JSON's."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list):
        return [plain(element) for element in value]
    return plain(value.tolist()) if hasattr(value, "tolist") else value


def load_handlers(directory: Path) -> Any:
    """The artefact's own code/inference.py as a module, or the container's own handlers where it has none."""
    file = directory / "code" / "inference.py"
    if not file.exists():
        return default_inference
    # As the container does.
    sys.path += [
        str(folder) for folder in (directory / "code", directory / "code" / "lib") if folder.is_dir()
    ]
    specification = importlib.util.spec_from_file_location("inference", file)
    assert specification and specification.loader  # there is one for every name that ends in .py
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class Handler(BaseHTTPRequestHandler):
    """The container's two paths."""

    protocol_version = "HTTP/1.1"
    predictor: Predictor
    handlers: Any

    def do_GET(self) -> None:
        """/ping: with an inference.py the container answers 200 once it is up."""
        self.reply(200 if self.path == "/ping" else 404, b"", "text/plain")

    def do_POST(self) -> None:
        """/invocations: input_handler, predict, output_handler; what they raise is answered as the container would."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/invocations":
            self.reply(404, b"", "text/plain")
            return
        context = Context(
            self.headers.get("Content-Type"),
            self.headers.get("Accept"),
            self.headers.get("X-Amzn-SageMaker-Custom-Attributes"),
        )
        try:
            question = self.handlers.input_handler(io.BytesIO(body), context)
            content, content_type = self.handlers.output_handler(self.predictor.predict(question), context)
        except Exception as error:  # noqa: BLE001 - the container answers whatever a handler raises
            # Its web framework's errors carry a status line; anything else is a 500.
            status = int(str(getattr(error, "status", 500)).split()[0])
            self.reply(status, json.dumps({"error": str(error)}).encode(), "application/json")
            return
        self.reply(200, content if isinstance(content, bytes) else content.encode(), content_type)

    def reply(self, status: int, content: bytes, content_type: str) -> None:
        """Writes one answer."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: a request's line may carry what a customer sent."""


def main() -> None:
    """Loads the artefact, then serves until it is ended."""
    parser = argparse.ArgumentParser(
        prog="python -m local_aws.serving", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--directory", type=Path, required=True, help="the unpacked model archive")
    parser.add_argument("--port", type=int, default=0, help="port to listen on, 0 for any free one")
    parser.add_argument("--port-file", type=Path, required=True, help="file to write the port to")
    words = parser.parse_args()
    try:
        Handler.predictor = Predictor(words.directory)
        Handler.handlers = load_handlers(words.directory)
    except (OSError, ValueError, KeyError, ImportError, SyntaxError) as error:
        sys.exit(
            f"The model cannot be loaded: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        )
    server = ThreadingHTTPServer((HOST, words.port), Handler)
    server.daemon_threads = True
    unfinished = words.port_file.with_suffix(".unfinished")
    unfinished.write_text(str(server.server_address[1]), encoding="utf-8")
    unfinished.replace(words.port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
