"""Storing of messages: sequences and idempotency."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from datetime import timedelta

import pytest
import time_machine

from chalicelib import settings
from chalicelib.auth.identity import Credentials
from chalicelib.chat import members, messages
from chalicelib.errors import InvalidInput
from chalicelib.storage.models import Connection, Room
from tests.support.dynamodb import Fault, inject_faults
from tests.support.messages import fill_gap, sequences, store_late, take_sequence, texts
from tests.support.rooms import create_room

pytestmark = pytest.mark.usefixtures("clock")


def test_sequences_start_at_1_and_rise_by_1_in_each_room(aki: Connection) -> None:
    cy = members.join("c", create_room("Coffee").room_id, "Cy")
    assert [messages.store(aki, text, None).sequence for text in ("a", "b", "c")] == [1, 2, 3]
    assert messages.store(cy, "a", None).sequence == 1


def test_message_costs_two_requests_however_many_are_stored(aki: Connection, requests: Counter[str]) -> None:
    for number in range(10):
        requests.clear()
        messages.store(aki, "hi", f"c-{number}")
        assert requests == {"UpdateItem": 1, "TransactWriteItems": 1}


def test_repeated_client_id_returns_the_stored_message(room: Room, aki: Connection) -> None:
    first = messages.store(aki, "hi", "c-1")
    repeated = messages.store(aki, "hi", "c-1")
    from_another_connection = messages.store(members.join("b", room.room_id, "Aki"), "hi", "c-1")
    assert repeated.sequence == from_another_connection.sequence == first.sequence
    assert (repeated.sender_id, repeated.sent_at) == (first.sender_id, first.sent_at)
    assert texts(room) == ["hi"]


@pytest.mark.parametrize(("key", "texts_stored"), [("k" * 22, ["hi", "ho"]), (None, ["hi"])])
def test_client_ids_of_a_member_with_a_key_are_its_own(
    room: Room, aki: Connection, key: str | None, texts_stored: list[str]
) -> None:
    """Guests without a key share theirs: after a reconnect, a guest is another member."""
    messages.store(members.join("s", room.room_id, "Stranger"), "hi", "dice-4")
    with nullcontext() if key else pytest.raises(InvalidInput):
        messages.store(members.join("b", room.room_id, "Bo", Credentials(key=key)), "ho", "dice-4")
    assert texts(room) == texts_stored


def test_client_id_is_the_same_in_the_connections_of_a_member(room: Room) -> None:
    for connection_id in ("b", "b2"):
        messages.store(members.join(connection_id, room.room_id, "Bo", Credentials(key="k" * 22)), "hi", "c-1")
    assert texts(room) == ["hi"]


@pytest.mark.parametrize("stranger", [None, "s" * 22])
def test_stranger_cannot_take_the_client_id_of_a_member(room: Room, stranger: str | None) -> None:
    bo = members.join("b", room.room_id, "Bo", Credentials(key="k" * 22))
    messages.store(
        members.join("s", room.room_id, credentials=Credentials(key=stranger)), "taken", f"{bo.member_id}#c-1"
    )
    messages.store(bo, "hi", "c-1")
    assert texts(room) == ["taken", "hi"]


def test_client_id_is_unique_per_room(room: Room, aki: Connection) -> None:
    other = create_room("Coffee")
    messages.store(aki, "hi", "c-1")
    messages.store(members.join("c", other.room_id, "Cy"), "ho", "c-1")
    assert (texts(room), texts(other)) == (["hi"], ["ho"])


def test_client_id_with_another_text_is_rejected(room: Room, aki: Connection) -> None:
    messages.store(aki, "hi", "1")
    with pytest.raises(InvalidInput, match="clientId belongs to another message"):
        messages.store(aki, "something else", "1")
    assert texts(room) == ["hi"]


def test_client_id_can_be_used_again_after_ten_minutes(
    room: Room, aki: Connection, clock: time_machine.Traveller
) -> None:
    messages.store(aki, "hi", "c-1")
    clock.shift(timedelta(minutes=10) - timedelta(seconds=1))
    messages.store(aki, "hi", "c-1")
    assert texts(room) == ["hi"]
    clock.shift(timedelta(seconds=1))
    messages.store(aki, "hi", "c-1")
    assert texts(room) == ["hi", "hi"]


def test_client_id_that_can_be_used_again_belongs_to_the_new_message(
    room: Room, aki: Connection, clock: time_machine.Traveller
) -> None:
    messages.store(aki, "hi", "c-1")
    fill_gap(room, 2)
    clock.shift(timedelta(minutes=10))
    assert messages.store(aki, "hi", "c-1").sequence == 3


def test_client_id_can_be_used_again_after_its_message_has_expired(
    room: Room, aki: Connection, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MESSAGE_RETENTION_SECONDS", 60)
    messages.store(aki, "hi", "c-1")
    clock.shift(timedelta(seconds=60))
    assert messages.store(aki, "hi", "c-1").sequence == 2
    assert texts(room) == ["hi"]


def test_message_that_loses_its_sequence_to_a_tombstone_gets_another(room: Room, aki: Connection) -> None:
    messages.store(aki, "a", None)
    fill_gap(room, 2)
    assert messages.store(aki, "b", "c-1").sequence == 3
    assert texts(room) == ["a", "b"]


def test_message_whose_sequence_has_a_tombstone_is_stored_under_the_next(room: Room, aki: Connection) -> None:
    taken = messages.take_sequence(room.room_id)
    sequence = int(taken.last_sequence)
    fill_gap(room, sequence)
    assert messages.store(aki, "a", "c-1", taken).sequence == sequence + 1
    assert messages.store(aki, "a", "c-1").sequence == sequence + 1
    assert texts(room) == ["a"]


def test_message_that_meets_a_transaction_keeps_its_sequence(
    room: Room, aki: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    conflicts = iter(list[Fault](["conflict"] * 3))
    inject_faults(
        monkeypatch, lambda operation, _: next(conflicts, None) if operation == "TransactWriteItems" else None
    )
    assert messages.store(aki, "a", "c-1").sequence == 1
    assert take_sequence(room) == 2


@pytest.mark.parametrize("text", ["hi", "something else"])
def test_sequence_of_a_repeated_client_id_is_closed(room: Room, aki: Connection, text: str) -> None:
    messages.store(aki, "hi", "c-1")
    with suppress(InvalidInput):
        messages.store(aki, text, "c-1", messages.take_sequence(room.room_id))
    assert store_late(room, 2) is False
    assert messages.store(aki, "a", None).sequence == 3


@pytest.mark.parametrize("text", ["hi", "something else"])
def test_many_repeated_client_ids_take_one_sequence_and_two_requests_each(
    room: Room, aki: Connection, requests: Counter[str], text: str
) -> None:
    messages.store(aki, "hi", "c-1")
    for number in range(10):
        requests.clear()
        with suppress(InvalidInput):
            messages.store(aki, text, "c-1")
        assert number == 0 or requests == {"GetItem": 2}
    assert messages.store(aki, "new", "c-2").sequence == 3
    requests.clear()
    assert messages.store(aki, "newer", "c-3").sequence == 4
    assert requests == {"UpdateItem": 1, "TransactWriteItems": 1}


def test_message_is_stored_although_its_sender_has_repeated_another(room: Room, aki: Connection) -> None:
    messages.store(aki, "hi", "c-1")
    messages.store(aki, "hi", "c-1")
    bo = members.join("b", room.room_id, "Bo")
    assert not messages.is_repeating(bo)
    assert messages.is_repeating(aki)
    assert messages.store(aki, "no id", None).text == "no id"


def test_repetition_is_refused_although_its_sequence_cannot_be_closed(
    room: Room, aki: Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    messages.store(aki, "hi", "c-1")
    with monkeypatch.context() as patch:
        inject_faults(patch, lambda operation, _: "throttling" if operation == "PutItem" else None)
        with pytest.raises(InvalidInput, match="clientId belongs to another message"):
            messages.store(aki, "something else", "c-1")
    assert f"could not close sequence 2 of room {room.room_id}" in caplog.text
    messages.store(aki, "a", None)
    assert sequences(room, after=0) == [1, 3]


def test_memory_of_repeating_senders_is_bounded(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MAX_REPEATING_SENDERS", 3)
    for number in range(10):
        sender = members.join(f"c{number}", room.room_id, None)
        for _ in range(2):
            messages.store(sender, "hi", sender.connection_id)
        assert messages.is_repeating(sender)
        assert len(messages.repeating_senders) <= 3


def test_concurrent_messages_get_different_sequences(room: Room, aki: Connection) -> None:
    with ThreadPoolExecutor(8) as executor:
        posted = list(executor.map(lambda number: messages.store(aki, str(number), f"c-{number}"), range(40)))
    assert sorted(message.sequence for message in posted) == list(range(1, 41))
    assert sequences(room, limit=100) == list(range(1, 41))
