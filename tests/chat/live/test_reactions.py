"""Reactions to messages."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from chalice.test import Client

from chalicelib import limits, settings
from chalicelib.chat import reactions
from chalicelib.delivery import jobs
from chalicelib.errors import InvalidInput
from chalicelib.storage.models import Connection, Message, Reactions, Room
from chalicelib.websocket.dispatch import Context
from tests.support.dynamodb import Crash, WriteUnits
from tests.support.gateway import Gateway
from tests.support.messages import items, stored_items
from tests.support.moderation import BOS, Sockets, act, complete, error_code, member_id
from tests.support.sockets import Socket

LETTERS = "abcdefghijklmnop"


def summary(*found: tuple[str, list[str]], version: int, target: int = 1) -> dict[str, Any]:
    counts = [{"reaction": kind, "count": len(ids), "members": sorted(ids)} for kind, ids in found]
    return {"reactions": {"target": target, "reactions": counts, "version": version}}


def listed(client: Client, room: Room, query: str = "after=0") -> Any:
    """Return the reactions in the history by the sequence of their message."""
    return {item["sequence"]: item["reactions"] for item in items(client, room, query) if "reactions" in item}


def crash(*_: object, **__: object) -> None:
    raise Crash


@pytest.fixture
def lose(monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller) -> Callable[..., None]:
    """Return a function that reacts in a large room, and crashes before the summary is in the queue."""

    def lose(member: Socket, **data: Any) -> None:
        monkeypatch.setattr(settings, "FANOUT_BATCH", 1)
        with monkeypatch.context() as patch:
            patch.setattr(jobs, "enqueue_later", crash)
            with pytest.raises(Crash):
                act(member, "react", **data)
        clock.shift(reactions.SUMMARY_SECONDS)

    return lose


def row_of(room: Room, sequence: int = 1) -> Reactions:
    return Reactions.get(room.room_id, Reactions.sort_key_of(sequence), consistent_read=True)


def test_reaction_reaches_everyone_and_is_in_the_history(
    bo: Socket, aki: Socket, room: Room, gateway: Gateway, client: Client
) -> None:
    act(aki, "react", sequence=1, reaction="👍")
    first = summary(("👍", [member_id("a")]), version=1)
    assert gateway.frames == {"a": [first], "b": [first]}
    act(bo, "react", sequence=1, reaction="👍")
    act(bo, "react", sequence=1, reaction=":tada:")
    both = [member_id("a"), member_id("b")]
    assert gateway.frames["a"][-1] == summary(("👍", both), (":tada:", both[1:]), version=3)
    assert listed(client, room) == {1: gateway.frames["a"][-1]["reactions"]["reactions"]}


def test_repeated_reaction_counts_once(bo: Socket, gateway: Gateway) -> None:
    for _ in range(3):
        act(bo, "react", sequence=1, reaction="👍")
    assert gateway.frames["b"] == gateway.frames["a"] == [summary(("👍", [member_id("b")]), version=1)] * 3


def test_reaction_is_removed_and_others_stay(
    bo: Socket, aki: Socket, room: Room, gateway: Gateway, client: Client
) -> None:
    for member in (aki, bo):
        act(member, "react", sequence=1, reaction="👍")
    act(bo, "react", sequence=1, reaction="🎉")
    for reaction in ("👍", "🎉"):
        act(bo, "react", sequence=1, reaction=reaction, remove=True)
    assert gateway.frames["b"][-1] == summary(("👍", [member_id("a")]), version=5)
    assert row_of(room).kinds == {"👍"}
    act(aki, "react", sequence=1, reaction="👍", remove=True)
    assert gateway.frames["a"][-1] == summary(version=6)
    assert listed(client, room) == {}


def test_removal_from_a_message_that_never_had_a_reaction_stores_nothing_and_reaches_its_sender_alone(
    bo: Socket, room: Room, gateway: Gateway
) -> None:
    act(bo, "react", sequence=1, reaction="👍", remove=True)
    assert gateway.frames == {"b": [summary(version=0)]}
    with pytest.raises(Reactions.DoesNotExist):
        row_of(room)


def test_repeated_removal_reaches_those_who_have_missed_the_first_in_a_crash(
    bo: Socket, aki: Socket, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    for member in (aki, bo):
        act(member, "react", sequence=1, reaction="👍")
    gateway.frames.clear()
    with monkeypatch.context() as patch:
        patch.setattr(Context, "broadcast", crash)
        with pytest.raises(Crash):
            act(bo, "react", sequence=1, reaction="👍", remove=True)
    assert gateway.frames == {}
    act(bo, "react", sequence=1, reaction="👍", remove=True)
    rest = summary(("👍", [member_id("a")]), version=3)
    assert gateway.frames == {"a": [rest], "b": [rest]}


def test_repeated_removal_in_a_large_room_brings_what_a_crash_has_lost(
    bo: Socket, aki: Socket, gateway: Gateway, client: Client, queue: Any, lose: Callable[..., None]
) -> None:
    act(bo, "react", sequence=1, reaction="👍")
    lose(bo, sequence=1, reaction="👍", remove=True)
    act(bo, "react", sequence=1, reaction="👍", remove=True)
    complete(client, queue)
    assert gateway.frames["a"][-1] == summary(version=2)


VALID = [
    "👍",
    "👍🏽",
    "👨\u200d👩\u200d👧\u200d👦",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "🇯🇵",
    "❤️",
    "1️⃣",
    "é",
    "é",
    "ね",
    "क्षि",
    "a",
    "+",
    *[".", "[", "]", "[\u0308", "%", "#", "\\", "'"],
    ":tada:",
    ":+1:",
    ":e-mail_1:",
]
INVALID = [
    "",
    " ",
    "👍 ",
    ": :",
    ":a b:",
    "\n",
    *["ab", "👍👍", "🇯🇵🇩🇪", "\u200b", "\u200d", "️", "ㅤ", "⠀", "a\x00", "\u202e", "::", ":é:"],
]
INVALID += ["n\u200do", "👍\u200da", "🇯\u200d🇵"]
INVALID += [":abcdefghijklmno:", "e" + "\u0301" * 16, "\ud83d"]


@pytest.mark.parametrize("reaction", VALID)
def test_one_visible_character_or_a_name_is_a_reaction(bo: Socket, gateway: Gateway, reaction: str) -> None:
    act(bo, "react", sequence=1, reaction=reaction)
    assert gateway.frames["b"][-1] == summary((reaction, [member_id("b")]), version=1)


@pytest.mark.parametrize("reaction", [*INVALID, 5, None, ["👍"], {}])
def test_anything_else_is_rejected(bo: Socket, room: Room, gateway: Gateway, client: Client, reaction: object) -> None:
    act(bo, "react", sequence=1, reaction=reaction)
    assert error_code(gateway, "b") == "invalid_message"
    assert listed(client, room) == {}


@pytest.mark.parametrize("sequence", [2, 3, 99])
def test_only_messages_get_reactions(bo: Socket, aki: Socket, gateway: Gateway, sequence: int) -> None:
    act(aki, "updateRoom", roomName="Coffee")
    bo.say("deleted")
    act(bo, "deleteMessage", sequence=3)
    for remove in (False, True):
        act(bo, "react", sequence=sequence, reaction="👍", remove=remove)
        assert error_code(gateway, "b") == "invalid_message"


def test_message_has_at_most_12_different_reactions(bo: Socket, aki: Socket, gateway: Gateway) -> None:
    for letter in LETTERS[:12]:
        act(bo, "react", sequence=1, reaction=letter)
    act(bo, "react", sequence=1, reaction=LETTERS[12])
    assert gateway.frames["b"][-1]["error"]["message"] == "a message can have at most 12 different reactions"
    act(aki, "react", sequence=1, reaction=LETTERS[0])
    assert gateway.frames["a"][-1]["reactions"]["reactions"][0]["count"] == 2
    act(bo, "react", sequence=1, reaction=LETTERS[1], remove=True)
    act(aki, "react", sequence=1, reaction=LETTERS[12])
    assert len(gateway.frames["a"][-1]["reactions"]["reactions"]) == 12


def test_message_has_at_most_1000_reactions(
    bo: Socket, aki: Socket, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_REACTIONS", 2)
    act(aki, "react", sequence=1, reaction="👍")
    act(bo, "react", sequence=1, reaction="👍")
    act(bo, "react", sequence=1, reaction="🎉")
    assert error_code(gateway, "b") == "too_large"
    assert row_of(room).kinds == {"👍"}
    act(bo, "react", sequence=1, reaction="👍")
    assert gateway.frames["b"][-1]["reactions"]["reactions"][0]["count"] == 2


def test_repeated_reaction_stays_although_there_are_too_many(
    bo: Socket, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_REACTIONS", 1)
    ids = {member_id("b"), "8hVt2mQwXz0sY4bN"}
    Reactions(room.room_id, Reactions.sort_key_of(1)).update(
        [Reactions.members_of("👍").add(ids), Reactions.kinds.add({"👍"}), Reactions.total.add(2)]
    )
    act(bo, "react", sequence=1, reaction="👍")
    assert gateway.frames["b"][-1]["reactions"]["reactions"][0]["count"] == 2
    assert row_of(room).members == {"👍": ids}


def test_removed_reactions_do_not_count(
    bo: Socket, aki: Socket, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_REACTIONS", 1)
    for remove in (False, True, True):
        act(bo, "react", sequence=1, reaction="👍", remove=remove)
    act(aki, "react", sequence=1, reaction="🎉")
    assert row_of(room).members == {"🎉": {member_id("a")}}
    act(bo, "react", sequence=1, reaction="🎉")
    assert error_code(gateway, "b") == "too_large"


def test_summary_lists_at_most_20_members_and_in_the_history_the_reader_first(
    bo: Socket, room: Room, gateway: Gateway, client: Client
) -> None:
    ids = {f"{number:016}" for number in range(25)}
    Reactions(room.room_id, Reactions.sort_key_of(1)).update(
        [Reactions.members_of("👍").add(ids), Reactions.kinds.add({"👍"})]
    )
    act(bo, "react", sequence=1, reaction="👍")
    ((found),) = gateway.frames["b"][-1]["reactions"]["reactions"]
    assert (found["count"], len(found["members"])) == (26, 20)
    ((own),) = listed(client, room, f"after=0&key={BOS}")[1]
    assert (own["count"], len(own["members"]), own["members"][0]) == (26, 20, member_id("b"))


def test_deletion_of_a_message_leaves_no_reaction(bo: Socket, room: Room, gateway: Gateway, client: Client) -> None:
    act(bo, "react", sequence=1, reaction="👍")
    act(bo, "deleteMessage", sequence=1)
    assert "👍" not in stored_items()
    assert (row_of(room).members, row_of(room).kinds) == ({}, None)
    assert listed(client, room) == {}


def test_reaction_that_is_stored_after_the_deletion_is_rejected(
    bo: Socket, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, sender = reactions.messages.find_message, Connection.get("b", consistent_read=True)

    def find_and_delete(room_id: str, sequence: int) -> Message:
        found = find(room_id, sequence)
        act(bo, "deleteMessage", sequence=sequence)
        return found

    monkeypatch.setattr(reactions.messages, "find_message", find_and_delete)
    with pytest.raises(InvalidInput, match="sequence must be that of a message in this room"):
        reactions.react(sender, 1, "👍")
    assert row_of(room).members == {}


def test_removal_with_messages_leaves_no_reaction_to_them(
    bo: Socket, aki: Socket, room: Room, client: Client, queue: Any
) -> None:
    act(aki, "react", sequence=1, reaction="👍")
    act(aki, "removeMember", memberId=member_id("b"), deleteMessages=True)
    complete(client, queue)
    assert row_of(room).members == {}


def test_concurrent_reactions_are_all_counted(bo: Socket, socket: Sockets, room: Room) -> None:
    """Those of the same reaction, and those that remove the last one of another."""
    ids = [f"c{number}" for number in range(8)]
    for id_ in ids:
        socket(id_).connect(roomId=room.room_id)
    senders = [Connection.get(id_, consistent_read=True) for id_ in ids]
    start = threading.Barrier(len(ids))

    def toggle(sender: Connection) -> None:
        start.wait(10)
        for remove in (False, True, False):
            reactions.react(sender, 1, "👍", remove=remove)

    with ThreadPoolExecutor(len(ids)) as executor:
        list(executor.map(toggle, senders))
    assert row_of(room).members == {"👍": {sender.member_id for sender in senders}}
    assert row_of(room).kinds == {"👍"}


def test_muted_member_cannot_react(bo: Socket, aki: Socket, gateway: Gateway) -> None:
    act(aki, "muteMember", memberId=member_id("b"), seconds=60)
    act(bo, "react", sequence=1, reaction="👍")
    assert error_code(gateway, "b") == "muted"


def test_reaction_costs_2_write_units(bo: Socket, aki: Socket, room: Room, write_units: WriteUnits) -> None:
    others = {f"{number:016}" for number in range(51)}
    Reactions(room.room_id, Reactions.sort_key_of(1)).update(
        [Reactions.members_of("👍").add(others), Reactions.kinds.add({"👍"})]
    )
    for member, remove in ((aki, False), (bo, False), (bo, True)):
        write_units.clear()
        act(member, "react", sequence=1, reaction="👍", remove=remove)
        assert write_units.total() == 2
        assert 900 < write_units.largest <= 1_024


def test_history_costs_one_query_more_for_all_reactions(
    bo: Socket, room: Room, client: Client, requests: Counter[str]
) -> None:
    for number in range(2, 6):
        bo.say(f"message {number}")
        act(bo, "react", sequence=number, reaction="👍")
    requests.clear()
    assert listed(client, room).keys() == {2, 3, 4, 5}
    assert requests == {"GetItem": 1, "Query": 3}


def test_history_contains_reactions_beyond_the_first_megabyte(bo: Socket, room: Room, client: Client) -> None:
    for number in range(2, 5):
        bo.say(f"message {number}")
    for sequence in range(1, 4):
        kinds = {f"{number:01000}" for number in range(390)}
        expires_at = datetime.now(UTC) + timedelta(minutes=1)
        Reactions(room.room_id, Reactions.sort_key_of(sequence), kinds=kinds, expires_at=expires_at).save()
    act(bo, "react", sequence=4, reaction="👍")
    assert listed(client, room).keys() == {4}


def test_large_room_gets_one_summary_in_2_seconds(
    bo: Socket, aki: Socket, room: Room, gateway: Gateway, client: Client, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last state reaches everyone. The one who reacts sees it at once."""
    monkeypatch.setattr(settings, "FANOUT_BATCH", 1)
    for member, reaction in ((aki, "👍"), (bo, "👍"), (bo, "🎉")):
        act(member, "react", sequence=1, reaction=reaction)
    assert [len(gateway.frames[id_]) for id_ in ("a", "b")] == [1, 2]
    gateway.reset()
    assert complete(client, queue) == 3  # the summary, and two batches of one connection
    last = summary(("👍", [member_id("a"), member_id("b")]), ("🎉", [member_id("b")]), version=3)
    assert gateway.frames == {"a": [last], "b": [last]}


