"""A stub of API Gateway's `@connections` in its own process: it answers every post after a delay, and counts posts.

`python -m benchmarks.gateway MILLISECONDS` prints its port, and ends when its standard input closes. The prefix of a
connection id, up to the first hyphen, selects the answer: `throttled` 429 once, `broken` 500 once, `hanging` none,
`gone` 410, any other 200. `GET /report` returns the counts since the last report as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from http import HTTPStatus
from typing import Any

HOST = "127.0.0.1"


def _response(status: int, body: bytes = b"") -> bytes:
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-length: {len(body)}\r\n"
    return f"{head}connection: keep-alive\r\nx-amzn-requestid: DdhPAEv3IAMFeNA=\r\n\r\n".encode() + body


OK, GONE = _response(200), _response(410)
FAIL_ONCE = {b"throttled": _response(429), b"broken": _response(500)}


class Connections:
    """The answers to posts, and their counts."""

    def __init__(self) -> None:
        self.posts = 0
        self.delivered: Counter[bytes] = Counter()
        self._failed_once: set[bytes] = set()

    def answer(self, connection_id: bytes) -> bytes | None:
        """Choose the answer to a post; None for no answer."""
        self.posts += 1
        kind = connection_id.partition(b"-")[0]
        if kind == b"hanging":
            return None
        if kind == b"gone":
            return GONE
        if kind in FAIL_ONCE and connection_id not in self._failed_once:
            self._failed_once.add(connection_id)
            return FAIL_ONCE[kind]
        self.delivered[connection_id] += 1
        return OK

    def report(self) -> bytes:
        """Return the counts of posts, connections with a delivery, and those with more than one; then reset them."""
        duplicates = sum(count > 1 for count in self.delivered.values())
        counts = {"posts": self.posts, "delivered": len(self.delivered), "duplicates": duplicates}
        self.posts = 0
        self.delivered.clear()
        self._failed_once.clear()
        return _response(200, json.dumps(counts).encode())


class HTTPProtocol(asyncio.Protocol):
    """One keep-alive HTTP connection."""

    def __init__(self, connections: Connections, delay: float) -> None:
        self._connections, self._delay = connections, delay
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
            self._transport.write(self._connections.report())
            return
        answer = self._connections.answer(path.rpartition(b"/")[2])
        if answer is not None:
            self._loop.call_later(self._delay, self._transport.write, answer)


async def _serve(delay: float) -> None:
    loop, connections, ended = asyncio.get_running_loop(), Connections(), asyncio.Event()
    server = await loop.create_server(lambda: HTTPProtocol(connections, delay), HOST, 0, backlog=2000)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop.add_reader(sys.stdin, ended.set)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]) / 1000))
