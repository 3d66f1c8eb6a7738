"""Routes, WebSocket handlers and queue handler of Chalice Chat. They delegate to chalicelib."""

# First: a thread loads certificates while the large libraries are imported.
import chalicelib.delivery.tls  # noqa: I001
import chalicelib.aws  # noqa: F401
import logging
from collections.abc import Callable
from typing import Any

from chalice import Chalice, CORSConfig, Response
from chalice.app import Request, SQSEvent, WebsocketEvent

from chalicelib import request_log, settings
from chalicelib.auth import origins
from chalicelib.auth.identity import User
from chalicelib.chat import (
    admission,
    broadcast,
    erasure,
    history,
    members,
    moderation,
    reports,
    room_list,
    rooms,
    sources,
    unread,
)
from chalicelib.delivery import addresses, jobs
from chalicelib.delivery.websocket_api import BroadcastWebsocketAPI
from chalicelib.errors import Forbidden, NotFound, RoomNotFound, SourceBanned, SourceLimitExceeded
from chalicelib.protocol.requests import HistoryQuery, NewRoom, RoomListQuery, RoomQuery, UnreadRooms
from chalicelib.protocol.responses import (
    BanList,
    Config,
    CreatedRoom,
    MemberList,
    MessagePage,
    ReportList,
    Room,
    RoomPage,
    UnreadList,
)
from chalicelib.protocol.values import AnyRoomId
from chalicelib.rest import page, webhooks
from chalicelib.rest.endpoints import EndpointDecorator, error_response
from chalicelib.websocket import events

app = Chalice(app_name=settings.APP_NAME)
app.experimental_feature_flags.add("WEBSOCKETS")
# API Gateway decodes all other bodies as UTF-8, whatever charset they declare ("Working with binary media types").
app.api.binary_types += ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]
app.log.setLevel(logging.INFO)
app.api.cors = CORSConfig(allow_origin=origins.preflight_origin(), expose_headers=["ETag", "Retry-After"], max_age=600)
# Set this before the handlers are registered: each keeps a reference to it.
app.websocket_api = websocket_api = BroadcastWebsocketAPI()
app.register_middleware(request_log.log_middleware)
endpoint = EndpointDecorator(app)


