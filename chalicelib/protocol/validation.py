"""Validation of untrusted input by the types of `requests.py`, and the texts of its errors."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Literal, NamedTuple, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct, ValidationError, inspect

from chalicelib.errors import InvalidInput, InvalidJSON
from chalicelib.protocol.values import BLANK_TEXTS, IDENTIFIER, RULES

S = TypeVar("S", bound=Struct)

MAX_DIGITS = 18
"""Longest number that may be in a declared range."""

INTEGERS = range(-(2**63), 2**64)
"""The integers that msgspec encodes."""


def parse_object(body: str | bytes, *, strict: bool = True) -> dict[str, Any]:
    """Parse a JSON object. strict: whether strings may not contain unescaped control characters, as JSON demands.

    Raises InvalidJSON if body is not JSON, or is another JSON value.
    """
    try:
        value = json.loads(body, parse_int=_parse_integer, parse_constant=_reject_constant, strict=strict)
    except (ValueError, RecursionError) as error:
        raise InvalidJSON("expected a JSON object: this is not valid JSON") from error
    if not isinstance(value, dict):
        raise InvalidJSON(f"expected a JSON object, not {_kind(value)}")
    return value


def validate(data: dict[str, Any], declared: type[S]) -> S:
    """Return the properties of a JSON object as a struct. Undeclared properties are ignored.

    Raises InvalidInput with a sentence that names the property and says what was expected.
    """
    fields = _fields(declared)
    return _convert({name: fields[name].prepare(value) for name, value in data.items() if name in fields}, declared)


def validate_query(query: Mapping[str, str], declared: type[S]) -> S:
    """Return the parameters of a query string as a struct. Undeclared parameters are ignored.

    Raises InvalidInput with a sentence that names the parameter and says what was expected.
    """
    fields = _fields(declared)
    if missing := [name for name, field in fields.items() if field.is_required and name not in query]:
        raise InvalidInput(f"{missing[0]} must be in the query string, as in ?{missing[0]}=…")
    return _convert({name: fields[name].parse(text) for name, text in query.items() if name in fields}, declared)


def json_size(value: Any, name: str) -> int:
    """Return the size of a JSON value in bytes. Raises InvalidInput, which names the value, if it cannot be sent on."""
    try:
        return len(msgspec.json.encode(value))
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{name} must be valid Unicode, without lone surrogates") from error
    except RecursionError as error:
        raise InvalidInput(f"{name} must be JSON of fewer nested values") from error


def is_valid(value: Any, type_: Any) -> bool:
    """Return whether a JSON value has a type of `values.py`."""
    try:
        msgspec.convert(value, type_)
    except ValidationError:
        return False
    return True


class _Field(NamedTuple):
    """How a property is prepared for msgspec."""

    is_required: bool
    is_text: bool
    is_integer: bool
    clean: Callable[[str], str] | None

    def prepare(self, value: Any) -> Any:
        """Clean a text, and turn a whole number, such as 5.0, into an integer: both are equal in JSON."""
        if isinstance(value, str):
            if not self.is_text:
                return ""  # as invalid as any other string; msgspec would fail to encode a lone surrogate
            return self.clean(value) if self.clean else value
        if self.is_integer and isinstance(value, float) and value.is_integer() and abs(value) < 10**MAX_DIGITS:
            return int(value)
        return value

    def parse(self, text: str) -> Any:
        """Return the value of a query parameter. An integer is spelt in ASCII digits; other texts give NaN."""
        if self.is_integer:
            return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else math.nan
        return self.prepare(text)


@cache
def _fields(declared: type[Struct]) -> dict[str, _Field]:
    """Return the properties of a struct by their names in JSON."""
    fields = {}
    for field in msgspec.structs.fields(declared):
        parts = [*_parts(field.type)]
        extras = [part.extra for part in parts if isinstance(part, Meta) and part.extra]
        clean = next((extra["clean"] for extra in extras if "clean" in extra), None)
        is_text = str in parts or Any in parts or any(get_origin(part) is Literal for part in parts)
        fields[field.encode_name] = _Field(field.required, is_text, int in parts, clean)
    return fields


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield an annotation, and all that it consists of."""
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _convert(values: dict[str, Any], declared: type[S]) -> S:
    try:
        return msgspec.convert(values, declared)
    except ValidationError as error:
        raise InvalidInput(_sentence(error, declared, values)) from error
    except UnicodeEncodeError:
        for name, value in values.items():
            json_size(value, name)
        raise


def _sentence(error: ValidationError, declared: type[Struct], values: Any) -> str:
    """Return the text of an error: msgspec's has the path and the cause, the declaration has what was expected."""
    cause, _, path = str(error).rpartition(" - at `$")  # the cause may quote a value
    name = path.removesuffix("`").removeprefix(".")
    if missing := re.fullmatch(r"Object missing required field `(\w+)`", cause or path):
        return f"{name}.{missing[1]} is missing" if cause else f"{missing[1]} is missing"
    expected, value = _type_info(declared), values
    for step in re.findall(r"\w+", path):
        expected = _property(expected, step)
        value = value[int(step) if isinstance(value, list) else step]
    expected = _bare(expected)
    match expected:
        case inspect.StrType():
            return f"{name} {_explain_text(expected, value)}"
        case inspect.IntType(ge=least, le=most):
            bounds = "" if least is None else f" of at least {least}" if most is None else f" from {least} to {most}"
            is_number = value is None or (isinstance(value, int | float) and not isinstance(value, bool))
            return f"{name} must be an integer{bounds}" + ("" if is_number else f", not {_kind(value)}")
        case inspect.BoolType():
            return f"{name} must be true or false, not {_kind(value)}"
        case inspect.LiteralType(values=choices):
            return f"{name} must be one of {', '.join(map(str, choices))}"
        case inspect.ListType(min_length=least, max_length=int(most)):
            return f"{name} must be an array of {f'{least} to' if least else 'at most'} {most} values"
    kind = "an array" if isinstance(expected, inspect.ListType) else "an object"
    return f"{name} must be {kind}, not {_kind(value)}"


def _explain_text(type_: inspect.StrType, value: Any) -> str:
    """Return why a value is not such a string. The text of an identifier does not depend on it: it may be a secret."""
    least, most = type_.min_length or 0, type_.max_length
    if type_.pattern == IDENTIFIER:
        length = most if least == most else f"{least} to {most}"
        return f"must be a string of {length} characters A-Z, a-z, 0-9, - and _"
    if not isinstance(value, str):
        return f"must be a string, not {_kind(value)}"
    if most is not None and len(value) > most:
        return f"must have at most {most:,} characters, not {len(value):,}"
    pattern = type_.pattern or ""
    if re.match(BLANK_TEXTS.get(pattern, r"\Z"), value):
        return "must not be blank"
    if len(value) < least:
        return f"must have at least {least:,} characters, not {len(value):,}"
    return RULES.get(pattern, f"must match {pattern}")


_type_info = cache(inspect.type_info)


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


def _parse_integer(digits: str) -> int | float:
    """Return an integer, or one that is too large as a float. Python rejects very long integers."""
    if len(digits) <= len(str(INTEGERS.start)) and (number := int(digits)) in INTEGERS:
        return number
    return float(digits)


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _kind(value: Any) -> str:
    names = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "a string"}
    return names.get(type(value), "an array" if isinstance(value, list) else "an object")
