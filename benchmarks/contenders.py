"""The contenders, each a process of its own that is given one message at a time."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.stage import PROJECT, Stage, message_event

__all__ = ["CONTENDERS", "BenchmarkError", "Contender", "Took", "contender"]

RUNNER = [sys.executable, "-m", "benchmarks.python_runner"]
CONTENDERS = {
    "program": [*RUNNER, "program"],
    "node": [shutil.which("node") or "node", str(PROJECT / "benchmarks/node/runner.mjs")],
    "boto3": [*RUNNER, "boto3"],
}


class BenchmarkError(Exception):
    """The figures would mean nothing: a contender failed, or did not reach everyone once."""


class Took(NamedTuple):
    """What one message took, and what the gateway saw of it."""

    wall_ms: float
    cpu_ms: float
    requests: int
    posts: int
    delivered: int
    twice: int


class Contender:
    """A contender that is running."""

    answered_at: float

    def __init__(self, name: str, process: Any, log: Path, stage: Stage) -> None:
        self.name = name
        self._process, self._log, self._stage = process, log, stage

    def handle(self, sender: str, reachable: int) -> Took:
        """Give it a message from sender, and say what that took.

        Raises BenchmarkError unless all that are reachable have it once.
        """
        self._process.stdin.write(json.dumps(message_event(sender)).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        self.answered_at = time.perf_counter()
        if not line:
            raise BenchmarkError(f"{self.name} ended instead of an answer:\n{self._log.read_text()[-2000:]}")
        took = Took(**json.loads(line), **self._stage.report())
        if took.delivered != reachable or took.twice:
            raise BenchmarkError(
                f"{self.name} reached {took.delivered} of {reachable} members, and {took.twice} of them twice:\n"
                + self._log.read_text()[-2000:]
            )
        return took

    def peak_mb(self) -> float:
        """Return the most memory that it has had. Linux counts it; getrusage's figure begins with the parent's."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@contextmanager
def contender(name: str, stage: Stage, folder: Path) -> Iterator[Contender]:
    """Start a contender, and end it."""
    log = folder / f"{name}.log"
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with (
        log.open("ab") as errors,
        subprocess.Popen(CONTENDERS[name], cwd=PROJECT, env=stage.environment, stderr=errors, **pipes) as process,
    ):
        yield Contender(name, process, log, stage)


def first_message_ms(name: str, stage: Stage, folder: Path, sender: str) -> float:
    """Return how long a new process takes, from its start, until a message is delivered to its sender alone."""
    started = time.perf_counter()
    with contender(name, stage, folder) as fresh:
        fresh.handle(sender, reachable=1)
        return (fresh.answered_at - started) * 1000
