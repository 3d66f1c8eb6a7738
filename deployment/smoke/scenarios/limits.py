"""Limits: invalid frames, and more messages than the rate limit admits."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from chalicelib import settings
from deployment.smoke.client import Chat, act, drain, hear, message, receive
from deployment.smoke.differences import Difference, Disconnected, expect
from deployment.smoke.scenario import scenario

FLOOD_PAUSE_SECONDS = 0.02  # between frames: a new AWS account runs ten invocations at a time
PAUSE_SECONDS = 0.1  # between messages: five times as fast as the rate limit admits
WARNINGS = 5
BAD_FRAMES = {
    "": "invalid_json",
    " ": "invalid_json",
    "hello": "invalid_json",
    "null": "invalid_json",
    "[]": "invalid_json",
    '"sendMessage"': "invalid_json",
    "1e999": "invalid_json",
    '{"action": "ping"': "invalid_json",
    "{'action': 'ping'}": "invalid_json",
    '{"action": NaN}': "invalid_json",
    # tests/faults/test_fuzz.py has deeper ones: MiniStack closes the connection on those.
    "[" * 500 + "]" * 500: "invalid_json",
    '{"action": ' + "[" * 500 + "]" * 500 + "}": "unknown_action",
    "\x00": "invalid_json",
    "{}": "unknown_action",
    '{"action": null}': "unknown_action",
    '{"action": 5}': "unknown_action",
    '{"action": "nick", "data": {"message": "hi"}}': "unknown_action",
    '{"action": "__init__"}': "unknown_action",
    '{"action": "sendMessage"}': "invalid_message",
    '{"action": "sendMessage", "data": "hi"}': "invalid_message",
    '{"action": "sendMessage", "data": {"message": 7}}': "invalid_message",
    '{"action": "sendMessage", "data": {"message": ""}}': "invalid_message",
    '{"action": "sendMessage", "data": {"message": "\\u0000"}}': "invalid_message",
    '{"action": "sendMessage", "data": {"message": "\\ud800"}}': "invalid_message",
    '{"action": "sendMessage", "data": {"message": "\\n"}}': "invalid_message",
    '{"action": "sendMessage", "data": {"message": "%s"}}' % ("x" * 4_001): "invalid_message",
    '{"action": "sendMessage", "data": {"message": "hi", "clientId": 1}}': "invalid_message",
    '{"action": "sendMessage", "data": {"message": "hi", "clientId": "%s"}}' % ("c" * 65): "invalid_message",
}

INVALID_ROOMS: list[Any] = [{}, {"roomName": ""}, {"roomName": "x" * 81}, {"roomName": "Tea", "private": 1}, []]


@scenario()
async def invalid_frame_gets_one_error_and_the_next_valid_frame_works(chat: Chat) -> None:
    room = chat.create_room(roomName="Tea")
    async with chat.pair(room) as (sender, other):
        for number, (frame, code) in enumerate(BAD_FRAMES.items()):
            await sender.send(frame)
            response = await receive(sender)
            expect(f"the error for {frame[:80]!r}", response.get("error", {}).get("code"), code)
            expect("other properties of the error", set(response["error"]) - {"code", "message", "action"}, set())
            if number % 15 == 14:
                # Not more often: the rate limit admits 20 messages.
                await sender.send(message(f"good {number}"))
                expect("the next message", (await hear(other, "message"))["message"], f"good {number}")
                await hear(sender, "message")
        expect("what follows for the sender", await drain(sender), [])
        expect("what other members hear of invalid frames", await drain(other), [])


@scenario()
async def invalid_request_gets_a_400_that_says_what_was_expected(chat: Chat) -> None:
    for body in INVALID_ROOMS:
        response = chat.request("POST", "/rooms", json=body)
        given = (response.status_code, response.json().get("Code"))
        expect(f"POST /rooms with {str(body)[:40]}", given, (400, "BadRequestError"))
    response = chat.request("GET", "/rooms", params={"limit": "101"})
    expect("the error for limit=101", response.json().get("Message"), "limit must be an integer from 1 to 100")


@scenario()
async def rate_limit_holds_back_one_member_and_the_others_are_heard(chat: Chat) -> None:
    room = chat.create_room(roomName="Tea")
    limit = settings.MESSAGES_PER_WINDOW
    async with chat.pair(room) as (flooder, other):
        started = time.monotonic()
        for number in range(3 * limit):
            with suppress(ConnectionClosed):  # where this takes longer than five warnings
                await flooder.send(message(f"flood {number}"))
                await asyncio.sleep(FLOOD_PAUSE_SECONDS)
        await other.send(message("can you hear me?"))
        while (await hear(other, "message"))["message"] != "can you hear me?":
            pass
        warned = [frame["error"] for frame in await _drain_until_closed(flooder) if "error" in frame]
        expect("the errors of the flooder", {error["code"] for error in warned}, {"rate_limited"})
        waits = [error["retryAfter"] for error in warned]
        expect(
            "that each wait is shorter than the window",
            [wait for wait in waits if not 1 <= wait <= settings.WINDOW_SECONDS],
            [],
        )
        took = time.monotonic() - started
        if len(warned) > 1 + took:
            raise Difference(f"expected at most one warning per second, got {len(warned)} in {took:.1f} seconds")
    said = chat.get(f"/rooms/{room['roomId']}/messages", limit=100, **chat.access(room))["messages"]
    flooded = [content for content in said if content["message"].startswith("flood")]
    most = limit * (1 + took // settings.WINDOW_SECONDS)
    if not limit <= len(flooded) <= most:
        raise Difference(f"expected {limit} to {most:.0f} stored messages of the flooder, got {len(flooded)}")


@scenario()
async def member_who_ignores_five_warnings_is_disconnected(chat: Chat) -> None:
    async with chat.own(chat.create_room(roomName="Tea"), "Flooder") as flooder:
        warned = 0
        while flooder.state is State.OPEN:
            with suppress(ConnectionClosed):
                await flooder.send(message("more"))
                await asyncio.sleep(PAUSE_SECONDS)
            warned += sum("error" in frame for frame in await _drain_until_closed(flooder))
            if warned > WARNINGS:
                break
        expect("the warnings before the end of the connection", warned, WARNINGS)


async def _drain_until_closed(connection: ClientConnection) -> list[Any]:
    """Return the frames received so far, on a connection that the server may have closed."""
    frames = []
    with suppress(ConnectionClosed):
        await connection.send(act("ping"))
    with suppress(Disconnected):
        while (frame := await receive(connection)) != {"pong": True}:
            frames.append(frame)
    return frames
