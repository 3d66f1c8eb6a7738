"""A stand-in for @connections in a process of its own: it answers every post after a delay, and counts.

`python -m benchmarks.gateway MILLISECONDS` prints the port that it chose, and ends when its standard input closes. What
a connection id begins with, up to a hyphen, says how it is answered: `throttled` 429 once, `broken` 500 once, `hanging`
not at all, `gone` 410, and all others 200. `GET /report` tells what was answered since the last report, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from http import HTTPStatus
from typing import Any

__all__ = ["HOST"]

HOST = "127.0.0.1"


def _response(status: int, body: bytes = b"") -> bytes:
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-length: {len(body)}\r\n"
    return f"{head}connection: keep-alive\r\nx-amzn-requestid: DdhPAEv3IAMFeNA=\r\n\r\n".encode() + body


OK, GONE = _response(200), _response(410)
ONCE = {b"throttled": _response(429), b"broken": _response(500)}


class Answers:
    """What is answered to whom, and what has been."""

    def __init__(self) -> None:
        self.posts = 0
        self.delivered: Counter[bytes] = Counter()
        self._met: set[bytes] = set()

    def to(self, connection_id: bytes) -> bytes | None:
        """Choose the answer to a post, None for no answer at all."""
        self.posts += 1
        kind = connection_id.partition(b"-")[0]
        if kind == b"hanging":
            return None
        if kind == b"gone":
            return GONE
        if kind in ONCE and connection_id not in self._met:
            self._met.add(connection_id)
            return ONCE[kind]
        self.delivered[connection_id] += 1
        return OK

    def report(self) -> bytes:
        """Tell how many posts came, how many connections had the payload, and how many had it twice; and forget."""
        twice = sum(count > 1 for count in self.delivered.values())
        told = {"posts": self.posts, "delivered": len(self.delivered), "twice": twice}
        self.posts = 0
        self.delivered.clear()
        self._met.clear()
        return _response(200, json.dumps(told).encode())


class Exchange(asyncio.Protocol):
    """One connection, on which one request follows another."""

    def __init__(self, answers: Answers, delay: float) -> None:
        self._answers, self._delay = answers, delay
        self._loop = asyncio.get_running_loop()
        self._received = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, ended, body = self._received.partition(b"\r\n\r\n")
        if not ended:
            return
        _, _, rest = head.lower().partition(b"\r\ncontent-length:")
        length = int(rest.partition(b"\r\n")[0] or 0)
        if len(body) < length:
            return
        self._received = body[length:]
        path = head.split(b" ", 2)[1]
        if path == b"/report":
            self._transport.write(self._answers.report())
            return
        answer = self._answers.to(path.rpartition(b"/")[2])
        if answer is not None:
            self._loop.call_later(self._delay, self._transport.write, answer)


async def _serve(delay: float) -> None:
    loop, answers, ended = asyncio.get_running_loop(), Answers(), asyncio.Event()
    server = await loop.create_server(lambda: Exchange(answers, delay), HOST, 0, backlog=2000)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop.add_reader(sys.stdin, ended.set)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]) / 1000))
