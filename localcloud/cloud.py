"""Start and stop of the local cloud: MiniStack and the stack in it."""

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

from deployment.config import PROJECT
from deployment.package import package
from localcloud.errors import LocalCloudError
from localcloud.stack import HOST, STACK, STAGE, Stack
from localcloud.workarounds import REST_API_ID, WEBSOCKET_API_ID

START_SECONDS = 30


@dataclass(frozen=True)
class LocalCloud:
    """A running local cloud."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def rest_url(self) -> str:
        return f"http://{HOST}:{self.port}/_aws/execute-api/{REST_API_ID}/{STAGE}"

    @property
    def websocket_url(self) -> str:
        return f"ws://{HOST}:{self.port}/_aws/execute-api/{WEBSOCKET_API_ID}/{STAGE}"


def chosen_port() -> int:
    """Return PORT from the environment, or 8000. Raises LocalCloudError when PORT is not a port number."""
    port = os.environ.get("PORT", "8000")
    if not port.isdigit() or not 0 < int(port) < 65_536:
        raise LocalCloudError(f"PORT must be a number from 1 to 65,535, not {port!r}")
    return int(port)


@contextmanager
def local_cloud(port: int, folder: Path, say: Callable[[str], None], project: Path = PROJECT) -> Iterator[LocalCloud]:
    """Package a project into folder, serve it on 127.0.0.1 at port, and stop everything at the end.

    Calls say with each step. Raises PackageError when packaging fails, and LocalCloudError when the port is taken or
    the stack cannot be created.
    """
    _check_port(port)
    shutil.rmtree(folder, ignore_errors=True)
    say("Packaging: chalice package --stage local")
    package(STAGE, folder, project)
    say(f"Starting MiniStack on {HOST}:{port}")
    with emulator(port, folder / "tmp") as process:
        say(f"Creating the stack {STACK}: tables, functions, APIs")
        Stack(port).create(folder / "sam.json", folder / "deployment.zip")
        yield LocalCloud(port, process)


@contextmanager
def emulator(port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run an empty MiniStack on 127.0.0.1 at port with its files in folder, and remove both at the end.

    Raises LocalCloudError when it does not start.
    """
    process = _start_emulator(port, folder)
    try:
        _wait_until_healthy(process, port)
        yield process
    finally:
        if process.stdin:
            process.stdin.close()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        # The server sets this option, too: connections in TIME_WAIT from an earlier run do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as cause:
            raise LocalCloudError(
                f"cannot listen on port {port} ({cause.strerror}); choose another: PORT=8080 make run"
            ) from cause


def _start_emulator(port: int, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True)
    settings = {
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "TMPDIR": str(folder.absolute()),
        "LOG_LEVEL": "WARNING",
        # These services would listen on further ports. The app does not use them.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    # The emulator ends when this pipe closes, which happens however this process ends. Its own session keeps Ctrl-C
    # away from it, and forms the process group that ends with it.
    return subprocess.Popen(
        [sys.executable, "-m", "localcloud.emulator"],
        cwd=PROJECT,
        env={**os.environ, **settings},
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int) -> None:
    def ask() -> None:
        if process.poll() is not None:
            raise LocalCloudError(f"MiniStack ended while starting, with exit code {process.returncode}")
        check_health(port)

    retry = retry_if_exception_type(OSError)
    try:
        Retrying(retry=retry, wait=wait_fixed(0.05), stop=stop_after_delay(START_SECONDS))(ask)
    except RetryError as cause:
        raise LocalCloudError(f"MiniStack did not respond within {START_SECONDS} seconds") from cause


def check_health(port: int) -> None:
    """Raise OSError if no local cloud responds at port."""
    urllib.request.urlopen(f"http://{HOST}:{port}/_ministack/health", timeout=1).close()
