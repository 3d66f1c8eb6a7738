"""Generates docs/asyncapi.yaml from the actions, frames and errors that chalicelib declares."""

from __future__ import annotations

from inspect import getdoc
from typing import Any

from chalicelib import limits, settings
from chalicelib.errors import Muted, RateLimitExceeded
from chalicelib.protocol.frames import FRAME_ERRORS, Error, Frame, Joined, Left, Messages, Presence
from chalicelib.protocol.requests import ConnectQuery
from chalicelib.websocket import actions as _actions  # noqa: F401 - it declares the actions
from chalicelib.websocket.dispatch import ACTIONS, Action, Limit
from docs.json_schema import Components, example_of, parameters_of, schema_of

Json = dict[str, Any]

DESCRIPTION = f"""\
A connection to a room. openapi.yaml describes the REST API, which creates rooms and returns their history.

Every frame is a JSON object of at most {limits.MAX_FRAME_BYTES:,} bytes. A longer frame gets the error
`invalid_message`, or API Gateway closes the connection with code 1009. Undeclared properties are ignored.

API Gateway closes a connection after 2 hours, and after 10 minutes without a frame. A client then connects again,
and requests `GET /rooms/{{roomId}}/messages?after=` for the messages that it missed.

A connection is rejected with 400 if the query string is not as declared; 401 if the access token is missing or not
valid; 403 if a token is wrong, the room is locked, the member was removed, the source address is banned, or the origin
is not allowed; 404 if the room does not exist or has expired; 429 if the source address opens too many connections; 500
after an internal error; 503 if access tokens cannot be verified. Browsers hide the status: `GET /rooms/{{roomId}}` with
the same token, key, owner and access token returns the reason for 401, 403 and 404. Otherwise, connect again with
exponential backoff and jitter.
"""

RATE_LIMIT = f"""\
It counts against the rate limit: after more than {settings.MESSAGES_PER_WINDOW} messages in {settings.WINDOW_SECONDS}
seconds, messages are not stored, and get the error `rate_limited` at most once per second. After
{limits.MAX_RATE_LIMIT_WARNINGS} such errors that the client ignores, the server closes the connection."""

PRESENCE = f"Sent in rooms of at most {settings.PRESENCE_LIMIT} members."

TICKS = f"""\
In rooms of more than {settings.FANOUT_BATCH:,} connections, messages and events are delivered in ticks of a second or
more. Connections with `batch=1` receive those of a tick in one frame, others receive each in a frame of its own."""


EMPTY_DATA: list[Any] = [None, False, 0, "", []]
"""Values of `data` that count as absent."""


def document() -> Json:
    """Return the AsyncAPI document."""
    components: Components = {}
    declared = {action.names[0]: action for action in ACTIONS.values()}
    frames = {frame_name(frame): frame for action in declared.values() for frame in action.sends}
    frames |= {frame_name(frame): frame for frame in (Joined, Left, Messages, Presence, Error)}
    messages = {name: _request(action, components) for name, action in declared.items()}
    messages |= {_message_name(frame): _frame(frame, components) for frame in frames.values()}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Chalice Chat", "version": "1.0", "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {
            "aws": {
                "host": "{api}.execute-api.{region}.amazonaws.com",
                "protocol": "wss",
                "description": "The address that `GET /config` returns. `make run` prints a local one.",
                "variables": {
                    "api": {
                        "default": "uvwxyz6789",
                        "description": "Id of the WebSocket API. The REST API has another id.",
                    },
                    "region": {"default": "us-east-1"},
                },
            }
        },
        "channels": {
            "room": {
                "address": "/{stage}",
                "parameters": {"stage": {"default": "dev", "enum": ["dev", "prod"]}},
                "title": "A room",
                "description": "A connection belongs to one member of one room. A member may have several.",
                "servers": [{"$ref": "#/servers/aws"}],
                "bindings": {"ws": {"bindingVersion": "0.1.0", "method": "GET", "query": _query(components)}},
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": {name: _operation(action) for name, action in declared.items()}
        | {
            "notify": {
                "action": "send",
                "title": "Notify the other members of joins and leaves",
                "description": PRESENCE,
                "channel": {"$ref": "#/channels/room"},
                "messages": [_channel_message(frame) for frame in (Joined, Left, Presence)],
            },
            "deliver": {
                "action": "send",
                "title": "Deliver messages and events to a large room",
                "description": TICKS,
                "channel": {"$ref": "#/channels/room"},
                "messages": [_channel_message(Messages)],
            },
        },
        "components": {"messages": messages, "schemas": dict(sorted(components.items()))},
    }


def _operation(action: Action) -> Json:
    title, _, details = (getdoc(action.handler) or "").partition("\n\n")
    paragraphs = [*details.split("\n\n"), *([RATE_LIMIT] if action.limit is not Limit.NONE else [])]
    description = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs if paragraph)
    return (
        {"action": "receive", "title": " ".join(title.split()).rstrip(".")}
        | ({"description": description} if description else {})
        | {
            "channel": {"$ref": "#/channels/room"},
            "messages": [{"$ref": f"#/channels/room/messages/{action.names[0]}"}],
            "reply": {
                "channel": {"$ref": "#/channels/room"},
                "messages": [_channel_message(frame) for frame in (*action.sends, Error)],
            },
        }
    )


