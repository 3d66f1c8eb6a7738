"""A clock and the fan-out queue: what is due happens in its order, without waiting."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from chalice.test import Client

import app as chat_app
from chalicelib import settings
from chalicelib.delivery import jobs
from tests.support.clock import NOON
from tests.support.dynamodb import Crash

VISIBILITY_SECONDS = 150
"""Time after which SQS delivers a message again whose function has crashed."""


class Timeline:
    """Events at a number of seconds after NOON, and the jobs of the queue.

    queue_delay: the time in seconds that a job waits besides its own delay. repeats: whether the queue delivers each
    job twice, a second apart. crash: called before and after a job is sent to the queue; it may raise Crash.
    """

    def __init__(self, client: Client, clock: time_machine.Traveller) -> None:
        self._client, self._clock = client, clock
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self.now = 0.0
        self.queue_delay = 0
        self.repeats = False
        self.crash: Callable[[], object] = lambda: None

    def at(self, time: float, event: Callable[[], object]) -> None:
        """Let something happen."""
        heapq.heappush(self._events, (time, next(self._order), event))

    def run(self) -> None:
        """Let everything happen."""
        while self._events:
            self.now, _, event = heapq.heappop(self._events)
            self._clock.move_to(NOON + timedelta(seconds=self.now))
            event()

    def send(self, job: jobs.Job, _: str = "", DelaySeconds: int = 0) -> None:  # noqa: N803
        """Put a job on the queue."""
        self.crash()
        for repeat in (0, 1) if self.repeats else (0,):
            self.at(self.now + self.queue_delay + DelaySeconds + repeat, lambda: self._invoke(jobs.serialize(job)))
        self.crash()

    def _invoke(self, body: str) -> None:
        try:
            chat_app.fan_out(self._client.events.generate_sqs_event([body], settings.FANOUT_QUEUE), None)
        except Crash:
            self.at(self.now + VISIBILITY_SECONDS, lambda: self._invoke(body))


@pytest.fixture
def timeline(client: Client, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch) -> Timeline:
    """Return a timeline that has the place of the queue."""
    timeline = Timeline(client, clock)
    monkeypatch.setattr(jobs, "_send", timeline.send)
    monkeypatch.setattr(jobs, "_queue_url", lambda: "")
    return timeline
