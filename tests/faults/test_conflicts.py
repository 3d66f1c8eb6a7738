"""Changes whose first write meets a transaction in progress: they are retried, and succeed."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator

import pytest

from chalicelib.auth.identity import Credentials
from chalicelib.chat import (
    admission,
    editing,
    erasure,
    history,
    members,
    messages,
    moderation,
    rate_limit,
    reactions,
    reports,
    room_list,
    room_settings,
    rooms,
    unread,
    webhooks,
)
from chalicelib.delivery.jobs import MessageErasure
from chalicelib.protocol.requests import UpdateRoom
from chalicelib.storage.models import Connection, Message, Room
from tests.support.dynamodb import WRITES, Fault, inject_faults
from tests.support.rooms import create_room

Change = Callable[[], object]


@pytest.fixture
def kept_room(tables: None) -> Room:
    return create_room("Tea", keep_days=1)


@pytest.fixture
def owner(kept_room: Room) -> Connection:
    """Connect Aki as the owner of a room that is kept."""
    return members.join("a", kept_room.room_id, "Aki", Credentials(key="a" * 22, owner_token=kept_room.owner_token))


@pytest.fixture
def conflicts(owner: Connection, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Return a function that makes a change whose first write meets a transaction, and returns its result."""

    def make(change: Change, writes: Container[str] = WRITES) -> object:
        faults: Iterator[Fault] = iter(["conflict"])
        with monkeypatch.context() as patch:
            inject_faults(patch, lambda operation, _: next(faults, None) if operation in writes else None)
            result = change()
        assert next(faults, None) is None, "the change has written"
        return result

    return make


Conflicts = Callable[..., object]


def test_member_joins(conflicts: Conflicts, owner: Connection) -> None:
    conflicts(lambda: members.join("b", owner.joined_room_id, "Bo"))
    assert rooms.authorize(owner.joined_room_id).member_count == 2


def test_member_leaves(conflicts: Conflicts, owner: Connection) -> None:
    conflicts(lambda: members.leave(owner.joined_room_id, ["a"]))
    assert rooms.authorize(owner.joined_room_id).member_count == 0


def test_member_takes_another_name(conflicts: Conflicts, owner: Connection) -> None:
    conflicts(lambda: members.rename(owner, "Aki B."))
    assert members.known_members(owner.joined_room_id, [owner.member_id])[owner.member_id].name == "Aki B."


def test_message_is_recorded_and_stored(conflicts: Conflicts, owner: Connection) -> None:
    conflicts(lambda: rate_limit.check_rate_limit("a"))
    conflicts(lambda: messages.take_sequence(owner.joined_room_id))
    conflicts(lambda: messages.store(owner, "hi", "c-1"))
    assert [row.text for row in history.read(owner.joined_room_id).messages] == ["hi"]


def test_gap_gets_its_tombstone(conflicts: Conflicts, owner: Connection) -> None:
    messages.take_sequence(owner.joined_room_id)
    messages.store(owner, "hi", None)
    conflicts(lambda: history.read(owner.joined_room_id, after=0))
    assert history.read(owner.joined_room_id, after=0).messages[0].sequence == 2


def test_message_is_deleted(conflicts: Conflicts, owner: Connection) -> None:
    messages.store(owner, "hi", None)
    conflicts(lambda: moderation.delete_message(owner, 1))
    assert [row.event for row in history.read(owner.joined_room_id).messages] == ["deleted"]


def test_room_is_updated(conflicts: Conflicts, owner: Connection) -> None:
    conflicts(lambda: room_settings.update_room(owner, UpdateRoom(room_name="Coffee")))
    assert rooms.authorize(owner.joined_room_id).name == "Coffee"


def test_member_is_removed(conflicts: Conflicts, owner: Connection) -> None:
    bo = members.join("b", owner.joined_room_id, "Bo", Credentials(key="b" * 22))
    conflicts(lambda: moderation.remove_members(owner, [bo.member_id], lambda _: None))
    assert admission.is_banned(owner.joined_room_id, bo.member_id)