def _request(action: Action, components: Components) -> Json:
    """Describe the frame that requests an action."""
    name, *aliases = action.names
    properties: Json = {"action": {"enum": [name, *aliases]} if aliases else {"const": name}}
    required = ["action"]
    example: Json = {"action": name}
    if action.data is not None:
        schema = schema_of(action.data, components)
        properties["data"] = schema
        example["data"] = example_of(action.data)
        if components[action.data.__name__].get("required"):
            required.append("data")
        else:
            properties["data"] = {"anyOf": [schema, {"enum": EMPTY_DATA}]}
    return {
        "title": f"Request of {name}",
        "payload": {"type": "object", "required": required, "properties": properties},
        "examples": [{"payload": example}],
    }


def _query(components: Components) -> Json:
    parameters = parameters_of(ConnectQuery, components)
    return {
        "type": "object",
        "required": [name for name, (_, required) in parameters.items() if required],
        "properties": {name: schema for name, (schema, _) in parameters.items()},
    }


def frame_name(frame: type[Frame]) -> str:
    """Return the name of a frame: the type of an event, otherwise the property that contains it."""
    return str(frame.__struct_config__.tag or frame.envelope)


def _frame(frame: type[Frame], components: Components) -> Json:
    schema, example = schema_of(frame, components), example_of(frame)
    if not frame.__struct_fields__:
        del components[frame.__name__]
        schema, example = {"const": True}, True
    if frame is Messages:  # it has no other property than its envelope
        schema, example = components.pop("Messages")["properties"]["messages"], example["messages"]
        del schema["items"]["discriminator"]  # an object in OpenAPI, but a string in AsyncAPI
    if frame is Error:
        components["Error"] |= _error_constraints()
    return {
        "title": f"Frame {frame_name(frame)}",
        "description": " ".join((getdoc(frame) or "").split()),
        "payload": {
            "type": "object",
            "required": [frame.envelope],
            "additionalProperties": False,
            "properties": {frame.envelope: schema},
        },
        "examples": [{"payload": {frame.envelope: example}}],
    }


def _error_constraints() -> Json:
    """Describe each code by its error's docstring, and retryAfter as present with rate_limited and muted only."""
    codes = [{"const": error.code, "description": getdoc(error)} for error in FRAME_ERRORS]
    return {
        "allOf": [
            {"properties": {"code": {"oneOf": codes}}},
            {
                "if": {"properties": {"code": {"enum": [Muted.code, RateLimitExceeded.code]}}},
                "then": {"required": ["retryAfter"]},
                "else": {"properties": {"retryAfter": False}},
            },
        ]
    }


def _message_name(frame: type[Frame]) -> str:
    """Return a frame's name among the messages, where requests have the names of their actions."""
    name = frame_name(frame)
    return f"{name}Frame" if name in ACTIONS else name


def _channel_message(frame: type[Frame]) -> Json:
    return {"$ref": f"#/channels/room/messages/{_message_name(frame)}"}
