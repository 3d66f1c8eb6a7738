"""The strict emulator of DynamoDB, as a process."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3
from tenacity import retry, stop_after_delay, wait_fixed

from localcloud.cloud import emulator as ministack
from tests.support.ports import free_port
from tests.support.projects import PROJECT

BINARY = PROJECT / "tests/node/node_modules/@dynoxide/linux-x64/dynoxide"
START_SECONDS = 10


def is_installed() -> bool:
    """Tell whether dynoxide is installed. npm installs it on the platforms that it has a binary for."""
    return BINARY.exists()


@contextmanager
def strict_emulator(folder: Path) -> Iterator[int]:
    """Run dynoxide, or MiniStack if dynoxide is not installed, and return its port.

    folder: one that does not exist; MiniStack keeps its files there.
    """
    port = free_port()
    if not is_installed():
        with ministack(port, folder):
            yield port
        return
    process = subprocess.Popen([BINARY, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_ready(port)
        yield port
    finally:
        process.kill()
        process.wait()


@retry(wait=wait_fixed(0.01), stop=stop_after_delay(START_SECONDS), reraise=True)
def _wait_until_ready(port: int) -> None:
    urllib3.request("GET", f"http://127.0.0.1:{port}", retries=False)
