"""How an image's file says that it is to be turned, in TensorFlow's graph as `definitions.image_files` reads it."""

from __future__ import annotations

import tensorflow as tf

from definitions.image_files import (
    EXIF_HEAD,
    JPEG_APP1,
    JPEG_BARE_MARKERS,
    JPEG_SCAN,
    JPEG_SIGNATURE,
    ORIENTATION_TAG,
    PNG_SIGNATURE,
    SHORT,
    UPRIGHT,
)

# Segments of a JPEG file, or chunks of a PNG file, that are looked at: no camera writes so many before the pixels.
MOST_PARTS = 10_000
JPEG_START, JPEG_OVER = 0xD8, 0xD9


def upright(image: tf.Tensor, content: tf.Tensor) -> tf.Tensor:
    """An image [height, width, …] turned as its file, a string tensor of shape [], says."""
    # Most files hold no EXIF, which is told in a fraction of the time that going through their parts takes.
    has_exif = tf.strings.regex_full_match(content, r"\C*(Exif|eXIf)\C*")
    return tf.cond(has_exif, lambda: turned(image, orientation_of(content)), lambda: image)


def turned(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """An image [height, width, …] turned from an orientation, int32 [], to upright."""
    image = tf.cond(orientation >= 5, lambda: tf.transpose(image, [1, 0, 2]), lambda: image)
    for axis, mirrored in ((0, (3, 4, 7, 8)), (1, (2, 3, 6, 7))):
        image = mirrored_where(tf.reduce_any(orientation == tf.constant(mirrored)), image, axis)
    return image


def mirrored_where(is_mirrored: tf.Tensor, image: tf.Tensor, axis: int) -> tf.Tensor:
    """An image mirrored along an axis, or as it is."""
    return tf.cond(is_mirrored, lambda: tf.reverse(image, [axis]), lambda: image)


# A function of its own, because it takes seconds to trace: so once a process, and not once for each caller.
@tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
def orientation_of(content: tf.Tensor) -> tf.Tensor:
    """Int32 [], 1 to 8 as in EXIF 2.32, 4.6.4; 1 where a file, a string tensor of shape [], says none."""
    octets = tf.io.decode_raw(content, tf.uint8)
    kinds = [(begins_with(octets, 0, JPEG_SIGNATURE), lambda: of_jpeg(octets))]
    kinds.append((begins_with(octets, 0, PNG_SIGNATURE), lambda: of_png(octets)))
    return tf.case(kinds, default=lambda: tf.constant(UPRIGHT))


def octets_at(octets: tf.Tensor, position: tf.Tensor | int, size: int) -> tf.Tensor:
    """Int64 [size], what stands in a file from a position on; what lies outside of it counts as 0."""
    places = tf.cast(position, tf.int64) + tf.range(size, dtype=tf.int64)
    count = tf.size(octets, tf.int64)
    is_inside = (places >= 0) & (places < count)
    values = tf.gather(octets, tf.clip_by_value(places, 0, tf.maximum(count - 1, 0)))
    return tf.where(is_inside, tf.cast(values, tf.int64), 0)


def number_at(
    octets: tf.Tensor, position: tf.Tensor | int, size: int, little: tf.Tensor | bool = False
) -> tf.Tensor:
    """Int64 [], the number in `size` octets from a position on."""
    powers = tf.constant([256**place for place in range(size)], tf.int64)
    return tf.reduce_sum(octets_at(octets, position, size) * tf.where(little, powers, powers[::-1]))


def begins_with(octets: tf.Tensor, position: tf.Tensor | int, words: bytes) -> tf.Tensor:
    """Whether `words` stand at a position."""
    return tf.reduce_all(octets_at(octets, position, len(words)) == tf.constant(list(words), tf.int64))


def of_jpeg(octets: tf.Tensor) -> tf.Tensor:
    """The first orientation but upright in the segments before the pixels."""
    count = tf.size(octets, tf.int64)
    bare = tf.constant(sorted(JPEG_BARE_MARKERS - {JPEG_START, JPEG_OVER}), tf.int64)

    def goes_on(position: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
        return (orientation == UPRIGHT) & (position + 4 <= count)

    def look(position: tf.Tensor, orientation: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        marker, length = number_at(octets, position + 1, 1), number_at(octets, position + 2, 2)
        is_marker = number_at(octets, position, 1) == 0xFF
        is_filling = ~is_marker | (marker == 0x00) | (marker == 0xFF)
        is_bare = tf.reduce_any(marker == bare)
        end = tf.minimum(position + 2 + length, count)
        is_exif = ~is_filling & (marker == JPEG_APP1) & begins_with(octets, position + 4, EXIF_HEAD)
        head = position + 4 + len(EXIF_HEAD)
        orientation = tf.cond(is_exif, lambda: of_tiff(octets, head, end), lambda: orientation)
        is_over = (marker == JPEG_START) | (marker == JPEG_OVER) | (marker == JPEG_SCAN)
        step = tf.where(is_bare, tf.constant(2, tf.int64), 2 + tf.maximum(length, 2))
        step = tf.where(is_filling, tf.constant(1, tf.int64), tf.where(is_over, count, step))
        return position + step, orientation

    start = (tf.constant(2, tf.int64), tf.constant(UPRIGHT))
    return tf.while_loop(goes_on, look, start, maximum_iterations=MOST_PARTS)[1]


def of_png(octets: tf.Tensor) -> tf.Tensor:
    """The orientation in the first chunk of EXIF."""
    count = tf.size(octets, tf.int64)

    def goes_on(position: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
        return position + 12 <= count

    def look(position: tf.Tensor, orientation: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        length = number_at(octets, position, 4)
        is_exif = begins_with(octets, position + 4, b"eXIf")
        end = tf.minimum(position + 8 + length, count)
        orientation = tf.cond(is_exif, lambda: of_tiff(octets, position + 8, end), lambda: orientation)
        is_over = is_exif | begins_with(octets, position + 4, b"IEND")
        return tf.where(is_over, count, position + 12 + length), orientation

    start = (tf.constant(len(PNG_SIGNATURE), tf.int64), tf.constant(UPRIGHT))
    return tf.while_loop(goes_on, look, start, maximum_iterations=MOST_PARTS)[1]


def of_tiff(octets: tf.Tensor, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """The orientation in the first directory of the TIFF file from `start` to `end`."""
    little = begins_with(octets, start, b"II*\0")
    is_tiff = (little | begins_with(octets, start, b"MM\0*")) & (start + 8 <= end)
    directory = start + number_at(octets, start + 4, 4, little)
    entries = tf.where(directory + 2 <= end, number_at(octets, directory, 2, little), 0)
    places = directory + 2 + 12 * tf.range(entries)
    places = tf.boolean_mask(places, places + 10 <= end)

    def look(place: tf.Tensor) -> tf.Tensor:
        is_orientation = (number_at(octets, place, 2, little) == ORIENTATION_TAG) & (
            number_at(octets, place + 2, 2, little) == SHORT
        )
        return tf.where(is_orientation, number_at(octets, place + 8, 2, little), -1)

    values = tf.cond(
        is_tiff & (tf.size(places) > 0),
        lambda: tf.map_fn(look, places),
        lambda: tf.constant([], tf.int64),
    )
    values = tf.boolean_mask(values, values >= 0)
    first = tf.concat([values, tf.constant([UPRIGHT], tf.int64)], axis=0)[0]
    return tf.cast(tf.where((first >= 1) & (first <= 8), first, UPRIGHT), tf.int32)
