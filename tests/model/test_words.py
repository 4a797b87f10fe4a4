"""A text in any language has the same words in TensorFlow's graph and without it, however its letters were typed."""

from __future__ import annotations

import unicodedata

import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from definitions.words import LATER_CAPITALS, words_of
from model_code.networks.words import decomposed, split_words

SPLIT = tf.function(split_words, input_signature=[tf.TensorSpec([None], tf.string)])
DECOMPOSED = tf.function(decomposed, input_signature=[tf.TensorSpec([None], tf.string)])
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=40)


def in_graph(*texts: str) -> list[list[str]]:
    """The words of texts, by TensorFlow."""
    return [
        [word.decode() for word in row]
        for row in SPLIT(tf.constant([text.encode() for text in texts])).to_list()
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("बहुत अच्छी सेवा", ["बहुत", "अच्छी", "सेवा"]),
        ("مُحَمَّد كَتَبَ", ["مُحَمَّد", "كَتَبَ"]),
        ("می\u200cخواهم", ["میخواهم"]),
        ("服务很好!", ["服", "务", "很", "好", "!"]),
        ("カフェが好き", ["カ", "フ", "ェ", "が", "好", "き"]),
        ("อาหารดี", ["อ", "า", "ห", "า", "ร", "ดี"]),
        ("한국어 좋아", ["한국어", "좋아"]),
        ("Ελλάδα είναι", ["ελλάδα", "είναι"]),
        ("one\u00a0two\u3000three", ["one", "two", "three"]),
        ("co\u00adoperate ❤\ufe0f", ["cooperate", "❤"]),
        ("naïve, don't<br />GO", ["naïve", ",", "don't", "go"]),
    ],
)
def test_a_text_in_any_script_is_cut_into_words(text, words):
    expected = [unicodedata.normalize("NFD", word) for word in words]

    for form in ("NFC", "NFD"):
        typed = unicodedata.normalize(form, text)
        assert words_of(typed) == expected
        assert in_graph(typed) == [expected]


@settings(deadline=None, max_examples=150)
@given(ANY_TEXT)
@example("e\u0301\u0323 ệ Å ngstro\u0308m 각 a\u0316\u0301 á\u0316")
@example("ΣΑΣ. İstanbul ½ ² Ⅷ 〇 ªº ﬁ 中文 \u0301")
@example("\U00010570\u2c2f \U00010570ΑΣ ΑΣ\U00010595Σ")
@example("Don't\x85the\x0b<BR\n/>\x1cthe good\0film")
def test_any_text_has_the_same_words_in_the_graph(text):
    assert in_graph(text) == [words_of(text)]


def test_the_same_letters_have_a_lower_case_in_the_graph():
    letters = [letter for letter in map(chr, range(1, 0x110000)) if letter.lower() != letter]
    found = tf.strings.lower([letter.encode() for letter in letters], encoding="utf-8").numpy()
    stay = [
        letter for letter, lowered in zip(letters, found, strict=True) if lowered.decode() != letter.lower()
    ]
    assert stay == [letter for letter in letters if LATER_CAPITALS.fullmatch(letter)]


@settings(deadline=None, max_examples=150)
@given(st.lists(ANY_TEXT, max_size=4))
@example(["a\u0301", "\u0323\u0301\u0316", "", "각각"])
def test_any_texts_are_decomposed_as_unicode_says(texts):
    found = DECOMPOSED(tf.constant([text.encode() for text in texts], tf.string)).numpy()

    assert [one.decode() for one in found] == [unicodedata.normalize("NFD", text) for text in texts]
