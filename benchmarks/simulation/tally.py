"""Counters of a run: throttles by kind, billed units, deliveries and their latency."""

from __future__ import annotations

from array import array
from collections import Counter

from benchmarks.simulation import parameters as p


class Tally:
    """Counters of one run. A delivery is one message for one page that has entered the room."""

    def __init__(self) -> None:
        self.throttles: Counter[str] = Counter()
        self.websocket_messages = 0  # frames and posts
        self.rest_requests = 0
        self.queue_requests = 0
        self.invocations = 0
        self.gb_seconds = 0.0
        self.write_units = 0.0
        self.read_units = 0.0
        self.expected = 0
        self.live = array("d")
        self.later = array("d")
        self.last_delivery = 0.0
        self.lost = 0  # deliveries of messages that their senders gave up

    @property
    def missing(self) -> int:
        """Deliveries that were neither live nor later until the end of the run."""
        return self.expected - len(self.live) - len(self.later)

    def dollars(self, connection_minutes: float) -> float:
        """Return the cost of the run at list prices."""
        return (
            self.websocket_messages * p.PRICE_WEBSOCKET
            + self.rest_requests * p.PRICE_REST
            + connection_minutes * p.PRICE_CONNECTION_MINUTE
            + self.queue_requests * p.PRICE_QUEUE_REQUEST
            + self.invocations * p.PRICE_INVOCATION
            + self.gb_seconds * p.PRICE_GB_SECOND
            + self.write_units * p.PRICE_WRITE_UNIT
            + self.read_units * p.PRICE_READ_UNIT
        )
