"""The rights of the owner and the moderators of a room.

Room.roles says who is what. A connection shows a role, but the room decides: a role may have ended since it joined.
"""

from __future__ import annotations

from chalicelib.auth.identity import Credentials
from chalicelib.chat import admission, rooms
from chalicelib.errors import Forbidden, InvalidInput, NotInRoom
from chalicelib.storage.models import MODERATOR, OWNER, Connection, Room

MODERATORS_ONLY = "only the owner of this room and its moderators may do this"


def require_owner(sender: Connection, *, or_former: bool = False) -> Room:
    """Return the room of a connection that has the owner's rights, by a consistent read.

    or_former: whether the last owner's token suffices for FORMER_OWNER_SECONDS after it was replaced.

    Raises Forbidden unless it has them, and NotInRoom if the room does not exist any more.
    """
    expected = Forbidden("only the owner of this room may do this: connect with its ownerToken, as in &owner=…")
    if not sender.is_owner:
        raise expected
    room = _room_of(sender)
    is_former = or_former and room.has_former_owner_token and sender.owner_version == room.owner_version - 1
    if not sender.is_owner_of(room) and not is_former:
        raise expected
    return room


def require_moderator(sender: Connection) -> Room:
    """Return the room of a connection with the rights of an owner or a moderator, by a consistent read.

    Raises Forbidden unless it has them, and NotInRoom if the room does not exist any more.
    """
    if sender.role in (OWNER, MODERATOR):
        room = _room_of(sender)
        if sender.is_owner_of(room) or room.role_of(sender.member_id) == MODERATOR:
            return room
    raise Forbidden(MODERATORS_ONLY)


def authorize_moderator(room_id: str, credentials: Credentials) -> Room:
    """Return a room whose owner or moderator a client is. Raises RoomNotFound, Forbidden and MemberBanned."""
    room = admission.authorize_reader(room_id, credentials)
    is_moderator = credentials.has_identity and room.role_of(credentials.member_id(room.salt)) == MODERATOR
    if not (credentials.is_owner or is_moderator):
        raise Forbidden(MODERATORS_ONLY)
    return room


def check_target(room: Room, sender: Connection, member_id: str, role: str | None) -> None:
    """Check that a connection with the rights of a moderator may act on a member, and that this is another one.

    role: the role of the member's connections or messages, which an owner without an identity has only there.

    Raises InvalidInput if the member is the sender or an owner, and Forbidden if a moderator acts on another moderator.
    """
    if member_id == sender.member_id:
        raise InvalidInput("memberId must be that of another member")
    if OWNER in (role, room.role_of(member_id)):
        raise InvalidInput("memberId must not be that of an owner: only a new ownerToken ends the rights of an owner")
    if room.role_of(member_id) == MODERATOR and not sender.is_owner_of(room):
        raise Forbidden("only the owner of this room may do this to a moderator")


def _room_of(sender: Connection) -> Room:
    room = rooms.find(sender.joined_room_id)
    if room is None:
        raise NotInRoom
    return room
