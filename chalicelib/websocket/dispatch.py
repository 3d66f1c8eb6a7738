"""The decorator that declares WebSocket actions, and their dispatch. The actions themselves are in chat.py.

    @action("wave", data={"hand": Choice(["left", "right"])}, sends=[WAVE_FRAME])
    def wave(context: Context, data: dict[str, Any]) -> None:
        \"""Wave to everyone in the room.\"""
        context.broadcast(frames.wave(context.sender, data["hand"]))

The declaration determines how a frame is dispatched, validated and rate-limited. docs/asyncapi.yaml is generated
from it, and the tests send every action the example of its fields. `WAVE_FRAME`, the schema of the frame, and `wave`,
which serializes it, are added to frame_schemas.py and frames.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chalicelib import request_log
from chalicelib.chat import members, rate_limit
from chalicelib.chat.broadcast import send_to_room
from chalicelib.delivery.websocket_api import BroadcastWebsocketAPI
from chalicelib.errors import UnknownAction
from chalicelib.protocol.composite_fields import Object
from chalicelib.protocol.fields import Field
from chalicelib.protocol.frame_schemas import FrameSchema
from chalicelib.storage.models import Connection


@dataclass
class Context:
    """The connection that sent a frame, and the means to answer it."""

    websocket_api: BroadcastWebsocketAPI
    connection_id: str
    prefetched: Sequence[Future[Any]] = ()
    """The result of the action's prefetch, if it was called."""

    @cached_property
    def sender(self) -> Connection:
        """The row of the connection. The rate limit has read it already; for other actions it is read once.

        Raises what `members.require_connection` raises.
        """
        return members.require_connection(members.find_connection(self.connection_id))

    def reply(self, frame: str) -> None:
        """Send a frame to the sender only."""
        self.websocket_api.broadcast([self.connection_id], frame)

    def broadcast(
        self, frame: str, recipients: Mapping[str, int] | None = None, *, include_sender: bool = True
    ) -> None:
        """Send a frame to everyone in the sender's room.

        recipients: the result of `Connection.recipients_in`, if the handler has read it already.
        """
        room_id = self.sender.joined_room_id
        recipients = dict(Connection.recipients_in(room_id) if recipients is None else recipients)
        if include_sender:
            # The index is eventually consistent: it may not contain the sender yet.
            recipients[self.connection_id] = self.sender.ends_at
        else:
            recipients.pop(self.connection_id, None)
        send_to_room(self.websocket_api, room_id, [frame], recipients)


Handler = Callable[[Context, dict[str, Any]], None]
Prefetch = Callable[[str], Sequence[Future[Any]]]

MAX_KNOWN_ROOMS = 10_000

_known_rooms: dict[str, str] = {}
"""The rooms of the connections that this process has served, by connection id. They are hints: each use is checked."""


@dataclass(frozen=True)
class Action:
    """A declared action.

    names: the names that frames may use; all but the first are aliases.
    data: the fields of the frame's `data`.
    rate_limited: whether the action counts for the rate limit. All such actions of a connection share one limit.
    sends: the frames that the action sends besides the error frame, for docs/asyncapi.yaml and the tests.
    prefetch: starts requests that need only the id of the room. It is called while the rate limit is checked, if this
        process knows the room. Its result must be safe to discard.
    """

    names: tuple[str, ...]
    handler: Handler
    data: Object
    rate_limited: bool
    sends: tuple[FrameSchema, ...]
    prefetch: Prefetch | None

    def handle(self, context: Context, data: dict[str, Any]) -> None:
        """Validate the data of a frame, apply the rate limit, and run the handler.

        Raises InvalidInput, RateLimitExceeded, NotInRoom, Unauthorized, and what the handler raises.
        """
        arguments = self.data.validate(data)
        try:
            if self.rate_limited:
                self._record(context)
            self.handler(context, arguments)
        finally:
            wait(context.prefetched)  # because Lambda freezes the process when the handler returns

    def _record(self, context: Context) -> None:
        # A connection that was rejected is forgotten: only the first of many rejected frames prefetches.
        room_id = _known_rooms.pop(context.connection_id, None)
        if self.prefetch is not None and room_id is not None:
            context.prefetched = self.prefetch(room_id)
        context.sender = rate_limit.record_message(context.connection_id)
        if context.sender.joined_room_id != room_id:
            wait(context.prefetched)
            context.prefetched = ()
        if len(_known_rooms) >= MAX_KNOWN_ROOMS:
            _known_rooms.clear()
        _known_rooms[context.connection_id] = context.sender.joined_room_id
        request_log.append_keys(room_id=context.sender.joined_room_id)


ACTIONS: dict[str, Action] = {}
"""The declared actions by name, aliases included."""


def action(
    *names: str,
    data: Mapping[str, Field] | None = None,
    rate_limited: bool = True,
    sends: Iterable[FrameSchema] = (),
    prefetch: Prefetch | None = None,
) -> Callable[[Handler], Handler]:
    """Return a decorator that declares an action. The docstring of the handler describes it in docs/asyncapi.yaml."""

    def declare(handler: Handler) -> Handler:
        declared = Action(names, handler, Object(data or {}), rate_limited, tuple(sends), prefetch)
        ACTIONS.update(dict.fromkeys(names, declared))
        return handler

    return declare


def dispatch(context: Context, name: str, data: dict[str, Any]) -> None:
    """Handle a frame by the action that it names.

    Raises UnknownAction, and what `Action.handle` raises.
    """
    if name not in ACTIONS:
        raise UnknownAction(f"expected an action that is one of {', '.join(ACTIONS)}, not {name[:64]!r}")
    request_log.append_keys(outcome=name)
    ACTIONS[name].handle(context, data)
