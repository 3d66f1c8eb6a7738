"""Edits of messages by their authors.

An edit is an event with a sequence of its own, so clients that catch up read it. One transaction stores the event and
changes the message. The event has no text: a message has one text, and its deletion erases it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chalicelib import settings
from chalicelib.chat import messages, rate_limit
from chalicelib.errors import Forbidden
from chalicelib.storage.models import Connection, Message
from chalicelib.storage.transactions import UpdateAction, retry_on_conflict


@retry_on_conflict
def edit_message(sender: Connection, sequence: int, text: str) -> Message:
    """Change the text of a message, and return the event. Of concurrent edits, the one with the highest sequence holds.

    If the message has this text by an earlier edit, nothing is stored, and the event of that edit is returned: a client
    may repeat an edit whose event it has missed.

    Retries conflicts with transactions for up to 10 seconds. Raises InvalidInput if there is no such message, Forbidden
    if somebody else has sent it or EDIT_SECONDS have passed, Muted, and StorageError if DynamoDB fails.
    """
    rate_limit.check_mute(sender)
    target = messages.find_message(sender.joined_room_id, sequence)
    if target.sender_id != sender.member_id:
        raise Forbidden("only its author can edit a message")
    if target.sent_at + timedelta(seconds=settings.EDIT_SECONDS) <= datetime.now(UTC):
        raise Forbidden(
            f"a message can be edited for {settings.EDIT_SECONDS} seconds"
            if settings.EDIT_SECONDS
            else "messages cannot be edited in this chat"
        )
    earlier = _event_of_edit(target) if target.text == text else None
    if earlier is not None:
        return earlier
    event = messages.event(sender, "edited", "edited a message", {"target": sequence})
    is_latest = Message.edited_by.does_not_exist() | (Message.edited_by < event.sequence)
    changes: list[UpdateAction] = [
        Message.text.set(text),
        Message.edited_at.set(event.sent_at),
        Message.edited_by.set(event.sequence),
    ]
    with messages.storing(event) as writes:
        writes.update(target, changes, Message.text.exists() & is_latest)
    event.edited_text = text
    return event


def _event_of_edit(target: Message) -> Message | None:
    """Return the event of the last edit of a message, None if it has none that is kept."""
    if target.edited_by is None:
        return None
    event = Message.find(target.room_id, Message.sort_key_of(int(target.edited_by)))
    if event is None or event.event != "edited":
        return None
    event.edited_text = target.text
    return event
