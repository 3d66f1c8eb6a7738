"""The page: when it connects, sends, reads the history and gives up, as the modules of chalicelib/static."""

from __future__ import annotations

from array import array
from functools import partial
from typing import TYPE_CHECKING

import simpy

from benchmarks.simulation import parameters as p
from benchmarks.simulation.aws import Steps

if TYPE_CHECKING:
    from benchmarks.simulation.program import History, Program, Room

__all__ = ["Connection", "Message", "Page"]


class Connection:
    """A WebSocket connection and its row."""

    __slots__ = ("is_open", "joined_at", "page")

    def __init__(self, page: Page, joined_at: float, is_open: bool = False) -> None:
        self.page, self.joined_at, self.is_open = page, joined_at, is_open


class Message:
    """A message. It has a sequence once it is stored. The pages in its room are owed it, stored or not."""

    __slots__ = ("confirmed", "owed", "sender", "sent_at", "sequence")

    def __init__(self, env: simpy.Environment, sender: Page | None) -> None:
        self.sender, self.sent_at, self.confirmed = sender, env.now, env.event()
        self.sequence: int | None = None
        self.owed = 0

    def confirm(self) -> bool:
        """Confirm the message, and return whether it was unconfirmed."""
        if is_new := not self.confirmed.triggered:
            self.confirmed.succeed()
        return is_new


