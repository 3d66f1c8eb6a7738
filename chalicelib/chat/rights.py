"""The rights of the owner of a room."""

from __future__ import annotations

from chalicelib.chat import rooms
from chalicelib.errors import Forbidden, NotInRoom
from chalicelib.storage.models import Connection, Room


def require_owner(sender: Connection, *, or_former: bool = False) -> Room:
    """Return the room of a connection that has the owner's rights, by a consistent read.

    or_former: whether the last owner's token suffices for FORMER_OWNER_SECONDS after it was replaced.

    Raises Forbidden unless it has them, and NotInRoom if the room does not exist any more.
    """
    expected = Forbidden("only the owner of this room may do this: connect with its ownerToken, as in &owner=…")
    if not sender.is_owner:
        raise expected
    room = rooms.find(sender.joined_room_id)
    if room is None:
        raise NotInRoom
    is_former = or_former and room.has_former_owner_token and sender.owner_version == room.owner_version - 1
    if not sender.is_owner_of(room) and not is_former:
        raise expected
    return room
