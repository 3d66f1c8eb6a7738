"""The estimate of costs is right for known cases, and the documents contain it."""

from __future__ import annotations

import pytest

from benchmarks import costs
from benchmarks.simulation import parameters as p


def test_documents_contain_the_estimate() -> None:
    written = {path.name: path.read_text() for path in costs.tables()}
    assert costs.message_table() in written["scaling.md"], "run `make generate`"
    assert costs.worst_table() in written["deploying.md"], "run `make generate`"


def test_message_in_a_small_room_needs_no_queue() -> None:
    gateway, function, database, queue = costs.message_costs(2)
    assert (gateway, queue) == (pytest.approx(3), 0)
    assert function == pytest.approx(0.2 + 0.03 * 13.33, rel=0.01)
    assert database == pytest.approx(6 * 0.625, rel=0.01)


def test_each_batch_of_a_large_room_costs_five_requests() -> None:
    batches = 2
    assert costs.message_costs(p.FANOUT_BATCH + 1)[3] == pytest.approx((batches * 5 + 3) * 0.4)


def test_lower_limits_of_the_stage_lower_the_worst_case(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(costs.worst_hour())
    monkeypatch.setattr(p, "REST_RATE", p.REST_RATE // 10)
    monkeypatch.setattr(p, "WEBSOCKET_RATE", p.WEBSOCKET_RATE // 10)
    after = costs.worst_hour()
    assert sum(dollars for _, dollars in after) < sum(before.values())
    assert after[0][1] == pytest.approx(before["2,000 REST requests/s"] / 10)


def test_costs_contain_transfer_of_the_longest_texts() -> None:
    """7,500 deliveries a second of 16,000 bytes are 432 GB an hour."""
    dollars = dict(costs.worst_hour())["transfer to the internet: the deliveries with 4,000 emoji each"]
    assert dollars == pytest.approx(432 * 0.09, rel=0.05)
