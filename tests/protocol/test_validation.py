"""Validation of untrusted input."""

import pytest

from chalicelib.errors import InvalidInput, InvalidJSON
from chalicelib.protocol.validation import (
    parse_integer,
    parse_object,
    validate_boolean,
    validate_integer,
    validate_text,
)


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
        "\U0001fae8",  # an emoji that is newer than the Unicode database of Python 3.11
        "<b>&amp;",
        "two  gaps",
        "\u202eabc",
    ],
)
def test_text_of_any_script_is_valid(text: str) -> None:
    assert validate_text(text, "message", 10) == text


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "must be a string, not null"),
        (7, "must be a string, not a number"),
        (1.5, "must be a string, not a number"),
        (True, "must be a string, not a boolean"),
        (["a"], "must be a string, not an array"),
        ({"a": 1}, "must be a string, not an object"),
        ("", "must not be blank"),
        ("   ", "must not be blank"),
        ("\u200b\u2060", "must not be blank"),
        ("\u3000\u00a0", "must not be blank"),
        ("x" * 11, "must have at most 10 characters, not 11"),
        ("a\x00b", "must not contain control characters"),
        ("a\nb", "must not contain control characters"),
        ("a\tb", "must not contain control characters"),
        ("\n", "must not contain control characters"),
        ("a\x7f", "must not contain control characters"),
        ("a\x85", "must not contain control characters"),
        ("a\ud800", "must be valid Unicode"),
    ],
)
def test_unreadable_text_is_invalid(value: object, problem: str) -> None:
    with pytest.raises(InvalidInput, match=f"^message {problem}"):
        validate_text(value, "message", 10)


@pytest.mark.parametrize("text", ["a\nb", "\n\ta\n", "日\n本", "def f():\n\treturn 1\n"])
def test_multiline_text_may_contain_line_feeds_and_tabs(text: str) -> None:
    assert validate_text(text, "message", 30, multiline=True) == text


@pytest.mark.parametrize(
    "text", ["a\r\nb", "a\rb", "a\x00b", "a\x08\n", "a\x0b", "a\x0c", "a\x1f", "a\x7f", "a\x85", "\r"]
)
def test_multiline_text_contains_no_other_control_characters(text: str) -> None:
    with pytest.raises(
        InvalidInput,
        match=r"^message may contain line feeds and tabs, but no other control characters, such as carriage returns$",
    ):
        validate_text(text, "message", 10, multiline=True)


@pytest.mark.parametrize("text", ["", "\n", "\t", " \n\t\n ", "\u200b\n\u3000"])
def test_multiline_text_without_a_visible_character_is_blank(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^message must not be blank$"):
        validate_text(text, "message", 10, multiline=True)


def test_text_limit_counts_characters_not_bytes() -> None:
    assert validate_text("👍" * 10, "message", 10)


@pytest.mark.parametrize("value", [1, 5, 5.0, 100])
def test_whole_number_in_range_is_a_valid_integer(value: float) -> None:
    validated = validate_integer(value, "limit", 1, 100)
    assert (validated, type(validated)) == (value, int)


@pytest.mark.parametrize("value", [None, True, "5", 0, 101, 5.5, float("inf"), 1e300, [], {}])
def test_other_value_is_an_invalid_integer(value: object) -> None:
    with pytest.raises(InvalidInput, match=r"^limit must be an integer from 1 to 100$"):
        validate_integer(value, "limit", 1, 100)


@pytest.mark.parametrize("text", ["1", "50", "100", "007"])
def test_digits_in_range_are_parsed(text: str) -> None:
    assert parse_integer(text, "limit", 1, 100) == int(text)


@pytest.mark.parametrize("text", ["", "0", "101", "-1", "1.5", "ten", " 5", "٣", "1e2", "9" * 5000])
def test_other_text_is_not_parsed_as_an_integer(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^limit must be an integer from 1 to 100$"):
        parse_integer(text, "limit", 1, 100)


@pytest.mark.parametrize("text", ["-1", "x", "9" * 19])
def test_error_of_an_integer_without_maximum_names_its_minimum(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^after must be an integer of at least 0$"):
        parse_integer(text, "after", 0)


@pytest.mark.parametrize("value", [None, 0, 1, "true", []])
def test_boolean_is_true_or_false(value: object) -> None:
    assert validate_boolean(False, "private") is False
    with pytest.raises(InvalidInput, match=r"^private must be true or false, not "):
        validate_boolean(value, "private")


@pytest.mark.parametrize(
    "body", ["", "None", "{", "{'a': 1}", '{"a": NaN}', "[" * 100_000, b"\xff\xfe", b"\x00", "\ufeff{}"]
)
def test_invalid_json_is_rejected(body: str | bytes) -> None:
    with pytest.raises(InvalidJSON, match=r"^expected a JSON object: this is not valid JSON$"):
        parse_object(body)


@pytest.mark.parametrize(
    ("body", "kind"), [("[]", "an array"), ('"a"', "a string"), ("1", "a number"), ("null", "null")]
)
def test_json_that_is_not_an_object_is_rejected(body: str, kind: str) -> None:
    with pytest.raises(InvalidJSON, match=f"^expected a JSON object, not {kind}$"):
        parse_object(body)


def test_whole_numbers_stay_integers() -> None:
    parsed = parse_object('{"small": 5, "negative": -5, "fraction": 5.5, "exponent": 5e3}')
    assert parsed == {"small": 5, "negative": -5, "fraction": 5.5, "exponent": 5_000.0}
    assert [type(value) for value in parsed.values()] == [int, int, float, float]


def test_numbers_of_any_length_are_parsed() -> None:
    assert parse_object('{"long": %s}' % ("9" * 5_000)) == {"long": float("inf")}
