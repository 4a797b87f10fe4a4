"""Vectors of texts by a pretrained network: pieces as BERT's tokenizer makes them, weights as PyTorch wrote them."""

from __future__ import annotations

import json
import math
import zipfile

import numpy as np
import pytest

from benchmarks import minilm
from benchmarks.minilm import EPSILON, FEATURES, HEADS, HIDDEN
from benchmarks.sentence_vectors import FOLDER, PACKAGE, Sentences, classifier
from benchmarks.wordpiece import WordPieces
from model_code.failures import JobFailed

VOCABULARY = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "un",
    "##aff",
    "##able",
    "cafe",
    "中",
    "!",
    "'",
    "don",
    "t",
    "σ",
]
BLOCKS = 2
NORMS = ["embeddings"] + [
    f"encoder.layer.{block}.{part}" for block in range(BLOCKS) for part in ("attention.output", "output")
]


def pieces_of(text: str, length_most: int = 32) -> list[str]:
    return [VOCABULARY[number] for number in WordPieces(VOCABULARY)(text, length_most)[1:-1]]


def test_a_word_is_divided_into_the_longest_pieces_from_the_left():
    assert pieces_of("unaffable") == ["un", "##aff", "##able"]
    assert pieces_of("un able") == ["un", "[UNK]"]
    assert pieces_of("unaffablex") == ["[UNK]"]


# As the tokenizer of the package answers, by the library tokenizers.
@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("CAFÉ", ["cafe"]),
        ("cafe\u0301\u00a0un", ["cafe", "un"]),
        ("don't!!", ["don", "'", "t", "!", "!"]),
        ("un中un", ["un", "中", "un"]),
        ("u\u200bn\x00\ufffd\x1c", ["un"]),
        ("ΣΣ Σ", ["[UNK]", "σ"]),
        ("un\tun\nun", ["un", "un", "un"]),
        ("\u0378", ["[UNK]"]),
        ("un" * 51, ["[UNK]"]),
        ("", []),
    ],
)
def test_texts_are_cleaned_as_the_network_learnt_them(text, pieces):
    assert pieces_of(text) == pieces


def test_a_long_text_is_cut_between_the_first_and_the_last_piece():
    numbers = WordPieces(VOCABULARY)("un unaffable unaffable", 5)
    assert [VOCABULARY[number] for number in numbers] == ["[CLS]", "un", "un", "##aff", "[SEP]"]


def test_a_vocabulary_without_the_special_pieces_is_refused():
    with pytest.raises(ValueError, match=r"no \[CLS\] and no \[SEP\]"):
        WordPieces(["[PAD]", "[UNK]", "un"])


def random_weights() -> dict[str, np.ndarray]:
    """By PyTorch's names, of a small vocabulary and few blocks."""
    generator = np.random.default_rng(0)
    sizes = {
        "embeddings.word_embeddings.weight": (len(VOCABULARY), FEATURES),
        "embeddings.position_embeddings.weight": (minilm.POSITIONS, FEATURES),
        "embeddings.token_type_embeddings.weight": (2, FEATURES),
    }
    for norm in NORMS:
        sizes |= {f"{norm}.LayerNorm.weight": (FEATURES,), f"{norm}.LayerNorm.bias": (FEATURES,)}
    for number in range(BLOCKS):
        for part, rows, columns in (
            *((f"attention.self.{one}", FEATURES, FEATURES) for one in ("query", "key", "value")),
            ("attention.output.dense", FEATURES, FEATURES),
            ("intermediate.dense", HIDDEN, FEATURES),
            ("output.dense", FEATURES, HIDDEN),
        ):
            name = f"encoder.layer.{number}.{part}"
            sizes |= {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}
    weights = {name: generator.normal(0, 0.08, size).astype(np.float32) for name, size in sizes.items()}
    # Around 1 as in a trained network: below it everything is so small that one GELU looks like another.
    return {name: one + ("LayerNorm.weight" in name) for name, one in weights.items()}


