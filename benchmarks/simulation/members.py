"""Members that a page knows, and the times at which it reads their list, as in presence.ts of the client."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.simulation import parameters as p
from benchmarks.simulation.aws import Steps
from benchmarks.simulation.frames import Presence

if TYPE_CHECKING:
    from benchmarks.simulation.program import Program, Room


class Members:
    """The members that a page knows, as the bits of an integer: of 100,000 pages, each has a set of its own."""

    def __init__(self, program: Program, room: Room) -> None:
        self._program, self._room = program, room
        self._cloud = program.cloud
        self.known = 0
        self._frames = self._timer = 0

    def expect(self, count: int) -> None:
        """Read the list soon if it differs from the room's member count."""
        if self.known.bit_count() != count:
            self._recheck_soon()

    def note(self, frame: Presence) -> None:
        """Handle a join or leave frame."""
        self._frames += 1
        if frame.has_joined:
            self.known |= frame.member
        else:
            self.known &= ~frame.member
        self.expect(frame.member_count)

    def refresh(self, count: int | None = None) -> Steps:
        """Read the list. Read it again soon if it has changed meanwhile, or differs from a member count."""
        self._timer += 1
        frames, request = self._frames, self._program.get_members(self._room)
        members = (yield from request) if request else None
        if members is not None:
            self.known = members
            if self._frames != frames:
                self._recheck_soon()
        if count is not None:
            self.expect(count)

    def clear(self) -> None:
        """Forget the members: the room has too many."""
        self._timer += 1
        self.known = 0

    def _recheck_soon(self) -> None:
        self._timer += 1
        self._cloud.later(p.RECHECK, partial(self._recheck, self._timer))

    def _recheck(self, timer: int) -> None:
        if timer == self._timer:
            self._cloud.env.process(self.refresh())
