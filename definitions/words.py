"""Where the words of a text in any language begin and end; every tokeniser of the project cuts by these classes.

A text is brought to lower case and decomposed (Unicode's NFD), so that a letter with an accent is the same however it
was typed. Marks belong to the letter before them. Scripts that put no space between words are cut by character.
The classes are ranges that Python's `re` and RE2, which TensorFlow uses, read alike.
"""

from __future__ import annotations

import re
import unicodedata

# Number of these rules. An artefact says by which ones its network learnt; one that says none, by those before.
RULES = 2
LINE_BREAK = r"<br[\t\n\f\r ]*/?>"
# Soft hyphens, joiners and variation selectors: they change how letters look, and no word.
INVISIBLE = "[\u00ad\u200c\u200d\u2060\ufe00-\ufe0f\ufeff]"
# Zero-width space among them, which Thai and Khmer writers put between words.
SPACES = "[\u00a0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000]"
# Thai, Lao, Myanmar, Khmer, kana, bopomofo and Han, with the marks that stand on them.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uaa60-\uaa7f\uf900-\ufaff\uff66-\uff9f\U00020000-\U000323af"
)
MARKS_OF_UNSPACED = (
    "\u0300-\u036f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u1056-\u1059"
    "\u105e-\u1060\u1062-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d\u108f\u109a-\u109d\u17b4-\u17d3\u17dd\u3099\u309a"
)
CHARACTER = f"([{UNSPACED}][{MARKS_OF_UNSPACED}]*)"
# For Python `\w` is letters, numbers and "_", but not marks, which `apart` therefore looks up.
SIGN = re.compile(r"[^\w' ]|_")
# Capitals since Unicode 14 (Vithkuqi, some Latin and a Glagolitic one), which TensorFlow's `lower` leaves as they are.
LATER_CAPITALS = re.compile(
    "([\u2c2f\ua7c0\ua7d0\ua7d6\ua7d8\U00010570-\U0001057a\U0001057c-\U0001058a\U0001058c-\U00010592\U00010594\U00010595]+)"
)
LINE_BREAKS, INVISIBLES, SPACINGS = re.compile(LINE_BREAK), re.compile(INVISIBLE), re.compile(SPACES)
CHARACTERS = re.compile(CHARACTER)


def words_of(text: str) -> list[str]:
    """The words, single signs and characters of unspaced scripts in a text, in lower case and decomposed."""
    # For TensorFlow's `lower` a text ends before its first zero byte.
    text = text.partition("\0")[0]
    # Every other part is what lies between the capitals that stay.
    parts = (part if number % 2 else part.lower() for number, part in enumerate(LATER_CAPITALS.split(text)))
    text = LINE_BREAKS.sub(" ", unicodedata.normalize("NFD", "".join(parts)))
    text = CHARACTERS.sub(r" \1 ", SPACINGS.sub(" ", INVISIBLES.sub("", text)))
    # Of white space ASCII's alone parts words, as in TensorFlow's split.
    return [word.decode() for word in SIGN.sub(apart, text).encode("utf-8", "replace").split()]


def apart(sign: re.Match[str]) -> str:
    """A sign between spaces; a mark stays where it is."""
    return sign[0] if unicodedata.category(sign[0]).startswith("M") else f" {sign[0]} "
