"""Random sequences of joins, leaves, crashes, messages, edits, reactions, webhooks, moderation, locks, and of closing.

Counts, texts and reactions stay exact, no acknowledged message is lost, no deleted, removed or locked-out one comes
back, nobody does what their role does not allow, and muted members say nothing.

`make fuzz` runs this with more and longer sequences.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
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
    precondition,
    rule,
    run_state_machine_as_test,
)

import app as chat_app
from chalicelib import limits
from chalicelib import settings as chat_settings
from chalicelib.auth.identity import Credentials
from chalicelib.chat import history, messages, room_list, webhooks
from chalicelib.chat.broadcast import retry_removal
from chalicelib.chat.erasure import erase, erase_messages
from chalicelib.delivery import jobs
from chalicelib.errors import WebhookNotFound
from chalicelib.storage.models import Connection, Reactions, Room, RoomSequence
from tests.support.dynamodb import CONFLICTS, Database, inject_faults
from tests.support.effort import examples
from tests.support.gateway import GONE, Gateway
from tests.support.rooms import create_room
from tests.support.sockets import Socket, WebSocketEvents

BUDGET = settings(
    max_examples=examples(test=5, fuzz=100),
    stateful_step_count=examples(test=15, fuzz=40),
    derandomize=True,  # the same examples in every run
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


GRACE_SECONDS = 60
KEYS = ["1" * 22, "2" * 22, None]


@dataclass(eq=False)
class Visitor:
    """A connection, and who it is."""

    socket: Socket
    key: str | None
    is_owner: bool
    member_id: str

    @property
    def id(self) -> str:
        return self.socket.id


class RoomMachine(RuleBasedStateMachine):
    """One room from its creation to its expiry, and the messages that its members have seen acknowledged."""

    dynamodb: Database
    gateway: Gateway
    ws_event: WebSocketEvents

    members = Bundle("members")
    sent = Bundle("sent")
    taken = Bundle("taken")

    def __init__(self) -> None:
        super().__init__()
        self.tables = ExitStack()
        self.tables.enter_context(self.dynamodb.empty_tables())
        self.clock = time_machine.travel(datetime.now(UTC))
        self.now = self.clock.start()
        self.room = create_room("Tea")
        self.joined = 0
        self.waited = 0
        self.closed: set[str] = set()
        self.acknowledged: dict[str, int] = {}
        self.keys: dict[str, str | None] = {}
        self.passed = 0
        self.authors: dict[str, str] = {}
        self.deleted: set[str] = set()
        self.texts: dict[str, str] = {}
        self.reactions: dict[str, dict[str, set[str]]] = {}
        self.ids: dict[str, str] = {}
        self.banned_until: dict[str, datetime] = {}
        self.first_joined: dict[str, datetime] = {}
        self.locked_at: datetime | None = None
        self.admitted: set[str | None] = set()
        self.erased: set[str] = set()
        self.owners: set[str] = set()
        self.moderators: set[str] = set()
        self.muted_until: dict[str, datetime] = {}
        self.author_roles: dict[str, str | None] = {}
        self.hook = webhooks.create(self.room.room_id, self.room.owner_token or "", "Build")[1]
        self.posted: dict[str, int] = {}
        self.removals: list[jobs.Removal] = []
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(jobs, "enqueue_removal", lambda removal, **_: self.removals.append(removal))
        self.erasures: list[jobs.Erasure] = []
        self.patch.setattr(jobs, "enqueue_erasure", lambda erasure, **_: self.erasures.append(erasure))
        self.message_erasures: list[jobs.MessageErasure] = []
        self.patch.setattr(jobs, "enqueue_message_erasure", lambda erasure, **_: self.message_erasures.append(erasure))

    def teardown(self) -> None:
        self.patch.undo()
        self.clock.stop()
        self.tables.close()
        self.gateway.reset()

    def _alive(self) -> bool:
        return Room.get(self.room.room_id, consistent_read=True).is_alive

    @rule(target=members, key=st.sampled_from(KEYS), is_owner=st.booleans())
    def join(self, key: str | None, is_owner: bool) -> Any:
        self.joined += 1
        socket = Socket(self.ws_event, f"c{self.joined}")
        expected = self._expected_status(key, is_owner)
        owner = self.room.owner_token if is_owner else None
        status = socket.connect(roomId=self.room.room_id, key=key or "", owner=owner or "")
        assert status == expected
        if status != 200:
            return multiple()
        member_id = str(Connection.get(socket.id, consistent_read=True).member_id)
        if key is not None:
            assert self.ids.setdefault(key, member_id) == member_id
            self.first_joined.setdefault(key, datetime.now(UTC))
            self.admitted.add(key)
            self.owners |= {member_id} if is_owner else set()
        return Visitor(socket, key, is_owner, member_id)

    def _expected_status(self, key: str | None, is_owner: bool) -> int:
        if not self._alive():
            return 404
        is_banned = key is not None and datetime.now(UTC) < self.banned_until.get(key, datetime.min.replace(tzinfo=UTC))
        return 200 if is_owner or (self._is_admitted(key) and not is_banned) else 403

    def _is_admitted(self, key: str | None) -> bool:
        """Return whether the lock, if there is one, admits a member."""
        if self.locked_at is None or key in self.admitted:
            return True
        return key in self.first_joined and self.first_joined[key] <= self.locked_at - timedelta(minutes=5)

    @rule(member=consumes(members), times=st.integers(1, 3))
    def leave(self, member: Visitor, times: int) -> None:
        self._close(member.id)
        for _ in range(times):
            member.socket.disconnect()

    @rule(member=consumes(members))
    def drop(self, member: Visitor) -> None:
        """Close a connection without a `$disconnect`."""
        self._close(member.id)

    def _close(self, connection_id: str) -> None:
        self.closed.add(connection_id)
        self.gateway.respond(connection_id, GONE)

    @rule(target=sent, member=members, number=st.integers(0, 10**6))
    def send(self, member: Visitor, number: int) -> str:
        client_id = f"{member.id}-{number}"
        self.keys[client_id] = member.key
        self._say(member, client_id)
        return client_id

    @rule(member=members, client_id=sent)
    def send_again(self, member: Visitor, client_id: str) -> None:
        if member.key == self.keys[client_id]:  # for others it is another clientId
            self._say(member, client_id)

    def _say(self, member: Visitor, client_id: str) -> None:
        self.gateway.frames.clear()
        member.socket.say(f"text of {client_id}", clientId=client_id)
        for frame in self.gateway.frames[member.id]:
            if "error" in frame:
                code = frame["error"]["code"]
                assert (code == "muted") is (self._is_muted(member) and self._is_in_room(member))
                if code != "muted":
                    assert code == ("forbidden" if self._is_in_room(member) else "not_in_room")
                    assert client_id in self.deleted | self.erased or not self._is_in_room(member)
            elif frame["message"].get("clientId") == client_id:
                sequence = frame["message"]["sequence"]
                assert not self._is_muted(member)
                assert sequence > self.passed or client_id in self.acknowledged
                assert self.acknowledged.setdefault(client_id, sequence) == sequence
                self.authors.setdefault(client_id, frame["message"]["sender"]["id"])
                self.author_roles.setdefault(client_id, frame["message"]["sender"].get("role"))
                role = "owner" if member.is_owner else "moderator" if member.member_id in self.moderators else None
                assert client_id in self.acknowledged or frame["message"]["sender"].get("role") == role

    @staticmethod
    def _is_in_room(member: Visitor) -> bool:
        return Connection.count(member.id, consistent_read=True) == 1

    def _act(self, member: Visitor, action: str, **data: object) -> str | None:
        """Send a frame, and return the code of the error, if the response is one."""
        was_in_room = self._is_in_room(member)
        self.gateway.frames.clear()
        member.socket.send({"action": action, "data": data})
        codes = [frame["error"]["code"] for frame in self.gateway.frames[member.id] if "error" in frame]
        assert was_in_room or codes in (["not_in_room"], [])
        return codes[0] if codes else None if was_in_room else "not_in_room"

    @rule(member=members, client_id=sent)
    def delete(self, member: Visitor, client_id: str) -> None:
        if client_id not in self.acknowledged or not self._alive():
            return
        code = self._act(member, "deleteMessage", sequence=self.acknowledged[client_id])
        author = self.authors[client_id]
        is_plain = self.author_roles.get(client_id) is None and author not in self.moderators | self.owners
        is_allowed = member.is_owner or member.member_id == author or (member.member_id in self.moderators and is_plain)
        if code is None:
            assert is_allowed or client_id in self.deleted | self.erased
            if client_id not in self.erased:
                self.deleted.add(client_id)
        elif code == "forbidden":
            assert not is_allowed

    def _code_for_message(self, member: Visitor, client_id: str) -> str | None:
        """Return the code of the error if a member edits a message of its own, or reacts to one."""
        is_gone = client_id in self.deleted | self.erased
        return "muted" if self._is_muted(member) else "invalid_message" if is_gone else None

    @rule(member=members, client_id=sent, number=st.integers(0, 9))
    def edit(self, member: Visitor, client_id: str, number: int) -> None:
        if client_id not in self.acknowledged or not self._alive():
            return
        code = self._act(member, "editMessage", sequence=self.acknowledged[client_id], message=f"edit {number}")
        expected = self._code_for_message(member, client_id)
        if expected is None and self.authors[client_id] != member.member_id:
            expected = "forbidden"
        assert code in (expected, "not_in_room")
        if code is None:
            self.texts[client_id] = f"edit {number}"

    @rule(member=members, client_id=sent, reaction=st.sampled_from("👍🎉a"), remove=st.booleans())
    def react(self, member: Visitor, client_id: str, reaction: str, remove: bool) -> None:
        if client_id not in self.acknowledged or not self._alive():
            return
        sequence = self.acknowledged[client_id]
        code = self._act(member, "react", sequence=sequence, reaction=reaction, remove=remove)
        assert code in (self._code_for_message(member, client_id), "not_in_room")
        if code is None:
            ids = self.reactions.setdefault(client_id, {}).setdefault(reaction, set())
            (ids.discard if remove else ids.add)(member.member_id)

    @rule(member=members, is_locked=st.booleans())
    def lock(self, member: Visitor, is_locked: bool) -> None:
        code = self._act(member, "updateRoom", locked=is_locked)
        assert code == (None if member.is_owner else "forbidden") or code == "not_in_room"
        if code is None and not is_locked:
            self.locked_at = None
        elif code is None and self.locked_at is None:
            self.locked_at = datetime.now(UTC)
            connected = {row.member_id for row in Connection.scan(consistent_read=True)}
            self.admitted = {key for key, member_id in self.ids.items() if member_id in connected}

    def _code_for(self, member: Visitor, other: Visitor) -> str | None:
        """Return the code of the error if a member acts on another one as a moderator."""
        if not (member.is_owner or member.member_id in self.moderators):
            return "forbidden"
        if other.member_id in self.owners or other.member_id == member.member_id:
            return "invalid_message"
        return "forbidden" if other.member_id in self.moderators and not member.is_owner else None

    def _is_muted(self, member: Visitor) -> bool:
        until = self.muted_until.get(member.member_id)
        return until is not None and until > datetime.now(UTC)

    @rule(member=members, other=members, is_moderator=st.booleans())
    def set_role(self, member: Visitor, other: Visitor, is_moderator: bool) -> None:
        if other.key is None or other.member_id == member.member_id:
            return
        role = "moderator" if is_moderator else "member"
        code = self._act(member, "setRole", memberId=other.member_id, role=role)
        expected = "forbidden" if not member.is_owner else "invalid_message" if other.member_id in self.owners else None
        assert code in (expected, "not_in_room")
        if code is None and is_moderator:
            self.moderators.add(other.member_id)
        elif code is None:
            self.moderators.discard(other.member_id)

    @rule(member=members, other=members, seconds=st.sampled_from([0, 30]))
    def mute(self, member: Visitor, other: Visitor, seconds: int) -> None:
        if other.key is None:
            return
        code = self._act(member, "muteMember", memberId=other.member_id, seconds=seconds)
        assert code in (self._code_for(member, other), "not_in_room")
        if code is None:
            self.muted_until[other.member_id] = datetime.now(UTC) + timedelta(seconds=seconds)

    @rule(member=members, other=members)
    def unban(self, member: Visitor, other: Visitor) -> None:
        if other.key is None:
            return
        code = self._act(member, "unbanMember", memberId=other.member_id)
        assert code == (None if member.is_owner else "forbidden") or code == "not_in_room"
        if code is None:
            self.banned_until.pop(other.key, None)
            self.first_joined[other.key] = self.room.created_at - timedelta(minutes=5)

    @rule(member=members, other=members, with_messages=st.booleans())
    def remove(self, member: Visitor, other: Visitor, with_messages: bool) -> None:
        if other.key is None:
            return
        dropped = set(self.closed)
        code = self._act(member, "removeMember", memberId=other.member_id, deleteMessages=with_messages)
        assert code in (self._code_for(member, other), "not_in_room")
        if code is None:
            self.moderators.discard(other.member_id)
            if with_messages:
                self.erased |= {id_ for id_, author in self.authors.items() if author == other.member_id}
            self.banned_until[other.key] = datetime.now(UTC) + timedelta(seconds=limits.BAN_SECONDS)
            self.first_joined[other.key] = self.banned_until[other.key]
            self.admitted.discard(other.key)
            assert other.member_id not in {row.member_id for row in self._rows_except(dropped)}
            self._close_connections()

    @precondition(lambda self: self.joined > 4)
    @rule(member=members)
    def close_room(self, member: Visitor) -> None:
        dropped = set(self.closed)
        code = self._act(member, "closeRoom")
        assert code == (None if member.is_owner else "forbidden") or code == "not_in_room"
        if code is None:
            self._close_connections()
            assert not self._alive()
            assert self._rows_except(dropped) == []

    @staticmethod
    def _rows_except(dropped: set[str]) -> list[Connection]:
        """Return the connections in the table, without those that had broken before.

        While their `$connect` may be running, a removal leaves them to the next attempt.
        """
        return [row for row in Connection.scan(consistent_read=True) if row.connection_id not in dropped]

    @rule()
    def retry_removals(self) -> None:
        while self.removals:
            retry_removal(chat_app.websocket_api, self.removals.pop())
        while self.erasures:
            erase(self.erasures.pop())
        while self.message_erasures:
            erase_messages(self.message_erasures.pop())

    def _close_connections(self) -> None:
        for connection_id in self.gateway.closed:
            self._close(connection_id)

    @rule(number=st.integers(0, 3))
    def post(self, number: int) -> None:
        """Send a message through a webhook, perhaps again."""
        client_id = f"build-{number}"
        try:
            sequence = int(
                next(webhooks.store_messages(webhooks.find(self.hook), f"build {number}", client_id)).sequence
            )
        except WebhookNotFound:
            assert not self._alive()
        else:
            assert self._alive()
            assert self.posted.setdefault(client_id, sequence) == sequence

    @rule(target=taken)
    def take_sequence(self) -> Any:
        """Take a sequence that may get its message late, or never, as after a crash."""
        if not self._alive():
            return multiple()
        return messages.take_sequence(self.room.room_id), datetime.now(UTC)

    @rule(member=members, taken=consumes(taken))
    def send_late(self, member: Visitor, taken: tuple[RoomSequence, datetime]) -> None:
        """Store a message under a sequence that readers may have passed."""
        counter, taken_at = taken
        sequence = int(counter.last_sequence)
        is_in_time = datetime.now(UTC) - taken_at < timedelta(seconds=limits.MAX_FUNCTION_SECONDS)
        if is_in_time and self._is_in_room(member) and self._alive():
            client_id, sender = f"late-{sequence}", Connection.get(member.id, consistent_read=True)
            stored = int(messages.store(sender, "late", client_id, counter).sequence)
            assert stored > self.passed
            assert stored == sequence or sequence <= self.passed
            self.acknowledged[client_id] = stored
            self.authors[client_id] = member.member_id

    @rule(seconds=st.sampled_from([1, 31, GRACE_SECONDS + 1]))
    def wait(self, seconds: int) -> None:
        # The same clientId may be a new message later.
        if self.waited + seconds < limits.IDEMPOTENCY_TTL_SECONDS:
            self.waited += seconds
            self.now.shift(timedelta(seconds=seconds))

    @invariant()
    def member_count_equals_the_number_of_connections(self) -> None:
        assert Room.get(self.room.room_id, consistent_read=True).member_count == Connection.count()

    @invariant()
    def room_is_listed_while_it_is_new_or_has_members(self) -> None:
        listed, _ = room_list.list_public(10, None)
        assert [room.room_id for room in listed] == (
            [self.room.room_id] if self._alive() and (Connection.count() or not self.joined) else []
        )

    @invariant()
    def history_has_each_acknowledged_message_once_and_in_order(self) -> None:
        if not self._alive():
            return
        read, position, limit = [], 0, 7
        while True:
            page = history.read(
                self.room.room_id, position, None, limit, Credentials(owner_token=self.room.owner_token)
            )
            read += page.messages
            if page.next_after is not None:
                position = page.next_after
            elif len(page.messages) == limit:
                position = int(page.messages[-1].sequence)
            else:
                break
        self.passed = page.last_sequence
        sequences = [message.sequence for message in read]
        assert sequences == sorted(set(sequences))
        posted = [int(message.sequence) for message in read if message.sender_is_bot]
        assert posted == sorted(self.posted.values())
        said = [message for message in read if message.event is None and not message.sender_is_bot]
        stored = {message.client_id: message.sequence for message in said}
        assert len(stored) == len(said)
        gone = self.deleted | self.erased
        assert stored == {id_: sequence for id_, sequence in self.acknowledged.items() if id_ not in gone}
        texts = {message.client_id: message.text for message in said if not message.client_id.startswith("late-")}
        assert texts == {id_: self.texts.get(id_, f"text of {id_}") for id_ in texts}
        for message in said:
            found = {} if message.reactions is None else message.reactions.members
            reacted = self.reactions.get(message.client_id, {})
            assert found == {reaction: ids for reaction, ids in reacted.items() if ids}
            assert message.reactions is None or message.reactions.total == sum(map(len, found.values()))
        keys = [(self.room.room_id, Reactions.sort_key_of(self.acknowledged[client_id])) for client_id in self.deleted]
        assert not any(row.members for row in Reactions.batch_get(keys, consistent_read=True))
        targets = [message.details["target"] for message in read if message.event == "deleted"]
        assert sorted(targets) == sorted(self.acknowledged[client_id] for client_id in self.deleted)


def test_room_stays_consistent_in_any_sequence_of_events(
    gateway: Gateway,
    ws_event: WebSocketEvents,
    dynamodb: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(chat_settings, "WINDOW_SECONDS", 0)
    parts = {"dynamodb": dynamodb, "gateway": gateway, "ws_event": staticmethod(ws_event)}
    machine = type("RoomMachine", (RoomMachine,), parts)
    monkeypatch.setattr(chat_settings, "EMPTY_ROOM_GRACE_SECONDS", GRACE_SECONDS)
    monkeypatch.setattr(limits, "SETTLE_SECONDS", 2 * limits.MAX_FUNCTION_SECONDS)
    chance = Random(7)
    inject_faults(
        monkeypatch, lambda operation, _: "conflict" if chance.random() < CONFLICTS.get(operation, 0) else None
    )
    run_state_machine_as_test(machine, settings=BUDGET)
    output = capsys.readouterr().out
    assert output.count('"faults": ') == output.count('"faults": 0') > 0
