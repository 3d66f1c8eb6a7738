"""Fields: validation, parsing of query strings, and JSON Schema."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chalicelib.errors import InvalidInput
from chalicelib.protocol.composite_fields import Array, Object
from chalicelib.protocol.fields import Boolean, Choice, Field, Integer, Name, ServerValue, String, Text

SAMPLES: list[tuple[Field, list[Any], list[Any]]] = [
    (Text(max_length=5), ["a", "日本", "a b"], ["", " ", "too long", "a\x00", 5, None, True, [], {}]),
    (Text(max_length=5), ["ab"], ["a\nb", "a\tb", "\ta", "a\rb", "a\x85b"]),
    (
        Text(max_length=5, multiline=True),
        ["a", "a\nb", "\n\ta\n", " a\t"],
        ["", "\n", "\t", " \n\t ", "a\rb", "a\r\nb", "a\x0bb", "a\x0cb", "a\x08b", "a\x1fb", "a\x7fb", "a\x85b", 5],
    ),
    (Name(max_length=5), ["Aki"], ["", "   ", "a\x00", "a\nb", "a\tb", 5]),
    (String(), ["", "a\n", "x" * 9], [None, 5, []]),
    (Integer(minimum=1, maximum=3), [1, 3, 2.0], [0, 4, 1.5, "1", True, None]),
    (Integer(minimum=0), [0, 10**15], [-1, 0.5]),
    (Boolean(), [True, False], [0, 1, "true", None]),
    (Choice(["left", "right"]), ["left", "right"], ["up", "", None, 5, []]),
    (Array(Integer(minimum=1), max_items=2), [[], [1], [1, 2]], [[1, 2, 3], [0], ["a"], {}, "ab", None]),
    (
        Object({"a": Integer(minimum=1), "b": Boolean(required=False)}),
        [{"a": 1}, {"a": 1, "b": True}, {"a": 1, "c": "ignored"}],
        [{}, {"a": "1"}, {"a": 1, "b": 1}, {"a": 1, "b": None}, [], None, "a"],
    ),
]


@pytest.mark.parametrize(("field", "valid", "invalid"), SAMPLES)
def test_field_and_its_schema_accept_the_same_values(field: Field, valid: list[Any], invalid: list[Any]) -> None:
    schema = Draft202012Validator(field.schema())
    for value in valid:
        field.validate(value, "value")
        assert schema.is_valid(value)
    for value in invalid:
        with pytest.raises(InvalidInput, match=r"^value"):
            field.validate(value, "value")
        assert not schema.is_valid(value)


@pytest.mark.parametrize("field", [field for field, *_ in SAMPLES if field.example is not None])
def test_example_of_a_field_is_valid(field: Field) -> None:
    field.validate(field.example, "example")


def test_name_is_returned_without_surrounding_spaces() -> None:
    assert Name(max_length=8).validate("  Tea room ", "roomName") == "Tea room"


def test_nullable_field_accepts_null_as_absent() -> None:
    fields = Object({"clientId": Text(max_length=5, required=False, nullable=True)})
    assert fields.validate({"clientId": None}) == fields.validate({}) == {"clientId": None}
    assert Draft202012Validator(fields.schema()).is_valid({"clientId": None})


def test_object_returns_declared_properties_with_defaults() -> None:
    fields = Object({"name": Text(max_length=5), "private": Boolean(default=False)})
    assert fields.validate({"name": "Tea", "more": 1}) == {"name": "Tea", "private": False}


def test_error_of_a_nested_field_names_its_path() -> None:
    fields = Object({"members": Array(Object({"age": Integer(minimum=1)}))})
    with pytest.raises(InvalidInput, match=r"^members\[1\]\.age must be an integer of at least 1$"):
        fields.validate({"members": [{"age": 1}, {"age": 0}]})


def test_query_string_is_parsed_into_values() -> None:
    fields = Object({"limit": Integer(minimum=1, default=50), "cursor": String(required=False), "q": String()})
    assert fields.parse_query({"q": "tea", "limit": "5", "more": "1"}) == {"limit": 5, "cursor": None, "q": "tea"}
    assert fields.parse_query({"q": ""}) == {"limit": 50, "cursor": None, "q": ""}


def test_missing_query_parameter_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"^roomId must be in the query string, as in \?roomId=…$"):
        Object({"roomId": String()}).parse_query({})


def test_value_of_the_server_cannot_be_validated_as_input() -> None:
    with pytest.raises(NotImplementedError, match="only the server produces"):
        ServerValue({"type": "string"}).validate("a", "name")
