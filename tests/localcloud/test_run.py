"""`make run` at the console: its output, its addresses, its errors and its end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from localcloud.cloud import local_cloud
from localcloud.errors import LocalCloudError
from localcloud.workarounds import adapt_template
from tests.support.localcloud.running import SECONDS, copy_runnable_project, lines_until, running
from tests.support.ports import free_port

MAKE = ("make", "run")
BACKGROUND = ("/bin/sh", "-c", "make run & wait")
"""The shell of a script: it starts the command with SIGINT ignored, and in the process group of the script.

SIGINT to the process id of that `make` alone is not among the cases: the kernel discards a signal that is ignored.
"""


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def processes() -> dict[int, tuple[int, str]]:
    """Return the parent and the command of every process that has not ended, by its id."""
    columns = [option for column in ("pid", "ppid", "stat", "args") for option in ("-o", f"{column}=")]
    listed = subprocess.run(["ps", "-A", "-ww", *columns], text=True, capture_output=True, check=True)  # noqa: S607
    rows = [line.split(None, 3) for line in listed.stdout.splitlines()]
    return {int(pid): (int(parent), command) for pid, parent, state, command in rows if not state.startswith("Z")}


def descendants(root: int) -> dict[int, str]:
    """Return the commands of a process and of those that it started, directly or not, by their ids."""
    running, found = processes(), {root}
    while more := {pid for pid, (parent, _) in running.items() if parent in found} - found:
        found |= more
    return {pid: running[pid][1] for pid in found}


def living(pids: set[int]) -> dict[int, tuple[int, str]]:
    return {pid: process for pid, process in processes().items() if pid in pids}


def wait_until_ended(pids: set[int]) -> None:
    Retrying(retry=retry_if_result(bool), wait=wait_fixed(0.05), stop=stop_after_delay(SECONDS))(living, pids)


def start(process: subprocess.Popen[str]) -> list[str]:
    """Wait for the page and open it, which starts a function, and return the three addresses."""
    addresses = lines_until(process, "Page:")[-3:]
    page = requests.get(addresses[-1].removeprefix("Page: "), timeout=SECONDS)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    return addresses


def find_make(started: dict[int, str]) -> int:
    (pid,) = [pid for pid, command in started.items() if command == "make run"]
    return pid


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Copy the project without its requirements, which take longest to package."""
    return copy_runnable_project(tmp_path)


def test_console_shows_the_addresses_which_stay_the_same_after_another_start(project: Path) -> None:
    port = free_port()
    with running(port, project) as process:
        *steps, rest, websocket, page = lines_until(process, "Page:")
        assert len(steps) == 3
        assert rest.startswith(f"REST:      http://127.0.0.1:{port}/")
        assert websocket.startswith(f"WebSocket: ws://127.0.0.1:{port}/")
        assert page == f"Page: {rest.split()[-1]}/"
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=SECONDS)
        assert (process.returncode, output) == (0, "\nStopped.\n")
    assert not is_open(port)
    with running(port, project) as process:
        assert start(process) == [rest, websocket, page]
        started = descendants(process.pid)
        process.terminate()
        output, _ = process.communicate(timeout=SECONDS)
        assert (process.returncode, output.endswith("\nStopped.\n")) == (0, True)
    wait_until_ended(set(started))


@pytest.mark.parametrize(
    ("command", "stop"),
    [
        pytest.param(MAKE, lambda make: os.kill(make, signal.SIGINT), id="SIGINT to make"),
        pytest.param(BACKGROUND, lambda make: os.kill(make, signal.SIGTERM), id="SIGTERM to make in the background"),
        pytest.param(
            BACKGROUND,
            lambda make: os.killpg(os.getpgid(make), signal.SIGINT),
            id="SIGINT to the process group of a script",
        ),
    ],
)
def test_every_process_ends_with_make(command: tuple[str, ...], stop: Callable[[int], None]) -> None:
    port = free_port()
    with running(port, command=command) as process:
        start(process)
        started = descendants(process.pid)
        assert any("localcloud.emulator" in one for one in started.values())
        assert any("_worker.py" in one for one in started.values())
        stop(find_make(started))
        output, _ = process.communicate(timeout=SECONDS)
        assert "\nStopped.\n" in output
        wait_until_ended(set(started))
    assert not is_open(port)


def test_every_process_ends_when_packaging_is_interrupted() -> None:
    with running(free_port()) as process:
        lines_until(process, "Packaging")
        # The process of `chalice package` starts next.
        retry = Retrying(
            retry=retry_if_result(lambda found: len(found) < 2), wait=wait_fixed(0.01), stop=stop_after_delay(SECONDS)
        )
        started = retry(descendants, process.pid)
        process.terminate()
        output, _ = process.communicate(timeout=SECONDS)
        assert (process.returncode, output) == (0, "\nStopped.\n")
        wait_until_ended(set(started))


def test_emulator_ends_when_its_parent_is_killed(project: Path) -> None:
    port = free_port()
    with running(port, project) as process:
        lines_until(process, "Page:")
        process.kill()
        # The emulator has the same standard output: reading it ends when the emulator does.
        process.communicate(timeout=SECONDS)
    assert not is_open(port)


def test_taken_port_is_reported_in_one_sentence() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with running(port) as process:
            output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert output.startswith(f"error: cannot listen on port {port} (Address already in use)")


@pytest.mark.parametrize("port", ["0", "70000", "http"])
def test_invalid_port_is_reported_in_one_sentence(port: str) -> None:
    with running(port) as process:
        output, _ = process.communicate(timeout=SECONDS)
    assert (process.returncode, output) == (1, f"error: PORT must be a number from 1 to 65,535, not {port!r}\n")


def test_failed_stack_is_reported_in_one_sentence(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    def broken(*arguments: object) -> dict[str, Any]:
        template = adapt_template(*arguments)  # type: ignore[arg-type]
        template["Resources"]["Odd"] = {"Type": "AWS::No::Such"}
        return template

    monkeypatch.setattr("localcloud.stack.adapt_template", broken)
    port = free_port()
    expected = r"^the stack chalice-chat-local failed: .*AWS::No::Such.*$"
    with pytest.raises(LocalCloudError, match=expected), local_cloud(port, project / "build", print, project):
        raise AssertionError("the stack was created")
    assert not is_open(port)
