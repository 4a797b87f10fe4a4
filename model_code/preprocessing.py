"""From bytes to what the networks take, in TensorFlow's graph: training and serving call the same functions."""

from __future__ import annotations

import collections
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

PADDING = 0
UNKNOWN = 1
FIRST_WORD = 2


def decode_images(encoded: tf.Tensor, image_size: int) -> tf.Tensor:
    """Decodes PNG or JPEG files and resizes them with antialiasing where their size differs.

    Args:
        encoded: string tensor of shape [N].
        image_size: side in pixels.

    Returns:
        uint8 tensor of shape [N, image_size, image_size, 3].

    Raises:
        tf.errors.InvalidArgumentError: when an element is no image that TensorFlow decodes.
    """

    def decode(one: tf.Tensor) -> tf.Tensor:
        image = tf.io.decode_image(one, channels=3, expand_animations=False)
        image.set_shape([None, None, 3])
        shape = tf.shape(image)
        fits = tf.logical_and(tf.equal(shape[0], image_size), tf.equal(shape[1], image_size))
        resized = tf.cond(fits, lambda: image, lambda: resize(image, image_size))
        resized.set_shape([image_size, image_size, 3])
        return resized

    return tf.map_fn(
        decode, encoded, fn_output_signature=tf.TensorSpec([image_size, image_size, 3], tf.uint8)
    )


def resize(image: tf.Tensor, image_size: int) -> tf.Tensor:
    """Resizes one uint8 image to a square, with rounding back to uint8."""
    resized = tf.image.resize(image, [image_size, image_size], antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)


def split_words(texts: tf.Tensor) -> tf.RaggedTensor:
    """Lower-cases texts [N] of UTF-8, drops line-break tags and splits into words and single signs [N, (words)]."""
    texts = tf.strings.lower(texts, encoding="utf-8")
    texts = tf.strings.regex_replace(texts, r"<br\s*/?>", " ")
    return tf.strings.split(tf.strings.regex_replace(texts, r"([^\pL\pN' ])", r" \1 "))


def build_vocabulary(texts: Sequence[bytes], vocabulary_size: int, chunk_size: int = 4096) -> list[str]:
    """The most frequent words of `texts`, most frequent first, ties in alphabetical order."""
    counts: collections.Counter[bytes] = collections.Counter()
    for start in range(0, len(texts), chunk_size):
        counts.update(split_words(tf.constant(texts[start : start + chunk_size])).flat_values.numpy())
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [word.decode("utf-8", "replace") for word, _ in ranked[:vocabulary_size]]


def vocabulary_table(vocabulary: Sequence[str]) -> tf.lookup.StaticHashTable:
    """A table from words to their numbers; it is part of the graph and needs no file beside it."""
    numbers = tf.range(FIRST_WORD, FIRST_WORD + len(vocabulary), dtype=tf.int64)
    initializer = tf.lookup.KeyValueTensorInitializer(tf.constant(list(vocabulary), tf.string), numbers)
    return tf.lookup.StaticHashTable(initializer, default_value=UNKNOWN)


def encode_texts(texts: tf.Tensor, table: tf.lookup.StaticHashTable, sequence_length: int) -> tf.Tensor:
    """Word numbers of texts, padded with PADDING behind.

    A text with more than `sequence_length` words keeps its first quarter of them and the rest from its end, where
    reviewers give their verdict.

    Args:
        texts: string tensor of shape [N].
        table: from `vocabulary_table`.
        sequence_length: words kept of one text.

    Returns:
        int32 tensor of shape [N, sequence_length].
    """
    words = split_words(texts)
    numbers = tf.ragged.map_flat_values(table.lookup, words)
    head = sequence_length // 4
    lengths = numbers.row_lengths()
    long = lengths > sequence_length
    head_lengths = tf.where(long, tf.cast(head, tf.int64), lengths)
    tail_lengths = tf.where(long, tf.cast(sequence_length - head, tf.int64), tf.zeros_like(lengths))
    position = tf.cast(tf.range(sequence_length)[None, :], tf.int64)
    in_tail = position >= head_lengths[:, None]
    source = tf.where(in_tail, position - head_lengths[:, None] + (lengths - tail_lengths)[:, None], position)
    present = position < (head_lengths + tail_lengths)[:, None]
    flat_position = tf.where(present, numbers.row_starts()[:, None] + source, 0)
    # One entry more keeps the gather legal when every text is empty.
    flat = tf.concat([tf.cast(numbers.flat_values, tf.int32), [PADDING]], axis=0)
    return tf.where(present, tf.gather(flat, flat_position), PADDING)


def encode_all_texts(
    texts: Sequence[bytes], table: tf.lookup.StaticHashTable, sequence_length: int, chunk_size: int = 2048
) -> np.ndarray:
    """`encode_texts` over many texts in chunks; int32 array of shape [N, sequence_length]."""
    encode = tf.function(lambda chunk: encode_texts(chunk, table, sequence_length), reduce_retracing=True)
    chunks = [
        encode(tf.constant(texts[i : i + chunk_size])).numpy() for i in range(0, len(texts), chunk_size)
    ]
    return np.concatenate(chunks)


def decode_all_images(encoded: Sequence[bytes], image_size: int, chunk_size: int = 2048) -> np.ndarray:
    """`decode_images` over many images in chunks; uint8 array of shape [N, image_size, image_size, 3]."""
    decode = tf.function(lambda chunk: decode_images(chunk, image_size), reduce_retracing=True)
    chunks = [
        decode(tf.constant(encoded[i : i + chunk_size])).numpy() for i in range(0, len(encoded), chunk_size)
    ]
    return np.concatenate(chunks)


def augment(images: tf.Tensor, seed: tf.Tensor, most_pixels: int) -> tf.Tensor:
    """Random shifts by up to `most_pixels`, mirrored at the edges, and mirror images; the same for the same `seed`.

    Args:
        images: tensor of shape [N, H, W, C].
        seed: int32 tensor of shape [2].
        most_pixels: in each direction.

    Returns:
        tensor of the same shape and type. Each eighth of the batch shares one shift, which costs an eighth of the
        slices of a shift per image.
    """
    height, width = images.shape[1], images.shape[2]
    edges = [most_pixels, most_pixels]
    padded = tf.pad(images, [[0, 0], edges, edges, [0, 0]], mode="REFLECT")
    groups = 8
    shifts = tf.random.stateless_uniform([groups, 2], seed, 0, 2 * most_pixels + 1, tf.int32)
    count = tf.shape(images)[0]
    bounds = [count * group // groups for group in range(groups + 1)]
    shifted = tf.concat(
        [
            padded[
                bounds[group] : bounds[group + 1],
                shifts[group, 0] : shifts[group, 0] + height,
                shifts[group, 1] : shifts[group, 1] + width,
            ]
            for group in range(groups)
        ],
        axis=0,
    )
    shifted = tf.ensure_shape(shifted, images.shape)
    mirrored = tf.random.stateless_uniform([count, 1, 1, 1], seed + 1) < 0.5
    return tf.where(mirrored, shifted[:, :, ::-1], shifted)
