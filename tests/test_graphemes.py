"""Cutting of texts between graphemes."""

from __future__ import annotations

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.graphemes import cut, is_one

FAMILY = "👩\u200d👩\u200d👧\u200d👦"
ASSIGNED = st.characters(exclude_categories=("Cs", "Cn"))
# What graphemes consist of, besides single characters: random characters rarely meet.
PIECES = st.sampled_from(
    [
        *"aé한ᄒ\u1161\u11abกำनमाि्\u0301\u0327\u200d\u200c\u0600\u0d4e\ufe0f\r\n",
        *"👩👍🇯🇵🇫\U0001f3fb",
        FAMILY,
        "\U000e0067\U000e007f",
    ]
)
TEXTS = st.lists(PIECES | ASSIGNED, max_size=30).map("".join)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("x" * 39 + "y", "x" * 39 + "y"),
        ("x" * 40 + "y", "x" * 40),
        ("x" * 39 + FAMILY, "x" * 39),
        ("x" * 33 + FAMILY + "y", "x" * 33 + FAMILY),
        ("x" * 34 + FAMILY, "x" * 34),
        ("x" * 39 + "e\u0301", "x" * 39),
        ("x" * 39 + "🇯🇵", "x" * 39),
        ("🇯🇵" * 21, "🇯🇵" * 20),
        ("x" + "🇯🇵" * 20, "x" + "🇯🇵" * 19),
        ("x" * 39 + "👍🏽", "x" * 39),
        ("x" * 39 + "\u1112\u1161\u11ab", "x" * 39),
        ("日" * 50, "日" * 40),
        ("a" + "\u0301" * 50, ""),
        ("", ""),
    ],
)
def test_text_is_cut_between_graphemes(text: str, start: str) -> None:
    assert cut(text, 40) == start


@given(TEXTS, st.integers(0, 30))
@example("🇯🇵🇫🇯", 3)
@example("\u2139\ufe0f\u200d👍", 3)
@example("क्\u200dष", 3)
@example("\u0915\u094d\u0951\u0937", 3)  # a mark between the sign that joins two consonants and the second one
def test_cut_text_consists_of_whole_graphemes(text: str, length: int) -> None:
    start = cut(text, length)
    assert text.startswith(start)
    assert len(start) <= length
    graphemes = regex.findall(r"\X", text)
    ends = {sum(map(len, graphemes[:count])) for count in range(len(graphemes) + 1)}
    assert len(start) in ends


@pytest.mark.parametrize(
    ("text", "is_single"),
    [
        ("❤️\u200d🔥", True),
        ("🧑🏽\u200d🎓", True),
        ("\u2139\ufe0f\u200d👍", True),
        ("क्\u200dष", True),
        ("ن\u200d", True),
        ("n\u200do", False),
        ("n\u0303\u200d\u200do", False),
        ("👍\u200da", False),
        ("1️\u200d👍", False),
        ("🇯\u200d🇵", False),
        ("\u200da", False),
    ],
)
def test_joiner_joins_emoji_and_consonants_but_no_letters(text: str, is_single: bool) -> None:
    assert is_one(text) == is_single == (regex.fullmatch(r"\X", text) is not None)


@given(st.lists(st.sampled_from(["a", "日", "e\u0301", "👍🏽", FAMILY, "🇯🇵", "한"]), max_size=30), st.integers(0, 30))
def test_no_grapheme_that_fits_is_left_out(graphemes: list[str], length: int) -> None:
    text = "".join(graphemes)
    fitting = [sum(map(len, graphemes[:count])) for count in range(len(graphemes) + 1)]
    assert len(cut(text, length)) == max(end for end in fitting if end <= length)
