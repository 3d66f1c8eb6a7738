"""Validation of untrusted input by the types of `requests.py`, and the texts of its errors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import Meta, Struct, ValidationError, inspect

from chalicelib.errors import InvalidInput, InvalidJSON
from chalicelib.protocol.values import BLANK, IDENTIFIER, RULES

S = TypeVar("S", bound=Struct)

MAX_DIGITS = 18
"""Longest number that is parsed as an int. Python refuses to parse very long ones, and none is in a declared range."""


def parse_object(body: str | bytes) -> dict[str, Any]:
    """Parse a JSON object. Whole numbers, such as 5.0, become integers.

    Raises InvalidJSON if body is not JSON, or is another JSON value.
    """
    try:
        value = json.loads(body, parse_int=_parse_integer, parse_float=_parse_float, parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidJSON("expected a JSON object: this is not valid JSON") from error
    if not isinstance(value, dict):
        raise InvalidJSON(f"expected a JSON object, not {_kind(value)}")
    return value


def validate(data: dict[str, Any], declared: type[S]) -> S:
    """Return the properties of a JSON object as a struct. Undeclared properties are ignored.

    Raises InvalidInput with a sentence that names the property and says what was expected.
    """
    return _convert(data, declared, names_kind=True)


def validate_query(query: Mapping[str, str], declared: type[S]) -> S:
    """Return the parameters of a query string as a struct. Undeclared parameters are ignored.

    Raises InvalidInput with a sentence that names the parameter and says what was expected.
    """
    for field in msgspec.structs.fields(declared):
        if field.required and field.encode_name not in query:
            raise InvalidInput(f"{field.encode_name} must be in the query string, as in ?{field.encode_name}=…")
    integers = _integers(declared)
    values = {name: _parse_digits(text) if name in integers else text for name, text in query.items()}
    return _convert(values, declared, names_kind=False)


def is_valid(value: Any, type_: Any) -> bool:
    """Return whether a JSON value has a type of `values.py`."""
    try:
        msgspec.convert(value, type_)
    except ValidationError:
        return False
    return True


def _convert(data: dict[str, Any], declared: type[S], *, names_kind: bool) -> S:
    """Convert data. names_kind: whether errors say of which kind a value is, which is a string in every query."""
    cleaned = data | {
        name: clean(data[name]) for name, clean in _cleaners(declared).items() if isinstance(data.get(name), str)
    }
    try:
        return msgspec.convert(cleaned, declared)
    except ValidationError as error:
        raise InvalidInput(_sentence(error, declared, cleaned, names_kind)) from error


def _sentence(error: ValidationError, declared: type[Struct], data: Any, names_kind: bool) -> str:
    """Return the text of an error: msgspec's has the path and the cause, the declaration has what was expected."""
    cause, _, path = str(error).partition(" - at `$")
    steps = re.findall(r"\w+", path)
    name = re.sub(r"^\.|`$", "", path)
    if missing := re.match(r"Object missing required field `(.+)`", cause):
        return f"{name}.{missing[1]} is missing".lstrip(".")
    expected, value = inspect.type_info(declared), data
    for step in steps:
        expected = _property(expected, step)
        value = value[int(step) if isinstance(value, list) else step]
    expected = _bare(expected)
    if isinstance(expected, inspect.StrType):
        return f"{name} {_explain_text(expected, value)}"
    came = f", not {_kind(value)}" if names_kind and "got `" in cause else ""
    return f"{name} must be {_describe(expected)}{came}"


def _explain_text(type_: inspect.StrType, value: Any) -> str:
    """Return why a value is not such a string. The text of an identifier does not depend on it: it may be a secret."""
    least, most = type_.min_length, type_.max_length
    if type_.pattern == IDENTIFIER:
        length = most if least == most else f"{least} to {most}"
        return f"must be a string of {length} characters A-Z, a-z, 0-9, - and _"
    if not isinstance(value, str):
        return f"must be a string, not {_kind(value)}"
    if most is not None and len(value) > most:
        return f"must have at most {most:,} characters, not {len(value):,}"
    if re.match(BLANK, value):
        return "must not be blank"
    return RULES.get(type_.pattern or "", "must be a string")


def _property(type_: inspect.Type, step: str) -> inspect.Type:
    match _bare(type_):
        case inspect.StructType(fields=fields):
            return next(field.type for field in fields if field.encode_name == step)
        case inspect.ListType(item_type=item):
            return item
    return type_


def _bare(type_: inspect.Type) -> inspect.Type:
    """Return a type without its description, and without the null of an optional property."""
    match type_:
        case inspect.Metadata(type=inner):
            return _bare(inner)
        case inspect.UnionType(types=types):
            return _bare(next(inner for inner in types if not isinstance(inner, inspect.NoneType)))
    return type_


def _describe(type_: inspect.Type) -> str:
    """Return in words what a type accepts."""
    match type_:
        case inspect.IntType(ge=least, le=most):
            return f"an integer of at least {least}" if most is None else f"an integer from {least} to {most}"
        case inspect.BoolType():
            return "true or false"
        case inspect.LiteralType(values=values):
            return f"one of {', '.join(map(str, values))}"
        case inspect.ListType(max_length=most):
            return "an array" if most is None else f"an array of at most {most} values"
    return "an object"


@cache
def _cleaners(declared: type[Struct]) -> dict[str, Callable[[str], str]]:
    """Return the function `clean` of each property that has one."""
    return {
        field.encode_name: part.extra["clean"]
        for field in msgspec.structs.fields(declared)
        for part in _parts(field.type)
        if isinstance(part, Meta) and part.extra and "clean" in part.extra
    }


@cache
def _integers(declared: type[Struct]) -> frozenset[str]:
    return frozenset(field.encode_name for field in msgspec.structs.fields(declared) if int in _parts(field.type))


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield an annotation, and all that it consists of."""
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _parse_digits(text: str) -> int | str:
    """Return the integer that text spells in ASCII digits, otherwise text, which is no valid integer."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else text


def _parse_integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


def _parse_float(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 10**MAX_DIGITS else number


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _kind(value: Any) -> str:
    names = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "a string"}
    return names.get(type(value), "an array" if isinstance(value, list) else "an object")
