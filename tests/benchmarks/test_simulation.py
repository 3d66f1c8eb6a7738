"""The simulation is right on small cases with known answers, and docs/scaling.md shows its committed results."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import simpy

from benchmarks.simulation import parameters as p
from benchmarks.simulation import report
from benchmarks.simulation.aws import Cloud, Environment, Partition, Steps, TokenBucket
from benchmarks.simulation.broadcast import broadcast
from benchmarks.simulation.scenarios import CHECK, CONCURRENCIES, SCENARIOS, Run, Scenario, run
from deployment.config import PROJECT


def _run(members: int, seconds: float, start: Callable[[Run], None]) -> Run:
    """Run a scenario without other messages in one room, and return the finished run."""
    one = Run(Scenario("one room", 1, members, 0, seconds, start), concurrency=1_000)
    one.outcome()
    return one


def _send_one(members: int) -> Run:
    def start(run: Run) -> None:
        for page in run.pages:
            page.place()
        run.env.process(run.pages[0].send())

    return _run(members, 20, start)


def _visit(others: int, seconds: float) -> Run:
    def start(run: Run) -> None:
        visitor, *residents = run.pages
        for page in residents:
            page.place()
        run.env.process(visitor.visit())

    return _run(others + 1, seconds, start)


def test_table_and_plots_are_those_of_the_results() -> None:
    recorded = json.loads(report.RESULTS.read_text())
    page = (PROJECT / "docs/scaling.md").read_text()
    assert report.replace_table(page, report.table(recorded["outcomes"])) == page
    for name, plot in report.plots(recorded["outcomes"]).items():
        assert (PROJECT / "docs" / name).read_text() == plot


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


def test_visit_reads_the_history_and_the_members_once_and_says_hello_twice() -> None:
    tally = _visit(others=0, seconds=20).cloud.tally
    assert tally.rest_requests == 2
    assert tally.websocket_messages == 2 * 2  # each hello, and its welcome
    assert tally.invocations == 1 + 2 + 2  # the $connect


@pytest.mark.parametrize(("members", "requests"), [(p.MAX_LISTED_MEMBERS, 2), (p.MAX_LISTED_MEMBERS + 1, 1)])
def test_page_reads_the_members_of_small_rooms_only(members: int, requests: int) -> None:
    visit = _visit(others=members - 1, seconds=2)  # before the first ping
    known = visit.pages[0].members.known.bit_count()
    assert (visit.cloud.tally.rest_requests, known) == (requests, members if requests == 2 else 0)


def test_page_that_misses_joins_reads_the_members_again() -> None:
    def start(run: Run) -> None:
        resident, *visitors = run.pages
        resident.place()
        for page in visitors:
            run.env.process(page.visit())

    arrival = _run(30, 20, start)
    assert [page.members.known.bit_count() for page in arrival.pages] == [30] * 30


def test_message_that_its_sender_finds_in_the_history_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(run: Run) -> None:
        for page in run.pages:
            page.place()
        sender = run.pages[0]
        monkeypatch.setattr(sender, "hear", lambda frame: None)
        run.cloud.later(5, sender.history.catch_up)
        run.env.process(sender.send())

    room = _run(2, 2 * p.ECHO_PATIENCE, start).rooms[0]
    assert (len(room.messages), room.last_sequence) == (1, 1)


def test_unconfirmed_message_is_sent_again_on_a_new_connection() -> None:
    def start(run: Run) -> None:
        for page in run.pages:
            page.place()
        run.env.process(run.pages[0].send())
        run.cloud.later(0.1, run.pages[0].lose_connection)

    room = _run(2, p.ECHO_PATIENCE / 2, start).rooms[0]
    assert (len(room.messages), room.last_sequence) == (1, 2)


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
        message.order() > page.history.position and message.order() not in page.history.ahead
        for page in small.pages
        if page.history.position is not None
        for message in page.room.messages
    )
    unsent = sum(message.owed for message in small.program.unstored)
    assert tally.expected == len(tally.live) + len(tally.later) + unread + unsent


def test_runs_are_deterministic() -> None:
    assert run(CHECK, 10) == run(CHECK, 10)
