"""The simulation is right on small cases with known results."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import simpy

from benchmarks.simulation import parameters as p
from benchmarks.simulation import report
from benchmarks.simulation.aws import Cloud, Environment, Partition, Steps, TokenBucket
from benchmarks.simulation.broadcast import broadcast
from benchmarks.simulation.frames import Crowd, Frame, Joined, Message, Presence
from benchmarks.simulation.page import Page
from benchmarks.simulation.scenarios import BEFORE, CHANGED, CONCURRENCIES, SCENARIOS, Outcome, Run, Scenario, run
from deployment.config import PROJECT

OUTAGE = Scenario("3 rooms of 40 members after an outage", 3, 40, 1, 5, SCENARIOS["reconnect"].start)


@pytest.fixture(autouse=True)
def _parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fix the parameters on which the small cases depend: the program's may change."""
    fixed = {
        "MAX_CONNECTIONS": 256,
        "MAX_POST_ATTEMPTS": 3,
        "MAX_LISTED_MEMBERS": 100,
        "PRESENCE_LIMIT": 100,
        "INDEX_LAG": 2.0,
        "RECHECK": 1.0,
        "ECHO_PATIENCE": 10.0,
        "MOST_SENDS": 6,
        "BEAT_EVERY": 240.0,
    }
    for name, value in fixed.items():
        monkeypatch.setattr(p, name, value)


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


def test_scaling_has_a_row_for_each_run() -> None:
    page = (PROJECT / "docs/scaling.md").read_text()
    scenarios = [scenario for scenario in SCENARIOS.values() for _ in CONCURRENCIES] + CHANGED
    _, _, generated = page.partition(report.BEGIN)
    rows = generated.partition(report.END)[0].splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == [f"| {scenario.name}" for scenario in scenarios]


def test_run_is_a_row_of_the_table() -> None:
    outcome = Outcome(
        p50=0.25,
        p99=12.3,
        live=0.9,
        later=0.08,
        missing=0.02,
        connected=120,
        connected_at=61,
        complete_at=None,
        throttles={"account": 1_234_567, "conflicts": 12_345, "REST stage": 1_234, "Lambda rate": 1},
        dollars=0.125,
    )
    page = report.replace_table(f"a\n{report.BEGIN}old\n{report.END}b\n", [report.row(OUTAGE, 10, outcome)])
    assert page.splitlines()[4] == (
        f"| {OUTAGE.name} | 10 | after 61 s | 250 ms, 12 s | 90% | 8% | 2% "
        "| account 1.2 M, conflicts 12 k, REST stage 1,234 | 0.12 |"
    )
    assert page.endswith(f"{report.END}b\n")
    nothing = outcome._replace(p50=None, p99=None, connected_at=None, throttles={})
    assert report.row(OUTAGE, 10, nothing)[2:] == ["no: 120 at the end", "-", "-", "-", "-", "", "0.12"]


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
    assert tally.queue_requests >= 3 * 5  # three batches: two requests to send, two to receive, one to delete
    assert len(tally.live) + len(tally.later) == 2 * p.FANOUT_BATCH + 1
    assert tally.missing == 0


def test_visit_to_a_small_room_reads_the_history_and_the_members_and_says_hello_twice() -> None:
    tally = _visit(others=0, seconds=20).cloud.tally
    assert (tally.rest_requests, tally.websocket_messages) == (2, 2 * 2)


def test_visit_to_a_large_room_reads_the_history_twice_and_says_hello_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(p, "FANOUT_BATCH", 0)
    tally = _visit(others=0, seconds=20).cloud.tally
    assert tally.rest_requests == 3  # and the members once: there is only one
    assert tally.websocket_messages == 2  # the hello, and its welcome
    assert tally.invocations == 1 + 3 + 1  # the $connect


def test_visit_before_reads_the_history_once_and_says_hello_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(p, "FANOUT_BATCH", 0)
    for name, value in BEFORE.items():
        monkeypatch.setattr(p, name, value)
    tally = _visit(others=0, seconds=20).cloud.tally
    assert (tally.rest_requests, tally.websocket_messages) == (2, 2 * 2)


