"""Graphemes: what a reader sees as one character, such as an emoji with its skin tone."""

from __future__ import annotations

import re
from unicodedata import category, combining

VIRAMA = 9
"""Canonical_Combining_Class of the signs that join two consonants."""

# Approximates the rules of Unicode Technical Standard 29 from the safe side: it never finds a boundary where they have
# none. The libraries with the exact rules take 18 ms (pyuegc) and 34 ms (graphemeu) to import.

# Besides marks: joiners, two vowels, halfwidth sound marks, Hangul vowels and finals, skin tones, tags of flags.
_CONTINUES = re.compile(
    "[\u200c\u200d\u0e33\u0eb3\uff9e\uff9f\u1160-\u11ff\ud7b0-\ud7fb\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
# The joiner, Hangul initials, and Grapheme_Cluster_Break=Prepend.
_IS_CONTINUED = re.compile(
    "[\u200d\u1100-\u115f\ua960-\ua97c\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\U000110bd\U000110cd\U000111c2"
    "\U000111c3\U000113d1\U0001193f\U00011941\U00011a3a\U00011a84-\U00011a89\U00011d46\U00011f02]"
)
# A flag is a pair of these letters.
_FLAG_LETTERS = re.compile("[\U0001f1e6-\U0001f1ff]*")


def cut(text: str, length: int) -> str:
    """Return the longest start of a text that has at most `length` characters and ends with a whole grapheme.

    It is empty if the first grapheme is longer.
    """
    if len(text) <= length:
        return text
    return text[: next((end for end in range(length, 0, -1) if _is_boundary(text, end)), 0)]


def _is_boundary(text: str, index: int) -> bool:
    before, after = text[index - 1], text[index]
    if category(after).startswith("M") or _CONTINUES.match(after) or _IS_CONTINUED.match(before):
        return False
    if combining(before) == VIRAMA or (before, after) == ("\r", "\n"):
        return False
    if not _FLAG_LETTERS.fullmatch(after):
        return True
    letters = _FLAG_LETTERS.match(text[index - 1 :: -1] if index else "")
    return letters is None or len(letters[0]) % 2 == 0
