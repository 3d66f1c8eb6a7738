"""Routes, WebSocket handlers and queue handler of Chalice Chat. They delegate to chalicelib."""

import chalicelib.delivery.tls  # noqa: F401, I001 - first: it loads certificates during the other imports
import logging
from collections.abc import Callable

from chalice import Chalice, CORSConfig, Response
from chalice.app import Request, SQSEvent, WebsocketEvent

from chalicelib import aws, request_log
from chalicelib.auth import origins
from chalicelib.chat import history, members
from chalicelib.protocol import parameters
from chalicelib.rest import page, webhooks
from chalicelib import settings
from chalicelib.chat import broadcast, room_list, rooms
from chalicelib.protocol import schemas, serializers
from chalicelib.websocket import events
from chalicelib.delivery import jobs
from chalicelib.delivery.websocket_api import BroadcastWebsocketAPI
from chalicelib.rest.endpoints import Endpoints, Json, Parameters, error_response
from chalicelib.errors import Forbidden, NotFound, RoomNotFound
from chalicelib.auth.identity import User

app = Chalice(app_name=settings.APP_NAME)
app.experimental_feature_flags.add("WEBSOCKETS")
app.log.setLevel(logging.INFO)
app.api.cors = CORSConfig(allow_origin=origins.preflight_origin(), expose_headers=["ETag", "Retry-After"], max_age=600)
# Each WebSocket handler keeps the API object that it finds here when it is registered.
app.websocket_api = websocket_api = BroadcastWebsocketAPI()
app.register_middleware(request_log.log_middleware)
endpoint = Endpoints(app)


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
@endpoint(returns=schemas.CONFIG, errors=[NotFound])
def get_config() -> Json:
    """Return the address of the WebSocket API, to which clients append `?roomId=…&name=…`, and how to sign in."""
    return serializers.serialize_config(aws.websocket_url())


@app.route("/rooms", methods=["POST"], content_types=["*/*"])
@endpoint(
    body={"roomName": parameters.ROOM_NAME, "private": parameters.PRIVATE, "keepDays": parameters.KEEP_DAYS},
    signed_in=True,
    status=201,
    returns=schemas.CREATED_ROOM,
)
def create_room(body: Parameters, user: User | None) -> Json:
    """Create a room.

    A room that nobody joins expires after UNUSED_ROOM_SECONDS. After the last member has left, it can still be joined
    for EMPTY_ROOM_GRACE_SECONDS, or for `keepDays` if given. The body is read as JSON, whatever its Content-Type.
    """
    room = rooms.create(body["roomName"], body["private"], body["keepDays"] or 0, user)
    return serializers.serialize_created_room(room)


@app.route("/rooms")
@endpoint(signed_in=True, query=parameters.PAGE, returns=schemas.ROOM_PAGE, conditional=True)
def list_rooms(query: Parameters, user: User | None) -> Json:
    """List the public rooms, newest first.

    A new room is listed at once. A room that its last member has left is not listed.
    """
    return serializers.serialize_room_page(*room_list.list_public(**query, user=user))


@app.route("/rooms/{room_id}")
@endpoint(
    query={"token": parameters.TOKEN, "key": parameters.KEY, "owner": parameters.OWNER},
    signed_in=True,
    returns=schemas.ROOM,
    errors=[Forbidden, RoomNotFound],
)
def get_room(room_id: str, query: Parameters, user: User | None) -> Json:
    """Get a room, listed or not.

    With the `key` and the `owner` of a connection, the answer is the reason why that connection was refused.
    """
    return serializers.serialize_room(members.check_admission(room_id, **query, user=user))


@app.route("/rooms/{room_id}/members")
@endpoint(
    signed_in=True, query={"token": parameters.TOKEN}, returns=schemas.MEMBER_LIST, errors=[Forbidden, RoomNotFound]
)
def list_members(room_id: str, query: Parameters, user: User | None) -> Json:
    """List the members of a room, in the order of joining, each once. Very recent joins and leaves may be missing."""
    return serializers.serialize_member_list(members.list_members(room_id, query["token"], user))


@app.route("/rooms/{room_id}/messages")
@endpoint(
    signed_in=True,
    query=parameters.HISTORY_PAGE,
    returns=schemas.MESSAGE_PAGE,
    errors=[Forbidden, RoomNotFound],
)
def list_messages(room_id: str, query: Parameters, user: User | None) -> Json:
    """List messages in ascending order: the oldest ones after `after`, if given, otherwise the newest."""
    return serializers.serialize_message_page(*history.read(room_id, **query, user=user))


for routes in (page, webhooks):
    app.register_blueprint(routes.blueprint)
    endpoint.by_name.update(routes.endpoint.by_name)


@app.on_ws_connect()
def connect(event: WebsocketEvent) -> Json | None:
    """Join the room that the query string names."""
    request = event.to_dict()
    headers, query = request.get("headers") or {}, request.get("queryStringParameters") or {}
    return events.connect(websocket_api, event.connection_id, headers, query)


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
    """Deliver a batch or a frame of the fan-out queue, or complete a removal of connections."""
    for record in event:
        match jobs.parse(record.body):
            case jobs.Batch() as batch:
                broadcast.send_batch(websocket_api, batch)
            case jobs.Removal() as removal:
                broadcast.complete_removal(websocket_api, removal)
            case jobs.Delivery() as delivery:
                broadcast.deliver(websocket_api, delivery)
