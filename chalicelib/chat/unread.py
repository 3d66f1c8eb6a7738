"""Read positions of members, and the last sequences of several rooms at once."""

from __future__ import annotations

from typing import NamedTuple

from chalicelib.auth.identity import User
from chalicelib.chat import admission
from chalicelib.errors import InvalidInput
from chalicelib.protocol.requests import UnreadRooms
from chalicelib.storage.models import Connection, MemberRecord, Room, RoomSequence
from chalicelib.storage.transactions import StorageError, condition_failed, retry_on_conflict


class Positions(NamedTuple):
    """The last sequence of a room, and the last one that a member has read there, None if it is not known."""

    last: int
    read: int | None


@retry_on_conflict
def mark_read(sender: Connection, sequence: int) -> None:
    """Store the last sequence that a member has read, which never goes back. A member without an identity has none.

    Raises InvalidInput if the room does not have that sequence yet, and StorageError if DynamoDB fails.
    """
    if not sender.has_record:
        return
    room_id = sender.joined_room_id
    counter = RoomSequence.find(room_id, RoomSequence.SORT_KEY)
    last = 0 if counter is None else int(counter.last_sequence)
    if sequence > last:
        raise InvalidInput(f"sequence must be at most {last}, the last sequence in this room")
    is_new = MemberRecord.read_sequence.does_not_exist() | (MemberRecord.read_sequence < sequence)
    record = MemberRecord(room_id, MemberRecord.sort_key_of(sender.member_id))
    try:
        record.update([MemberRecord.read_sequence.set(sequence)], MemberRecord.name.exists() & is_new)
    except StorageError as error:
        if not condition_failed(error):
            raise


def read_sequence(member: Connection) -> int | None:
    """Return the last sequence that a member has read, None if it is not known."""
    if not member.has_record:
        return None
    return _read_sequence(MemberRecord.find(member.joined_room_id, MemberRecord.sort_key_of(member.member_id)))


def positions(wanted: UnreadRooms, user: User | None) -> dict[str, Positions]:
    """Return the positions in those rooms that a client may read, by their ids. Costs three requests."""
    credentials = {given.room_id: given.credentials(wanted.key, user) for given in wanted.rooms}
    found = {
        room.room_id: room
        for room in Room.batch_get([id_ for id_ in credentials if Room.is_valid_id(id_)], consistent_read=True)
    }
    member_keys = [
        (id_, MemberRecord.sort_key_of(credentials[id_].member_id(room.salt)))
        for id_, room in found.items()
        if room.is_alive and credentials[id_].has_identity
    ]
    records = {row.room_id: row for row in MemberRecord.batch_get(member_keys, consistent_read=True)}
    readable = [
        id_
        for id_, given in credentials.items()  # batch reads return items in no order
        if id_ in found and admission.may_read(found[id_], records.get(id_), given)
    ]
    counters = RoomSequence.batch_get([(id_, RoomSequence.SORT_KEY) for id_ in readable], consistent_read=True)
    last = {row.room_id: int(row.last_sequence) for row in counters}
    return {id_: Positions(last.get(id_, 0), _read_sequence(records.get(id_))) for id_ in readable}


def _read_sequence(record: MemberRecord | None) -> int | None:
    return None if record is None or record.read_sequence is None else int(record.read_sequence)
