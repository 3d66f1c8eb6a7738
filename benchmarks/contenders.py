"""The contenders: each is a process that handles one message at a time."""

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

from benchmarks.environment import PROJECT, Environment, message_event

# -P: the program is imported from the package (Environment.variables), not from the current folder.
PYTHON_RUNNER = [sys.executable, "-P", "-m", "benchmarks.python_runner"]
NODE_RUNNER = [shutil.which("node") or "node", str(PROJECT / "benchmarks/node/runner.mjs")]
CONTENDERS = {
    "program": [*PYTHON_RUNNER, "program"],
    "node": [*NODE_RUNNER, "handler.mjs"],
    "boto3": [*PYTHON_RUNNER, "boto3"],
}
"""The command that starts each contender."""

COLD_STARTS = CONTENDERS | {"minimal": [*NODE_RUNNER, "minimal.mjs"]}
"""The commands whose first messages are compared."""


class BenchmarkError(Exception):
    """The run is not valid: a contender crashed, or did not deliver to every member exactly once."""


class Sample(NamedTuple):
    """The measurements of one message, and the gateway's counts for it."""

    wall_ms: float
    cpu_ms: float
    dynamodb_requests: int
    posts: int
    delivered: int
    duplicates: int


class FirstMessage(NamedTuple):
    """The measurements of a cold start: the time with start and imports, and the CPU time of the call alone."""

    wall_ms: float
    call_cpu_ms: float


class Contender:
    """The running process of a contender."""

    answered_at: float

    def __init__(self, name: str, process: Any, log: Path, environment: Environment) -> None:
        self.name = name
        self._process, self._log, self._environment = process, log, environment

    def send_message(self, sender: str, reachable: int) -> Sample:
        """Let the contender handle a message from a sender, and measure it.

        Raises BenchmarkError unless each reachable member receives the message exactly once.
        """
        self._process.stdin.write(json.dumps(message_event(sender)).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        self.answered_at = time.perf_counter()
        if not line:
            raise BenchmarkError(f"{self.name} ended without an answer:\n{self._log_tail()}")
        sample = Sample(**json.loads(line), **self._environment.report())
        if sample.delivered != reachable or sample.duplicates:
            raise BenchmarkError(
                f"{self.name}: expected one delivery to each of {reachable} members; "
                f"{sample.delivered} got the message, {sample.duplicates} of them more than once:\n{self._log_tail()}"
            )
        return sample

    def peak_mb(self) -> float:
        """Return the peak memory of the process.

        It comes from /proc, because getrusage's figure includes the memory of the parent process before the exec.
        """
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def _log_tail(self) -> str:
        return self._log.read_text()[-2000:]


@contextmanager
def start_contender(name: str, environment: Environment, folder: Path) -> Iterator[Contender]:
    """Start a contender, and stop it at the end. Its standard error goes to a log file in folder."""
    log = folder / f"{name}.log"
    # boto3 needs parts of botocore that the package lacks.
    variables = environment.variables | ({"PYTHONPATH": str(PROJECT)} if name == "boto3" else {})
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with (
        log.open("ab") as errors,
        subprocess.Popen(COLD_STARTS[name], cwd=PROJECT, env=variables, stderr=errors, **pipes) as process,
    ):
        yield Contender(name, process, log, environment)


def first_message(name: str, environment: Environment, folder: Path, sender: str) -> FirstMessage:
    """Measure a cold start: from starting a process until its first message is delivered to its sender."""
    started = time.perf_counter()
    with start_contender(name, environment, folder) as contender:
        sample = contender.send_message(sender, reachable=1)
        return FirstMessage((contender.answered_at - started) * 1000, sample.cpu_ms)
