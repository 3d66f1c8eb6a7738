"""A proxy in its own process that delays each response of a server.

`python -m benchmarks.delay PORT MILLISECONDS` prints its port, and ends when its standard input closes.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import StreamReader, StreamWriter

from benchmarks.gateway import HOST


async def _copy(reader: StreamReader, writer: StreamWriter, delay: float) -> None:
    while data := await reader.read(2**20):
        await asyncio.sleep(delay)
        writer.write(data)
        await writer.drain()
    writer.close()


async def _serve(port: int, milliseconds: float) -> None:
    async def connect(reader: StreamReader, writer: StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(HOST, port)
        requests = asyncio.create_task(_copy(reader, server_writer, 0))
        await _copy(server_reader, writer, milliseconds / 1000)
        requests.cancel()

    server = await asyncio.start_server(connect, HOST)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
