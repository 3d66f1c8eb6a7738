"""The decorator that declares WebSocket actions, and their dispatch. The actions themselves are in actions.py.

    class Wave(Request):                                             # protocol/requests.py
        hand: Literal["left", "right"]

    class Waved(Event, tag="wave"):                                  # protocol/frames.py
        hand: Literal["left", "right"]

    @action("wave", sends=[Waved])                                   # websocket/actions.py
    def wave(context: Context, data: Wave) -> None:
        \"""Wave to everyone in the room.\"""
        sender = context.sender
        context.broadcast(Waved(message=f"{sender.name} waved", sender=Member.of(sender), hand=data.hand))

The type of `data` declares the data of the action; a handler without that parameter has none. docs/asyncapi.yaml is
generated from the declarations, and the tests send every action its example.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum, auto
from functools import cached_property
from typing import Any, get_type_hints

from msgspec import Struct

from chalicelib import request_log
from chalicelib.chat import members, rate_limit
from chalicelib.chat.broadcast import send_stored, send_to_room
from chalicelib.delivery.websocket_api import BroadcastWebsocketAPI
from chalicelib.errors import Forbidden, UnknownAction
from chalicelib.protocol import frames
from chalicelib.protocol.frames import Frame
from chalicelib.protocol.requests import Request
from chalicelib.protocol.validation import validate
from chalicelib.storage.models import FORMER_OWNER, Connection, Message, Recipient


class Context:
    """The connection that sent a frame, with methods to reply and broadcast."""

    def __init__(self, websocket_api: BroadcastWebsocketAPI, connection_id: str) -> None:
        self.websocket_api, self.connection_id = websocket_api, connection_id

    @cached_property
    def sender(self) -> Connection:
        """The row of the connection. The rate limit has read it already; for other actions it is read once.

        Raises NotInRoom and AccessTokenExpired.
        """
        return members.require_connection(members.find_connection(self.connection_id))

    def check_rate_limit(self, window: rate_limit.Window = "message_times", *, is_message: bool = False) -> None:
        """Count a frame of the sender as a message. is_message: whether mute and slow mode apply to it.

        Raises RateLimitExceeded, Muted, NotInRoom, Forbidden and AccessTokenExpired.
        """
        self.sender = rate_limit.check_rate_limit(self.connection_id, window, is_message=is_message)
        request_log.append_keys(room_id=self.sender.joined_room_id)
        if window == "message_times":
            self._refuse_former_owner()

    def check_signal_limit(self, action: str) -> None:
        """Count a frame of an action that does not count as a message.

        Raises RateLimitExceeded, NotInRoom, Forbidden and AccessTokenExpired.
        """
        rate_limit.count_signal(self.connection_id, action)
        request_log.append_keys(room_id=self.sender.joined_room_id)
        self._refuse_former_owner()

    def _refuse_former_owner(self) -> None:
        if self.sender.role == FORMER_OWNER:
            raise Forbidden("this ownerToken was replaced: it can only request another one")

    def reply(self, frame: Frame) -> None:
        """Send a frame to the sender only."""
        self.websocket_api.broadcast([self.connection_id], frames.serialize(frame))

    def send(self, frame: Frame, recipients: Mapping[str, Recipient]) -> None:
        """Send a frame to some connections in the sender's room."""
        send_to_room(self.websocket_api, self.sender.joined_room_id, [frames.serialize(frame)], recipients)

    def broadcast(
        self, frame: Frame, recipients: Mapping[str, Recipient] | None = None, *, include_sender: bool = True
    ) -> None:
        """Send a frame that is not stored to everyone in the sender's room. For others, see `broadcast_stored`.

        recipients: the result of `Connection.recipients_in`, if the handler has read it already.
        """
        known = self._with_sender(recipients)
        if not include_sender:
            del known[self.connection_id]
        self.send(frame, known)

    def broadcast_stored(self, message: Message, recipients: Mapping[str, Recipient] | None = None) -> None:
        """Send a stored message or event to everyone in the sender's room. recipients: as in `broadcast`."""
        send_stored(self.websocket_api, message, self._with_sender(recipients))

    def _with_sender(self, recipients: Mapping[str, Recipient] | None) -> dict[str, Recipient]:
        known = Connection.recipients_in(self.sender.joined_room_id) if recipients is None else recipients
        # The index is eventually consistent: it may not contain the sender yet.
        return {**known, self.connection_id: self.sender.recipient}


class Limit(Enum):
    """How the frames of an action are limited, besides the limit of all frames."""

    MESSAGES = auto()
    """They count as messages."""

    OWNER_ACTIONS = auto()
    """Those of an owner count in a window of their own, so that messages do not delay them. Those of others count as
    messages."""

    SIGNALS = auto()
    """They do not count as messages. Each process counts those of each action in its memory."""

    BY_HANDLER = auto()
    """The handler itself calls `context.check_rate_limit`, to do other work meanwhile."""

    NONE = auto()


Handler = Callable[..., None]


class Action(Struct, frozen=True):
    """A declared action.

    names: its name, and its aliases.
    handler: the function. Its docstring is the description.
    data: the type of its data, None if it has none.
    limit: how its frames are limited.
    sends: the frames that it sends.
    """

    names: tuple[str, ...]
    handler: Handler
    data: type[Request] | None
    limit: Limit
    sends: tuple[type[Frame], ...]

    def handle(self, context: Context, data: dict[str, Any]) -> None:
        """Validate the data of a frame, check the rate limit, and run the handler.

        Raises InvalidInput, RateLimitExceeded, NotInRoom, Unauthorized, and the errors of the handler.
        """
        arguments = () if self.data is None else (validate(data, self.data),)
        if self.limit is Limit.MESSAGES:
            context.check_rate_limit()
        if self.limit is Limit.OWNER_ACTIONS:
            context.check_rate_limit("owner_action_times" if context.sender.is_owner else "message_times")
        if self.limit is Limit.SIGNALS:
            context.check_signal_limit(self.names[0])
        self.handler(context, *arguments)


ACTIONS: dict[str, Action] = {}
"""The declared actions by name, aliases included."""


def action(
    *names: str, sends: Iterable[type[Frame]] = (), limit: Limit = Limit.MESSAGES
) -> Callable[[Handler], Handler]:
    """Return a decorator that declares an action. Raises ValueError if another action has the same name."""

    def declare(handler: Handler) -> Handler:
        data = get_type_hints(handler, include_extras=True).get("data")
        declared = Action(names, handler, data, limit, tuple(sends))
        if taken := ACTIONS.keys() & set(names):
            raise ValueError(f"two actions have the name {min(taken)}")
        ACTIONS.update(dict.fromkeys(names, declared))
        return handler

    return declare


def dispatch(context: Context, name: str, data: dict[str, Any]) -> None:
    """Handle a frame by the action that it names. Raises UnknownAction, and the errors of `Action.handle`."""
    if name not in ACTIONS:
        raise UnknownAction(f"expected an action that is one of {', '.join(ACTIONS)}, not {name[:64]!r}")
    request_log.append_keys(outcome=name)
    ACTIONS[name].handle(context, data)
