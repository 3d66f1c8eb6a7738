"""Delivery to large rooms in ticks: few posts, nothing lost, whatever crashes, is repeated or fails."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

import pytest

import app as chat_app
from chalicelib import limits, request_log, settings
from chalicelib.chat import broadcast, messages, ticks
from chalicelib.chat.broadcast import send_stored
from chalicelib.delivery import jobs
from chalicelib.storage.models import Connection, Message, Room, Ticks
from tests.support.dynamodb import WRITES, Crash, Database, Fault, inject_faults
from tests.support.gateway import Gateway
from tests.support.moderation import act
from tests.support.rooms import create_room, fill_room
from tests.support.sockets import Socket
from tests.support.timeline import Timeline

BATCH = [f"b{number:02}" for number in range(6)]
SINGLE = [f"s{number:02}" for number in range(2)]

Sockets = Callable[[str], Socket]


class LargeRoom:
    """A room of BATCH and SINGLE, and its members on a timeline."""

    def __init__(self, sockets: Sockets, timeline: Timeline) -> None:
        self.socket, self._timeline = sockets, timeline
        room = create_room("Tea")
        self.room_id = room.room_id
        fill_room(room, BATCH, takes_batches=True)
        fill_room(room, SINGLE)

    def say(self, sender: str, text: str) -> None:
        """Send a message, and after 10 seconds again if the function crashes, as the page does."""
        try:
            self.socket(sender).say(text, clientId=text[-20:])
        except Crash:
            self._timeline.at(self._timeline.now + 10, lambda: self.say(sender, text))

    def say_all(self, texts: Sequence[str], interval: float) -> None:
        """Let the members send messages in turn, at an interval in seconds."""
        for number, text in enumerate(texts):
            sender = BATCH[number % len(BATCH)]
            self._timeline.at(number * interval, partial(self.say, sender, text))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "FANOUT_BATCH", 4)
    monkeypatch.setattr(settings, "WINDOW_SECONDS", 0)


@pytest.fixture
def room(socket: Sockets, timeline: Timeline) -> LargeRoom:
    """Return a large room. It replaces the small one of the other tests."""
    return LargeRoom(socket, timeline)


def batches(gateway: Gateway, connection_id: str) -> list[list[str]]:
    """List the texts of the messages in each frame that a connection received."""
    return [[item["message"] for item in frame["messages"]] for frame in gateway.frames[connection_id]]


def received(gateway: Gateway, connection_id: str) -> list[str]:
    """List the texts of the messages that a connection received, in order of their arrival, without repeats."""
    found: dict[int, str] = {}
    for frame in gateway.frames[connection_id]:
        for item in frame.get("messages") or [frame["message"]]:
            found.setdefault(item["sequence"], item["message"])
    return list(found.values())


def ticks_of(room: LargeRoom) -> Ticks:
    return Ticks.get(room.room_id, Ticks.SORT_KEY, consistent_read=True)


def raise_crash() -> None:
    raise Crash


def check(requests: Counter[str], expected: dict[str, int]) -> None:
    assert requests == expected


def test_first_message_after_a_quiet_moment_is_delivered_at_once(
    timeline: Timeline, room: LargeRoom, gateway: Gateway
) -> None:
    timeline.at(0, lambda: room.say("b00", "hi"))
    timeline.run()
    assert timeline.now == 0
    assert all(batches(gateway, id_) == [["hi"]] for id_ in BATCH)
    assert all(gateway.texts(id_) == ["hi"] for id_ in SINGLE)


@pytest.mark.parametrize("repeats", [False, True])
def test_thirty_messages_in_three_seconds_take_at_most_six_posts(
    timeline: Timeline, room: LargeRoom, gateway: Gateway, repeats: bool
) -> None:
    """Others receive each in a frame of its own. Repeated jobs of the queue repeat frames."""
    timeline.repeats = repeats
    texts = [f"message {number:02}" for number in range(30)]
    room.say_all(texts, 0.1)
    timeline.run()
    for id_ in [*BATCH, *SINGLE]:
        assert received(gateway, id_) == texts
    if not repeats:
        assert all(gateway.attempts[id_] <= 6 for id_ in BATCH)
        assert all(gateway.attempts[id_] == 30 for id_ in SINGLE)


@pytest.mark.parametrize("fault", ["crash before", "crash after"])
def test_crash_at_any_write_loses_no_message(
    socket: Sockets,
    timeline: Timeline,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    dynamodb: Database,
    fault: Fault,
) -> None:
    """It neither loses one if a crash comes before or after a request to the queue."""
    texts = [f"message {number}" for number in range(4)]
    for fatal in itertools.count(1):
        steps = itertools.count(1)

        def is_fatal(steps: Iterator[int] = steps, fatal: int = fatal) -> bool:
            return next(steps) == fatal

        with dynamodb.empty_tables(), monkeypatch.context() as patch:
            room = LargeRoom(socket, timeline)
            inject_faults(patch, lambda operation, _: fault if operation in WRITES and is_fatal() else None)
            if fault == "crash before":  # a crash around a request to the queue is the same with both faults
                patch.setattr(timeline, "crash", lambda: raise_crash() if is_fatal() else None)
            room.say_all(texts, 0.5)
            timeline.run()
            if next(steps) <= fatal:
                break
            rows = Message.query(room.room_id, Message.sort_key.startswith(Message.PREFIX), consistent_read=True)
            assert sorted(row.text for row in rows if row.text) == texts
            for id_ in [*BATCH, *SINGLE]:
                assert sorted(received(gateway, id_)) == texts, f"crash {fatal}"
        gateway.reset()
    assert fatal > 4 * 4 + (3 * 8 if fault == "crash before" else 3 * 3)


def test_posts_that_fail_are_repeated(timeline: Timeline, room: LargeRoom, gateway: Gateway) -> None:
    """One in twenty fails, of which some are answered with a status that is not retried at once."""
    random = Random(28)
    for id_ in [*BATCH, *SINGLE]:
        gateway.respond(
            id_, *[random.choice([403, 429, 500]) if random.random() < 0.05 else 200 for _ in range(50)], 200
        )
    texts = [f"message {number:02}" for number in range(30)]
    room.say_all(texts, 0.1)
    timeline.run()
    for id_ in [*BATCH, *SINGLE]:
        assert sorted(received(gateway, id_)) == texts


def test_message_that_is_stored_late_is_in_the_next_tick(timeline: Timeline, room: LargeRoom, gateway: Gateway) -> None:
    """Its sequence is lower than those that the room has delivered already."""
    late = messages.take_sequence(room.room_id)
    timeline.at(0, lambda: room.say("b00", "two"))

    def store_late() -> None:
        sender = Connection.get("b01", consistent_read=True)
        message = messages.store(sender, "one", "one", late)
        send_stored(chat_app.websocket_api, message, Connection.recipients_in(room.room_id))

    timeline.at(2, store_late)
    timeline.run()
    assert batches(gateway, "b00") == [["two"], ["one"]]
    assert gateway.texts("s00") == ["two", "one"]


def test_tick_contains_each_message_as_it_is_by_then(timeline: Timeline, room: LargeRoom, gateway: Gateway) -> None:
    timeline.at(0, lambda: room.say("b00", "first"))
    for text in ("to edit", "to delete"):
        timeline.at(0.1, partial(room.say, "b00", text))
    timeline.at(0.2, lambda: act(room.socket("b00"), "editMessage", sequence=2, message="edited"))
    timeline.at(0.3, lambda: act(room.socket("b00"), "deleteMessage", sequence=3))
    timeline.run()
    _, tick = (frame["messages"] for frame in gateway.frames["b01"])
    assert [(item["type"], item.get("text") or item["message"], item.get("target")) for item in tick] == [
        ("message", "edited", None),
        ("edited", "edited", 2),
        ("deleted", "b00 deleted a message", 3),
    ]
    assert [frame["message"]["sequence"] for frame in gateway.frames["s00"]] == [1, 2, 4, 5]


def test_messages_that_are_longer_than_a_frame_come_in_several_of_the_same_tick(
    timeline: Timeline, room: LargeRoom, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of a tick that would be too long comes in the next one."""
    monkeypatch.setattr(ticks, "MAX_TICK_BYTES", 15 * 4_300)
    texts = ["first", *(f"{number:04000}" for number in range(20))]
    room.say_all(texts, 0.01)
    timeline.run()
    assert received(gateway, "b01") == received(gateway, "s00") == texts
    assert [len(batch) for batch in batches(gateway, "b01")] == [1, 7, 7, 1, 5]
    sizes = [len(json.dumps(frame, separators=(",", ":"))) for frame in gateway.frames["b01"]]
    assert limits.MAX_FRAME_BYTES - 4_300 < max(sizes) <= limits.MAX_FRAME_BYTES


