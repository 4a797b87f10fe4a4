"""Divides texts into the word pieces of BERT's uncased vocabulary, as its authors' tokenizer does."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

PADDING, UNKNOWN, FIRST, LAST = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
CONTINUES = "##"
# A longer word is unknown as a whole, as it was in training.
WORD_CHARACTERS_MOST = 100
WORDS_KEPT = 100_000
# Of the CJK ideographs, each of which is a word: first and last.
IDEOGRAPHS = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)


class WordPieces:
    """The tokenizer (Wu et al. 2016, arXiv 1609.08144; Devlin et al. 2019, arXiv 1810.04805)."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        """Takes the pieces in the order of their numbers; those inside a word begin with `##`.

        Raises:
            ValueError: when one of the four special pieces is not among them.
        """
        self.numbers = {piece: number for number, piece in enumerate(vocabulary)}
        missing = [piece for piece in (PADDING, UNKNOWN, FIRST, LAST) if piece not in self.numbers]
        if missing:
            raise ValueError(f"The vocabulary has no {' and no '.join(missing)}.")
        self.pieces_of_word = lru_cache(WORDS_KEPT)(self.divide)

    def __call__(self, text: str, length_most: int) -> list[int]:
        """The numbers of a text's pieces between [CLS] and [SEP], no more than `length_most` of them in all."""
        numbers: list[int] = []
        for word in basic_words(text):
            if len(numbers) >= length_most - 2:
                break
            numbers += self.pieces_of_word(word)
        return [self.numbers[FIRST], *numbers[: length_most - 2], self.numbers[LAST]]

    def divide(self, word: str) -> tuple[int, ...]:
        """The numbers of the longest pieces from the left; [UNK] for a word that has a part without a piece."""
        if len(word) > WORD_CHARACTERS_MOST:
            return (self.numbers[UNKNOWN],)
        pieces, start = [], 0
        while start < len(word):
            before = CONTINUES if start else ""
            ends = (end for end in range(len(word), start, -1) if before + word[start:end] in self.numbers)
            end = next(ends, None)
            if end is None:
                return (self.numbers[UNKNOWN],)
            pieces.append(self.numbers[before + word[start:end]])
            start = end
        return tuple(pieces)


def basic_words(text: str) -> Iterator[str]:
    """The words of a text in lower case and without accents; each mark of punctuation and ideograph is one."""
    kept = "".join(character for character in text if not is_control(character))
    plain = "".join(
        # One by one, so that a sigma at a word's end is lowered as within it.
        character.lower()
        for character in unicodedata.normalize("NFD", kept)
        if unicodedata.category(character) != "Mn"
    )
    word: list[str] = []
    for character in plain:
        alone = is_punctuation(character) or is_ideograph(character)
        if alone or character.isspace():
            if word:
                yield "".join(word)
            word = []
            if alone:
                yield character
        else:
            word.append(character)
    if word:
        yield "".join(word)


def is_punctuation(character: str) -> bool:
    """Whether it ends a word and is one: Unicode's punctuation, and every ASCII sign that is no letter or digit."""
    ascii_sign = "!" <= character <= "~" and not character.isalnum()
    return ascii_sign or unicodedata.category(character).startswith("P")


def is_ideograph(character: str) -> bool:
    """Whether it is one of IDEOGRAPHS."""
    return any(first <= ord(character) <= last for first, last in IDEOGRAPHS)


def is_control(character: str) -> bool:
    """Whether it is left out: control, format and private characters, and the mark of what could not be decoded."""
    if character in "\t\n\r":
        return False
    return character == "\ufffd" or unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs")
