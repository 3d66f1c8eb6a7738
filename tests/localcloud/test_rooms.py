"""`make rooms` with a running local cloud."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading

import pytest

from localcloud.cloud import LocalCloud
from tests.support.localcloud.client import SECONDS, Chat
from tests.support.projects import PROJECT


def list_rooms(port: int | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "localcloud.rooms"],
        cwd=PROJECT,
        env=os.environ | {"PORT": str(port)},
        text=True,
        capture_output=True,
        timeout=SECONDS,
    )


def _response(server: socket.socket, response: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(response)


def test_rooms_are_listed_with_members_and_private_ones_marked(chat: Chat, cloud: LocalCloud) -> None:
    async def talk() -> None:
        tea, plans = chat.create("Tea"), chat.create_room(roomName="Plans", private=True)
        async with chat.join(tea, "Bo"), chat.join(tea, "Aki"), chat.join(plans["roomId"], "Cy", plans["joinToken"]):
            listed = await asyncio.to_thread(list_rooms, cloud.port)
        assert (listed.returncode, listed.stderr) == (0, "")
        expected = f"{tea}  Tea\n    Aki\n    Bo\n{plans['roomId']}  Plans  (private)\n    Cy\n"
        assert listed.stdout.endswith(expected)
        assert plans["joinToken"] not in listed.stdout

    asyncio.run(talk())


@pytest.mark.parametrize("response", [None, b"", b"no HTTP\r\n"])
def test_missing_local_cloud_is_reported_with_the_command_that_starts_it(response: bytes | None) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        if response is not None:
            server.listen()
            threading.Thread(target=lambda: _response(server, response)).start()
        listed = list_rooms(port)
    expected = (
        f"error: no local cloud responds at port {port}: start it with `make run`,"
        " or name another port: PORT=8080 make rooms\n"
    )
    assert (listed.returncode, listed.stdout, listed.stderr) == (1, "", expected)


@pytest.mark.parametrize("port", ["0", "http"])
def test_invalid_port_is_reported_in_one_sentence(port: str) -> None:
    assert list_rooms(port).stderr == f"error: PORT must be a number from 1 to 65,535, not {port!r}\n"
