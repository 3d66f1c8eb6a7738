"""The page: when it connects, sends and gives up, as room.ts, connection.ts and outbox.ts of the client."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

import simpy

from benchmarks.simulation import parameters as p
from benchmarks.simulation.aws import Steps
from benchmarks.simulation.backoff import backoff
from benchmarks.simulation.frames import Crowd, Frame, Joined, Message, Plain, Presence, Welcome
from benchmarks.simulation.history import History
from benchmarks.simulation.members import Members

if TYPE_CHECKING:
    from benchmarks.simulation.program import Program, Room


class Connection:
    """A WebSocket connection and its row."""

    __slots__ = ("is_batched", "is_open", "joined_at", "number", "page")

    def __init__(self, page: Page, joined_at: float, is_open: bool = False) -> None:
        self.page, self.joined_at, self.is_open = page, joined_at, is_open
        self.number = page.room.number_connection()
        self.is_batched = page.is_batched

    @property
    def bit(self) -> int:
        """This connection in a set of members."""
        return 1 << self.number


class Page:
    """A page in a room."""

    def __init__(self, program: Program, room: Room) -> None:
        self._program, self.room = program, room
        self._cloud, self._env = program.cloud, program.cloud.env
        self.history = History(program, room, self._confirm)
        self.members = Members(program, room)
        self.connection: Connection | None = None
        self.is_batched = self._cloud.random.random() < p.BATCH_SHARE
        self._status_changed = self._env.event()
        self._is_welcomed = self._is_large = False
        self._failures = 0
        self._heard_at = self._opened_at = 0.0

    def place(self) -> None:
        """Put the page into its room, connected: the state before a scenario begins."""
        self.connection = Connection(self, -p.MAX_CONNECT_SECONDS, is_open=True)
        self.room.add(self.connection)
        self._opened_at = -p.MAX_CONNECT_SECONDS
        self._is_welcomed = True
        self._is_large = self._is_in_large_room()
        self.history.begin(self.room.last_sequence)
        self._beat_in(self.connection, self._cloud.random.uniform(0, p.BEAT_EVERY))

    def visit(self) -> Steps:
        """Enter the room. The page's files are already loaded; they contain the address to connect to."""
        self.history.catch_up()
        yield from self._connect(0)

    def lose_connection(self) -> None:
        """Reconnect after the connection was closed."""
        connection = self.connection
        if connection is None:
            return
        self._set_connection(None)
        connection.is_open = False
        self._program.disconnect(connection)
        if self._env.now - self._opened_at > p.STEADY_AFTER:
            self._failures = 0
            pause = self._cloud.random.uniform(0, p.QUIET_PAUSE)
        else:
            pause = self._next_pause()
        self._env.process(self._connect(pause))

    def send(self) -> Steps:
        """Send a message until it is confirmed, at most MOST_SENDS times, and again on each new connection."""
        message = Message(self._env, self)
        self._program.owe(self.room, message)
        sends = 0
        while not message.confirmed.triggered:
            change = message.confirmed | self._status_changed
            if self.connection is not None:
                if sends == p.MOST_SENDS:
                    break
                sends += 1
                self._program.send_message(self.connection, message)
                change |= self._env.timeout(p.ECHO_PATIENCE)
            yield change
        if not message.confirmed.triggered and message.sequence is None:
            self._cloud.tally.lost += message.owed

    def _beat_in(self, connection: Connection, seconds: float) -> None:
        self._cloud.later(seconds, partial(self._beat, connection))

    def _beat(self, connection: Connection) -> None:
        """Send a hello frame, and the next one after an interval. Reconnect if nothing is heard."""
        if self.connection is connection:
            self._program.hello(connection)
            self._cloud.later(p.SILENCE_LIMIT, partial(self._check_silence, connection, self._env.now))
            self._beat_in(connection, self._beat_interval())

    def _beat_interval(self) -> float:
        return p.BEAT_EVERY * self._cloud.random.uniform(1 - p.BEAT_JITTER, 1)

    def _check_silence(self, connection: Connection, beat_at: float) -> None:
        if self._heard_at < beat_at and self.connection is connection:
            self.lose_connection()

    def hear(self, frame: Frame) -> None:
        """Receive a frame."""
        self._heard_at = self._env.now
        if isinstance(frame, Message):
            self._receive([frame], self._is_large)
        elif isinstance(frame, Joined):
            self._receive(frame.messages, is_large=True)
        elif isinstance(frame, Presence):
            self.members.note(frame)
        elif isinstance(frame, Crowd):
            self.members.note_crowd(frame)
        elif isinstance(frame, Welcome):
            self._welcome(frame)
        elif frame is Plain.HELLO_FAILED:
            self.history.catch_up()

    def _receive(self, messages: Iterable[Message], is_large: bool) -> None:
        patience = p.GAP_PATIENCE + (self._cloud.random.uniform(0, p.GAP_JITTER) if is_large else 0)
        for message in messages:
            self._confirm(message)
            self.history.receive(message, patience)

    def _confirm(self, message: Message) -> None:
        if message.sender is self:
            message.confirm()

    def _welcome(self, frame: Welcome) -> None:
        is_first, self._is_welcomed = not self._is_welcomed, True
        self._is_large = self._is_in_large_room()
        if is_first or not self._is_large:
            self.history.reach(frame.last_sequence)
        else:
            self.history.reach(frame.last_sequence, p.GAP_PATIENCE + self._cloud.random.uniform(0, p.GAP_JITTER))
        if frame.member_count > p.MAX_LISTED_MEMBERS:
            self.members.clear()
        elif is_first:
            self.members.refresh(frame.member_count)
        else:
            self.members.expect(frame.member_count)

    def _is_in_large_room(self) -> bool:
        return p.TICKS and len(self.room.connections) > p.FANOUT_BATCH

    def _connect(self, pause: float) -> Steps:
        yield self._env.timeout(pause)
        rejections = 0
        while (connection := (yield from self._try_to_connect())) is None:
            is_due = not rejections or rejections >= p.LOOK_AFTER
            if is_due and (look := self._program.get(self.room)):
                yield from look
            rejections += 1
            yield self._env.timeout(self._next_pause())
        self._opened_at, self._is_welcomed, self._is_large = self._env.now, False, False
        self._set_connection(connection)
        self._program.hello(connection)
        self._beat_in(connection, self._beat_interval())
        self._cloud.later(p.INDEX_LAG, partial(self._check_again, connection))
        self._cloud.later(p.WELCOME_TIMEOUT, partial(self._check_welcome, connection))

    def _check_again(self, connection: Connection) -> None:
        """Find what the room received before the index contained the connection."""
        if self.connection is not connection:
            return
        if self._is_large and p.LATE_READ:
            self._cloud.later(self._cloud.random.uniform(0, p.LATE_READ), partial(self._read_again, connection))
        else:
            self._program.hello(connection)

    def _read_again(self, connection: Connection) -> None:
        if self.connection is connection:
            self.history.catch_up()

    def _check_welcome(self, connection: Connection) -> None:
        if self.connection is connection and not self._is_welcomed:
            self.history.catch_up()

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

    def _set_connection(self, connection: Connection | None) -> None:
        self.connection = connection
        changed, self._status_changed = self._status_changed, self._env.event()
        changed.succeed()

    def _next_pause(self) -> float:
        pause = backoff(self._cloud.random, self._failures)
        self._failures += 1
        return pause
