"""Messages that a page knows, and the times at which it reads the history, as in history.ts of the client."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.simulation import parameters as p
from benchmarks.simulation.aws import Steps
from benchmarks.simulation.backoff import backoff
from benchmarks.simulation.frames import Message

if TYPE_CHECKING:
    from benchmarks.simulation.program import MessagePage, Program, Room


class History:
    """The messages that a page knows: all up to a position, and those ahead of it, after a gap."""

    def __init__(self, program: Program, room: Room, on_read: Callable[[Message], None]) -> None:
        self._program, self._room, self._on_read = program, room, on_read
        self._cloud, self._env = program.cloud, program.cloud.env
        self.position: int | None = None
        self.ahead: set[int] = set()
        self._early: list[Message] = []
        self._target = self._failures = self._timer = 0
        self._is_waiting = self._is_asking = self._is_behind = False

    def begin(self, position: int) -> None:
        """Know the messages up to a position. The page is owed all later ones."""
        self.position = position
        self._room.entered += 1
        messages = self._room.messages
        self._cloud.tally.expected += len(messages) - bisect_right(messages, position, key=Message.order)
        for message in self._early:
            self._take(message, self._cloud.tally.live)
        self._early.clear()

    def receive(self, message: Message, patience: float = p.GAP_PATIENCE) -> None:
        """Take a message that arrived as a frame. Read the history if it shows a gap that does not close soon."""
        if self.position is None:
            self._early.append(message)
            return
        self._take(message, self._cloud.tally.live)
        if self.ahead and not self._is_waiting:
            self._ask_in(patience, unless_complete=patience > p.GAP_PATIENCE)

    def catch_up(self) -> None:
        """Read new messages now."""
        self._is_behind = True
        self._ask_in(0)

    def reach(self, sequence: int, patience: float = 0) -> None:
        """Read new messages unless everything up to this sequence is known, or arrives within a delay."""
        self._target = max(self._target, sequence)
        if not self._is_complete() and not (patience and self._is_waiting):
            self._ask_in(patience, unless_complete=patience > 0)

    def _is_complete(self) -> bool:
        return self.position is not None and self.position >= self._target and not self.ahead

    def _ask_in(self, seconds: float, unless_complete: bool = False) -> None:
        if not self._is_asking:
            self._timer += 1
            self._is_waiting = True
            self._cloud.later(seconds, partial(self._ask, self._timer, unless_complete))

    def _ask(self, timer: int, unless_complete: bool) -> None:
        if timer != self._timer or self._is_asking:
            return
        self._is_waiting = False
        if unless_complete and self._is_complete():
            return
        self._is_behind = False
        if (request := self._program.get_history(self._room, self.position)) is None:
            self._handle_answer(None)
        else:
            self._is_asking = True
            self._env.process(self._wait_for_answer(request))

    def _wait_for_answer(self, request: Steps) -> Steps:
        answer = yield from request
        self._is_asking = False
        self._handle_answer(answer)

    def _handle_answer(self, answer: MessagePage | None) -> None:
        if answer is not None:
            self._read(answer)
        if self._is_behind:
            self._ask_in(0)
        elif answer is None or not self._is_complete():
            self._ask_in(backoff(self._cloud.random, self._failures))
            self._failures += 1
        else:
            self._failures = 0

    def _read(self, answer: MessagePage) -> None:
        for message in answer.messages:
            self._on_read(message)
        if self.position is None:
            self.begin(answer.last_sequence)
            return
        after = self.position
        for message in answer.messages:
            self._take(message, self._cloud.tally.later)
        settled = answer.messages[-1].order() if answer.messages else answer.last_sequence
        self.position = max(self.position, settled)
        self.ahead = {sequence for sequence in self.ahead if sequence > settled}
        self._advance()
        self._is_behind = self._is_behind or after < self.position < answer.last_sequence

    def _take(self, message: Message, deliveries: array[float]) -> None:
        """Count a message that the page did not know."""
        sequence = message.order()
        if self.position is None or sequence <= self.position or sequence in self.ahead:
            return
        deliveries.append(self._env.now - message.sent_at)
        self._cloud.tally.last_delivery = self._env.now
        self.ahead.add(sequence)
        self._advance()

    def _advance(self) -> None:
        while self.position is not None and self.position + 1 in self.ahead:
            self.position += 1
            self.ahead.discard(self.position)
