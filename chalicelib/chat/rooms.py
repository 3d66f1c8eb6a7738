"""Room lifecycle: create, authorize, find, close, expire. `members.py` has join and leave, `room_list.py` the list.

Every room always has an expires_at, so neither a crash nor a missing `$disconnect` keeps a room for longer than a
connection can last.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from chalicelib import limits, request_log, settings
from chalicelib.auth import authentication, identity
from chalicelib.auth.identity import GUEST, Credentials, User
from chalicelib.errors import Forbidden, RoomNotFound
from chalicelib.protocol.requests import NewRoom
from chalicelib.storage.models import LISTED, Room, RoomSequence, UnusedRoom
from chalicelib.storage.transactions import StorageError, UpdateAction, condition_failed, retry_on_conflict, transaction

KEPT_WHEN_CLOSED = {"room_id", "created_at", "member_count", "closed", "expires_at"}
"""The attributes of a room that closing does not erase."""


@retry_on_conflict
def create(new_room: NewRoom, user: User | None = None, source: str | None = None) -> Room:
    """Create a room that expires after UNUSED_ROOM_SECONDS, or keep_days if given, unless somebody joins it.

    A public room is listed at once. A private room is never listed. Only the returned object has the
    owner_token, and the join_token of a private room. source: the pseudonym of the source address that creates it.

    Raises Forbidden if the user's access token allows only some rooms: it would not allow the new one. The same if
    keep_days requires a user who has signed in.
    """
    if user is not None and user.room_ids is not None:
        raise Forbidden("your access token does not allow new rooms, only those that its claim chat_rooms lists")
    if new_room.keep_days:
        check_keep_days(is_signed_in=user is not None)
    now, owner_token, keep_days = datetime.now(UTC), identity.new_token(), new_room.keep_days or 0
    unused_time = timedelta(days=keep_days) if keep_days else timedelta(seconds=settings.UNUSED_ROOM_SECONDS)
    room = Room(
        room_id=secrets.token_urlsafe(12),
        name=new_room.room_name,
        created_at=now,
        owner_hash=identity.hash_token(owner_token),
        salt=identity.new_salt(),
        keep_days=keep_days,
        source=source,
        expires_at=now + unused_time,
    )
    room.owner_token = owner_token
    if new_room.private:
        room.join_token = identity.new_token()
        room.token_hash = identity.hash_token(room.join_token)
    else:
        room.listed = LISTED
        room.listed_until = room.expires_at
    room.save()
    return room


def check_keep_days(*, is_signed_in: bool) -> None:
    """Raise Forbidden if keep_days requires a user who has signed in."""
    if settings.KEEP_DAYS_REQUIRES_SIGN_IN and not is_signed_in:
        raise Forbidden("keepDays requires that you sign in")


def find(room_id: str) -> Room | None:
    """Return a room by a consistent read, None if it does not exist or has expired."""
    room = _read(room_id)
    return room if room is not None and room.is_alive else None


def authorize(room_id: str, credentials: Credentials = GUEST) -> Room:
    """Return a room by a consistent read.

    An owner needs no join token.

    Raises RoomNotFound if the room does not exist or has expired, and Forbidden if it is private and the join token is
    missing or wrong, if the owner's token is wrong, or if the user's access token does not allow the room.
    """
    authentication.check_room(credentials.user, room_id)
    room = _require(room_id)
    check_access(room, credentials)
    return room


def check_access(room: Room, credentials: Credentials) -> None:
    """Check the credentials of a client for a room that was read. An owner needs no join token.

    Raises Forbidden if it is private and the join token is missing or wrong, or if the owner's token is wrong.
    """
    if credentials.owner_token is not None:
        owner_version(room, credentials.owner_token)
    needs_token = room.token_hash is not None and not credentials.is_owner
    if needs_token and not identity.is_token(credentials.token, room.token_hash):
        raise Forbidden("this room is private: expected its joinToken in the query string, as in ?token=…")


def authorize_owner(room_id: str, owner_token: str, user: User | None = None) -> tuple[Room, int | None]:
    """Return a room by a consistent read, private or not, and the version of its owner's token, None for a user.

    Raises RoomNotFound if it does not exist or has expired, and Forbidden unless the token is the owner's or the user
    has the rights of an owner, or if the user's access token does not allow the room.
    """
    authentication.check_room(user, room_id)
    room = _require(room_id)
    if user is not None and user.is_owner:
        return room, None
    check_owner_token(room, owner_token)
    return room, int(room.owner_version)


def has_connections(room_id: str) -> bool:
    """Return whether a room, which may be closed, still has connections, by a consistent read."""
    room = _read(room_id)
    return room is not None and room.member_count > 0


def is_owner_token(room: Room, owner_token: str | None) -> bool:
    """Return whether a token is the present owner's token of a room."""
    return identity.is_token(owner_token, room.owner_hash)


def check_owner_token(room: Room, owner_token: str | None) -> None:
    """Raise Forbidden unless a token is the owner's token of a room."""
    if not is_owner_token(room, owner_token):
        raise Forbidden("expected the ownerToken of this room, which the response to its creation contained")


def owner_version(room: Room, owner_token: str) -> int:
    """Return the version of an owner's token of a room: the present one, or for some time the one before it.

    A former token gives no rights, but to request another one. Raises Forbidden unless it is one of the two.
    """
    if room.has_former_owner_token and identity.is_token(owner_token, room.former_owner_hash):
        return int(room.owner_version) - 1
    check_owner_token(room, owner_token)
    return int(room.owner_version)


@retry_on_conflict
def close(room_id: str) -> None:
    """Close a room for ever: it is no longer listed, and cannot be found, joined or sent to.

    One transaction closes the room and its sequence, so that each later write to the room fails. The caller closes its
    connections, and `erasure.erase` deletes its rows. Raises StorageError if DynamoDB fails.
    """
    room = _read(room_id)
    if room is None or room.closed:
        return
    expires_at = datetime.now(UTC) + timedelta(seconds=limits.CLOSED_ROOM_TTL_SECONDS)
    changes: list[UpdateAction] = [Room.closed.set(True), Room.expires_at.set(expires_at)]
    changes += [attribute.remove() for name, attribute in Room.get_attributes().items() if name not in KEPT_WHEN_CLOSED]
    with transaction() as writes:
        writes.update(room, changes, Room.closed.does_not_exist() & Room.created_at.exists())
        writes.update(RoomSequence(room_id), [RoomSequence.closed.set(True), RoomSequence.expires_at.set(expires_at)])
        if room.source is not None:
            writes.delete(UnusedRoom.of(room.source, room_id))


@retry_on_conflict
def extend(room: Room) -> None:
    """Let a room with keep_days expire no sooner than that many days from now. An expired room stays expired."""
    now = datetime.now(UTC)
    expires_at = now + room.keep_time
    if room.expires_at < expires_at:  # never without keep_days: the room is alive
        is_sooner = Room.is_open(now) & (Room.expires_at < expires_at)
        try:
            Room(room.room_id).update([Room.expires_at.set(expires_at), *room.list_until(expires_at)], is_sooner)
        except StorageError as error:
            if not condition_failed(error):
                raise


def _require(room_id: str) -> Room:
    room = find(room_id)
    if room is None:
        raise RoomNotFound
    request_log.append_keys(room_id=room_id)
    return room


def _read(room_id: str) -> Room | None:
    return Room.find(room_id) if Room.is_valid_id(room_id) else None
