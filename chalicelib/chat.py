"""What members hear of: one frame from a member, checked and delivered; who joins; who leaves."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Literal

from chalice import BadRequestError
from chalice.app import WebsocketDisconnectedError
from pynamodb.exceptions import PynamoDBException

from chalicelib import fanout, flood, frames, invocation, messages, rooms, settings
from chalicelib.broadcast import MemberSockets
from chalicelib.fanout import Batch
from chalicelib.faults import apology
from chalicelib.flood import FloodError
from chalicelib.frames import FrameError
from chalicelib.models import Connection

__all__ = ["connect", "deliver_batch", "disconnect", "receive"]

log = logging.getLogger(f"{settings.APP_NAME}.chat")


def connect(
    sockets: MemberSockets, connection_id: str, room_id: str | None, name: str | None, token: str | None = None
) -> None:
    """Let a connection into a room, and tell those who are in it.

    Raises what `rooms.join` raises. The one who joins is not told: API Gateway answers 410 to a post before the
    `$connect` has returned.
    """
    member = rooms.join(connection_id, room_id, name, token)
    invocation.note(outcome="joined")
    _announce(sockets, "join", member.joined_room_id, [member])


def disconnect(sockets: MemberSockets, connection_id: str) -> None:
    """Take a connection out of its room, if it is still in one, and tell those who stay."""
    member = rooms.find_member(connection_id)
    invocation.note(outcome="not in a room" if member is None else "left")
    if member is not None:
        invocation.note(room=member.joined_room_id)
        left = rooms.leave(member.joined_room_id, [connection_id])
        _announce(sockets, "leave", member.joined_room_id, left)


def receive(sockets: MemberSockets, connection_id: str, body: str) -> None:
    """Act on a frame from a member, or answer with an error frame that says why not."""
    if flood.overruns(connection_id):
        _close(sockets, connection_id, f"more than {flood.FRAMES_PER_WINDOW} frames")
        return
    data: dict[str, Any] = {}
    try:
        action, data = frames.parse(body)
        if action not in ACTIONS:
            raise FrameError("unknown_action", f"expected an action that is one of {', '.join(ACTIONS)}")
        invocation.note(outcome=action)
        ACTIONS[action](sockets, connection_id, data)
    except FrameError as problem:
        _refuse(sockets, connection_id, problem)
    except Exception:  # noqa: BLE001 - the apology logs it
        # Raised further, API Gateway would send the member a frame of its own, with the connection's id in it.
        fault = FrameError("internal", apology(f"a frame from {connection_id}"), frames.client_id(data))
        _refuse(sockets, connection_id, fault)


def deliver_batch(sockets: MemberSockets, batch: Batch) -> None:
    """Bring a frame to a batch of a large room's members, and hand back those who could not be reached."""
    invocation.note(room=batch.room_id)
    sockets.endpoint = batch.endpoint
    outcome = sockets.broadcast(batch.connection_ids, batch.frame)
    fanout.hand_back(batch.without({*outcome.delivered, *outcome.gone}))
    if news := _take_out(batch.room_id, outcome.gone):
        _deliver(sockets, batch.room_id, news, Connection.expiries_in(batch.room_id))


def _send_message(sockets: MemberSockets, connection_id: str, data: dict[str, Any]) -> None:
    text, client_id = frames.read_message(data)
    try:
        sender = flood.admit(connection_id)
    except FloodError as excess:
        _hold_back(sockets, connection_id, excess, client_id)
        return
    if sender is None or not sender.is_alive:
        raise FrameError("not_in_room", "this connection is in no room any more; connect again to rejoin", client_id)
    invocation.note(room=sender.joined_room_id)
    with ThreadPoolExecutor(1) as beside:
        members = beside.submit(Connection.expiries_in, sender.joined_room_id)
        try:
            message = messages.post(sender, text, client_id)
        except BadRequestError as cause:
            raise FrameError("invalid_message", str(cause), client_id) from cause
    # The index may not have heard of the sender yet, whose echo is the acknowledgement.
    members_and_sender = members.result() | {connection_id: int(sender.expires_at.timestamp())}
    _deliver(sockets, sender.joined_room_id, [frames.message(message)], members_and_sender)


