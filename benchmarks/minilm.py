"""MiniLM: a network of six transformer blocks that makes a vector of a text, with weights learnt on a billion pairs."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
from keras import layers, ops

FEATURES = 384
PIECES = 30_522
POSITIONS = 512
BLOCKS = 6
HEADS = 12
HIDDEN = 1_536
EPSILON = 1e-12


def build_minilm() -> keras.Model:
    """The untrained network.

    Returns:
        A model from the numbers of word pieces, int [N, T], 0 behind a text's end and T up to POSITIONS, to vectors of
        length 1, float32 [N, FEATURES] (Wang et al. 2020, arXiv 2002.10957; Reimers and Gurevych 2019, arXiv
        1908.10084). Its layers bear the names of the weights that `set_weights_of` takes.
    """
    numbers = layers.Input((None,), dtype="int32")
    there = ops.not_equal(numbers, 0)
    positions = ops.cumsum(ops.ones_like(numbers), axis=1) - 1
    hidden = layers.Embedding(PIECES, FEATURES, name="embeddings.word_embeddings")(numbers)
    hidden += layers.Embedding(POSITIONS, FEATURES, name="embeddings.position_embeddings")(positions)
    hidden = normalised(hidden, "embeddings")
    for number in range(BLOCKS):
        hidden = block(hidden, there[:, None, :], f"encoder.layer.{number}")
    weights = ops.cast(there, "float32")[:, :, None]
    mean = ops.sum(hidden * weights, axis=1) / ops.maximum(ops.sum(weights, axis=1), 1.0)
    return keras.Model(numbers, ops.normalize(mean, axis=-1), name="minilm")


def block(before, mask, name: str):
    """Attention among a text's pieces, then two dense layers for each, both added to what came in."""
    attention = layers.MultiHeadAttention(HEADS, FEATURES // HEADS, name=f"{name}.attention")
    hidden = normalised(before + attention(before, before, attention_mask=mask), f"{name}.attention.output")
    wide = layers.Dense(HIDDEN, name=f"{name}.intermediate.dense")(hidden)
    wide = ops.gelu(wide, approximate=False)
    return normalised(hidden + layers.Dense(FEATURES, name=f"{name}.output.dense")(wide), f"{name}.output")


def normalised(before, name: str):
    """Layer normalisation."""
    return layers.LayerNormalization(epsilon=EPSILON, name=f"{name}.LayerNorm")(before)


def set_weights_of(network: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Gives the network weights that PyTorch wrote.

    Args:
        network: from `build_minilm`.
        weights: by PyTorch's names; kernels [out, in].

    Raises:
        KeyError: when one is missing; ValueError when one is of another shape.
    """
    for layer in network.layers:
        name = layer.name
        if isinstance(layer, layers.MultiHeadAttention):
            layer.set_weights(attention_weights(name, weights))
        elif isinstance(layer, layers.LayerNormalization):
            layer.set_weights([weights[f"{name}.weight"], weights[f"{name}.bias"]])
        elif isinstance(layer, layers.Dense):
            layer.set_weights([weights[f"{name}.weight"].T, weights[f"{name}.bias"]])
        elif name == "embeddings.position_embeddings":
            # Every text is BERT's first segment, so its vector can be added once.
            segment = weights["embeddings.token_type_embeddings.weight"][0]
            layer.set_weights([weights[f"{name}.weight"] + segment])
        elif isinstance(layer, layers.Embedding):
            layer.set_weights([weights[f"{name}.weight"]])


def attention_weights(name: str, weights: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """One attention's kernels and biases in Keras's order and shapes: queries, keys, values, output."""
    heads = (HEADS, FEATURES // HEADS)
    inputs = []
    for part in ("self.query", "self.key", "self.value"):
        inputs += [
            weights[f"{name}.{part}.weight"].T.reshape(FEATURES, *heads),
            weights[f"{name}.{part}.bias"].reshape(heads),
        ]
    output = weights[f"{name}.output.dense.weight"].T.reshape(*heads, FEATURES)
    return [*inputs, output, weights[f"{name}.output.dense.bias"]]
