"""`make run` as the person at the console has it."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from typing import Any

import pytest
import requests

from localcloud.cloud import local_cloud
from localcloud.errors import LocalCloudError
from localcloud.template import mended
from tests.conftest import free_port
from tests.localcloud.running import SECONDS, lines_until, running


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

    monkeypatch.setattr("localcloud.stack.mended", broken)
    port = free_port()
    expected = r"^the stack chalice-chat-local failed: .*AWS::No::Such.*$"
    with pytest.raises(LocalCloudError, match=expected), local_cloud(port, tmp_path / "cloud", print):
        raise AssertionError("it came up all the same")
    assert not is_open(port)
