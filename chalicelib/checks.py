"""What comes from outside, JSON, texts and numbers: what is taken as it is, and what is refused and why."""

import json
import sys
import unicodedata
from collections.abc import Mapping
from typing import Any

from chalice import BadRequestError

__all__ = [
    "DISPLAY_NAME_LIMIT",
    "MESSAGE_LIMIT",
    "ROOM_NAME_LIMIT",
    "checked_boolean",
    "checked_name",
    "checked_number",
    "checked_object",
    "checked_text",
]

ROOM_NAME_LIMIT = 80
DISPLAY_NAME_LIMIT = 40
MESSAGE_LIMIT = 4_000


def checked_object(body: str | bytes) -> dict[str, Any]:
    """Return the JSON object that body holds.

    Raises BadRequestError when it holds none.
    """
    try:
        # Of a number of many digits, int() makes an error and float() infinity: no number is wanted here anyway.
        value = json.loads(body, parse_int=float, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as cause:
        raise BadRequestError("expected a JSON object, and this is not JSON") from cause
    if not isinstance(value, dict):
        raise BadRequestError(f"expected a JSON object, not {_json_type(value)}")
    return value


def checked_text(value: Any, what: str, limit: int) -> str:
    """Return value unchanged when it is a text of 1 to limit characters that a person can read.

    Any script and emoji is welcome. Control characters are not, nor halves of surrogate pairs, which UTF-8 cannot
    hold, nor a text in which there is nothing to see.

    Raises BadRequestError with a sentence that begins with what, fit for whoever typed the text.
    """
    if not isinstance(value, str):
        raise BadRequestError(f"{what} must be a text, not {_json_type(value)}")
    if len(value) > limit:
        raise BadRequestError(f"{what} must be at most {limit:,} characters long, not {len(value):,}")
    categories = {unicodedata.category(character) for character in value}
    if "Cc" in categories:
        raise BadRequestError(f"{what} must not have control characters, such as line ends and tabs")
    if "Cs" in categories:
        raise BadRequestError(f"{what} must be valid Unicode, without halves of surrogate pairs")
    # A character without a category may be an emoji that is younger than Python's list of them.
    if all(category == "Cf" or category[0] == "Z" for category in categories):
        raise BadRequestError(f"{what} must not be blank")
    return value


def checked_name(value: Any, what: str, limit: int) -> str:
    """Return value without the spaces around it, checked as by `checked_text`."""
    return checked_text(value.strip(" ") if isinstance(value, str) else value, what, limit)


def checked_boolean(value: Any, what: str) -> bool:
    """Return value when it is true or false.

    Raises BadRequestError with a sentence that begins with what.
    """
    if not isinstance(value, bool):
        raise BadRequestError(f"{what} must be true or false, not {_json_type(value)}")
    return value


def checked_number(
    query: Mapping[str, str], name: str, least: int, most: int = sys.maxsize, default: int | None = None
) -> Any:
    """Return the whole number, from least to most, that a query has under name, and default where it has none.

    Raises BadRequestError with a sentence that begins with name.
    """
    value = query.get(name)
    if value is None:
        return default
    # Longer ones are out of every range here, and int() itself refuses thousands of digits.
    if value.isascii() and value.isdigit() and len(value) < 19 and least <= int(value) <= most:
        return int(value)
    bounds = f"of {least} or more" if most == sys.maxsize else f"from {least} to {most}"
    raise BadRequestError(f"{name} must be a whole number {bounds}")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is Python's, not JSON's")


def _json_type(value: Any) -> str:
    names = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "an array"}
    return names.get(type(value), "an object")