def _hold_back(sockets: MemberSockets, connection_id: str, excess: FloodError, client_id: str | None) -> None:
    """Warn a member who says too much, when a warning is due, or close the connection of one who was warned in vain."""
    invocation.note(outcome="rate_limited")
    if excess.warnings is None:
        return
    if excess.warnings > settings.FLOOD_WARNINGS:
        _close(sockets, connection_id, f"messages after {settings.FLOOD_WARNINGS} warnings")
    else:
        _refuse(sockets, connection_id, FrameError("rate_limited", str(excess), client_id, excess.retry_after))


def _close(sockets: MemberSockets, connection_id: str, sent: str) -> None:
    invocation.note(outcome="closed")
    log.warning("closing %s, which sent %s", connection_id, sent)
    with suppress(WebsocketDisconnectedError):  # it has gone by itself
        sockets.close(connection_id)


def _ping(sockets: MemberSockets, connection_id: str, data: dict[str, Any]) -> None:
    sockets.broadcast([connection_id], frames.PONG)


ACTIONS: dict[str, Callable[[MemberSockets, str, dict[str, Any]], None]] = {
    "sendMessage": _send_message,
    "onMessage": _send_message,
    "ping": _ping,
}
"""What a member can ask for, by the name in the frame. Each is called with the connection's id and the data."""


def _refuse(sockets: MemberSockets, connection_id: str, problem: FrameError) -> None:
    invocation.note(outcome=problem.code)
    sockets.broadcast([connection_id], frames.error(problem))


def _announce(sockets: MemberSockets, change: Literal["join", "leave"], room_id: str, who: list[Connection]) -> None:
    """Tell a room who came or went. Whoever did has joined or left all the same: nothing fails for want of the news."""
    try:
        if news := _presence(change, room_id, who):
            them = {member.connection_id for member in who}
            others = {id_: at for id_, at in Connection.expiries_in(room_id).items() if id_ not in them}
            _deliver(sockets, room_id, news, others)
    except Exception:
        invocation.count(faults=1)
        log.exception("could not tell room %s of a %s", room_id, change)


def _presence(change: Literal["join", "leave"], room_id: str, who: list[Connection]) -> list[str]:
    """Write the news of who came or went: none for a room that is empty, or so large that nobody could follow."""
    room = rooms.find(room_id) if who else None
    if room is None or not 0 < (member_count := int(room.member_count)) <= settings.PRESENCE_LIMIT:
        return []
    return [frames.presence(change, member, member_count) for member in who]


def _deliver(sockets: MemberSockets, room_id: str, news: list[str], members: dict[str, int]) -> None:
    """Bring frames to members of a room, given when each expires.

    Those who turn out to be gone leave it, and that is news for the others.
    """
    now = time.time()
    expired = [id_ for id_, expires_at in members.items() if expires_at <= now]
    reachable = members.keys() - expired
    to_send = deque(news + _take_out(room_id, expired))
    if len(reachable) > settings.FANOUT_BATCH:
        for frame in to_send:
            fanout.hand_over(sockets.endpoint, room_id, frame, reachable)
        return
    while to_send:
        outcome = sockets.broadcast(reachable, to_send.popleft())
        # Whoever could not be reached once is not waited for again.
        reachable -= {*outcome.gone, *outcome.failed}
        to_send += _take_out(room_id, outcome.gone)


def _take_out(room_id: str, connection_ids: list[str]) -> list[str]:
    """Take those who are gone out of a room, and write the news of it.

    A closed tab may never send `$disconnect`: that it could not be posted to is then the first news of it.
    """
    try:
        return _presence("leave", room_id, rooms.leave(room_id, connection_ids, for_a_410=True))
    except PynamoDBException:
        # What the others were sent has reached them: that stands.
        invocation.count(faults=1)
        log.exception("could not take those who are gone out of room %s; the next broadcast tries again", room_id)
        return []
