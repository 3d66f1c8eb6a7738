"""Latency of messages: from sending one to its echo, and to its arrival at a second member."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from statistics import quantiles
from typing import NamedTuple

from websockets.asyncio.client import ClientConnection, connect

from deployment.smoke import client
from deployment.smoke.client import Chat, Room, message
from deployment.smoke.differences import Difference, expect

MESSAGES = 100
SENDERS = 5
"""Connections that take turns: each may send 20 messages in 10 seconds."""

SLOW = 5
"""A message that takes more than so many times the median is counted apart: it probably had a cold start."""

WIDTH = 54


class Latency(NamedTuple):
    """Seconds from sending a message to its echo and to its arrival at a second member."""

    echo: float
    other: float


class Latencies(NamedTuple):
    """The first message of each connection, sent all at once, and the messages that follow, one after the other."""

    first: list[Latency]
    further: list[Latency]


async def measure(chat: Chat) -> Latencies:
    """Send messages in a new room. Raises Difference if one does not arrive."""
    room = chat.create_room(roomName="Latency")
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(chat.own(room, "Other"))
        senders = [await stack.enter_async_context(_join(chat, room, number)) for number in range(SENDERS)]
        await chat.settle(room, 1 + SENDERS)
        arrivals = _Arrivals(other)
        listening = asyncio.create_task(arrivals.listen())
        try:
            # At once: each needs an instance of the function of its own, so these have the cold starts.
            first = await asyncio.gather(*(_time(sender, f"first-{n}", arrivals) for n, sender in enumerate(senders)))
            further = [await _time(senders[n % SENDERS], f"message-{n}", arrivals) for n in range(MESSAGES)]
        finally:
            listening.cancel()
    return Latencies(first, further)


def _join(chat: Chat, room: Room, number: int) -> connect:
    return chat.join(room["roomId"], f"Sender {number}", room.get("joinToken", ""))


class _Arrivals:
    """The times at which messages arrive at a member."""

    def __init__(self, member: ClientConnection) -> None:
        self._member = member
        self._times: dict[str, asyncio.Future[float]] = {}

    async def listen(self) -> None:
        """Note the times until cancelled."""
        async for frame in self._member:
            now = time.perf_counter()
            time_of_arrival = self.of(json.loads(frame).get("message", {}).get("clientId", ""))
            if not time_of_arrival.done():
                time_of_arrival.set_result(now)

    def of(self, client_id: str) -> asyncio.Future[float]:
        """Return the time at which a message arrives."""
        return self._times.setdefault(client_id, asyncio.get_running_loop().create_future())


async def _time(sender: ClientConnection, client_id: str, arrivals: _Arrivals) -> Latency:
    """Send a message, and wait until it has arrived."""
    try:
        async with asyncio.timeout(client.SECONDS):
            sent = time.perf_counter()
            await sender.send(message(client_id, clientId=client_id))
            while True:
                frame = json.loads(await sender.recv())
                now = time.perf_counter()
                if frame.get("message", {}).get("clientId") == client_id:
                    return Latency(now - sent, await arrivals.of(client_id) - sent)
                if error := frame.get("error"):
                    expect("the error for a message", error["code"], "rate_limited")
                    await asyncio.sleep(error["retryAfter"])
                    sent = time.perf_counter()
                    await sender.send(message(client_id, clientId=client_id))
    except TimeoutError as cause:
        raise Difference(f"the message {client_id} has not arrived within {client.SECONDS} seconds") from cause


def table(latencies: Latencies) -> Iterator[str]:
    """Yield the lines of a table of milliseconds."""
    first, further = latencies
    yield f"{'milliseconds from sending':<{WIDTH}}{'p50':>8}{'p99':>8}{'max':>8}"
    for what, samples in (
        (f"first messages of {len(first)} connections", first),
        (f"{len(further)} messages", further),
    ):
        yield _row(f"{what}, to the echo", [sample.echo for sample in samples])
        yield _row(f"{what}, to a second member", [sample.other for sample in samples])
    slow = SLOW * percentile([sample.echo for sample in further], 50)
    counts = [sum(sample.echo > slow for sample in samples) for samples in latencies]
    yield (
        f"more than {SLOW} times the median, as with a cold start: "
        f"{counts[0]} of the first messages, {counts[1]} of the {len(further)} messages"
    )


def _row(what: str, seconds: Sequence[float]) -> str:
    columns = (percentile(seconds, 50), percentile(seconds, 99), max(seconds))
    return f"{what:<{WIDTH}}" + "".join(f"{column * 1000:8.0f}" for column in columns)


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile of at least two values."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]
