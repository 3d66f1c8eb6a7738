"""Chalice Chat: rooms over REST, talk over WebSockets, nothing to keep running."""

import json
import logging

from chalice import Chalice, CORSConfig, Response
from chalice.app import ChaliceViewError

from chalicelib import chat, discovery, frames, messages, page, rooms, settings
from chalicelib.broadcast import MemberSockets
from chalicelib.checks import checked_number, checked_object
from chalicelib.fanout import Batch

app = Chalice(app_name=settings.APP_NAME)
app.experimental_feature_flags.add("WEBSOCKETS")
app.log.setLevel(logging.INFO)
app.api.cors = CORSConfig(allow_origin="*", max_age=600)
# Before the WebSocket handlers, each of which keeps the one that it finds here.
app.websocket_api = sockets = MemberSockets()


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
    room = rooms.create(checked_object(app.current_request.raw_body).get("roomName"))
    return Response({"message": "Room created successfully", "roomId": room.room_id}, status_code=201)


@app.route("/rooms")
def list_rooms():
    query = app.current_request.query_params or {}
    found, cursor = rooms.newest(checked_number(query, "limit", 1, 100, default=50), query.get("cursor"))
    return {"rooms": [room.to_dict() for room in found], "nextCursor": cursor}


@app.route("/rooms/{room_id}")
def get_room(room_id):
    return rooms.get(room_id).to_dict()


@app.route("/rooms/{room_id}/members")
def list_members(room_id):
    return {"members": [member.to_dict() for member in rooms.members(room_id)]}


@app.route("/rooms/{room_id}/messages")
def list_messages(room_id):
    query = app.current_request.query_params
    after, before = checked_number(query, "after", 0), checked_number(query, "before", 1)
    said = messages.history(room_id, after, before, checked_number(query, "limit", 1, 100, default=50))
    return {
        "messages": [frames.message_content(message) for message in said.messages],
        "lastSequence": said.last_sequence,
        "complete": said.complete,
    }


@app.on_ws_connect()
def connect(event):
    query = event.to_dict().get("queryStringParameters") or {}
    try:
        chat.connect(sockets, event.connection_id, query.get("roomId"), query.get("name"))
    except ChaliceViewError as refusal:
        return {"statusCode": refusal.STATUS_CODE, "body": str(refusal)}


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
