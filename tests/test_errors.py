"""Errors: their codes and texts, and the report of internal errors."""

from __future__ import annotations

import re

import pytest

from chalicelib import errors
from chalicelib.errors import ChatError, NotInRoom, RateLimitExceeded, RoomNotFound, report_internal_error

CLASSES = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, ChatError)]


@pytest.mark.parametrize("error", [error for error in CLASSES if error is not ChatError])
def test_error_has_a_code(error: type[ChatError]) -> None:
    assert re.fullmatch("[a-z_]+", error.code)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NotInRoom(), "this connection is not in a room any more; connect again to rejoin"),
        (RoomNotFound(), "room not found: it does not exist or has expired"),
        (RateLimitExceeded(7), "expected at most 20 messages in 10 seconds; retry after 7 seconds"),
    ],
)
def test_text_of_an_error_says_what_was_expected(error: ChatError, text: str) -> None:
    assert str(error) == text


def test_internal_error_contains_only_a_reference_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise LookupError("secret detail")
    except LookupError:
        first, second = report_internal_error("a frame"), report_internal_error("a frame")
    assert str(first) != str(second)
    for error, record in zip((first, second), caplog.records, strict=True):
        reference = re.fullmatch(r"internal error, reference ([0-9a-f]{8}); please try again", str(error))
        assert reference
        assert record.getMessage() == f"reference {reference[1]}: could not handle a frame"
        assert record.exc_info
    assert "secret detail" in caplog.text
