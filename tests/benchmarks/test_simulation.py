"""The simulation is right on small cases with known answers, and its committed results are up to date."""

from __future__ import annotations

import json
from typing import Any

import pytest
import simpy

from benchmarks.simulation import parameters as p
from benchmarks.simulation import report
from benchmarks.simulation.aws import Cloud, Environment, Partition, Steps, TokenBucket
from benchmarks.simulation.broadcast import broadcast
from benchmarks.simulation.scenarios import CHECK, CONCURRENCIES, SCENARIOS, Run, Scenario, run
from deployment.config import PROJECT

OUTDATED = "the simulation has changed: run `make simulate`"


@pytest.fixture(scope="module")
def recorded() -> dict[str, dict[str, Any]]:
    """results.json."""
    results: dict[str, dict[str, Any]] = json.loads(report.RESULTS.read_text())
    return results


def _json(value: object) -> object:
    return json.loads(json.dumps(value))


def _send_one(members: int, concurrency: int = 1_000) -> Run:
    """Run one message in a room, 20 s long, and return the finished run."""

    def start(run: Run) -> None:
        for page in run.pages:
            page.place()
        run.env.process(run.pages[0].send())

    one = Run(Scenario("one message", 1, members, 0, 20, start), concurrency)
    one.outcome()
    return one


def test_results_are_those_of_the_current_parameters(recorded: dict[str, dict[str, Any]]) -> None:
    assert recorded["parameters"] == _json(p.recorded()), OUTDATED


def test_results_are_those_of_the_current_simulation(recorded: dict[str, dict[str, Any]]) -> None:
    assert recorded["check"]["check"] == _json(run(CHECK, CONCURRENCIES[0])._asdict()), OUTDATED


def test_table_and_plots_are_those_of_the_results(recorded: dict[str, dict[str, Any]]) -> None:
    page = (PROJECT / "docs/scaling.md").read_text()
    assert report.replace_table(page, report.table(recorded["outcomes"])) == page, OUTDATED
    for name, plot in report.plots(recorded["outcomes"]).items():
        assert (PROJECT / "docs" / name).read_text() == plot, OUTDATED


def test_token_bucket_grants_its_burst_and_then_its_rate() -> None:
    env = simpy.Environment()
    bucket = TokenBucket(env, "test", rate=10, burst=50)
    assert bucket.take(80) == 50
    env.run(2)
    assert bucket.take(80) == 20
    env.run(60)
    assert bucket.take(80) == 50


def test_message_in_a_small_room_takes_the_sum_of_its_parts() -> None:
    tally = _send_one(members=10).cloud.tally
    share = p.MEMORY_MB["websocket_message"] / p.MEMORY_OF_ONE_CPU
    requests = p.REQUEST + p.REQUEST + p.TRANSACTION  # the rate limit, the sequence, the message; not the query
    posts = max(p.POST, (10 * p.CPU_POST + 10 * p.CPU_TLS) / share)
    expected = p.COLD_START + p.CPU_INVOCATION / share + requests + posts
    assert list(tally.live) == pytest.approx([expected] * 10)
    assert tally.throttles.total() == 0


def test_large_room_is_delivered_through_the_queue() -> None:
    tally = _send_one(members=2 * p.FANOUT_BATCH + 1).cloud.tally
    assert tally.queue_requests >= 3 * 3  # three batches: send, receive, delete
    assert len(tally.live) + len(tally.later) == 2 * p.FANOUT_BATCH + 1
    assert tally.missing == 0


def test_posts_beyond_the_account_quota_are_retried() -> None:
    env = simpy.Environment()
    cloud = Cloud(env, 1, seed=1)
    cloud.account.take(p.ACCOUNT_BURST)
    delivered: list[int] = []

    def post() -> Steps:
        return (yield from broadcast(cloud, environment, range(256), lambda member: delivered.append(member) is None))

    environment = Environment("fan_out")
    environment.deadline = p.FUNCTION_TIMEOUT["fan_out"]
    result = env.run(env.process(post()))
    assert cloud.tally.throttles["account"] >= 256
    assert sorted(delivered) == list(range(256))
    assert result.failed == []


def test_transactions_on_one_item_do_not_overlap() -> None:
    env = simpy.Environment()
    cloud = Cloud(env, 1, seed=1)
    item = Partition(env)
    joins = [env.process(cloud.transact(item, 2)) for _ in range(20)]
    env.run(simpy.AllOf(env, joins))
    assert all(join.value for join in joins)
    assert cloud.tally.throttles["conflicts"] >= 19
    assert env.now >= 19 * p.CONFLICT_WINDOW


@pytest.mark.parametrize("concurrency", CONCURRENCIES)
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_delivery_is_live_later_or_missing(name: str, concurrency: int) -> None:
    scenario = SCENARIOS[name]._replace(rooms=min(3, SCENARIOS[name].rooms), members=60, rate=1, seconds=10)
    small = Run(scenario, concurrency)
    small.outcome()
    tally = small.cloud.tally
    unread = sum(
        (message.sequence or 0) > page.position and message.sequence not in page.ahead
        for page in small.pages
        if page.position is not None
        for message in page.room.messages
    )
    assert tally.expected == len(tally.live) + len(tally.later) + unread + tally.lost


def test_runs_are_deterministic() -> None:
    assert run(CHECK, 10) == run(CHECK, 10)