class Page:
    """A page in a room."""

    def __init__(self, program: Program, room: Room) -> None:
        self._program, self.room = program, room
        self._cloud, self._env = program.cloud, program.cloud.env
        self.connection: Connection | None = None
        self.position: int | None = None
        self.ahead: set[int] = set()
        self._failures = self._history_failures = 0
        self._heard_at = self._opened_at = 0.0
        self._timer = 0
        self._is_waiting = self._is_asking = self._is_behind = False

    def place(self) -> None:
        """Put the page into its room, connected: the state before a scenario begins."""
        self.connection = Connection(self, -p.MAX_CONNECT_SECONDS, is_open=True)
        self.room.connections[self.connection] = None
        self._opened_at = -p.MAX_CONNECT_SECONDS
        self._enter(self.room.last_sequence)

    def visit(self) -> Steps:
        """Enter the room. The page's files are already loaded, /config is not."""
        self.catch_up()
        if look := self._program.get(self.room):
            self._env.process(look)
        while (config := self._program.get(self.room)) is None:  # stands for /config, which costs as much
            yield self._env.timeout(self._pause_after(self._failures))
            self._failures += 1
        yield from config
        yield from self._connect(0)

    def lose_connection(self) -> None:
        """Reconnect after the connection was closed."""
        connection, self.connection = self.connection, None
        if connection is None:
            return
        connection.is_open = False
        self._program.disconnect(connection)
        if self._env.now - self._opened_at > p.STEADY_AFTER:
            self._failures = 0
            pause = self._cloud.random.uniform(0, p.QUIET_PAUSE)
        else:
            pause = self._pause_after(self._failures)
            self._failures += 1
        self._env.process(self._connect(pause))

    def send(self) -> Steps:
        """Send a message until it is confirmed, at most MOST_SENDS times."""
        message = Message(self._env, self)
        self._program.owe(self.room, message)
        for _ in range(p.MOST_SENDS):
            if self.connection is not None:
                self._program.send_message(self.connection, message)
            yield message.confirmed | self._env.timeout(p.ECHO_PATIENCE)
            if message.confirmed.triggered:
                return
        if message.sequence is None:
            self._cloud.tally.unsent += 1
            self._cloud.tally.lost += message.owed

    def beat(self) -> None:
        """Send a ping, and read the history. Reconnect if nothing is heard."""
        if self.connection is not None:
            self._program.ping(self.connection)
            self.catch_up()
            self._cloud.later(p.SILENCE_LIMIT, partial(self._check_silence, self.connection, self._env.now))

    def _check_silence(self, connection: Connection, beat_at: float) -> None:
        if self._heard_at < beat_at and self.connection is connection:
            self.lose_connection()

    def hear(self, message: Message | None) -> None:
        """Receive a frame: a message, or None for any other frame."""
        self._heard_at = self._env.now
        if message is None:
            return
        if message.sender is self:
            message.confirm()
        if self.position is not None:
            self._take(message, self._cloud.tally.live)
            if self.ahead and not self._is_waiting:
                self._ask_in(p.GAP_PATIENCE)

    def catch_up(self) -> None:
        """Read new messages now."""
        self._is_behind = True
        self._ask_in(0)

    def _connect(self, pause: float) -> Steps:
        yield self._env.timeout(pause)
        while (connection := (yield from self._try_to_connect())) is None:
            if look := self._program.get(self.room):
                yield from look
            yield self._env.timeout(self._pause_after(self._failures))
            self._failures += 1
        self.connection, self._opened_at = connection, self._env.now
        self.catch_up()
        self._env.process(self._meet_members())
        self._cloud.later(p.INDEX_LAG, self.catch_up)

    def _try_to_connect(self) -> Steps:
        steps = self._program.connect(self)
        if steps is None:
            return None
        attempt = self._env.process(steps)
        yield attempt | self._env.timeout(p.OPENING_LIMIT)
        if not attempt.triggered:
            self._env.process(self._close(attempt))
            return None
        return attempt.value

    def _close(self, attempt: simpy.Process) -> Steps:
        """Close a connection that was opened after the page had given it up."""
        connection = yield attempt
        if connection is not None:
            connection.is_open = False
            self._program.disconnect(connection)

    def _meet_members(self) -> Steps:
        if not p.READS_MEMBERS:
            return
        members, look = self._program.get_members(self.room), self._program.get(self.room)
        listing = members and self._env.process(members)
        count = look and (yield from look)
        listed = listing and (yield listing)
        if count is not None and count != listed:
            yield self._env.timeout(p.RECHECK)
            if members := self._program.get_members(self.room):
                yield from members

    def _ask_in(self, seconds: float) -> None:
        if not self._is_asking:
            self._timer += 1
            self._is_waiting = True
            self._cloud.later(seconds, partial(self._ask, self._timer))

    def _ask(self, timer: int) -> None:
        if timer != self._timer or self._is_asking:
            return
        self._is_waiting = self._is_behind = False
        if (request := self._program.get_history(self.room, self.position)) is None:
            self._handle_answer(None)
        else:
            self._is_asking = True
            self._env.process(self._wait_for_answer(request))

    def _wait_for_answer(self, request: Steps) -> Steps:
        answer = yield from request
        self._is_asking = False
        self._handle_answer(answer)

    def _handle_answer(self, answer: History | None) -> None:
        if answer is not None:
            self._read(answer)
        if self._is_behind:
            self._ask_in(0)
        elif answer is None or self.ahead:
            self._ask_in(self._pause_after(self._history_failures))
            self._history_failures += 1
        else:
            self._history_failures = 0

    def _read(self, answer: History) -> None:
        if self.position is None:
            self._enter(answer.last_sequence)
            return
        after = self.position
        for message in answer.messages:
            # A message of ours that was stored but not echoed: others may not have received it either.
            if message.sender is self and message.confirm() and self.connection is not None:
                self._cloud.tally.repeats += 1
                self._program.send_message(self.connection, message)
            self._take(message, self._cloud.tally.later)
        settled = (answer.messages[-1].sequence or 0) if answer.messages else answer.last_sequence
        self.position = max(self.position, settled)
        self.ahead = {sequence for sequence in self.ahead if sequence > settled}
        self._advance()
        self._is_behind = self._is_behind or after < self.position < answer.last_sequence

    def _enter(self, position: int) -> None:
        """Know the messages up to a position. The page is owed all later ones."""
        self.position = position
        self.room.entered += 1
        self._cloud.tally.expected += sum((message.sequence or 0) > position for message in self.room.messages[-10:])

    def _take(self, message: Message, deliveries: array[float]) -> None:
        """Count a message that the page did not know."""
        sequence = message.sequence or 0
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

    def _pause_after(self, failures: int) -> float:
        longest: float = min(p.LONGEST_PAUSE, p.FIRST_PAUSE * 2**failures)
        return longest * (0.5 + self._cloud.random.random() / 2)
