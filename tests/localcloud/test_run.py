"""`make run` as the person at the console has it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.sync.client import connect

from localcloud.cloud import local_cloud
from localcloud.errors import LocalCloudError
from localcloud.template import mended
from tests.conftest import PROJECT, free_port

SECONDS = 60


@contextmanager
def running(port: int | str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "localcloud"],
        cwd=PROJECT,
        env=os.environ | {"PORT": str(port)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def lines_until(process: subprocess.Popen[str], start: str) -> list[str]:
    lines: list[str] = []
    for line in process.stdout or ():
        lines.append(line.rstrip())
        if line.startswith(start):
            return lines
    raise AssertionError(f"no line begins with {start}: {lines}")


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_it_says_each_step_and_last_where_the_page_is_and_ends_with_ctrl_c() -> None:
    port = free_port()
    with running(port) as process:
        lines = lines_until(process, "Page:")
        rest = f"http://127.0.0.1:{port}/_aws/execute-api/"
        assert [line.split(":")[0] for line in lines[-3:]] == ["REST", "WebSocket", "Page"]
        assert lines[-1].startswith(f"Page: {rest}")
        assert len(lines) > 5
        page = requests.get(lines[-1].removeprefix("Page: "), timeout=SECONDS)
        assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        process.send_signal(signal.SIGINT)
        rest_of_it, _ = process.communicate(timeout=SECONDS)
        assert process.returncode == 0
        assert rest_of_it.endswith("Stopped.\n")
    assert not is_open(port)


def test_its_child_ends_when_it_is_killed() -> None:
    port = free_port()
    with running(port) as process:
        lines_until(process, "Page:")
        process.kill()
        # The child holds the other end of this pipe: it closes when the child is gone.
        process.communicate(timeout=SECONDS)
    assert not is_open(port)


def test_what_the_functions_log_is_on_the_console() -> None:
    with running(free_port()) as process:
        rest = lines_until(process, "Page:")[-1].removeprefix("Page: ")
        room = requests.post(f"{rest}rooms", json={"roomName": "Tea"}, timeout=SECONDS).json()["roomId"]
        url = requests.get(f"{rest}config", timeout=SECONDS).json()["webSocketUrl"]
        with connect(f"{url}?roomId={room}") as member:
            member.send('{"action": "ping"}')
            assert member.recv(SECONDS) == '{"pong":true}'
        assert any("1 delivered" in line for line in lines_until(process, "[WebsocketMessage]"))


def test_a_taken_port_is_one_clear_sentence() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with running(port) as process:
            output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert output.startswith(f"error: port {port} cannot be had (Address already in use)")


@pytest.mark.parametrize("port", ["0", "70000", "http"])
def test_a_port_that_is_none_is_one_clear_sentence(port: str) -> None:
    with running(port) as process:
        output, _ = process.communicate(timeout=SECONDS)
    assert (process.returncode, output) == (1, f"error: PORT must be a number from 1 to 65,535, not {port!r}\n")


def test_a_stack_that_cannot_be_made_is_one_clear_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(*arguments: object) -> dict[str, Any]:
        template = mended(*arguments)  # type: ignore[arg-type]
        template["Resources"]["Odd"] = {"Type": "AWS::No::Such"}
        return template

    monkeypatch.setattr("localcloud.cloud.mended", broken)
    port = free_port()
    expected = r"^the stack chalice-chat-local failed: .*AWS::No::Such.*$"
    with pytest.raises(LocalCloudError, match=expected), local_cloud(port, tmp_path / "cloud", print):
        raise AssertionError("it came up all the same")
    assert not is_open(port)
