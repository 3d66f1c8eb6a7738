"""Users, tokens and member ids.

A member id is a pseudonym: an HMAC of the client's key, or of the user, with a salt that only the room has. A key gives
the same id each time in one room, and an unrelated id in another room. An id reveals neither the key nor the member's
ids in other rooms. Tokens are stored as hashes; keys are not stored.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import NamedTuple

TOKEN_BYTES = 32
"""Entropy of a token: with 256 random bits, an unsalted hash of it is safe to store."""

SALT_BYTES = 16
MEMBER_ID_LENGTH = 16
"""96 bits: in a room of a million members, two random ids are equal with a probability of 1 in 10^17."""


class User(NamedTuple):
    """A person who has signed in, as their access token describes them.

    names: names in the order of preference, without control characters. They may be blank.
    room_ids: the rooms that the token allows, None for all of them.
    is_owner: whether the user has the rights of an owner in each of these rooms.
    expires_at: the end of the token. Connections are closed then.
    """

    issuer: str
    subject: str
    names: tuple[str, ...]
    room_ids: frozenset[str] | None
    is_owner: bool
    expires_at: datetime

    def may_enter(self, room_id: str) -> bool:
        """Return whether the token allows a room."""
        return self.room_ids is None or room_id in self.room_ids


class Credentials(NamedTuple):
    """Credentials of a client for joining or reading a room.

    token: the join token of a private room. key: the key of a guest. owner_token: the owner's token. user: who has
    signed in.
    """

    token: str | None = None
    key: str | None = None
    owner_token: str | None = None
    user: User | None = None

    @property
    def has_identity(self) -> bool:
        """Whether the client is the same member each time: a user, or a guest with a key."""
        return self.key is not None or self.user is not None

    @property
    def is_owner(self) -> bool:
        """Whether the client claims the owner's rights. `rooms.authorize` checks the token."""
        return self.owner_token is not None or (self.user is not None and self.user.is_owner)

    def member_id(self, salt: str) -> str:
        """Return the member id in the room with this salt."""
        return member_id(salt, self.key, self.user)


GUEST = Credentials()


def new_token() -> str:
    """Return a random token of 43 URL-safe characters."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> str:
    """Return the hash that is stored instead of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def is_token(token: str | None, token_hash: str) -> bool:
    """Return whether a token matches a hash. Compares in constant time."""
    return hmac.compare_digest(token_hash, hash_token(token or ""))


def new_salt() -> str:
    """Return a random salt for the member ids of a room."""
    return secrets.token_urlsafe(SALT_BYTES)


def new_id() -> str:
    """Return a random id of a member or a hook: 16 URL-safe characters."""
    return secrets.token_urlsafe(MEMBER_ID_LENGTH)[:MEMBER_ID_LENGTH]


def member_id(salt: str, key: str | None, user: User | None = None) -> str:
    """Return the id of a user, or of a guest that has a key, or a random id without either: 16 URL-safe characters."""
    if user is None and key is None:
        return new_id()
    name = f"guest:{key}" if user is None else f"user:{user.issuer}|{user.subject}"
    digest = hmac.digest(salt.encode(), name.encode("utf-8", "surrogatepass"), "sha256")
    return base64.urlsafe_b64encode(digest)[:MEMBER_ID_LENGTH].decode()
