"""The prefetch of sendMessage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event

import pytest

from chalicelib import settings
from chalicelib.chat import messages
from chalicelib.storage.models import Connection, Message, Room, RoomSequence
from chalicelib.websocket import prefetch as prefetching
from chalicelib.websocket.prefetch import known_rooms, prefetch
from tests.support.messages import take_sequence
from tests.support.rooms import fill_room
from tests.support.sockets import Socket


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Forget the rooms of connections before and after a test."""
    known_rooms.clear()
    yield
    known_rooms.clear()


@pytest.fixture
def sender(room: Room) -> Connection:
    """Return the connection a of a room with three members."""
    fill_room(room, ["a", "b", "c"])
    return Connection.get("a", consistent_read=True)


def test_sequence_and_recipients_are_those_of_the_senders_room(sender: Connection) -> None:
    for sequence in (1, 2):
        with prefetch("a") as prefetched:
            taken, recipients = prefetched.results(sender)
        assert taken is not None
        assert (taken.last_sequence, recipients.result().keys()) == (sequence, {"a", "b", "c"})


def test_requests_start_before_the_sender_is_known_after_its_first_message(
    sender: Connection, requests: Counter[str]
) -> None:
    with prefetch("a"):
        pass
    assert not requests
    with prefetch("a") as prefetched:
        prefetched.results(sender)
    requests.clear()
    with prefetch("a"):
        pass
    assert requests == {"UpdateItem": 1, "Query": 1}


def test_only_the_first_of_many_rejected_messages_takes_a_sequence(socket: Callable[[str], Socket], room: Room) -> None:
    member = socket("a")
    member.connect(roomId=room.room_id)
    for _ in range(settings.MESSAGES_PER_WINDOW + 5):
        member.say("hi")
    assert take_sequence(room) == settings.MESSAGES_PER_WINDOW + 2


def test_sequence_of_a_rejected_message_is_closed(socket: Callable[[str], Socket], room: Room) -> None:
    member = socket("a")
    member.connect(roomId=room.room_id)
    for _ in range(settings.MESSAGES_PER_WINDOW + 5):
        member.say("hi")
    tombstone = Message.find(room.room_id, Message.sort_key_of(settings.MESSAGES_PER_WINDOW + 1))
    assert tombstone is not None
    assert tombstone.is_tombstone


def test_sequence_of_a_rejected_message_in_a_room_that_is_gone_is_not_closed(sender: Connection) -> None:
    known_rooms["a"] = "another"
    with suppress(ZeroDivisionError), prefetch("a"):
        _ = 1 / 0
    assert Message.find("another", Message.sort_key_of(1)) is None


@pytest.mark.parametrize("text", ["hi", "something else"])
def test_only_the_first_of_many_repeated_messages_takes_a_sequence(
    socket: Callable[[str], Socket], room: Room, requests: Counter[str], text: str
) -> None:
    member = socket("a")
    member.connect(roomId=room.room_id)
    member.say("hi", clientId="c-1")
    for number in range(10):
        requests.clear()
        member.say(text, clientId="c-1")
        assert number == 0 or requests == {"UpdateItem": 1, "Query": 1, "GetItem": 2}
    assert take_sequence(room) == 3


def test_requests_have_ended_when_a_message_fails(sender: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    known_rooms["a"] = sender.joined_room_id
    failing, ended = Event(), Event()

    def take_sequence(_: str) -> RoomSequence:
        failing.wait(10)
        sequence = RoomSequence(sender.joined_room_id, last_sequence=sum(range(1_000_000)))
        ended.set()
        return sequence

    monkeypatch.setattr(messages, "take_sequence", take_sequence)
    with suppress(ZeroDivisionError), prefetch("a"):
        failing.set()
        _ = 1 / 0
    assert ended.is_set()


def test_prefetch_for_another_room_is_not_used(sender: Connection) -> None:
    messages.take_sequence(sender.joined_room_id)
    known_rooms["a"] = "another"
    with prefetch("a") as prefetched:
        sequence, recipients = prefetched.results(sender)
    assert sequence is not None
    assert (sequence.last_sequence, recipients.result().keys()) == (2, {"a", "b", "c"})


def test_requests_for_another_room_have_ended_before_those_of_the_room_start(
    sender: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_sequence, own, overlaps = messages.take_sequence, Event(), list[bool]()

    def take(room_id: str) -> RoomSequence:
        if room_id == "another":
            overlaps.append(own.wait(0.2))
            return RoomSequence(room_id, last_sequence=1)
        own.set()
        return take_sequence(room_id)

    monkeypatch.setattr(messages, "take_sequence", take)
    known_rooms["a"] = "another"
    with prefetch("a") as prefetched:
        prefetched.results(sender)
    assert overlaps == [False]


def test_known_rooms_are_limited(sender: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetching, "MAX_KNOWN_ROOMS", 2)
    for connection_id in ("a", "b", "c"):
        with prefetch(connection_id) as prefetched:
            prefetched.results(Connection.get(connection_id, consistent_read=True))
    assert list(known_rooms) == ["c"]
