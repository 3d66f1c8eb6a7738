"""Names that look the same, and names that tell members apart.

Two names look the same if they have the same skeleton (Unicode Technical Standard 39). Here it also ignores case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container
from functools import cache
from itertools import count
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

from chalicelib.graphemes import cut
from chalicelib.limits import MAX_DISPLAY_NAME_LENGTH
from chalicelib.protocol.glyphs import BLANK, IGNORABLE

MAX_RESERVED_LENGTH = 2 * MAX_DISPLAY_NAME_LENGTH
"""Longest skeleton that a room stores: every join reads the room."""


def skeleton(name: str) -> str:
    """Return a text that is the same for all names that look the same. Never show it."""
    # Folding may turn a character into one that folds again, such as a letter whose small form looks like another one.
    while (folded := _fold(name)) != name:
        name = folded
    return name


def reserved(name: str) -> str:
    """Return the skeleton under which a room reserves a name while its member is away.

    It is empty if the skeleton is far longer than the name: some characters stand for whole sentences.
    """
    found = skeleton(name)
    return found if len(found) <= MAX_RESERVED_LENGTH else ""


def numbered(name: str, taken: Container[str]) -> str:
    """Return the name, or if its skeleton is taken, the name with the first number that makes another one of it.

    A long name is cut to fit. taken: skeletons.
    """
    if skeleton(name) not in taken:
        return name
    candidates = (_with_number(name, number) for number in count(2))
    return next(candidate for candidate in candidates if skeleton(candidate) not in taken)


def is_numbered(given: str, name: str) -> bool:
    """Return whether `numbered` may have made a given name of a name."""
    number = re.search(r" \((\d{1,6})\)\Z", given)
    return given == name or (number is not None and given == _with_number(name, int(number[1])))


def _with_number(name: str, number: int) -> str:
    suffix = f" ({number})"
    return (cut(name, MAX_DISPLAY_NAME_LENGTH - len(suffix)).rstrip() + suffix).lstrip()


def _fold(text: str) -> str:
    tables = _tables()
    decomposed = tables.ignorable.sub("", normalize("NFKD", text))
    spaced = " ".join(tables.blank.sub(" ", decomposed).split())
    # Capital i looks like small L, but is a form of small i: all three count as one letter.
    return spaced.translate(tables.confusables).casefold().replace("i", "l")


class _Tables(NamedTuple):
    ignorable: re.Pattern[str]
    blank: re.Pattern[str]
    confusables: dict[int, str]


@cache
def _tables() -> _Tables:
    """Load the tables when they are first used: cold starts should not wait for them."""
    sources = json.loads(Path(__file__).with_name("confusables.json").read_bytes())
    confusables = {ord(source): target for target, characters in sources.items() for source in characters}
    return _Tables(re.compile(f"[{IGNORABLE}]"), re.compile(f"[{BLANK}]"), confusables)
