"""The events of WebSocket connections: connect, frames from clients, disconnect."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from chalice.app import WebsocketDisconnectedError

import chalicelib.websocket.actions  # noqa: F401 - it declares the actions
from chalicelib import limits, request_log, settings
from chalicelib.auth import authentication
from chalicelib.auth.origins import check_origin
from chalicelib.chat import members, messages, rate_limit, sources
from chalicelib.chat.broadcast import announce, close_oldest
from chalicelib.delivery.websocket_api import BroadcastWebsocketAPI
from chalicelib.errors import ChatError, RateLimitExceeded, TooManyConnections, Unauthorized, report_internal_error
from chalicelib.protocol import frames
from chalicelib.protocol.frames import Error, Joined, Left
from chalicelib.protocol.requests import ConnectQuery
from chalicelib.protocol.validation import validate_query
from chalicelib.storage.models import Connection
from chalicelib.websocket.dispatch import ACTIONS, Context, Limit, dispatch

MAX_REPLACEMENTS = 5
"""How often a join closes the oldest connection of its member: other joins of the member may come first."""

log = logging.getLogger(f"{settings.APP_NAME}.events")


def connect(
    websocket_api: BroadcastWebsocketAPI,
    connection_id: str,
    source: str,
    headers: Mapping[str, str],
    query: Mapping[str, str],
) -> dict[str, Any] | None:
    """Add a connection to the room that the query names, and notify the other members. An empty parameter is absent.

    The client itself is not notified: API Gateway returns 410 for it until `$connect` has returned.

    source: the address of the client.

    Return the response that rejects the connection, or None if it has joined.
    """
    try:
        check_origin(headers)
        connection = _join(websocket_api, connection_id, source, query)
    except ChatError as error:
        return {"statusCode": error.status, "body": str(error)}
    except Exception:  # noqa: BLE001 - report_internal_error logs it
        return {"statusCode": 500, "body": str(report_internal_error(f"the $connect of {connection_id}"))}
    request_log.append_keys(outcome="joined")
    announce(websocket_api, Joined, connection.joined_room_id, [connection])
    return None


def _join(
    websocket_api: BroadcastWebsocketAPI, connection_id: str, source: str, query: Mapping[str, str]
) -> Connection:
    given = validate_query({name: value for name, value in query.items() if value}, ConnectQuery)
    sources.count_connect(source)
    user = authentication.authenticate(given.access_token)
    credentials, takes_batches = given.credentials(user), given.batch is not None
    join = partial(members.join, connection_id, given.room_id, given.name, credentials, takes_batches=takes_batches)
    for _ in range(MAX_REPLACEMENTS):
        try:
            return join()
        except TooManyConnections as error:
            close_oldest(websocket_api, given.room_id, error.member_id)
    return join()


def disconnect(websocket_api: BroadcastWebsocketAPI, connection_id: str) -> None:
    """Remove a connection from its room, if it is still in one, and notify the other members."""
    connection = members.find_connection(connection_id)
    request_log.append_keys(outcome="not in a room" if connection is None else "left")
    if connection is not None:
        room_id = connection.joined_room_id
        request_log.append_keys(room_id=room_id)
        announce(websocket_api, Left, room_id, members.leave(room_id, [connection_id]))


def receive(websocket_api: BroadcastWebsocketAPI, connection_id: str, body: str) -> None:
    """Handle a frame from a client, or reply with an error frame."""
    if rate_limit.count_frame(connection_id):
        _close(websocket_api, connection_id, f"more than {limits.MAX_FRAMES_PER_WINDOW} frames")
        return
    context = Context(websocket_api, connection_id)
    try:
        name, data = frames.parse(body)
        dispatch(context, name, data)
        # Pings and hellos are accepted from any client, and repeated messages change nothing.
        if ACTIONS[name].limit is not Limit.NONE and not messages.is_repeating(context.sender):
            rate_limit.forget_refused_frames(connection_id)
    except ChatError as error:
        is_last = rate_limit.count_refused_frame(connection_id)
        if isinstance(error, RateLimitExceeded):
            _handle_rate_limit(context, error, body)
        else:
            _reply_error(context, error, body)
        if isinstance(error, Unauthorized):
            _close(websocket_api, connection_id, "a frame after its access token had expired")
        elif is_last:
            _close(websocket_api, connection_id, f"{limits.MAX_REFUSED_FRAMES} refused frames and no other")
    except Exception:  # noqa: BLE001 - report_internal_error logs it
        # If the handler raised, API Gateway would send the client a frame that contains the connection id.
        _reply_error(context, report_internal_error(f"a frame from {connection_id}"), body)


def _handle_rate_limit(context: Context, error: RateLimitExceeded, body: str) -> None:
    """Reply with the error if a warning is due. Close the connection of a client that ignores its warnings."""
    request_log.append_keys(outcome=error.code)
    if not error.notify:
        return
    if error.count > limits.MAX_RATE_LIMIT_WARNINGS:
        ignored = f"messages after {limits.MAX_RATE_LIMIT_WARNINGS} warnings"
        _close(context.websocket_api, context.connection_id, ignored)
    else:
        _reply_error(context, error, body)


def _reply_error(context: Context, error: ChatError, body: str) -> None:
    request_log.append_keys(outcome=error.code)
    context.reply(Error.of(error, body))


def _close(websocket_api: BroadcastWebsocketAPI, connection_id: str, sent: str) -> None:
    request_log.append_keys(outcome="closed")
    log.warning("closing %s, which sent %s", connection_id, sent)
    try:
        with suppress(WebsocketDisconnectedError):  # the client has closed it already
            websocket_api.close(connection_id)
    except Exception:
        # It must not reach API Gateway, as in `receive`. The next frame tries again.
        request_log.add_metric(faults=1)
        log.exception("could not close %s", connection_id)
