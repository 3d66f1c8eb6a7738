"""The executions of Lambda in a new AWS account: ten at once, and a cold start for each new execution environment."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Literal

MAX_EXECUTIONS = 10
COLD_START_SECONDS = 0.7

FunctionName = Literal["api_handler", "websocket_connect", "websocket_message", "websocket_disconnect"]


@dataclass
class Execution:
    """An execution of a function, or a rejected one.

    method: of the HTTP request, MESSAGE for a frame, DISCONNECT for a closed connection.
    started_ms, ended_ms: since the last reset.
    status: of the response to an HTTP request.
    """

    function: FunctionName
    method: str
    path: str
    started_ms: float
    ended_ms: float | None = None
    status: int | None = None
    is_cold: bool = False
    is_rejected: bool = False


@dataclass
class Lambda:
    """The execution environments of an account. At first there are none."""

    max_executions: int = MAX_EXECUTIONS
    executions: list[Execution] = field(default_factory=list)
    _idle: Counter[FunctionName] = field(default_factory=Counter)
    _running: int = 0
    _created: float = field(default_factory=monotonic)

    @asynccontextmanager
    async def execute(self, function: FunctionName, method: str, path: str) -> AsyncIterator[Execution]:
        """Run the block as an execution of a function. If it sets `is_rejected`, it must not call the function."""
        execution = Execution(function, method, path, self._now())
        self.executions.append(execution)
        try:
            if self._running >= self.max_executions:
                execution.is_rejected = True
                yield execution
            else:
                async with self._environment(execution):
                    yield execution
        finally:
            execution.ended_ms = self._now()

    @asynccontextmanager
    async def _environment(self, execution: Execution) -> AsyncIterator[None]:
        """Occupy an idle environment of the function, or a new one if there is none."""
        self._running += 1
        try:
            execution.is_cold = not self._idle[execution.function]
            if execution.is_cold:
                await asyncio.sleep(COLD_START_SECONDS)
            else:
                self._idle[execution.function] -= 1
            yield
        finally:
            self._idle[execution.function] += 1
            self._running -= 1

    def _now(self) -> float:
        return (monotonic() - self._created) * 1000
