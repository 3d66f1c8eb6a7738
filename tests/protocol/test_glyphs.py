"""Names and texts are accepted exactly if something of them is visible, in all of Unicode."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.validation import is_valid
from chalicelib.protocol.values import (
    LINE,
    LINES,
    DisplayName,
    MessageText,
    RoomName,
    WebhookName,
    is_blank,
    repair,
)

# The properties by another implementation of Unicode than the one that the table is generated from.
INVISIBLE_CHARACTER = r"[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cs}]"
INVISIBLE = regex.compile(f"{INVISIBLE_CHARACTER}*")
NOT_ON_A_LINE = regex.compile(r"[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]")
NOT_IN_LINES = regex.compile(r"[^\P{Cc}\n\t]|\p{Cs}")

# Full and half blank of Egyptian hieroglyphs are newer than Unicode 14.
BLANKS = "\N{BRAILLE PATTERN BLANK}\N{KHITAN SMALL SCRIPT FILLER}\N{MUSICAL SYMBOL NULL NOTEHEAD}\U00013441\U00013442"

CHARACTERS = "".join(map(chr, range(sys.maxunicode + 1)))
INVISIBLES = regex.findall(f"{INVISIBLE_CHARACTER}|[{BLANKS}]", CHARACTERS)
# Random characters are hardly ever invisible.
TEXTS = st.text(st.sampled_from(INVISIBLES) | st.characters(), min_size=1, max_size=40)


def has_glyph(text: str) -> bool:
    """Return whether something of a text is visible."""
    return INVISIBLE.fullmatch(re.sub(f"[{BLANKS}]", "", text)) is None


def test_each_character_is_accepted_exactly_if_it_is_visible() -> None:
    line, lines = re.compile(LINE), re.compile(LINES)
    visible = [character for character in CHARACTERS if has_glyph(character)]
    assert [character for character in CHARACTERS if line.match(character)] == visible
    assert [character for character in CHARACTERS if lines.match(character)] == visible
    assert len(CHARACTERS) - len(visible) == len(INVISIBLES) > 6_000


@given(TEXTS)
@pytest.mark.parametrize("name", [RoomName, DisplayName, WebhookName])
def test_name_is_accepted_exactly_if_it_is_visible_and_on_one_line(name: Any, text: str) -> None:
    assert is_valid(text, name) == (has_glyph(text) and not NOT_ON_A_LINE.search(text))


@given(TEXTS)
def test_text_is_accepted_exactly_if_it_is_visible(text: str) -> None:
    assert is_valid(text, MessageText) == (has_glyph(text) and not NOT_IN_LINES.search(text))


@given(TEXTS)
def test_repaired_text_of_a_webhook_is_a_valid_message_unless_it_is_blank(text: str) -> None:
    assert is_valid(repair(text), MessageText) != is_blank(repair(text))
