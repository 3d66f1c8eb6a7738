"""Reactions to messages. An item beside each message has a set of members for each reaction.

Adding a member to a set is idempotent, so a reaction needs no idempotency record. The deletion of a message replaces
the item by one that says `closed`: a reaction that is in progress then fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib import graphemes, limits
from chalicelib.chat import messages, rate_limit
from chalicelib.errors import InvalidInput, TooLarge
from chalicelib.protocol.glyphs import BLANK, IGNORABLE
from chalicelib.storage.models import Connection, Reactions
from chalicelib.storage.transactions import StorageError, UpdateAction, condition_failed, retry_on_conflict, size

SUMMARY_SECONDS = 2
"""In large rooms, the time between two summaries of the reactions to a message."""


def react(sender: Connection, sequence: int, reaction: str, *, remove: bool = False) -> Reactions:
    """Add or remove the reaction of a member to a message, and return all reactions to it.

    The caller delivers them also if nothing has changed: a crash may have come between an earlier attempt and its
    delivery.

    Raises InvalidInput if there is no such message, the reaction is not valid, or MAX_REACTION_KINDS others are there;
    TooLarge if there are MAX_REACTIONS, Muted, and StorageError if DynamoDB fails.
    """
    rate_limit.check_mute(sender)
    _check_reaction(reaction)
    target = messages.find_message(sender.joined_room_id, sequence)
    row = Reactions(target.room_id, Reactions.sort_key_of(sequence), expires_at=target.expires_at)
    if remove:
        return _remove(row, reaction, sender.member_id)
    return _add(row, reaction, sender.member_id)


def pages_between(room_id: str, first: int, last: int) -> Iterator[list[Reactions]]:
    """Yield the reactions to the messages from first to last: those of each request, which reads up to 1 MB."""
    between = Reactions.sort_key.between(Reactions.sort_key_of(first), Reactions.sort_key_of(last))
    for page in Reactions.pages(Reactions.query(room_id, between, consistent_read=True)):
        yield [row for row in page.rows if row.is_alive and not row.closed]


@retry_on_conflict
def claim_summary(reactions: Reactions) -> bool:
    """Return whether the caller has to queue a summary for a large room: no queued one will contain its change.

    False if the reactions are not stored, because the room was closed meanwhile.
    """
    now = rate_limit.current_milliseconds()
    if reactions.summary_due_at > now:
        return False
    is_due = Reactions.summary_due_at.does_not_exist() | (Reactions.summary_due_at <= now)
    try:
        is_open = Reactions.version.exists() & Reactions.closed.does_not_exist()
        reactions.update([Reactions.summary_due_at.set(now + SUMMARY_SECONDS * 1000)], is_due & is_open)
    except StorageError as error:
        if not condition_failed(error):
            raise
        return False
    return True


def _check_reaction(reaction: str) -> None:
    """Raise InvalidInput unless a reaction is one visible grapheme, or a name between colons."""
    if re.fullmatch(":[A-Za-z0-9_+-]+:", reaction):
        return
    if not graphemes.is_one(reaction) or re.fullmatch(f"[{IGNORABLE}{BLANK}]*", reaction):
        raise InvalidInput("reaction must be one visible character, such as 👍, or a name such as :tada:")


@retry_on_conflict
def _add(row: Reactions, reaction: str, member_id: str) -> Reactions:
    """Add a member to a reaction, unless it is there."""
    members = Reactions.members_of(reaction)
    has_kind = Reactions.kinds.contains(reaction) | Reactions.kinds.does_not_exist()
    is_allowed = has_kind | (size(Reactions.kinds) < limits.MAX_REACTION_KINDS)
    is_allowed &= Reactions.total.does_not_exist() | (Reactions.total < limits.MAX_REACTIONS)
    is_new = ~members.contains(member_id)
    updates: list[UpdateAction] = [
        members.add({member_id}),
        Reactions.kinds.add({reaction}),
        Reactions.total.add(1),
        Reactions.version.add(1),
        Reactions.expires_at.set(row.expires_at),
    ]
    while True:
        try:
            row.update(updates, is_allowed & is_new & Reactions.closed.does_not_exist())
        except StorageError as error:
            if not condition_failed(error):
                raise
            present = _require_open(row)
            if member_id in present.members.get(reaction, ()):
                return present
            if present.total >= limits.MAX_REACTIONS:
                raise TooLarge(f"a message can have at most {limits.MAX_REACTIONS:,} reactions") from error
            if reaction not in present.members and len(present.members) >= limits.MAX_REACTION_KINDS:
                most = limits.MAX_REACTION_KINDS
                raise InvalidInput(f"a message can have at most {most} different reactions") from error
        else:
            return row


@retry_on_conflict
def _remove(row: Reactions, reaction: str, member_id: str) -> Reactions:
    """Remove a member from a reaction, if it is there, and the reaction if nobody else has it."""
    members = Reactions.members_of(reaction)
    while True:
        present = _require_open(row)
        if member_id not in present.members.get(reaction, ()):
            return present
        updates = [members.delete({member_id}), Reactions.total.add(-1), Reactions.version.add(1)]
        if len(present.members[reaction]) == 1:
            updates.append(Reactions.kinds.delete({reaction}))
            is_unchanged = size(members) == 1
        else:
            is_unchanged = size(members) > 1
        try:
            present.update(updates, is_unchanged & members.contains(member_id))
        except StorageError as error:
            if not condition_failed(error):
                raise
        else:
            return present


def _require_open(row: Reactions) -> Reactions:
    """Return the reactions to a message by a consistent read. Raises InvalidInput if the message was deleted."""
    present = Reactions.find(row.room_id, row.sort_key)
    if present is not None and present.closed:
        raise InvalidInput(messages.NO_SUCH_MESSAGE)
    return present or row