def test_reaction_brings_what_a_crash_before_the_queue_has_lost(
    bo: Socket, aki: Socket, gateway: Gateway, client: Client, queue: Any, lose: Callable[..., None]
) -> None:
    lose(aki, sequence=1, reaction="👍")
    act(bo, "react", sequence=1, reaction="🎉")
    complete(client, queue)
    last = summary(("🎉", [member_id("b")]), ("👍", [member_id("a")]), version=2)
    assert (gateway.frames["a"][-1], gateway.frames["b"][-1]) == (last, last)


def test_removal_of_what_is_not_there_stores_nothing_in_a_large_room(
    bo: Socket, aki: Socket, room: Room, client: Client, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "FANOUT_BATCH", 1)
    act(bo, "react", sequence=1, reaction="👍", remove=True)
    assert Reactions.find(room.room_id, Reactions.sort_key_of(1)) is None
    assert complete(client, queue) == 0
    assert listed(client, room) == {}


def test_summary_of_a_deleted_message_is_not_sent(
    bo: Socket, aki: Socket, gateway: Gateway, client: Client, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(settings, "FANOUT_BATCH", 1)
        act(aki, "react", sequence=1, reaction="👍")
    act(bo, "deleteMessage", sequence=1)
    gateway.reset()
    assert complete(client, queue) == 1
    assert gateway.frames == {}
