"""Graphemes: what a reader sees as one character, such as an emoji with its skin tone."""

from __future__ import annotations

import re
from itertools import takewhile
from unicodedata import category, combining

# This approximates the rules of Unicode Standard Annex 29 from the safe side: it never finds a boundary where they have
# none. The libraries with the exact rules take 18 ms (pyuegc) and 34 ms (graphemeu) to import. The patterns are
# compiled when they are first used.

_CONTINUING = (  # besides marks: joiners, two vowels, sound marks, Hangul vowels and finals, skin tones, tags of flags
    "[\u200c\u200d\u0e33\u0eb3\uff9e\uff9f\u1160-\u11ff\ud7b0-\ud7fb\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
_CONTINUED = (  # Hangul initials, and Grapheme_Cluster_Break=Prepend
    "[\u1100-\u115f\ua960-\ua97c\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\U000110bd\U000110cd\U000111c2"
    "\U000111c3\U000113d1\U0001193f\U00011941\U00011a3a\U00011a84-\U00011a89\U00011d46\U00011f02]"
)
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
"""Regional indicators: each pair of them is a flag."""

_JOINER = "\u200d"

_INFORMATION = "\u2139"
"""The only emoji whose category is that of a letter."""

_VIRAMA = 9
"""Canonical_Combining_Class of the signs that join two consonants."""


def cut(text: str, length: int) -> str:
    """Return the longest start of a text that has at most `length` characters and ends with a whole grapheme.

    It is empty if the first grapheme is longer.
    """
    if len(text) <= length:
        return text
    return text[: next((end for end in range(length, 0, -1) if is_boundary(text, end)), 0)]


def is_one(text: str) -> bool:
    """Return whether a text is one grapheme. It also accepts some texts of two that are rarely written."""
    return bool(text) and not any(is_boundary(text, index) for index in range(1, len(text)))


def is_boundary(text: str, index: int) -> bool:
    """Return whether a grapheme ends before an index of a text, which is neither its start nor its end."""
    before, after = text[index - 1], text[index]
    if _is_mark(after) or re.match(_CONTINUING, after):
        return False
    if before == _JOINER:
        return not _joins(text[: index - 1], after)
    if re.match(_CONTINUED, before):
        return False
    marks_before = takewhile(_is_mark, reversed(text[:index]))
    if any(combining(mark) == _VIRAMA for mark in marks_before) or (before, after) == ("\r", "\n"):
        return False
    letters_before = index - len(text[:index].rstrip(_FLAG_LETTERS))
    return after not in _FLAG_LETTERS or letters_before % 2 == 0


def _joins(text: str, after: str) -> bool:
    """Return whether a joiner at the end of a text may join a character: it joins emoji, and consonants to a virama."""
    for base in reversed(text):
        if combining(base) == _VIRAMA:
            return True
        if not (_is_mark(base) or re.match(_CONTINUING, base)):
            return not (_is_letter(base) or _is_letter(after))
    return False


def _is_letter(character: str) -> bool:
    """Return whether a character is a letter or digit, also of a flag."""
    return character in _FLAG_LETTERS or (category(character)[0] in "LN" and character != _INFORMATION)


def _is_mark(character: str) -> bool:
    return category(character).startswith("M")