def _heard(monkeypatch: pytest.MonkeyPatch) -> dict[Page, list[Frame]]:
    """Return the frames that each page hears from now on."""
    heard: dict[Page, list[Frame]] = {}
    hear = Page.hear

    def record(page: Page, frame: Frame) -> None:
        heard.setdefault(page, []).append(frame)
        hear(page, frame)

    monkeypatch.setattr(Page, "hear", record)
    return heard


def _send(run: Run, page: Page) -> None:
    run.env.process(page.send())


def _send_at(times: list[float], members: int = 50) -> Run:
    def start(run: Run) -> None:
        for page in run.pages:
            page.place()
        for time, page in zip(times, run.pages, strict=False):
            run.cloud.later(time, partial(_send, run, page))

    return _run(members, 20, start)


def test_large_room_gets_one_post_per_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(p, "FANOUT_BATCH", 20)
    heard = _heard(monkeypatch)
    room = _send_at([number / 10 for number in range(30)]).rooms[0]
    assert len(heard) == 50
    for frames in heard.values():
        ticks = [frame for frame in frames if isinstance(frame, Joined)]
        assert len(ticks) <= 6
        assert [message.order() for tick in ticks for message in tick.messages] == list(range(1, 31))
    assert room.tick.position == 30


def test_first_message_after_a_quiet_moment_is_sent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(p, "FANOUT_BATCH", 20)
    tally = _send_at([1, 10]).cloud.tally
    assert len(tally.live) == 2 * 50
    assert max(tally.live) < p.TICK_SECONDS + 2 * p.COLD_START


def test_connections_without_batch_get_each_message_in_its_own_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(p, "FANOUT_BATCH", 20)
    monkeypatch.setattr(p, "BATCH_SHARE", 0.0)
    heard = _heard(monkeypatch)
    _send_at([number / 10 for number in range(30)])
    for frames in heard.values():
        assert [frame.order() for frame in frames if isinstance(frame, Message)] == list(range(1, 31))


def test_claim_without_a_tick_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(p, "FANOUT_BATCH", 20)
    heard = _heard(monkeypatch)

    def start(run: Run) -> None:
        for page in run.pages:
            page.place()
        tick = run.rooms[0].tick
        tick.position, tick.claimed_until = 0, p.TICK_TAKEOVER  # a sender has crashed before it queued the tick
        run.env.process(run.pages[0].send())
        run.cloud.later(p.TICK_TAKEOVER, partial(_send, run, run.pages[1]))

    _run(50, 20, start)
    for frames in heard.values():
        (tick,) = [frame for frame in frames if isinstance(frame, Joined)]
        assert [message.order() for message in tick.messages] == [1, 2]


def test_repeated_job_of_a_tick_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(p, "FANOUT_BATCH", 20)
    run = _send_at([0])
    before = run.cloud.tally.queue_requests
    environment = Environment("fan_out")
    run.env.run(run.env.process(run.program._tick(run.rooms[0], 1, environment)))
    assert run.cloud.tally.queue_requests == before


def test_many_leaves_are_one_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = _heard(monkeypatch)

    def start(run: Run) -> None:
        for page in run.pages:
            page.place()
            page.members.known = (1 << 60) - 1
        connections = [page.connection for page in run.pages[:20] if page.connection is not None]
        for connection in connections:
            connection.is_open = False
            run.program.disconnect(connection)

    stayed = _run(60, 20, start).pages[20:]
    for page in stayed:
        presence = [frame for frame in heard[page] if isinstance(frame, Presence)]
        (crowd,) = [frame for frame in heard[page] if isinstance(frame, Crowd)]
        assert (len(presence), crowd.left.bit_count(), crowd.member_count) == (10, 10, 40)
        assert page.members.known.bit_count() == 40


@pytest.mark.parametrize(("members", "requests"), [(100, 2), (101, 1)])
def test_page_reads_the_members_of_small_rooms_only(members: int, requests: int) -> None:
    visit = _visit(others=members - 1, seconds=2)  # before the first heartbeat
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
    assert run(OUTAGE, 10) == run(OUTAGE, 10)
