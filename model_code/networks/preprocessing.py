"""From bytes to what the networks take, in TensorFlow's graph: training and serving call the same functions."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from model_code.hyperparameters import SequenceHyperparameters
from model_code.networks.orientation import upright
from model_code.networks.words import split_words

PADDING = 0
UNKNOWN = 1
# What is hidden of an image becomes this, half of full brightness.
GREY = 127
# A PNG file whose pixels have an opacity (colour types 4 and 6 in its header, or the chunk tRNS; PNG, 11.2 and 11.3).
TRANSPARENT_PNG = r"\CPNG(\C{21}[\x04\x06]\C*|\C*tRNS\C*)"
FIRST_WORD = 2
# Different words that are counted at a time; the rarer half of more is forgotten, so that memory stays bounded.
MOST_COUNTED_WORDS = 2_000_000


def decode_images(encoded: tf.Tensor, image_size: int) -> tf.Tensor:
    """Decodes PNG or JPEG files, turns them as their EXIF says, and resizes those of another size with antialiasing.

    Args:
        encoded: string tensor of shape [N].
        image_size: side in pixels.

    Returns:
        uint8 tensor of shape [N, image_size, image_size, 3].

    Raises:
        tf.errors.InvalidArgumentError: when an element is no image that TensorFlow decodes.
    """

    def decode(content: tf.Tensor) -> tf.Tensor:
        image = upright(decode_image(content), content)
        shape = tf.shape(image)
        fits = tf.logical_and(tf.equal(shape[0], image_size), tf.equal(shape[1], image_size))
        resized = tf.cond(fits, lambda: image, lambda: resize(image, image_size))
        resized.set_shape([image_size, image_size, 3])
        return resized

    return tf.map_fn(
        decode, encoded, fn_output_signature=tf.TensorSpec([image_size, image_size, 3], tf.uint8)
    )


def decode_image(content: tf.Tensor) -> tf.Tensor:
    """The pixels of one PNG or JPEG file, string [], as uint8 [height, width, 3]; what is transparent is on white.

    Raises:
        tf.errors.InvalidArgumentError: when it is no image that TensorFlow decodes.
    """
    # TensorFlow decodes no JPEG file into four channels.
    image = tf.cond(
        tf.strings.regex_full_match(content, TRANSPARENT_PNG),
        lambda: on_white(tf.io.decode_png(content, channels=4)),
        lambda: tf.io.decode_image(content, channels=3, expand_animations=False),
    )
    return tf.ensure_shape(image, [None, None, 3])


def on_white(pixels: tf.Tensor) -> tf.Tensor:
    """`definitions.image_files.on_white` in the graph: uint8 [height, width, 4] to [height, width, 3]."""
    colours, opacity = tf.split(tf.cast(pixels, tf.int32), [3, 1], axis=2)
    return tf.cast((colours * opacity + 255 * (255 - opacity) + 127) // 255, tf.uint8)


def resize(image: tf.Tensor, image_size: int) -> tf.Tensor:
    """Resizes one uint8 image to a square, with rounding back to uint8."""
    resized = tf.image.resize(image, [image_size, image_size], antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)


def build_vocabulary(texts: Iterable[bytes], vocabulary_size: int, chunk_size: int = 512) -> list[str]:
    """The most frequent words of `texts`, most frequent first, ties in alphabetical order."""
    counts: collections.Counter[bytes] = collections.Counter()
    remaining = iter(texts)
    while chunk := list(itertools.islice(remaining, chunk_size)):
        counts.update(split_words(tf.constant(chunk)).flat_values.numpy())
        if len(counts) > MOST_COUNTED_WORDS:
            counts = collections.Counter(dict(counts.most_common(MOST_COUNTED_WORDS // 2)))
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
    encode = tf.function(
        lambda chunk: encode_texts(chunk, table, sequence_length), autograph=False, reduce_retracing=True
    )
    chunks = [
        encode(tf.constant(texts[i : i + chunk_size])).numpy() for i in range(0, len(texts), chunk_size)
    ]
    return np.concatenate(chunks)


def stack_sequences(sequences: Sequence[np.ndarray], steps: int | None = None) -> np.ndarray:
    """Sequences [length, channels] of any lengths as one array, padded behind with NaN.

    Args:
        sequences: at least one, all with the same number of channels.
        steps: of the result, at least the longest sequence's, which is the default.

    Returns:
        float32 array of shape [N, steps, channels].
    """
    longest = max(len(sequence) for sequence in sequences)
    stacked = np.full((len(sequences), steps or longest, sequences[0].shape[1]), np.nan, np.float32)
    for row, sequence in zip(stacked, sequences, strict=True):
        row[: len(sequence)] = sequence
    return stacked


def pad_sequences(sequences: tf.Tensor, sequence_length: int) -> tf.Tensor:
    """Sequences padded behind with NaN to the length that the network reads.

    Args:
        sequences: float tensor of shape [N, steps, channels]; a shorter one has steps of NaN behind it.
        sequence_length: the network's.

    Returns:
        float tensor of shape [N, sequence_length, channels].

    Raises:
        tf.errors.InvalidArgumentError: when there are more steps than that.
    """
    steps = tf.shape(sequences)[1]
    check = tf.debugging.assert_less_equal(
        steps, sequence_length, message=f"The model reads sequences of at most {sequence_length} steps."
    )
    with tf.control_dependencies([check] if check is not None else []):
        padding = [[0, 0], [0, sequence_length - steps], [0, 0]]
    padded = tf.pad(sequences, padding, constant_values=float("nan"))
    return tf.ensure_shape(padded, [None, sequence_length, sequences.shape[2]])


def decode_all_images(encoded: Sequence[bytes], image_size: int, chunk_size: int = 2048) -> np.ndarray:
    """`decode_images` over many images in chunks; uint8 array of shape [N, image_size, image_size, 3]."""
    decode = tf.function(
        lambda chunk: decode_images(chunk, image_size), autograph=False, reduce_retracing=True
    )
    chunks = [
        decode(tf.constant(encoded[i : i + chunk_size])).numpy() for i in range(0, len(encoded), chunk_size)
    ]
    return np.concatenate(chunks)


def augment(images: tf.Tensor, seed: tf.Tensor, most_pixels: int, mirror: bool = False) -> tf.Tensor:
    """Random shifts by up to `most_pixels`, reflected at the edges, and mirror images; the same for the same `seed`.

    Args:
        images: tensor of shape [N, H, W, C].
        seed: int32 tensor of shape [2].
        most_pixels: in each direction.
        mirror: turns every second image from left to right, as a rule.

    Returns:
        tensor of the same shape and type. Each eighth of the batch shares one shift, which costs an eighth of the
        slices of a shift per image.
    """
    height, width = images.shape[1], images.shape[2]
    padded = reflected(reflected(images, most_pixels, axis=1), most_pixels, axis=2)
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
    if not mirror:
        return shifted
    mirrored = tf.random.stateless_uniform([count, 1, 1, 1], seed + 1) < 0.5
    return tf.where(mirrored, shifted[:, :, ::-1], shifted)


def reflected(images: tf.Tensor, pixels: int, axis: int) -> tf.Tensor:
    """What `tf.pad(…, mode="REFLECT")` gives along the axis, in a third of its time on a processor."""
    count, first = images.shape[axis], [slice(None)] * axis
    before = images[(*first, slice(1, pixels + 1))]
    behind = images[(*first, slice(count - pixels - 1, count - 1))]
    return tf.concat([tf.reverse(before, [axis]), images, tf.reverse(behind, [axis])], axis)


def cutout(images: tf.Tensor, seed: tf.Tensor, side: int) -> tf.Tensor:
    """Images [N, H, W, C], 0 to 255, each with a grey square of `side` pixels somewhere; the same for the same `seed`.

    It may lie across an edge (DeVries and Taylor 2017, arXiv 1708.04552). The seed is an int32 tensor of shape [2].
    """
    height, width = images.shape[1], images.shape[2]
    top, left = (
        tf.random.stateless_uniform(
            [tf.shape(images)[0]], seed + number, 1 - side // 2, size - side // 2, tf.int32
        )
        for number, size in enumerate((height, width), start=1_000_003)
    )
    rows, columns = (
        (tf.range(size) >= first[:, None]) & (tf.range(size) < first[:, None] + side)
        for size, first in ((height, top), (width, left))
    )
    hidden = rows[:, :, None, None] & columns[:, None, :, None]
    return tf.where(hidden, tf.constant(GREY, images.dtype), images)


def word_dropout(numbers: tf.Tensor, seed: tf.Tensor, share: float) -> tf.Tensor:
    """Word numbers [N, L] with a random `share` of the words unknown; the same for the same int32 `seed` [2]."""
    dropped = tf.random.stateless_uniform(tf.shape(numbers), seed) < share
    return tf.where(dropped & (numbers != PADDING), UNKNOWN, numbers)


def augment_sequences(sequences: tf.Tensor, seed: tf.Tensor, settings: SequenceHyperparameters) -> tf.Tensor:
    """Sensor sequences as they might have been recorded too: the same for the same `seed`; padding stays padding.

    Args:
        sequences: float tensor of shape [N, L, C], padded behind with NaN.
        seed: int32 tensor of shape [2].
        settings: which changes, and how strong; see `SequenceHyperparameters`. At 0 a change is left out.

    Returns:
        float tensor of shape [N, L, C].
    """
    count, channels = tf.shape(sequences)[0], sequences.shape[2]
    # Each kind of change draws from a seed of its own, far from the next step's.
    speed_seed, mirror_seed, turn_seed, scale_seed, noise_seed = (seed + [i * 1_000_003, 0] for i in range(5))
    if settings.warp_spread:
        speeds = tf.exp(tf.random.stateless_normal([count, 1], speed_seed) * settings.warp_spread)
        sequences = at_speed(sequences, speeds)
    if settings.mirrored_channels:
        flipped = [int(part) for part in settings.mirrored_channels.split(",")]
        signs = tf.constant([-1.0 if i in flipped else 1.0 for i in range(channels)])
        mirrored = tf.random.stateless_uniform([count, 1, 1], mirror_seed) < 0.5
        sequences = tf.where(mirrored, sequences * signs, sequences)
    if settings.rotation_degrees:
        turns = random_turns(count, turn_seed, settings.rotation_degrees)
        vectors = tf.reshape(sequences, [count, -1, 3])
        sequences = tf.reshape(tf.einsum("nij,nvj->nvi", turns, vectors), tf.shape(sequences))
    if settings.scale_spread:
        spread = tf.random.stateless_normal([count, 1, channels], scale_seed) * settings.scale_spread
        sequences = sequences * tf.exp(spread)
    if settings.jitter_spread:
        noise = tf.random.stateless_normal(tf.shape(sequences), noise_seed)
        sequences = sequences + noise * settings.jitter_spread
    return sequences


def at_speed(sequences: tf.Tensor, speeds: tf.Tensor) -> tf.Tensor:
    """Sequences [N, L, C] played at speeds [N, 1] about their middle, linear between steps; the ends are held."""
    steps = sequences.shape[1]
    middle = (steps - 1) / 2
    position = tf.clip_by_value(
        (tf.range(steps, dtype=tf.float32) - middle) * speeds + middle, 0.0, steps - 1.0
    )
    before = tf.minimum(tf.cast(tf.floor(position), tf.int32), max(steps - 2, 0))
    share = (position - tf.cast(before, tf.float32))[..., None]
    after = tf.minimum(before + 1, steps - 1)
    first, second = (tf.gather(sequences, positions, batch_dims=1) for positions in (before, after))
    return first * (1 - share) + second * share


def random_turns(count: tf.Tensor, seed: tf.Tensor, degrees: float) -> tf.Tensor:
    """Rotation matrices [count, 3, 3] about random axes by angles of that standard deviation (Rodrigues's formula)."""
    axes, _ = tf.linalg.normalize(tf.random.stateless_normal([count, 3], seed), axis=1)
    angles = tf.random.stateless_normal([count, 1, 1], seed + 1) * (degrees * np.pi / 180)
    x, y, z = tf.unstack(axes, axis=1)
    zero = tf.zeros_like(x)
    cross = tf.reshape(tf.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1), [-1, 3, 3])
    return tf.eye(3) + tf.sin(angles) * cross + (1 - tf.cos(angles)) * (cross @ cross)
