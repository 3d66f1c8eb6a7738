"""Messages, and the frames that a page receives."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

import simpy

if TYPE_CHECKING:
    from benchmarks.simulation.page import Page


class Message:
    """A message. It has a sequence once it is stored. The pages in its room are owed it, stored or not."""

    __slots__ = ("confirmed", "owed", "sender", "sent_at", "sequence")

    def __init__(self, env: simpy.Environment, sender: Page | None) -> None:
        self.sender, self.sent_at, self.confirmed = sender, env.now, env.event()
        self.sequence: int | None = None
        self.owed = 0

    def order(self) -> int:
        """Return the sequence, 0 if the message is not stored."""
        return self.sequence or 0

    def confirm(self) -> None:
        """Confirm the message to its sender. Has no effect on a confirmed message."""
        if not self.confirmed.triggered:
            self.confirmed.succeed()


class Presence(NamedTuple):
    """A join or leave frame. member is the bit of a connection (Connection.bit)."""

    has_joined: bool
    member: int
    member_count: int


class Joined(NamedTuple):
    """The messages of a tick that fit into one frame, ascending, for a connection with batch=1."""

    messages: list[Message]


class Crowd(NamedTuple):
    """The joins and leaves of a window of PRESENCE_WINDOW beyond the first ones, as sets of bits."""

    joined: int
    left: int
    member_count: int


class Welcome(NamedTuple):
    """The answer to hello."""

    member_count: int
    last_sequence: int


class Plain(Enum):
    """Frames without fields that matter here."""

    HELLO_FAILED = "the error frame that answers a hello"


Frame = Message | Joined | Presence | Crowd | Welcome | Plain
