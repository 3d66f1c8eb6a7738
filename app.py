"""Chalice Chat: rooms over REST, talk over WebSockets, nothing to keep running."""

import json
import logging

from chalice import Chalice, CORSConfig, ForbiddenError, Response
from chalice.app import ChaliceViewError

from chalicelib import chat, discovery, frames, invocation, messages, origins, page, rooms, settings
from chalicelib.broadcast import MemberSockets
from chalicelib.checks import checked_number, checked_object
from chalicelib.fanout import Batch
from chalicelib.faults import apology

app = Chalice(app_name=settings.APP_NAME)
app.experimental_feature_flags.add("WEBSOCKETS")
app.log.setLevel(logging.INFO)
app.api.cors = CORSConfig(allow_origin=origins.preflight_origin(), max_age=600)
# Before the WebSocket handlers, each of which keeps the one that it finds here.
app.websocket_api = sockets = MemberSockets()
app.register_middleware(invocation.log_each)


@app.middleware("http")
def keep_to_allowed_origins(request, get_response):
    try:
        origins.check(request.headers)
    except ForbiddenError as refusal:
        return Response({"Code": "ForbiddenError", "Message": str(refusal)}, status_code=refusal.STATUS_CODE)
    response = get_response(request)
    response.headers.update(origins.cors_headers(request.headers))
    return response


@app.route("/")
def index():
    return page.file("index.html")


@app.route("/static/{name}")
def static(name):
    return page.file(name)


@app.route("/config")
def config():
    return {"webSocketUrl": discovery.websocket_url()}


@app.route("/rooms", methods=["POST"], content_types=["*/*"])
def create_room():
    body = checked_object(app.current_request.raw_body)
    room = rooms.create(body.get("roomName"), body.get("private", False))
    token = {} if room.join_token is None else {"joinToken": room.join_token}
    return Response({"message": "Room created successfully", "roomId": room.room_id} | token, status_code=201)


@app.route("/rooms")
def list_rooms():
    query = _query()
    found, cursor = rooms.newest(checked_number(query, "limit", 1, 100, default=50), query.get("cursor"))
    return {"rooms": [room.to_dict() for room in found], "nextCursor": cursor}


@app.route("/rooms/{room_id}")
def get_room(room_id):
    return rooms.get(room_id, _query().get("token")).to_dict()


@app.route("/rooms/{room_id}/members")
def list_members(room_id):
    return {"members": [member.to_dict() for member in rooms.members(room_id, _query().get("token"))]}


@app.route("/rooms/{room_id}/messages")
def list_messages(room_id):
    query = _query()
    after, before = checked_number(query, "after", 0), checked_number(query, "before", 1)
    limit = checked_number(query, "limit", 1, 100, default=50)
    said = messages.history(room_id, after, before, limit, query.get("token"))
    return {
        "messages": [frames.message_content(message) for message in said.messages],
        "lastSequence": said.last_sequence,
        "complete": said.complete,
    }


def _query():
    return app.current_request.query_params or {}


@app.on_ws_connect()
def connect(event):
    request = event.to_dict()
    query = request.get("queryStringParameters") or {}
    try:
        origins.check(request.get("headers") or {})
        chat.connect(sockets, event.connection_id, query.get("roomId"), query.get("name"), query.get("token"))
    except ChaliceViewError as refusal:
        return {"statusCode": refusal.STATUS_CODE, "body": str(refusal)}
    except Exception:  # noqa: BLE001 - the apology logs it
        return {"statusCode": 500, "body": apology(f"the connect of {event.connection_id}")}


@app.on_ws_message()
def message(event):
    chat.receive(sockets, event.connection_id, event.body)


@app.on_ws_disconnect()
def disconnect(event):
    chat.disconnect(sockets, event.connection_id)


# One batch an invocation: one that fails is tried again, and no other with it.
@app.on_sqs_message(queue=settings.FANOUT_QUEUE, batch_size=1)
def fan_out(event):
    for record in event:
        chat.deliver_batch(sockets, Batch(*json.loads(record.body)))