@pytest.mark.parametrize(
    "change",
    [
        lambda owner, _: editing.edit_message(owner, 1, "hi there"),
        lambda owner, _: moderation.delete_message(owner, 1),
        lambda owner, _: room_settings.update_room(owner, UpdateRoom(room_name="Coffee")),
        lambda owner, bo: moderation.mute_member(owner, bo, 60),
        lambda owner, bo: moderation.set_role(owner, bo, "moderator"),
        lambda owner, bo: moderation.remove_members(owner, [bo], lambda _: None),
    ],
    ids=["edit", "deletion", "update", "mute", "role", "removal"],
)
def test_sequence_of_a_cancelled_event_is_closed(
    conflicts: Conflicts, owner: Connection, change: Callable[[Connection, str], object]
) -> None:
    """A reader would otherwise have to wait for it, and then to close it."""
    messages.store(owner, "hi", None)
    bo = members.join("b", owner.joined_room_id, "Bo", Credentials(key="b" * 22))
    conflicts(lambda: change(owner, bo.member_id), writes=("TransactWriteItems",))
    rows = Message.query(owner.joined_room_id, Message.sort_key.startswith(Message.PREFIX), consistent_read=True)
    assert [(int(row.sequence), row.is_tombstone) for row in rows][1:] == [(2, True), (3, False)]


def test_member_is_muted_made_a_moderator_removed_with_messages_and_let_in(
    conflicts: Conflicts, owner: Connection
) -> None:
    room_id, bo = owner.joined_room_id, members.join("b", owner.joined_room_id, "Bo", Credentials(key="b" * 22))
    messages.store(bo, "hi", None)
    conflicts(lambda: moderation.mute_member(owner, bo.member_id, 60))
    conflicts(lambda: moderation.set_role(owner, bo.member_id, "moderator"))
    row = Connection.get("b", consistent_read=True)
    assert (row.role, row.muted_until is not None) == ("moderator", True)
    conflicts(lambda: reports.report(owner, 1, None))
    conflicts(
        lambda: moderation.remove_members(owner, [bo.member_id], lambda _: None, delete_messages=True),
    )
    conflicts(lambda: erasure.erase_newest(room_id, [bo.member_id]))
    assert Message.get(room_id, Message.sort_key_of(1), consistent_read=True).is_tombstone
    conflicts(lambda: erasure.erase_messages(MessageErasure(room_id, [bo.member_id], is_last=True)))
    conflicts(lambda: moderation.unban_member(owner, bo.member_id))
    assert not admission.is_banned(room_id, bo.member_id)


def test_room_is_created_extended_and_closed(conflicts: Conflicts, kept_room: Room) -> None:
    conflicts(lambda: create_room("Coffee", keep_days=1))
    assert [room.name for room in room_list.list_public(10, None)[0]] == ["Coffee", "Tea"]
    conflicts(lambda: rooms.close(kept_room.room_id))
    assert [room.name for room in room_list.list_public(10, None)[0]] == ["Coffee"]


def test_webhook_is_created_used_and_deleted(conflicts: Conflicts, kept_room: Room) -> None:
    room_id, owner_token = kept_room.room_id, kept_room.owner_token or ""
    conflicts(lambda: webhooks.create(room_id, owner_token, "Builds"))
    webhook_id, token = webhooks.create(room_id, owner_token, "Alerts")
    conflicts(lambda: [*webhooks.store_messages(webhooks.find(token), "hi", None)])
    assert [row.text for row in history.read(room_id).messages] == ["hi"]
    conflicts(lambda: webhooks.delete(room_id, owner_token, webhook_id))
    assert [webhook.name for webhook in webhooks.list_webhooks(room_id, owner_token)] == ["Builds"]


def test_message_is_edited(conflicts: Conflicts, owner: Connection) -> None:
    sequence = messages.store(owner, "hi", None).sequence
    conflicts(lambda: editing.edit_message(owner, sequence, "hi there"), writes=("TransactWriteItems",))
    shown, event = history.read(owner.joined_room_id).messages
    assert (shown.text, event.event) == ("hi there", "edited")


def test_message_gets_reactions_and_loses_them(conflicts: Conflicts, owner: Connection) -> None:
    sequence = messages.store(owner, "hi", None).sequence
    conflicts(lambda: reactions.react(owner, sequence, "👍"))
    present = reactions.react(owner, sequence, "🎉")
    assert sorted(present.members) == ["🎉", "👍"]
    assert conflicts(lambda: reactions.claim_summary(present)) is True
    conflicts(lambda: reactions.react(owner, sequence, "👍", remove=True))
    [[stored]] = reactions.pages_between(owner.joined_room_id, sequence, sequence)
    assert stored.members == {"🎉": {owner.member_id}}


def test_read_position_is_stored(conflicts: Conflicts, owner: Connection) -> None:
    sequence = messages.store(owner, "hi", None).sequence
    conflicts(lambda: unread.mark_read(owner, sequence))
    assert unread.read_sequence(owner) == sequence
