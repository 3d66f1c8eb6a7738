"""Random sequences of joins, leaves, crashes and messages: counts stay exact, and no acknowledged message is lost.

`make fuzz` runs this with more and longer sequences.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from chalicelib import messages, rooms
from chalicelib import settings as chat_settings
from chalicelib.storage.models import Connection, Room
from tests.conftest import Socket, WebSocketEvents
from tests.dynamodb import CONFLICTS, empty_tables, inject_faults
from tests.effort import examples
from tests.gateway import GONE, Gateway

BUDGET = settings(
    max_examples=examples(test=6, fuzz=100),
    stateful_step_count=examples(test=15, fuzz=40),
    deadline=None,
    derandomize=True,  # the same examples in every run
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


class RoomMachine(RuleBasedStateMachine):
    """One room from its creation to its expiry, and the messages that its members have seen acknowledged."""

    gateway: Gateway
    ws_event: WebSocketEvents

    members = Bundle("members")
    sent = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        self.tables = ExitStack()
        self.tables.enter_context(empty_tables())
        self.clock = time_machine.travel(datetime.now(UTC))
        self.now = self.clock.start()
        self.room = rooms.create("Tea")
        self.joined = 0
        self.closed: set[str] = set()
        self.acknowledged: dict[str, int] = {}

    def teardown(self) -> None:
        self.clock.stop()
        self.tables.close()
        self.gateway.reset()

    def _alive(self) -> bool:
        return Room.get(self.room.room_id, consistent_read=True).is_alive

    @rule(target=members)
    def join(self) -> Any:
        self.joined += 1
        member = Socket(self.ws_event, f"c{self.joined}")
        was_alive = self._alive()
        status = member.connect(roomId=self.room.room_id)
        assert status == (200 if was_alive else 404)
        return member if status == 200 else multiple()

    @rule(member=consumes(members), times=st.integers(1, 3))
    def leave(self, member: Socket, times: int) -> None:
        self.closed.add(member.id)
        self.gateway.answer(member.id, GONE)
        for _ in range(times):
            member.disconnect()

    @rule(member=consumes(members))
    def drop(self, member: Socket) -> None:
        """Close a connection without a `$disconnect`."""
        self.closed.add(member.id)
        self.gateway.answer(member.id, GONE)

    @rule(target=sent, member=members, number=st.integers(0, 10**6))
    def send(self, member: Socket, number: int) -> str:
        client_id = f"{member.id}-{number}"
        self._say(member, client_id)
        return client_id

    @rule(member=members, client_id=sent)
    def send_again(self, member: Socket, client_id: str) -> None:
        self._say(member, client_id)

    def _say(self, member: Socket, client_id: str) -> None:
        self.gateway.frames.clear()
        member.say(f"text of {client_id}", clientId=client_id)
        for frame in self.gateway.frames[member.id]:
            if "error" in frame:
                assert frame["error"]["code"] == "not_in_room"
                assert Connection.count(member.id, consistent_read=True) == 0
            elif frame["message"].get("clientId") == client_id:
                sequence = frame["message"]["sequence"]
                assert self.acknowledged.setdefault(client_id, sequence) == sequence

    @rule()
    def crash_between_the_writes_of_a_message(self) -> None:
        messages.take_sequence(self.room.room_id)

    @rule(seconds=st.sampled_from([1, 31, 61]))
    def wait(self, seconds: int) -> None:
        self.now.shift(timedelta(seconds=seconds))

    @invariant()
    def member_count_equals_the_number_of_connections(self) -> None:
        assert Room.get(self.room.room_id, consistent_read=True).member_count == Connection.count()

    @invariant()
    def room_is_listed_while_it_is_new_or_has_members(self) -> None:
        listed, _ = rooms.list_public(10, None)
        assert [room.room_id for room in listed] == (
            [self.room.room_id] if self._alive() and (Connection.count() or not self.joined) else []
        )

    @invariant()
    def history_has_each_acknowledged_message_once_and_in_order(self) -> None:
        if not self._alive():
            return
        history, position = [], 0
        while position < (page := messages.history(self.room.room_id, position, None, 7)).last_sequence:
            history += page.messages
            if not page.messages:
                break
            position = int(page.messages[-1].sequence)
        sequences = [message.sequence for message in history]
        assert sequences == sorted(set(sequences))
        stored = {message.client_id: message.sequence for message in history}
        assert len(stored) == len(history)
        assert stored == self.acknowledged


def test_room_stays_consistent_in_any_sequence_of_events(
    gateway: Gateway,
    ws_event: WebSocketEvents,
    dynamodb: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # No rate limit, and small rows, which moto copies often.
    monkeypatch.setattr(chat_settings, "WINDOW_SECONDS", 0)
    monkeypatch.setattr(chat_settings, "MESSAGES_PER_WINDOW", 1)
    machine = type("RoomMachine", (RoomMachine,), {"gateway": gateway, "ws_event": staticmethod(ws_event)})
    assert chat_settings.EMPTY_ROOM_GRACE_SECONDS == 1_800
    chance = Random(7)
    inject_faults(
        monkeypatch, lambda operation, _: "conflict" if chance.random() < CONFLICTS.get(operation, 0) else None
    )
    run_state_machine_as_test(machine, settings=BUDGET)
    output = capsys.readouterr().out
    assert output.count('"faults": ') == output.count('"faults": 0') > 0
