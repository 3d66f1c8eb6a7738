"""Differences between what a chat does and what the protocol describes."""

from __future__ import annotations


class Difference(AssertionError):
    """The chat does something else than expected. The text says what was expected and what came."""


class Disconnected(Difference):
    """The server has closed a connection from which a frame was expected."""


def expect(what: str, actual: object, expected: object) -> None:
    """Raise Difference unless both values are equal."""
    if actual != expected:
        raise Difference(f"{what}: expected {expected!r}, got {actual!r}")
