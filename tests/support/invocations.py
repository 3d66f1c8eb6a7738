"""The Lambda invocation in progress: tests/support/dynamodb.py needs to know which writes are its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_current: object | None = None


def current_invocation() -> object | None:
    """Return an object that identifies the invocation, None between invocations."""
    return _current


def mark_invocation(event: Any, get_response: Callable[[Any], Any]) -> Any:
    """Handle an event of the app. Chalice middleware for all event types."""
    global _current
    _current = object()
    try:
        return get_response(event)
    finally:
        _current = None
