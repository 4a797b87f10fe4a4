"""What a user would write to serve a network: FastAPI with the SavedModel's signature, or with `model.predict`.

Example: ~/fastapi/bin/python -m benchmarks.fastapi_server signature --directory made --port 8081
That Python has fastapi and uvicorn beside what requirements.lock names.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool

NPY_TYPE = "application/x-npy"
Answerer = Callable[[list[Any]], np.ndarray]


def samples_of(body: bytes, content_type: str) -> list[Any]:
    """Images as bytes, texts, or sequences as arrays."""
    if content_type == NPY_TYPE:
        values = np.load(io.BytesIO(body), allow_pickle=False)
        return list(values) if values.ndim == 3 else [values]
    instances = json.loads(body)["instances"]
    if "image" in instances[0]:
        return [base64.b64decode(instance["image"]["b64"]) for instance in instances]
    if "sequence" in instances[0]:
        return [np.array(instance["sequence"], np.float32) for instance in instances]
    return [instance["text"] for instance in instances]


KEPT: list[object] = []


def by_signature(directory: Path) -> Answerer:
    """The SavedModel's serving signature, whose graph decodes and encodes."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(directory / "1"))
    signature = loaded.signatures["serving_default"]
    (name,) = signature.structured_input_signature[1]

    def answer(samples: list[Any]) -> np.ndarray:
        given = tf.constant(np.stack(samples) if name == "sequence" else samples)
        return signature(**{name: given})["probabilities"].numpy()

    # The loaded object has to outlive its signature.
    KEPT.append(loaded)
    return answer


def by_predict(directory: Path) -> Answerer:
    """The Keras network's `predict`, behind the same preprocessing without TensorFlow that our server has."""
    import keras

    from model_code.networks import networks
    from serving.preprocessing import reader_of

    layers = (
        networks.FusedBatchNormalization,
        networks.FusedGelu,
        networks.ChannelNormalization,
        networks.MaximumAndMean,
    )
    network = keras.models.load_model(
        directory / "network.keras", custom_objects={layer.__name__: layer for layer in layers}
    )
    read = reader_of(json.loads((directory / "litert" / "preprocessing.json").read_text(encoding="utf-8")))
    # `predict` keeps what it is doing in the network itself.
    lock = threading.Lock()

    def answer(samples: list[Any]) -> np.ndarray:
        inputs = np.concatenate([read(sample) for sample in samples])
        with lock:
            logits = network.predict(inputs, verbose=0)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    return answer


def written(probabilities: np.ndarray, labels: list[str], content_type: str) -> bytes:
    """The answer's body, in the type of the request."""
    if content_type == NPY_TYPE:
        buffer = io.BytesIO()
        np.save(buffer, probabilities)
        return buffer.getvalue()
    predictions = [
        {
            "label": labels[int(row.argmax())],
            "score": float(row.max()),
            "probabilities": dict(zip(labels, row.tolist(), strict=True)),
        }
        for row in probabilities
    ]
    return json.dumps({"predictions": predictions}).encode()


def application(answer: Answerer, labels: list[str]) -> FastAPI:
    """The app with SageMaker's two paths."""
    app = FastAPI()

    def invoke(body: bytes, content_type: str) -> bytes:
        return written(answer(samples_of(body, content_type)), labels, content_type)

    @app.get("/ping")
    def ping() -> Response:
        return Response()

    @app.post("/invocations")
    async def invocations(request: Request) -> Response:
        content_type = request.headers["content-type"]
        content = await run_in_threadpool(invoke, await request.body(), content_type)
        return Response(content, media_type=content_type)

    return app


def main() -> None:
    """Loads the network and serves it on 127.0.0.1 until it is ended."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("way", choices=("signature", "predict"))
    parser.add_argument("--directory", type=Path, required=True, help="an artefact with a network.keras")
    parser.add_argument("--port", type=int, required=True, help="port to listen on")
    words = parser.parse_args()
    answer = (by_signature if words.way == "signature" else by_predict)(words.directory)
    labels = json.loads((words.directory / "labels.json").read_text(encoding="utf-8"))
    uvicorn.run(application(answer, labels), host="127.0.0.1", port=words.port, log_level="error")


if __name__ == "__main__":
    main()
