"""The scenarios, and a run of one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import simpy

from benchmarks.simulation import parameters as p
from benchmarks.simulation.aws import Cloud, Steps
from benchmarks.simulation.frames import Message
from benchmarks.simulation.page import Page
from benchmarks.simulation.program import Program, Room

CONCURRENCIES = (1_000, 10)
SEED = 1
Start = Callable[["Run"], None]


class Scenario(NamedTuple):
    """Rooms with members, messages per second in each room for some seconds, and an event at the start.

    By default, a run may take 250 s longer. This is longer than the page's heartbeat, which finds what it has missed.
    changes are parameters that differ in this scenario.
    """

    name: str
    rooms: int
    members: int
    rate: float
    seconds: float
    start: Start
    drain: float = 250
    changes: Mapping[str, float] | None = None


class Outcome(NamedTuple):
    """The results of a run. Shares are of the deliveries; times are in seconds."""

    p50: float | None
    p99: float | None
    live: float
    later: float
    missing: float
    connected: int
    connected_at: int | None
    complete_at: float | None
    throttles: dict[str, int]
    dollars: float


class Run:
    """One scenario at one concurrency of Lambda."""

    def __init__(self, scenario: Scenario, concurrency: int, seed: int = SEED) -> None:
        self.env = simpy.Environment()
        self.scenario = scenario
        self.cloud = Cloud(self.env, concurrency, seed)
        self.program = Program(self.cloud)
        self.rooms = [Room(self.env) for _ in range(scenario.rooms)]
        self.pages = [Page(self.program, room) for room in self.rooms for _ in range(scenario.members)]
        self.connected: list[int] = []

    def outcome(self) -> Outcome:
        """Run the scenario until everybody is up to date, or its time is over."""
        self.scenario.start(self)
        self.env.process(self._talk())
        self.env.run(self.env.process(self._watch()))
        return self._outcome()

    def _talk(self) -> Steps:
        """Send messages at random times from random connected members."""
        rate, draw = self.scenario.rate * self.scenario.rooms, self.cloud.random
        while rate and (pause := draw.expovariate(rate)) + self.env.now < self.scenario.seconds:
            yield self.env.timeout(pause)
            page = draw.choice(self.pages)
            if page.connection is not None:
                self.env.process(page.send())

    def _watch(self) -> Steps:
        while True:
            self.connected.append(sum(page.connection is not None for page in self.pages))
            tally, over_for = self.cloud.tally, self.env.now - self.scenario.seconds
            everybody_has_all = self.connected[-1] == len(self.pages) and tally.missing == tally.lost
            if over_for >= self.scenario.drain or (over_for >= 0 and everybody_has_all):
                return
            yield self.env.timeout(1)

    def _outcome(self) -> Outcome:
        tally = self.cloud.tally
        latencies = sorted([*tally.live, *tally.later])
        expected = max(1, tally.expected)
        return Outcome(
            p50=_percentile(latencies, 0.5),
            p99=_percentile(latencies, 0.99),
            live=round(len(tally.live) / expected, 4),
            later=round(len(tally.later) / expected, 4),
            missing=round(tally.missing / expected, 4),
            connected=self.connected[-1],
            connected_at=self._connected_at(),
            complete_at=None if tally.missing or not latencies else round(tally.last_delivery, 1),
            throttles={kind: count for kind, count in sorted(tally.throttles.items()) if count},
            dollars=round(tally.dollars(sum(self.connected) / 60), 2),
        )

    def _connected_at(self) -> int | None:
        """Return the second since which everybody is connected."""
        everybody = len(self.pages)
        if self.connected[-1] < everybody:
            return None
        return next((at + 1 for at in reversed(range(len(self.connected))) if self.connected[at] < everybody), 0)


def run(scenario: Scenario, concurrency: int) -> Outcome:
    """Run a scenario, and return its results."""
    with _changed(scenario.changes or {}):
        return Run(scenario, concurrency).outcome()


@contextmanager
def _changed(changes: Mapping[str, float]) -> Iterator[None]:
    before = {name: getattr(p, name) for name in changes}
    try:
        for name, value in changes.items():
            setattr(p, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(p, name, value)


def _percentile(ordered: list[float], share: float) -> float | None:
    return round(ordered[int(share * (len(ordered) - 1))], 3) if ordered else None


def _connected(run: Run) -> None:
    for page in run.pages:
        page.place()
    for page in run.pages:
        page.members.known = page.room.members


ARRIVAL_SECONDS = 60.0
MISSED_MESSAGES = 10


def _arrive(run: Run) -> None:
    """Let everybody open the page at a random time of ARRIVAL_SECONDS."""

    def arrive(page: Page) -> Steps:
        yield run.env.timeout(run.cloud.random.uniform(0, ARRIVAL_SECONDS))
        yield from page.visit()

    for page in run.pages:
        run.env.process(arrive(page))


def _reconnect(run: Run) -> None:
    """Close all connections at once, after MISSED_MESSAGES in each room that nobody received."""
    _connected(run)
    for room in run.rooms:
        for _ in range(MISSED_MESSAGES):
            run.program.store(room, Message(run.env, None))
    for page in run.pages:
        page.lose_connection()


SCENARIOS = {
    "crowd": Scenario("10,000 people arrive in one room within a minute", 1, 10_000, 0.2, 60, _arrive),
    "rooms": Scenario("1,000 rooms of 100 members, 0.5 messages/s each", 1_000, 100, 0.5, 6, _connected, 30),
    "large-1": Scenario("one room of 10,000 members, 1 message/s", 1, 10_000, 1, 30, _connected),
    "large-5": Scenario("one room of 10,000 members, 5 messages/s", 1, 10_000, 5, 10, _connected),
    "reconnect": Scenario("10,000 members of 100 rooms lose their connections at once", 100, 100, 0.1, 60, _reconnect),
}

BEFORE = {
    "TICKS": False,
    "PRESENCE_SINGLES": 0,
    "LATE_READ": 0,
    "GAP_JITTER": 0,
    "LOOK_AFTER": 0,
    "CROWD_PATIENCE": 0,
    "BEAT_JITTER": 0,
}
"""Without ticks, presence frames, and what the client spreads."""

CHANGED = [
    *(scenario._replace(name=f"*before:* {scenario.name}", changes=BEFORE) for scenario in SCENARIOS.values()),
    *(
        SCENARIOS[name]._replace(
            name=f"{SCENARIOS[name].name}, a tenth without `batch=1`", changes={"BATCH_SHARE": 0.9}
        )
        for name in ("large-1", "large-5")
    ),
    SCENARIOS["large-5"]._replace(name="one room of 20,000 members, 5 messages/s", members=20_000),
    SCENARIOS["crowd"]._replace(
        name="the crowd, if joins to one room did not conflict", changes={"CONFLICT_WINDOW": 0.0}
    ),
    SCENARIOS["rooms"]._replace(
        name="the 1,000 rooms, with 80,000 requests/s for the account and 2,000 frames/s for the stage",
        changes={"ACCOUNT_RATE": 80_000, "ACCOUNT_BURST": 40_000, "WEBSOCKET_RATE": 2_000, "WEBSOCKET_BURST": 1_000},
    ),
    SCENARIOS["large-1"]._replace(name="one room of 10,000 members, 1 message every 2 s", rate=0.5),
    SCENARIOS["large-1"]._replace(
        name="one room of 10,000 members, 1 message/s, with 20,000 requests/s for the account",
        changes={"ACCOUNT_RATE": 20_000, "ACCOUNT_BURST": 10_000},
    ),
    SCENARIOS["reconnect"]._replace(
        name="the 100 rooms that lose their connections, with `PRESENCE_LIMIT` 50", changes={"PRESENCE_LIMIT": 50}
    ),
    SCENARIOS["reconnect"]._replace(
        name="the same, with 2,000 frames/s for the stage, too",
        changes={"PRESENCE_LIMIT": 50, "WEBSOCKET_RATE": 2_000, "WEBSOCKET_BURST": 1_000},
    ),
]
"""Scenarios after a change of some parameters, for a concurrency of CONCURRENCIES[0] only."""
