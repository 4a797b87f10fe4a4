"""`definitions.words` in TensorFlow's graph: from texts in any language to their words, in training and in serving."""

from __future__ import annotations

import functools
import sys
import unicodedata
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from definitions.words import CHARACTER, INVISIBLE, LINE_BREAK, SPACES

SIGN = r"([^\pL\pN\pM' ])"
# Hangul's syllables are decomposed by arithmetic (The Unicode Standard, 3.12).
SYLLABLES, LEADING, VOWELS, TRAILING = 0xAC00, 0x1100, 0x1161, 0x11A7
SYLLABLE_COUNT, OF_A_LEADING, OF_A_VOWEL = 11_172, 588, 28


@dataclass(frozen=True)
class Decompositions:
    """Unicode's canonical decompositions, and the classes by which marks are ordered.

    Attributes:
        letters: int32 [N], the characters that have one, in order.
        firsts: int32 [N], where in `parts` each one's begins.
        lengths: int32 [N], how many characters it has.
        parts: int32 [P], all of them one behind the other.
        marks: int32 [M], the characters of a class above 0, in order.
        classes: int32 [M], theirs.
    """

    letters: np.ndarray
    firsts: np.ndarray
    lengths: np.ndarray
    parts: np.ndarray
    marks: np.ndarray
    classes: np.ndarray


@functools.cache
def decompositions() -> Decompositions:
    """Those of the Unicode version that this Python has."""
    parts_of, marks = {}, {}
    for code in range(0xA0, sys.maxunicode + 1):
        letter = chr(code)
        if combining := unicodedata.combining(letter):
            marks[code] = combining
        # A surrogate is no character, and Hangul is left to arithmetic.
        if not 0xD800 <= code < 0xE000 and not 0 <= code - SYLLABLES < SYLLABLE_COUNT:
            parts = unicodedata.normalize("NFD", letter)
            if parts != letter:
                parts_of[code] = [ord(part) for part in parts]
    lengths = np.array([len(parts) for parts in parts_of.values()], np.int32)
    return Decompositions(
        np.array(list(parts_of), np.int32),
        (np.cumsum(lengths) - lengths).astype(np.int32),
        lengths,
        np.array([part for parts in parts_of.values() for part in parts], np.int32),
        np.array(list(marks), np.int32),
        np.array(list(marks.values()), np.int32),
    )


def split_words(texts: tf.Tensor) -> tf.RaggedTensor:
    """The words, single signs and characters of unspaced scripts of UTF-8 texts [N], as string [N, (words)]."""
    texts = tf.strings.lower(texts, encoding="utf-8")
    beyond_ascii = tf.where(tf.strings.length(texts, unit="UTF8_CHAR") != tf.strings.length(texts))
    texts = tf.tensor_scatter_nd_update(texts, beyond_ascii, decomposed(tf.gather_nd(texts, beyond_ascii)))
    for pattern, instead in (
        (LINE_BREAK, " "),
        (INVISIBLE, ""),
        (SPACES, " "),
        (CHARACTER, r" \1 "),
        (SIGN, r" \1 "),
    ):
        texts = tf.strings.regex_replace(texts, pattern, instead)
    return tf.strings.split(texts)


def decomposed(texts: tf.Tensor) -> tf.Tensor:
    """UTF-8 texts [N] in Unicode's normal form NFD."""
    known = decompositions()
    codes = tf.strings.unicode_decode(texts, "UTF-8")
    letters = codes.flat_values
    place = tf.minimum(tf.searchsorted(known.letters, letters), len(known.letters) - 1)
    is_known = tf.gather(known.letters, place) == letters
    syllable = letters - SYLLABLES
    is_syllable = (syllable >= 0) & (syllable < SYLLABLE_COUNT)
    of_syllable = tf.where(syllable % OF_A_VOWEL > 0, 3, 2)
    lengths = tf.where(is_known, tf.gather(known.lengths, place), tf.where(is_syllable, of_syllable, 1))
    ends = tf.concat([[0], tf.cumsum(lengths)], axis=0)
    # Of each character of the result: which one of the text it comes from, and where in its decomposition it stands.
    source = tf.repeat(tf.range(tf.size(letters)), lengths)
    within = tf.range(tf.size(source)) - tf.gather(ends, source)
    first = tf.gather(known.firsts, tf.gather(place, source))
    parts = tf.gather(known.parts, tf.minimum(first + within, len(known.parts) - 1))
    number = tf.gather(syllable, source)
    sounds = tf.stack(
        [
            LEADING + number // OF_A_LEADING,
            VOWELS + number % OF_A_LEADING // OF_A_VOWEL,
            TRAILING + number % OF_A_VOWEL,
        ],
        axis=1,
    )
    sound = tf.gather(sounds, tf.minimum(within, 2), batch_dims=1)
    plain = tf.where(tf.gather(is_syllable, source), sound, tf.gather(letters, source))
    result = tf.where(tf.gather(is_known, source), parts, plain)
    splits = tf.gather(ends, tf.cast(codes.row_splits, tf.int32))
    return tf.strings.unicode_encode(
        tf.RaggedTensor.from_row_splits(in_order_of_marks(result, splits), splits, validate=False), "UTF-8"
    )


def in_order_of_marks(letters: tf.Tensor, splits: tf.Tensor) -> tf.Tensor:
    """Characters with the marks of each letter in the order of their classes, as NFD has them.

    Args:
        letters: int32 [N], of all texts.
        splits: int32, where texts begin; a mark belongs to no letter of another text.
    """
    known = decompositions()
    place = tf.minimum(tf.searchsorted(known.marks, letters), len(known.marks) - 1)
    classes = tf.where(tf.gather(known.marks, place) == letters, tf.gather(known.classes, place), 0)
    begins = tf.math.bincount(splits, minlength=tf.size(letters) + 1, maxlength=tf.size(letters) + 1)[:-1]
    runs = tf.cumsum(tf.cast((classes == 0) | (begins > 0), tf.int64))
    keys = runs * 256 + tf.cast(classes, tf.int64)
    # Nearly always they are in order, and sorting is the slower way.
    return tf.cond(
        tf.reduce_all(keys[1:] >= keys[:-1]),
        lambda: letters,
        lambda: tf.gather(letters, tf.argsort(keys, stable=True)),
    )
