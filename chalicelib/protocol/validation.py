"""Validation of untrusted input. `fields.py` binds these functions to declared fields."""

import json
import re
import sys
import unicodedata
from typing import Any

from chalicelib.errors import InvalidInput, InvalidJSON

MAX_DIGITS = 18
"""Longest integer that is parsed as an int. Python refuses to parse very long ones, and none is in a declared range."""

# Character classes for text_pattern.
_CONTROL = r"\u0000-\u001f\u007f-\u009f"
_CONTROL_IN_LINES = r"\u0000-\u0008\u000b-\u001f\u007f-\u009f"  # without tab and line feed
_INVISIBLE = r"\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"


def parse_object(body: str | bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises InvalidJSON if body is not JSON, or is another JSON value.
    """
    try:
        value = json.loads(body, parse_int=_parse_json_integer, parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidJSON("expected a JSON object: this is not valid JSON") from error
    if not isinstance(value, dict):
        raise InvalidJSON(f"expected a JSON object, not {_json_type(value)}")
    return value


def validate_text(value: Any, name: str, max_length: int, *, multiline: bool = False) -> str:
    """Return value if it is a readable string of 1 to max_length characters (code points).

    Any script and emoji is valid. Control characters are not, nor are surrogates, which UTF-8 cannot encode, nor a
    string without a visible character. With multiline, the control characters line feed and tab are valid.

    Raises InvalidInput with a sentence that starts with name.
    """
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be a string, not {_json_type(value)}")
    if len(value) > max_length:
        raise InvalidInput(f"{name} must have at most {max_length:,} characters, not {len(value):,}")
    allowed = "\n\t" if multiline else ""
    categories = {unicodedata.category(character) for character in value if character not in allowed}
    if "Cc" in categories and multiline:
        raise InvalidInput(
            f"{name} may contain line feeds and tabs, but no other control characters, such as carriage returns"
        )
    if "Cc" in categories:
        raise InvalidInput(f"{name} must not contain control characters, such as line feeds and tabs")
    if "Cs" in categories:
        raise InvalidInput(f"{name} must be valid Unicode, without lone surrogates")
    # Unassigned characters (Cn) count as visible: an emoji may be newer than Python's Unicode database.
    if all(category == "Cf" or category[0] == "Z" for category in categories):
        raise InvalidInput(f"{name} must not be blank")
    return value


def text_pattern(*, multiline: bool = False, carriage_returns: bool = False) -> str:
    """Return what validate_text accepts, as far as a regular expression can say it.

    carriage_returns: whether the caller replaces carriage returns before it validates a multiline text.
    """
    control = _CONTROL_IN_LINES if multiline else _CONTROL
    if carriage_returns:
        control = control.replace(r"\u000b-\u001f", r"\u000b\u000c\u000e-\u001f")
    return f"^[^{control}]*[^{_INVISIBLE}{control}][^{control}]*$"


def validate_identifier(value: Any, name: str, min_length: int, max_length: int) -> str:
    """Return value if it consists of min_length to max_length letters, digits, - and _.

    Raises InvalidInput with a sentence that starts with name, and does not contain the value: it may be a secret.
    """
    if not isinstance(value, str) or not re.fullmatch(rf"[A-Za-z0-9_-]{{{min_length},{max_length}}}", value):
        length = f"{min_length} to {max_length}" if min_length < max_length else str(min_length)
        raise InvalidInput(f"{name} must be a string of {length} characters A-Z, a-z, 0-9, - and _")
    return value


def validate_boolean(value: Any, name: str) -> bool:
    """Return value if it is true or false.

    Raises InvalidInput with a sentence that starts with name.
    """
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} must be true or false, not {_json_type(value)}")
    return value


def validate_integer(value: Any, name: str, minimum: int, maximum: int = sys.maxsize) -> int:
    """Return value as an int if it is a whole number from minimum to maximum. 5.0 is one, as in JSON Schema.

    Raises InvalidInput with a sentence that starts with name.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum:
        return value
    bounds = f"of at least {minimum}" if maximum == sys.maxsize else f"from {minimum} to {maximum}"
    raise InvalidInput(f"{name} must be an integer {bounds}")


def parse_integer(text: str, name: str, minimum: int, maximum: int = sys.maxsize) -> int:
    """Return the integer from minimum to maximum that text spells in ASCII digits, as in a query string.

    Raises InvalidInput with a sentence that starts with name.
    """
    is_integer = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    return validate_integer(int(text) if is_integer else None, name, minimum, maximum)


def _parse_json_integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _json_type(value: Any) -> str:
    names = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "a string"}
    return names.get(type(value), "an array" if isinstance(value, list) else "an object")
