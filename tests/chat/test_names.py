"""Names that look the same, and their numbers."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.chat.names import numbered, skeleton
from chalicelib.limits import MAX_DISPLAY_NAME_LENGTH
from chalicelib.protocol.validation import is_valid
from chalicelib.protocol.values import DisplayName, strip_spaces

FAMILY = "👩\u200d👩\u200d👧\u200d👦"
ASSIGNED = st.characters(exclude_categories=("Cs", "Cn"))
NAMES = (
    st.text(ASSIGNED, min_size=1, max_size=MAX_DISPLAY_NAME_LENGTH)
    .map(strip_spaces)
    .filter(lambda name: is_valid(name, DisplayName))
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Mia", "MIA"),
        ("Mia", "rnia"),
        ("Mia", "М\u0456а"),  # noqa: RUF001 (Cyrillic)
        ("Bill", "BiII"),
        ("Bill", "bi11"),
        ("Ms. Teacher", "Ms.  Teacher "),
        ("Ms. Teacher", "Ms.\u2800Teacher"),
        ("Ms. Teacher", "Ms.\u00a0Теасһег"),  # noqa: RUF001
        ("Mia", "Mi\u200da\u3164"),
        ("Mia", "Mi\U0001d41a"),
        ("Zoë", "Zoe\u0308"),
        ("Straße", "STRASSE"),
        ("①", "l"),
        ("O", "0"),
        ("АННА", "Анна"),  # noqa: RUF001
        ("MIA", "ᴍɪᴀ"),
    ],
)
def test_names_that_look_the_same_have_the_same_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Mia", "Mio"),
        ("Zoë", "Zoe"),
        ("Mia", "Mia (2)"),
        ("Ms Teacher", "MsTeacher"),
        ("田中", "田口"),
        ("نور", "نون"),
        ("Nina", "Vina"),
    ],
)
def test_names_that_look_different_have_different_skeletons(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


@given(st.text(ASSIGNED, max_size=MAX_DISPLAY_NAME_LENGTH))
def test_skeleton_looks_like_itself(text: str) -> None:
    assert skeleton(skeleton(text)) == skeleton(text)


@given(NAMES)
def test_skeleton_ignores_case_of_ascii(name: str) -> None:
    assume(name.isascii())
    assert skeleton(name.upper()) == skeleton(name.lower()) == skeleton(name)


@given(NAMES)
def test_name_has_a_skeleton(name: str) -> None:
    assert skeleton(name)


@given(NAMES, st.sampled_from(["\u200d", "\u200c", "\ufe0f", "\U000e0100"]), st.integers(0, 40))
def test_ignorable_characters_do_not_change_a_skeleton(name: str, ignorable: str, index: int) -> None:
    assert skeleton(name[:index] + ignorable + name[index:]) == skeleton(name)


@pytest.mark.parametrize(
    ("name", "taken", "given_name"),
    [
        ("Mia", [], "Mia"),
        ("Mia", ["Bo"], "Mia"),
        ("Mia", ["Mia"], "Mia (2)"),
        ("MIA", ["Mia"], "MIA (2)"),
        ("Mia", ["Mia", "mia (2)", "Mia (3)"], "Mia (4)"),
        ("Mia", ["Mia", "Mia (3)"], "Mia (2)"),
        ("Mia (2)", ["Mia (2)"], "Mia (2) (2)"),
        ("x" * 40, ["x" * 40], "x" * 36 + " (2)"),
        ("x" * 35 + " yyyy", ["x" * 35 + " yyyy"], "x" * 35 + " (2)"),
        ("x" * 33 + FAMILY, ["x" * 33 + FAMILY], "x" * 33 + " (2)"),
        ("a" + "\u0301" * 39, ["a" + "\u0301" * 39], "(2)"),
    ],
)
def test_name_that_is_taken_gets_the_first_free_number(name: str, taken: list[str], given_name: str) -> None:
    assert numbered(name, {skeleton(other) for other in taken}) == given_name


@given(NAMES, st.integers(1, 25))
def test_members_of_one_name_are_numbered(name: str, count: int) -> None:
    taken: set[str] = set()
    for _ in range(count):
        another = numbered(name, taken)
        assert is_valid(another, DisplayName)
        assert another == strip_spaces(another)
        assert skeleton(another) not in taken
        taken.add(skeleton(another))


@given(NAMES, st.sets(NAMES.map(skeleton), max_size=5))
def test_name_that_is_free_stays(name: str, taken: set[str]) -> None:
    assume(skeleton(name) not in taken)
    assert numbered(name, taken) == name
