"""Start the emulator, put the stack in it, and say where it answers."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from localcloud.errors import LocalCloudError
from localcloud.package import PROJECT, package
from localcloud.stack import HOST, STACK, STAGE, Stack, client
from localcloud.template import WEBSOCKET_API_ID

__all__ = ["STACK", "LocalCloud", "ask_health", "chosen_port", "client", "emulator", "local_cloud"]

START_SECONDS = 30


@dataclass(frozen=True)
class LocalCloud:
    """A running local cloud."""

    port: int
    rest_url: str
    process: subprocess.Popen[bytes]

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def websocket_url(self) -> str:
        return f"ws://{HOST}:{self.port}/_aws/execute-api/{WEBSOCKET_API_ID}/{STAGE}"


def chosen_port() -> int:
    """Read PORT from the environment. Raises LocalCloudError when it is no port."""
    port = os.environ.get("PORT", "8000")
    if not port.isdigit() or not 0 < int(port) < 65_536:
        raise LocalCloudError(f"PORT must be a number from 1 to 65,535, not {port!r}")
    return int(port)


@contextmanager
def local_cloud(port: int, folder: Path, say: Callable[[str], None]) -> Iterator[LocalCloud]:
    """Package the project into folder, serve it on 127.0.0.1 at port, and stop all of it at the end.

    Calls say with each step. Raises LocalCloudError when the port is taken, or the package or its stack fails.
    """
    _check_port(port)
    shutil.rmtree(folder, ignore_errors=True)
    say("Packaging, as for AWS: chalice package --stage local")
    package(STAGE, folder)
    say(f"Starting MiniStack on {HOST}:{port}")
    with emulator(port, folder / "tmp") as process:
        say(f"Creating the stack {STACK}: tables, functions, APIs")
        stack = Stack(port)
        stack.create(folder / "sam.json", folder / "deployment.zip")
        yield LocalCloud(port, stack.rest_url, process)


@contextmanager
def emulator(port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run MiniStack, empty, on 127.0.0.1 at port, with its files in folder, and remove both at the end.

    Raises LocalCloudError when it does not start.
    """
    process = _start_emulator(port, folder)
    try:
        _await_emulator(process, port)
        yield process
    finally:
        if process.stdin:
            process.stdin.close()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        # Like the server itself: what an earlier run left in TIME_WAIT does not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as cause:
            raise LocalCloudError(
                f"port {port} cannot be had ({cause.strerror}); choose another: PORT=8080 make run"
            ) from cause


def _start_emulator(port: int, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True)
    settings = {
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "TMPDIR": str(folder.absolute()),
        "LOG_LEVEL": "WARNING",
        # Listeners on further ports, of services that nothing here uses.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    # The emulator ends when this pipe closes, which it does when this process ends, however it ends. A session of its
    # own keeps Ctrl-C from it, and holds the processes that end with it.
    return subprocess.Popen(
        [sys.executable, "-m", "localcloud.emulator"],
        cwd=PROJECT,
        env={**os.environ, **settings},
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


def _await_emulator(process: subprocess.Popen[bytes], port: int) -> None:
    def ask() -> None:
        if process.poll() is not None:
            raise LocalCloudError(f"MiniStack ended while starting, with exit code {process.returncode}")
        ask_health(port)

    try:
        Retrying(retry=retry_if_exception_type(OSError), wait=wait_fixed(0.05), stop=stop_after_delay(START_SECONDS))(
            ask
        )
    except RetryError as cause:
        raise LocalCloudError(f"MiniStack does not answer within {START_SECONDS} seconds") from cause


def ask_health(port: int) -> None:
    """Raise OSError when no local cloud answers at port."""
    urllib.request.urlopen(f"http://{HOST}:{port}/_ministack/health", timeout=1).close()
