"""Limits per source address, and bans of addresses by the operator.

Addresses are not stored: a source is known by a pseudonym, an HMAC of its address with SOURCE_SECRET. Of an IPv6
address, the first 64 bits count: a subscriber has at least that many addresses.

One item per source has the numbers of its requests in the current minute, and its ban. A request costs one write, which
also reads the ban. Each process remembers until the end of the minute which sources have exceeded a limit, so a flood
costs few writes. Limits and bans are off without SOURCE_SECRET. If they cannot be checked, the request goes on.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Literal

from chalicelib import limits, request_log, settings
from chalicelib.auth import secret_values
from chalicelib.auth.configuration import check_secret
from chalicelib.auth.secret_values import SecretUnavailable
from chalicelib.errors import SourceBanned, SourceLimitExceeded
from chalicelib.storage.models import Room, SourceRecord, UnusedRoom
from chalicelib.storage.transactions import StorageError, UpdateAction, condition_failed, retry_on_conflict

Kind = Literal["rooms", "connects", "hook_posts"]
"""The attribute of SourceRecord that counts the requests."""

SECONDS_PER_MINUTE = 60
IPV6_PREFIX_LENGTH = 64


class _Minute:
    """A minute, and what this process knows of it: the counted sources, those above a limit, and the banned ones."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.counted: set[str] = set()
        self.exceeded: set[tuple[str, Kind]] = set()
        self.banned: set[str] = set()


_minute = _Minute(0)

log = logging.getLogger(f"{settings.APP_NAME}.sources")


def count_room(address: str, *, is_public: bool) -> str | None:
    """Count the creation of a room, and return the pseudonym of its source, if sources are known.

    Raises SourceBanned and SourceLimitExceeded.
    """
    limit = settings.ROOMS_PER_SOURCE
    source = _with_source(address, partial(_count, kind="rooms", limit=limit, counted="new rooms"))
    if is_public and settings.UNUSED_ROOMS_PER_SOURCE:
        _with_source(address, _check_unused_rooms)
    return source


def count_connect(address: str) -> None:
    """Count the opening of a connection. Raises SourceBanned and SourceLimitExceeded."""
    limit = settings.CONNECTS_PER_SOURCE
    _with_source(address, partial(_count, kind="connects", limit=limit, counted="new connections"))


def count_hook_post(address: str) -> None:
    """Count a request to a webhook. Raises SourceBanned and SourceLimitExceeded."""
    limit = settings.HOOK_POSTS_PER_SOURCE
    _with_source(address, partial(_count, kind="hook_posts", limit=limit, counted="requests to webhooks"))


def check_ban(address: str) -> None:
    """Raise SourceBanned if an address is banned."""
    _with_source(address, _check_ban)


def record_room(room: Room) -> None:
    """Record a new public room, which counts as unused until somebody joins it."""
    if room.source is not None and room.token_hash is None and settings.UNUSED_ROOMS_PER_SOURCE:
        try:
            UnusedRoom.of(room.source, room.room_id, expires_at=room.expires_at).save()
        except StorageError:
            _log_failure()


def ban(source: str, until: datetime) -> None:
    """Ban the source of a pseudonym until a time."""
    updates: list[UpdateAction] = [
        SourceRecord.banned_until.set(int(until.timestamp())),
        SourceRecord.expires_at.set(until),
    ]
    SourceRecord(SourceRecord.partition_of(source)).update(updates)


def unban(source: str) -> None:
    """End the ban of the source of a pseudonym."""
    updates: list[UpdateAction] = [SourceRecord.banned_until.remove(), SourceRecord.expires_at.set(_expiry())]
    SourceRecord(SourceRecord.partition_of(source)).update(updates)


def is_pseudonym(source: str) -> bool:
    """Return whether a text has the form of a pseudonym. No address has it."""
    return re.fullmatch(r"[0-9a-f]{32}", source) is not None


def pseudonym(address: str) -> str:
    """Return the pseudonym of an address.

    Raises ValueError if the text is no address, and SecretUnavailable if SOURCE_SECRET cannot be read.
    """
    network = _network(address).encode()
    return hmac.digest(secret_values.read(settings.SOURCE_SECRET).encode(), network, "sha256").hex()[:32]


def _with_source(address: str, check: Callable[[str], None]) -> str | None:
    """Call a function with the pseudonym of an address, and return it.

    A failure is logged, so that the request goes on. It returns None, as without SOURCE_SECRET.
    """
    if not settings.SOURCE_SECRET:
        _warn_without_secret()
        return None
    try:
        source = pseudonym(address)
        check(source)
    except (StorageError, SecretUnavailable, ValueError):
        _log_failure()
        return None
    return source