def vector_of(numbers: list[int], weights: dict[str, np.ndarray]) -> np.ndarray:
    """What BERT makes of one text, mean and length 1, written down from its paper in NumPy."""

    def dense(x, name):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x, name):
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
        return scaled * weights[f"{name}.LayerNorm.weight"] + weights[f"{name}.LayerNorm.bias"]

    x = weights["embeddings.word_embeddings.weight"][numbers].astype(np.float64)
    x = x + weights["embeddings.position_embeddings.weight"][: len(numbers)]
    x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings")
    size = FEATURES // HEADS
    for block in range(BLOCKS):
        name, heads = f"encoder.layer.{block}", []
        query, key, value = (dense(x, f"{name}.attention.self.{one}") for one in ("query", "key", "value"))
        for start in range(0, FEATURES, size):
            part = slice(start, start + size)
            scores = np.exp(query[:, part] @ key[:, part].T / math.sqrt(size))
            heads.append(scores / scores.sum(axis=-1, keepdims=True) @ value[:, part])
        seen = dense(np.concatenate(heads, axis=-1), f"{name}.attention.output.dense")
        x = norm(x + seen, f"{name}.attention.output")
        wide = dense(x, f"{name}.intermediate.dense")
        wide = wide * (1 + np.vectorize(math.erf)(wide / math.sqrt(2))) / 2
        x = norm(x + dense(wide, f"{name}.output.dense"), f"{name}.output")
    mean = x.mean(axis=0)
    return mean / np.linalg.norm(mean)


def write_package(path, weights: dict[str, np.ndarray]):
    """A package with a safetensors file and a vocabulary."""
    header, ends = {"__metadata__": {"format": "pt"}}, 0
    for name, array in weights.items():
        header[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [ends, ends + array.nbytes],
        }
        ends += array.nbytes
    words = json.dumps(header).encode()
    arrays = b"".join(array.tobytes() for array in weights.values())
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{FOLDER}/model.safetensors", len(words).to_bytes(8, "little") + words + arrays)
        archive.writestr(f"{FOLDER}/vocab.txt", "\n".join(VOCABULARY) + "\n")
    return path


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(minilm, "PIECES", len(VOCABULARY))
    monkeypatch.setattr(minilm, "BLOCKS", BLOCKS)


def test_vectors_are_those_of_the_packages_weights_whatever_is_beside_a_text(tmp_path, small):
    weights = random_weights()
    sentences = Sentences(write_package(tmp_path / PACKAGE.file_name, weights))
    texts = ["un unaffable!", "", "cafe " * 40, "don't"]
    expected = [vector_of(WordPieces(VOCABULARY)(text, 128), weights) for text in texts]
    np.testing.assert_allclose(sentences(texts), expected, atol=2e-5)
    np.testing.assert_allclose(sentences(texts[:1]), expected[:1], atol=2e-5)


def test_a_package_without_the_weights_is_refused_by_name(tmp_path, small):
    weights = random_weights()
    del weights["encoder.layer.1.output.dense.bias"]
    package = write_package(tmp_path / PACKAGE.file_name, weights)
    with pytest.raises(
        JobFailed, match=r"does not hold the weights .*encoder\.layer\.1\.output\.dense\.bias"
    ):
        Sentences(package)
    package.write_bytes(b"no archive")
    with pytest.raises(JobFailed, match="does not hold the weights"):
        Sentences(package)


def test_the_validation_part_chooses_the_penalty_and_the_first_of_the_best_stays():
    vectors, targets = np.eye(4), np.array([0, 1, 0, 1])
    assert classifier((vectors, targets), (vectors, targets)).C == 10.0
    # Two of three examples of one class: only a weak penalty tells the third apart.
    near = np.array([[1.0, 0.0], [1.0, 0.02], [1.0, 0.2]])
    apart = np.array([0, 0, 1])
    assert classifier((near, apart), (near, apart)).C == 100.0
