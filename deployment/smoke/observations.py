"""Observations: facts of API Gateway and DynamoDB that no document states. They are reported, not judged."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import time
from contextlib import AsyncExitStack
from typing import NamedTuple
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from deployment.limits import WEBSOCKET_LIMITS
from deployment.smoke import client
from deployment.smoke.client import Chat, hello, message, rejected

JOINS = 5
RECEIVERS = 40
SENDERS = 3
MESSAGES = 60
"""20 of each sender, which the rate limit admits. Together 2,400 posts for 60 frames: with API Gateway's prices less
than a cent."""


async def observe(chat: Chat) -> list[str]:
    """Return a line for each observation."""
    return [await throttle_of_posts(chat), await plus_in_query(chat), await rejections(chat), await index_lag(chat)]


async def plus_in_query(chat: Chat) -> str:
    """Join with a `+` in the name, unencoded."""
    question = '"+" in a query string arrives as'
    if chat.access_token:
        return f"{question}: not measured: the name comes from the access token"
    room = chat.create_room(roomName="Plus")
    async with connect(f"{chat.websocket}?roomId={room['roomId']}&name=a+b") as member:
        name = (await hello(member))["member"]["name"]
    return f"{question} {'a space' if name == 'a b' else repr(name[1:-1])} ($connect)"


async def rejections(chat: Chat) -> str:
    """Let handshakes be rejected for different reasons."""
    room = chat.create_room(roomName="Rejection", private=True)
    joins = {
        400: chat.join(""),
        403: chat.join(room["roomId"], token="wrong"),  # noqa: S106 - not the token of the room
        404: chat.join("nosuchroom"),
    }
    shown = [f"{status} shows {await rejected(joining)}" for status, joining in joins.items()]
    return f"a handshake that $connect rejects with {', '.join(shown)}"


async def index_lag(chat: Chat) -> str:
    """Join again and again, and ask for the member list until it shows the join."""
    room, lags = chat.create_room(roomName="Lag"), []
    async with AsyncExitStack() as stack:
        for number in range(JOINS):
            await stack.enter_async_context(chat.join(room["roomId"]))
            joined = time.perf_counter()
            await chat.settle(room, number + 1)
            lags.append(time.perf_counter() - joined)
    return (
        f"the member list shows a join within {max(lags) * 1000:.0f} ms at most, {min(lags) * 1000:.0f} ms at least, "
        f"with the request, in {JOINS} joins"
    )


class Deliveries(NamedTuple):
    """The messages of a burst that the members of a room have received."""

    expected: int
    arrived: int
    seconds: float
    errors: int


async def throttle_of_posts(chat: Chat) -> str:
    """Send a burst of messages, whose deliveries exceed the throttle of the stage, while its frames do not."""
    question = "a stage's throttle counts posts to @connections"
    if _is_local(chat.rest):
        return f"{question}: not measured: no throttle on this machine"
    verdict = judge(
        await burst(chat), WEBSOCKET_LIMITS["ThrottlingRateLimit"], WEBSOCKET_LIMITS["ThrottlingBurstLimit"]
    )
    return f"{question}: {verdict}"


def judge(seen: Deliveries, rate: float, burst_limit: int) -> str:
    """Say whether posts are counted, by a throttle of `rate` posts per second and a burst above it."""
    least = (seen.expected - burst_limit) / rate
    arrived = f"{seen.arrived:,} of {seen.expected:,} posts arrived within {seen.seconds:.1f} seconds"
    if seen.errors or seen.arrived < seen.expected:
        return f"probably: {arrived}, with {seen.errors} errors of API Gateway"
    if seen.seconds < least:
        return f"no: {arrived}, which would take {least:.1f} seconds if they were counted"
    return f"undecided: {arrived}, and it takes less than {least:.1f} seconds to prove that they are not counted"


async def burst(chat: Chat, receivers: int = RECEIVERS, senders: int = SENDERS, messages: int = MESSAGES) -> Deliveries:
    """Send messages to a room of many members, all at once, and count what arrives."""
    room = chat.create_room(roomName="Burst")
    async with AsyncExitStack() as stack:
        members = await chat.join_many(room["roomId"], receivers)
        for member in members:
            stack.push_async_callback(member.close)
        await chat.settle(room, receivers)
        started = time.perf_counter()
        counting = [asyncio.create_task(_count(member, messages)) for member in members]
        for number in range(messages):
            await members[number % senders].send(message(f"burst {number}"))
        counts = await asyncio.gather(*counting)
    arrived, errors, times = zip(*counts, strict=True)
    return Deliveries(receivers * messages, sum(arrived), max(times) - started, sum(errors))


async def _count(member: ClientConnection, expected: int) -> tuple[int, int, float]:
    """Return how many messages and errors of API Gateway a member has received, and when the last one came."""
    messages, errors, last = 0, 0, time.perf_counter()
    try:
        async with asyncio.timeout(client.SECONDS):
            while messages < expected:
                content = json.loads(await member.recv()).get("message")
                last = time.perf_counter()
                # API Gateway's own errors have a text there.
                messages += isinstance(content, dict) and content["type"] == "message"
                errors += isinstance(content, str)
    except (TimeoutError, ConnectionClosed):
        return messages, errors + (member.close_code is not None), last
    return messages, errors, last


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
