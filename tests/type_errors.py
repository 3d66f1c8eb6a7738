"""Mistakes that mypy reports. If it stops reporting one, `make lint` fails, because a `type: ignore` is unused."""

from __future__ import annotations

from chalicelib.protocol.requests import NewRoom, SendMessage
from chalicelib.protocol.responses import Member
from chalicelib.protocol.validation import validate
from chalicelib.storage.models import Connection


def misspell_a_property(data: SendMessage) -> str:
    """Read a property that is not declared."""
    return data.emojy  # type: ignore[attr-defined, no-any-return]


def misspell_a_property_of_validated_data() -> bool:
    """Read a property that is not declared, of the result of a generic function."""
    return validate({}, NewRoom).privat  # type: ignore[attr-defined, no-any-return]


def misspell_a_property_of_a_response(connection: Connection) -> str:
    """Read a property that is not declared, of an object that `of` has built."""
    return Member.of(connection).nmae  # type: ignore[attr-defined, no-any-return]


def assign_another_type() -> None:
    """Create an object with a value of another type."""
    NewRoom(room_name=5)  # type: ignore[arg-type]