@app.middleware("http")
def forbid_sniffing(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Add the header that makes browsers trust the Content-Type, also to the responses of Chalice itself."""
    response = get_response(request)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@app.middleware("http")
def allow_origins(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Reject requests from pages whose origin is not allowed, and add the CORS headers for the others."""
    try:
        origins.check_origin(request.headers)
    except Forbidden as error:
        return error_response(error)
    response = get_response(request)
    response.headers.update(origins.cors_headers(request.headers))
    return response


@app.route("/config")
@endpoint(errors=[NotFound])
def get_config() -> Config:
    """Return the address of the WebSocket API, to which clients append `?roomId=…&name=…`, and how to sign in."""
    return Config.of(addresses.websocket_url())


@app.route("/rooms", methods=["POST"], content_types=["*/*"])
@endpoint(status=201, errors=[SourceBanned, SourceLimitExceeded])
def create_room(body: NewRoom, user: User | None, source: str) -> CreatedRoom:
    """Create a room.

    A room that nobody joins expires after UNUSED_ROOM_SECONDS. After the last member has left, it can still be joined
    for EMPTY_ROOM_GRACE_SECONDS, or for `keepDays` if given. The body is read as JSON, whatever its Content-Type.
    """
    room = rooms.create(body, user, sources.count_room(source, is_public=not body.private))
    sources.record_room(room)
    return CreatedRoom.of(room)


@app.route("/rooms")
@endpoint(etag=True)
def list_rooms(query: RoomListQuery, user: User | None) -> RoomPage:
    """List the public rooms, newest first.

    A new room is listed at once. A room that its last member has left is not listed.
    """
    return RoomPage.of(*room_list.list_public(query.limit, query.cursor, user))


@app.route("/rooms/{room_id}")
@endpoint(errors=[Forbidden, RoomNotFound])
def get_room(room_id: AnyRoomId, query: RoomQuery, user: User | None, source: str) -> Room:
    """Get a room, listed or not.

    Pass the `key` and `owner` of a rejected connection to get the reason.
    """
    sources.check_ban(source)
    return Room.of(admission.check(room_id, query.credentials(user)))


@app.route("/rooms/{room_id}/members")
@endpoint(errors=[Forbidden, RoomNotFound])
def list_members(room_id: AnyRoomId, query: RoomQuery, user: User | None) -> MemberList:
    """List the members of a room, in the order of joining, each once.

    Very recent joins and leaves may be missing. Who may not join may not read: pass the same `key` and `owner`. A
    locked room requires one of them, or an access token.
    """
    return MemberList(members=members.list_members(room_id, query.credentials(user)))


@app.route("/rooms/{room_id}/messages")
@endpoint(errors=[Forbidden, RoomNotFound])
def list_messages(room_id: AnyRoomId, query: HistoryQuery, user: User | None) -> MessagePage:
    """List messages in ascending order: the oldest ones after `after`, if given, otherwise the newest.

    It requires the same credentials as the list of members.
    """
    return MessagePage.of(*history.read(room_id, query.after, query.before, query.limit, query.credentials(user)))


@app.route("/rooms/unread", methods=["POST"], content_types=["*/*"])
@endpoint()
def list_unread(body: UnreadRooms, user: User | None) -> UnreadList:
    """Return the last sequence of each of the rooms that the client may read, in any order.

    A room has news if its `lastSequence` is above `readSequence`, which the client has sent with `markRead` on any
    device, and above the last one that this device knows. The body is read as JSON, whatever its Content-Type.
    """
    return UnreadList.of(unread.positions(body, user))


@app.route("/rooms/{room_id}/bans")
@endpoint(errors=[Forbidden, RoomNotFound])
def list_bans(room_id: AnyRoomId, query: RoomQuery, user: User | None, owner_token: str) -> BanList:
    """List the removed members who may not join yet, as the owner or a moderator, those whose ban ends last first."""
    return BanList.of(moderation.list_banned(room_id, query.credentials(user, owner_token)))


@app.route("/rooms/{room_id}/reports")
@endpoint(errors=[Forbidden, RoomNotFound])
def list_reports(room_id: AnyRoomId, query: RoomQuery, user: User | None, owner_token: str) -> ReportList:
    """List the reports of messages, newest first, as the owner or a moderator."""
    return ReportList.of(reports.list_reports(room_id, query.credentials(user, owner_token)))


app.register_blueprint(page.blueprint)
app.register_blueprint(webhooks.blueprint)


@app.on_ws_connect()
def connect(event: WebsocketEvent) -> dict[str, Any] | None:
    """Join the room that the query string names."""
    request = event.to_dict()
    headers, query = request.get("headers") or {}, request.get("queryStringParameters") or {}
    source = request["requestContext"]["identity"]["sourceIp"]
    return events.connect(websocket_api, event.connection_id, source, headers, query)


@app.on_ws_message()
def message(event: WebsocketEvent) -> None:
    """Handle a frame from a client."""
    events.receive(websocket_api, event.connection_id, event.body)


@app.on_ws_disconnect()
def disconnect(event: WebsocketEvent) -> None:
    """Leave the room."""
    events.disconnect(websocket_api, event.connection_id)


# One batch per invocation: a batch that fails is retried alone.
@app.on_sqs_message(queue=settings.FANOUT_QUEUE, batch_size=1)
def fan_out(event: SQSEvent) -> None:
    """Process the jobs of the queue."""
    for record in event:
        match jobs.parse(record.body):
            case jobs.Batch() as batch:
                broadcast.send_batch(websocket_api, batch)
            case jobs.Removal() as removal:
                broadcast.retry_removal(websocket_api, removal)
            case jobs.Delivery() as delivery:
                broadcast.deliver(websocket_api, delivery)
            case jobs.Summary() as summary:
                broadcast.deliver_summary(websocket_api, summary)
            case jobs.Tick() as tick:
                broadcast.send_tick(websocket_api, tick)
            case jobs.Presence() as presence:
                broadcast.send_presence(websocket_api, presence)
            case jobs.Erasure() as job:
                erasure.erase(job)
            case jobs.MessageErasure() as message_erasure:
                erasure.erase_messages(message_erasure)
