"""The chat's functions, with the requests that each of them makes."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import simpy

from benchmarks.simulation import parameters as p
from benchmarks.simulation.aws import Cloud, Environment, Partition, Queue, Steps
from benchmarks.simulation.broadcast import broadcast
from benchmarks.simulation.frames import Crowd, Frame, Joined, Message, Plain, Presence, Welcome
from benchmarks.simulation.page import Connection, Page


class TickState:
    """The item of the ticks of a room."""

    def __init__(self) -> None:
        self.number = 0  # of claims
        self.claimed_until: float | None = None
        self.began_at = -math.inf
        self.position: int | None = None
        self.posts = 1


class Room:
    """A room: its partitions in DynamoDB, its connections, and its messages in the order of their sequences."""

    def __init__(self, env: simpy.Environment) -> None:
        self.item, self.index, self.history = Partition(env), Partition(env), Partition(env)
        self.connections: dict[Connection, None] = {}
        self.members = 0  # the bits of the connections
        self.entered = 0
        self.last_sequence = 0
        self.messages: list[Message] = []
        self.tick = TickState()
        self.presence: dict[int, list[_PresenceGroup]] = {}
        self._numbered = 0

    def number_connection(self) -> int:
        """Return the number of a new connection."""
        self._numbered += 1
        return self._numbered - 1

    def add(self, connection: Connection) -> None:
        """Add a connection."""
        self.connections[connection] = None
        self.members |= connection.bit

    def remove(self, connection: Connection) -> None:
        """Remove a connection."""
        del self.connections[connection]
        self.members &= ~connection.bit

    @property
    def last_stored(self) -> int:
        """The highest sequence that has a message."""
        return self.messages[-1].order() if self.messages else 0


class _PresenceGroup(NamedTuple):
    """Joins or leaves that one function has counted together. is_late: they were not sent at once."""

    slot: int
    frames: list[Presence]
    is_late: bool


class MessagePage(NamedTuple):
    """A response to GET /rooms/{room_id}/messages."""

    messages: list[Message]
    last_sequence: int


class Program:
    """The functions of one stage."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.unstored: set[Message] = set()
        self._queue = Queue(cloud)

    def owe(self, room: Room, message: Message) -> None:
        """Count the deliveries that a message is expected to make."""
        self.unstored.add(message)
        self.cloud.tally.expected += room.entered - message.owed
        message.owed = room.entered

    def store(self, room: Room, message: Message) -> None:
        """Store a message under the next sequence."""
        self.owe(room, message)
        self.unstored.discard(message)
        room.last_sequence += 1
        message.sequence = room.last_sequence
        room.messages.append(message)

    def connect(self, page: Page) -> Steps | None:
        """Open a connection. The result of the steps is the connection, None if the program refused it."""
        if not self.cloud.admit(self.cloud.new_connections, self.cloud.websocket_stage):
            return None
        return self.cloud.invoke("websocket_connect", partial(self._connect, page))

    def disconnect(self, connection: Connection) -> None:
        """Handle the end of a connection. API Gateway does not repeat an event that was throttled (assumed)."""
        if self.cloud.admit(self.cloud.websocket_stage):
            self._start(self.cloud.invoke("websocket_disconnect", partial(self._disconnect, connection)))

    def send_message(self, connection: Connection, message: Message) -> None:
        """Handle a sendMessage frame."""
        self._frame(partial(self._send_message, connection, message))

    def hello(self, connection: Connection) -> None:
        """Handle a hello frame."""
        self._frame(partial(self._hello, connection))

    def get(self, room: Room) -> Steps | None:
        """Handle GET /rooms/{room_id}."""
        return self._request(partial(self._get, room))

    def get_members(self, room: Room) -> Steps | None:
        """Handle GET /rooms/{room_id}/members. The result is the bits of the members, None after an error."""
        return self._request(partial(self._get_members, room))

    def get_history(self, room: Room, after: int | None) -> Steps | None:
        """Handle GET /rooms/{room_id}/messages. The result is a MessagePage, None after an error."""
        return self._request(partial(self._get_history, room, after))

    def _frame(self, work: Callable[[Environment], Steps]) -> None:
        if self.cloud.admit(self.cloud.websocket_stage):
            self.cloud.tally.websocket_messages += 1
            self._start(self.cloud.invoke("websocket_message", work))

    def _request(self, work: Callable[[Environment], Steps]) -> Steps | None:
        if not self.cloud.admit(self.cloud.rest_stage):
            return None
        self.cloud.tally.rest_requests += 1
        return self.cloud.invoke("api_handler", work)

    def _start(self, invocation: Steps | None) -> None:
        if invocation is not None:
            self.cloud.env.process(invocation)

    def _get(self, room: Room, environment: Environment) -> Steps:
        yield from self.cloud.read(room.item, 1)

    def _get_members(self, room: Room, environment: Environment) -> Steps:
        if not (yield from self.cloud.read(room.item, 1)):
            return None
        members = room.members
        found = yield from self._query_index(room, environment, p.CPU_MEMBER)
        return None if found is None else members

    def _get_history(self, room: Room, after: int | None, environment: Environment) -> Steps:
        for partition in (room.item, room.history):
            if not (yield from self.cloud.read(partition, 1)):
                return None
        last = room.last_stored
        if after is None:
            found = room.messages[-p.FIRST_PAGE :]
        else:
            start = bisect_right(room.messages, after, key=Message.order)
            found = room.messages[start : start + p.MISSED_PAGE]
        # A query that finds nothing costs one unit, too.
        units = max(1, math.ceil(len(found) * p.MESSAGE_BYTES / p.READ_UNIT_BYTES))
        if not (yield from self.cloud.read(room.history, units)):
            return None
        return MessagePage(found, last)

    def _connect(self, page: Page, environment: Environment) -> Steps:
        room, connection = page.room, Connection(page, self.cloud.env.now)
        # The names in the room, which the new one is compared with.
        is_compared = len(room.connections) <= p.PRESENCE_LIMIT
        if is_compared and (yield from self._query_index(room, environment, p.CPU_MEMBER)) is None:
            return None
        if not (yield from self.cloud.transact(room.item, 2)):
            return None
        self.cloud.tally.write_units += 3  # the connection's row in the transaction, and in the index
        room.add(connection)
        yield from self._notify(room, environment, connection, has_joined=True)
        connection.is_open = True
        return connection

    def _disconnect(self, connection: Connection, environment: Environment) -> Steps:
        yield self.cloud.env.timeout(p.REQUEST)
        room = connection.page.room
        if (yield from self._leave(room, [connection])):
            yield from self._notify(room, environment, connection, has_joined=False)

    def _leave(self, room: Room, connections: list[Connection]) -> Steps:
        """Remove connections in one transaction. Return those that were in the room."""
        yield self.cloud.env.timeout(p.REQUEST)
        if not any(connection in room.connections for connection in connections):
            return []
        if not (yield from self.cloud.transact(room.item, 2)):
            return []
        leaving = [connection for connection in connections if connection in room.connections]
        self.cloud.tally.write_units += 3 * len(leaving)
        for connection in leaving:
            room.remove(connection)
        return leaving

    def _notify(self, room: Room, environment: Environment, subject: Connection, has_joined: bool) -> Steps:
        """Announce a join or leave to the other members."""
        frames = yield from self._presence_frames(room, [subject], has_joined)
        if frames and (found := (yield from self._query_index(room, environment))):
            yield from self._send(room, environment, [one for one in found if one is not subject], frames)

    def _count_presence(self, room: Room, frames: list[Presence]) -> Steps:
        """Add joins or leaves to the item of their window. Return those to send at once: the first of the window."""
        slot = int(self.cloud.env.now / p.PRESENCE_SLOT)
        window = int(self.cloud.env.now / p.PRESENCE_WINDOW)
        groups = room.presence.setdefault(window, [])
        former, count = groups[-1] if groups else None, sum(len(group.frames) for group in groups) + len(frames)
        is_late = count > p.PRESENCE_SINGLES
        groups.append(_PresenceGroup(slot, frames, is_late))
        yield from self.cloud.write(room.history)  # the counters of the window
        if not is_late:
            return frames
        yield from self.cloud.write(room.history, len(frames))
        if former is None or former.slot != slot or not former.is_late:
            delay = math.ceil((slot + 1) * p.PRESENCE_SLOT - self.cloud.env.now)
            yield self.cloud.env.timeout(p.SQS_SEND)
            self._queue.put(partial(self._send_crowd, room, window, slot), delay, p.QUEUE_REQUESTS_PER_JOB)
        return []

    def _send_crowd(self, room: Room, window: int, slot: int, environment: Environment) -> Steps:
        """Send the joins and leaves of a slot, but for those that were sent at once, in one frame."""
        groups = room.presence[window]
        events = [event for group in groups if group.slot == slot and group.is_late for event in group.frames]
        units = math.ceil(len(events) * p.PRESENCE_BYTES / p.READ_UNIT_BYTES)
        joined = left = 0
        for event in events:
            joined = joined | event.member if event.has_joined else joined & ~event.member
            left = left & ~event.member if event.has_joined else left | event.member
        if not (yield from self.cloud.read(room.history, units)):
            return
        yield from self.cloud.read(room.item, 1)
        self.cloud.tally.read_units += len(events)  # the connections, each in a partition of its own
        if found := (yield from self._query_index(room, environment)):
            crowd = Crowd(joined, left, len(room.connections))
            yield from self._send(room, environment, [one for one in found if one.is_batched], [crowd])

    def _presence_frames(self, room: Room, connections: list[Connection], has_joined: bool) -> Steps:
        """Return a join or leave frame for each connection. There are none in a large room."""
        is_read = yield from self.cloud.read(room.item, 1)
        count = len(room.connections)
        if not is_read or not 0 < count <= p.PRESENCE_LIMIT:
            return []
        frames = [Presence(has_joined, connection.bit, count) for connection in connections]
        return (yield from self._count_presence(room, frames)) if p.PRESENCE_SINGLES else frames

    def _query_index(self, room: Room, environment: Environment, cpu: float = p.CPU_INDEX_ROW) -> Steps:
        """Return the connections in a room, None if the query was throttled."""
        found = list(room.connections)
        units = max(0.5, len(found) * p.INDEX_ROW_BYTES / p.READ_UNIT_BYTES / 2)
        if not (yield from self.cloud.read(room.index, units)):
            return None
        yield self.cloud.env.timeout(len(found) * cpu / environment.cpu_share)
        return found

    def _send_message(self, connection: Connection, message: Message, environment: Environment) -> Steps:
        env, room = self.cloud.env, connection.page.room
        yield env.timeout(p.REQUEST)  # the rate limit, which no scenario reaches
        query = env.process(self._query_index(room, environment))
        yield env.timeout(p.REQUEST + p.TRANSACTION)
        self.cloud.tally.write_units += 6
        if message.sequence is None:
            self.store(room, message)
        else:
            # The retry has taken a sequence that gets no message; it reads the stored message.
            room.last_sequence += 1
            yield env.timeout(2 * p.REQUEST)
        recipients = yield query
        if p.TICKS and recipients is not None and len(recipients) > p.FANOUT_BATCH:
            yield from self._announce(room, environment, len(recipients), message.order())
        elif recipients is not None:
            recipients = list(dict.fromkeys([*recipients, connection]))
            recipients.sort(key=lambda _: self.cloud.random.random())  # the program's are a set: in no order
            yield from self._send(room, environment, recipients, [message])

    def _send(self, room: Room, environment: Environment, recipients: list[Connection], frames: list[Frame]) -> Steps:
        """Send frames as room_delivery.send_to_room."""
        if len(recipients) > p.FANOUT_BATCH:
            for frame in frames:
                for start in range(0, len(recipients), p.FANOUT_BATCH):
                    yield self.cloud.env.timeout(p.SQS_SEND)
                    batch = recipients[start : start + p.FANOUT_BATCH]
                    self._queue.put(partial(self._fan_out, room, batch, [frame], 1))
            return
        while frames and recipients and self.cloud.env.now < environment.deadline:
            frame, *frames = frames
            result = yield from broadcast(self.cloud, environment, recipients, partial(_deliver, frame))
            unreachable = {*result.gone, *result.failed}
            recipients = [recipient for recipient in recipients if recipient not in unreachable]
            frames += yield from self._remove_gone(room, result.gone)

    def _fan_out(
        self,
        room: Room,
        batch: list[Connection],
        frames: list[Frame],
        attempt: int,
        environment: Environment,
        rate: float = math.inf,
    ) -> Steps:
        """Send each frame to the connections of a batch. Those without batch=1 get each message in its own frame."""
        gone, failed = list[Connection](), list[Connection]()
        batched = [one for one in batch if one.is_batched] if isinstance(frames[0], Joined) else batch
        others = [one for one in batch if not one.is_batched] if isinstance(frames[0], Joined) else []
        singles = [message for frame in frames if isinstance(frame, Joined) for message in frame.messages]
        for recipients, payloads in ((batched, frames), (others, singles)):
            remaining = recipients
            for payload in payloads:
                result = yield from broadcast(self.cloud, environment, remaining, partial(_deliver, payload), rate)
                unreachable = {*result.gone, *result.failed}
                remaining = [one for one in remaining if one not in unreachable]
                gone += result.gone
                failed += result.failed
        if failed and attempt < p.MAX_BATCH_ATTEMPTS:
            self._queue.put(partial(self._fan_out, room, failed, frames, attempt + 1), p.BATCH_RETRY_DELAY)
        yield from self._remove_gone(room, gone)

    def _announce(self, room: Room, environment: Environment, connections: int, sequence: int) -> Steps:
        """Note a stored message for the next tick, and claim and queue this tick, unless there is a claim."""
        yield from self.cloud.write(room.history)
        tick, now = room.tick, self.cloud.env.now
        if tick.position is None:
            tick.position = sequence - 1
        if tick.claimed_until is not None and tick.claimed_until > now:
            return
        yield from self.cloud.write(room.history)
        remaining = tick.began_at + max(p.TICK_SECONDS, connections * tick.posts / p.TICK_RATE) - now
        delay = max(round(remaining), 1) if remaining > 0 else 0
        tick.number += 1
        tick.claimed_until = now + delay + p.TICK_TAKEOVER
        yield self.cloud.env.timeout(p.SQS_SEND)
        self._queue.put(partial(self._tick, room, tick.number), delay, p.QUEUE_REQUESTS_PER_JOB)

    def _tick(self, room: Room, number: int, environment: Environment) -> Steps:
        """Deliver what was stored since the last tick."""
        yield from self.cloud.write(room.history)
        tick, now = room.tick, self.cloud.env.now
        tick.began_at = now
        if number == tick.number:  # otherwise another sender has taken over the claim
            tick.claimed_until = None
        self.cloud.tally.read_units += 1  # the room
        position = tick.position or 0
        # The claim is released before this read: what is stored after it leads to another claim.
        start = bisect_right(room.messages, position, key=Message.order)
        found = room.messages[start : start + p.TICK_MESSAGES]
        size = len(found) * p.MESSAGE_BYTES
        yield from self.cloud.read(room.history, max(1, math.ceil(size / p.READ_UNIT_BYTES)))
        recipients = yield from self._query_index(room, environment)
        if not found or recipients is None:
            return
        per_frame = p.FRAME_BYTES // p.MESSAGE_BYTES
        frames: list[Frame] = [Joined(found[first : first + per_frame]) for first in range(0, len(found), per_frame)]
        recipients.sort(key=lambda _: self.cloud.random.random())
        for start in range(0, len(recipients), p.FANOUT_BATCH):
            yield self.cloud.env.timeout(p.SQS_SEND)
            batch = recipients[start : start + p.FANOUT_BATCH]
            rate = p.TICK_PACE * len(batch) / len(recipients)
            self._queue.put(partial(self._fan_out, room, batch, frames, 1, rate=rate))
        yield from self.cloud.write(room.history)
        tick.position, tick.posts = found[-1].order(), len(frames)
        if room.last_stored > found[-1].order() and len(found) == p.TICK_MESSAGES:
            yield from self._announce(room, environment, len(recipients), room.last_stored)

    def _remove_gone(self, room: Room, gone: list[Connection]) -> Steps:
        """Remove closed connections from the room, and return their leave frames."""
        young = self.cloud.env.now - p.MAX_CONNECT_SECONDS
        removable = [connection for connection in gone if connection.joined_at <= young]
        if not removable:
            return []
        left = yield from self._leave(room, removable)
        return (yield from self._presence_frames(room, left, has_joined=False)) if left else []

    def _hello(self, connection: Connection, environment: Environment) -> Steps:
        room = connection.page.room
        yield self.cloud.env.timeout(p.REQUEST)  # the connection's row
        self.cloud.tally.read_units += 1
        is_read = (yield from self.cloud.read(room.item, 1)) and (yield from self.cloud.read(room.history, 1))
        answer = Welcome(len(room.connections), room.last_stored) if is_read else Plain.HELLO_FAILED
        yield from broadcast(self.cloud, environment, [connection], partial(_deliver, answer))


def _deliver(frame: Frame, connection: Connection) -> bool:
    if connection.is_open:
        connection.page.hear(frame)
    return connection.is_open
