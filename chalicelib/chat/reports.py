"""Reports of messages to the owner and the moderators of a room.

A reason may quote the message. So the deletion of a message erases the reasons of its reports, and keeps the reports.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from chalicelib import limits
from chalicelib.auth.identity import Credentials
from chalicelib.chat import members, messages, rate_limit, rights, rooms
from chalicelib.errors import InvalidInput, NotInRoom, TooManyReports
from chalicelib.storage.models import MODERATOR, OWNER, Connection, Recipient, Report
from chalicelib.storage.transactions import StorageError, condition_failed, retry_on_conflict

SECONDS_PER_MINUTE = 60

MAX_REPORTS = 100
"""Maximum number of reports in one response."""


def report(sender: Connection, sequence: int, reason: str | None) -> bool:
    """Store the report of a message, and return True. Return False if the member has reported it before.

    Raises InvalidInput if there is no such message, TooManyReports, and NotInRoom.
    """
    room_id = sender.joined_room_id
    target = messages.find_message(room_id, sequence)
    _count(sender)
    row = Report(
        room_id,
        Report.sort_key_of(sequence, sender.member_id),
        target=sequence,
        reason=reason,
        sender_id=sender.member_id,
        sender_name=sender.name,
        sender_role=sender.role,
        sender_is_verified=sender.is_verified or None,
        sent_at=datetime.now(UTC),
        expires_at=target.expires_at,
    )
    try:
        row.save(Report.sort_key.does_not_exist())
    except StorageError as error:
        if not condition_failed(error):
            raise
        return False
    if reason is not None:
        try:
            messages.find_message(room_id, sequence)
        except InvalidInput:  # it was deleted meanwhile
            _erase_reason(row)
            raise
    return True


def erase_reasons(room_id: str, targets: Collection[int]) -> None:
    """Erase the reasons of the reports of at least one deleted message. Raises StorageError if DynamoDB fails."""
    between = Report.sort_key.between(Report.sort_key_of(min(targets), ""), Report.sort_key_of(max(targets), "~"))
    for row in Report.query(room_id, between, Report.reason.exists(), consistent_read=True):
        if row.target in targets:
            _erase_reason(row)


@retry_on_conflict
def _erase_reason(row: Report) -> None:
    """Erase the reason of a report. Nothing is stored if the report was deleted with its room."""
    try:
        row.update([Report.reason.remove()], Report.sort_key.exists())
    except StorageError as error:
        if not condition_failed(error):
            raise


def list_reports(room_id: str, credentials: Credentials) -> list[Report]:
    """Return reports of a room that have not expired, newest first: up to MAX_REPORTS, of the newest messages.

    Raises RoomNotFound, and Forbidden unless the client has the rights of an owner or a moderator.
    """
    rights.authorize_moderator(room_id, credentials)
    is_report = Report.sort_key.startswith(Report.PREFIX)
    rows = Report.query(room_id, is_report, consistent_read=True, scan_index_forward=False, limit=MAX_REPORTS)
    return sorted((row for row in rows if row.is_alive), key=lambda row: row.sent_at, reverse=True)


def recipients(room_id: str) -> dict[str, Recipient]:
    """Return the connections of the owner and the moderators.

    The index selects them. The room, by a consistent read, leaves out those whose role has ended.
    """
    ids = [row.connection_id for row in members.connections(room_id) if row.role in (OWNER, MODERATOR)]
    room = rooms.find(room_id) if ids else None
    if room is None:
        return {}
    return {
        row.connection_id: row.recipient
        for row in Connection.batch_get(ids)
        if row.is_owner_of(room) or room.role_of(row.member_id) == MODERATOR
    }


@retry_on_conflict
def _count(sender: Connection) -> None:
    """Count a report of a connection. Raises TooManyReports and NotInRoom."""
    now = rate_limit.current_milliseconds()
    updates, is_allowed = rate_limit.slide_window(
        Connection.report_times, now, limits.MAX_REPORTS_PER_MINUTE, SECONDS_PER_MINUTE
    )
    try:
        Connection(sender.connection_id).update(updates, is_allowed)
    except StorageError as error:
        if not condition_failed(error):
            raise
        row = members.find_connection(sender.connection_id)
        if row is None or not row.report_times:
            raise NotInRoom from error
        milliseconds = int(row.report_times[0]) + SECONDS_PER_MINUTE * 1000 - now
        raise TooManyReports(max(1, -(-milliseconds // 1000))) from error
