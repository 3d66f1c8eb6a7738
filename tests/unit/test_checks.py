"""What is taken from outside, and what is refused with a sentence that helps."""

import pytest
from chalice import BadRequestError

from chalicelib.checks import checked_name, checked_number, checked_object, checked_text


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "x" * 10,
        "日本語の部屋",
        "עברית",
        "e\u0301",
        "👩\u200d👩\u200d👧",
        "👍🏽",
        "\U0001fae8",  # an emoji that is younger than Python 3.11's Unicode
        "<b>&amp;",
        "two  gaps",
        "\u202eabc",
    ],
)
def test_text_of_any_script_is_taken_as_it_is(text: str) -> None:
    assert checked_text(text, "message", 10) == text


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "must be a text, not null"),
        (7, "must be a text, not a number"),
        (1.5, "must be a text, not a number"),
        (True, "must be a text, not a boolean"),
        (["a"], "must be a text, not an array"),
        ({"a": 1}, "must be a text, not an object"),
        ("", "must not be blank"),
        ("   ", "must not be blank"),
        ("\u200b\u2060", "must not be blank"),
        ("\u3000\u00a0", "must not be blank"),
        ("x" * 11, "must be at most 10 characters long, not 11"),
        ("a\x00b", "must not have control characters"),
        ("a\nb", "must not have control characters"),
        ("a\x7f", "must not have control characters"),
        ("a\x85", "must not have control characters"),
        ("a\ud800", "must be valid Unicode"),
    ],
)
def test_text_that_nobody_could_read_is_refused(value: object, problem: str) -> None:
    with pytest.raises(BadRequestError, match=f"^message {problem}"):
        checked_text(value, "message", 10)


def test_the_limit_counts_characters_not_bytes() -> None:
    assert checked_text("👍" * 10, "message", 10)


def test_a_name_is_taken_without_the_spaces_around_it() -> None:
    assert checked_name("  Tea room ", "roomName", 8) == "Tea room"


def test_a_name_that_is_not_a_text_is_refused() -> None:
    with pytest.raises(BadRequestError, match="roomName must be a text, not a number"):
        checked_name(5, "roomName", 80)


@pytest.mark.parametrize("value", ["1", "50", "100", "007"])
def test_a_whole_number_in_range_is_taken(value: str) -> None:
    assert checked_number({"limit": value}, "limit", 1, 100) == int(value)


@pytest.mark.parametrize("query", [{}, {"other": "1"}])
def test_a_number_that_is_not_there_is_the_default(query: dict[str, str]) -> None:
    assert checked_number(query, "limit", 1, 100, default=50) == 50


@pytest.mark.parametrize("value", ["", "0", "101", "-1", "1.5", "ten", " 5", "٣", "1e2", "9" * 5000])
def test_another_number_is_refused(value: str) -> None:
    with pytest.raises(BadRequestError, match="limit must be a whole number from 1 to 100"):
        checked_number({"limit": value}, "limit", 1, 100)


@pytest.mark.parametrize("value", ["-1", "x", "9" * 19])
def test_a_number_without_an_upper_bound_is_refused_too(value: str) -> None:
    with pytest.raises(BadRequestError, match="after must be a whole number of 0 or more"):
        checked_number({"after": value}, "after", 0)


@pytest.mark.parametrize(
    "body", ["", "None", "{", "{'a': 1}", '{"a": NaN}', "[" * 100_000, b"\xff\xfe", b"\x00", "\ufeff{}"]
)
def test_what_is_not_json_is_refused(body: str | bytes) -> None:
    with pytest.raises(BadRequestError, match="expected a JSON object, and this is not JSON"):
        checked_object(body)


@pytest.mark.parametrize(("body", "kind"), [("[]", "an array"), ('"a"', "a text"), ("1", "a number"), ("null", "null")])
def test_json_that_is_not_an_object_is_refused(body: str, kind: str) -> None:
    with pytest.raises(BadRequestError, match=f"expected a JSON object, not {kind}"):
        checked_object(body)