def test_more_than_a_page_of_messages_comes_in_several_ticks(
    timeline: Timeline, room: LargeRoom, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_PAGE_SIZE", 10)
    texts = [f"message {number:02}" for number in range(26)]
    room.say_all(texts, 0.01)
    timeline.run()
    assert received(gateway, "b01") == received(gateway, "s00") == texts
    assert [len(batch) for batch in batches(gateway, "b01")] == [1, 10, 10, 5]


def test_next_message_takes_over_a_tick_that_was_never_queued(
    timeline: Timeline, room: LargeRoom, gateway: Gateway
) -> None:
    def crash() -> None:
        timeline.crash = raise_crash
        with pytest.raises(Crash):
            room.socket("b00").say("lost")
        timeline.crash = lambda: None

    timeline.at(0, crash)
    timeline.at(ticks.TAKEOVER_SECONDS - 1, lambda: room.say("b01", "too early"))
    timeline.at(ticks.TAKEOVER_SECONDS, lambda: room.say("b01", "in time"))
    timeline.run()
    assert batches(gateway, "b02") == [["lost", "too early", "in time"]]


def test_tick_that_was_taken_over_delivers_all_the_same(timeline: Timeline, room: LargeRoom, gateway: Gateway) -> None:
    """Otherwise a room whose jobs wait for longer than the takeover would get nothing."""
    timeline.queue_delay = 2 * ticks.TAKEOVER_SECONDS
    texts = [f"message {number:02}" for number in range(20)]
    room.say_all(texts, 3)
    arrivals: list[float] = []
    timeline.at(40, lambda: arrivals.append(len(received(gateway, "b01"))))
    timeline.run()
    assert arrivals[0] > 5
    assert received(gateway, "b01") == texts


def test_room_that_was_small_for_a_while_repeats_nothing(
    timeline: Timeline, room: LargeRoom, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeline.at(0, lambda: room.say("b00", "large"))
    timeline.at(10, lambda: monkeypatch.setattr(settings, "FANOUT_BATCH", 100))
    timeline.at(20, lambda: room.say("b00", "small"))
    timeline.at(100, lambda: monkeypatch.setattr(settings, "FANOUT_BATCH", 5))
    timeline.at(101, lambda: room.say("b00", "large again"))
    timeline.run()
    frames = gateway.frames["b01"]
    assert [list(frame) for frame in frames] == [["messages"], ["message"], ["messages"]]
    assert received(gateway, "b01") == ["large", "small", "large again"]
    assert gateway.attempts["b01"] == 3


def test_tick_of_a_room_without_anything_to_deliver_sends_nothing(
    timeline: Timeline, room: LargeRoom, gateway: Gateway
) -> None:
    for number in (1, 7):
        timeline.at(0, partial(timeline.send, jobs.Tick(gateway.url, room.room_id, number)))
    timeline.run()
    assert not gateway.attempts
    assert Ticks.find(room.room_id, Ticks.SORT_KEY) is None


def test_webhook_message_comes_in_a_tick(timeline: Timeline, room: LargeRoom, gateway: Gateway) -> None:
    messages.store(messages.WebhookSender(room.room_id, "h" * 16, "Builds", timedelta(days=1)), "passed", None)
    timeline.at(0, partial(timeline.send, jobs.Delivery(gateway.url, room.room_id, 1)))
    timeline.run()
    assert batches(gateway, "b01") == [["passed"]]
    assert gateway.texts("s00") == ["passed"]


def test_message_that_a_tick_reads_before_it_is_scheduled_is_not_repeated(
    timeline: Timeline, room: LargeRoom, gateway: Gateway
) -> None:
    stored: list[Message] = []

    def store() -> None:
        sender = Connection.get("b01", consistent_read=True)
        stored.append(messages.store(sender, "two", "two"))

    timeline.at(0, lambda: room.say("b00", "one"))
    timeline.at(0.5, lambda: room.say("b00", "three"))  # its tick begins at 1.5 s
    timeline.at(0.6, store)
    recipients = Connection.recipients_in(room.room_id)
    timeline.at(1.8, lambda: send_stored(chat_app.websocket_api, stored[0], recipients))
    timeline.at(4, lambda: room.say("b00", "four"))
    timeline.run()
    assert batches(gateway, "b01") == [["one"], ["three", "two"], ["four"]]
    assert gateway.texts("s00") == ["one", "three", "two", "four"]


def test_repeated_message_is_delivered_again_alone(timeline: Timeline, room: LargeRoom, gateway: Gateway) -> None:
    """Its sender may have missed it. The alarm on the delay of ticks does not take it for a late one."""
    room.say_all(["one", "two", "three"], 0.1)
    timeline.at(300, lambda: room.say("b00", "one"))
    with pytest.MonkeyPatch.context() as patch:
        delays: list[int] = []
        patch.setattr(request_log, "add_metric", lambda **values: delays.append(values.get("tick_delay_ms", 0)))
        timeline.run()
    assert batches(gateway, "b01") == [["one"], ["two", "three"], ["one"]]
    assert max(delays) < 30_000


def test_message_of_a_removed_member_does_not_come_again(timeline: Timeline, room: LargeRoom, gateway: Gateway) -> None:
    timeline.at(0, lambda: room.say("b05", "spam"))
    author = Connection.get("b05", consistent_read=True).member_id
    timeline.at(5, lambda: Room(room.room_id).update([Room.hidden.set({author: 1})]))
    timeline.at(10, partial(timeline.send, jobs.Delivery(gateway.url, room.room_id, 1)))
    timeline.run()
    assert batches(gateway, "b01") == [["spam"]]


def test_edit_by_a_member_who_was_removed_since_comes_without_its_text(
    timeline: Timeline, room: LargeRoom, gateway: Gateway
) -> None:
    author = Connection.get("b05", consistent_read=True).member_id
    timeline.at(0, lambda: room.say("b00", "first"))
    timeline.at(0.1, lambda: room.say("b05", "spam"))
    timeline.at(0.2, lambda: act(room.socket("b05"), "editMessage", sequence=2, message="more spam"))
    timeline.at(0.3, lambda: Room(room.room_id).update([Room.hidden.set({author: 3})]))
    timeline.run()
    (edited,) = gateway.frames["b01"][-1]["messages"]
    assert (edited["type"], edited["target"], "text" in edited) == ("edited", 2, False)
    assert "spam" not in json.dumps(gateway.frames)


def test_batch_that_takes_long_is_passed_on(
    timeline: Timeline, room: LargeRoom, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast, "BATCH_SECONDS", -1)  # one payload for each job
    texts = [f"message {number}" for number in range(5)]
    room.say_all(texts, 0.1)
    timeline.run()
    assert {id_: received(gateway, id_) for id_ in [*BATCH, *SINGLE]} == dict.fromkeys([*BATCH, *SINGLE], texts)
    assert gateway.attempts["s00"] == len(texts)


def test_batch_of_an_earlier_version_is_sent(timeline: Timeline, room: LargeRoom, gateway: Gateway) -> None:
    body = json.dumps(["Batch", gateway.url, room.room_id, '{"pong":true}', dict.fromkeys(BATCH, 2**33), 1])
    batch = jobs.parse(body)
    assert isinstance(batch, jobs.Batch)
    timeline.at(0, partial(timeline.send, batch))
    timeline.run()
    assert gateway.frames == {id_: [{"pong": True}] for id_ in BATCH}


def test_room_with_many_waiting_messages_writes_no_large_item(
    timeline: Timeline, room: LargeRoom, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticks, "MAX_WAITING", 5)
    monkeypatch.setattr(limits, "MAX_PAGE_SIZE", 6)
    texts = [f"message {number:02}" for number in range(20)]
    sizes: list[int] = []
    for number in range(1, 20):
        timeline.at(number / 100, lambda: sizes.append(len(ticks_of(room).waiting or ())))
    room.say_all(texts, 1 / 100)
    timeline.run()
    assert max(sizes) == 5
    assert received(gateway, "b01") == received(gateway, "s00") == texts


def test_interval_is_longer_after_a_tick_of_several_frames(
    timeline: Timeline, room: LargeRoom, gateway: Gateway
) -> None:
    """One room uses about half of the account's posts, however long the messages are."""
    begun: list[float] = []
    texts = ["first", *(f"{number:04000}" for number in range(20))]
    room.say_all(texts, 1 / 100)
    timeline.at(2.5, lambda: room.say("b00", "short"))
    for time in range(40):
        timeline.at(time / 4 + 0.01, lambda: begun.append(ticks_of(room).began_at / 1000 % 60))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ticks, "POSTS_PER_SECOND", 8)  # as many as there are members: a second for each frame
        timeline.run()
    assert [len(batch) for batch in batches(gateway, "b01")] == [1, 7, 7, 6, 1]
    _, long, short = sorted(set(begun))
    assert short - long >= 3


def test_ticks_are_at_least_a_second_apart(timeline: Timeline, room: LargeRoom, gateway: Gateway) -> None:
    room.say_all([f"message {number:02}" for number in range(20)], 0.51)
    timeline.run()
    assert gateway.attempts["b01"] <= 11


def test_slow_queue_keeps_the_interval(
    timeline: Timeline, room: LargeRoom, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs wait for 30 seconds, so that each tick is taken over before it begins."""
    monkeypatch.setattr(ticks, "POSTS_PER_SECOND", 8 / 20)
    timeline.queue_delay = 30
    texts = [f"message {number:02}" for number in range(100)]
    room.say_all(texts, 2)
    timeline.run()
    assert received(gateway, "b01") == texts
    assert gateway.attempts["b01"] <= 200 / 20 + 4


def test_tick_of_a_room_that_is_closed_meanwhile_leaves_nothing(
    timeline: Timeline, room: LargeRoom, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipients_in = Connection.recipients_in

    def erase(room_id: str) -> Any:
        ticks_of(room).delete()
        return recipients_in(room_id)

    timeline.at(0, lambda: room.say("b00", "hi"))
    timeline.at(0, lambda: monkeypatch.setattr(Connection, "recipients_in", erase))
    timeline.run()
    assert Ticks.find(room.room_id, Ticks.SORT_KEY) is None


def test_message_in_a_large_room_costs_one_write_more_and_with_a_tick_two(
    timeline: Timeline, room: LargeRoom, requests: Counter[str]
) -> None:
    def say(text: str) -> None:
        requests.clear()
        room.say("b00", text)

    one = {"UpdateItem": 3, "TransactWriteItems": 1, "Query": 1}
    timeline.at(0, lambda: say("first"))
    timeline.at(0, lambda: check(requests, one | {"UpdateItem": 4}))
    timeline.at(0.1, lambda: say("second"))
    timeline.at(0.1, lambda: check(requests, one | {"UpdateItem": 4}))
    timeline.at(0.2, lambda: say("third"))
    timeline.at(0.2, lambda: check(requests, one))
    timeline.run()