def _log_failure() -> None:
    """Log the exception that is being handled."""
    request_log.add_metric(faults=1)
    log.exception("could not check the source address of a request")


@cache
def _warn_without_secret() -> None:
    """Log once per process if there is a limit, but no secret."""
    if settings.ROOMS_PER_SOURCE or settings.CONNECTS_PER_SOURCE or settings.HOOK_POSTS_PER_SOURCE:
        log.warning("the limits per source address are off: they require SOURCE_SECRET")


def _count(source: str, kind: Kind, limit: int, counted: str) -> None:
    request_log.append_keys(source=source)
    now = int(time.time())
    minute = _current_minute(now // SECONDS_PER_MINUTE)
    if source in minute.banned:
        raise SourceBanned
    if (source, kind) not in minute.exceeded:
        record = _add(source, kind, minute)
        if record.is_banned:
            minute.banned.add(source)
            raise SourceBanned
        if limit == 0 or getattr(record, kind) <= limit:
            return
        minute.exceeded.add((source, kind))
    raise SourceLimitExceeded(f"{limit} {counted} per minute", SECONDS_PER_MINUTE - now % SECONDS_PER_MINUTE)


def _current_minute(number: int) -> _Minute:
    global _minute
    if _minute.number != number:
        _minute = _Minute(number)
    return _minute


@retry_on_conflict
def _add(source: str, kind: Kind, minute: _Minute) -> SourceRecord:
    """Count a request, and return the source's item.

    The first request in a minute starts the counters again. Only a process that has not counted the source in this
    minute tries that, so the other requests cost one write.
    """
    record = None if source in minute.counted else _start_minute(source, kind, minute.number)
    if record is None:
        record = SourceRecord(SourceRecord.partition_of(source))
        record.update([getattr(SourceRecord, kind).add(1), _keep()])
    minute.counted.add(source)
    return record


def _start_minute(source: str, kind: Kind, minute: int) -> SourceRecord | None:
    """Count the first request in a minute, and return the source's item. Return None if it is not the first."""
    counters = (SourceRecord.rooms, SourceRecord.connects, SourceRecord.hook_posts)
    start = [counter.set(int(counter.attr_name == kind)) for counter in counters]
    record = SourceRecord(SourceRecord.partition_of(source))
    try:
        record.update(
            [SourceRecord.minute.set(minute), *start, _keep()],
            SourceRecord.minute.does_not_exist() | (SourceRecord.minute < minute),
        )
    except StorageError as error:
        if not condition_failed(error):
            raise
        return None
    return record


def _keep() -> UpdateAction:
    """Return the update that lets an item expire later, but with its ban, if it has one.

    TTL may delete the item when the ban has ended. The counters then start again.
    """
    return SourceRecord.expires_at.set(SourceRecord.banned_until | int(_expiry().timestamp()))


def _check_ban(source: str) -> None:
    record = SourceRecord.find(SourceRecord.partition_of(source), SourceRecord.SORT_KEY)
    if record is not None and record.is_banned:
        raise SourceBanned


def _check_unused_rooms(source: str) -> None:
    """Raise SourceLimitExceeded if a source has UNUSED_ROOMS_PER_SOURCE unused rooms.

    Of that many records, those whose room was joined or has expired are deleted. So a source has about as many: only
    concurrent requests can add more.
    """
    limit = settings.UNUSED_ROOMS_PER_SOURCE
    is_room = UnusedRoom.sort_key.startswith(UnusedRoom.PREFIX)
    records = list(UnusedRoom.query(SourceRecord.partition_of(source), is_room, consistent_read=True, limit=limit))
    if len(records) < limit:
        return
    found = Room.batch_get([record.created_room_id for record in records], consistent_read=True)
    rooms = {room.room_id: room for room in found}
    unused = [record for record in records if record.is_unused(rooms.get(record.created_room_id))]
    if len(unused) == limit:
        wait = min(record.expires_at for record in unused) - datetime.now(UTC)
        raise SourceLimitExceeded(f"{limit} public rooms that nobody has joined", int(wait.total_seconds()) + 1)
    with UnusedRoom.batch_write() as batch:
        for record in records:
            if record not in unused:
                batch.delete(record)


def _expiry() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=limits.SOURCE_TTL_SECONDS)


def _network(address: str) -> str:
    """Return an IPv4 address, or the first 64 bits of an IPv6 address. Raises ValueError if it is neither."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed.packed, IPV6_PREFIX_LENGTH), strict=False))


check_secret("SOURCE_SECRET")  # at import: with an invalid setting, no function starts
