"""Validation of untrusted input: JSON objects, query strings, and the texts of errors."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import pytest
from jsonschema import Draft202012Validator
from msgspec import Meta, Struct

from chalicelib.errors import InvalidInput, InvalidJSON
from chalicelib.protocol.requests import RemoveMember, Request, WebhookMessage
from chalicelib.protocol.validation import is_valid, parse_object, validate, validate_query
from chalicelib.protocol.values import IDENTIFIER, LINE, LINES, ClientId, RoomName, WebhookText
from docs.json_schema import schema_of

Word = Annotated[str, Meta(min_length=1, max_length=10, pattern=LINE)]
Text = Annotated[str, Meta(min_length=1, max_length=30, pattern=LINES)]
Key = Annotated[str, Meta(min_length=3, max_length=5, pattern=IDENTIFIER)]
Limit = Annotated[int, Meta(ge=1, le=100)]


class Cup(Struct, rename="camel"):
    sugar_cubes: Annotated[int, Meta(ge=0)]


class Order(Request):
    """An order with properties of all kinds."""

    tea_name: Word = "Assam"
    text: Text | None = None
    key: Key | None = None
    limit: Limit = 50
    hot: bool = True
    hand: Literal["left", "right"] | None = None
    cups: Annotated[list[Cup], Meta(max_length=2)] | None = None


class NamedRoom(Request):
    """A required name."""

    room_name: RoomName


def rejection(data: dict[str, Any], declared: type[Request] = Order) -> str:
    with pytest.raises(InvalidInput) as error:
        validate(data, declared)
    return str(error.value)


# Text

CONTROL = (
    "must not contain control characters, such as line feeds and tabs, characters that change the direction of text, "
    "such as U+202E, or lone surrogates"
)
CONTROL_IN_LINES = (
    "may contain line feeds and tabs, but no other control characters, such as carriage returns, or lone surrogates"
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
        "نور\u200cی",
        "\u0600",  # a visible character of the category of invisible ones
    ],
)
def test_text_of_any_script_is_valid(text: str) -> None:
    assert validate({"teaName": text}, Order).tea_name == text


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
        ("\U000e0020", "must not be blank"),
        ("x" * 11, "must have at most 10 characters, not 11"),
        ("a\x00b", CONTROL),
        ("a\nb", CONTROL),
        ("a\n", CONTROL),
        ("a\tb", CONTROL),
        ("a\x7f", CONTROL),
        ("a\x85", CONTROL),
        ("a\ud800", CONTROL),
        ("a\u2028", CONTROL),
        ("a\u202eb", CONTROL),
        ("a\u200f", CONTROL),
        ("\u2066a\u2069", CONTROL),
        ("\u202e", "must not be blank"),
        ("\u3164\u2800\uffa0\ufe0f\u034f", "must not be blank"),
    ],
)
def test_unreadable_text_is_invalid(value: object, problem: str) -> None:
    assert rejection({"teaName": value}) == f"teaName {problem}"


@pytest.mark.parametrize("text", ["a\nb", "\n\ta\n", "日\n本", "def f():\n\treturn 1\n", "\u202eabc"])
def test_multiline_text_may_contain_line_feeds_tabs_and_bidi_controls(text: str) -> None:
    assert validate({"text": text}, Order).text == text


@pytest.mark.parametrize(
    "text", ["a\r\nb", "a\rb", "a\x00b", "a\x08\n", "a\x0b", "a\x0c", "a\x1f", "a\x7f", "a\x85", "\r", "a\udfff"]
)
def test_multiline_text_contains_no_other_control_characters(text: str) -> None:
    assert rejection({"text": text}) == f"text {CONTROL_IN_LINES}"


@pytest.mark.parametrize("text", ["", "\n", "\t", " \n\t ", "\u200b\n\u3000"])
def test_multiline_text_without_a_visible_character_is_blank(text: str) -> None:
    assert rejection({"text": text}) == "text must not be blank"


def test_text_limit_counts_characters_not_bytes() -> None:
    assert validate({"teaName": "👍" * 10}, Order).tea_name


def test_name_is_returned_without_surrounding_spaces() -> None:
    assert validate({"roomName": f"  {'x' * 80} "}, NamedRoom).room_name == "x" * 80
    assert rejection({"roomName": "   "}, NamedRoom) == "roomName must not be blank"


def test_text_of_a_webhook_may_contain_what_is_repaired_later() -> None:
    text = "a\r\nb\rc\x00\ud83d"
    assert validate({"text": text}, WebhookMessage).text == text
    assert Draft202012Validator(schema_of(WebhookText, {})).is_valid(text)


def test_property_of_any_type_is_returned_as_it_is() -> None:
    for value in ("a\x00\ud83d", 5.0, None, [{"text": "\ud83d"}], {}):
        assert validate({"blocks": value}, WebhookMessage).blocks == value


def test_value_may_have_extra_data_besides_clean() -> None:
    class Sorted(Request):
        order: Annotated[str, Meta(extra={"column": "created_at"})]

    assert validate({"order": " up "}, Sorted).order == " up "


def test_error_of_an_identifier_does_not_contain_it() -> None:
    for key in ("secret!", "a b", "abc\n", "ab", 5):
        assert rejection({"key": key}) == "key must be a string of 3 to 5 characters A-Z, a-z, 0-9, - and _"


SURROGATE = "\ud800"


@pytest.mark.parametrize(
    "data",
    [
        {"limit": SURROGATE},
        {"hot": SURROGATE},
        {"hand": SURROGATE},
        {"cups": SURROGATE},
        {"cups": [SURROGATE]},
        {"cups": [{SURROGATE: 1}]},
        {"teaName": {SURROGATE: 1}},
    ],
)
def test_lone_surrogate_in_any_value_is_invalid(data: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=rf"^{next(iter(data))}\b.* (must be|is missing)"):
        validate(data, Order)


def test_lone_surrogate_in_the_name_of_an_undeclared_property_is_ignored() -> None:
    assert validate({SURROGATE: 1}, Order) == Order()


def test_value_that_looks_like_a_path_does_not_confuse_the_error() -> None:
    assert rejection({"hand": "x` - at `$.limit`"}) == "hand must be one of left, right"


# Other values


@pytest.mark.parametrize("body", ['{"limit": 1}', '{"limit": 5.0}', '{"limit": 1e2}', '{"limit": 100}'])
def test_whole_number_in_range_is_a_valid_integer(body: str) -> None:
    limit = validate(parse_object(body), Order).limit
    assert (limit, type(limit)) == (int(float(body[10:-1])), int)


@pytest.mark.parametrize("value", ["null", "true", '"5"', "0", "101", "5.5", "1e300", "1" * 400, "[]", "{}"])
def test_other_value_is_an_invalid_integer(value: str) -> None:
    text = rejection(parse_object(f'{{"limit": {value}}}'))
    assert text.startswith("limit must be an integer from 1 to 100")


def test_error_of_an_integer_without_maximum_names_its_minimum() -> None:
    assert rejection({"cups": [{"sugarCubes": -1}]}) == "cups[0].sugarCubes must be an integer of at least 0"
    assert (
        rejection({"cups": [{"sugarCubes": "1"}]})
        == "cups[0].sugarCubes must be an integer of at least 0, not a string"
    )


@pytest.mark.parametrize("value", [None, 0, 1, "true", []])
def test_boolean_is_true_or_false(value: object) -> None:
    assert validate({"hot": False}, Order).hot is False
    assert rejection({"hot": value}).startswith("hot must be true or false, not ")


def test_error_of_a_choice_lists_the_choices() -> None:
    assert rejection({"hand": "up"}) == "hand must be one of left, right"
    assert rejection({"hand": 5}) == "hand must be one of left, right"


def test_error_of_a_list_names_the_invalid_item() -> None:
    assert rejection({"cups": [{"sugarCubes": 1}, {}]}) == "cups[1].sugarCubes is missing"
    assert rejection({"cups": [{"sugarCubes": 1}, "tea"]}) == "cups[1] must be an object, not a string"
    assert rejection({"cups": [{"sugarCubes": 1}] * 3}) == "cups must be an array of at most 2 values"
    assert rejection({"cups": {}}) == "cups must be an array of at most 2 values"
    assert rejection({"memberIds": []}, RemoveMember) == "memberIds must be an array of 1 to 25 values"


def test_missing_property_is_named() -> None:
    assert rejection({}, NamedRoom) == "roomName is missing"


def test_null_is_absent_where_a_property_is_optional() -> None:
    assert validate({"text": None, "key": None, "hand": None}, Order) == Order()


def test_undeclared_properties_are_ignored() -> None:
    assert validate({"limit": 7, "more": {"limit": "x"}, "tea_name": 5}, Order) == Order(limit=7)


def test_value_is_valid_or_not() -> None:
    assert is_valid("c-1", ClientId)
    assert not any(is_valid(value, ClientId) for value in (None, 5, "", "a\n", "c" * 65))


# Query strings


def test_query_string_is_parsed_into_values() -> None:
    assert validate_query({"teaName": "null", "limit": "007", "more": "1"}, Order) == Order(tea_name="null", limit=7)


@pytest.mark.parametrize(
    "text", ["", "0", "101", "-1", "+5", "1.5", "5.0", "ten", "null", " 5", "٣", "1e1", "9" * 19, "9" * 5_000]
)
def test_other_text_is_not_parsed_as_an_integer(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^limit must be an integer from 1 to 100"):
        validate_query({"limit": text}, Order)


def test_missing_query_parameter_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"^roomName must be in the query string, as in \?roomName=…$"):
        validate_query({}, NamedRoom)


# JSON


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


@pytest.mark.parametrize("number", [1_234_567_890_123_456_789, 2**64 - 1, -(2**63)])
def test_integers_of_64_bits_are_kept(number: int) -> None:
    assert parse_object(f'{{"id": {number}}}') == {"id": number}
    assert isinstance(parse_object(f'{{"id": {number}}}')["id"], int)


@pytest.mark.parametrize(
    ("digits", "number"), [("9" * 5_000, math.inf), (f"{2**64}", 2.0**64), (f"{-(2**63) - 1}", -(2.0**63))]
)
def test_longer_integers_are_parsed_as_floats(digits: str, number: float) -> None:
    value = parse_object(f'{{"long": {digits}}}')["long"]
    assert isinstance(value, float)
    assert value == number


# Schemas

SAMPLES: list[dict[str, Any]] = [
    *(
        {"teaName": text}
        for text in ["a", "日本", "a b", "", " ", "x" * 11, "a\x00", "a\nb", "\U000e0020", 5, None, []]
    ),
    *(
        {"text": text}
        for text in ["a\nb", "\n\ta\n", "", "\n", " \n\t ", "a\rb", "a\x0bb", "a\x7fb", "a\x85b", None, 5]
    ),
    *({"key": key} for key in ["abc", "A-_9", "ab", "abcdef", "ab c", "", None, 5]),
    *({"limit": limit} for limit in [1, 100, 0, 101, 1.5, "1", True, None]),
    *({"hot": hot} for hot in [True, False, 0, "true", None]),
    *({"hand": hand} for hand in ["left", None, "up", "", 5, []]),
    *({"cups": cups} for cups in [[], [{"sugarCubes": 0}], [{}], [{"sugarCubes": -1}], [{}] * 3, {}, None]),
    {"more": "ignored"},
]


@pytest.mark.parametrize("sample", SAMPLES)
def test_declaration_and_its_schema_accept_the_same_values(sample: dict[str, Any]) -> None:
    components: dict[str, Any] = {}
    schema = schema_of(Order, components) | {"components": {"schemas": components}}
    try:
        validate(sample, Order)
        accepted = True
    except InvalidInput:
        accepted = False
    assert Draft202012Validator(schema).is_valid(sample) == accepted
