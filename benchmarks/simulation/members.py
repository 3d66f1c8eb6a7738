"""Members that a page knows, and the times at which it reads their list, as in presence.ts of the client."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.simulation import parameters as p
from benchmarks.simulation.aws import Steps
from benchmarks.simulation.backoff import backoff
from benchmarks.simulation.frames import Crowd, Presence

if TYPE_CHECKING:
    from benchmarks.simulation.program import Program, Room


class Members:
    """The members that a page knows, as the bits of an integer: of 100,000 pages, each has a set of its own."""

    def __init__(self, program: Program, room: Room) -> None:
        self._program, self._room = program, room
        self._cloud = program.cloud
        self.known = 0
        self._count: int | None = None
        self._frames = self._readings = self._failures = self._timer = 0
        self._is_waiting = False

    def expect(self, count: int) -> None:
        """Read the list soon if it differs from the room's member count."""
        self._count = count
        if not self._is_complete():
            self._recheck_in(p.CROWD_PATIENCE and p.CROWD_PATIENCE + self._cloud.random.uniform(0, p.CROWD_JITTER))

    def note(self, frame: Presence) -> None:
        """Handle a join or leave frame."""
        self._frames += 1
        if frame.has_joined:
            self.known |= frame.member
        else:
            self.known &= ~frame.member
        self.expect(frame.member_count)

    def note_crowd(self, frame: Crowd) -> None:
        """Handle a frame with many joins and leaves."""
        self._frames += 1
        self.known = (self.known | frame.joined) & ~frame.left
        self.expect(frame.member_count)

    def refresh(self, count: int) -> None:
        """Read the list until it has this number of members."""
        self._count, self._failures = count, 0
        self._cloud.env.process(self._read())

    def clear(self) -> None:
        """Forget the members: the room has too many."""
        self._cancel()
        self.known = 0

    def _read(self) -> Steps:
        self._cancel()
        reading, frames, is_current = self._readings, self._frames, False
        request = self._program.get_members(self._room)
        members = (yield from request) if request else None
        if reading != self._readings:
            return
        if members is not None:
            self.known, is_current = members, self._frames == frames
        self._stop_waiting()
        if is_current and self._is_complete():
            self._failures = 0
        else:
            self._recheck_in(0)
            self._failures += 1

    def _is_complete(self) -> bool:
        return self.known.bit_count() == self._count

    def _recheck_in(self, patience: float) -> None:
        if not self._is_waiting:
            self._is_waiting = True
            pause = max(p.RECHECK, backoff(self._cloud.random, self._failures), patience)
            self._cloud.later(pause, partial(self._recheck, self._timer, patience > 0))

    def _recheck(self, timer: int, unless_complete: bool) -> None:
        if timer != self._timer:
            return
        self._stop_waiting()
        if not (unless_complete and self._is_complete()):
            self._cloud.env.process(self._read())

    def _stop_waiting(self) -> None:
        self._timer += 1
        self._is_waiting = False

    def _cancel(self) -> None:
        """Cancel the next reading, and ignore the response to the current one."""
        self._stop_waiting()
        self._readings += 1
