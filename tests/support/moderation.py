"""Steps of the tests of moderation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from chalice.test import Client

import app as chat_app
from chalicelib import settings
from chalicelib.chat import history
from chalicelib.storage.models import Connection, Room
from tests.support.gateway import Gateway
from tests.support.sockets import Socket

Sockets = Callable[[str], Socket]

OWNERS, BOS, CYS = "o" * 22, "b" * 22, "c" * 22


def act(member: Socket, action: str, **data: object) -> None:
    member.send({"action": action, "data": data})


def member_id(connection_id: str) -> str:
    return str(Connection.get(connection_id, consistent_read=True).member_id)


def error_code(gateway: Gateway, connection_id: str) -> str:
    return str(gateway.frames[connection_id][-1]["error"]["code"])


def history_of(room: Room, after: int | None = None) -> list[tuple[int, str | None]]:
    return [(int(row.sequence), row.text) for row in history.read(room.room_id, after).messages]


def rejection(ws_event: Any, connection_id: str, **query: str) -> tuple[int, str]:
    response = chat_app.connect(ws_event("$connect", connection_id, query=query), None)
    return response["statusCode"], response["body"]


def complete(client: Client, queue: Any) -> int:
    """Invoke the function for each message on the queue, without their delays. Returns how many there were."""
    count = 0
    while found := _receive(queue):
        for message in found:
            chat_app.fan_out(client.events.generate_sqs_event([message.body], settings.FANOUT_QUEUE), None)
            message.delete()
            count += 1
    return count


def _receive(queue: Any) -> Any:
    """Receive a message as if its delay had passed."""
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1)):
        return queue.receive_messages(MaxNumberOfMessages=1)
